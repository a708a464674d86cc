"""The inner loops, compiled by numba, free of the GIL.

A canvas is premultiplied uint16 in which 65025 (255 * 255) is one: a layer's own `R * A` is exact in it, and a
blend is off by at most half a step, 0.002 of an 8-bit value. Every output pixel is summed in one fixed order, so a
patch equals the whole bit for bit.
"""

import numpy as np
import numpy.typing as npt
from numba import njit

U8 = npt.NDArray[np.uint8]
U16 = npt.NDArray[np.uint16]
F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]


@njit(cache=True, nogil=True)
def blend(canvas: U16, layer: U8) -> None:
    """Lay a straight RGBA uint8 layer over a premultiplied uint16 canvas of the same height and width, in place."""
    height, width, _ = layer.shape
    for y in range(height):
        for x in range(width):
            alpha = np.uint32(layer[y, x, 3])
            if alpha == 0:
                continue
            rest = np.uint32(255) - alpha
            for band in range(3):
                below = np.uint32(canvas[y, x, band]) * rest
                canvas[y, x, band] = np.uint32(layer[y, x, band]) * alpha + (below + np.uint32(127)) // np.uint32(255)
            below = np.uint32(canvas[y, x, 3]) * rest
            canvas[y, x, 3] = alpha * np.uint32(255) + (below + np.uint32(127)) // np.uint32(255)


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


@njit(cache=True, nogil=True)
def reduce_rows(
    canvas: U16, top: int, starts: I64, counts: I64, taps: F64, lo: int, hi: int, left: int, right: int, out: F32
) -> None:
    """Down the columns: rows `[lo, hi)` of the output, columns `[left, right)` of the canvas, into `out` (float32).

    `canvas` is (height, width * 4) uint16 and begins at row `top` of the frame; what lies outside it is transparent.
    """
    for i in range(lo, hi):
        row = out[i - lo]
        row[:] = np.float32(0)
        first = max(starts[i], top)
        end = min(starts[i] + counts[i], top + canvas.shape[0])
        for j in range(first, end):
            weight = np.float32(taps[i, j - starts[i]])
            source = canvas[j - top, left * 4 : right * 4]
            for x in range(row.size):
                row[x] += weight * np.float32(source[x])


@njit(cache=True, nogil=True)
def reduce_columns(rows: F32, left: int, starts: I64, counts: I64, taps: F64, lo: int, hi: int, out: U8) -> None:
    """Along the rows, and to straight 8 bit: columns `[lo, hi)` of the output, into `out` (rows, hi - lo, 4) uint8.

    `rows` is (rows, width, 4) float32 and begins at column `left` of the frame.
    """
    one = np.float32(65025)
    for y in range(rows.shape[0]):
        for i in range(lo, hi):
            red = green = blue = alpha = np.float32(0)
            first = max(starts[i], left)
            end = min(starts[i] + counts[i], left + rows.shape[1])
            for j in range(first, end):
                weight = np.float32(taps[i, j - starts[i]])
                pixel = rows[y, j - left]
                red += weight * pixel[0]
                green += weight * pixel[1]
                blue += weight * pixel[2]
                alpha += weight * pixel[3]
            alpha = min(max(alpha, np.float32(0)), one)
            written = np.rint(alpha / np.float32(255))
            target = out[y, i - lo]
            if written < 1:
                target[0] = target[1] = target[2] = target[3] = 0
                continue
            target[0] = np.rint(np.float32(255) * min(max(red, np.float32(0)), alpha) / alpha)
            target[1] = np.rint(np.float32(255) * min(max(green, np.float32(0)), alpha) / alpha)
            target[2] = np.rint(np.float32(255) * min(max(blue, np.float32(0)), alpha) / alpha)
            target[3] = written


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
