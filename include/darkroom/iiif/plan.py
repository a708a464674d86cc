"""Which tiles of which level of a pyramid an answer takes. No I/O."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from darkroom.failures import DecodeFailed
from darkroom.iiif.geometry import Box, Cut

MOST_PIXELS = 72 << 20
"""Of all tiles of an answer: of tiles of 2048, those around 4096 x 4096."""
_MOST_TILES = 4096


class Unservable(DecodeFailed):
    """A TIFF of which nothing can be cut here, although it may be in order."""


@dataclass(frozen=True, slots=True)
class Grid:
    """A level as its tiles lie: sizes in pixels. `factor`: how many of the image's pixels one of its sides is."""

    width: int
    height: int
    tile_width: int
    tile_height: int
    factor: Fraction = Fraction(1)

    @property
    def across(self) -> int:
        """Tiles of a row."""
        return -(-self.width // self.tile_width)

    @property
    def down(self) -> int:
        """Rows of tiles."""
        return -(-self.height // self.tile_height)


@dataclass(frozen=True, slots=True)
class Take:
    """What is read for an answer: the tiles `columns` x `rows` of a level, and `box` of them, from their corner on."""

    level: int
    columns: range
    rows: range
    box: Box


def factors(sizes: Sequence[tuple[int, int]]) -> list[Fraction]:
    """How many of the image's pixels a pixel of each level covers, from the largest level on.

    A level that is half of the one before covers exactly twice as many: of an odd side, the last pixel is left out, or
    one stands for half of two.

    >>> [int(factor) for factor in factors([(1029, 515), (514, 257), (257, 128)])]
    [1, 2, 4]
    """
    found = [Fraction(1)]
    for above, (width, height) in pairwise(sizes):
        halved = all(
            size in (max(1, side // 2), -(-side // 2)) for size, side in zip((width, height), above, strict=True)
        )
        found.append(found[-1] * 2 if halved else Fraction(sizes[0][0], width))
    return found


def plan(levels: Sequence[Grid], cut: Cut) -> Take:
    """The smallest level that is no smaller than what is asked for, and its tiles. Raises `Unservable` for too many.

    >>> cut = Cut(Box(0, 0, 1000, 800), 250, 200, False, 0, "default", "jpg", "full/250,200/0/default.jpg")
    >>> plan([Grid(1000, 800, 512, 512), Grid(500, 400, 512, 512, Fraction(2))], cut)
    Take(level=1, columns=range(0, 1), rows=range(0, 1), box=Box(x=0, y=0, width=500, height=400))
    """
    number = max(
        (at for at, level in enumerate(levels) if _is_enough(level.factor, cut)), key=lambda at: levels[at].factor
    )
    level = levels[number]
    left, right = _span(cut.box.x, cut.box.width, level.factor, level.width)
    top, bottom = _span(cut.box.y, cut.box.height, level.factor, level.height)
    columns = range(left // level.tile_width, -(-right // level.tile_width))
    rows = range(top // level.tile_height, -(-bottom // level.tile_height))
    tiles = len(columns) * len(rows)
    if tiles > _MOST_TILES or tiles * level.tile_width * level.tile_height > MOST_PIXELS:
        raise Unservable(
            f"it has no level that is small enough for this: {tiles:,} tiles of {level.tile_width} x "
            f"{level.tile_height} would have to be read; make it with `darkroom pyramid`"
        )
    corner = columns.start * level.tile_width, rows.start * level.tile_height
    return Take(number, columns, rows, Box(left - corner[0], top - corner[1], right - left, bottom - top))


def _is_enough(factor: Fraction, cut: Cut) -> bool:
    """Has the part as many pixels in that level as are asked for? The image itself always does."""
    enough = cut.width <= math.ceil(cut.box.width / factor) and cut.height <= math.ceil(cut.box.height / factor)
    return enough or factor == 1


def _span(start: int, length: int, factor: Fraction, whole: int) -> tuple[int, int]:
    """A side of the box in a level: every pixel that a part of it lies in, at least one, none beyond the level."""
    first = min(math.floor(start / factor), whole - 1)
    return first, max(first + 1, min(whole, math.ceil((start + length) / factor)))
