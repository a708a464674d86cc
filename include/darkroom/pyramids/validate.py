"""Is a TIFF a pyramid that image servers can use? Everything is looked at, down to the last tile."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pyvips

from darkroom.failures import DecodeFailed
from darkroom.imaging.source import said
from darkroom.pyramids.cut_short import flat_side
from darkroom.pyramids.layouts import Layout, is_big, layouts
from darkroom.pyramids.likeness import Survey, cell_for, differs, from_afar, survey

_COMPRESSIONS = {
    **{1: "none", 2: "ccitt", 3: "group 3", 4: "group 4", 5: "lzw", 6: "old jpeg", 7: "jpeg", 8: "deflate"},
    **{32773: "packbits", 32946: "deflate", 33003: "jpeg 2000", 33005: "jpeg 2000", 34712: "jpeg 2000"},
    **{34887: "lerc", 34925: "lzma", 50000: "zstd", 50001: "webp", 50002: "jpeg xl"},
}
_LOSSY = {"old jpeg", "jpeg", "jpeg 2000", "lerc", "webp", "jpeg xl"}
_COLOURS = {0: "white as 0", 1: "grey", 2: "RGB", 3: "a palette", 5: "CMYK", 6: "RGB", 8: "Lab"}  # 6 is RGB as YCbCr
_FORMATS = {1: "", 2: "signed ", 3: "floating point "}
_TELLING, _SAME = 64, 12.0  # pixels of a side from which it is compared from afar, and its mean difference, of 255
_LARGEST_BLOCK = 256 << 20  # bytes that one tile or strip may take, decoded
_ANY, _PER_BYTE = 25_000_000, 4096  # pixels that any file may have, and for each byte of it


@dataclass
class Pyramid:
    """What a file is. `problems` make it unusable or wrong, `notes` are good to know; half a sentence each."""

    levels: list[tuple[int, int]] = field(default_factory=list)
    """Width and height of each, the largest first."""
    tile: tuple[int, int] = (0, 0)
    compression: str = ""
    """Of all levels, with a plus between where they differ."""
    bands: int = 0
    dpi: float | None = None
    big: bool = False
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def inspect(path: Path) -> Pyramid:
    """Look at a pyramid by itself: its structure, every tile of every level, and that its levels show one image.

    What is compared are neighbouring levels, down to 8 pixels. Each is decoded once, as a stream.
    """
    found, decodable = _structure(path)
    if decodable:
        _pixels(path, found)
    return found


def structure(path: Path) -> Pyramid:
    """What the directories of a pyramid say, without a look at its pixels."""
    return _structure(path)[0]


def open_level(path: Path, number: int) -> pyvips.Image:
    """A level to be decoded strictly, once, from its top downwards. Raises `pyvips.Error`."""
    return pyvips.Image.tiffload(str(path), page=number, fail_on="warning", access="sequential")


def _structure(path: Path) -> tuple[Pyramid, bool]:
    """What the directories say, and whether the levels can be decoded in the time and memory that a file may take."""
    found, read = Pyramid(), list[Layout]()
    try:
        found.big = is_big(path)
        for layout in layouts(path):
            read.append(layout)
        if not read:
            raise DecodeFailed("there is no image in it")
    except DecodeFailed as error:
        found.problems.append(f"it is no pyramid that can be read: {error}")
    if not read:
        return found, False
    first, decodable = read[0], not found.problems
    found.bands, found.dpi = first.bands, first.dpi
    found.tile = first.block if first.tiled else (0, 0)
    found.levels = [(one.width, one.height) for one in read]
    found.compression = "+".join(dict.fromkeys(_compression(one) for one in read))
    found.problems += [*_of_the_file(read, found.tile), *_of_levels(read)]
    found.notes += _notes(read)
    too_much = list(_too_much(read, path.stat().st_size))
    found.problems += too_much
    return found, decodable and not too_much


def _of_the_file(read: list[Layout], tile: tuple[int, int]) -> Iterator[str]:
    first, last = read[0], read[-1]
    if first.sub_ifds:
        yield "its levels are in SubIFDs, where some servers do not look for them"
    if not first.tiled:
        yield "it is not tiled: for every tile a server has to decode whole strips"
    # a side of one pixel cannot be halved, and writers end there
    elif (last.width > tile[0] or last.height > tile[1]) and min(last.width, last.height) > 1:
        yield f"its smallest level is {_size(last)}: those down to one tile are missing"


def _of_levels(read: list[Layout]) -> Iterator[str]:
    first = read[0]
    for number, (above, level) in enumerate(pairwise(read), 1):
        if not _halved(above, level):
            due = f"{max(1, above.width // 2)} x {max(1, above.height // 2)}"
            yield f"level {number} is {_size(level)}, and half of the one before is {due}"
        if level.tiled != first.tiled or (level.tiled and level.block != first.block):
            yield f"level {number} is not in tiles of {first.block[0]} x {first.block[1]} as the first one is"
        if _samples(level) != _samples(first):
            yield f"level {number} has {_samples(level)}, and the first one {_samples(first)}"


def _notes(read: list[Layout]) -> Iterator[str]:
    for number, (above, level) in enumerate(pairwise(read), 1):
        if not level.reduced:
            yield f"level {number} is not marked as a reduced image"
        if _halved(above, level) and (level.width, level.height) != _floor(above):
            yield f"level {number} is {_size(level)}: halves are rounded up, where most programs round down"
        if _compression(level) != _compression(read[0]):
            yield f"level {number} is compressed with {_compression(level)}"
    if read[0].dpi is None:
        yield "it does not say its resolution"


def _too_much(read: list[Layout], size: int) -> Iterator[str]:
    """Why the levels are not decoded: a few bytes can claim to be an image that takes hours and all memory."""
    for number, one in enumerate(read):
        if one.blocks_missing:
            yield f"level {number} ({_size(one)}) lacks {one.blocks_missing:,} of its tiles or strips"
        elif one.block_bytes > _LARGEST_BLOCK:
            yield f"level {number} is in tiles or strips of {one.block_bytes >> 20:,} MiB, which are not decoded"
    pixels = sum(one.width * one.height for one in read)
    if pixels > max(_ANY, _PER_BYTE * size):
        yield f"it is said to have {pixels:,} pixels in {size:,} bytes, which are not decoded"


def _pixels(path: Path, found: Pyramid) -> None:
    above: Survey | None = None
    first: Survey | None = None
    for number, (width, height) in enumerate(found.levels):
        try:
            level = open_level(path, number)
            if (level.width, level.height) != (width, height):
                found.problems.append(f"level {number} is decoded as {level.width} x {level.height}")
                return
            # every tile has to be decoded for it, and decoding is what the check takes its time for: once each
            cell = _cell(found, number)
            seen = survey(level, max(1, cell))
            if number == 0:
                first = seen
                _judge_sides(path, found, seen)
        except pyvips.Error as error:
            found.problems.append(f"level {number} ({width} x {height}) cannot be decoded: {said(error)}")
            return
        if above and cell and above.means.shape[2] == seen.means.shape[2] and _follows(found.levels, number):
            larger = above if above.cell == 2 * cell else above.coarser()
            if wrong := differs(larger, seen, lossy=not _LOSSY.isdisjoint(found.compression.split("+"))):
                found.problems.append(f"level {number} {wrong}")
        above = seen if cell else None
    if first and min(found.levels[-1]) >= _TELLING:
        _judge_smallest(path, found, first)


def _judge_smallest(path: Path, found: Pyramid, first: Survey) -> None:
    # neighbours may each be a little off
    (width, height), (rows, columns) = found.levels[0], first.means.shape[:2]
    part = (columns * first.cell / width, rows * first.cell / height)
    mean = from_afar(first, open_level(path, len(found.levels) - 1), part)
    if mean > _SAME:
        found.problems.append(f"its smallest level shows another picture than its largest ({mean:.0f} of 255)")


def _cell(found: Pyramid, number: int) -> int:
    """The size of the cells in which a level is seen; of the largest as the next one asks for it, to hold fewer."""
    if number == 0 and len(found.levels) > 1 and _follows(found.levels, 1):
        return 2 * cell_for(*found.levels[1]) or cell_for(*found.levels[0])
    return cell_for(*found.levels[number])


def _judge_sides(path: Path, found: Pyramid, seen: Survey) -> None:
    verdict, words = flat_side(pyvips.Image.tiffload(str(path), fail_on="warning"), seen)
    if verdict == "wrong":
        found.problems.append(words)
    elif verdict == "suspect":
        found.notes.append(f"{words}; look at it")


def _follows(levels: list[tuple[int, int]], number: int) -> bool:
    """Whether a level is half of the one before it, rounded down or up."""
    sides = zip(levels[number - 1], levels[number], strict=True)
    return all(size in (max(1, above // 2), -(-above // 2)) for above, size in sides)


def _halved(above: Layout, level: Layout) -> bool:
    return _follows([(above.width, above.height), (level.width, level.height)], 1)


def _floor(above: Layout) -> tuple[int, int]:
    return max(1, above.width // 2), max(1, above.height // 2)


def _samples(one: Layout) -> str:
    """What its samples are, in words."""
    colours = _COLOURS.get(one.photometric, f"colours of kind {one.photometric}")
    kind = _FORMATS.get(one.sample_format, "unknown ")
    return f"{one.bands} {'band' if one.bands == 1 else 'bands'} of {one.bits} {kind}bits in {colours}"


def _compression(one: Layout) -> str:
    return _COMPRESSIONS.get(one.compression, f"compression {one.compression}")


def _size(one: Layout) -> str:
    return f"{one.width} x {one.height}"
