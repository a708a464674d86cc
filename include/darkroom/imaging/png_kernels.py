"""From a PNG's filtered rows to what they paint (PNG specification, 9), compiled by numba, free of the GIL."""

import numpy as np
from numba import njit

from darkroom.imaging.kernels import I64, U8, U32, painted_in

_NONE, _SUB, _UP, _AVERAGE, _PAETH = range(5)
_BLOCK = 64  # pixels that are looked at at once
_LOW, _HIGH, _EVEN = np.uint32(0x7F7F7F7F), np.uint32(0x80808080), np.uint32(0xFEFEFEFE)  # bits of each of four bytes
_BYTE = np.uint32(0xFF)


@njit(cache=True, nogil=True)
def unpack(part: U8, line: U8, rows: U8, at: I64, spans: I64, packed: U8) -> int:
    """Go on with a stream of filtered rows of RGBA uint8: keep what each paints, one row after the other in `packed`.

    `line` (1 + width * 4) holds the beginning of a row that the last part broke off, `rows` (2, width * 4) the row
    above; `at` says which row of the frame is next, how many bytes of it are in `line`, which of `rows` is the one
    above, and whether all of that is zero. `spans` (height, 3) becomes as `painted_spans` has it. Returns how many
    bytes were packed; -1 where a filter is unknown, or a row too many. `packed` has room for the part and one row.
    """
    begin, used = 0, 0
    while begin < part.size:
        held = at[1]
        if at[0] == spans.shape[0]:
            return -1
        if held or part.size - begin < line.size:
            count = min(line.size - held, part.size - begin)
            line[held : held + count] = part[begin : begin + count]
            begin, at[1] = begin + count, held + count
            if at[1] < line.size:
                break
            used = _next(line, rows, at, spans, packed, used)
        else:
            used = _next(part[begin : begin + line.size], rows, at, spans, packed, used)
            begin += line.size
        if used < 0:
            break
        at[0], at[1] = at[0] + 1, 0
    return used


@njit(cache=True, nogil=True)
def _next(filtered: U8, rows: U8, at: I64, spans: I64, packed: U8, used: int) -> int:
    """Pack what one filtered row paints behind what is `used`; returns how much is then, -1 where it has no filter.

    A row of zeros whose filter adds nothing to them is not written anew below another one: most of a render is such.
    """
    y, above, row = at[0], at[2], rows[1 - at[2]]
    kind, line = filtered[0], filtered[1:]
    given, pixels = line.view(np.uint32), row.view(np.uint32)
    if kind > _PAETH:
        return -1
    if not _any(given, given, 0, given.size) and (kind == _NONE or at[3]):
        if not at[3]:
            row[:] = 0
            at[2], at[3] = 1 - above, 1
        spans[y, 0], spans[y, 1], spans[y, 2] = 0, 0, used
        return used
    _unfilter(kind, line, rows[above], row)
    first, end = painted_in(pixels)
    spans[y, 0], spans[y, 1], spans[y, 2] = first, end, used
    painted, to = pixels[first:end], packed[used : used + (end - first) * 4].view(np.uint32)
    for x in range(painted.size):
        to[x] = painted[x]
    at[2], at[3] = 1 - above, first == end and not _any(pixels, pixels, 0, pixels.size)
    return int(used + painted.size * 4)


@njit(cache=True, nogil=True)
def unfilter(filtered: U8, rows: U8) -> bool:
    """All rows (height, width * 4) of RGBA without their filters, whose numbers `filtered` begins each row with.

    False where one is unknown.
    """
    above = np.zeros(rows.shape[1], np.uint8)
    for y in range(rows.shape[0]):
        if not _unfilter(filtered[y, 0], filtered[y, 1:], above, rows[y]):
            return False
        above = rows[y]
    return True


@njit(cache=True, nogil=True)
def _unfilter(kind: int, line: U8, above: U8, row: U8) -> bool:
    """A row without its filter; is that known?"""
    if kind == _UP:
        for x in range(row.size):
            row[x] = line[x] + above[x]
        return True
    for x in range(row.size):
        row[x] = line[x]
    if kind != _NONE:
        _by_neighbours(kind, above.view(np.uint32), row.view(np.uint32))
    return bool(kind <= _PAETH)


@njit(cache=True, nogil=True)
def _by_neighbours(kind: int, above: U32, row: U32) -> None:
    """A row whose pixels need the one before. Where both are zero, as beside what a render shows, they stay so."""
    first, last = 0, row.size
    while first + _BLOCK <= last and not _any(above, row, first, first + _BLOCK):
        first += _BLOCK
    while last - _BLOCK >= first and not _any(above, row, last - _BLOCK, last):
        last -= _BLOCK
    _undo(kind, above, row, first, last)
    if last > first and row[last - 1]:
        _undo(kind, above, row, last, row.size)


@njit(cache=True, nogil=True)
def _any(above: U32, row: U32, lo: int, hi: int) -> bool:
    """Is anything not zero? Asks all of them, for that makes vectors."""
    seen = np.uint32(0)
    for x in range(np.uint64(lo), np.uint64(hi)):
        seen = np.uint32(seen | above[x] | row[x])
    return bool(seen)


@njit(cache=True, nogil=True)
def _undo(kind: int, above: U32, row: U32, lo: int, hi: int) -> None:
    """Sub, Average or Paeth in `[lo, hi)`, the four bytes of a pixel in one number."""
    before, upper = np.uint32(0), np.uint32(0)
    if lo:
        before, upper = row[lo - 1], above[lo - 1]
    if kind == _SUB:
        for x in range(lo, hi):
            before = _sum(row[x], before)
            row[x] = before
    elif kind == _AVERAGE:
        for x in range(lo, hi):
            up = above[x]
            before = _sum(row[x], np.uint32((before & up) + (((before ^ up) & _EVEN) >> np.uint32(1))))
            row[x] = before
    else:
        for x in range(lo, hi):
            up = above[x]
            before = _sum(row[x], _paeth(before, up, upper))
            row[x], upper = before, up


@njit(cache=True, nogil=True)
def _sum(one: np.uint32, other: np.uint32) -> np.uint32:
    """Byte by byte, without what one carries over to the next."""
    return np.uint32(((one & _LOW) + (other & _LOW)) ^ ((one ^ other) & _HIGH))


@njit(cache=True, nogil=True)
def _paeth(left: np.uint32, up: np.uint32, upper: np.uint32) -> np.uint32:
    """Byte by byte the neighbour that is nearest to `left + up - upper`; of two, the one named first (9.4).

    Which of the three that is, shows where `3 * upper - (left + up)` lies beside `left` and `up`, without a distance.
    """
    found = np.uint32(0)
    for shift in (0, 8, 16, 24):
        a, b, c = np.int32((left >> shift) & _BYTE), np.int32((up >> shift) & _BYTE), np.int32((upper >> shift) & _BYTE)
        turn = 3 * c - (a + b)
        low, high = min(a, b), max(a, b)
        nearest = low if high <= turn else c
        nearest = high if turn <= low else nearest
        found |= np.uint32(nearest) << np.uint32(shift)
    return found
