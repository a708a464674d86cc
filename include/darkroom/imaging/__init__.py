"""What several flows know of image files."""
