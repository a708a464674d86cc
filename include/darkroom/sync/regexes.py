"""Regular expressions as rule files have them: a plain part of them, that no file's name can make slow.

Python's `re` tries every way in which a name may be read. Where those ways multiply, a name of some dozen letters keeps
it busy for years. So what is repeated varies in length only where each of its turns begins with a sign of its own, as
in `[a-z]+(?:-[a-z]+)*`; and of what remains the ways are counted.
"""

import re
from dataclasses import dataclass

LONGEST = 200
"""Characters of a regular expression."""

NAME = 255
"""Characters of a file's name: no folder holds a longer one."""

_TOKEN = re.compile(
    r"(?P<open>\((?:\?:)?)|(?P<close>\))|(?P<bar>\|)"
    r"|(?P<times>[*+?]|\{(?P<least>\d*)(?P<comma>,?)(?P<most>\d*)\})[?+]?"
    r"|(?P<one>\[\^?\]?(?:\\.|[^\]\\])*\]|\\.|[^\\])",
    re.DOTALL,
)
_ESCAPES = "dDsSwW"  # letters behind a backslash; any sign may stand there
_NAMED = re.compile(r"\(\?P<\w+>")
_OPEN = 7  # the lengths of what has no limit, as a power of two
_MOST = 21  # the ways in which a name may be read, as a power of two: some milliseconds of the processor


class _Unread(Exception):
    """Why it is refused."""


@dataclass(slots=True)
class _Bracket:
    """What stands between two brackets, or in none."""

    ones: tuple[str, ...] = ()
    """Everything in it that matches one character."""
    begins: str = ""
    """The one that each turn begins with; empty where it may be left out or repeated."""
    varying: int = 0
    """How many of its parts have more than one length."""
    ways: int = 0
    """The power of two of the ways in which it may be read."""
    choices: int = 0
    """How many bars stand in it, but for the brackets in it."""
    chooses: bool = False


def wrong_regex(regex: str) -> str:
    """Why a regular expression is none that rules can have, without a full stop; empty where it is one.

    >>> wrong_regex("[a-z0-9]+(?:-[a-z0-9]+)*")
    ''
    >>> wrong_regex("([a-z]+)*").partition(",")[0]
    "'([a-z]+)*' repeats what varies already"
    """
    if not regex:
        return "it is empty; leave it out for any name"
    if len(regex) > LONGEST:
        return f"it has {len(regex):,} characters, and {LONGEST} is the most; write it shorter"
    try:
        re.compile(regex)
    except (re.error, OverflowError, RecursionError) as error:
        return f"{regex!r} is no regular expression ({str(error).replace(chr(10), ' ')}); correct it"
    try:
        _read(regex)
    except _Unread as error:
        return f"{regex!r} {error}"
    return ""


def takes_long(regex: re.Pattern[str]) -> bool:
    """May there be names with which this, made of such regular expressions, keeps the processor busy?"""
    return _read(_NAMED.sub("(", regex.pattern)).ways > _MOST


def _read(regex: str) -> _Bracket:
    """All of one that compiles. Raises `_Unread`."""
    around = [_Bracket()]
    last: _Bracket | str | None = None  # what a quantifier would be of
    for token in _TOKEN.finditer(regex):
        inner = around[-1]
        if token["open"]:
            around.append(_Bracket())
            last = None
        elif token["close"]:
            last = _closed(around.pop())
            _join(around[-1], last)
        elif token["bar"]:
            inner.choices, last = inner.choices + 1, None
        elif token["times"]:
            if last is None:
                raise _Unread("has a bracket with a question mark, of which only (?: is read; write it without")
            _repeat(inner, last, token)
        else:
            last = token["one"]
            if last[0] == "\\" and last[1].isalnum() and last[1] not in _ESCAPES:
                raise _Unread(f"has {last}, which is not read here; write the characters themselves")
            inner.begins = inner.begins if inner.ones else last
            inner.ones += (last,)
    return _closed(around[0])


def _closed(bracket: _Bracket) -> _Bracket:
    bracket.ways += bracket.choices.bit_length()
    bracket.chooses |= bracket.choices > 0
    return bracket


def _join(outer: _Bracket, inner: _Bracket) -> None:
    outer.ones += inner.ones
    outer.varying += inner.varying
    outer.ways += inner.ways
    outer.chooses |= inner.chooses


def _repeat(outer: _Bracket, last: _Bracket | str, token: re.Match[str]) -> None:
    """Take a quantifier into account, of what has just been read."""
    least, most = _times(token)
    if isinstance(last, _Bracket) and most > 1:
        if not _is_plain(last):
            raise _Unread(
                "repeats what varies already, which takes years for some names; let each turn begin with a sign that "
                "is not in the rest, as in [a-z]+(?:-[a-z]+)*"
            )
        outer.varying -= last.varying
        outer.ways -= last.ways
    if most > least or (isinstance(last, _Bracket) and last.varying):
        outer.varying += 1
        outer.ways += min(_OPEN, (most - least).bit_length() or _OPEN)
    if len(outer.ones) == 1:
        outer.begins = ""


def _times(token: re.Match[str]) -> tuple[int, int]:
    """How often a quantifier means at least and at most, as far as a name is long."""
    if token["times"] in "*+?":
        return int(token["times"] == "+"), 1 if token["times"] == "?" else NAME
    least = int(token["least"] or 0)
    return least, int(token["most"] or NAME) if token["comma"] else least


def _is_plain(bracket: _Bracket) -> bool:
    """Can turns of it be read in one way only? They have one length, or a sign parts them and one part varies."""
    if bracket.chooses:
        return False
    if not bracket.varying:
        return True
    sign = bracket.begins.removeprefix("\\")
    if bracket.varying > 1 or len(sign) != 1 or bracket.begins in (".", "^", "$"):
        return False
    if bracket.begins[0] == "\\" and sign.isalnum():
        return False
    return not any(re.fullmatch(one, sign) for one in bracket.ones[1:])


def words_of(regex: str) -> tuple[str, ...]:
    """The words that a regular expression lists; none where it is no such list.

    >>> words_of("photos|menus"), words_of("[0-9]+")
    (('photos', 'menus'), ())
    """
    return tuple(regex.split("|")) if re.fullmatch(r"[\w -]+(\|[\w -]+)*", regex) else ()


def is_number(regex: str) -> bool:
    """Does a regular expression allow digits only?

    >>> is_number("[0-9]{1,9}"), is_number("[0-9a-f]+")
    (True, False)
    """
    taken = {sign for one in _ones(regex) for sign in map(chr, range(128)) if re.fullmatch(one, sign)}
    return bool(taken) and taken <= set("0123456789")


def reaches(regex: str, sign: str) -> bool:
    """Could such a sign be in what a regular expression allows?

    >>> reaches("[a-z-]+", "/"), reaches("[^.]+", "/")
    (False, True)
    """
    return any(re.fullmatch(one, sign, re.DOTALL) for one in _ones(regex))


def _ones(regex: str) -> list[str]:
    return [token["one"] for token in _TOKEN.finditer(regex) if token["one"]]
