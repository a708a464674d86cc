"""Titles, alt texts and posts by template: a text with names in braces, for which a source's facts are filled in.

A template is no program: a name is one of a table's, without formats, attributes or anything else behind it. What is
filled in comes from file names, which strangers write: it has no control characters, and in a post's HTML it is text.
"""

import html
import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime

NAMES = ("name", "file", "folder", "key", "date", "hash")
"""What a title and an alt text may have filled in."""
CONTENT_NAMES = (*NAMES, "image", "url")
"""What a post may have filled in."""
LONGEST, LONGEST_CONTENT = 500, 100_000
"""Characters of a template: of a title or alt text, and of a post."""

_PART = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_UNSEEN = ("Cc", "Cs", "Co", "Cn")  # Unicode's categories of control characters, halves of signs, and none at all
_DIRECTIONS = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # that turn what follows


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a source: its key (with `/` between folders), when it was written, its MD5 in hex digits."""

    key: str
    written: datetime
    """With its time zone; templates show the day in UTC."""
    digest: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A thumbnail as a post shows it: its URL at the site, its alt text, and its id in the media library."""

    url: str
    alt: str
    id: int


def problems(template: str, *, content: bool = False) -> list[str]:
    """What is wrong with a title's or an alt text's template, or with a post's (`content`): a sentence each.

    >>> problems("{name}, {colour}")
    ['{colour} is no name of a template; write {name}, {file}, {folder}, {key}, {date} or {hash}.']
    >>> problems("{image}<p>{{x}}</p>", content=True)
    []
    """
    names, longest = (CONTENT_NAMES, LONGEST_CONTENT) if content else (NAMES, LONGEST)
    known = " or".join(", ".join(f"{{{name}}}" for name in names).rsplit(",", 1))
    found = []
    if len(template) > longest:
        found.append(f"It has {len(template):,} characters, and a template has {longest:,} at most.")
    if any(unicodedata.category(char) in _UNSEEN and not (content and char in "\n\r\t") for char in template):
        found.append("It has control characters or others that no text has; take them out.")
    for part in _PART.finditer(template):
        if part[0] in ("{", "}"):
            found.append(
                f"A {part[0]} stands alone at character {part.start() + 1:,}; write {part[0] * 2} for the sign."
            )
        elif part[1] is not None and part[1] not in names:
            said = _plain(part[1])[:40]
            found.append(f"{{{said}}} is no name of a template; write {known}.")
    return list(dict.fromkeys(found))


def filled(template: str, facts: Facts) -> str:
    """A title or an alt text: plain text of one line. Raises `ValueError` for a template that has `problems`.

    >>> facts = Facts("maps/1890/sheet 7.tif", datetime(2024, 5, 1, 23, tzinfo=UTC), "9e107d9d372bb6826bd81d3542a419d6")
    >>> filled("{name} in {folder}, {date}", facts)
    'sheet 7 in maps/1890, 2024-05-01'
    """
    return " ".join(_filled(template, _values(facts)).split())


def filled_content(template: str, facts: Facts, picture: Picture) -> str:
    """A post's HTML, in which whatever is filled in is text. Raises `ValueError` for a template that has `problems`.

    `{image}` is the block editor's image block
    (https://developer.wordpress.org/block-editor/reference-guides/core-blocks/#image), `{url}` the picture's URL.
    """
    values = {name: _escaped(value) for name, value in _values(facts).items()}
    return _filled(template, values | {"url": _escaped(picture.url), "image": _block(picture)}, content=True)


def _filled(template: str, values: dict[str, str], *, content: bool = False) -> str:
    if wrong := problems(template, content=content):
        raise ValueError(" ".join(wrong))
    # in one go: a value that has braces is not filled in again
    return _PART.sub(lambda part: part[0][0] if part[1] is None else values[part[1]], template)


def _values(facts: Facts) -> dict[str, str]:
    folder, _, file = facts.key.rpartition("/")
    stem, dot, _ = file.rpartition(".")
    values = {
        "name": stem if dot and stem else file,
        "file": file,
        "folder": folder,
        "key": facts.key,
        "date": facts.written.astimezone(UTC).strftime("%Y-%m-%d"),
        "hash": facts.digest,
    }
    return {name: _plain(value) for name, value in values.items()}


def _plain(text: str) -> str:
    """Without what is not seen, or turns what stands behind it."""
    return "".join(" " if char in _DIRECTIONS or unicodedata.category(char) in _UNSEEN else char for char in text)


def _escaped(text: str) -> str:
    """As text in HTML, in attributes too; WordPress would run what stands in square brackets as a shortcode."""
    return html.escape(_plain(text)).replace("[", "&#091;").replace("]", "&#093;")


def _block(picture: Picture) -> str:
    # written as WordPress itself does, which it then keeps letter by letter
    return (
        f'<!-- wp:image {{"id":{picture.id:d}}} -->\n'
        f'<figure class="wp-block-image"><img src="{_escaped(picture.url)}" alt="{_escaped(picture.alt)}"'
        f' class="wp-image-{picture.id:d}"/></figure>\n'
        "<!-- /wp:image -->"
    )
