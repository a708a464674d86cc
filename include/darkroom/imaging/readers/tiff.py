"""TIFF: the directory of its picture is read by ourselves, and libvips is shown that one, with what pixels need."""

import mmap
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pyvips

from darkroom.failures import DecodeFailed
from darkroom.imaging.formats import Format
from darkroom.imaging.readers.jpeg import sampling
from darkroom.imaging.readers.pages import picture_of
from darkroom.imaging.readers.samples import GREY, ICC_LAB, LAB, PALETTE, UINT, YCBCR, Samples, samples_of
from darkroom.imaging.readers.tiff_directory import Directory, ReadAt, directories, first_offset_at
from darkroom.imaging.source import Source

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _ORIENTATION, _CHANNELS = 256, 257, 258, 259, 262, 274, 277
_ROWS_PER_STRIP, _PLANAR, _TILE_WIDTH, _TILE_HEIGHT, _EXTRA, _FORMAT = 278, 284, 322, 323, 338, 339
_KEPT = frozenset(
    (
        *(_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, 266, 273, _ORIENTATION, _CHANNELS, _ROWS_PER_STRIP, 279),
        *(_PLANAR, 292, 293, 317, 320, _TILE_WIDTH, _TILE_HEIGHT, 324, 325, 332, _EXTRA, _FORMAT, 347),
        *(529, 530, 531, 532, 34675, 50674),
    )
)
"""What says how pixels lie and what they mean; of everything else libtiff can only complain."""
_TURNED = (5, 6, 7, 8)  # orientations that lie on their side
_BLACK_IS_ZERO, _AS_RGB = 1, 2  # photometrics
_LZW, _JPEG = 5, 7
_STRIP_OFFSETS, _TILE_OFFSETS, _SUBSAMPLING = 273, 324, 530
_BEGINNING = 64 << 10  # bytes of JPEG data, in which their header lies
_SMALL = 16 << 20  # bytes, which are not worth a word beside a stream's
_CONVERTED = (
    512 * 8
)  # bytes of a column of floats, that are under way where colours are converted before they are reduced
_LINES = 128  # rows of a strip, up to which libvips decodes it as a whole


@dataclass(frozen=True, slots=True)
class Page:
    """A TIFF's picture: where it lies, and what becomes of its samples."""

    directory: Directory
    samples: Samples
    width: int
    height: int
    notes: tuple[str, ...]

    @property
    def upright(self) -> tuple[int, int]:
        """Width and height of the upright image."""
        turned = self.directory.number(_ORIENTATION, 1) in _TURNED
        return (self.height, self.width) if turned else (self.width, self.height)

    @property
    def is_tiled(self) -> bool:
        """Is it in tiles? Otherwise it is in strips."""
        return self.directory.number(_TILE_WIDTH) > 0


def page_of(read_at: ReadAt) -> Page:
    """The picture of a TIFF. Raises `DecodeFailed` for one that is refused."""
    directory, notes = picture_of(directories(read_at))
    width, height = directory.number(_WIDTH), directory.number(_HEIGHT)
    if width <= 0 or height <= 0:
        raise DecodeFailed("it is a TIFF that cannot be opened: it has no size")
    if directory.number(_TILE_WIDTH) and directory.number(_PLANAR, 1) == 2 and directory.number(_CHANNELS, 1) > 1:
        raise DecodeFailed("its tiles have one channel each, which libvips does not read; save it with all in one")
    samples = samples_of(directory)
    return Page(directory, samples, width, height, (*notes, *samples.notes))


def look_at_tiff(path: Path) -> Source:
    """Read its header. Raises `DecodeFailed`."""
    with _reading(path) as read_at:
        page = page_of(read_at)
    return Source(path, Format.TIFF, *page.upright, held=held_by(page), notes=page.notes)


def held_by(page: Page) -> int:
    """Bytes that are in memory at once to decode it, beside a stream's: strips and tiles are decoded as a whole."""
    one, directory = page.samples, page.directory
    row = page.width * (one.channels + 2 * (one.space == PALETTE)) * max(8, one.bits) // 8
    separate = directory.number(_PLANAR, 1) == 2 and one.channels > 1
    rows = min(directory.number(_ROWS_PER_STRIP, page.height) or page.height, page.height)
    if page.is_tiled:
        held = 2 * directory.number(_TILE_HEIGHT) * row  # two rows of tiles
    elif rows > _LINES and not separate and one.space != YCBCR:
        held = 0  # line by line
    else:
        held = 2 * rows * row  # the strip, and what it is read from: a plane, or the compressed one
    if not one.is_taken_along:
        held += _CONVERTED * page.width * one.channels
    return int(held) if held > _SMALL else 0


