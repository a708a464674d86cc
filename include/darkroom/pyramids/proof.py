"""Is a pyramid that was just written the image that was to be written, level by level and pixel by pixel?"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyvips

from darkroom.imaging.source import said
from darkroom.pyramids.likeness import survey
from darkroom.pyramids.validate import Pyramid, open_level, structure

_STEP = (
    1.0  # of 255, by which the mean of four may be rounded or cut off; a colour as it is seen by its own and alpha's
)
_ROWS = 32  # of a level that are looked at at once, in the cache
_CELL = 8  # pixels of a side, as the blocks of JPEG, whose means it keeps
_SMALLEST = 4  # pixels of a level's side, below which a block shows what it is filled up with
_CODEC = {
    "jpeg": 6.0,
    "webp": 26.0,
}  # of 255, what it may do to such a mean: WebP halves the colours' size
_BEYOND, _DETAIL = 26.0, 0.4  # what it may do more where its block goes beyond the edge; and how much of the contrast

Pixels = np.ndarray[Any, np.dtype[np.uint8]]


def unlike(path: Path, pyramid: Pyramid, pixels: Pixels) -> list[str]:
    """What differs between a pyramid and the image of its largest level, (height, width, 3 or 4).

    Each level has to be the half of the one before, with colours that count as much as they are seen. Every tile is
    decoded for that, once. Beside the image there are two levels in memory, of which the larger is a quarter of it.
    """
    compared = (_compared_by_cells if pyramid.compression in _CODEC else _compared_by_pixels)(path, pyramid, pixels)
    number = -1
    try:
        for number, wrong in enumerate(compared):
            if wrong:
                return [f"level {number} {wrong}"]
    except pyvips.Error as error:
        return [f"level {number + 1} cannot be decoded: {said(error)}"]
    return []


def _compared_by_pixels(path: Path, pyramid: Pyramid, pixels: Pixels) -> Iterator[str]:
    """What is wrong with each level, of a codec that keeps every pixel."""
    yield _changed(open_level(path, 0), pixels)
    above = pixels
    for number in range(1, len(pyramid.levels)):
        level = open_level(path, number).numpy()
        half = (max(1, above.shape[0] // 2), max(1, above.shape[1] // 2), above.shape[2])
        if level.shape != half:
            yield f"is {_shape(level)} instead of {_shape(np.empty(half, np.uint8))}"
            return
        apart, most = farthest(above, level), _STEP * (1 if half[2] == 3 else 2)
        yield f"differs from half of the one before by {apart:.0f} of 255" if apart > most else ""
        above = level


def _changed(level: pyvips.Image, pixels: Pixels) -> str:
    """Whether the largest level is not the image; read in strips, as it need not be in memory twice."""
    height, width, bands = pixels.shape
    if (level.height, level.width, level.bands, level.format) != (height, width, bands, "uchar"):
        return f"is {level.width} x {level.height} with {level.bands} bands instead of {_shape(pixels)}"
    region, rows = pyvips.Region.new(level), 64  # which stay in the cache
    for top in range(0, height, rows):
        strip = pixels[top : top + rows]
        data = np.frombuffer(region.fetch(0, top, width, len(strip)), np.uint8).reshape(strip.shape)
        if not np.array_equal(data, strip):
            return "is not the image that was to be written"
    return ""


def same_image(one: Path, other: Path) -> bool:
    """Do two pyramids show the same, pixel by pixel and with the same tags? Their tiles may be packed otherwise.

    `one` is a pyramid that was proven; `other` may be anything. Both are read in strips.
    """
    mine = structure(one)
    if structure(other) != mine:
        return False
    try:
        return all(
            _same_level(open_level(one, number), open_level(other, number)) for number in range(len(mine.levels))
        )
    except pyvips.Error:
        return False


def _same_level(one: pyvips.Image, other: pyvips.Image) -> bool:
    if _tags(one) != _tags(other):
        return False
    mine, theirs = pyvips.Region.new(one), pyvips.Region.new(other)
    for top in range(0, one.height, _ROWS):
        strip = (0, top, one.width, min(_ROWS, one.height - top))
        if mine.fetch(*strip) != theirs.fetch(*strip):
            return False
    return True


def _tags(level: pyvips.Image) -> dict[str, Any]:
    return {name: level.get(name) for name in level.get_fields() if name != "filename"}


def farthest(above: Pixels, half: Pixels) -> float:
    """How far a level is from half of the one above it where it is farthest, of 255, on black and on white.

    Both (height, width, 3 or 4); `above` may have one row and column more.
    """
    furthest = 0.0
    for top in range(0, len(half), _ROWS):
        level = half[top : top + _ROWS]
        rows = above[2 * top : 2 * (top + len(level)), : 2 * level.shape[1]]
        apart = _apart(rows, level) if half.shape[2] == 3 else _apart_as_seen(rows, level)
        furthest = max(furthest, apart)
    return furthest


def _apart(rows: Pixels, level: Pixels) -> float:
    pairs = rows.reshape(len(level), 2, -1)
    sums = np.add(pairs[:, 0], pairs[:, 1], dtype=np.int16)
    due = np.left_shift(level.reshape(len(level), -1), 2, dtype=np.int16)
    furthest = 0
    for band in range(3):  # a band by itself: numpy is slow where it goes along three values at a time
        apart = sums[:, band::6] + sums[:, band + 3 :: 6]
        apart -= due[:, band::3]
        furthest = max(furthest, int(apart.max()), -int(apart.min()))
    return furthest / 4


def _apart_as_seen(rows: Pixels, level: Pixels) -> float:
    def seen(pixels: Pixels) -> np.ndarray[Any, np.dtype[np.int32]]:
        wide = pixels.astype(np.int32)
        wide[..., :3] *= wide[..., 3:]
        wide[..., 3] *= 255
        return wide

    fours = seen(rows).reshape(len(level), 2, level.shape[1], 2, 4).sum((1, 3), dtype=np.int32)
    apart: float = np.abs(fours - 4 * seen(level)).max() / (4 * 255)
    return apart


def _compared_by_cells(path: Path, pyramid: Pyramid, pixels: Pixels) -> Iterator[str]:
    """What is wrong with each level, of a codec that loses detail: seen in cells, whose means it keeps."""
    height, width, bands = pixels.shape
    image = pyvips.Image.new_from_memory(pixels, width, height, bands, "uchar").copy(interpretation="srgb")
    for number in range(len(pyramid.levels)):
        if number:
            image = _half(image)
        level = open_level(path, number)
        if (level.width, level.height, level.bands) != (image.width, image.height, bands):
            yield f"is {level.width} x {level.height} with {level.bands} bands"
            return
        cell = min(_CELL, level.width, level.height)
        if cell < _SMALLEST:
            level.avg()  # to decode every tile all the same
            yield ""
            continue
        due, found = survey(image, cell), survey(level, cell)
        lowest, highest = due.around(1)
        apart = np.abs(due.means - found.means)
        # what lies beyond the edge of a level that is smaller than a block is packed with it
        leave = _CODEC[pyramid.compression] + (0 if cell == _CELL else _BEYOND)
        wrong = apart > leave + _DETAIL * (highest - lowest) / 2
        yield f"differs from the image by {apart[wrong].max():.0f} of 255" if wrong.any() else ""


def _half(image: pyvips.Image) -> pyvips.Image:
    image = image.crop(0, 0, image.width // 2 * 2, image.height // 2 * 2)  # else it would round the size
    if not image.hasalpha():
        return image.shrink(2, 2).copy_memory()
    return image.premultiply().shrink(2, 2).unpremultiply().rint().cast("uchar").copy_memory()


def _shape(pixels: Pixels) -> str:
    height, width, bands = pixels.shape
    return f"{width} x {height} with {bands} bands"
