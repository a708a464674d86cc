"""The formats that need more than libvips' own loader: what each file may say, and how it is read whole."""
