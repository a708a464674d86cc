"""Room in memory for the objects that are under way at once."""

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

BUDGET = 48 << 20  # bytes
_M_MMAP_THRESHOLD, _LARGE = -3, 1 << 20  # of glibc's malloc.h; bytes


class Room:
    """A budget of bytes that many threads share. What is larger than all of it, and streams, has it alone.

    From its making on, large blocks go back to the system once they are free, in all of the process: a budget means
    little as long as glibc keeps them in a heap for each thread, as it learns to from the first one (300 MiB where 140
    are in use).
    """

    def __init__(self, budget: int = BUDGET) -> None:
        with suppress(OSError, AttributeError):  # another system's malloc
            ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE)
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
