"""The grammar of the IIIF Image API's addresses: `{region}/{size}/{rotation}/{quality}.{format}`. No I/O.

Source: https://iiif.io/api/image/3.0/#4-image-requests
"""

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, cast

from darkroom.errors import DarkroomError

Quality = Literal["default", "color", "gray", "bitonal"]
QUALITIES: tuple[Quality, ...] = ("default", "color", "gray", "bitonal")
FORMATS = {"jpg": "image/jpeg", "png": "image/png", "webp": "image/webp"}
"""What an answer can be, with its content type."""

_WHOLE = r"(?:0|[1-9]\d{0,9})"
_DECIMAL = rf"{_WHOLE}(?:\.\d{{1,10}})?"
_PIXELS = re.compile(rf"({_WHOLE}),({_WHOLE}),({_WHOLE}),({_WHOLE})", re.ASCII)
_PERCENT = re.compile(rf"pct:({_DECIMAL}),({_DECIMAL}),({_DECIMAL}),({_DECIMAL})", re.ASCII)
_SIZE = re.compile(
    rf"(?P<up>\^)?(?:(?P<max>max)|pct:(?P<percent>{_DECIMAL})|(?P<within>!)(?P<w>{_WHOLE}),(?P<h>{_WHOLE})"
    rf"|(?P<width>{_WHOLE})?,(?P<height>{_WHOLE})?)",
    re.ASCII,
)
_ROTATION = re.compile(rf"(!)?({_DECIMAL})", re.ASCII)


class BadRequest(DarkroomError):
    """An address that says nothing that could be cut of this image (HTTP 400)."""


@dataclass(frozen=True, slots=True)
class Region:
    """Which part: `full`, `square`, `pixels` or `percent`, the last two with x, y, width and height."""

    kind: Literal["full", "square", "pixels", "percent"]
    box: tuple[Fraction, ...] = ()


@dataclass(frozen=True, slots=True)
class Size:
    """How large the part becomes. `up`: it may become larger than it is (`^`)."""

    kind: Literal["max", "percent", "within", "exact"]
    up: bool = False
    width: int | None = None
    height: int | None = None
    percent: Fraction = Fraction(100)


@dataclass(frozen=True, slots=True)
class Asked:
    """What an address asks for, of whatever image. `turn` is clockwise in degrees, after mirroring."""

    region: Region
    size: Size
    mirrored: bool
    turn: Literal[0, 90, 180, 270]
    quality: Quality
    format: str


def parse(region: str, size: str, rotation: str, last: str) -> Asked:
    """Read the four last parts of an address. Raises `BadRequest`, with what can be written there.

    >>> parse("0,0,512,512", "256,", "!90", "gray.png").turn
    90
    >>> parse("full", "max", "45", "default.jpg")
    Traceback (most recent call last):
    ...
    darkroom.iiif.request.BadRequest: rotation '45': it is turned by 0, 90, 180 or 270 degrees only.
    """
    mirrored, turn = _rotation(rotation)
    quality, _, kind = last.rpartition(".")
    if quality not in QUALITIES:
        raise BadRequest(f"quality {_shown(quality)}: write {_listed(QUALITIES)}.")
    if kind not in FORMATS:
        raise BadRequest(f"format {_shown(kind)}: write {_listed(tuple(FORMATS))}.")
    return Asked(_region(region), _size(size), mirrored, turn, quality, kind)


def _region(said: str) -> Region:
    if said == "full":
        return Region("full")
    if said == "square":
        return Region("square")
    if found := _PIXELS.fullmatch(said):
        return Region("pixels", tuple(map(Fraction, found.groups())))
    if found := _PERCENT.fullmatch(said):
        return Region("percent", tuple(map(Fraction, found.groups())))
    raise BadRequest(f"region {_shown(said)}: write full, square, x,y,w,h or pct:x,y,w,h.")


def _size(said: str) -> Size:
    found = _SIZE.fullmatch(said)
    if found is None or said in (",", "^,"):
        raise BadRequest(
            f"size {_shown(said)}: write max, w, or ,h or w,h or !w,h or pct:n, with ^ before it to enlarge."
        )
    up = bool(found["up"])
    if found["max"]:
        return Size("max", up)
    if found["percent"]:
        percent = Fraction(found["percent"])
        if percent > 100 and not up:
            raise BadRequest(f"size {_shown(said)}: more than 100 % enlarges; write ^ before it.")
        return Size("percent", up, percent=percent)
    if found["within"]:
        return Size("within", up, int(found["w"]), int(found["h"]))
    width, height = (int(one) if one is not None else None for one in (found["width"], found["height"]))
    return Size("exact", up, width, height)


def _rotation(said: str) -> tuple[bool, Literal[0, 90, 180, 270]]:
    found = _ROTATION.fullmatch(said)
    angle = Fraction(found[2]) if found else None
    if found is None or angle is None or angle > 360:
        raise BadRequest(f"rotation {_shown(said)}: write 0, 90, 180 or 270, with ! before it to mirror.")
    if (turn := angle % 360) in (0, 90, 180, 270):
        return bool(found[1]), cast(Literal[0, 90, 180, 270], int(turn))
    raise BadRequest(f"rotation {_shown(said)}: it is turned by 0, 90, 180 or 270 degrees only.")


def _listed(words: tuple[str, ...]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"


def _shown(said: str) -> str:
    """What somebody wrote, for a sentence: short, and printable."""
    return ascii(said if len(said) <= 60 else f"{said[:60]}...")
