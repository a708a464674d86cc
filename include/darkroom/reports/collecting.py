"""What a report keeps of outcomes that pass by: the slowest, when how many came, why some were skipped.

Each is bounded, whatever the run's size.
"""

import heapq
from collections import Counter
from datetime import UTC, datetime
from itertools import count

from darkroom.jobs import Outcome, Slow, Throughput

MOST_SLOW = 10
MOST_SPANS = 120
"""Spans of time, each a bar of the plot."""
_MOST_SKIPS = 50
OTHER = "other reasons"
"""What stands for the reasons beyond."""

# each a multiple of the one before, so that two spans of one always lie in one of the next
_WIDTHS = (1, 2, 10, 30, 60, 300, 900, 3600, 14400, 86400)


class Slowest:
    """The items that took longest; of equal ones those that were met first."""

    def __init__(self, most: int = MOST_SLOW) -> None:
        self._most, self._met = most, count()
        self._heap: list[tuple[float, int, Slow]] = []  # the least of those that are kept comes first

    def add(self, outcome: Outcome) -> None:
        """Look at one; what took no time that anybody measured is none of them."""
        seconds = outcome.seconds
        if seconds <= 0 or (len(self._heap) == self._most and seconds <= self._heap[0][0]):
            return
        slow = Slow(item=outcome.item, group=outcome.group, state=outcome.state, seconds=seconds)
        one = (seconds, -next(self._met), slow)
        if len(self._heap) < self._most:
            heapq.heappush(self._heap, one)
        else:
            heapq.heapreplace(self._heap, one)

    @property
    def found(self) -> tuple[Slow, ...]:
        """They, the slowest first."""
        return tuple(slow for _, _, slow in sorted(self._heap, reverse=True))


class Spans:
    """When how many items came: counts in spans of time, which grow wider as the time does that lies between."""

    def __init__(self, most: int = MOST_SPANS) -> None:
        self._most, self._widths = most, iter(_WIDTHS)
        self._width = next(self._widths)
        self._counts: Counter[int] = Counter()

    def add(self, when: datetime, number: int) -> None:
        """Count so many items that came then; in any order."""
        if number < 1:
            return
        self._counts[int(when.timestamp()) // self._width] += number
        while max(self._counts) - min(self._counts) >= self._most:
            self._widen()

    def _widen(self) -> None:
        width = next(self._widths, 7 * self._width)
        wider: Counter[int] = Counter()
        for at, number in self._counts.items():
            wider[at * self._width // width] += number
        self._width, self._counts = width, wider

    @property
    def found(self) -> Throughput | None:
        """All of it; None where nothing came."""
        if not self._counts:
            return None
        first, last = min(self._counts), max(self._counts)
        begin = datetime.fromtimestamp(first * self._width, UTC)
        counts = tuple(self._counts[at] for at in range(first, last + 1))
        return Throughput(begin=begin, width=self._width, counts=counts)


class Skips:
    """Why items were left as they were: each reason with how many."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def add(self, reason: str) -> None:
        """Count one."""
        known = reason in self._counts or len(self._counts) < _MOST_SKIPS
        self._counts[reason if known else OTHER] += 1

    @property
    def found(self) -> dict[str, int]:
        """They, the one of most items first."""
        return dict(self._counts.most_common())
