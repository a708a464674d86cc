"""What the first page of a PDF draws: its images, and how often it draws anything."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pikepdf
from pikepdf import settings

from darkroom.failures import DecodeFailed
from darkroom.imaging.readers.pdf_images import Image
from darkroom.imaging.readers.pdf_streams import bounded, filters_of, unpacked, written

_MOST_DRAWN = 1_000_000  # forms in forms multiply
_MOST_READ = 10_000_000  # numbers, names and operators, of which half a million is read in a second
_MOST_ENTRIES = 100  # of an image within the content
_DEEPEST = 40  # forms in forms that PDFium draws
_USING = {b"Do": "/XObject", b"gs": "/ExtGState", b"scn": "/Pattern", b"SCN": "/Pattern"}


@dataclass(slots=True)
class Drawn:
    """What is drawn: each image once, and forms in forms at most so deep."""

    images: list[Image] = field(default_factory=list)
    depth: int = 0


def drawn_by(page: pikepdf.Object) -> Drawn:
    """What a page draws, its annotations too.

    Raises `DecodeFailed` where it draws what is not in the file, where a part of it cannot be unpacked, and where forms
    in forms would be drawn without end.
    """
    walk = _Walk()
    contents = page.get("/Contents")
    parts = list(contents) if isinstance(contents, pikepdf.Array) else [contents]
    drawn = walk.content([part for part in parts if isinstance(part, pikepdf.Stream)], _entries(page, "/Resources"), 0)
    drawn += sum(walk.stream(look, pikepdf.Dictionary(), 1) for look in _appearances(page))
    walk.limit(drawn)
    return walk.found


def _appearances(page: pikepdf.Object) -> list[Any]:
    """How the page's annotations look, each in its state."""
    looks = []
    for annotation in page.get_list("/Annots", []):
        if isinstance(annotation, pikepdf.Dictionary):
            look = _entries(annotation, "/AP").get("/N")
            if isinstance(look, pikepdf.Dictionary):
                state = annotation.get("/AS")
                look = look.get(state) if isinstance(state, pikepdf.Name) else None
            looks.append(look)
    return looks


class _Content(pikepdf.StreamParser):
    """What a content uses, by operator and name, and the images within it; nothing else is kept."""

    def __init__(self, resources: pikepdf.Object, read: int) -> None:
        super().__init__()
        self.used: dict[tuple[bytes, bytes], pikepdf.Object] = {}
        self.times: Counter[tuple[bytes, bytes]] = Counter()
        self.images: list[pikepdf.PdfInlineImage] = []
        self._named = {operator: _entries(resources, kind) for operator, kind in _USING.items()}
        self.read = read  # numbers, names and operators, those of other contents too
        self._before: Any = None
        self._entries: list[Any] | None = None  # of an image within the content, with its bytes as the last

    def handle_object(self, value: Any, offset: int, length: int) -> None:
        self.read += 1
        if self.read > _MOST_READ:
            raise DecodeFailed(f"its first page has more than {_MOST_READ:,} numbers, names and operators")
        if isinstance(value, pikepdf.Operator):
            self._operator(bytes(value))
            value = None
        elif self._entries is not None:
            self._entries.append(value)
            if len(self._entries) > _MOST_ENTRIES:
                raise DecodeFailed("an image on its first page is damaged")
        self._before = value

    def handle_eof(self) -> None:
        if self._entries is not None:
            raise DecodeFailed("an image on its first page is cut short")

    def _operator(self, operator: bytes) -> None:
        if operator in _USING:
            if isinstance(self._before, pikepdf.Name):
                self._use(operator, self._before)
        elif operator == b"BI" or (operator == b"ID" and self._entries is None):
            self._entries = []
        elif operator == b"EI" and self._entries:
            *entries, data = self._entries
            self.images.append(pikepdf.PdfInlineImage(image_data=data, image_object=tuple(entries)))
            self._entries = None

    def _use(self, operator: bytes, name: pikepdf.Name) -> None:
        use = operator, bytes(name)
        if use not in self.used:
            found = self._named[operator].get(name)
            if operator == b"Do" and not isinstance(found, pikepdf.Stream):
                raise DecodeFailed(f"its first page shows {_plain(written(name))}, which is not in the file")
            if operator == b"gs" and isinstance(found, pikepdf.Dictionary):
                found = _entries(found, "/SMask").get("/G")
            if not isinstance(found, pikepdf.Stream):
                return
            self.used[use] = found
        self.times[use] += 1


class _Walk:
    """Goes into each form once, and counts how often it is drawn."""

    def __init__(self) -> None:
        self.found = Drawn()
        self._counts: dict[tuple[int, int], int] = {}
        self._read = self._unpacked = 0

    def limit(self, count: int) -> int:
        if count > _MOST_DRAWN:
            raise DecodeFailed(f"its first page draws more than {_MOST_DRAWN:,} forms, one in the other")
        return count

    def content(self, parts: list[pikepdf.Object], resources: pikepdf.Object, depth: int) -> int:
        """How many forms and images some content draws."""
        self.found.depth = max(self.found.depth, depth)
        content = _Content(resources, self._read)
        data = b"\n".join(unpacked(part.read_raw_bytes(), filters_of(part)) for part in parts)
        self._unpacked += len(data)
        bounded(self._unpacked)
        limits = settings.qpdf_limit_errors()
        with pikepdf.new() as pdf:
            form = pdf.make_stream(data, Type=pikepdf.Name.XObject, Subtype=pikepdf.Name.Form)
            pikepdf.Page(form).parse_contents(content)
        if settings.qpdf_limit_errors() != limits:  # what is behind was left out, without an error
            raise DecodeFailed("its first page is damaged: its content cannot be read")
        self._read = content.read
        spaces = _entries(resources, "/ColorSpace")
        self.found.images += [Image(image.obj, image.read_raw_bytes, spaces) for image in content.images]
        return self.limit(
            sum(content.times[use] * self.stream(found, resources, depth) for use, found in content.used.items())
        )

    def stream(self, value: Any, resources: pikepdf.Object, depth: int) -> int:
        """How many a form or image itself is."""
        if not isinstance(value, pikepdf.Stream) or depth > _DEEPEST:
            return 0
        key = value.objgen
        if key in self._counts:
            return self._counts[key]
        self._counts[key] = 0  # what draws itself is not drawn again
        count = 1
        if value.get("/Subtype") == "/Image":
            self.found.images.append(Image(value, value.read_raw_bytes, _entries(resources, "/ColorSpace")))
        else:
            count += self.content([value], _entries(value, "/Resources") or resources, depth + 1)
        self._counts[key] = count
        return count


def _entries(of: pikepdf.Object, key: str) -> pikepdf.Object:
    """The dictionary of that name in another; an empty one where there is none."""
    found = of.get(key)
    return found if isinstance(found, pikepdf.Dictionary) else pikepdf.Dictionary()


def _plain(name: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in name[:40])
