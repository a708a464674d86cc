"""The objects of one page of a PDF, as PDFium writes them.

PDFium reads the hostile file, repairs and decrypts it, and writes the page alone as a small, plain PDF: one table of
offsets, no streams of objects, every length known. Only that is parsed here.
"""

import mmap
import re
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

from darkroom.pyramids.failures import DecodeFailed

_SPACE = rb"\0\t\n\f\r "
_TOKEN = re.compile(
    rb"[" + _SPACE + rb"]*(?:(?P<open><<|\[)|(?P<close>>>|\])|/(?P<name>[^" + _SPACE + rb"()<>\[\]{}/%]*)"
    rb"|\((?P<text>(?:[^()\\]|\\.)*)\)|<(?P<hex>[0-9A-Fa-f]*)>|(?P<ref>\d+) \d+ R\b"
    rb"|(?P<word>[^" + _SPACE + rb"()<>\[\]{}/%]+))",
    re.DOTALL,
)
_STREAM = re.compile(rb"[" + _SPACE + rb"]*stream\r?\n")
_TABLE = re.compile(rb"xref\r?\n0 (\d+)\r?\n")
_ROW = re.compile(rb"(\d{10}) \d{5} ([nf])")
_HASH = re.compile(rb"#([0-9A-Fa-f]{2})")


class Name(str):
    """A name, without its slash."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Ref:
    """Another object, by its number."""

    number: int


@dataclass(frozen=True, slots=True)
class Stream:
    """A dictionary with bytes, which are as its filters left them."""

    entries: dict[str, Any]
    data: bytes


class Objects:
    """Objects by number. Values are dict, list, `Name`, bytes (strings), float, bool, None, `Ref` and `Stream`."""

    def __init__(self, data: bytes | mmap.mmap) -> None:
        self._data = data
        self._offsets = _offsets(data)

    def get(self, value: Any) -> Any:
        """A value, and what it refers to where it is a reference; None where nothing is there."""
        if not isinstance(value, Ref):
            return value
        offset = self._offsets.get(value.number)
        return self._read(offset) if offset else None

    def page(self) -> dict[str, Any]:
        """The only page. Raises `DecodeFailed`."""
        for number in self._offsets:
            found = self.get(Ref(number))
            if isinstance(found, dict) and found.get("Type") == "Page":
                return found
        raise DecodeFailed("its first page cannot be read")

    def _read(self, offset: int) -> Any:
        value, end = parsed(self._data, self._data.find(b"obj", offset) + 3)
        begins = _STREAM.match(self._data, end)
        if begins and isinstance(value, dict):
            length = self.get(value.get("Length"))
            length = int(length) if isinstance(length, float) else 0
            return Stream(value, bytes(self._data[begins.end() : begins.end() + length]))
        return value


def parsed(data: bytes | mmap.mmap, at: int) -> tuple[Any, int]:
    """The value that stands there, and where it ends; None for what is none. Without recursion, however deep it is."""
    whole: list[Any] = []
    stack = [whole]
    while True:
        token = _TOKEN.match(data, at)
        if not token:
            return (whole[0] if whole else None), at
        at = token.end()
        match token.lastgroup:
            case "open":
                stack.append([])
            case "close":
                if len(stack) > 1:
                    items = stack.pop()
                    stack[-1].append(_dictionary(items) if token["close"] == b">>" else items)
            case _:
                stack[-1].append(_simple(token))
        if len(stack) == 1 and whole:
            return whole[0], at


def _dictionary(items: list[Any]) -> dict[str, Any]:
    return {str(key): value for key, value in zip(items[::2], items[1::2], strict=False) if isinstance(key, Name)}


def _simple(token: re.Match[bytes]) -> Any:
    kind, text = token.lastgroup, token[token.lastgroup or 0]
    match kind:
        case "name":
            return named(text)
        case "ref":
            return Ref(int(text))
        case "text" | "hex":
            return text
    try:
        return float(text)
    except ValueError:
        return {b"true": True, b"false": False}.get(text)


def named(text: bytes) -> Name:
    """A name as it is written, with `#20` for a space.

    >>> named(b"A#20B")
    'A B'
    """
    return Name(_HASH.sub(lambda code: bytes([int(code[1], 16)]), text).decode("latin-1"))


def _offsets(data: bytes | mmap.mmap) -> dict[int, int]:
    table = _TABLE.match(data, max(0, data.rfind(b"\nxref") + 1))
    if not table:
        raise DecodeFailed("its first page cannot be read")
    rows = _ROW.finditer(data, table.end())
    return {number: int(row[1]) for number, row in zip(range(int(table[1])), rows, strict=False) if row[2] == b"n"}


@contextmanager
def first_page(document: Any) -> Iterator[Objects]:
    """The objects of the first page of a document of pypdfium2's; valid as long as the context. Raises `DecodeFailed`.

    They lie in a temporary file, which takes no more than the document.
    """
    import pypdfium2

    with tempfile.TemporaryFile() as file:
        try:
            with closing(pypdfium2.PdfDocument.new()) as alone:
                alone.import_pages(document, [0])
                alone.save(file)
        except pypdfium2.PdfiumError:
            raise DecodeFailed("its first page cannot be read") from None
        file.flush()
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            yield Objects(data)
