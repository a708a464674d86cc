"""The rows of a PNG as renders mostly are: 8-bit RGBA, not interlaced, and without a fault (PNG, third edition).

It is twice as fast as libvips, which stays the judge of everything else: what is not exactly such a file is not read
here at all, and neither taken nor refused.
"""

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from mmap import mmap

import numpy as np
from isal import isal_zlib
from zlib_ng import zlib_ng

from darkroom.imaging.kernels import I64, U8
from darkroom.imaging.png_header import HEADER_BYTES, png_size
from darkroom.imaging.png_kernels import unfilter, unpack

_RGBA = bytes((8, 6, 0, 0, 0))  # bits, colour type, compression, filter method, interlace (11.2.1)
_PIECE = 256 << 10  # bytes that are inflated at a time, at least: what of them waits is copied for every part
_PART = 768 << 10  # bytes that they become at a time: fewer hand the interpreter over too often, more leave the cache
_AT_ONCE = 5 << 10  # bytes up to which a checksum does not hand the interpreter over


class NotPlain(Exception):
    """A fault that shows while rows are read."""


@dataclass(frozen=True, slots=True)
class PlainPng:
    """A file whose chunks are all in order, and whole by their checksums."""

    width: int
    height: int
    data: Sequence[memoryview]
    """What its IDAT chunks hold."""

    def painted(self, spans: I64) -> Iterator[tuple[slice, U8]]:
        """What its rows paint, some at a time from the top: which rows, and their pixels, until the next are asked for.

        `spans` (height, 3) becomes each row's first painted pixel, the one behind its last, and where in these pixels
        it begins. Raises `NotPlain` where the data do not fill the rows exactly, or are not as their checksum says.
        """
        line, rows = np.empty(1 + self.width * 4, np.uint8), np.zeros((2, self.width * 4), np.uint8)
        at = np.array((0, 0, 0, 1))  # as `unpack` has it: above the first row are zeros
        packed = np.empty(min(_PART, self.height * line.size) + line.size, np.uint8)
        for part in _inflated(_pieces(self.data)):
            top = int(at[0])
            used = unpack(np.frombuffer(part, np.uint8), line, rows, at, spans, packed)
            if used < 0:
                raise NotPlain
            yield slice(top, int(at[0])), packed[:used]
        if at[0] != self.height or at[1]:
            raise NotPlain

    def pixels(self) -> U8:
        """All of its pixels, (height, width, 4), also what is transparent; beside them it takes as much once more.

        Raises `NotPlain` as `painted` does.
        """
        filtered = np.empty((self.height, 1 + self.width * 4), np.uint8)
        flat, end = filtered.reshape(-1), 0
        for part in _inflated(_pieces(self.data)):
            if end + len(part) > flat.size:
                raise NotPlain
            flat[end : end + len(part)] = np.frombuffer(part, np.uint8)
            end += len(part)
        rows = np.empty((self.height, self.width * 4), np.uint8)
        if end != flat.size or not unfilter(filtered, rows):
            raise NotPlain
        return rows.reshape(self.height, self.width, 4)


def plain_png(data: bytes | mmap) -> PlainPng | None:
    """The file as such a one; None where it is another kind of PNG, or has any fault that its chunks show."""
    size = png_size(data[:HEADER_BYTES])
    if size is None or data[24:29] != _RGBA:
        return None
    parts = _chunks(memoryview(data))
    return PlainPng(*size, parts) if parts else None


def _chunks(view: memoryview) -> list[memoryview]:
    """What the IDAT chunks hold; nothing where a chunk is cut off, misplaced, critical and unknown, or damaged."""
    parts: list[memoryview] = []
    at, before = 8, b""
    while before != b"IEND":
        if at + 12 > len(view):
            return []
        length, kind = struct.unpack_from(">I4s", view, at)
        end = at + 8 + length
        if end + 4 > len(view) or struct.unpack_from(">I", view, end)[0] != _crc(view[at + 4 : end]):
            return []
        match kind:
            case b"IHDR" if not before and length == 13:
                pass
            case b"IDAT" if before == b"IDAT" or not parts:
                parts.append(view[at + 8 : end])
            case b"IEND" if not length:
                pass
            case _ if kind[0] & 0x20 and before:  # ancillary (5.4)
                pass
            case _:
                return []
        at, before = end + 4, kind
    return parts


def _crc(data: memoryview) -> int:
    crc = 0
    for at in range(0, len(data), _AT_ONCE):
        crc = isal_zlib.crc32(data[at : at + _AT_ONCE], crc)
    return crc


def _pieces(chunks: Iterable[memoryview]) -> Iterator[bytes | memoryview]:
    """The same bytes, neither in many small pieces nor in a huge one."""
    few: list[memoryview] = []
    size = 0
    for chunk in chunks:
        for at in range(0, len(chunk), _PIECE):
            few.append(chunk[at : at + _PIECE])
            size += len(few[-1])
            if size >= _PIECE:
                yield b"".join(few)
                few, size = [], 0
    yield b"".join(few)


def _inflated(pieces: Iterable[bytes | memoryview]) -> Iterator[bytes]:
    """What the pieces of a zlib stream inflate to. Raises `NotPlain` where it is damaged, or does not end with them."""
    stream = zlib_ng.decompressobj()
    for piece in pieces:
        rest = piece
        while rest:
            if stream.eof:
                raise NotPlain
            try:
                part = stream.decompress(rest, _PART)
            except zlib_ng.error:  # type: ignore[misc]  # its stub says no class
                raise NotPlain from None
            rest = stream.unconsumed_tail
            if part:
                yield part
    if not stream.eof or stream.unused_data:
        raise NotPlain
