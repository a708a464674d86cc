"""Stray pixels: specks of a layer that lie away from everything else it paints.

A cut is fitted around all that is painted, so one forgotten speck at the edge of a render moves the garment in every
cut of every picture that the layer is in.

**What is stray.** The layer's pixels of alpha >= 1 fall into regions (pixels that touch, corners too). The body is
every region that is not tiny, and whatever lies inside the body's box or within a hair's breadth of it, and of that
again: loose threads, the crumbs of a soft edge, a trail of sequins. A region is stray where it is *tiny* and not of
the body: where it alone makes the layer's painted box larger, with a gap to all the rest.

**Tiny** is at most a 20th of the layer's largest region, and at most a 20,000th of the frame (450 pixels of
3000 x 3000, a speck of 21 x 21) or 25 pixels, whichever is more: so a pair of sleeves, two straps or two small
buttons are never stray, for neither is tiny beside the other, and whatever is large enough to be seen as a part is
one. **A hair's breadth** is a 200th of the frame's longer side: what widens the box by less does not move the
garment by a pixel in a cut of 142.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from darkroom.imaging.geometry import Box

_OF_LARGEST = 20
_OF_FRAME = 20_000
_ALWAYS_TINY = 25
_HAIR = 200
_SOFT = 4
"""Pixels by which reducing widens a speck: the kernel's reach on both sides."""
_OPAQUE = 250
_OF_OPAQUE = 50

U8 = npt.NDArray[np.uint8]
I32 = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Stray:
    """A stray region: its box in the layer, how many pixels it has, how many clear pixels lie before the rest."""

    box: Box
    pixels: int
    gap: int


def stray_regions(pixels: U8, frame: tuple[int, int], scale: float = 1.0) -> list[Stray]:
    """The stray regions of RGBA pixels that are (a part of) a layer of that frame's width and height.

    The farthest come first. Their boxes are counted from the part's own corner. Of a reduced picture `scale` says how
    many of the frame's pixels one of its own is wide: what is tiny is smaller there, but for the soft edge that it has.
    """
    found: I32 = _regions(pixels)
    if len(found) < 2:
        return []
    sizes, boxes = found[:, 0], found[:, 1:]
    few = max(_ALWAYS_TINY, frame[0] * frame[1] // _OF_FRAME)
    if scale != 1:
        few = int((few**0.5 / scale + _SOFT) ** 2)
    tiny = sizes <= min(int(sizes.max()) // _OF_LARGEST, few)
    if not tiny.any():
        return []
    hair = max(1, int(max(frame) // _HAIR / scale))
    sizes, gaps, boxes = _outside(sizes[tiny], boxes[tiny], _around(boxes[~tiny]), hair)
    order = np.lexsort((boxes[:, 0], boxes[:, 1], -gaps))
    return [Stray(Box(*map(int, boxes[at])), int(sizes[at]), int(gaps[at])) for at in order]


def fills_frame(pixels: U8, frame: tuple[int, int]) -> bool:
    """Is a layer of that frame's width and height opaque everywhere, but for at most one pixel in fifty?

    `pixels` are the RGBA of its painted box. A garment's layer never is: it has at least the air around the body. What
    is nearly opaque counts too (an alpha of 250 and more: a lossy export; a few clear pixels: a hole in a background,
    a border), for whatever lies below it is gone all the same.
    """
    opaque = int(np.count_nonzero(pixels[..., 3] >= _OPAQUE))
    return opaque * _OF_OPAQUE >= frame[0] * frame[1] * (_OF_OPAQUE - 1)


def _outside(sizes: I32, boxes: I32, body: I32, hair: int) -> tuple[I32, I32, I32]:
    """The regions that do not belong to the body, with their gaps to it. It grows by each that lies close."""
    while True:
        gaps = np.maximum(
            np.maximum(body[0] - boxes[:, 2], boxes[:, 0] - body[2]),
            np.maximum(body[1] - boxes[:, 3], boxes[:, 1] - body[3]),
        )
        close = gaps <= hair
        if not close.any():
            return sizes, gaps, boxes
        body = _around(np.vstack([body, boxes[close]]))
        sizes, boxes = sizes[~close], boxes[~close]


def _around(boxes: I32) -> I32:
    return np.concatenate([boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)])


def _count_runs(pixels: Any) -> Any:
    """How many runs of painted pixels the rows have."""
    height, width, _ = pixels.shape
    runs = 0
    for y in range(height):
        inside = False
        for x in range(width):
            painted = pixels[y, x, 3] != 0
            if painted and not inside:
                runs += 1
            inside = painted
    return runs


def _first_of(parent: Any, run: Any) -> Any:
    """The first run of a run's region; the way there is made shorter for the next."""
    while parent[run] != run:
        parent[run] = parent[parent[run]]
        run = parent[run]
    return run


def _join_two(region: Any, parent: Any, one: Any, two: Any) -> None:
    """Make one region of two runs' regions."""
    one, two = _first(parent, one), _first(parent, two)
    if one == two:
        return
    first, last = min(one, two), max(one, two)
    parent[last] = first
    region[first, 0] += region[last, 0]
    for edge in range(1, 3):
        region[first, edge] = min(region[first, edge], region[last, edge])
        region[first, edge + 2] = max(region[first, edge + 2], region[last, edge + 2])


def _regions_of(pixels: Any) -> Any:
    """Each region of alpha >= 1 as a row: pixels, x0, y0, x1, y1.

    One pass over the runs: each joins the regions of the runs above it that it touches (union-find, where a region's
    row is that of its first run, and `parent` leads there).
    """
    height, width, _ = pixels.shape
    runs = _counted(pixels)
    region = np.empty((runs, 5), np.int32)
    parent = np.arange(runs)
    ends = np.empty((runs, 2), np.int32)
    row_above = row = run = 0  # where the runs of the two rows begin, and the next run's number
    for y in range(height):
        row_above, row = row, run
        x = 0
        while x < width:
            if pixels[y, x, 3] == 0:
                x += 1
                continue
            start = x
            while x < width and pixels[y, x, 3] != 0:
                x += 1
            ends[run] = (start, x)
            region[run] = (x - start, start, y, x, y + 1)
            while row_above < row and ends[row_above, 1] < start:  # one that ends at `start` touches by its corner
                row_above += 1
            for other in range(row_above, row):
                if ends[other, 0] > x:
                    break
                _join(region, parent, run, other)
            run += 1
    return region[parent == np.arange(runs)]


# numba's decorators are untyped, and would make what they decorate so as well
_compiled: Any = njit(cache=True, nogil=True)
_counted = _compiled(_count_runs)
_first = _compiled(_first_of)
_join = _compiled(_join_two)
_regions = _compiled(_regions_of)
