"""Do two levels of a pyramid show one picture? Told from the means and spread of cells, whatever reduced them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyvips

Floats = np.ndarray[Any, np.dtype[np.floating[Any]]]

_LARGEST = 8  # pixels of a cell at most, cells across a level at least: levels are compared down to 8 pixels


@dataclass(frozen=True, slots=True)
class _Leave:
    """What programs and codecs may do to the cells of a level, of 255."""

    around: float
    """Standard deviations in which a program may choose its pixels: the nearest, the darkest, the median."""
    apart: float
    """How far the mean of a cell may be from what is around its place."""
    cells: float
    """The part of the cells that may be farther than that; `_FEW` of them always."""
    contrast: float
    """From which a picture tells whether another one follows it."""


# a cell of few pixels is what a codec makes of them; of many it is what they are
_LEAVE = {True: _Leave(1.5, 12.0, 0.0, 2.0), False: _Leave(2.0, 12.0, 0.05, 8.0)}
_LEAVE_LOSSY = {True: _Leave(1.5, 24.0, 0.0, 8.0), False: _Leave(2.0, 48.0, 0.05, 16.0)}
_FEW = 3
_WINDOW = 4  # cells of a side, of which a wrong tile of 64 pixels and more holds some
_USUAL, _OUT_OF_USE = 0.05, 3.0  # the share of a window's own detail by which levels differ anyway; how many times that
_ALIKE = 0.3  # of the correlation that the coarsest reduction leaves
_LEVELLED = 0.25  # of the larger level's contrast, below which a level is so flat that a correlation says nothing
_AFAR = 16  # cells of a side, in which pictures are compared from afar
_EPSILON = 1e-6


@dataclass(frozen=True, slots=True)
class Survey:
    """A level in cells of `cell` x `cell` pixels, as far as whole ones go; of 255, colours as far as they are seen."""

    cell: int
    means: Floats
    """(rows, columns, bands)"""
    squares: Floats
    """The means of the squares, likewise."""

    @property
    def spread(self) -> Floats:
        """The standard deviation in each cell."""
        spread: Floats = np.sqrt(np.maximum(0, self.squares - self.means**2))
        return spread

    def around(self, deviations: float) -> tuple[Floats, Floats]:
        """The least and the most that is so many standard deviations from the mean, of each cell and its neighbours."""
        reach = deviations * self.spread
        return _around(self.means - reach, np.minimum), _around(self.means + reach, np.maximum)

    def coarser(self) -> "Survey":
        """In cells of twice the size."""
        return Survey(self.cell * 2, _fours(self.means), _fours(self.squares))


def cell_for(width: int, height: int) -> int:
    """The size of a level's cells, in pixels: 0 of one that is too small to be compared.

    >>> [cell_for(size, 700) for size in (7, 8, 31, 32, 4000)]
    [0, 1, 2, 4, 8]
    """
    return next((cell for cell in (8, 4, 2, 1) if min(width, height) >= _LARGEST * cell), 0)


def survey(level: pyvips.Image, cell: int) -> Survey:
    """See a level in cells; it is decoded for that once, as a stream. Raises `pyvips.Error` where it cannot be."""
    scale = 1 / 257 if level.format == "ushort" else 1.0
    seen = level.premultiply() if level.hasalpha() else level
    seen = seen.cast("float") if scale == 1.0 else seen.cast("float") * scale
    # with the cells at the edge that are not whole, as every tile shall be decoded; they are not looked at
    both = seen.bandjoin(seen * seen).shrink(cell, cell, ceil=True).numpy()
    both = both.reshape(*both.shape[:2], -1)[: level.height // cell, : level.width // cell]
    both = np.nan_to_num(both)
    return Survey(cell, both[..., : seen.bands], both[..., seen.bands :])


def differs(larger: Survey, smaller: Survey, *, lossy: bool) -> str:
    """How a level differs from half of the one before it, in half a sentence; empty where it shows the same.

    `larger` has cells of twice as many pixels, so that both have the same places. Programs reduce in many ways, codecs
    lose detail, and neither is wrong. What is:

    | seen                                                                                | then                  |
    | ----------------------------------------------------------------------------------- | --------------------- |
    | cells with colours that are not to be found around their place in the larger level  | it differs in a part  |
    | windows that differ far more than windows of as much detail do elsewhere            | it differs in a part  |
    | of a picture with contrast, cells that do not rise and fall with the larger level's | it is another picture |
    """
    rows, columns = (
        min(one, other) for one, other in zip(larger.means.shape[:2], smaller.means.shape[:2], strict=True)
    )
    means, spread, found = larger.means[:rows, :columns], larger.spread[:rows, :columns], smaller.means[:rows, :columns]
    leave = (_LEAVE_LOSSY if lossy else _LEAVE)[smaller.cell == _LARGEST]
    if _unrelated(means, found, spread, leave.contrast):
        return "shows another picture than the one before"
    lowest, highest = (edge[:rows, :columns] for edge in larger.around(leave.around))
    # not the last ones: what lies beyond them is in no whole cell
    out = np.maximum(lowest - found, found - highest).max(-1)[:-1, :-1] > leave.apart
    part = float(out.mean())
    if out.sum() <= min(max(_FEW, leave.cells * out.size), out.size // 16):
        part = float(_unusual(np.abs(means - found).max(-1), (highest - lowest).max(-1), leave.apart).mean())
    return f"differs from the one before in {max(part, 0.01):.0%} of its area" if part else ""


def from_afar(first: Survey, smallest: pyvips.Image, part: tuple[float, float]) -> float:
    """The mean difference of a first level and a smallest one, of 255: small, whatever lies between them has added up.

    `part` is how much of the width and height is in the cells of the first. Raises `pyvips.Error`.
    """
    width, height = max(1, round(smallest.width * part[0])), max(1, round(smallest.height * part[1]))
    small = survey(smallest.crop(0, 0, width, height), 1).means
    one, other = _thumbnail(first.means), _thumbnail(small)
    mean: float = (one - other).abs().avg()
    return mean


def _thumbnail(means: Floats) -> pyvips.Image:
    image = pyvips.Image.new_from_array(np.ascontiguousarray(means))
    return image.resize(_AFAR / image.width, vscale=_AFAR / image.height, kernel="linear")


def _unusual(apart: Floats, detail: Floats, least: float) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which windows differ by far more than their detail explains, as it does in the rest of the level."""
    side = min(_WINDOW, *apart.shape)
    apart, detail = _windows(apart, side), _windows(detail, side) / 2
    detailed = detail > least / 3
    usual = float(np.median(apart[detailed] / detail[detailed])) if detailed.any() else 0.0
    unusual: np.ndarray[Any, np.dtype[np.bool_]] = apart > least + _OUT_OF_USE * max(_USUAL, usual) * detail
    return unusual


