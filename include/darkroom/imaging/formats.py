"""What a file is, by its first bytes: a name's extension says nothing that can be trusted."""

import re
import zlib
from enum import StrEnum

from darkroom.failures import DecodeFailed

BEGINNING = 4096
"""Bytes of a file that are enough to tell."""


class Format(StrEnum):
    """A kind of file that is read as an image."""

    JPEG = "JPEG"
    PNG = "PNG"
    TIFF = "TIFF"
    WEBP = "WebP"
    GIF = "GIF"
    AVIF = "AVIF"
    HEIC = "HEIC"
    PDF = "PDF"
    SVG = "SVG"
    BMP = "BMP"


RAW = "it is a camera's raw file, which holds no finished picture; develop it and save it as TIFF"
"""Why such a file is refused, wherever that is seen."""

VECTORS = (Format.PDF, Format.SVG)
"""What is drawn in the size that is wanted."""

_SIGNATURES = (
    (b"\xff\xd8\xff", Format.JPEG),
    (b"\x89PNG\r\n\x1a\n", Format.PNG),
    (b"II*\0", Format.TIFF),
    (b"MM\0*", Format.TIFF),
    (b"II+\0", Format.TIFF),  # BigTIFF
    (b"MM\0+", Format.TIFF),
    (b"GIF87a", Format.GIF),
    (b"GIF89a", Format.GIF),
    (b"BM", Format.BMP),
)
_BRANDS = {  # of ISO files; https://mp4ra.org/registered-types/brands
    **dict.fromkeys((b"avif", b"avis"), Format.AVIF),
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1"), Format.HEIC),
}
_RAWS = (
    b"FUJIFILMCCD-RAW",
    b"FOVb",  # Sigma
    b"\0MRM",  # Minolta
    b"II\x1a\0\0\0HEAPCCDR",  # Canon's CRW
    b"IIRO",  # Olympus
    b"IIRS",
    b"MMOR",
    b"IIU\0",  # Panasonic
)
_RAW_TIFFS = (b"CR\x02", b"IIII", b"MMMM")  # behind a TIFF's first 8 bytes: Canon's CR2, Phase One
GZIP = b"\x1f\x8b"
_REFUSED = (
    (b"%!PS", "it is an EPS or PostScript file; save it as PDF or TIFF"),
    (b"\xc5\xd0\xd3\xc6", "it is an EPS file; save it as PDF or TIFF"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "it is a JPEG 2000 file; save it as TIFF"),
    (b"\xff\x4f\xff\x51", "it is a JPEG 2000 codestream; save it as TIFF"),
    (b"\0\0\0\x0cJXL ", "it is a JPEG XL file; save it as TIFF"),
    (b"\xff\x0a", "it is a JPEG XL codestream; save it as TIFF"),
    (b"8BPS", "it is a Photoshop file; save it as TIFF"),
    (b"PK\x03\x04", "it is a ZIP archive; unpack it"),
    (GZIP, "it is a gzip archive; unpack it"),
    (b"{", "it is a text file, perhaps of JSON, and no image"),
)
_DEFINITIONS = re.compile(r"<!DOCTYPE\s+(?:\w+:)?svg\b[^>\[]*(?P<own>\[)?")
_ELEMENT = re.compile(r"<(?:[A-Za-z_][\w.-]*:)?svg(?:[\s/>]|\Z)")
_WEB_PAGE = re.compile(r"<(?:!doctype\s*html|html|head|body)\b", re.IGNORECASE)
"""How one begins, behind what may stand before it: in HTML neither case nor a missing tag makes a difference."""


def format_of(beginning: bytes) -> Format:
    """The format of a file that begins so. Raises `DecodeFailed` with the reason for one that is not read."""
    if not beginning:
        raise DecodeFailed("it is empty")
    if _is_raw(beginning):
        raise DecodeFailed(RAW)
    for signature, found in _SIGNATURES:
        if beginning.startswith(signature):
            return found
    if beginning[:4] == b"RIFF" and beginning[8:12] == b"WEBP":
        return Format.WEBP
    if beginning[4:8] == b"ftyp" and beginning[8:12] in _BRANDS:
        return _BRANDS[beginning[8:12]]
    text = beginning.lstrip(b"\xef\xbb\xbf \t\r\n")
    if b"%PDF-" in beginning[:1024]:  # where readers look for it, junk before it or not
        return Format.PDF
    if _is_drawing(beginning):
        return Format.SVG
    if _WEB_PAGE.match(_after_prolog(_as_text(beginning))):
        raise DecodeFailed("it is a web page and no image")
    for signature, reason in _REFUSED:
        if beginning.startswith(signature) or text.startswith(signature):
            raise DecodeFailed(reason)
    raise DecodeFailed(f"it is no image of a kind that Darkroom reads ({', '.join(Format)})")


def _is_raw(beginning: bytes) -> bool:
    """What begins as a TIFF, and is none that shows it, is found out by its pages."""
    is_tiff = beginning.startswith((b"II*\0", b"MM\0*"))
    return (
        beginning.startswith(_RAWS)
        or beginning[4:12] == b"ftypcrx "
        or (is_tiff and beginning[8:].startswith(_RAW_TIFFS))
    )


def _is_drawing(beginning: bytes) -> bool:
    """Does an SVG begin so, or XML that may become one? In any encoding, packed by gzip or not."""
    if beginning.startswith(GZIP):
        try:
            beginning = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(beginning, BEGINNING)
        except zlib.error:
            return False
    text = _as_text(beginning)
    if not text.startswith("<"):
        return False
    rest = _after_prolog(text)
    return not rest or bool(_ELEMENT.match(rest))


def _as_text(beginning: bytes) -> str:
    """What stands there in ASCII, whether a sign takes one byte, two or four; no mark of the encoding, no blanks."""
    return beginning.lstrip(b"\xef\xbb\xbf\xff\xfe\0").replace(b"\0", b"").decode("latin-1").lstrip()


def _after_prolog(text: str) -> str:
    """An XML file from its first element on; nothing where all of a beginning stands before it.

    >>> _after_prolog("<?xml version='1.0'?> <!-- a drawing --> <svg>")
    '<svg>'
    """
    found = "begun"
    while found:
        text = text.lstrip()
        definitions = _DEFINITIONS.match(text)
        if definitions:
            _, found, text = text.partition("]" if definitions["own"] else ">")
            text = text.lstrip().removeprefix(">")
        elif text.startswith("<?"):
            _, found, text = text.partition("?>")
        elif text.startswith("<!--"):
            _, found, text = text.partition("-->")
        else:
            break
    return text
