"""The strips and tiles of a TIFF that libvips would not miss anything of, looked at once before.

It does not ask deflate's checksum, hides what libjpeg warns of in tiles, and what the fax codecs warn of there too.
"""

import struct
from collections.abc import Iterator
from pathlib import Path

import pyvips
from isal import isal_zlib

from darkroom.failures import DecodeFailed
from darkroom.imaging.readers.jpeg import Data, mapped, require_decodable
from darkroom.imaging.readers.tiff import Page, page_of
from darkroom.imaging.readers.tiff_directory import Directory
from darkroom.imaging.source import damage

_FAX, _JPEG, _DEFLATE = (2, 3, 4), 7, (8, 32946)  # of Compression
_STRIPS, _TILES = (273, 279), (324, 325)  # where they lie, and how long they are
_PIECE = 16 << 10  # bytes of a compressed strip at a time
_MOST = 128 << 10  # bytes of pixels at a time, which stay in the cache


def require_whole_segments(path: Path) -> None:
    """Raises `DecodeFailed` where a strip or tile of a TIFF's picture is damaged, as far as its codec can tell."""
    with mapped(path) as data:
        page = page_of(lambda offset, size: data[offset : offset + size])
        directory = page.directory
        compression = directory.number(259, 1)
        if compression in _DEFLATE:
            for offset, length in _segments(directory, page):
                _require_inflatable(data, offset, length)
        elif compression == _JPEG:
            tables = directory.block(347)
            for offset, length in _segments(directory, page):
                segment = data[offset : offset + length]
                require_decodable(tables[:-2] + segment[2:] if tables else segment)
        elif compression in _FAX and page.is_tiled:
            for offset, length in _segments(directory, page):
                _require_fax(data[offset : offset + length], directory, compression)


def _segments(directory: Directory, page: Page) -> Iterator[tuple[int, int]]:
    """Where each lies, and how long it is; not those that are left out of a sparse file."""
    offsets, lengths = (directory.offsets(tag) for tag in (_TILES if page.is_tiled else _STRIPS))
    return ((offset, length) for offset, length in zip(offsets, lengths, strict=False) if length)


def _require_inflatable(data: Data, offset: int, length: int) -> None:
    """To its end, where its checksum stands."""
    inflating = isal_zlib.decompressobj()
    end = min(offset + length, len(data))
    try:
        for start in range(offset, end, _PIECE):
            rest = data[start : min(start + _PIECE, end)]
            while rest and not inflating.eof:
                inflating.decompress(rest, _MOST)
                rest = inflating.unconsumed_tail
            if inflating.eof:
                return
    except isal_zlib.error as error:  # type: ignore[misc]  # its stub says no class
        raise DecodeFailed(f"it cannot be decoded: its deflated data are damaged ({damage(error)})") from None
    raise DecodeFailed("it cannot be decoded: its deflated data are damaged (they have no end)")


def _require_fax(segment: bytes, directory: Directory, compression: int) -> None:
    """A tile by itself, as the one strip of a file: there libvips minds what the codec warns of."""
    fields = {
        256: directory.number(322),
        257: directory.number(323),
        258: 1,
        259: compression,
        262: directory.number(262),
        266: directory.number(266, 1),
        273: 0,
        277: 1,
        278: directory.number(323),
        279: len(segment),
        292: directory.number(292),
        293: directory.number(293),
    }
    fields[273] = 8 + 2 + 12 * len(fields) + 4
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in fields.items())
    file = b"II*\0" + struct.pack("<IH", 8, len(fields)) + entries + bytes(4) + segment
    try:
        pyvips.Image.tiffload_buffer(file, fail_on="warning", access="sequential").avg()
    except pyvips.Error as error:
        raise DecodeFailed(f"it cannot be decoded: {damage(error)}") from None