def _unrelated(means: Floats, found: Floats, spread: Floats, least: float) -> bool:
    """Whether the level does not follow the larger one, in the band of most contrast."""
    contrast = means.std((0, 1))
    band = int(contrast.argmax())
    own = float(found[..., band].std())
    if contrast[band] < least or own < _LEVELLED * contrast[band] or found[..., band].size < _LARGEST**2:
        return False
    together = (means[..., band] - means[..., band].mean()) * (found[..., band] - found[..., band].mean())
    correlation = float(together.mean()) / (float(contrast[band]) * own + _EPSILON)
    # a cell that was put together from every fourth pixel strays by so much
    stray = float(spread[..., band].mean()) / _LARGEST
    return correlation < _ALIKE * float(contrast[band]) / float(np.hypot(contrast[band], stray))


def _around(cells: Floats, of: Callable[[Floats, Floats], Floats]) -> Floats:
    """The least or the most of each cell and its eight neighbours."""
    rows, columns = cells.shape[:2]
    wide = np.pad(cells, ((1, 1), (1, 1), (0, 0)), mode="edge")
    wide = of(of(wide[:, :-2], wide[:, 1:-1]), wide[:, 2:])
    return of(of(wide[:-2], wide[1:-1]), wide[2:])[:rows, :columns]


def _fours(cells: Floats) -> Floats:
    """The means of each four cells."""
    rows, columns = cells.shape[0] // 2 * 2, cells.shape[1] // 2 * 2
    pairs = cells[:rows:2] + cells[1:rows:2]
    means: Floats = (pairs[:, :columns:2] + pairs[:, 1:columns:2]) / 4
    return means


def _windows(cells: Floats, side: int) -> Floats:
    """The means of squares of cells, as far as whole ones go."""
    rows, columns = cells.shape[0] // side, cells.shape[1] // side
    squares = cells[: rows * side, : columns * side].reshape(rows, side, columns, side)
    means: Floats = squares.mean((1, 3))
    return means
