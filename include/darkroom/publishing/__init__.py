"""Pictures for the web: thumbnails of images, and WordPress sites where they are posted (docs/wordpress.md)."""
