"""How a worker's memory is divided (the setting `DARKROOM_MEMORY`)."""

import os
import resource
from pathlib import Path

_CODE = 96 << 20
"""What is loaded when it is first used: libvips, the compiled kernels (85 MiB measured)."""

_BOOKS = 64 << 20
"""Names, outcomes and ledgers that gather while a job runs."""

_THREAD, _COLUMN = 16 << 20, 14 << 10
"""A thread's picture and PNGs; and, for each pixel of the renders' width, the rows that it decodes and composes.

Measured, with what malloc keeps of it: 75 MiB at 6000 pixels, 165 at 12000.
"""


def for_layers(memory: int, workers: int, width: int) -> int:
    """Bytes left for the pixels of a sheet's layers, beside what the process has taken so far; 0 where none are.

    `width` is that of the renders, in pixels.
    """
    return max(0, memory - _taken() - _CODE - _BOOKS - workers * (_THREAD + width * _COLUMN))


def threads_within(memory: int, workers: int, width: int) -> int:
    """How many of so many threads draw at once, so that the rows of renders of that width fit: one always does."""
    room = memory - _taken() - _CODE - _BOOKS
    return max(1, min(workers, room // (_THREAD + width * _COLUMN)))


def _taken() -> int:
    """Bytes that this process has in memory: proc(5), or where that is missing (macOS) the most it ever had."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
