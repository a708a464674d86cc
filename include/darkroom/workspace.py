"""Temporary files of what is on its way, gone with the work, also after a crash."""

import fcntl
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PREFIX = "darkroom-work-"
_LOCK = "lock"


@contextmanager
def workspace() -> Iterator[Path]:
    """A fresh folder in the place for temporary files (`TMPDIR`). What a killed process left there goes first."""
    place = Path(tempfile.gettempdir())
    for left in place.glob(f"{_PREFIX}*"):
        _sweep(left)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=place))
    lock = os.open(folder / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)  # held as long as this process lives, however it ends
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


@contextmanager
def place(folder: Path) -> Iterator[Path]:
    """A free name in a folder; what lies there is gone afterwards."""
    path = folder / f"{threading.get_ident()}-{time.monotonic_ns()}"
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def _sweep(folder: Path) -> None:
    """Remove a folder whose process is gone; one without a lock yet is just being made."""
    with suppress(OSError):
        lock = os.open(folder / _LOCK, os.O_RDWR)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(lock)
