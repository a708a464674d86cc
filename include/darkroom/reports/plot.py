"""The plot of a run's throughput: where each bar, line and word of it stands, for a template to draw as SVG."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count

from darkroom.amounts import counted, human_seconds
from darkroom.jobs import Throughput

WIDTH, HEIGHT = 720, 200
"""Of the drawing, in its own units."""
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 12, 10, 26
_MOST_TIMES, _MOST_LINES = 5, 4
_WIDEST = 40.0  # of a bar: a run of one span is no wall


@dataclass(frozen=True, slots=True)
class Bar:
    """What came in one span of time."""

    x: float
    y: float
    width: float
    height: float
    said: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A word beside an axis, and where."""

    at: float
    said: str


@dataclass(frozen=True, slots=True)
class Plot:
    """The bars, the words below them, and the lines across with their numbers; `said` is all of it in a sentence."""

    bars: tuple[Bar, ...]
    times: tuple[Mark, ...]
    lines: tuple[Mark, ...]
    said: str
    left: float = _LEFT
    right: float = WIDTH - _RIGHT
    floor: float = HEIGHT - _BOTTOM
    width: int = WIDTH
    height: int = HEIGHT


def plot(throughput: Throughput, noun: str) -> Plot:
    """The plot of a run; `noun` is what an item is called."""
    counts, span = throughput.counts, timedelta(seconds=throughput.width)
    step = _step(max(counts))
    top = step * math.ceil(max(counts) / step)
    floor, tall = HEIGHT - _BOTTOM, HEIGHT - _BOTTOM - _TOP
    each = (WIDTH - _LEFT - _RIGHT) / len(counts)
    wide = min(each * 0.86, _WIDEST)
    bars = [
        Bar(
            x=round(_LEFT + at * each + (each - wide) / 2, 2),
            y=round(floor - tall * number / top, 2),
            width=round(wide, 2),
            height=round(tall * number / top, 2),
            said=f"{_clock(throughput.begin + at * span, span)}: {counted(number, noun)}",
        )
        for at, number in enumerate(counts)
        if number
    ]
    lines = [Mark(round(floor - tall * at / top, 2), f"{at:,}") for at in range(0, top + 1, step)]
    return Plot(tuple(bars), tuple(_times(throughput, each)), tuple(lines), _said(throughput, noun))


def _step(most: int) -> int:
    """How far the lines across lie apart: 1, 2 or 5 times a power of ten, so that there are few of them.

    >>> _step(1), _step(9), _step(37), _step(1200)
    (1, 5, 10, 500)
    """
    steps = (int(number * 10**zeros) for zeros in count() for number in (1, 2, 5))
    return next(step for step in steps if most / step <= _MOST_LINES)


def _times(throughput: Throughput, each: float) -> Iterator[Mark]:
    apart = math.ceil(len(throughput.counts) / _MOST_TIMES)
    span = timedelta(seconds=throughput.width)
    for at in range(0, len(throughput.counts), apart):
        yield Mark(round(_LEFT + at * each, 2), _clock(throughput.begin + at * span, apart * span))


def _clock(when: datetime, apart: timedelta) -> str:
    if apart >= timedelta(days=1):
        return f"{when:%m-%d}"
    return f"{when:%m-%d %H:%M}" if apart >= timedelta(hours=4) else f"{when:%H:%M:%S}"


def _said(throughput: Throughput, noun: str) -> str:
    seconds = throughput.width * len(throughput.counts)
    in_all = sum(throughput.counts)
    rate = f"{in_all / seconds:,.1f} a second" if in_all >= seconds else f"{60 * in_all / seconds:,.1f} a minute"
    return f"{counted(in_all, noun)} in {human_seconds(seconds)}, about {rate}. A bar is {_span(throughput.width)}."


def _span(seconds: int) -> str:
    """A span of time that is a whole number of something.

    >>> _span(30), _span(300), _span(14400)
    ('30 s', '5 min', '4 h')
    """
    if seconds < 60:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 3600 else f"{seconds // 3600} h"
