"""BMP, by Pillow: libvips reads it only through ImageMagick (ADR 11)."""

from pathlib import Path
from typing import Any

import numpy as np
import pyvips

from darkroom.failures import DecodeFailed
from darkroom.imaging.formats import Format
from darkroom.imaging.source import Source, of_pixels, said

HELD = 12
"""Bytes of a pixel that are in memory to decode it, as measured: Pillow's, and the copies on their way to libvips."""


def look_at_bmp(path: Path) -> Source:
    """Read its header. Raises `DecodeFailed`."""
    with _bmp(path) as image:
        return Source(path, Format.BMP, image.width, image.height, held=HELD * image.width * image.height)


def read_bmp(path: Path) -> pyvips.Image:
    """All of it. Raises `DecodeFailed`."""
    with _bmp(path) as image:
        try:
            plain = (
                image if image.mode in ("RGB", "RGBA") else image.convert("RGBA" if "A" in image.getbands() else "RGB")
            )
            pixels = np.asarray(plain)
        except (OSError, ValueError, SyntaxError) as error:
            raise DecodeFailed(f"it cannot be decoded: {said(error)}") from None
    return of_pixels(pixels)


def _bmp(path: Path) -> Any:
    from PIL import Image, UnidentifiedImageError

    Image.MAX_IMAGE_PIXELS = None  # ours is the limit, and only BMPs are opened
    try:
        return Image.open(path, formats=["BMP"])
    except (UnidentifiedImageError, OSError, ValueError) as error:
        raise DecodeFailed(f"it is a BMP that cannot be opened: {said(error)}") from None
