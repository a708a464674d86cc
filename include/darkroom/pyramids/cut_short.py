"""Was a picture made from a file that was cut short? Decoders fill in one flat colour for what is not there."""

from typing import Any, Literal

import numpy as np
import pyvips

from darkroom.pyramids.likeness import Floats, Survey

_GREY = 128.0  # what decoders of JPEG fill in, where no profile changes it
_NEAR = 1.5  # of 255: how far codecs take a flat colour from itself
_MARGIN = (5.0, 250.0)  # what is as dark or as bright is a margin
_EDGE = 8.0  # likewise where it ends
_SOME, _MUCH = 0.1, 1 / 3  # of the picture
_SIDES = ("lowest", "rightmost", "uppermost", "leftmost")
_FITTING = 0.9  # of the columns of a step, which have one of its two depths

Verdict = Literal["fine", "suspect", "wrong"]


def verdict(part: float, *, grey: bool, stepped: bool) -> Verdict:
    """What a side of one flat colour says of a picture, of which it is `part`.

    Grey is what decoders fill in; a profile makes it another colour, and then only the step tells it from a picture's
    own ground: a scan breaks off within a row of blocks, of which the left are there and the right are not.

    | part             | grey or stepped | neither |
    | ---------------- | --------------- | ------- |
    | a third and more | wrong           | fine    |
    | a tenth and more | suspect         | fine    |
    | less             | fine            | fine    |
    """
    if part < _SOME or not (grey or stepped):
        return "fine"
    return "wrong" if part >= _MUCH else "suspect"


def flat_side(level: pyvips.Image, seen: Survey) -> tuple[Verdict, str]:
    """What the flat sides of a picture say of it, and the worst in half a sentence.

    `level` is the picture, whose pixels can be had at any place, and `seen` its survey. It may have been turned, so
    each side is looked at. Raises `pyvips.Error`.
    """
    for turns, side in enumerate(_SIDES):
        means, spread = np.rot90(seen.means, -turns), np.rot90(seen.spread, -turns)
        colour = means[-1, -1]
        rows = ((spread <= _NEAR) & (np.abs(means - colour) <= _NEAR)).all((1, 2))
        count = 0 if rows.all() else int(np.argmin(rows[::-1]))
        if count / len(rows) < _SOME or (colour <= _MARGIN[0]).all() or (colour >= _MARGIN[1]).all():
            continue
        grey = bool((np.abs(colour - _GREY) <= _NEAR).all())
        stepped = not grey and _is_step(_edge(level, seen, turns, count), colour)
        if (found := verdict(count / len(rows), grey=grey, stepped=stepped)) != "fine":
            what = "grey" if grey else "colour"
            return found, f"its {side} {count / len(rows):.0%} are one flat {what}, as of a file that was cut short"
    return "fine", ""


def _edge(level: pyvips.Image, seen: Survey, turns: int, count: int) -> Floats:
    """The pixels where a flat side of `count` rows of cells begins, turned so that it is at their bottom."""
    cell, across = seen.cell, turns % 2 == 1
    whole = level.width if across else level.height
    cells = seen.means.shape[1 if across else 0]
    start = cell * max(0, cells - count - 2 if turns < 2 else count - 1)
    size = min(3 * cell, whole - start)
    piece = level.crop(start, 0, size, level.height) if across else level.crop(0, start, level.width, size)
    scale = np.float32(1 / 257 if level.format == "ushort" else 1)
    pixels: Floats = np.rot90(piece.numpy().reshape(piece.height, piece.width, -1), -turns) * scale
    return pixels


def _is_step(pixels: Floats, colour: Floats) -> bool:
    """Whether a flat side begins at two depths, one to the left and one to the right of one place."""
    flat: np.ndarray[Any, np.dtype[np.bool_]] = np.abs(pixels - colour).max(-1) <= _EDGE
    depths = np.where(flat.all(0), len(flat), np.argmin(flat[::-1], axis=0))
    low, high = np.percentile(depths, (2, 98))
    if high - low < 2:
        return False
    slack = (high - low) / 4
    is_low, is_high = np.abs(depths - low) <= slack, np.abs(depths - high) <= slack
    # how many columns fit a step at each place, the other way round as well
    total = len(depths)
    rising = np.cumsum(is_low) + is_high.sum() - np.cumsum(is_high)
    falling = np.cumsum(is_high) + is_low.sum() - np.cumsum(is_low)
    return bool(max(rising.max(), falling.max()) >= _FITTING * total)
