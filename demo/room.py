"""Is there room on the disk? A full one ends PostgreSQL and Airflow in the middle of what they do."""

import shutil
from pathlib import Path

from demo.layout import Layout
from demo.studio import StudioError

NEW = 2_000_000_000
"""Bytes for a new studio: what it makes takes 1.3 GB."""
MORE = 300_000_000
"""Bytes for one that is there already."""
_FULL = 16_000_000  # bytes that are of no use any more: PostgreSQL writes its log in pieces of this size


def require_room(layout: Layout) -> None:
    """Raises `StudioError` where the samples, the database or the pictures would not fit."""
    needed = MORE if layout.deliveries.exists() else NEW
    free = free_below(layout.root)
    if free < needed:
        raise StudioError(
            f"The disk of {layout.root} has {_megabytes(free)} free, and this takes {_megabytes(needed)}: make room, "
            "then run `make run` again."
        )


def is_full(layout: Layout) -> bool:
    """Can nothing be written there any more?"""
    return free_below(layout.root) < _FULL


def free_below(folder: Path) -> int:
    """Bytes that may still be written in a folder, which need not be there yet."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def _megabytes(size: int) -> str:
    return f"{size // 1_000_000:,} MB"
