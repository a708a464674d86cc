"""Reading one file: its bytes or its hash, whether its content is what the rules want, and that nobody wrote to it."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from darkroom.errors import SourceChanged
from darkroom.failures import DownloadFailed
from darkroom.store.streams import PART
from darkroom.sync.rules import Checker
from darkroom.sync.scan import version_of

SMALL = PART
"""Bytes of a file that may be in memory as a whole."""
_BLOCK = 1 << 20
CHANGED = "it was written to while it was read; it is taken when nobody writes to it any more"


@dataclass(frozen=True, slots=True)
class Looked:
    """What a file is: its MD5 (hex), its bytes where it is `SMALL`, and the `reason` why it is refused."""

    md5: str
    data: bytes | None = None
    reason: str = ""


class SteadyFile:
    """An open file of one version. Its last read raises `SourceChanged` where it was written to since."""

    def __init__(self, handle: BinaryIO, path: str, version: str) -> None:
        self._handle, self._path, self._version = handle, path, version

    def read(self, size: int = -1) -> bytes:
        """Some of the next bytes, as of a file."""
        block = self._handle.read(size)
        if not block or size < 0:
            self.require()
        return block

    def seek(self, at: int) -> None:
        """Go on from there."""
        self._handle.seek(at)

    def read_at(self, start: int, length: int) -> bytes:
        """Bytes from anywhere, as many as there are."""
        self._handle.seek(start)
        return self._handle.read(length)

    def require(self) -> None:
        """Raise `SourceChanged` where it is no longer that version."""
        if version_of(os.fstat(self._handle.fileno())) != self._version:
            raise SourceChanged(f"{self._path}: {CHANGED}")


@contextmanager
def opened(path: str, version: str) -> Iterator[SteadyFile]:
    """A file, as long as it is that version. Raises `SourceChanged`, and `DownloadFailed` where it cannot be read."""
    try:
        handle = Path(path).open("rb", buffering=0)  # noqa: SIM115 -- closed below
    except FileNotFoundError:
        raise SourceChanged(f"{path}: it vanished") from None
    except OSError as error:
        raise DownloadFailed(f"it cannot be read ({(error.strerror or str(error)).lower()})") from None
    with handle:
        file = SteadyFile(handle, path, version)
        file.require()
        try:
            yield file
        except OSError as error:  # a drive that went away
            raise DownloadFailed(f"it cannot be read ({(error.strerror or str(error)).lower()})") from error


def look(file: SteadyFile, size: int, checker: Checker | None) -> Looked:
    """Read a file from its beginning to its end, once; `checker` where its content is to be looked at.

    Raises `SourceChanged`.
    """
    if size <= SMALL:
        data = _whole(file, size)
        reason = checker.wrong_content(data, size) if checker else ""
        return Looked(hashlib.md5(data, usedforsecurity=False).hexdigest(), data, reason)
    md5 = hashlib.md5(usedforsecurity=False)
    first = block = file.read(_BLOCK)
    while block:
        md5.update(block)
        block = file.read(_BLOCK)
    return Looked(md5.hexdigest(), reason=checker.wrong_content(first, size, file.read_at) if checker else "")


def _whole(file: SteadyFile, size: int) -> bytes:
    data = file.read(size + 1)
    while len(data) <= size and (more := file.read(size + 1 - len(data))):  # a network drive may give less at a time
        data += more
    if len(data) != size:
        raise SourceChanged(CHANGED)
    return data
