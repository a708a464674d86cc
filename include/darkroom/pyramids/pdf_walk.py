"""What the first page of a PDF draws: its images, and how often it draws anything."""

import re
from dataclasses import dataclass, field
from typing import Any

from darkroom.pyramids.failures import DecodeFailed
from darkroom.pyramids.pdf_filters import content_of
from darkroom.pyramids.pdf_objects import Name, Objects, Ref, Stream, named, parsed

_MOST_DRAWN = 1_000_000  # forms in forms multiply
_DEEPEST = 40  # forms in forms that PDFium draws
_USED = re.compile(rb"/([^\0\t\n\f\r ()<>\[\]{}/%]+)[\0\t\n\f\r ]+(Do|gs|scn|SCN)(?![^\0\t\n\f\r ()<>\[\]{}/%])")
_INLINE = re.compile(rb"(?<![^\0\t\n\f\r ])BI[\0\t\n\f\r ]*(/[^\0]{1,2000}?)[\0\t\n\f\r ]ID[\0\t\n\f\r ]", re.DOTALL)
_LONG = {  # the keys of inline images
    "W": "Width",
    "H": "Height",
    "BPC": "BitsPerComponent",
    "CS": "ColorSpace",
    "F": "Filter",
    "DP": "DecodeParms",
    "IM": "ImageMask",
}


@dataclass(slots=True)
class Drawn:
    """What is drawn: each image once with the colour spaces that its names mean, and forms in forms at most so deep."""

    images: list[tuple[Stream, dict[str, Any]]] = field(default_factory=list)
    depth: int = 0


def drawn_by(page: dict[str, Any], objects: Objects) -> Drawn:
    """What a page draws, its annotations too.

    Raises `DecodeFailed` where it draws what is not in the file, where a part of it cannot be unpacked, and where forms
    in forms would be drawn without end.
    """
    walk = _Walk(objects)
    contents = objects.get(page.get("Contents"))
    parts = [objects.get(part) for part in contents] if isinstance(contents, list) else [contents]
    content = b"\n".join(content_of(part, objects) for part in parts if isinstance(part, Stream))
    drawn = walk.content(content, walk.dictionary(page.get("Resources")), 0)
    drawn += sum(walk.stream(look, {}, 1) for look in _appearances(page, objects))
    walk.limit(drawn)
    return walk.found


def _appearances(page: dict[str, Any], objects: Objects) -> list[Any]:
    """How the page's annotations look, each in its state."""
    annotations = objects.get(page.get("Annots"))
    looks = []
    for one in annotations if isinstance(annotations, list) else []:
        annotation = objects.get(one)
        appearance = objects.get(annotation.get("AP")) if isinstance(annotation, dict) else None
        look = appearance.get("N") if isinstance(appearance, dict) else None
        states = objects.get(look)
        if isinstance(states, dict):
            look = states.get(str(objects.get(annotation.get("AS"))))
        looks.append(look)
    return looks


class _Walk:
    """Goes into each form once, and counts how often it is drawn."""

    def __init__(self, objects: Objects) -> None:
        self.found = Drawn()
        self._objects = objects
        self._counts: dict[int, int] = {}

    def dictionary(self, value: Any) -> dict[str, Any]:
        found = self._objects.get(value)
        return found if isinstance(found, dict) else {}

    def limit(self, count: int) -> int:
        if count > _MOST_DRAWN:
            raise DecodeFailed(f"its first page draws more than {_MOST_DRAWN:,} forms, one in the other")
        return count

    def content(self, content: bytes, resources: dict[str, Any], depth: int) -> int:
        """How many forms and images some content draws."""
        self.found.depth = max(self.found.depth, depth)
        self._inline(content, self.dictionary(resources.get("ColorSpace")))
        count = 0
        uses: dict[tuple[bytes, bytes], int] = {}
        for use in _USED.finditer(content):
            uses[use[2], use[1]] = uses.get((use[2], use[1]), 0) + 1
        for (operator, name), times in uses.items():
            count += times * self._used(operator, named(name), resources, depth)
        return self.limit(count)

    def stream(self, value: Any, resources: dict[str, Any], depth: int) -> int:
        """How many a form or image itself is."""
        key = value.number if isinstance(value, Ref) else None
        if key in self._counts:
            return self._counts[key]
        stream = self._objects.get(value)
        if not isinstance(stream, Stream) or depth > _DEEPEST:
            return 0
        if key is not None:
            self._counts[key] = 0  # what draws itself is not drawn again
        count = 1
        if self._objects.get(stream.entries.get("Subtype")) == "Image":
            self.found.images.append((stream, self.dictionary(resources.get("ColorSpace"))))
        else:
            own = self.dictionary(stream.entries.get("Resources")) or resources
            count += self.content(content_of(stream, self._objects), own, depth + 1)
        if key is not None:
            self._counts[key] = count
        return count

    def _used(self, operator: bytes, name: Name, resources: dict[str, Any], depth: int) -> int:
        match operator:
            case b"Do":
                value = self.dictionary(resources.get("XObject")).get(name)
                if not isinstance(self._objects.get(value), Stream):
                    raise DecodeFailed(f"its first page shows {_plain(name)}, which is not in the file")
                return self.stream(value, resources, depth)
            case b"gs":
                state = self.dictionary(self.dictionary(resources.get("ExtGState")).get(name))
                return self.stream(self.dictionary(state.get("SMask")).get("G"), resources, depth)
        return self.stream(self.dictionary(resources.get("Pattern")).get(name), resources, depth)

    def _inline(self, content: bytes, spaces: dict[str, Any]) -> None:
        begins = [(found, parsed(b"<<" + found[1] + b">>", 0)[0]) for found in _INLINE.finditer(content)]
        ends = [found.start() for found, _ in begins[1:]] + [len(content)]
        for (found, entries), end in zip(begins, ends, strict=False):
            if isinstance(entries, dict):
                entries = {_LONG.get(key, key): value for key, value in entries.items()}
                self.found.images.append((Stream(entries, content[found.end() : end]), spaces))


def _plain(name: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in name[:40])
