"""Progress of long work: a bar on a terminal, a line every few seconds in a log; both with rate and time left."""

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Self, TypeVar

from darkroom.amounts import human_bytes, human_seconds

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")

log = logging.getLogger(__name__)

_EVERY = 5.0  # seconds between two lines in a log
_SHORTEST = 4.0  # seconds that tell a rate


class Progress:
    """Counts items of one piece of work. A context manager; `advance` may be called from several threads.

    Without a `total` nothing is said of the end. With `as_bytes` the items are bytes. The time that is left is said
    once there is a rate to tell it from: what was finished when the first items came, at once or after a long start,
    does not count.
    """

    def __init__(self, title: str, total: int | None, *, as_bytes: bool = False) -> None:
        self._title, self._total, self.done, self._told = title, total, 0, 0
        self._first: tuple[float, int] | None = None  # when the first items were finished, and how many
        self._as_bytes = as_bytes
        self._lock = threading.Lock()
        self._began = self._said = time.monotonic()
        self._bar = None
        if total != 0 and sys.stderr.isatty():
            from darkroom.progress_bar import bar  # rich, whose import takes longer than a small command

            self._bar = bar(as_bytes)

    def __enter__(self) -> Self:
        self._began = self._said = time.monotonic()
        if self._bar:
            self._bar.start()
            self._bar.add_task(self._title, total=self._total)
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar:
            self._bar.stop()
        elif self.done != self._told:
            self._say()

    def advance(self, items: int = 1) -> None:
        """`items` more are done, whatever became of them."""
        with self._lock:
            self.done += items
            if items and self._first is None:
                self._first = time.monotonic(), self.done
            if self._bar:
                self._bar.update(self._bar.task_ids[0], completed=self.done)
            elif time.monotonic() - self._said >= _EVERY:
                self._say()

    def _say(self) -> None:
        self._said, self._told = time.monotonic(), self.done
        amount = human_bytes if self._as_bytes else _count
        text = f"{self._title}: {amount(self.done)}"
        if self._total is not None:
            text += f" of {amount(self._total)}"
        began, before = self._first or (self._said, self.done)
        rate = rate_of(self.done - before, self._said - began)
        if rate:
            text += f", {human_rate(rate, self._as_bytes)}"
            if self._total is not None and self._total > self.done:
                text += f", {human_seconds((self._total - self.done) / rate)} left"
        log.info("%s", text)


def in_parallel(title: str, items: Sequence[ItemT], do: Callable[[ItemT], ResultT], at_once: int) -> Iterator[ResultT]:
    """What `do` makes of each item, in their order, so many at once; says how far it is. Left early, begins no more."""
    with Progress(title, len(items)) as progress, ThreadPoolExecutor(at_once, title) as pool:

        def one(item: ItemT) -> ResultT:
            result = do(item)
            progress.advance()
            return result

        try:
            yield from pool.map(one, items)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def rate_of(items: int, seconds: float) -> float:
    """Items a second; 0 as long as they are too few, or the time is too short, to tell what is to come.

    >>> rate_of(600, 60.0), rate_of(1, 60.0), rate_of(600, 0.5)
    (10.0, 0.0, 0.0)
    """
    return items / seconds if items > 1 and seconds >= _SHORTEST else 0.0


def human_rate(rate: float, as_bytes: bool = False) -> str:
    """How fast it goes, as people read it.

    >>> human_rate(25.2), human_rate(0.25), human_rate(0.02), human_rate(2_000_000, as_bytes=True)
    ('25/s', '0.2/s', '1.2/min', '2.0 MB/s')
    """
    if as_bytes:
        return f"{human_bytes(rate)}/s"
    if rate < 0.1:
        return f"{rate * 60:.1f}/min"
    return f"{rate:.0f}/s" if rate >= 10 else f"{rate:.1f}/s"


def _count(items: float) -> str:
    return f"{items:,.0f}"
