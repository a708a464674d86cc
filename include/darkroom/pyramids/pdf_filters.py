"""The filters of a PDF's streams that are no image's own (ISO 32000-1, 7.4), undone strictly: damage is no picture."""

import base64
import binascii
import re
import zlib
from collections.abc import Callable, Iterator
from typing import Any

from darkroom.pyramids.failures import DecodeFailed
from darkroom.pyramids.pdf_objects import Objects, Stream

LARGEST = 256 << 20  # bytes of one stream that is unpacked in memory
_BLOCK = 1 << 18
_ADLER = 4  # bytes of the sum behind a deflate stream, which some writers leave out

_SHORT = {  # what inline images may write
    "AHx": "ASCIIHexDecode",
    "A85": "ASCII85Decode",
    "LZW": "LZWDecode",
    "Fl": "FlateDecode",
    "RL": "RunLengthDecode",
    "CCF": "CCITTFaxDecode",
    "DCT": "DCTDecode",
}


def filters_of(stream: Stream, objects: Objects) -> list[tuple[str, dict[str, Any]]]:
    """The names of a stream's filters in the order in which they are undone, each with its parameters."""
    names = _listed(objects.get(stream.entries.get("Filter")))
    given = _listed(objects.get(stream.entries.get("DecodeParms")))
    result = []
    for number, name in enumerate(names):
        parameters = objects.get(given[number]) if number < len(given) else None
        known = {key: objects.get(value) for key, value in parameters.items()} if isinstance(parameters, dict) else {}
        text = str(objects.get(name))
        result.append((_SHORT.get(text, text), known))
    return result


def content_of(stream: Stream, objects: Objects) -> bytes:
    """All of a stream that is no image, unpacked. Raises `DecodeFailed`."""
    data = stream.data
    for name, _ in filters_of(stream, objects):
        if name not in UNPACKED:
            raise DecodeFailed(f"its first page is packed by {name[:40]}, which is not read")
        data = UNPACKED[name](data)
    return data


def inflated_length(data: bytes) -> int:
    """How many bytes a deflate stream unpacks to, without keeping them. Raises `DecodeFailed` for a damaged one."""
    return sum(map(len, _inflate(data)))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _inflate(data: bytes) -> Iterator[bytes]:
    """A deflate stream unpacked in blocks. Raises `DecodeFailed`. That only its sum is missing does no harm."""
    engine = zlib.decompressobj()
    try:
        yield from _blocks(engine, data)
        whole = engine.eof or _lacks_its_sum(data)
    except zlib.error:
        whole = False
    if not whole:
        raise DecodeFailed("its first page is damaged: a part of it cannot be unpacked")


def _lacks_its_sum(data: bytes) -> bool:
    engine = zlib.decompressobj(-zlib.MAX_WBITS)
    for _ in _blocks(engine, data[2:]):
        pass
    return engine.eof and len(engine.unused_data) < _ADLER


def _blocks(engine: Any, data: bytes) -> Iterator[bytes]:
    for at in range(0, len(data), _BLOCK):
        rest = data[at : at + _BLOCK]  # what is left of it is copied each time
        while not engine.eof and (block := engine.decompress(rest, _BLOCK)):
            yield block
            rest = engine.unconsumed_tail


def _flate(data: bytes) -> bytes:
    found = bytearray()
    for block in _inflate(data):
        found += block
        _limit(len(found))
    return bytes(found)


def _hexadecimal(data: bytes) -> bytes:
    digits = re.sub(rb"\s", b"", data.partition(b">")[0])
    try:
        return binascii.unhexlify(digits + b"0" * (len(digits) % 2))
    except binascii.Error:
        raise DecodeFailed("its first page is damaged: a part of it is no hexadecimal text") from None


def _base85(data: bytes) -> bytes:
    try:
        return base64.a85decode(data.strip().removeprefix(b"<~").partition(b"~")[0], ignorechars=b" \t\n\r\v\f\0")
    except ValueError:
        raise DecodeFailed("its first page is damaged: a part of it is no ASCII85 text") from None


def _run_length(data: bytes) -> bytes:
    found = bytearray()
    at = 0
    while at < len(data) and data[at] != 128:
        count = data[at]
        if count < 128:
            found += data[at + 1 : at + 2 + count]
            at += 2 + count
        else:
            found += data[at + 1 : at + 2] * (257 - count)
            at += 2
        _limit(len(found))
    return bytes(found)


def _lzw(data: bytes) -> bytes:
    """LZW with codes of 9 to 12 bits, the highest first, that grow one code early."""
    single = [bytes([number]) for number in range(256)] + [b"", b""]
    table, found = list(single), bytearray()
    before, held, bits, width = b"", 0, 0, 9
    for byte in data:
        held, bits = held << 8 | byte, bits + 8
        if bits < width:
            continue
        bits -= width
        code, held = held >> bits, held & (1 << bits) - 1
        if code == 256:
            table, before, width = list(single), b"", 9
            continue
        if code == 257:
            return bytes(found)
        if code > len(table) or (code == len(table) and not before):
            raise DecodeFailed("its first page is damaged: a part of it cannot be unpacked")
        entry = table[code] if code < len(table) else before + before[:1]
        if before and len(table) < 4096:
            table.append(before + entry[:1])
        before = entry
        found += entry
        _limit(len(found))
        width = max(9, min(12, (len(table) + 1).bit_length()))
    return bytes(found)


def _limit(length: int) -> None:
    if length > LARGEST:
        raise DecodeFailed(f"a part of its first page unpacks to more than {LARGEST >> 20} MiB")


UNPACKED: dict[str, Callable[[bytes], bytes]] = {
    "FlateDecode": _flate,
    "LZWDecode": _lzw,
    "ASCIIHexDecode": _hexadecimal,
    "ASCII85Decode": _base85,
    "RunLengthDecode": _run_length,
    "Crypt": lambda data: data,  # PDFium has decrypted it
}
"""What undoes each filter that is no image's own."""
