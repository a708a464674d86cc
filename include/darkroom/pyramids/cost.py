"""What pyramids cost: seconds of one core by the machine's figures, requests to a store, bytes."""

import math
from pathlib import PurePosixPath

from darkroom.estimates import Requests, Spends
from darkroom.figures import Figures
from darkroom.pyramids.profiles import Cap
from darkroom.store.streams import PART

ENOUGH = 600.0
"""Seconds of one core that make a job."""
LEDGERS = 256
"""Among which a hash shares the pyramids out."""

# the image is looked at, its neighbours listed, its header read (twice: the first bytes, then the rest), its pyramid's
# place looked at; the worker reads the image once
_ITEM = Requests(lists=1, gets=5)
_MARKER = Requests(lists=1 / 1000, gets=2, deletes=1)  # read by the plan, looked at and removed by settling
_PUT = Requests(puts=1, gets=1)
_MULTIPART = Requests(puts=2, gets=3)  # begun and completed, the condition and the whole looked at
_KINDS = {"jpeg": "jpg", "tiff": "tif"}


def kind_of(key: str) -> str:
    """The kind of an image, by its name, as figures have it.

    >>> kind_of("maps/A.JPEG"), kind_of("maps/b.png"), kind_of("c")
    ('jpg', 'png', '')
    """
    suffix = PurePosixPath(key).suffix.lower().removeprefix(".")
    return _KINDS.get(suffix, suffix)


def seconds_of(figures: Figures, kind: str, pixels: float, size: float, cap: Cap) -> float:
    """Seconds of one core for an image of so many pixels, whose file has so many bytes; 0: nobody knows how many."""
    written = min(pixels, cap.width * cap.height)
    return pixels * figures.scan_of(kind) + written * figures.pyramid + (size or pixels) * figures.move + figures.write


def spends_of(figures: Figures, pixels: float, size: float, cap: Cap, *, marked: bool) -> Spends:
    """What it costs a store. `marked`: does a marker wait for it?"""
    made = min(pixels, cap.width * cap.height) * figures.pyramid_bytes
    requests = _ITEM + Requests(gets=_parts(size) - 1) + (_MARKER if marked else Requests())
    requests += _PUT if made <= PART else _MULTIPART + Requests(puts=_parts(made))
    return Spends(requests, 1, made)


def _parts(size: float) -> int:
    return max(1, math.ceil(size / PART))
