"""The inner loops of compositing: a window of a stack's layers to straight 8 bit, some rows at a time.

A row of the frame is composed where it is needed, in the core's own cache, and never written to memory: neither a
canvas nor an undo of it has to be kept. Every output pixel is summed in one order that depends on its place alone,
so a patch equals the whole bit for bit. Loops are written so that the compiler makes vectors of them: down the
columns over whole rows, and along the rows over `LANES` numbers that belong together.
"""

import numpy as np
import numpy.typing as npt
from numba import njit

from darkroom.imaging.kernels import I64, U8, U16, U32, blend_row, premultiply_row

F32 = npt.NDArray[np.float32]
C128 = npt.NDArray[np.complex128]
Axis = tuple[I64, I64, F32]
"""The starts, counts and taps of `Weights`; the taps in float32, padded with zeros to a multiple of four."""

ROWS = 16
"""Output rows at a time: what they read is no more than a core's own cache holds."""

LANES = ROWS * 4
ONE = np.float32(65025)


@njit(cache=True, nogil=True)
def clear(row: U16, lo: int, hi: int) -> None:
    """Make `row[lo:hi]` transparent."""
    for x in range(lo, hi):
        row[x] = 0


@njit(cache=True, nogil=True)
def compose_row(pixels: U8, spans: I64, y: int, left: int, row: U16) -> None:
    """Row `y` of the layers over one another, from column `left` on, into `row` (width * 4), premultiplied."""
    blank = True
    for layer in range(spans.shape[0]):
        x0, x1, at = spans[layer, y]
        first, end = max(x0, left), min(x1, left + row.size // 4)
        if first >= end:
            continue
        over = pixels[at + (first - x0) * 4 : at + (end - x0) * 4]
        part = row[(first - left) * 4 : (end - left) * 4]
        if blank:
            clear(row, 0, (first - left) * 4)
            premultiply_row(over, part)
            clear(row, (end - left) * 4, row.size)
            blank = False
        else:
            blend_row(part, over)
    if blank:
        clear(row, 0, row.size)


@njit(cache=True, nogil=True, fastmath={"contract"})
def reduce_rows(composed: U16, down: Axis, lo: int, hi: int, rows: F32) -> None:
    """Down the columns: output rows `[lo, hi)`, into `rows`.

    Row y of the frame stands in `composed` at y % height. Four rows are added at a time; those behind the last one are
    of a tap of 0, whatever they hold.
    """
    starts, counts, taps = down
    height, width = composed.shape
    for i in range(lo, hi):
        row = rows[i - lo]
        for k in range(0, counts[i], 4):
            j = starts[i] + k
            row0, row1 = composed[j % height], composed[(j + 1) % height]
            row2, row3 = composed[(j + 2) % height], composed[(j + 3) % height]
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


@njit(cache=True, nogil=True)
def turn(rows: C128, columns: C128) -> None:
    """`rows` (ROWS, width) to `columns` (width, ROWS); a pixel's four floats are moved as one complex number."""
    for r in range(0, ROWS, 4):
        row0, row1, row2, row3 = rows[r], rows[r + 1], rows[r + 2], rows[r + 3]
        for x in range(rows.shape[1]):
            columns[x, r], columns[x, r + 1], columns[x, r + 2], columns[x, r + 3] = row0[x], row1[x], row2[x], row3[x]


@njit(cache=True, nogil=True, fastmath={"contract"})
def reduce_column(columns: F32, first: int, across: Axis, x: int, sums: F32) -> None:
    """Along the rows: column `x` of the output, its LANES numbers, into `sums`; `columns` begin at `first`."""
    starts, counts, taps = across
    sums[:] = 0
    for k in range(0, counts[x], 4):
        j = starts[x] + k - first
        tap0, tap1, tap2, tap3 = taps[x, k], taps[x, k + 1], taps[x, k + 2], taps[x, k + 3]
        column0, column1, column2, column3 = columns[j], columns[j + 1], columns[j + 2], columns[j + 3]
        for lane in range(LANES):
            sums[lane] += (tap0 * column0[lane] + tap1 * column1[lane]) + (tap2 * column2[lane] + tap3 * column3[lane])


@njit(cache=True, nogil=True)
def write_pixels(sums: F32, straight: U8) -> None:
    """Clip premultiplied sums, in which 65025 is one, and write them as straight 8 bit."""
    for pixel in range(ROWS):
        alpha = min(max(sums[4 * pixel + 3], np.float32(0)), ONE)
        written = np.rint(alpha * np.float32(1 / 255))
        scale = np.float32(255) / max(alpha, np.float32(1)) if written >= 1 else np.float32(0)
        for band in range(3):
            value = min(max(sums[4 * pixel + band], np.float32(0)), alpha)
            straight[4 * pixel + band] = np.uint8(np.int32(np.rint(value * scale)))
        straight[4 * pixel + 3] = np.uint8(np.int32(written))


@njit(cache=True, nogil=True)
def reduce_window(
    pixels: U8,
    spans: I64,
    top: int,
    columns: tuple[int, int],
    down: Axis,
    across: Axis,
    window: tuple[int, int, int, int],
    picture: U32,
) -> None:
    """Draw the window `(x0, y0, x1, y1)` of the picture (height, width), a pixel a number, from a stack's layers.

    `spans` (layers, rows, 3), bottom to top and beginning at row `top` of the frame, says for each row which pixels
    `[x0, x1)` a layer paints, and where in `pixels` (straight RGBA uint8) they begin. Nothing is painted outside
    `columns`.
    """
    x0, y0, x1, y1 = window
    starts, counts = across[0], across[1]
    first, end = starts[x0], starts[x1 - 1] + counts[x1 - 1]
    left = min(max(first, columns[0]), end)
    right = max(min(end, columns[1]), left)
    rows = np.empty((ROWS, (right - left) * 4), np.float32)
    # what lies beside the painted columns stays zero here, and so do those that only the taps' padding reads
    turned = np.zeros((end - first + 3, LANES), np.float32)
    inside = turned[left - first : right - first]
    sums, straight = np.empty(LANES, np.float32), np.empty(LANES, np.uint8)
    written = straight.view(np.uint32)
    starts, counts = down[0], down[1]
    composed = np.empty((rows_read(down, y0, y1), rows.shape[1]), np.uint16)
    ready = starts[y0]
    for lo in range(y0, y1, ROWS):
        hi = min(lo + ROWS, y1)
        for y in range(ready, starts[hi - 1] + counts[hi - 1]):
            compose_row(pixels, spans, y - top, left, composed[y % composed.shape[0]])
            ready = y + 1
        reduce_rows(composed, down, lo, hi, rows)
        turn(rows.view(np.complex128), inside.view(np.complex128))
        for x in range(x0, x1):
            reduce_column(turned, first, across, x, sums)
            write_pixels(sums, straight)
            for y in range(lo, hi):
                picture[y, x] = written[y - lo]


@njit(cache=True, nogil=True)
def rows_read(down: Axis, y0: int, y1: int) -> int:
    """The most rows of the frame that any `ROWS` output rows of `[y0, y1)` read."""
    most = 0
    for lo in range(y0, y1, ROWS):
        last = min(lo + ROWS, y1) - 1
        most = max(most, down[0][last] + down[1][last] - down[0][lo])
    return most
