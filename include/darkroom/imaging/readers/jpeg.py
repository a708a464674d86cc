"""JPEG: given to libvips with what is harmless in its header put right, and watched while it is decoded.

libjpeg tells only its first warning, so that a harmless one would hide the damage after it; and it does not mind when a
picture is full before its data end, as with zeros in the middle. Both are seen here, and cost no further pass.
"""

import mmap
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyvips

from darkroom.failures import DecodeFailed
from darkroom.imaging.source import damage
from darkroom.imaging.strict import listen

Data = mmap.mmap | bytes

_SOF = (*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0))
_SEQUENTIAL = (0xC0, 0xC1, 0xC9)
_SOS, _EOI, _COM = 0xDA, 0xD9, 0xFE
_APP0, _APP1, _APP2, _APP14, _APP15 = 0xE0, 0xE1, 0xE2, 0xEE, 0xEF
_ALONE = (0x01, *range(0xD0, 0xD9))  # markers without a length
_WHOLE_SCAN = bytes((0, 63, 0))  # of a sequential JPEG: the first and last coefficient, and no bits to come
_FILL = 0xFF  # may stand before any marker
_MOST_SEGMENTS = 10_000
_NEAR, _PIECE = 1024, 64  # bytes: before the end libvips gets so many at a time
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")  # in a scan: no zero stuffed behind it, no restart, no fill
_SEARCH, _FAR = 1 << 16, 1 << 18


class Jpeg:
    """A JPEG as libvips shall see it, from its beginning: for as long as this reader lives."""

    def __init__(self, data: Data) -> None:
        self._data, self._size = data, len(data)
        self._mended = dict(_mended(data))
        self._last = max(self._mended, default=-1)
        scan = next((at for marker, at, *_ in _segments(data) if marker == _SOS), 0)
        self._end = _end_of(data, scan)
        self._at = self._reached = self._before = 0
        self._source = pyvips.SourceCustom()
        self._source.on_read(self._read)
        self._source.on_seek(self._seek)

    @property
    def source(self) -> pyvips.SourceCustom:
        """The same for libvips."""
        return self._source

    def close(self) -> None:
        """It is decoded, and no image of it is left."""
        del self._source  # which refers to this again

    def left_over(self) -> int:
        """Bytes of the scan that nothing was decoded from: none, if a picture is whole. A fill is nothing."""
        at = self._before
        while at < self._size:
            found = _MARKER.search(self._data[at : at + _SEARCH])
            if found:
                at += found.start()
                break
            at += _SEARCH - 1  # a marker may lie across
        end = min(at, self._size)
        return end - self._reached if self._data[self._reached : end].strip(b"\xff") else 0

    def _read(self, size: int) -> bytes:
        if self._at < self._end:
            size = min(size, max(_PIECE, self._end - _NEAR - self._at))
        data = self._data[self._at : self._at + size]
        if self._at <= self._last:
            data = bytes(self._mended.get(at, byte) for at, byte in enumerate(data, self._at))
        if self._at + len(data) > self._reached:
            self._before, self._reached = self._at, self._at + len(data)
        self._at += len(data)
        return data

    def _seek(self, offset: int, whence: int) -> int:
        self._at = max(0, offset + (0, self._at, self._size)[whence])
        return self._at


@contextmanager
def mapped(path: Path) -> Iterator[mmap.mmap]:
    """A file's bytes. Raises `DecodeFailed` for an empty one."""
    with path.open("rb") as file:
        try:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError:
            raise DecodeFailed("it is empty") from None
    with data:
        yield data