@contextmanager
def shown(path: Path) -> Iterator[tuple[Page, pyvips.Source]]:
    """The picture of a file, and the file as libvips shall see it. Nothing is written: the pages are a private copy."""
    with path.open("rb") as file:
        seen = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    page = page_of(lambda offset, size: seen[offset : offset + size])
    _rewrite(seen, page)
    yield page, pyvips.Source.new_from_memory(seen)


def open_image(page: Page, source: pyvips.Source) -> pyvips.Image:
    """Its stored samples, to be decoded strictly, once, from its top downwards."""
    # LZW's warnings are of old encoders; where pixels are missing, there is an error too. With tiles libvips minds none
    old = page.directory.number(_COMPRESSION) == _LZW and not page.is_tiled
    fail_on = "error" if old else "warning"
    # its memory is planned for (`held_by`), beyond the limit that libvips has of its own;
    # pyvips keeps the source with an image that is opened so, and with no other
    return pyvips.Image.new_from_source(source, "", access="sequential", fail_on=fail_on, unlimited=True)


def _rewrite(data: mmap.mmap, page: Page) -> None:
    """Make the picture's directory the only one, with the fields that pixels need, in their simplest form."""
    directory, one = page.directory, page.samples
    shape = directory.shape
    fields = {tag: found for tag, found in directory.fields.items() if tag in _KEPT}
    # of several equal values one is enough, and stands in the directory itself
    unsigned = one.space in (LAB, ICC_LAB) and one.bits < 32
    for tag, value in ((_BITS, one.bits), (_FORMAT, UINT if unsigned else one.format)):
        if tag in fields:
            fields[tag] = shape.short(tag, value)
    fields[_PHOTOMETRIC] = shape.short(_PHOTOMETRIC, _photometric(directory, one))
    if one.space == YCBCR and directory.number(_COMPRESSION) == _JPEG and (found := _sampling(data, directory)):
        fields[_SUBSAMPLING] = shape.short(
            _SUBSAMPLING, *found
        )  # where it says another one, libtiff warns, and puts it right
    extra = one.channels - one.colours
    fields.pop(_EXTRA, None)
    if extra:
        fields[_EXTRA] = shape.short(_EXTRA, *(0,) * extra)  # else libvips would divide by what it takes for alpha
    kept = [fields[tag] for tag in sorted(fields)]
    head = 8 if shape.big else 2
    end = directory.offset + head + len(kept) * shape.entry + shape.room
    values = b""
    if extra and len(fields[_EXTRA].raw) > shape.room:  # they lie behind it
        values = fields[_EXTRA].raw
        place = struct.pack(shape.order + shape.word, end)
        kept = [replace(one, raw=place) if one.tag == _EXTRA else one for one in kept]
    # and no following one; the room is that of the fields which are not shown
    body = b"".join(map(shape.packed, kept)) + bytes(shape.room) + values
    if len(body) > len(directory.fields) * shape.entry + shape.room or end > len(data):
        raise DecodeFailed("it is a TIFF that cannot be opened: its directory lacks what says how its pixels lie")
    data[directory.offset : directory.offset + head] = struct.pack(
        f"{shape.order}{'Q' if shape.big else 'H'}", len(kept)
    )
    data[directory.offset + head : directory.offset + head + len(body)] = body
    at = first_offset_at(shape)
    data[at : at + shape.room] = struct.pack(shape.order + shape.word, directory.offset)


def _sampling(data: mmap.mmap, directory: Directory) -> tuple[int, int] | None:
    """What its JPEG data say of their sampling."""
    first = next(iter(directory.offsets(_TILE_OFFSETS) or directory.offsets(_STRIP_OFFSETS)), 0)
    return sampling(data[first : first + _BEGINNING])


def _photometric(directory: Directory, one: Samples) -> int:
    """What libvips is told: where it would convert, it shall not, and where it unpacks, it shall."""
    if one.space == GREY and one.bits >= 8:
        return _BLACK_IS_ZERO
    if one.space in (LAB, ICC_LAB) and one.bits < 32:
        return _AS_RGB
    return directory.number(_PHOTOMETRIC, _AS_RGB if one.channels >= 3 else _BLACK_IS_ZERO)


@contextmanager
def _reading(path: Path) -> Iterator[ReadAt]:
    with path.open("rb") as file:

        def read_at(offset: int, size: int) -> bytes:
            file.seek(min(offset, 1 << 62))
            return file.read(size)

        yield read_at
