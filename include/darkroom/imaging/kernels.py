"""The inner loops over pixels, compiled by numba, free of the GIL.

What is composed is premultiplied uint16 in which 65025 (255 * 255) is one: a layer's own `R * A` is exact in it, and
a blend is off by at most half a step, 0.002 of an 8-bit value.
"""

import numpy as np
import numpy.typing as npt
from numba import njit

U8 = npt.NDArray[np.uint8]
U16 = npt.NDArray[np.uint16]
U32 = npt.NDArray[np.uint32]
I64 = npt.NDArray[np.int64]

_ALPHA = np.array([0, 0, 0, 255], np.uint8).view(np.uint32)[0]  # of a pixel that is read as one number
_BLOCK = 64  # pixels that are looked at at once


@njit(cache=True, nogil=True)
def blend_row(below: U16, over: U8) -> None:
    """Lay a row of straight RGBA uint8 over a row of premultiplied uint16, in place."""
    for x in range(over.size // 4):
        # without a branch: the compiler makes vectors of it
        alpha = np.uint32(over[4 * x + 3])
        rest = np.uint32(255) - alpha
        for band in range(4):
            value = np.uint32(over[4 * x + band]) if band < 3 else np.uint32(255)
            under = (np.uint32(below[4 * x + band]) * rest + np.uint32(127)) // np.uint32(255)
            below[4 * x + band] = value * alpha + under


@njit(cache=True, nogil=True)
def premultiply_row(over: U8, row: U16) -> None:
    """Straight RGBA uint8 to premultiplied uint16, exactly: what blending it over nothing gives."""
    for x in range(over.size // 4):
        alpha = np.uint16(over[4 * x + 3])
        for band in range(4):
            value = np.uint16(over[4 * x + band]) if band < 3 else np.uint16(255)
            row[4 * x + band] = value * alpha


@njit(cache=True, nogil=True)
def any_painted(row: U32, lo: int, hi: int) -> bool:
    """Is a pixel of `row[lo:hi]` of alpha >= 1? Asks all of them, for that makes vectors."""
    seen = np.uint32(0)
    for x in range(np.uint64(lo), np.uint64(hi)):  # an index that may count from the end makes none
        seen = np.uint32(seen | row[x])  # and `|` alone gives 64 bits
    return bool(seen & _ALPHA)


@njit(cache=True, nogil=True)
def painted_box(pixels: U8) -> tuple[int, int, int, int]:
    """`(x0, y0, x1, y1)` of the pixels of alpha >= 1 in an RGBA image (C order); four zeros where there are none."""
    height, width, _ = pixels.shape
    image = pixels.reshape(height, width * 4).view(np.uint32)
    y0, y1 = 0, height
    while y0 < height and not any_painted(image[y0], 0, width):
        y0 += 1
    if y0 == height:
        return 0, 0, 0, 0
    while not any_painted(image[y1 - 1], 0, width):
        y1 -= 1
    x0, x1 = width, 0
    for y in range(y0, y1):
        row = image[y]
        if any_painted(row, 0, x0):
            x0 = 0
            while not row[x0] & _ALPHA:
                x0 += 1
        if any_painted(row, x1, width):
            x1 = width
            while not row[x1 - 1] & _ALPHA:
                x1 -= 1
    return x0, y0, x1, y1


@njit(cache=True, nogil=True)
def painted_in(row: U32) -> tuple[int, int]:
    """A row's first pixel of alpha >= 1, and the one behind its last; equal ones where there is none."""
    first, end = 0, row.size
    while end - first >= _BLOCK and not any_painted(row, first, first + _BLOCK):
        first += _BLOCK
    while first < end and not row[first] & _ALPHA:
        first += 1
    if first == end:
        return 0, 0
    while end - first >= _BLOCK and not any_painted(row, end - _BLOCK, end):
        end -= _BLOCK
    while not row[end - 1] & _ALPHA:
        end -= 1
    return first, end


@njit(cache=True, nogil=True)
def painted_spans(pixels: U8, spans: I64, packed: U8) -> int:
    """Pack the painted part of each row of an RGBA image (C order) into `packed`, one after the other.

    `spans` (height, 3) becomes each row's first painted pixel, the one behind its last, and where in `packed` it
    begins; equal ones where nothing is painted. Returns how many bytes were packed; `packed` is as large as the image.
    """
    height, width, _ = pixels.shape
    rows = pixels.reshape(height, width * 4)
    image, to = rows.view(np.uint32), packed.view(np.uint32)
    used = 0
    for y in range(height):
        row = image[y]
        first, end = painted_in(row)
        spans[y, 0], spans[y, 1], spans[y, 2] = first, end, used * 4
        for x in range(end - first):
            to[used + x] = row[first + x]
        used += end - first
    return used * 4


@njit(cache=True, nogil=True)
def spread(packed: U8, spans: I64, left: int, out: U8) -> None:
    """Lay each row's painted pixels where they belong in `out` (height, width * 4), whose first column is `left`."""
    for y in range(spans.shape[0]):
        first, end, at = spans[y]
        out[y, (first - left) * 4 : (end - left) * 4] = packed[at : at + (end - first) * 4]


@njit(cache=True, nogil=True)
def filter_up(picture: U8, rows: U8) -> None:
    """PNG's filter "Up" (specification, 9.2): of each row (width * 4) its number, then what differs from the row above.

    `rows` is (height, 1 + width * 4).
    """
    height, width = picture.shape
    for y in range(height):
        row, out = picture[y], rows[y]
        out[0] = 2
        if y == 0:
            for x in range(width):
                out[1 + x] = row[x]
        else:
            above = picture[y - 1]
            for x in range(width):
                out[1 + x] = row[x] - above[x]
