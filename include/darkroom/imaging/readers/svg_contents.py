"""What an SVG refers to and what is embedded in it, read as XML: only what is loaded to draw it counts."""

import base64
import binascii
import re
import urllib.parse
import xml.parsers.expat
from typing import Any

import pyvips

from darkroom.failures import DecodeFailed
from darkroom.imaging.readers.jpeg import require_decodable
from darkroom.imaging.source import require_size, said

_DEEPEST = 4  # drawings in drawings
_ELSEWHERE = re.compile(r"""(?<![\w-])url\(\s*["']?\s*(?!\s|["']|\#|data:|\))""", re.IGNORECASE)
_IMPORT = re.compile(r"@import", re.IGNORECASE)
_NO_RULES = re.compile(r"/\*.*?\*/|@namespace[^;]*;", re.DOTALL | re.IGNORECASE)  # what only names something
_SHEET = re.compile(r"""href\s*=\s*["']\s*(?!\#|data:)""", re.IGNORECASE)
_STANDARD = ("http://www.w3.org/", "https://www.w3.org/")  # its definitions say nothing that a drawing needs
_MARKS = (  # what a file of an encoding begins with
    (b"\xff\xfe\0\0", "utf-32"),
    (b"\0\0\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"<\0\0\0", "utf-32-le"),
    (b"\0\0\0<", "utf-32-be"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)
_SHOWN = ("image", "feImage")


class Contents:
    """What is found in a drawing. Reading raises `DecodeFailed` for what is not all in the file, or is damaged."""

    def __init__(self, max_pixels: int, depth: int = 0) -> None:
        self.root = ""
        self.notes: tuple[str, ...] = ()
        self.pixels = 0
        """Of the images that are embedded."""
        self._max_pixels, self._depth = max_pixels, depth
        self._style: list[str] | None = None

    def read(self, data: bytes) -> None:
        """Read a drawing in UTF-8 without a declaration of XML."""
        parser = xml.parsers.expat.ParserCreate("utf-8")
        parser.buffer_text = True
        parser.SetParamEntityParsing(xml.parsers.expat.XML_PARAM_ENTITY_PARSING_NEVER)
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.ProcessingInstructionHandler = self._instruction
        parser.StartDoctypeDeclHandler = self._doctype
        parser.EntityDeclHandler = self._entity
        parser.SkippedEntityHandler = lambda *_: _outside("an entity that is defined elsewhere")
        try:
            parser.Parse(data, True)
        except xml.parsers.expat.ExpatError as error:
            raise DecodeFailed(f"it is an SVG that cannot be read: {error}") from None

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        local = _local(name)
        if not self.root:
            self.root = local
            if local != "svg":
                raise DecodeFailed(f"it is an XML file of {name[:40]!r} and no image")
        if local == "style":
            self._style = []
        if local == "foreignObject":
            self.notes = ("It holds a foreignObject, which is not drawn.",)
        for key, value in attributes.items():
            if _local(key) == "href" and local != "a":
                self._reference(local, value.strip())
            elif ":" not in key and _ELSEWHERE.search(value):
                _outside(f"{value[:60]} ({key})")

    def _end(self, name: str) -> None:
        if _local(name) == "style" and self._style is not None:
            rules = _NO_RULES.sub(" ", "".join(self._style))
            if _IMPORT.search(rules):
                _outside("another style sheet")
            if found := _ELSEWHERE.search(rules):
                _outside(rules[found.start() : found.start() + 60])
            self._style = None

    def _text(self, text: str) -> None:
        if self._style is not None:
            self._style.append(text)

    def _reference(self, element: str, value: str) -> None:
        if value.lower().startswith("data:"):
            if element in _SHOWN:
                self._embedded(value)
        elif value and not value.startswith("#"):
            _outside(f"{value[:60]} ({element})")

    def _embedded(self, uri: str) -> None:
        head, _, body = uri.partition(",")
        kind, *options = head[5:].lower().split(";")
        try:
            text = urllib.parse.unquote_to_bytes(body)
            data = base64.b64decode(re.sub(rb"\s", b"", text)) if "base64" in map(str.strip, options) else text
        except binascii.Error:
            raise DecodeFailed("an image that is embedded in it is damaged") from None
        if kind.strip() == "image/svg+xml":
            self._drawing(data)
            return
        try:
            image = pyvips.Image.new_from_buffer(data, "", access="sequential", fail_on="warning")
            self.pixels += image.width * image.height
            require_size("an image that is embedded in it", image.width, image.height, self._max_pixels)
            if self.pixels <= self._max_pixels:
                image.avg()
                if image.get("vips-loader") == "jpegload_buffer":
                    require_decodable(data)  # what libvips alone does not see
        except pyvips.Error as error:
            raise DecodeFailed(f"an image that is embedded in it cannot be decoded: {said(error)}") from None
        if self.pixels > self._max_pixels:
            raise DecodeFailed(
                f"the images that are embedded in it have {self.pixels:,} pixels, more than DARKROOM_MAX_SCAN_PIXELS "
                f"allows ({self._max_pixels:,})"
            )

    def _drawing(self, data: bytes) -> None:
        if self._depth == _DEEPEST:
            raise DecodeFailed(f"more than {_DEEPEST} drawings are embedded in it, one in the other")
        inner = Contents(self._max_pixels - self.pixels, self._depth + 1)
        inner.read(utf8(data))
        self.pixels += inner.pixels
        self.notes = self.notes or inner.notes

    def _instruction(self, target: str, data: str) -> None:
        if target == "xml-stylesheet" and _SHEET.search(data):
            _outside("another style sheet")

    def _doctype(self, _name: str, system: str | None, _public: str | None, _internal: bool) -> None:
        if system and not system.startswith(_STANDARD):
            _outside(f"the definitions in {system[:60]}")

    def _entity(
        self, name: str, parameter: bool, _value: Any, _base: Any, system: Any, public: Any, _kind: Any
    ) -> None:
        if parameter or system or public:
            _outside(f"the entity {name[:40]}")


def utf8(data: bytes) -> bytes:
    """A drawing in any encoding as UTF-8, without the declaration that says which. Raises `DecodeFailed`.

    So that what draws it reads what was checked.
    """
    declared = re.match(rb"""\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.:-]{1,40})["']""", data)
    encoding = declared[1].decode() if declared else "utf-8"
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), encoding)
    try:
        text = data.decode(encoding)
    except (LookupError, ValueError):
        raise DecodeFailed(f"it is an SVG that is not in the encoding that it says it is in ({encoding})") from None
    return re.sub(r"\A\s*<\?xml\s[^>]*\?>", "", text).lstrip().encode("utf-8", "replace")


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def _outside(what: str) -> None:
    plain = "".join(char if char.isprintable() else " " for char in what)
    raise DecodeFailed(f"it is an SVG that refers to something outside of itself: {plain}; embed it")
