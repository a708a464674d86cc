"""Room in memory for the objects that are under way at once."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

BUDGET = 48 << 20  # bytes


class Room:
    """A budget of bytes that many threads share. What is larger than all of it, and streams, has it alone."""

    def __init__(self, budget: int = BUDGET) -> None:
        self._budget = self._left = budget
        self._turn = threading.Lock()
        self._freed = threading.Condition()

    @contextmanager
    def taken(self, size: int) -> Iterator[None]:
        """Take room for an object of `size` bytes, once there is some, and give it back after the block.

        Who waits lets nobody pass, so that small objects do not hold a large one off for ever.
        """
        cost = min(size, self._budget)
        with self._turn, self._freed:
            self._freed.wait_for(lambda: self._left >= cost)
            self._left -= cost
        try:
            yield
        finally:
            with self._freed:
                self._left += cost
                self._freed.notify()
