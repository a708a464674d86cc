"""The inner loops, compiled by numba, free of the GIL.

A canvas is premultiplied uint16 in which 65025 (255 * 255) is one: a layer's own `R * A` is exact in it, and a
blend is off by at most half a step, 0.002 of an 8-bit value. Every output pixel is summed in one fixed order, so a
patch equals the whole bit for bit.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

U8 = npt.NDArray[np.uint8]
U16 = npt.NDArray[np.uint16]
F32 = npt.NDArray[np.float32]
I64 = npt.NDArray[np.int64]
Scalar = np.floating[Any]


@njit(cache=True, nogil=True)
def blend(canvas: U16, top: int, left: int, layer: U8, undo: U16) -> None:
    """Lay a straight RGBA uint8 layer over a premultiplied uint16 canvas, in place, with its corner at `top`, `left`.

    Both are (height, width * 4), and whole arrays: the compiler makes no vectors of a window's rows. What the layer
    lies over is kept in `undo`, of the layer's shape.
    """
    height, width = layer.shape
    for y in range(height):
        below, over, kept = canvas[top + y, left * 4 : left * 4 + width], layer[y], undo[y]
        for x in range(width // 4):
            # without a branch, for the same reason
            alpha = np.uint32(over[4 * x + 3])
            rest = np.uint32(255) - alpha
            for band in range(4):
                value = np.uint32(over[4 * x + band]) if band < 3 else np.uint32(255)
                kept[4 * x + band] = below[4 * x + band]
                under = (np.uint32(below[4 * x + band]) * rest + np.uint32(127)) // np.uint32(255)
                below[4 * x + band] = value * alpha + under


@njit(cache=True, nogil=True)
def premultiply(straight: U8, out: U16) -> None:
    """Straight RGBA uint8 to premultiplied uint16, exactly."""
    height, width, _ = straight.shape
    for y in range(height):
        for x in range(width):
            alpha = np.uint16(straight[y, x, 3])
            for band in range(3):
                out[y, x, band] = np.uint16(straight[y, x, band]) * alpha
            out[y, x, 3] = alpha * np.uint16(255)


@njit(cache=True, nogil=True, fastmath={"contract"})
def reduce_rows(
    canvas: U16,
    top: int,
    starts: I64,
    counts: I64,
    taps: F32,
    lo: int,
    hi: int,
    left: int,
    right: int,
    nothing: U16,
    out: F32,
) -> None:
    """Down the columns: rows `[lo, hi)` of the output, columns `[left, right)` of the canvas, into `out` (float32).

    `canvas` is (height, width * 4) uint16 and begins at row `top` of the frame; what lies outside it is transparent:
    there the row `nothing` of zeros is read. `taps` are padded with zeros to a multiple of four, for four rows are
    added at a time; which four depends on the output row alone, so the sum does not depend on where a canvas begins.
    """
    height = canvas.shape[0]
    for i in range(lo, hi):
        row = out[i - lo]
        width = row.size
        for k in range(0, counts[i], 4):
            j = starts[i] + k - top
            row0 = canvas[j, left * 4 : right * 4] if 0 <= j < height else nothing[:width]
            row1 = canvas[j + 1, left * 4 : right * 4] if 0 <= j + 1 < height else nothing[:width]
            row2 = canvas[j + 2, left * 4 : right * 4] if 0 <= j + 2 < height else nothing[:width]
            row3 = canvas[j + 3, left * 4 : right * 4] if 0 <= j + 3 < height else nothing[:width]
            tap0, tap1, tap2, tap3 = taps[i, k], taps[i, k + 1], taps[i, k + 2], taps[i, k + 3]
            if k == 0:
                for x in range(width):
                    row[x] = (tap0 * np.float32(row0[x]) + tap1 * np.float32(row1[x])) + (
                        tap2 * np.float32(row2[x]) + tap3 * np.float32(row3[x])
                    )
            else:
                for x in range(width):
                    row[x] += (tap0 * np.float32(row0[x]) + tap1 * np.float32(row1[x])) + (
                        tap2 * np.float32(row2[x]) + tap3 * np.float32(row3[x])
                    )


@njit(cache=True, nogil=True, inline="always")
def write_pixel(red: Scalar, green: Scalar, blue: Scalar, alpha: Scalar, target: U8) -> None:
    """Clip premultiplied sums, in which 65025 is one, and write them as straight 8 bit."""
    alpha = min(max(alpha, np.float32(0)), np.float32(65025))
    written = np.rint(alpha / np.float32(255))
    if written < 1:
        target[0] = target[1] = target[2] = target[3] = 0
    else:
        target[0] = np.rint(np.float32(255) * min(max(red, np.float32(0)), alpha) / alpha)
        target[1] = np.rint(np.float32(255) * min(max(green, np.float32(0)), alpha) / alpha)
        target[2] = np.rint(np.float32(255) * min(max(blue, np.float32(0)), alpha) / alpha)
        target[3] = written


@njit(cache=True, nogil=True, fastmath={"contract"})
def reduce_columns(
    rows: F32, left: int, starts: I64, counts: I64, taps: F32, lo: int, hi: int, top: int, out: U8
) -> None:
    """Along the rows, and to straight 8 bit: columns `[lo, hi)` of the picture `out` (height, width, 4), from `top`.

    `rows` is (rows, width * 4) float32 and begins at column `left` of the frame. Three rows are summed at a time: a
    single one would leave the processor waiting for each addition.
    """
    height, width = rows.shape[0], rows.shape[1] // 4
    for y in range(0, height, 3):
        rows0, rows1, rows2 = rows[y], rows[min(y + 1, height - 1)], rows[min(y + 2, height - 1)]
        for i in range(lo, hi):
            red0 = green0 = blue0 = alpha0 = np.float32(0)
            red1 = green1 = blue1 = alpha1 = np.float32(0)
            red2 = green2 = blue2 = alpha2 = np.float32(0)
            for j in range(max(starts[i], left), min(starts[i] + counts[i], left + width)):
                tap = taps[i, j - starts[i]]
                x = (j - left) * 4
                red0 += tap * rows0[x]
                green0 += tap * rows0[x + 1]
                blue0 += tap * rows0[x + 2]
                alpha0 += tap * rows0[x + 3]
                red1 += tap * rows1[x]
                green1 += tap * rows1[x + 1]
                blue1 += tap * rows1[x + 2]
                alpha1 += tap * rows1[x + 3]
                red2 += tap * rows2[x]
                green2 += tap * rows2[x + 1]
                blue2 += tap * rows2[x + 2]
                alpha2 += tap * rows2[x + 3]
            write_pixel(red0, green0, blue0, alpha0, out[top + y, i])
            if y + 1 < height:
                write_pixel(red1, green1, blue1, alpha1, out[top + y + 1, i])
            if y + 2 < height:
                write_pixel(red2, green2, blue2, alpha2, out[top + y + 2, i])


@njit(cache=True, nogil=True)
def painted_box(pixels: U8) -> tuple[int, int, int, int]:
    """`(x0, y0, x1, y1)` of the pixels of alpha >= 1 in an RGBA image; four zeros where there are none."""
    height, width, _ = pixels.shape
    x0, y0, x1, y1 = width, height, 0, 0
    for y in range(height):
        row = pixels[y]
        first = 0
        while first < width and row[first, 3] == 0:
            first += 1
        if first == width:
            continue
        last = width - 1
        while row[last, 3] == 0:
            last -= 1
        y0 = min(y0, y)
        y1 = y + 1
        x0 = min(x0, first)
        x1 = max(x1, last + 1)
    return (x0, y0, x1, y1) if y1 else (0, 0, 0, 0)
