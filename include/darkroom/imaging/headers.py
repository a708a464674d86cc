"""How large an image in a store is, from its header alone: what a plan reads of it."""

from dataclasses import dataclass

import pyvips

from darkroom.errors import StoreError
from darkroom.failures import StepFailed
from darkroom.imaging.drawings import DRAWN, LARGEST
from darkroom.imaging.formats import BEGINNING, VECTORS, Format, format_of
from darkroom.imaging.opening import LOADERS, STRICT, header_of
from darkroom.imaging.readers.bmp import HELD
from darkroom.imaging.readers.tiff import held_by, page_of
from darkroom.imaging.source import wide
from darkroom.store import Entry, Store

_BLOCK = 64 << 10  # bytes of one request
_MOST = 4 << 20  # bytes in all, beyond which a size is estimated: a header that is so long is none
_GUESS = 8  # pixels a byte, of a file whose header says nothing


@dataclass(frozen=True, slots=True)
class Size:
    """Pixels of an image, and the bytes that it takes in memory at once beside what any image takes."""

    pixels: int
    held: int = 0


def size_of(store: Store, entry: Entry) -> Size:
    """The size of an image as its header says it; a guess from its bytes where that cannot be read.

    Only plans go by it: what an image really is, and why it is none, the worker finds out.
    """
    try:
        return _read(store, entry)
    except (StoreError, OSError, StepFailed, pyvips.Error):
        return Size(entry.bytes * _GUESS)


def _read(store: Store, entry: Entry) -> Size:
    reader = RangeReader(store, entry)
    kind = format_of(reader.read(BEGINNING))
    if kind in VECTORS:
        return Size(LARGEST**2, held=DRAWN + entry.bytes)  # no drawing is drawn larger
    if kind is Format.TIFF:
        page = page_of(reader.read_at)
        return _size(page.width, page.height, held_by(page), kind)
    if kind not in LOADERS:
        return Size(entry.bytes // 3, held=entry.bytes * HELD // 3)  # a BMP of 24 bits, which is not compressed
    image = pyvips.Image.new_from_source(reader.source(), "", access="sequential", **STRICT)
    found = header_of(image, kind)
    return _size(found.width, found.height, found.held, kind)


def _size(width: int, height: int, held: int, kind: Format) -> Size:
    return Size(width * height, held + wide(width, height, kind))


class RangeReader:
    """An object as a seekable file that is fetched in blocks, as they are asked for."""

    def __init__(self, store: Store, entry: Entry) -> None:
        self._store, self._entry = store, entry
        self._at, self._fetched = 0, 0
        self._blocks: dict[int, bytes] = {}
        self._sources: list[pyvips.SourceCustom] = []  # libvips calls back into them as long as an image lives

    def source(self) -> pyvips.SourceCustom:
        """The same for libvips, from its beginning: for as long as this reader lives."""
        self._at = 0
        source = pyvips.SourceCustom()
        source.on_read(self.read)
        source.on_seek(self.seek)
        self._sources.append(source)
        return source

    def read(self, size: int) -> bytes:
        """At most so many bytes from here on: as many as are in the block. Raises `StoreError`."""
        if self._at >= self._entry.bytes:
            return b""
        number, start = divmod(self._at, _BLOCK)
        data = self._block(number)[start : start + size]
        self._at += len(data)
        return data

    def read_at(self, offset: int, size: int) -> bytes:
        """So many bytes from an offset on; fewer only at the end. Raises `StoreError`."""
        self._at = offset
        data = b""
        while len(data) < size and (more := self.read(size - len(data))):
            data += more
        return data

    def seek(self, offset: int, whence: int) -> int:
        """Go somewhere, as `io.IOBase.seek` has it."""
        self._at = max(0, offset + (0, self._at, self._entry.bytes)[whence])
        return self._at

    def _block(self, number: int) -> bytes:
        if number not in self._blocks:
            length = min(_BLOCK, self._entry.bytes - number * _BLOCK)
            self._fetched += length
            if self._fetched > _MOST:
                raise StoreError(f"{self._entry.key}: its header has more than {_MOST >> 20} MiB.")
            with self._store.open(self._entry.key, start=number * _BLOCK, length=length) as reading:
                self._blocks[number] = reading.stream.read()
        return self._blocks[number]
