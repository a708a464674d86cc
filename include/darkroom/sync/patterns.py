"""Path patterns: from `stores/{slug}/{kind}/{number}.jpg` to what a key is asked."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from unicodedata import normalize

from darkroom.sync.regexes import is_number, reaches

ANY = "[^/]+"
"""What a group is that has no regular expression of its own."""

LONGEST = 1024
"""Characters of a pattern, and bytes of a key: S3 and GCS hold no longer one."""

_GROUP = re.compile(r"\{([^{}]*)\}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,49}")
_GLOBS = re.compile(r"[*?\[\]]")
_NO_NAMES = ("", ".", "..")
# a break of lines, or what a terminal obeys
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class Segment:
    """What stands between two slashes of a pattern."""

    text: str
    regex: re.Pattern[str] | None
    """None where it is one literal name."""
    groups: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    """Those of the groups that allow digits only."""

    def allows(self, name: str) -> bool:
        """Is it the name of a file or folder here?"""
        return name == self.text if self.regex is None else self.regex.fullmatch(name) is not None

    def meaning(self, name: str) -> str:
        """The same text for two names that mean the same: numbers count by their value, letters in either case."""
        match = self.regex.fullmatch(name) if self.numbers and self.regex else None
        return _meaning(name, match, self.numbers) if match else folded(name)


@dataclass(frozen=True, slots=True)
class Pattern:
    """A path pattern, segment by segment: so no group reaches over a slash, whatever its regular expression says."""

    text: str
    segments: tuple[Segment, ...]
    quick: re.Pattern[str] | None
    """The same for a whole key at once, where none of its groups could reach over a slash: keys come by the million."""
    numbers: tuple[str, ...]

    def allows(self, key: str) -> bool:
        """Is it one of its keys?"""
        if self.quick:
            return self.quick.fullmatch(key) is not None
        names = names_in(key)
        return len(names) == len(self.segments) and all(
            segment.allows(name) for segment, name in zip(self.segments, names, strict=True)
        )

    def meaning(self, key: str) -> str:
        """The same text for two of its keys that mean the same."""
        if self.quick and (match := self.quick.fullmatch(key)):
            return _meaning(key, match, self.numbers)
        names = zip(self.segments, names_in(key), strict=True)
        return "/".join(segment.meaning(name) for segment, name in names)

    @property
    def beginning(self) -> tuple[str, ...]:
        """The folders that all of its keys lie in."""
        folders: list[str] = []
        for segment in self.segments[:-1]:
            if segment.regex is not None:
                break
            folders.append(segment.text)
        return tuple(folders)


def pattern_of(text: str, groups: Mapping[str, str]) -> Pattern:
    """A pattern that is not wrong (`wrong_path`), compiled."""
    segments = tuple(_segment(part, groups) for part in text.split("/"))
    numbers = tuple(name for segment in segments for name in segment.numbers)
    apart = not any(reaches(groups.get(name, ANY), "/") for name in groups_in(text))
    named = apart and not any(segment.allows(name) for segment in segments for name in _NO_NAMES)
    return Pattern(text, segments, re.compile(_regex(text, groups), re.DOTALL) if named else None, numbers)


def names_in(key: str) -> list[str]:
    """A key's names; none where it has one that no file has."""
    names = key.split("/")
    return [] if any(name in _NO_NAMES for name in names) else names


def _segment(text: str, groups: Mapping[str, str]) -> Segment:
    names = groups_in(text)
    if not names:
        return Segment(text, None)
    numbers = tuple(name for name in names if is_number(groups.get(name, ANY)))
    return Segment(text, re.compile(_regex(text, groups), re.DOTALL), tuple(names), numbers)


def _regex(text: str, groups: Mapping[str, str]) -> str:
    parts = _GROUP.split(text)  # literal, group, literal, ...
    return "".join(
        f"(?P<{part}>{groups.get(part, ANY)})" if at % 2 else re.escape(part) for at, part in enumerate(parts)
    )


def _meaning(text: str, match: re.Match[str], numbers: Sequence[str]) -> str:
    for group in reversed(numbers):  # from the end on, as places before it stay
        start, end = match.span(group)
        if end > start:
            text = f"{text[:start]}{int(text[start:end])}{text[end:]}"
    return folded(text)


def folded(text: str) -> str:
    """The same text for two that differ in the case of their letters only, or in how an accent is written."""
    return text.lower() if text.isascii() else normalize("NFC", text).casefold()


def groups_in(text: str) -> list[str]:
    """The names of a pattern's groups."""
    return _GROUP.findall(text)


def wrong_path(text: str) -> Iterator[str]:
    """Why a path pattern is none, each a sentence without a full stop."""
    if not text or len(text) > LONGEST:
        yield f"a path has 1 to {LONGEST:,} characters, and this {len(text):,}; correct it"
        return
    for wrong, said in _WRONG:
        if wrong(text):
            yield f"{text!r} {said}"
            return
    seen: set[str] = set()
    for name in groups_in(text):
        if not _NAME.fullmatch(name):
            yield f"{text!r}: {name!r} cannot name a group; use letters, digits and '_', as in {{slug}}"
        elif name in seen:
            yield f"{text!r} has the group {name!r} twice; give each a name of its own"
        seen.add(name)


def _braces(text: str) -> bool:
    return bool(re.search(r"[{}]", _GROUP.sub("", text)))


_WRONG: tuple[tuple[Callable[[str], object], str], ...] = (
    (lambda text: text.startswith("/"), "begins with a slash, and paths are below the folder; write it without"),
    (lambda text: text.endswith("/"), "ends in a slash, and a path is a file's; write the file's name behind it"),
    (lambda text: "\\" in text, "has a backslash; write / between folders"),
    (lambda text: "" in text.split("/"), "has nothing between two slashes; leave one out"),
    (lambda text: set(_NO_NAMES) & set(text.split("/")), "has a '.' or '..' among its folders; write the path itself"),
    (CONTROL.search, "has a line break or another control character; leave it out"),
    (_braces, "has a brace without its other one; write a group as {slug}"),
    (lambda text: _GLOBS.search(_GROUP.sub("", text)), "has a '*', '?' or bracket; write a group such as {name}"),
)