def _end_of(data: Data, at: int) -> int:
    """Where the end mark is behind a place: one more picture may lie there.

    By pieces, in which numpy compares pairs of bytes: `find` takes several times as long.
    """
    while at < len(data):
        piece = data[at : at + _FAR + 1]  # a mark may lie across
        if any((np.frombuffer(piece, "<u2", (len(piece) - odd) // 2, odd) == 0xD9FF).any() for odd in (0, 1)):
            return at + piece.find(b"\xff\xd9") + 2
        at += _FAR
    return len(data)


def require_whole(jpeg: Jpeg, data: Data, heard: list[str]) -> None:
    """Raises `DecodeFailed` where something was wrong with what has just been decoded from `jpeg`, which is of `data`.

    `heard` is what libvips has warned of: in the last rows it can do no more than that.
    """
    _require_silence(heard)
    if jpeg.left_over():  # the last rows may not have been wanted: then all of them are, once
        require_decodable(data)


def require_decodable(data: Data) -> None:
    """Decode all of a JPEG. Raises `DecodeFailed` for a damaged one."""
    jpeg, heard = Jpeg(data), listen()
    try:
        pyvips.Image.jpegload_source(jpeg.source, fail_on="warning", access="sequential").avg()
    except pyvips.Error as error:
        raise DecodeFailed(f"it cannot be decoded: {damage(error)}") from None
    _require_silence(heard)
    left = jpeg.left_over()
    jpeg.close()
    if left:
        raise DecodeFailed(f"it cannot be decoded: it is damaged, and {left:,} bytes of its picture are left over")


def sampling(data: Data) -> tuple[int, int] | None:
    """How many samples of its first channel, across and down, share one of the others."""
    for marker, at, length, _ in _segments(data):
        if marker in _SOF and length > 8:
            return data[at + 7] >> 4, data[at + 7] & 15
    return None


def _require_silence(heard: list[str]) -> None:
    if any(line.startswith("read gave") for line in heard):
        why = next((line.splitlines()[0] for line in heard if "JPEG" in line), "it is damaged")
        raise DecodeFailed(f"it cannot be decoded: {why}")


def _mended(data: Data) -> Iterator[tuple[int, int]]:
    """What is put right in the header, by offset: as libjpeg takes it after a warning, and what it does not need."""
    channels, sequential, transform = 0, False, -1
    for marker, at, length, junk in _segments(data):
        yield from ((place, _FILL) for place in junk)
        body = data[at : at + min(length, 16)]
        if marker in _SOF:
            sequential, channels = marker in _SEQUENTIAL, body[5] if len(body) > 5 else 0
        elif marker == _APP0 and body[:5] == b"JFIF\0" and body[5] not in (1, 2):
            yield at + 5, 1
        elif marker == _APP14 and body[:5] == b"Adobe" and length >= 12:
            transform = at + 11
        elif _is_needless(marker, body):
            yield at - 3, _COM  # libvips would take another decoder for some, and keep the others
        elif marker == _SOS and sequential:
            yield from _mended_scans(data, at, length, channels)
    known = {3: (0, 1), 4: (0, 2)}.get(channels)
    if transform > 0 and known and data[transform] not in known:
        yield transform, known[1]


def _is_needless(marker: int, body: bytes) -> bool:
    if marker == _APP1:
        return body[:4] != b"Exif"
    if marker == _APP2:
        return body[:12] != b"ICC_PROFILE\0"
    return _APP2 < marker <= _APP15 and marker != _APP14


def _mended_scans(data: Data, at: int, length: int, channels: int) -> Iterator[tuple[int, int]]:
    """The parameters of a sequential JPEG's scans, which can only be the one thing."""
    first = True
    while first or (at := data.find(b"\xff\xda", at) + 4) > 3:
        in_scan = data[at] if at < len(data) else 0
        parameters = at + 1 + 2 * in_scan
        if 0 < in_scan <= 4 and data[parameters : parameters + 3] != _WHOLE_SCAN and parameters + 3 <= len(data):
            yield from zip(range(parameters, parameters + 3), _WHOLE_SCAN, strict=True)
        if first and in_scan >= channels:
            return
        first = False
        at += max(length - 2, 1) if length > 2 else 1


def _segments(data: Data) -> Iterator[tuple[int, int, int, list[int]]]:
    """The header's segments up to the first scan: marker, where its content begins and how long that is.

    And where bytes lie before it that belong to nothing.
    """
    at, size = 2, len(data)
    for _ in range(_MOST_SEGMENTS):
        junk: list[int] = []
        marker = 0
        while not marker:
            start = data.find(b"\xff", at)
            if start < 0 or start - at > _SEARCH:
                return
            junk.extend(range(at, start))
            at = start + 1
            while at < size and data[at] == _FILL:
                at += 1
            if at >= size:
                return
            marker = data[at]
            if not marker:
                junk += [at]
            at += 1
        if marker == _EOI:
            return
        if marker in _ALONE:
            continue
        length = int.from_bytes(data[at : at + 2], "big") - 2
        yield marker, at + 2, length, junk
        if marker == _SOS or length < 0:
            return
        at += 2 + length
