"""Progress of long work: a bar on a terminal, a line every few seconds in a log; both with rate and time left."""

import logging
import sys
import threading
import time
from typing import Self

from darkroom.amounts import human_bytes, human_seconds

log = logging.getLogger(__name__)

_EVERY = 5.0  # seconds between two lines in a log


class Progress:
    """Counts items of one piece of work. A context manager; `advance` may be called from several threads.

    Without a `total` nothing is said of the end. With `as_bytes` the items are bytes.
    """

    def __init__(self, title: str, total: int | None, *, as_bytes: bool = False) -> None:
        self._title, self._total, self._done, self._told = title, total, 0, 0
        self._as_bytes = as_bytes
        self._lock = threading.Lock()
        self._began = self._said = time.monotonic()
        self._bar = None
        if sys.stderr.isatty():
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
        elif self._done != self._told:
            self._say()

    def advance(self, items: int = 1) -> None:
        """`items` more are done, whatever became of them."""
        with self._lock:
            self._done += items
            if self._bar:
                self._bar.update(self._bar.task_ids[0], completed=self._done)
            elif time.monotonic() - self._said >= _EVERY:
                self._say()

    def _say(self) -> None:
        self._said, self._told = time.monotonic(), self._done
        rate = self._done / max(self._said - self._began, 1e-9)
        amount = human_bytes if self._as_bytes else _count
        text = f"{self._title}: {amount(self._done)}"
        if self._total is not None:
            text += f" of {amount(self._total)}"
        text += f", {amount(rate)}/s"
        if self._total is not None:
            left = max(self._total - self._done, 0) / rate if rate else 0.0
            text += f", {human_seconds(left)} left"
        log.info("%s", text)


def _count(items: float) -> str:
    return f"{items:.0f}"
