"""The directories of a TIFF, read by ourselves: what its pages say, before any library believes it."""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from darkroom.failures import DecodeFailed

ReadAt = Callable[[int, int], bytes]
"""Bytes of a file from an offset on, so many; fewer only at its end."""

_TYPES = {  # of a field: bytes of one value, and how it is unpacked; TIFF 6.0 and BigTIFF
    1: (1, "B"),
    2: (1, "s"),
    3: (2, "H"),
    4: (4, "I"),
    5: (8, "II"),
    6: (1, "b"),
    7: (1, "B"),
    8: (2, "h"),
    9: (4, "i"),
    10: (8, "ii"),
    11: (4, "f"),
    12: (8, "d"),
    13: (4, "I"),
    16: (8, "Q"),
    17: (8, "q"),
    18: (8, "Q"),
}
_UNREADABLE = "it is a TIFF that cannot be opened"
_MOST_FIELDS = 4096  # of a directory
_MOST_PAGES = 10_000
_MOST_VALUES = 4096  # of a field that is looked at; those of each strip or tile are not
_MOST_SEGMENTS = 1 << 24  # strips or tiles
_WHOLE = (3, 4, 16)  # types of whole numbers
_SUB_IFDS = 330


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a directory, with its value or the offset of it as it lies there."""

    tag: int
    type: int
    count: int
    raw: bytes


@dataclass(frozen=True, slots=True)
class Shape:
    """How a file writes its numbers: a byte order, and offsets of 4 or (BigTIFF) 8 bytes."""

    order: str
    big: bool

    @property
    def entry(self) -> int:
        """Bytes of a directory's field."""
        return 20 if self.big else 12

    @property
    def word(self) -> str:
        """How an offset is unpacked."""
        return "Q" if self.big else "I"

    @property
    def room(self) -> int:
        """Bytes of a value that stands in the directory itself."""
        return 8 if self.big else 4

    def packed(self, one: Field) -> bytes:
        """A field as it is written."""
        return struct.pack(f"{self.order}HH{self.word}", one.tag, one.type, one.count) + one.raw

    def short(self, tag: int, *values: int) -> Field:
        """A field of one or two small numbers."""
        raw = struct.pack(f"{self.order}{len(values)}H", *values)
        return Field(tag, 3, len(values), raw.ljust(self.room, b"\0"))


@dataclass(frozen=True)
class Directory:
    """One page of a file, or one of a page's SubIFDs (`inner`)."""

    shape: Shape
    offset: int
    fields: dict[int, Field]
    inner: bool
    read_at: ReadAt = field(repr=False)

    def values(self, tag: int) -> tuple[Any, ...]:
        """A field's values; none where it is missing or longer than anything that is looked at."""
        one = self.fields.get(tag)
        if one is None or one.type not in _TYPES or not 0 < one.count <= _MOST_VALUES:
            return ()
        size, code = _TYPES[one.type]
        data = self._bytes(one, one.count * size)
        if code == "s":
            return (data.rstrip(b"\0"),)
        found = struct.unpack(f"{self.shape.order}{code * one.count}", data)
        if len(code) == 1:
            return found
        return tuple(a / b if b else 0.0 for a, b in zip(found[::2], found[1::2], strict=True))

    def offsets(self, tag: int) -> list[int]:
        """All values of a field of whole numbers, however many: where strips or tiles lie, and how long they are."""
        one = self.fields.get(tag)
        if one is None or one.type not in _WHOLE or not 0 < one.count <= _MOST_SEGMENTS:
            return []
        size, code = _TYPES[one.type]
        return list(struct.unpack(f"{self.shape.order}{one.count}{code}", self._bytes(one, one.count * size)))

    def some(self, tag: int, first: int, count: int) -> list[int]:
        """So many values of such a field from one on: of millions of tiles only those that are looked at are read.

        None where the field has not so many.
        """
        one = self.fields.get(tag)
        if one is None or one.type not in _WHOLE or first < 0 or not 0 < count <= one.count - first:
            return []
        size, code = _TYPES[one.type]
        if one.count * size <= self.shape.room:
            data = one.raw[first * size : (first + count) * size]
        else:
            data = _exactly(self.read_at, self._offset(one) + first * size, count * size)
        return list(struct.unpack(f"{self.shape.order}{count}{code}", data))

    def count(self, tag: int) -> int:
        """How many values a field has; none where it is missing, or its values cannot lie in any file."""
        one = self.fields.get(tag)
        if one is None or one.type not in _TYPES:
            return 0
        size = one.count * _TYPES[one.type][0]
        if size > self.shape.room:
            return one.count if self.read_at(self._offset(one) + size - 1, 1) else 0
        return one.count

    def block(self, tag: int) -> bytes:
        """A field's value as bytes, such as JPEG's tables; none where it is missing or longer than 64 KiB."""
        one = self.fields.get(tag)
        if one is None or one.type not in (1, 7) or not 0 < one.count <= 1 << 16:
            return b""
        return self._bytes(one, one.count)

    def _bytes(self, one: Field, size: int) -> bytes:
        """The first bytes of a field's value, which stands in the directory where it has room."""
        return one.raw[:size] if size <= self.shape.room else _exactly(self.read_at, self._offset(one), size)

    def _offset(self, one: Field) -> int:
        return int(struct.unpack(self.shape.order + self.shape.word, one.raw)[0])

    def number(self, tag: int, default: int = 0) -> int:
        """A field's first value."""
        found = self.values(tag)
        return int(found[0]) if found and isinstance(found[0], int) else default


