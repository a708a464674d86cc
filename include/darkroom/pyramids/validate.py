"""Is a TIFF a pyramid that image servers can use? Everything is looked at, down to the last tile."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyvips
import tifffile

from darkroom.pyramids.source import said

_INCH, _CENTIMETRE = 2, 3  # TIFF 6.0, ResolutionUnit
_REDUCED = 1  # TIFF 6.0, NewSubfileType
_CLOSE = 2.0  # mean difference of the same reduction of the same image, of 255
_AFAR, _SAME = 48, 6.0  # pixels on which the levels of others are compared, and the mean difference that they may have
_TELLING = 64  # pixels of a side, below which what a lossy codec fills its blocks with shows in the picture
_FLAT_ROWS, _FLAT_PART = 4, 0.02  # from how many rows, and from what part of an image, a flat grey end is no chance
_GREY = (128, 1)  # what decoders fill in, and how far a codec takes it from that
_ENOUGH_ROWS = 256  # in which a grey end is looked for


@dataclass
class Pyramid:
    """What a file is. `problems` make it unusable or wrong, `notes` are good to know; half a sentence each."""

    levels: list[tuple[int, int]] = field(default_factory=list)
    """Width and height of each, the largest first."""
    tile: tuple[int, int] = (0, 0)
    compression: str = ""
    bands: int = 0
    dpi: float | None = None
    big: bool = False
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def inspect(path: Path) -> Pyramid:
    """Look at a pyramid by itself: its structure, every tile of every level, and that its levels show one image."""
    found = Pyramid()
    try:
        with tifffile.TiffFile(path) as file:
            _structure(file, found)
    except Exception as error:  # noqa: BLE001 -- hostile bytes bring a parser to any error
        found.problems.append(f"it is no TIFF that can be read ({said(error)})")
        return found
    if found.levels:
        _pixels(path, found)
    return found


def unlike(path: Path, pyramid: Pyramid, image: pyvips.Image, *, lossy: bool) -> list[str]:
    """What differs between a pyramid's smallest level and the same reduction of the image of its largest, by itself."""
    if lossy and min(pyramid.levels[-1]) < _TELLING:
        return []
    factor = 2 ** (len(pyramid.levels) - 1)
    across, down = min(factor, image.width), min(factor, image.height)
    image = image.crop(0, 0, image.width // across * across, image.height // down * down).shrink(across, down)
    mean = _difference(_level(path, len(pyramid.levels) - 1), image)
    return [f"its smallest level differs from its source by {mean:.1f} of 255"] if mean > _CLOSE else []


def _difference(one: pyvips.Image, other: pyvips.Image) -> float:
    """The mean difference of two images on white, of 255."""
    one, other = (image.flatten(background=255) if image.hasalpha() else image for image in (one, other))
    mean: float = (one - other).abs().avg()
    return mean


def _structure(file: Any, found: Pyramid) -> None:
    first = file.pages[0]
    found.big = bool(file.is_bigtiff)
    found.bands = first.samplesperpixel
    found.compression = _named(first.compression)
    found.dpi = _dpi(first)
    found.levels = [(page.imagewidth, page.imagelength) for page in file.pages]
    if first.subifds:
        found.problems.append("its levels are in SubIFDs, where some servers do not look for them")
    if not first.is_tiled:
        found.problems.append("it is not tiled: for every tile a server has to decode whole strips")
    else:
        found.tile = (first.tilewidth, first.tilelength)
    for number, (above, level) in enumerate(zip(found.levels, found.levels[1:], strict=False), 1):
        due = (max(1, above[0] // 2), max(1, above[1] // 2))
        if level != due:
            found.problems.append(f"level {number} is {_size(level)}, and half of the one before is {_size(due)}")
    smallest, tile = found.levels[-1], found.tile
    # a side of one pixel cannot be halved, and writers end there
    if first.is_tiled and (smallest[0] > tile[0] or smallest[1] > tile[1]) and min(smallest) > 1:
        found.problems.append(f"its smallest level is {_size(smallest)}: those down to one tile are missing")
    for number, page in enumerate(file.pages):
        if page.is_tiled != first.is_tiled or (page.is_tiled and (page.tilewidth, page.tilelength) != found.tile):
            found.problems.append(f"level {number} is not in tiles of {_size(found.tile)} as the first one is")
        if number and not page.subfiletype & _REDUCED:
            found.notes.append(f"level {number} is not marked as a reduced image")
    if found.dpi is None:
        found.notes.append("it does not say its resolution")


def _pixels(path: Path, found: Pyramid) -> None:
    afar: list[pyvips.Image] = []
    for number, size in enumerate(found.levels):
        try:
            level = _level(path, number)
            # every tile has to be decoded for it, and decoding is what the check takes its time for: once each
            afar.append(level.thumbnail_image(_AFAR, height=_AFAR, size="force").copy_memory())
        except pyvips.Error as error:
            found.problems.append(f"level {number} ({_size(size)}) cannot be decoded: {said(error)}")
            return
        if (level.width, level.height) != size:
            found.problems.append(f"level {number} is decoded as {level.width} x {level.height}")
    # from afar: what another program reduces with is its own affair, and shows in the details only
    if min(found.levels[-1]) >= _TELLING and (mean := _difference(afar[0], afar[-1])) > _SAME:
        found.problems.append(f"its smallest level shows another picture than its largest ({mean:.0f} of 255)")
    rows, part = _grey_end(path, found)
    if rows >= _FLAT_ROWS and part >= _FLAT_PART:
        found.problems.append(f"its lowest {part:.0%} are one flat grey, as of a file that was cut short")


def _grey_end(path: Path, found: Pyramid) -> tuple[int, float]:
    """How many of the lowest rows are the grey that decoders fill in, and what part of all that is.

    Looked for in the smallest level that is large enough to show it.
    """
    number = max((at for at, (_, height) in enumerate(found.levels) if height >= _ENOUGH_ROWS), default=0)
    level = _level(path, number)
    colour = level.extract_band(0, n=min(3, level.bands)).numpy().astype(np.int16)
    grey, reach = _GREY
    flat = (np.abs(colour.reshape(level.height, -1) - grey) <= reach).all(axis=1)
    rows = level.height if flat.all() else int(np.argmin(flat[::-1]))
    return (0, 0.0) if rows == level.height else (rows, rows / level.height)


def _level(path: Path, number: int) -> pyvips.Image:
    """A level to be decoded strictly, once, from its top downwards."""
    return pyvips.Image.tiffload(str(path), page=number, fail_on="warning", access="sequential")


def _dpi(page: Any) -> float | None:
    unit = page.tags.valueof("ResolutionUnit", _INCH)
    numerator, denominator = page.tags.valueof("XResolution", (0, 1))
    if not numerator or not denominator or unit not in (_INCH, _CENTIMETRE):
        return None
    dots = numerator / denominator * (2.54 if unit == _CENTIMETRE else 1)
    return round(dots, 2) if math.isfinite(dots) else None


def _named(compression: Any) -> str:
    name = str(getattr(compression, "name", compression)).lower()
    return {"adobe_deflate": "deflate"}.get(name, name)


def _size(size: tuple[int, int]) -> str:
    return f"{size[0]} x {size[1]}"
