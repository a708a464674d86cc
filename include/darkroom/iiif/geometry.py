"""What an address means for an image of some size: which pixels, how large, and the address that says so best. No I/O.

Source: https://iiif.io/api/image/3.0/#4-image-requests and #47-canonical-uri-syntax
"""

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from darkroom.iiif.request import Asked, BadRequest, Quality, Region, Size

LARGEST = 2048
"""Pixels of a side of an answer. So an answer takes at most some 80 MB of a pyramid, whatever that is."""


@dataclass(frozen=True, slots=True)
class Box:
    """A part of an image, in pixels."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Cut:
    """One answer: which pixels of the image, and what becomes of them, in this order.

    They become `width` x `height`, are mirrored, and then turned clockwise.
    """

    box: Box
    width: int
    height: int
    mirrored: bool
    turn: Literal[0, 90, 180, 270]
    quality: Quality
    format: str
    canonical: str
    """The four last parts of the one address that each way to ask for this leads to."""


def resolve(asked: Asked, width: int, height: int, *, largest: int = LARGEST) -> Cut:
    """What is asked of an image of `width` x `height` pixels. Raises `BadRequest` for what cannot be cut of it.

    >>> from darkroom.iiif.request import parse
    >>> resolve(parse("square", "!100,100", "0", "color.jpg"), 4000, 3000).canonical
    '500,0,3000,3000/100,100/0/default.jpg'
    """
    box = _box(asked.region, width, height)
    across, down = _sized(asked.size, box, largest)
    quality: Quality = "default" if asked.quality == "color" else asked.quality
    canonical = "/".join(
        (
            "full" if box == Box(0, 0, width, height) else f"{box.x},{box.y},{box.width},{box.height}",
            _canonical_size(box, across, down, largest),
            f"{'!' if asked.mirrored else ''}{asked.turn}",
            f"{quality}.{asked.format}",
        )
    )
    return Cut(box, across, down, asked.mirrored, asked.turn, quality, asked.format, canonical)


def _box(region: Region, width: int, height: int) -> Box:
    if region.kind == "full":
        return Box(0, 0, width, height)
    if region.kind == "square":
        side = min(width, height)
        return Box((width - side) // 2, (height - side) // 2, side, side)
    x, y, w, h = region.box
    if region.kind == "percent":
        x, y, w, h = (part * whole / 100 for part, whole in zip((x, y, w, h), (width, height) * 2, strict=True))
    left, top = _rounded(x), _rounded(y)
    right, bottom = min(width, _rounded(x + w)), min(height, _rounded(y + h))
    if right <= left or bottom <= top:
        raise BadRequest(f"region: nothing of the image lies there; it has {width} x {height} pixels.")
    return Box(left, top, right - left, bottom - top)


def _sized(size: Size, box: Box, largest: int) -> tuple[int, int]:
    whole = Fraction(1) if size.kind != "percent" else size.percent / 100
    limit = min(Fraction(largest, box.width), Fraction(largest, box.height))
    match size.kind:
        case "max":
            return _scaled(box, limit if size.up else min(Fraction(1), limit))
        case "within":
            across, down = size.width or 0, size.height or 0
            if not (across and down):
                raise BadRequest("size: nothing is left of it; ask for a pixel at least.")
            scale = min(Fraction(across, box.width), Fraction(down, box.height), limit)
            return _scaled(box, scale if size.up else min(Fraction(1), scale))
        case "percent":
            wanted = _rounded(box.width * whole), _rounded(box.height * whole)
        case "exact":
            wanted = _exact(size, box)
    if not min(wanted):
        raise BadRequest("size: nothing is left of it; ask for a pixel at least.")
    if not size.up and (wanted[0] > box.width or wanted[1] > box.height):
        raise BadRequest(
            f"size: {wanted[0]} x {wanted[1]} is larger than the region, which has {box.width} x {box.height} pixels; "
            "write ^ before it to enlarge."
        )
    if max(wanted) > largest:
        raise BadRequest(f"size: {wanted[0]} x {wanted[1]} is more than is answered at once ({largest} x {largest}).")
    return wanted


def _exact(size: Size, box: Box) -> tuple[int, int]:
    if size.width is not None and size.height is not None:
        return size.width, size.height
    if size.width is not None:
        return size.width, size.width and max(1, _rounded(Fraction(box.height * size.width, box.width)))
    height = size.height or 0
    return height and max(1, _rounded(Fraction(box.width * height, box.height))), height


def _scaled(box: Box, scale: Fraction) -> tuple[int, int]:
    """The box by a scale that it fits the limits with: rounded, and never beyond them."""
    return max(1, _rounded(box.width * scale)), max(1, _rounded(box.height * scale))


def _canonical_size(box: Box, width: int, height: int, largest: int) -> str:
    if (width, height) == _sized(Size("max"), box, largest):
        return "max"
    up = width > box.width or height > box.height
    if up and (width, height) == _sized(Size("max", up=True), box, largest):
        return "^max"
    return f"{'^' if up else ''}{width},{height}"


def _rounded(value: Fraction) -> int:
    """To the nearest whole number; a half goes up."""
    return math.floor(value + Fraction(1, 2))
