"""The images of a PDF's page, proven whole: PDFium draws the half of an image that is there, and says nothing."""

import struct
from typing import Any

import pyvips

from darkroom.pyramids.failures import DecodeFailed
from darkroom.pyramids.pdf_filters import UNPACKED, filters_of, inflated_length
from darkroom.pyramids.pdf_objects import Objects, Stream
from darkroom.pyramids.source import said

_CHANNELS = {
    **dict.fromkeys(("DeviceGray", "G", "CalGray", "Indexed", "I", "Separation"), 1),
    **dict.fromkeys(("DeviceRGB", "RGB", "CalRGB", "Lab"), 3),
    **dict.fromkeys(("DeviceCMYK", "CMYK"), 4),
}
_PREDICTED = (("Colors", 1), ("BitsPerComponent", 8), ("Columns", 1))
_HELD, _HELD_OTHERWISE = {"JPXDecode": 16, "DCTDecode": 6}, 4  # bytes of a pixel; a JPEG may be progressive
_JBIG2_UNKNOWN = 0xFFFFFFFF  # a length that is not said
_JBIG2_END = (b"\x00\x00", b"\xff\xac")  # what ends a region whose length is not said, by MMR and arithmetic coding


def held_by(stream: Stream, objects: Objects) -> int:
    """Bytes that it takes to prove and to draw an image, as measured."""
    width, height = size_of_image(stream, objects)
    filters = [name for name, _ in filters_of(stream, objects)]
    known = [bytes_a_pixel for name, bytes_a_pixel in _HELD.items() if name in filters]
    return width * height * (known[0] if known else _HELD_OTHERWISE)


def size_of_image(stream: Stream, objects: Objects) -> tuple[int, int]:
    """Its width and height in pixels; 0 where they are not said."""
    return _number(stream, "Width", objects), _number(stream, "Height", objects)


def prove_whole(stream: Stream, spaces: dict[str, Any], objects: Objects) -> None:
    """Raises `DecodeFailed` for an image that is cut short or damaged. `spaces`: the colour spaces by their names."""
    data = stream.data
    filters = filters_of(stream, objects)
    for name, _ in filters[:-1]:
        if name not in UNPACKED:
            raise _refused(f"is packed by {name[:40]} and by others")
        data = UNPACKED[name](data)
    name, parameters = filters[-1] if filters else ("Crypt", {})
    match name:
        case "DCTDecode":
            _decode(data, "jpegload_buffer")
        case "CCITTFaxDecode":
            _prove_fax(data, stream, parameters, objects)
        case "JBIG2Decode":
            _prove_jbig2(data)
        case "JPXDecode":
            pass  # PDFium itself refuses one that is cut short
        case _ if name in UNPACKED:
            _prove_samples(data, name, parameters, _bytes_of(stream, spaces, objects))
        case _:
            raise _refused(f"is packed by {name[:40]}, which is not read")
    for key in ("SMask", "Mask"):
        mask = objects.get(stream.entries.get(key))
        if isinstance(mask, Stream) and "SMask" not in mask.entries and "Mask" not in mask.entries:
            prove_whole(mask, spaces, objects)


