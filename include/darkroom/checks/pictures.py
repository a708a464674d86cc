"""The pictures of a page of findings: thumbnails, stray pixels marked and enlarged, sizes side by side."""

import base64
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import repeat
from typing import Any

import numpy as np
import numpy.typing as npt
import pyvips

from darkroom.checks.check import shown
from darkroom.checks.findings import Finding
from darkroom.errors import ItemError, StoreError
from darkroom.imaging.encode import encode
from darkroom.imaging.geometry import Box
from darkroom.styles.names import parse_render

MOST = 200
"""So many pictures are on a page; what it says beyond is without one."""
THUMBNAIL, SMALL = 160, 72
"""Pixels of a thumbnail's longer side, and of one among many."""
_MOST_FILES = 24  # of one finding
_ENLARGED = 96  # pixels of an enlarged speck's side
_AROUND = 4  # times a speck's own size are shown of what lies around it
_MARK = (179, 38, 30, 255)


@dataclass(frozen=True, slots=True)
class Given:
    """A render as a page is given it: a PNG, of the render itself or of its proxy, and the render's own size."""

    data: bytes
    size: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Mark:
    """A circle on a thumbnail, in its pixels."""

    x: float
    y: float
    radius: float


@dataclass(frozen=True, slots=True)
class Shown:
    """One picture: the PNG as base64, how large it is drawn, and what is marked on it."""

    png: str
    width: int
    height: int
    label: str
    marks: tuple[Mark, ...] = ()


Give = Callable[[str], Given | None]
"""A render by its key; None where it cannot be shown."""


def illustrate(findings: Sequence[Finding], give: Give, workers: int) -> tuple[list[tuple[Shown, ...]], int]:
    """The pictures of each finding, in their order, and how many there would be beyond `MOST`.

    A render that cannot be read or decoded has none. One thread holds one render at a time.
    """
    wanted, room, beyond = list[tuple[str, ...]](), MOST, 0
    for one in findings:
        files = one.files[:_MOST_FILES]
        wanted.append(files if len(files) <= room else ())
        room -= len(wanted[-1])
        beyond += len(files) - len(wanted[-1])
    with ThreadPoolExecutor(workers, "pictures") as pool:
        return list(pool.map(_of, findings, wanted, repeat(give))), beyond


def _of(one: Finding, files: tuple[str, ...], give: Give) -> tuple[Shown, ...]:
    if one.kind == "stray pixels" and files:
        return _with_strays(files[0], give)
    side = SMALL if one.kind == "missing colour" else THUMBNAIL
    drawn = [(thumb, size) for file in files for thumb, size in _thumbnail(file, give, side)]
    if one.kind == "other size":
        return _to_scale(drawn)
    if one.kind == "missing colour":
        return tuple(replace(thumb, label=_colour(thumb.label)) for thumb, _ in drawn)
    return tuple(thumb for thumb, _ in drawn)


def _colour(name: str) -> str:
    read = parse_render(name)
    return f"{read[1]:04d}" if read else name


def _thumbnail(key: str, give: Give, side: int) -> Iterable[tuple[Shown, tuple[int, int]]]:
    """A thumbnail and the render's own size. A broken file is shown as far as it goes."""
    given = _given(key, give)
    if given is None:
        return
    try:
        image = pyvips.Image.pngload_buffer(given.data, access="sequential", fail_on="none")
        small = image.thumbnail_image(side, height=side, size="down", no_rotate=True)
        data = _plain(small).pngsave_buffer(compression=9, keep="none")
    except pyvips.Error:
        return
    yield Shown(_text(data), small.width, small.height, key.rpartition("/")[2]), given.size


def _given(key: str, give: Give) -> Given | None:
    try:
        return give(key)
    except (StoreError, OSError):
        return None


def _plain(image: Any) -> Any:
    """8-bit sRGB, whatever a render's samples are, for any browser."""
    return image.colourspace("srgb").cast("uchar")


def _to_scale(drawn: Sequence[tuple[Shown, tuple[int, int]]]) -> tuple[Shown, ...]:
    """Pictures as large beside each other as their renders are: the largest side of all is a thumbnail's."""
    largest = max((side for _, size in drawn for side in size), default=1)
    return tuple(
        replace(
            thumb,
            width=max(1, round(size[0] * THUMBNAIL / largest)),
            height=max(1, round(size[1] * THUMBNAIL / largest)),
            label=f"{size[0]} x {size[1]} · {thumb.label}",
        )
        for thumb, size in drawn
    )


def _with_strays(key: str, give: Give) -> tuple[Shown, ...]:
    """The render with its stray pixels circled, and the farthest of them enlarged: one pixel is not to be seen else."""
    given = _given(key, give)
    if given is None:
        return ()
    thumbs = [thumb for thumb, _ in _thumbnail(key, lambda _: given, THUMBNAIL)]
    try:
        image = pyvips.Image.new_from_buffer(given.data, "")
        strays, _, corner = shown(given.data, given.size, given.size[0] / image.width)
        if not thumbs or not strays:
            return tuple(thumbs)
        boxes = [_moved(stray.box, corner) for stray in strays]
        ratio = thumbs[0].width / image.width
        enlarged = Shown(_text(encode(_enlarged(image, boxes[0]))), _ENLARGED, _ENLARGED, "the farthest, enlarged")
    except (ItemError, StoreError, pyvips.Error):
        return tuple(thumbs)
    marks = tuple(
        Mark(
            round((box.x0 + box.x1) / 2 * ratio, 1),
            round((box.y0 + box.y1) / 2 * ratio, 1),
            round(max(7, max(box.width, box.height) * ratio), 1),
        )
        for box in boxes[:50]
    )
    return replace(thumbs[0], marks=marks), enlarged


def _moved(box: Box, corner: Box) -> Box:
    return Box(box.x0 + corner.x0, box.y0 + corner.y0, box.x1 + corner.x0, box.y1 + corner.y0)


def _enlarged(image: Any, box: Box) -> npt.NDArray[np.uint8]:
    """What is painted around a box, each pixel that is in one strong colour, however faint it is."""
    side = min(max(16, _AROUND * max(box.width, box.height)), image.width, image.height)
    left = min(max(0, (box.x0 + box.x1 - side) // 2), image.width - side)
    top = min(max(0, (box.y0 + box.y1 - side) // 2), image.height - side)
    part = image.crop(left, top, side, side)
    alpha = part[part.bands - 1].numpy() if part.hasalpha() else np.ones((side, side))
    at = np.arange(_ENLARGED) * side // _ENLARGED
    painted = (alpha > 0)[at][:, at]
    picture: npt.NDArray[np.uint8] = np.zeros((_ENLARGED, _ENLARGED, 4), np.uint8)
    picture[painted] = _MARK
    return picture


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
