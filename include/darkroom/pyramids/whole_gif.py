"""Does a GIF hold all of its first picture? libvips leaves clear what is missing of it, and says nothing."""

from pathlib import Path

from darkroom.pyramids.failures import DecodeFailed


def require_whole_gif(path: Path) -> None:
    """Decode the first frame by Pillow, a byte a pixel. Raises `DecodeFailed` where its data end too soon."""
    from PIL import Image, UnidentifiedImageError

    Image.MAX_IMAGE_PIXELS = None  # ours is the limit, and it was looked at
    try:
        with Image.open(path, formats=["GIF"]) as image:
            image.load()
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError) as error:
        raise DecodeFailed(f"it cannot be decoded: its data are damaged ({error})".replace(str(path), "it")) from None
