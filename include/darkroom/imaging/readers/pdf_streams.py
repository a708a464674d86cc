"""The first page of a PDF as pikepdf's objects, and its streams unpacked strictly: damage is no picture.

PDFium reads the hostile file, repairs and decrypts it, and writes the page alone as a small, plain PDF, which pikepdf
opens: what is proven is what PDFium draws, whatever two readers make of a damaged file.
"""

import tempfile
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pikepdf
import pypdfium2
from pikepdf import settings

from darkroom.failures import DecodeFailed

LARGEST = 256 << 20  # bytes of one stream that is unpacked in memory
_BLOCK = 1 << 18
_ADLER = 4  # bytes of the sum behind a deflate stream, which some writers leave out
_END_OF_RUNS = 128
_MOST_LZW = LARGEST >> 10  # bytes: each becomes at most some 1,300, and qpdf knows no limit for it
_UNPACKED = {"FlateDecode", "LZWDecode", "ASCIIHexDecode", "ASCII85Decode", "RunLengthDecode"}
_FAULTS = (pikepdf.PikepdfError, UnicodeDecodeError)  # its messages repeat the file's bytes, which are no UTF-8
_PARAMETERS = ("/Predictor", "/Colors", "/BitsPerComponent", "/Columns", "/EarlyChange")

settings.set_qpdf_limits(
    parser_max_errors=1000,  # each is kept; fifteen, as it comes, are soon reached
    parser_max_container_size=1_000_000,
    png_max_memory=LARGEST,
    tiff_max_memory=LARGEST,
)


@contextmanager
def first_page(document: Any) -> Iterator[pikepdf.Object]:
    """The first page of a document of pypdfium2's; valid as long as the context. Raises `DecodeFailed`.

    It lies in a temporary file, which takes no more than the document.
    """
    with tempfile.TemporaryFile() as file:
        try:
            with closing(pypdfium2.PdfDocument.new()) as alone:
                alone.import_pages(document, [0])
                alone.save(file)
            file.seek(0)
            with pikepdf.open(file) as pdf:
                yield pdf.pages[0].obj
        except (pypdfium2.PdfiumError, *_FAULTS):
            raise DecodeFailed("its first page cannot be read") from None


def filters_of(stream: pikepdf.Object) -> list[tuple[str, pikepdf.Object]]:
    """The names of a stream's filters in the order in which they are undone, each with its parameters."""
    names, given = _listed(stream.get("/Filter")), _listed(stream.get("/DecodeParms"))
    given += [None] * (len(names) - len(given))
    return [
        (written(name), found if isinstance(found, pikepdf.Dictionary) else pikepdf.Dictionary())
        for name, found in zip(names, given, strict=False)
        if name != "/Crypt"  # PDFium has decrypted it
    ]


def unpacked(data: bytes, filters: list[tuple[str, pikepdf.Object]]) -> bytes:
    """All of a stream, with these filters undone. Raises `DecodeFailed`."""
    for name, parameters in filters:
        if name not in _UNPACKED:
            raise DecodeFailed(f"a part of its first page is packed by {name[:40]}, which is not read")
        if name == "FlateDecode":
            bounded(inflated_length(data))  # qpdf takes what is damaged for whole
        if name == "RunLengthDecode":
            data = _until_its_end(data)
        if name == "LZWDecode" and len(data) > _MOST_LZW:
            raise DecodeFailed("its first page is packed by LZW, which may unpack to more than is held; save it anew")
        known = {key: value for key in _PARAMETERS if (value := parameters.get_int(key)) is not None}
        with pikepdf.new() as pdf:
            stream = pdf.make_stream(data, Filter=pikepdf.Name("/" + name))
            if known and name in ("FlateDecode", "LZWDecode"):
                stream.DecodeParms = pikepdf.Dictionary(known)
            try:
                data = stream.read_bytes(pikepdf.StreamDecodeLevel.specialized)
            except _FAULTS:
                raise DecodeFailed("its first page is damaged: a part of it cannot be unpacked") from None
        bounded(len(data))
    return data


def inflated_length(data: bytes) -> int:
    """How many bytes a deflate stream unpacks to, without keeping them.

    Raises `DecodeFailed` for a damaged one. That only its sum is missing does no harm.
    """
    engine = zlib.decompressobj()
    try:
        length = _length(engine, data)
        whole = engine.eof or _lacks_its_sum(data)
    except zlib.error:
        whole = False
    if not whole:
        raise DecodeFailed("its first page is damaged: a part of it cannot be unpacked")
    return length


def bounded(length: int) -> None:
    """Raises `DecodeFailed` for more bytes than may be held unpacked."""
    if length > LARGEST:
        raise DecodeFailed(f"a part of its first page unpacks to more than {LARGEST >> 20} MiB")


def number(entries: pikepdf.Object, key: str, otherwise: int = 0) -> int:
    """A whole number of 31 bits in a dictionary or stream; `otherwise` where there is none."""
    value = entries.get_int(key, otherwise, coerce=True)
    return value if -(1 << 31) < value < 1 << 31 else otherwise


def written(name: Any) -> str:
    """A name without its slash, whatever its bytes are; nothing for what is none."""
    return bytes(name)[1:].decode("latin-1") if isinstance(name, pikepdf.Name) else ""


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, pikepdf.Array) else [] if value is None else [value]


def _until_its_end(data: bytes) -> bytes:
    """A run length stream as far as PDFium reads it: qpdf goes on behind what marks its end. Raises `DecodeFailed`."""
    at = length = 0
    while at < len(data) and data[at] != _END_OF_RUNS:
        count = data[at]
        at += 2 if count > _END_OF_RUNS else count + 2
        length += 257 - count if count > _END_OF_RUNS else count + 1
    bounded(length)
    return data[:at]


def _lacks_its_sum(data: bytes) -> bool:
    engine = zlib.decompressobj(-zlib.MAX_WBITS)
    _length(engine, data[2:])
    return engine.eof and len(engine.unused_data) < _ADLER


def _length(engine: Any, data: bytes) -> int:
    length = 0
    for at in range(0, len(data), _BLOCK):
        rest = data[at : at + _BLOCK]  # what is left of it is copied each time
        while not engine.eof and (block := engine.decompress(rest, _BLOCK)):
            length += len(block)
            rest = engine.unconsumed_tail
    return length
