"""How a worker's memory is divided (the setting `DARKROOM_MEMORY`)."""

import os
import resource
from pathlib import Path

_CODE = 96 << 20
"""What is loaded when it is first used: libvips, the compiled kernels (85 MiB measured)."""

_BOOKS = 64 << 20
"""Names, outcomes and ledgers that gather while a job runs."""

_EACH_THREAD = 80 << 20
"""A thread's file, picture, PNGs and composed rows, and what malloc keeps of them (75 MiB measured at 6000 x 6000)."""


def for_layers(memory: int, workers: int) -> int:
    """Bytes left for the pixels of a sheet's layers, beside what the process has taken so far; 0 where none are."""
    return max(0, memory - _taken() - _CODE - _BOOKS - workers * _EACH_THREAD)


def _taken() -> int:
    """Bytes that this process has in memory: proc(5), or where that is missing (macOS) the most it ever had."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
