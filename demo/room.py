"""Can a studio be here at all? A full disk ends PostgreSQL and Airflow in the middle of what they do."""

import re
import shutil
from pathlib import Path

from demo.layout import Layout
from demo.studio import StudioError

NEW = 2_000_000_000
"""Bytes for a new studio: what it makes takes 1.3 GB."""
MORE = 300_000_000
"""Bytes for one that is there already."""
_FULL = 16_000_000  # bytes that are of no use any more: PostgreSQL writes its log in pieces of this size
# what PostgreSQL's programs hand to a shell in double quotes, and what Airflow's configuration takes for a reference
_UNBEARABLE = re.compile(r'["$`\\\n%]')


def require_path(layout: Layout) -> None:
    """Raises `StudioError` for a path that PostgreSQL or Airflow cannot bear; blanks and umlauts are fine."""
    if found := _UNBEARABLE.search(str(layout.root.absolute())):
        raise StudioError(
            f"PostgreSQL or Airflow cannot bear the {found[0]!r} in {layout.root}: move the project to another folder, "
            "run `make clean` there, then `make run`."
        )


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
