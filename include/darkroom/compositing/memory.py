"""How a worker's memory is divided (the setting `DARKROOM_MEMORY`)."""

import resource
import sys

_EACH_THREAD = 48 << 20
"""A thread's picture with its cuts and PNGs, the rows that it composes, the file that it decodes."""

_BOOKS = 64 << 20
"""Names, outcomes and ledgers that gather while a job runs."""


def for_layers(memory: int, workers: int) -> int:
    """Bytes left for the pixels of a sheet's layers, beside what the process has taken so far; 0 where none are."""
    return max(0, memory - _taken() - workers * _EACH_THREAD - _BOOKS)


def _taken() -> int:
    """The most bytes that this process has had in memory (getrusage(2): KiB, on macOS bytes)."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
