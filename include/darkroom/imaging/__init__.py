"""Opening, reducing and encoding: what several flows do with images."""
