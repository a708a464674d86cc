"""What is known of a file that can be opened as an image, and how libraries' complaints about it are said."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyvips

from darkroom.failures import DecodeFailed
from darkroom.imaging.drawings import DPI, POINTS
from darkroom.imaging.formats import VECTORS, Format

# each file is opened for one purpose: libvips would keep it open, and take a new file of the same name for the old one
pyvips.cache_set_max(0)

Pixels = np.ndarray[Any, np.dtype[np.uint8]]

_ICC = "icc-profile-data"  # libvips' name for it
_ERROR = ": load error"  # which says no more than that there was one
_LINES, _COLUMN = 2000, 700  # rows that are under way while an image is reduced, and bytes of a column beside them
_OF_ANY = 140 << 20  # bytes of rows that are planned for with any image
LONGEST = 150_000
"""Pixels of a side: the longest painted scroll (11.9 m) has 141,000 at 300 dpi, a JPEG has 65,500 at most.

TIFF and PNG could have 4 and 2 billion, and so could a file of some kilobytes: a row of 20,000,000 pixels takes 0.8 GiB
before anything is reduced. libpng's own limit is a million, libvips' a hundred.
"""
_PATH = re.compile(r'"/[^"]*"|(?<!\S)/\S+')


@dataclass(frozen=True, slots=True)
class Source:
    """A file that can be opened; `width` and `height` are those of the upright image, of a drawing at 300 dpi."""

    path: Path
    format: Format
    width: int
    height: int
    plain: bool = False
    """Is it in 8-bit sRGB or grey without a profile of its own, so that no colour has to be managed?"""
    held: int = 0
    """Bytes that are in memory at once to decode it, beside a stream's: for a format that cannot be decoded as one."""
    notes: tuple[str, ...] = field(default=())
    """What is not taken over, a sentence each."""

    @property
    def wide(self) -> int:
        """Bytes of its rows that are in memory while it is reduced, beyond those of any image (`wide`)."""
        return wide(self.width, self.height, self.format)


def require_size(what: str, width: int, height: int, max_pixels: int) -> None:
    """Raises `DecodeFailed` for an image that has more pixels than DARKROOM_MAX_SCAN_PIXELS, or a side of too many."""
    size = f"{width:,} x {height:,} pixels"
    if width * height > max_pixels:
        raise DecodeFailed(f"{what} has {size}, more than DARKROOM_MAX_SCAN_PIXELS allows ({max_pixels:,})")
    if max(width, height) > LONGEST:
        raise DecodeFailed(f"{what} is {size}, and a side has {LONGEST:,} at most; cut it into parts")


def wide(width: int, height: int, kind: Format) -> int:
    """Bytes of an image's rows that are in memory while it is reduced, beyond those of any image.

    Whole rows are decoded, and many of them for one row of the pyramid. Which side is stored as a row its orientation
    decides: the longer one counts. A JPEG is made smaller while it is decoded, and a drawing is drawn in its size.
    """
    if kind in (*VECTORS, Format.JPEG):
        return 0
    rows, across = sorted((width, height))
    return max(0, across * (4 * min(rows, _LINES) + _COLUMN) - _OF_ANY)


@dataclass(frozen=True, slots=True)
class Decoded:
    """The image of a pyramid's largest level, in memory once, for numpy and for libvips."""

    pixels: Pixels
    """(height, width, 3 or 4)"""
    image: pyvips.Image
    icc: bytes | None


def pixels_of(image: pyvips.Image) -> tuple[Pixels, bytes | None]:
    """Decode an opened image of 8 bits in sRGB: its pixels, and its ICC profile. Raises `pyvips.Error`."""
    icc = image.get(_ICC) if _ICC in image.get_fields() else None
    return image.numpy(), icc


def in_memory(pixels: Pixels, icc: bytes | None) -> Decoded:
    """What was decoded, which is not copied."""
    height, width, bands = pixels.shape
    image = pyvips.Image.new_from_memory(pixels, width, height, bands, "uchar").copy(interpretation="srgb")
    if icc:
        image.set_type(pyvips.GValue.blob_type, _ICC, icc)
    return Decoded(pixels, image, icc)


def said(error: Exception) -> str:
    """What a library says is wrong: one printable line, without this machine's paths and without a full stop."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    line = (_telling(lines) or lines or [type(error).__name__])[-1]
    line = "".join(char if char.isprintable() else " " for char in line[:400])
    return _PATH.sub("it", line).rstrip(".")


def damage(error: Exception) -> str:
    """The same of a file that cannot be decoded: where a decoder has only warned, libvips does not say of what."""
    return said(error) if _telling(str(error).splitlines()) else "its data are damaged"


def _telling(lines: list[str]) -> list[str]:
    """Libvips' own summary says only what it could not do, and not why."""
    empty = ("unable to ", "(")
    return [line for line in map(str.strip, lines) if line and not line.startswith(empty) and not line.endswith(_ERROR)]


def left_out(pages: int) -> tuple[str, ...]:
    """The note of a file of so many pages."""
    return (f"It has {pages:,} pages; only the first one is shown.",) if pages > 1 else ()


def at_dpi(points: float) -> int:
    """The pixels of a drawing's length in points."""
    return max(1, round(points * DPI / POINTS))


def of_pixels(pixels: np.ndarray[Any, Any]) -> pyvips.Image:
    """An image of (height, width, 3 or 4) samples of 8 bits in sRGB."""
    return pyvips.Image.new_from_array(pixels).copy(interpretation="srgb")
