"""Why a file's name is none that the rules allow, as people are told who have to rename it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from unicodedata import combining, normalize

from darkroom.amounts import counted
from darkroom.sentences import clip
from darkroom.sync.patterns import ANY, Pattern, Segment
from darkroom.sync.regexes import words_of

ALIASES = ((".jpg", ".jpeg", ".jpe", ".jfif"), (".tif", ".tiff"))
"""Extensions that mean the same kind of file."""

_LEFT_BEHIND = re.compile(r"thumbs\.db|desktop\.ini|\.ds_store|\._.*|~\$.*", re.IGNORECASE | re.DOTALL)
_SPELT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "ø": "o", "æ": "ae", "ł": "l", "đ": "d"})
_LONGEST = 60  # characters of a name that is shown
_MOST = 3  # patterns that are named at once


@dataclass(frozen=True, slots=True)
class Names:
    """The patterns of rules, their groups' regular expressions, and what is said of a group in words."""

    patterns: Sequence[Pattern]
    groups: Mapping[str, str]
    meanings: Mapping[str, str]

    def wrong(self, names: Sequence[str]) -> str:
        """Why a key of these names, which no pattern allows, is refused."""
        if _LEFT_BEHIND.fullmatch(names[-1]):
            return "it is a file that a computer leaves behind; delete it, or name it under 'exclude'"
        as_deep = [pattern for pattern in self.patterns if len(pattern.segments) == len(names)]
        if not as_deep:
            folders = "no folder" if len(names) == 1 else counted(len(names) - 1, "folder")
            return f"it lies in {folders}; a file belongs at {self._places()}"
        pattern = max(as_deep, key=lambda one: _fitting(one, names))
        segments = list(zip(pattern.segments, names, strict=True))
        for segment, name in segments[:-1]:
            if not segment.allows(name):
                return self._folder(segment, name)
        return self._file(*segments[-1])

    def _places(self) -> str:
        said = " or ".join(pattern.text for pattern in self.patterns[:_MOST])
        return said if len(self.patterns) <= _MOST else f"{said}, ..."

    def _folder(self, segment: Segment, name: str) -> str:
        if segment.regex is None:
            return f"its folder {clip(name)} must be {segment.text!r}; rename it"
        words = words_of(self.groups.get(segment.groups[0], ANY)) if segment.text == f"{{{segment.groups[0]}}}" else ()
        if words:
            meant = get_close_matches(name.casefold(), words, n=1)
            return f"its folder {clip(name)} must be {' or '.join(words)}" + (
                f"; did you mean {meant[0]!r}?" if meant else "; rename it or move the file"
            )
        return f"its folder {clip(name)} is no {segment.text}{self._said(segment)}; {_better(segment, name)}"

    def _file(self, segment: Segment, name: str) -> str:
        stem, extension = _parted(name)
        wanted = _parted(segment.text)[1]
        if not wanted or "{" in wanted or extension == wanted:
            return f"its name {clip(name)} is no {segment.text}{self._said(segment)}; {_better(segment, name)}"
        renamed = f"{stem}{wanted}"
        if not _is_same(extension, wanted):
            has = f"its extension is {_shown(extension)}" if extension else "it has no extension"
            return f"{has}, and only {wanted} is taken here"
        if segment.allows(renamed):
            return f"its extension is {_shown(extension)}; rename it to {_shown(renamed)}"
        return (
            f"its extension is {_shown(extension)} instead of {wanted}, and {clip(stem)} is no "
            f"{segment.text.removesuffix(wanted)}{self._said(segment)}; {_better(segment, renamed)}"
        )

    def _said(self, segment: Segment) -> str:
        """What its groups are, in brackets; nothing where they are any name."""
        said = [
            f"{group if len(segment.groups) > 1 else ''}{': ' if len(segment.groups) > 1 else ''}"
            f"{self.meanings.get(group) or self.groups[group]}"
            for group in segment.groups
            if group in self.groups
        ]
        return f" ({'; '.join(said)})" if said else ""


def _fitting(pattern: Pattern, names: Sequence[str]) -> tuple[int, int]:
    """How near a key is to a pattern: its names that fit before the first that does not, and all that fit."""
    fits = [segment.allows(name) for segment, name in zip(pattern.segments, names, strict=True)]
    return (fits.index(False) if False in fits else len(fits), sum(fits))


def _parted(name: str) -> tuple[str, str]:
    """A name without its extension, and the extension with its dot."""
    stem, dot, extension = name.rpartition(".")
    return (stem, dot + extension) if dot else (name, "")


def _is_same(extension: str, wanted: str) -> bool:
    extension = extension.casefold()
    return extension == wanted.casefold() or any({extension, wanted.casefold()} <= set(same) for same in ALIASES)


def _better(segment: Segment, name: str) -> str:
    """What to do about a name: a better one where it is near."""
    stem, extension = _parted(name)
    for tried in (f"{spelt(stem)}{extension}", f"{spelt(stem)}{extension.casefold()}", spelt(name)):
        if tried and len(tried) <= _LONGEST and segment.allows(tried):
            return f"rename it, for instance to {tried}"
    return "rename it"


def spelt(name: str) -> str:
    """A name in small letters without accents, its words parted by hyphens.

    >>> spelt("Café Zur Mühle_2")
    'cafe-zur-muehle-2'
    """
    plain = normalize("NFKC", name).casefold().translate(_SPELT)
    plain = "".join(sign for sign in normalize("NFKD", plain) if not combining(sign))
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


def _shown(text: str) -> str:
    """As it is where it can be printed, else in quotes."""
    return text if text.isprintable() and len(text) <= _LONGEST else clip(text)
