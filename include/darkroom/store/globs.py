"""Choosing objects by patterns, as people write them for files."""

import re
from collections.abc import Callable, Iterable

from darkroom.errors import BadInput


def chooser(include: Iterable[str] = (), exclude: Iterable[str] = ()) -> Callable[[str], bool]:
    """Which keys are meant: those that match one of `include` (all without any) and none of `exclude`.

    | pattern | matches |
    | --- | --- |
    | `*.png` (no slash) | the last part of a key, in whatever folder |
    | `maps/*.jpg` | the whole key; `*` is anything but a slash, `?` one character, `[a-f]` one of these |
    | `maps/**/*.jpg` | `**` is any folders, or none |
    | `maps/` | all that lies below a folder |

    Raises `BadInput` for a pattern that is empty.

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
    if text.endswith("/"):
        text += "**"
    parts = re.findall(r"\*\*/|\*\*|\*|\?|\[[^]]+\]|.", text, re.DOTALL)
    anywhere = "" if "/" in text else "(?:.*/)?"
    try:
        return re.compile(anywhere + "".join(map(_part, parts)), re.DOTALL)
    except re.error:
        raise BadInput(f"{pattern!r} is no pattern; in brackets the first letter of a range comes first.") from None


def _part(part: str) -> str:
    """One part of a pattern as a regular expression."""
    if part == "**/":
        return "(?:.*/)?"
    if part == "**":
        return ".*"
    if part == "*":
        return "[^/]*"
    if part == "?":
        return "[^/]"
    if len(part) > 1:
        inverted = part[1] in "!^" and len(part) > 3
        inside = re.sub(r"([\\\[^&~|])", r"\\\1", part[2:-1] if inverted else part[1:-1])
        return f"[^/{inside}]" if inverted else f"[{inside}]"
    return re.escape(part)
