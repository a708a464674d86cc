"""A pyramid TIFF, opened where it lies: its levels, by ranged reads of one version of it."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from darkroom.failures import DecodeFailed
from darkroom.iiif.plan import Grid, Unservable, factors
from darkroom.imaging.readers.tiff_directory import Directory, directories
from darkroom.store import Entry, Store

_BLOCK = 64 << 10  # bytes of one request for what directories say
_BLOCKS = 32  # of them are kept: 2 MiB, which hold where a million tiles lie
_MOST_DIRECTORIES = 64
_REDUCED, _MASK = 1, 4  # NewSubfileType
_SUBFILE, _WIDTH, _HEIGHT, _BITS, _PHOTOMETRIC, _BANDS, _PLANES, _FORMAT = 254, 256, 257, 258, 262, 277, 284, 339
_TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_SIZES = 322, 323, 324, 325
_LARGEST_TILE = 2048  # pixels of a side
_LARGEST = 1 << 24  # of the image's
_SHOWN = {0: "grey", 1: "grey", 2: "RGB", 6: "YCbCr"}  # photometric interpretations


class RangedFile:
    """One version of an object, of which blocks are read as they are asked for, and a few are kept. Thread-safe."""

    def __init__(self, store: Store, entry: Entry) -> None:
        self.store, self.entry = store, entry
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def read_at(self, offset: int, size: int) -> bytes:
        """So many bytes from an offset on; fewer only at the end. Raises `StoreError`, and `SourceChanged`."""
        end = min(offset + size, self.entry.bytes)
        if offset >= end:
            return b""
        parts = [self._block(number) for number in range(offset // _BLOCK, -(-end // _BLOCK))]
        start = offset % _BLOCK
        return b"".join(parts)[start : start + end - offset]

    def fetch(self, offset: int, size: int) -> bytes:
        """The same by a request of its own, of which nothing is kept: for tiles."""
        with self.store.open(self.entry.key, start=offset, length=size, version=self.entry) as reading:
            return reading.stream.read()

    def _block(self, number: int) -> bytes:
        with self._lock:
            if number in self._blocks:
                self._blocks.move_to_end(number)
                return self._blocks[number]
        data = self.fetch(number * _BLOCK, min(_BLOCK, self.entry.bytes - number * _BLOCK))
        with self._lock:
            self._blocks[number] = data
            while len(self._blocks) > _BLOCKS:
                self._blocks.popitem(last=False)
        return data


@dataclass(frozen=True, slots=True)
class Level:
    """One size of the image: how its tiles lie, how many channels they have, and the directory that says so."""

    grid: Grid
    bands: int
    directory: Directory = field(repr=False)

    @property
    def most_bytes(self) -> int:
        """More than this a packed tile never takes, unless somebody wants memory to run out."""
        return 2 * self.grid.tile_width * self.grid.tile_height * self.bands + (64 << 10)


@dataclass(frozen=True, slots=True)
class Pyramid:
    """An image in many sizes, the largest first."""

    file: RangedFile
    levels: tuple[Level, ...]

    @property
    def width(self) -> int:
        """Pixels of the image across."""
        return self.levels[0].grid.width

    @property
    def height(self) -> int:
        """Pixels of the image down."""
        return self.levels[0].grid.height

    @property
    def grids(self) -> Sequence[Grid]:
        """Its levels as `plan` takes them."""
        return [level.grid for level in self.levels]


def open_pyramid(store: Store, entry: Entry) -> Pyramid:
    """Read which levels a TIFF has: its first page, and each smaller copy of that, as a page or in a SubIFD.

    Raises `DecodeFailed` for what is no TIFF or a damaged one, `Unservable` for one of which no tiles can be cut here
    (not tiled, 16 bit, separate planes), and `StoreError`.
    """
    file = RangedFile(store, entry)
    pages = directories(file.read_at, most=_MOST_DIRECTORIES)
    first = next(pages, None)
    if first is None:
        raise DecodeFailed("it is a TIFF without a picture")
    size = _size(first)
    smaller = sorted(
        (one for one in pages if _is_level_of(size, one)), key=lambda one: one.number(_WIDTH), reverse=True
    )
    kept = [first]
    for one in smaller:  # of two of a size the first counts
        if _size(one) != _size(kept[-1]):
            kept.append(one)
    found = factors([_size(one) for one in kept])
    return Pyramid(file, tuple(_level(one, factor) for one, factor in zip(kept, found, strict=True)))


def _size(one: Directory) -> tuple[int, int]:
    return one.number(_WIDTH), one.number(_HEIGHT)


def _is_level_of(size: tuple[int, int], one: Directory) -> bool:
    """Is it a smaller copy of an image of that size, in tiles: no mask, no other picture, no thumbnail?"""
    kind, (width, height) = one.number(_SUBFILE), _size(one)
    if kind & _MASK or not (kind & _REDUCED or one.inner) or _TILE_WIDTH not in one.fields:
        return False
    if not (0 < width < size[0] or 0 < height < size[1]) or not (width and height):
        return False
    # each halving may leave out a pixel of either side, so that both sides may be off by one
    return abs(width * size[1] - height * size[0]) <= max(size) * 2


def _level(one: Directory, factor: Fraction) -> Level:
    width, height = _size(one)
    if not (0 < width <= _LARGEST and 0 < height <= _LARGEST):
        raise DecodeFailed(f"a directory of it says that it has {width:,} x {height:,} pixels")
    if _TILE_WIDTH not in one.fields:
        raise Unservable("it is not in tiles; make a pyramid of it with `darkroom pyramid`")
    across, down = one.number(_TILE_WIDTH), one.number(_TILE_HEIGHT)
    if not (0 < across <= _LARGEST_TILE and 0 < down <= _LARGEST_TILE):
        raise Unservable(f"its tiles have {across:,} x {down:,} pixels, and a side has {_LARGEST_TILE:,} at most")
    bands, bits = one.number(_BANDS, 1), set(one.values(_BITS) or (1,))
    sample, colours = set(one.values(_FORMAT) or (1,)), one.number(_PHOTOMETRIC, -1)
    if bits != {8} or sample != {1} or not 1 <= bands <= 4 or colours not in _SHOWN or one.number(_PLANES, 1) != 1:
        raise Unservable(
            "it is not of 1 to 4 channels of 8 bits in grey, RGB or YCbCr; make a pyramid of it with `darkroom pyramid`"
        )
    grid = Grid(width, height, across, down, factor)
    for tag in (_TILE_OFFSETS, _TILE_SIZES):
        if (listed := one.fields.get(tag)) is None or listed.count < grid.across * grid.down:
            raise DecodeFailed(f"its level of {width} x {height} has not all of its tiles")
    return Level(grid, bands, one)