def _prove_samples(data: bytes, name: str, parameters: dict[str, Any], wanted: tuple[int, int]) -> None:
    """Are there as many samples as the image has? `wanted`: bytes of a row, and rows."""
    row, rows = wanted
    needed = row * rows
    if not needed:
        raise _refused("does not say how large it is, or in which colours")
    if name in ("FlateDecode", "LZWDecode") and int(parameters.get("Predictor") or 1) >= 10:
        colors, bits, columns = (int(parameters.get(key) or least) for key, least in _PREDICTED)
        line = max(1, (colors * bits * columns + 7) // 8)
        needed += needed // line  # each line says in a byte how it is predicted
    found = inflated_length(data) if name == "FlateDecode" else len(UNPACKED[name](data))
    if found < needed:
        raise _refused(f"is cut short: it has {found:,} bytes of {needed:,}")


def _bytes_of(stream: Stream, spaces: dict[str, Any], objects: Objects) -> tuple[int, int]:
    width, height = size_of_image(stream, objects)
    if objects.get(stream.entries.get("ImageMask")) is True:
        return (width + 7) // 8, height
    channels = _channels(stream.entries.get("ColorSpace"), spaces, objects)
    return (width * channels * _number(stream, "BitsPerComponent", objects) + 7) // 8, height


def _channels(value: Any, spaces: dict[str, Any], objects: Objects) -> int:
    """How many samples a pixel has in a colour space; 0 for one that is not known, which PDFium refuses."""
    space = objects.get(value)
    if isinstance(space, str) and space not in _CHANNELS:
        space = objects.get(spaces.get(space))
    family = objects.get(space[0]) if isinstance(space, list) and space else space
    second = objects.get(space[1]) if isinstance(space, list) and len(space) > 1 else None
    if family == "ICCBased" and isinstance(second, Stream):
        return _number(second, "N", objects)
    if family == "DeviceN" and isinstance(second, list):
        return len(second)
    return _CHANNELS.get(str(family), 0)


def _prove_fax(data: bytes, stream: Stream, parameters: dict[str, Any], objects: Objects) -> None:
    """Decoded as the strip of a TIFF, whose decoder says what is missing."""
    columns = int(parameters.get("Columns") or 1728)
    height = size_of_image(stream, objects)[1]
    rows = min(height, int(parameters.get("Rows") or height))
    kind, aligned = parameters.get("K") or 0, parameters.get("EncodedByteAlign") is True
    if kind < 0 and aligned:
        raise _refused("is a fax whose rows begin at whole bytes, which cannot be proven whole; save it as TIFF")
    # rows in two dimensions; rows with marks between them; rows of whole bytes without marks
    mixed = 0 if kind == 0 else 1
    ways = [(4, 0)] if kind < 0 else [(3, mixed), (3, mixed + 4), (2, 0)]
    if aligned:
        ways.reverse()
    for number, (compression, options) in enumerate(ways, 1):
        try:
            _decode(_fax_tiff(data, columns, rows, compression, options), "tiffload_buffer")
            return
        except DecodeFailed:
            if number == len(ways):  # libtiff's own words reach nobody
                raise _refused("is a fax that is cut short or damaged") from None


def _fax_tiff(data: bytes, width: int, height: int, compression: int, options: int) -> bytes:
    tags = [(256, width), (257, height), (258, 1), (259, compression), (262, 0), (273, 0), (277, 1), (278, height)]
    tags += [(279, len(data)), (292, options)] if compression == 3 else [(279, len(data))]
    begin = 8 + 2 + 12 * len(tags) + 4
    rows = b"".join(struct.pack("<HHII", tag, 4, 1, begin if tag == 273 else value) for tag, value in tags)
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + rows + bytes(4) + data


def _decode(data: bytes, loader: str) -> None:
    try:
        image = getattr(pyvips.Image, loader)(data, access="sequential", fail_on="warning")
        image.avg()
    except pyvips.Error as error:
        raise _refused(f"cannot be decoded: {said(error)}") from None


def _prove_jbig2(data: bytes) -> None:
    """Is each segment there with all of its bytes (ITU-T T.88, 7.2)?"""
    at = 0
    while at < len(data.rstrip(b"\r\n\0")):
        if len(data) < at + 11:
            raise _refused("is cut short")
        flags, count = data[at + 4], data[at + 5] >> 5
        number = int.from_bytes(data[at : at + 4], "big")
        at += 6
        if count == 7:
            count = int.from_bytes(data[at - 1 : at + 3], "big") & 0x1FFFFFFF
            at += 3 + (count + 8) // 8
        at += count * (1 if number <= 256 else 2 if number <= 65536 else 4) + (4 if flags & 0x40 else 1)
        length = int.from_bytes(data[at : at + 4], "big")
        at += 4
        if length == _JBIG2_UNKNOWN:
            mmr = data[at + 17 : at + 18] and data[at + 17] & 1
            found = data.find(_JBIG2_END[0 if mmr else 1], at + 18)
            length = found + 6 - at if found >= 0 else length
        at += length
        if at > len(data):
            raise _refused("is cut short")


def _number(stream: Stream, key: str, objects: Objects) -> int:
    value = objects.get(stream.entries.get(key))
    return int(value) if isinstance(value, float) and 0 <= value < 1 << 31 else 0


def _refused(what: str) -> DecodeFailed:
    return DecodeFailed(f"an image on its first page {what}")
