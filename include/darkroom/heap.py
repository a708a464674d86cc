"""How the C library keeps memory that is given back, for threads that ask for as much again at once."""

import ctypes
from functools import cache

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # mallopt(3)
_KEPT = 16 << 20  # bytes, of each thread


@cache
def keep_what_is_freed() -> None:
    """Let this process keep some MiB a thread that are free, and give larger pieces alone back at once.

    By itself glibc gives back what is free at the end of a heap, and a thread that decodes one file after the other has
    each of its pages taken away and given anew, zeroed, hundreds of times a second: a seventh of an ingest's time.
    Other C libraries are left as they are. See https://man7.org/linux/man-pages/man3/mallopt.3.html.
    """
    if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):
        mallopt(_MMAP_THRESHOLD, _KEPT)
        mallopt(_TRIM_THRESHOLD, _KEPT)
