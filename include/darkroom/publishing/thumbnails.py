"""A thumbnail: a small JPEG of an image of any kind, which is looked at again once it is written."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyvips

from darkroom.failures import DecodeFailed, ValidateFailed, WriteFailed
from darkroom.imaging.formats import Format, format_of
from darkroom.imaging.opening import look, prepare
from darkroom.imaging.source import Pixels, Source, damage, in_memory, pixels_of, said

_BMP_HEADERS = frozenset({12, 16, 40, 52, 56, 64, 108, 124})
"""The sizes that a BMP's second header may have, which its byte 14 says (https://en.wikipedia.org/wiki/BMP_file_format)."""
_WHITE = 255
_CELL = 16  # pixels of a side: what a JPEG may keep one colour for, and the mean of which it keeps at any quality
_BRIGHTNESS = np.array([0.299, 0.587, 0.114])  # of red, green and blue, which a JPEG keeps best (ITU-R BT.601)


@dataclass(frozen=True, slots=True)
class _Leave:
    """How far a codec may take the cells of an image, of 255: in the mean of all of them, and in any one."""

    brightness: tuple[float, float]
    colour: tuple[float, float]


# measured with noise, stripes and blocks of pure colours, which a JPEG keeps worst: at most 9 and 12, 10 and 37 from
# the quality 50 on, 18 and 20, 22 and 47 below. Photographs stay below 2.
_LEAVE = _Leave((12, 20), (14, 56))
_LEAVE_BELOW_50 = _Leave((20, 32), (28, 64))


def is_image(beginning: bytes) -> bool:
    """Does a file that begins so (with `formats.BEGINNING` bytes, or all that it has) hold what is read as an image?

    A text may begin with `BM` as a BMP does, so that of such a file the header is looked at as well.
    """
    try:
        found = format_of(beginning)
    except DecodeFailed:
        return False
    return found is not Format.BMP or int.from_bytes(beginning[14:18], "little") in _BMP_HEADERS


def thumbnail(file: Path, longest: int, quality: int, max_pixels: int) -> bytes:
    """A JPEG of the image: upright, sRGB, on white, without metadata, at most `longest` pixels on its longer side.

    It is never enlarged. `quality` is libjpeg's, from 1 to 100. The same file gives the same bytes with the same
    libvips. Raises `DecodeFailed` for what is no image, damaged, or of more than `max_pixels`, `WriteFailed` for a size
    that no JPEG has, and `ValidateFailed` where the JPEG does not show the image.
    """
    source = look(file, max_pixels)
    pixels = _decoded(source, *_fitted(source.width, source.height, longest))
    written = _written(pixels, quality)
    if wrong := unlike(written, pixels, quality):
        raise ValidateFailed(f"its thumbnail is wrong: {wrong}")
    return written


def unlike(jpeg: bytes, pixels: Pixels, quality: int) -> str:
    """What is wrong with a JPEG of `pixels` (height, width, 3), in half a sentence; empty where it shows them.

    The means of their cells are compared, which a codec hardly changes: another, turned, shifted or partly grey picture
    differs by more.
    """
    try:
        found = pyvips.Image.jpegload_buffer(jpeg, fail_on="warning").numpy()
    except pyvips.Error as error:
        return f"it cannot be decoded: {damage(error)}"
    if found.shape != pixels.shape:
        (height, width), (due_height, due_width) = found.shape[:2], pixels.shape[:2]
        return f"it is {width} x {height} instead of {due_width} x {due_height} pixels, or not in colour"
    apart = _cells(found) - _cells(pixels)
    leave = _LEAVE if quality >= 50 else _LEAVE_BELOW_50
    for what, by, (mean, most) in (
        ("brightness", np.abs(apart @ _BRIGHTNESS), leave.brightness),
        ("colour", np.abs(apart), leave.colour),
    ):
        if by.mean() > mean or by.max() > most:
            return f"its {what} differs from the image's by {by.mean():.0f} of 255 in the mean, {by.max():.0f} at most"
    return ""


def _fitted(width: int, height: int, longest: int) -> tuple[int, int]:
    """The size of an image whose longer side has at most `longest` pixels.

    >>> _fitted(3000, 2000, 300), _fitted(20, 10, 300), _fitted(90_000, 3, 300)
    ((300, 200), (20, 10), (300, 1))
    """
    scale = min(1.0, longest / max(width, height))
    return max(1, math.floor(width * scale + 0.5)), max(1, math.floor(height * scale + 0.5))


def _decoded(source: Source, width: int, height: int) -> Pixels:
    """The image's pixels, all of them there. Raises `DecodeFailed`."""
    image = prepare(source, width, height)
    if image.hasalpha():
        image = image.flatten(background=_WHITE)
    try:
        return pixels_of(image)[0]
    except pyvips.Error as error:
        raise DecodeFailed(f"it cannot be decoded: {damage(error)}") from None


def _written(pixels: Pixels, quality: int) -> bytes:
    try:
        # progressive, as a page shows it sooner, and it is smaller
        written: bytes = in_memory(pixels, None).image.jpegsave_buffer(
            Q=quality, keep="none", interlace=True, optimize_coding=True
        )
    except pyvips.Error as error:
        raise WriteFailed(f"its thumbnail cannot be written: {said(error)}") from None
    return written


def _cells(pixels: Pixels) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    """The means of blocks of `_CELL` pixels a side; the last ones may have fewer."""
    sums = pixels.astype(np.float64)
    for axis in (0, 1):
        starts = np.arange(0, pixels.shape[axis], _CELL)
        counts = np.diff(np.append(starts, pixels.shape[axis]))
        sums = np.add.reduceat(sums, starts, axis) / counts.reshape([-1 if axis == n else 1 for n in range(3)])
    return sums