def directories(read_at: ReadAt, *, most: int = _MOST_PAGES) -> Iterator[Directory]:
    """The pages of a TIFF in their order, each followed by its SubIFDs.

    Raises `DecodeFailed` for what is no TIFF, where a directory leads back to an earlier one, and for more than `most`.
    """
    shape, offset = beginning(read_at)
    seen: set[int] = set()
    while offset:
        if offset in seen:
            raise DecodeFailed(f"{_UNREADABLE}: a directory leads back to an earlier one, so that it never ends")
        if len(seen) >= most:
            raise DecodeFailed(f"{_UNREADABLE}: it has more than {most:,} directories")
        seen.add(offset)
        page, following = _directory(read_at, shape, offset, inner=False)
        yield page
        for inner in page.values(_SUB_IFDS):
            if isinstance(inner, int) and inner and inner not in seen and len(seen) < most:
                seen.add(inner)
                yield _directory(read_at, shape, inner, inner=True)[0]
        offset = following


def first_offset_at(shape: Shape) -> int:
    """Where a file says where its first directory lies."""
    return 8 if shape.big else 4


def beginning(read_at: ReadAt) -> tuple[Shape, int]:
    """How a file writes its numbers, and where its first directory lies. Raises `DecodeFailed` for what is no TIFF."""
    data = _exactly(read_at, 0, 8)
    order = {b"II": "<", b"MM": ">"}.get(data[:2], "")
    version = struct.unpack(f"{order or '<'}H", data[2:4])[0]
    if not order or version not in (42, 43):
        raise DecodeFailed("it begins as a TIFF and is none")
    shape = Shape(order, version == 43)
    if shape.big:
        return shape, struct.unpack(f"{order}Q", _exactly(read_at, 8, 8))[0]
    return shape, struct.unpack(f"{order}I", data[4:8])[0]


def _directory(read_at: ReadAt, shape: Shape, offset: int, *, inner: bool) -> tuple[Directory, int]:
    """A directory, and the offset of the following one."""
    head = 8 if shape.big else 2
    count = struct.unpack(shape.order + ("Q" if shape.big else "H"), _exactly(read_at, offset, head))[0]
    if not 0 < count <= _MOST_FIELDS:
        raise DecodeFailed(f"{_UNREADABLE}: a directory of {count:,} fields")
    data = _exactly(read_at, offset + head, count * shape.entry)
    # where a file ends with its directory, libtiff takes it for the last one, and so do we
    end = read_at(offset + head + count * shape.entry, shape.room)
    following = struct.unpack(shape.order + shape.word, end)[0] if len(end) == shape.room else 0
    fields: dict[int, Field] = {}
    for at in range(0, len(data), shape.entry):
        tag, kind, number = struct.unpack_from(f"{shape.order}HH{shape.word}", data, at)
        raw = data[at + shape.entry - shape.room : at + shape.entry]
        fields.setdefault(tag, Field(tag, kind, number, raw))  # of two the first counts, as with libtiff
    return Directory(shape, offset, fields, inner, read_at), following


def _exactly(read_at: ReadAt, offset: int, size: int) -> bytes:
    data = read_at(offset, size)
    if len(data) != size:
        raise DecodeFailed(f"{_UNREADABLE}: it is cut short")
    return data
