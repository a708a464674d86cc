"""The images of a PDF's page, proven whole: PDFium draws the half of an image that is there, and says nothing."""

import struct
from collections.abc import Callable
from dataclasses import dataclass

import pikepdf
import pyvips

from darkroom.failures import DecodeFailed
from darkroom.imaging.readers.jpeg import require_decodable
from darkroom.imaging.readers.pdf_streams import filters_of, inflated_length, number, unpacked, written
from darkroom.imaging.source import said

_CHANNELS = {
    **dict.fromkeys(("DeviceGray", "G", "CalGray", "Indexed", "Separation"), 1),
    **dict.fromkeys(("DeviceRGB", "RGB", "CalRGB", "Lab"), 3),
    **dict.fromkeys(("DeviceCMYK", "CMYK"), 4),
}
_PREDICTED = (("/Colors", 1), ("/BitsPerComponent", 8), ("/Columns", 1))
_HELD, _HELD_OTHERWISE = {"JPXDecode": 16, "DCTDecode": 6}, 4  # bytes of a pixel; a JPEG may be progressive
_JBIG2_UNKNOWN = 0xFFFFFFFF  # a length that is not said
_JBIG2_END = (b"\x00\x00", b"\xff\xac")  # what ends a region whose length is not said, by MMR and arithmetic coding


@dataclass(frozen=True, slots=True)
class Image:
    """What is said of it, how its packed bytes are read, and the colour spaces that names mean where it is drawn."""

    entries: pikepdf.Object
    read: Callable[[], bytes]
    spaces: pikepdf.Object

    @property
    def size(self) -> tuple[int, int]:
        """Its width and height in pixels; 0 where they are not said."""
        return max(0, number(self.entries, "/Width")), max(0, number(self.entries, "/Height"))


def held_by(image: Image) -> int:
    """Bytes that it takes to prove and to draw an image, as measured."""
    width, height = image.size
    filters = dict(filters_of(image.entries))
    known = [bytes_a_pixel for name, bytes_a_pixel in _HELD.items() if name in filters]
    return width * height * (known[0] if known else _HELD_OTHERWISE)


def prove_whole(image: Image) -> None:
    """Raises `DecodeFailed` for an image that is cut short or damaged."""
    filters = filters_of(image.entries)
    data = unpacked(image.read(), filters[:-1])
    name, parameters = filters[-1] if filters else ("", pikepdf.Dictionary())
    match name:
        case "DCTDecode":
            _prove_jpeg(data)
        case "CCITTFaxDecode":
            _prove_fax(data, image, parameters)
        case "JBIG2Decode":
            _prove_jbig2(data)
        case "JPXDecode":
            pass  # PDFium itself refuses one that is cut short
        case _:
            _prove_samples(data, image, name, parameters)
    for key in ("/SMask", "/Mask"):
        mask = image.entries.get(key)
        if isinstance(mask, pikepdf.Stream) and "/SMask" not in mask and "/Mask" not in mask:
            prove_whole(Image(mask, mask.read_raw_bytes, image.spaces))


def _prove_samples(data: bytes, image: Image, name: str, parameters: pikepdf.Object) -> None:
    """Are there as many samples as the image has?"""
    row, rows = _row_of(image), image.size[1]
    if not row * rows:
        raise _refused("does not say how large it is, or in which colours")
    if name == "LZWDecode" and number(parameters, "/EarlyChange", 1) == 1:
        _prove_strip([_tiff(data, *_lines(row, rows, parameters), 8, 5)])
        return
    if name == "FlateDecode":
        row, rows = _lines(row, rows, parameters)
        found = inflated_length(data)
    else:
        found = len(unpacked(data, [(name, parameters)] if name else []))
    if found < row * rows:
        raise _refused(f"is cut short: it has {found:,} bytes of {row * rows:,}")


def _lines(row: int, rows: int, parameters: pikepdf.Object) -> tuple[int, int]:
    """Bytes of a line, and lines, before what predicts them is undone: each line may say in a byte how it is."""
    if number(parameters, "/Predictor", 1) < 10:
        return row, rows
    colors, bits, columns = (max(1, number(parameters, key, least)) for key, least in _PREDICTED)
    line = (colors * bits * columns + 7) // 8
    return line + 1, -(-row * rows // line)


def _row_of(image: Image) -> int:
    """Bytes of a row of samples; 0 where that is not known."""
    if image.entries.get_bool("/ImageMask"):
        return (image.size[0] + 7) // 8
    channels = _channels(image.entries.get("/ColorSpace"), image.spaces)
    return (image.size[0] * channels * max(0, number(image.entries, "/BitsPerComponent")) + 7) // 8


def _channels(space: object, spaces: pikepdf.Object) -> int:
    """How many samples a pixel has in a colour space; 0 for one that is not known, which PDFium refuses."""
    if isinstance(space, pikepdf.Name) and written(space) not in _CHANNELS:
        space = spaces.get(space)
    family, second = space, None
    if isinstance(space, pikepdf.Array) and len(space):
        family, second = space[0], space[1] if len(space) > 1 else None
    if family == "/ICCBased" and isinstance(second, pikepdf.Stream):
        return max(0, number(second, "/N"))
    if family == "/DeviceN" and isinstance(second, pikepdf.Array):
        return len(second)
    return _CHANNELS.get(written(family), 0)


def _prove_fax(data: bytes, image: Image, parameters: pikepdf.Object) -> None:
    columns, height = number(parameters, "/Columns") or 1728, image.size[1]
    rows = min(height, number(parameters, "/Rows") or height)
    kind, aligned = number(parameters, "/K"), parameters.get_bool("/EncodedByteAlign")
    if kind < 0 and aligned:
        raise _refused("is a fax whose rows begin at whole bytes, which cannot be proven whole; save it as TIFF")
    # rows in two dimensions; rows with marks between them; rows of whole bytes without marks
    mixed = 0 if kind == 0 else 1
    ways = [(4, 0)] if kind < 0 else [(3, mixed), (3, mixed + 4), (2, 0)]
    if aligned:
        ways.reverse()
    _prove_strip([_tiff(data, columns, rows, 1, *way) for way in ways])


def _prove_strip(ways: list[bytes]) -> None:
    """Decoded as the strip of a TIFF, in one of these ways: libtiff says what is missing, in words that help nobody."""
    for way in ways:
        try:
            return _decode(way)
        except DecodeFailed:
            continue
    raise _refused("is cut short or damaged")


def _tiff(data: bytes, width: int, height: int, bits: int, compression: int, options: int = 0) -> bytes:
    tags = [(256, width), (257, height), (258, bits), (259, compression), (262, 0), (273, 0), (277, 1), (278, height)]
    tags += [(279, len(data)), (292, options)] if compression == 3 else [(279, len(data))]
    begin = 8 + 2 + 12 * len(tags) + 4
    rows = b"".join(struct.pack("<HHII", tag, 4, 1, begin if tag == 273 else value) for tag, value in tags)
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + rows + bytes(4) + data


def _decode(tiff: bytes) -> None:
    try:
        pyvips.Image.tiffload_buffer(tiff, access="sequential", fail_on="warning").avg()
    except pyvips.Error as error:
        raise _refused(f"cannot be decoded: {said(error)}") from None


def _prove_jpeg(data: bytes) -> None:
    try:
        require_decodable(data)
    except DecodeFailed as error:
        raise _refused(str(error).removeprefix("it ")) from None


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


def _refused(what: str) -> DecodeFailed:
    return DecodeFailed(f"an image on its first page {what}")
