"""The tiles of a pyramid that an answer needs, as a small TIFF in memory, which libvips decodes.

The tiles' bytes are taken as they lie in the file: whatever compression it has, libtiff unpacks it, and the rest of the
file is never read.
"""

import struct
from collections.abc import Iterator

import pyvips

from darkroom.failures import DecodeFailed
from darkroom.iiif.plan import Take
from darkroom.iiif.pyramid import Level, Pyramid
from darkroom.imaging.source import damage

_GAP = 16 << 10  # bytes between two tiles that are read along rather than asked for anew
_RUN = 16 << 20  # bytes of one request
_OFFSETS, _SIZES, _TABLES = 324, 325, 347
_KEPT = (258, 259, 262, 277, 284, 317, 322, 323, 338, 339, 530)
"""Fields of small numbers that pixels need: how they are sampled, compressed, predicted and laid in tiles."""
_SHORT, _LONG, _UNDEFINED = 3, 4, 7

Range = tuple[int, int]


def taken(pyramid: Pyramid, take: Take) -> pyvips.Image:
    """The part of a level that a plan takes, still packed in memory: decoded when its pixels are asked for.

    Raises `DecodeFailed` where the directory says what cannot be, and `StoreError`, `SourceChanged`.
    """
    level = pyramid.levels[take.level]
    tiles = fetched(pyramid, level, list(_ranges(level, take)))
    try:
        image = pyvips.Image.tiffload_buffer(_small_tiff(level, take, tiles), fail_on="warning")
        return image.crop(take.box.x, take.box.y, take.box.width, take.box.height)
    except pyvips.Error as error:
        raise DecodeFailed(f"it cannot be decoded: {damage(error)}") from None


def _ranges(level: Level, take: Take) -> Iterator[Range]:
    """Where each of the tiles lies, row by row. Raises `DecodeFailed` for a tile that cannot be one."""
    grid, end = level.grid, level.directory
    for row in take.rows:
        first, count = row * grid.across + take.columns.start, len(take.columns)
        offsets, sizes = end.some(_OFFSETS, first, count), end.some(_SIZES, first, count)
        if len(offsets) != count or len(sizes) != count:
            raise DecodeFailed(f"its level of {grid.width} x {grid.height} has not all of its tiles")
        for offset, size in zip(offsets, sizes, strict=True):
            if not 0 < size <= level.most_bytes:
                raise DecodeFailed(f"a tile of its level of {grid.width} x {grid.height} has {size:,} bytes")
            yield offset, size


def fetched(pyramid: Pyramid, level: Level, ranges: list[Range]) -> list[bytes]:
    """The bytes of each range, in their order; those that lie close to each other by one request.

    Raises `DecodeFailed` for a range that lies beyond the file's end.
    """
    whole, found = pyramid.file.entry.bytes, dict[Range, bytes]()
    if sum(size for _, size in set(ranges)) > 2 * level.most_bytes * max(1, len(ranges)):
        raise DecodeFailed("its tiles are larger than their pixels")
    for run in _runs(sorted(set(ranges))):
        start, end = run[0][0], max(offset + size for offset, size in run)
        if end > whole:
            raise DecodeFailed(f"a tile of it ends at byte {end:,}, and the file has {whole:,}")
        data = pyramid.file.fetch(start, end - start)
        if len(data) != end - start:
            raise DecodeFailed("it is cut short")
        found |= {(offset, size): data[offset - start : offset - start + size] for offset, size in run}
    return [found[one] for one in ranges]


def _runs(ranges: list[Range]) -> Iterator[list[Range]]:
    """Ranges in groups that are read at once. They are sorted."""
    run: list[Range] = []
    for offset, size in ranges:
        if run:
            start, end = run[0][0], max(first + length for first, length in run[-2:])
            if offset > end + _GAP or offset + size - start > _RUN:
                yield run
                run = []
        run.append((offset, size))
    if run:
        yield run


def _small_tiff(level: Level, take: Take, tiles: list[bytes]) -> bytes:
    """A TIFF of these tiles and no others, in the byte order of the file that they are from."""
    grid, order = level.grid, level.directory.shape.order
    width, height = len(take.columns) * grid.tile_width, len(take.rows) * grid.tile_height
    fields = {256: (_LONG, [width]), 257: (_LONG, [height]), _SIZES: (_LONG, [len(one) for one in tiles])}
    for tag in _KEPT:
        if values := [one for one in level.directory.values(tag) if isinstance(one, int)]:
            fields[tag] = (_SHORT, values)
    tables = level.directory.block(_TABLES)
    # the values of long fields, then the tiles, behind a directory whose length is known by now
    count = len(fields) + 1 + bool(tables)
    at = 8 + 2 + 12 * count + 4
    kept, entries = b"", list[bytes]()
    try:
        packed = {tag: _packed(order, kind, values) for tag, (kind, values) in fields.items()}
    except struct.error:
        raise DecodeFailed("a field of it has a number that it cannot have") from None
    lengths = {tag: len(data) for tag, (_, data, _) in packed.items()} | {_OFFSETS: 4 * len(tiles)}
    lengths |= {_TABLES: len(tables)} if tables else {}
    behind = at + sum(length + length % 2 for length in lengths.values() if length > 4)
    packed[_OFFSETS] = _packed(order, _LONG, _laid(behind, tiles))
    if tables:
        packed[_TABLES] = (_UNDEFINED, tables, len(tables))
    for tag, (kind, data, number) in sorted(packed.items()):
        if len(data) <= 4:
            entries.append(struct.pack(f"{order}HHI", tag, kind, number) + data.ljust(4, b"\0"))
        else:
            entries.append(struct.pack(f"{order}HHII", tag, kind, number, at + len(kept)))
            kept += data + b"\0" * (len(data) % 2)
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, 8)
    return b"".join((head, struct.pack(f"{order}H", count), *entries, b"\0\0\0\0", kept, *tiles))


def _packed(order: str, kind: int, values: list[int]) -> tuple[int, bytes, int]:
    return kind, struct.pack(f"{order}{len(values)}{'H' if kind == _SHORT else 'I'}", *values), len(values)


def _laid(behind: int, tiles: list[bytes]) -> list[int]:
    """Where tiles begin that lie one after the other."""
    offsets = []
    for one in tiles:
        offsets.append(behind)
        behind += len(one)
    return offsets
