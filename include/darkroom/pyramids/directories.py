"""What the directories of a TIFF say, of whatever bytes: read in no more time and memory than a pyramid's take.

TIFF 6.0 (https://www.itu.int/itudoc/itu-t/com16/tiff-fx/docs/tiff6.pdf), section 2; a BigTIFF has wider numbers
(https://libtiff.gitlab.io/libtiff/specification/bigtiff.html).
"""

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_MOST = 64  # directories, and a pyramid of 2 to the power of 64 pixels needs no more
_TAGS = 4096  # of one directory
_VALUES = 64  # of one tag that are read: none that is looked at has more, but for the places of tiles
_TYPES = {1: "B", 3: "H", 4: "I", 5: "II", 13: "I", 16: "Q", 18: "Q"}  # and how a value of each is packed
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_INCH, _CENTIMETRE = 2, 3  # ResolutionUnit
_REDUCED = 1  # NewSubfileType
_PLANAR = 2  # PlanarConfiguration
_SUBFILE, _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 254, 256, 257, 258, 259, 262
_BANDS, _ROWS, _ACROSS, _PLANES, _UNIT, _FORMAT, _SUB_IFDS = 277, 278, 282, 284, 296, 339, 330
_STRIP_SIZES, _TILE_WIDTH, _TILE_HEIGHT, _TILE_SIZES = 279, 322, 323, 325

Values = dict[int, tuple[int, ...]]


class Malformed(ValueError):
    """Half a sentence on what makes a TIFF one that cannot be read."""


@dataclass(frozen=True, slots=True)
class Directory:
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


def is_big(path: Path) -> bool:
    """Whether a TIFF is a BigTIFF. Raises `Malformed` for what is no TIFF."""
    with path.open("rb") as file:
        return _order(file)[1]


def directories(path: Path) -> Iterator[Directory]:
    """The directories of a TIFF in their order. Raises `Malformed` where the next one cannot be read, or never ends."""
    with path.open("rb") as file:
        order, big = _order(file)
        end = file.seek(0, 2)
        offset, seen = _number(file, 8 if big else 4, order, big), set[int]()
        while offset:
            if offset in seen:
                raise Malformed("its last directory leads back to an earlier one, so that it never ends")
            if len(seen) == _MOST:
                raise Malformed(f"it has more than {_MOST} directories, which no pyramid has")
            seen.add(offset)
            values, offset = _read(file, offset, order, big, end)
            yield _directory(values)


def _order(file: BinaryIO) -> tuple[str, bool]:
    """The order of its bytes, and whether it is a BigTIFF."""
    head = file.read(8)
    for order, mark in (("<", b"II"), (">", b"MM")):
        for big, rest in ((False, (42,)), (True, (43, 8, 0))):
            if head.startswith(mark + struct.pack(f"{order}{len(rest)}H", *rest)):
                return order, big
    raise Malformed("it does not begin as one")


def _number(file: BinaryIO, offset: int, order: str, big: bool) -> int:
    """An offset that stands at an offset."""
    file.seek(offset)
    data = file.read(8 if big else 4)
    if len(data) < (8 if big else 4):
        raise Malformed("it ends within a directory")
    value: int = struct.unpack(order + ("Q" if big else "I"), data)[0]
    return value


def _read(file: BinaryIO, offset: int, order: str, big: bool, end: int) -> tuple[Values, int]:
    """The values of the tags of the directory at an offset, and the offset of the next one."""
    counted, entry = (8, 20) if big else (2, 12)
    if offset + counted > end:
        raise Malformed("a directory of it lies behind its end")
    file.seek(offset)
    count: int = struct.unpack(order + ("Q" if big else "H"), file.read(counted))[0]
    if not 0 < count <= _TAGS or offset + counted + count * entry > end:
        raise Malformed(f"a directory of it has {count:,} tags, of which not all are there")
    data, values = file.read(count * entry), Values()
    for at in range(0, len(data), entry):
        tag, kind = struct.unpack_from(order + "HH", data, at)
        number: int = struct.unpack_from(order + ("Q" if big else "I"), data, at + 4)[0]
        if tag in (_TILE_SIZES, _STRIP_SIZES):
            # only how many there are: of an image of many there are many
            values[tag] = (number if number * _SIZES.get(kind, 1) <= end else 0,)
        elif kind in _TYPES:
            values[tag] = _values(file, data[at + entry - (8 if big else 4) : at + entry], kind, number, order, end)
    return values, _number(file, offset + counted + count * entry, order, big)


def _values(file: BinaryIO, inline: bytes, kind: int, count: int, order: str, end: int) -> tuple[int, ...]:
    """The first values of a tag, which stand in its entry, or where that says."""
    count = min(count, _VALUES)
    size = _SIZES[kind] * count
    if size > len(inline):
        offset: int = struct.unpack(order + ("Q" if len(inline) == 8 else "I"), inline)[0]
        if offset + size > end:
            return ()
        file.seek(offset)
        inline = file.read(size)
    return struct.unpack(order + _TYPES[kind] * count, inline[:size])


def _directory(values: Values) -> Directory:
    def of(tag: int, default: int) -> int:
        return (values.get(tag) or (default,))[0]

    width, height = of(_WIDTH, 0), of(_HEIGHT, 0)
    if not (width and height):
        raise Malformed("a directory of it has no size")
    tiled = _TILE_WIDTH in values
    tile = (of(_TILE_WIDTH, 0), of(_TILE_HEIGHT, 0)) if tiled else (width, min(height, of(_ROWS, height)))
    if not (tile[0] and tile[1]):
        raise Malformed("a directory of it has tiles or strips without a size")
    bands = of(_BANDS, 1)
    needed = -(-width // tile[0]) * -(-height // tile[1]) * (bands if of(_PLANES, 1) == _PLANAR else 1)
    return Directory(
        width,
        height,
        bands,
        of(_BITS, 1),
        of(_FORMAT, 1),
        of(_PHOTOMETRIC, -1),
        of(_COMPRESSION, 1),
        tile,
        tiled,
        max(0, needed - of(_TILE_SIZES if tiled else _STRIP_SIZES, 0)),
        bool(of(_SUBFILE, 0) & _REDUCED),
        bool(values.get(_SUB_IFDS)),
        _dpi(values),
    )


def _dpi(values: Values) -> float | None:
    unit = (values.get(_UNIT) or (_INCH,))[0]
    numerator, denominator = (*values.get(_ACROSS, ()), 0, 0)[:2]
    if not numerator or not denominator or unit not in (_INCH, _CENTIMETRE):
        return None
    dots = numerator / denominator * (2.54 if unit == _CENTIMETRE else 1)
    return round(dots, 2) if math.isfinite(dots) else None
