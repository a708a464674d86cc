"""Is a file what its name says? By its first bytes, and by a decoder that really reads its header.

Decoders' own messages are not told: libvips keeps them for all threads in one place. A JPEG's EXIF, profiles and
comments are not given to its decoder: they may be longer than what is at hand, take half of the time, and say nothing
of whether it is one.
"""

import re
from collections.abc import Callable
from functools import cache

from darkroom.failures import DecodeFailed
from darkroom.imaging.formats import BEGINNING, Format, format_of

VERSION = 1
"""Raised whenever a file may be judged in another way."""

CONTENTS = {
    "jpeg": Format.JPEG,
    "png": Format.PNG,
    "webp": Format.WEBP,
    "gif": Format.GIF,
    "tiff": Format.TIFF,
    "avif": Format.AVIF,
}
"""The kinds of content that a rule can want, by their words in a rule file."""

Read = Callable[[int, int], bytes]
"""Some bytes of a file: from where on, and how many at most."""

_LOADERS = {
    Format.JPEG: "jpegload_buffer",
    Format.PNG: "pngload_buffer",
    Format.WEBP: "webpload_buffer",
    Format.GIF: "gifload_buffer",
    Format.TIFF: "tiffload_buffer",
    Format.AVIF: "heifload_buffer",
}
_SAVED = re.compile(r"save it as [\w ]+$")
_SOS, _EOI, _FILL = 0xDA, b"\xff\xd9", 0xFF
_NEEDLESS = frozenset((*range(0xE0, 0xF0), 0xFE))  # EXIF, ICC and the like, and comments
_NONE = frozenset((*range(0xC0), *range(0xD0, 0xDA)))  # no markers of a header, and markers without a length
_MOST_SEGMENTS, _LONGEST_HEADER = 10_000, 1 << 20  # the tables of a JPEG have some hundred bytes
_TAIL = 1 << 16
_MOST = 256 << 20  # bytes that are read at once of a file whose header lies elsewhere


def wrong_content(wanted: Format, beginning: bytes, size: int, read: Read | None = None) -> str:
    """Why a file of `size` bytes that begins so is not of the wanted kind; empty where it is.

    `beginning` is all of it, or at least its first `formats.BEGINNING` bytes; `read` gives others, and is asked only
    where those are not enough. Without it nothing is said of what they do not show. What `read` raises goes through.
    """
    try:
        found = format_of(beginning[:BEGINNING])
    except DecodeFailed as error:
        return _SAVED.sub(f"save it as {wanted}", str(error))
    if found is not wanted:
        return f"it is {_a(found)}, and no {wanted}; save it as {wanted}"
    reading = _Reading(beginning, size, read)
    return _wrong_jpeg(reading) if wanted is Format.JPEG else _wrong_image(wanted, reading)


class _Reading:
    """A file of which the beginning is at hand, and the rest perhaps on demand."""

    def __init__(self, beginning: bytes, size: int, read: Read | None) -> None:
        self.beginning, self.size, self._read = beginning, size, read
        self.reach = size if read else len(beginning)

    def at(self, start: int, length: int) -> bytes:
        """So many bytes from there on, or as many as there are."""
        if start + length <= len(self.beginning) or self._read is None:
            return self.beginning[start : start + length]
        length = min(length, self.size - start)
        return self._read(start, length) if length > 0 else b""

    def whole(self) -> bytes:
        return self.beginning if len(self.beginning) >= self.reach else self.at(0, min(self.reach, _MOST))


def _wrong_jpeg(reading: _Reading) -> str:
    header, scan = _header_of(reading)
    if not scan and reading.reach < reading.size:
        return ""
    if not _opens(Format.JPEG, header or reading.whole()):
        return "it is a JPEG that is cut off; copy it again" if header and not scan else _damaged(Format.JPEG)
    return "" if _has_end(reading, scan) else "it is a JPEG that is cut off in its picture; copy it again"


def _header_of(reading: _Reading) -> tuple[bytes, int]:
    """What a JPEG's decoder needs of its header, and where its picture begins.

    The latter is 0 where the file ends before. Both are nothing where it is no row of segments: decoders take more.
    """
    data = reading.beginning
    parts, kept, at = [data[:2]], 0, 2
    for _ in range(_MOST_SEGMENTS):
        head = data[at : at + 4]
        if len(head) < 4 and len(head := reading.at(at, 4)) < 4:
            return b"".join(parts), 0
        fill, marker, high, low = head
        if fill != _FILL:
            return b"", 0
        if marker == _FILL:
            at += 1
            continue
        length = 2 + (high << 8 | low)
        if marker in _NONE or length < 4:
            return b"", 0
        if marker not in _NEEDLESS:
            part = reading.at(at, length)
            parts.append(part)
            kept += len(part)
            if marker == _SOS and len(part) == length:
                return b"".join(parts), at + length
            if kept > _LONGEST_HEADER:
                break
        at += length
    return b"", 0


def _has_end(reading: _Reading, scan: int) -> bool:
    """Is a JPEG's end mark anywhere behind the beginning of its picture? Cameras write more behind it."""
    end = reading.reach
    if end < reading.size:
        return True
    while end > scan:
        start = max(scan, end - _TAIL)
        if reading.at(start, end - start).rfind(_EOI) >= 0:
            return True
        end = start + 1 if start > scan else scan  # a mark may lie across
    return False


def _wrong_image(wanted: Format, reading: _Reading) -> str:
    if _opens(wanted, reading.beginning):
        return ""
    if len(reading.beginning) < reading.size and (
        reading.reach < reading.size or reading.size > _MOST or _opens(wanted, reading.whole())
    ):
        return ""
    return _damaged(wanted)


def _opens(kind: Format, data: bytes) -> bool:
    """Does a decoder read its header? Raises nothing, whatever the data are."""
    return _opener()(_LOADERS[kind], data)


@cache
def _opener() -> Callable[[str, bytes], bool]:
    """What opens an image, by its loader: libvips is imported when the first one is looked at.

    `pyvips.Image.jpegload_buffer` does the same, and takes half as long again to look up what it has been asked.
    """
    import pyvips

    pyvips.cache_set_max(0)  # each is opened once
    new, put, failed = pyvips.Operation.new_from_name, pyvips.VipsObject.set, pyvips.ffi.NULL
    build, forget = pyvips.vips_lib.vips_cache_operation_build, pyvips.vips_lib.vips_object_unref_outputs
    clear = pyvips.vips_lib.vips_error_clear

    def opens(loader: str, data: bytes) -> bool:
        operation = new(loader)
        put(operation, "buffer", data)
        built = build(operation.pointer)
        if built == failed:
            forget(operation.vobject)
            clear()
            return False
        forget(pyvips.Operation(built).vobject)
        return True

    return opens


def _damaged(kind: Format) -> str:
    return f"it begins as {_a(kind)}, and its header cannot be decoded: it is damaged or cut off; save it again"


def _a(kind: Format) -> str:
    """It with its article.

    >>> _a(Format.AVIF), _a(Format.PNG)
    ('an AVIF', 'a PNG')
    """
    return f"{'an' if kind in (Format.AVIF, Format.SVG) else 'a'} {kind}"
