"""How the images of a TIFF are laid out, as a check of anybody's pyramid needs it: whatever bytes the file has."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from darkroom.failures import DecodeFailed
from darkroom.imaging.readers.jpeg import mapped
from darkroom.imaging.readers.tiff_directory import Directory, beginning, directories

_MOST = 64  # directories, and a pyramid of 2 to the power of 64 pixels needs no more
_INCH, _CENTIMETRE = 2, 3  # ResolutionUnit
_REDUCED = 1  # NewSubfileType
_PLANAR = 2  # PlanarConfiguration
_SUBFILE, _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 254, 256, 257, 258, 259, 262
_BANDS, _ROWS, _ACROSS, _PLANES, _UNIT, _FORMAT, _SUB_IFDS = 277, 278, 282, 284, 296, 339, 330
_STRIP_SIZES, _TILE_WIDTH, _TILE_HEIGHT, _TILE_SIZES = 279, 322, 323, 325


@dataclass(frozen=True, slots=True)
class Layout:
    """One image of a TIFF, as its tags have it; sizes in pixels."""

    width: int
    height: int
    bands: int
    bits: int
    """Of a sample."""
    sample_format: int
    """1 of integers, 2 of signed ones, 3 of floating point numbers."""
    photometric: int
    compression: int
    block: tuple[int, int]
    """Width and height of a tile, or of a strip."""
    tiled: bool
    blocks_missing: int
    """Tiles or strips that the image needs and the directory has no place for."""
    reduced: bool
    sub_ifds: bool
    dpi: float | None

    @property
    def block_bytes(self) -> int:
        """What one of its tiles or strips takes when it is decoded."""
        return self.block[0] * self.block[1] * self.bands * max(1, self.bits // 8)


def layouts(path: Path) -> Iterator[Layout]:
    """The images of a TIFF in their order, without those of SubIFDs.

    Raises `DecodeFailed` where the next one cannot be read, and where they never end.
    """
    with mapped(path) as data:
        for one in directories(lambda offset, size: data[offset : offset + size], most=_MOST):
            if not one.inner:
                yield _layout(one)


def is_big(path: Path) -> bool:
    """Whether a TIFF is a BigTIFF. Raises `DecodeFailed` for what is no TIFF."""
    with mapped(path) as data:
        return beginning(lambda offset, size: data[offset : offset + size])[0].big


def _layout(one: Directory) -> Layout:
    width, height = one.number(_WIDTH), one.number(_HEIGHT)
    if not (width and height):
        raise DecodeFailed("a directory of it has no size")
    tiled = _TILE_WIDTH in one.fields
    rows = min(height, one.number(_ROWS, height))
    block = (one.number(_TILE_WIDTH), one.number(_TILE_HEIGHT)) if tiled else (width, rows)
    if not (block[0] and block[1]):
        raise DecodeFailed("a directory of it has tiles or strips without a size")
    bands = one.number(_BANDS, 1)
    needed = -(-width // block[0]) * -(-height // block[1]) * (bands if one.number(_PLANES, 1) == _PLANAR else 1)
    return Layout(
        width,
        height,
        bands,
        one.number(_BITS, 1),
        one.number(_FORMAT, 1),
        one.number(_PHOTOMETRIC, -1),
        one.number(_COMPRESSION, 1),
        block,
        tiled,
        max(0, needed - one.count(_TILE_SIZES if tiled else _STRIP_SIZES)),
        bool(one.number(_SUBFILE) & _REDUCED),
        one.count(_SUB_IFDS) > 0,
        _dpi(one),
    )


def _dpi(one: Directory) -> float | None:
    unit = one.number(_UNIT, _INCH)
    dots = next((value for value in one.values(_ACROSS) if isinstance(value, float)), 0.0)
    if not dots or unit not in (_INCH, _CENTIMETRE):
        return None
    dots *= 2.54 if unit == _CENTIMETRE else 1
    return round(dots, 2) if math.isfinite(dots) else None
