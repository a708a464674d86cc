"""Choosing objects by patterns, as people write them for files."""

import re
from collections.abc import Callable, Iterable

from darkroom.errors import BadInput

LONGEST = 1024
"""Characters of a pattern, and bytes of a key: no store holds a longer one."""

_PARTS = re.compile(r"(?<![^/])\*\*/|\*\*|\*|\?|\[[^]]+\]|.", re.DOTALL)
_FIRST = {"**": ".*?", "**/": "(?:.*?/)??"}
_ALL = {"**": ".*", "**/": "(?:.*/)?"}
"""What goes over slashes: as little of it as can be, or as much."""


def chooser(include: Iterable[str] = (), exclude: Iterable[str] = ()) -> Callable[[str], bool]:
    """Which keys are meant: those that match one of `include` (all without any) and none of `exclude`.

    | pattern | matches |
    | --- | --- |
    | `*.png` (no slash) | the last part of a key, in whatever folder |
    | `maps/*.jpg` | the whole key; `*` is anything but a slash, `?` one character, `[a-f]` one of these |
    | `maps/**/*.jpg` | `**` is any folders, or none |
    | `maps/` | all that lies below a folder |

    Raises `BadInput` for a pattern that is empty or too long.

    >>> chosen = chooser(["*.jpg", "maps/"], ["**/draft/**"])
    >>> [key for key in ("a/b.jpg", "a/b.png", "maps/c.png", "maps/draft/d.jpg") if chosen(key)]
    ['a/b.jpg', 'maps/c.png']
    """
    wanted, unwanted = [_compiled(one) for one in include], [_compiled(one) for one in exclude]
    if not wanted and not unwanted:
        return lambda _: True

    def chosen(key: str) -> bool:
        return (not wanted or any(one.fullmatch(key) for one in wanted)) and not any(
            one.fullmatch(key) for one in unwanted
        )

    return chosen


def _compiled(pattern: str) -> re.Pattern[str]:
    text = pattern.removeprefix("/")
    if not text:
        raise BadInput(f"{pattern!r} is no pattern; write one such as '*.jpg' or 'maps/**'.")
    if len(text) > LONGEST:
        raise BadInput(f"{pattern[:40]!r}... is no pattern: it has more than {LONGEST:,} characters; write it shorter.")
    if text.endswith("/"):
        text += "**"
    if "/" not in text:
        text = f"**/{text}"
    try:
        return re.compile(_regex(text), re.DOTALL)
    except re.error:
        raise BadInput(f"{pattern!r} is no pattern; in brackets the first letter of a range comes first.") from None


def _regex(text: str) -> str:
    """A pattern as a regular expression that no key can make slow, however many stars it has.

    What comes between two `**` is taken where it ends first, and so is what comes between two `*`: were the rest found
    behind a later place, it would be found behind this one as well. So nothing but the last of each is looked for
    twice, and a key is gone through at most once for each of its characters.
    """
    blocks, gaps = [[""]], list[str]()
    for part in _PARTS.findall(text):
        if part in _FIRST:
            gaps.append(part)
            blocks.append([""])
        elif part == "*":
            blocks[-1].append("")
        else:
            blocks[-1][-1] += _one(part)
    *before, (*chunks, end) = blocks
    found = [_once(block) for block in before]
    found[1:] = [f"(?>{_FIRST[gap]}{block})" for gap, block in zip(gaps, found[1:], strict=False)]
    last = f"{_once(chunks)}[^/]*{end}" if chunks else end
    return "".join([*found, _ALL[gaps[-1]] if gaps else "", last])


def _once(chunks: list[str]) -> str:
    """What has a `*` between its parts; a `*` is as short as can be, and stays so."""
    first, *others = chunks
    return first + "".join(f"(?>[^/]*?{chunk})" for chunk in others)


def _one(part: str) -> str:
    """One character of a key as a regular expression."""
    if part == "?":
        return "[^/]"
    if len(part) > 1:
        inverted = part[1] in "!^" and len(part) > 3
        inside = re.sub(r"([\\\[^&~|])", r"\\\1", part[2:-1] if inverted else part[1:-1])
        return f"[^/{inside}]" if inverted else f"(?!/)[{inside}]"
    return re.escape(part)
