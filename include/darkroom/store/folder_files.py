"""Files that come to be whole or not at all: written beside their place, and named only when they are finished."""

import errno
import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO, RawIOBase

from darkroom.store.folder_errors import explain, explained, no_folder
from darkroom.store.folder_paths import TEMPORARY

# too many links of one file, or a file system that has none
NO_LINK = (errno.EMLINK, errno.EPERM, errno.EXDEV, errno.ENOTSUP, errno.EACCES)
_PIECE = 48 << 10  # bytes of one write; of larger ones Linux makes large pages, which cost a virtual machine faults


class ReadFile(FileIO):
    """A file being read, whose errors are those of stores."""

    def __init__(self, path: str) -> None:
        with explained(path, "read"):
            super().__init__(path)
        self.path = path

    def read(self, size: int | None = -1, /) -> bytes:
        try:
            return super().read(size)
        except OSError as error:
            explain(error, self.path, "read")

    def readinto(self, buffer: "bytearray | memoryview", /) -> int:  # type: ignore[override]
        try:
            return super().readinto(buffer)
        except OSError as error:
            explain(error, self.path, "read")


class Span(RawIOBase):
    """The next `length` bytes of a file, of any length, without holding them."""

    def __init__(self, handle: FileIO, length: int) -> None:
        self._handle, self._left = handle, length

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        with memoryview(buffer) as target:
            block = self._handle.read(min(len(target), self._left))
            target[: len(block)] = block
        self._left -= len(block)
        return len(block)


@contextmanager
def temporary_beside(target: str) -> Iterator[str]:
    """A free name in the target's folder; after an error nothing of it is left behind."""
    temporary = os.path.join(os.path.dirname(target), f"{TEMPORARY}{secrets.token_hex(8)}")
    try:
        yield temporary
    except BaseException:
        with suppress(OSError):  # what made the writer fail may forbid that too; then `Store.sweep` finds it
            os.unlink(temporary)
        raise


def created(temporary: str, target: str, root: str) -> FileIO:
    """A new file of that name, and its folder where there is none yet. Raises as `make_folder` does."""
    with explained(target, "written"):
        try:
            return FileIO(temporary, "xb")
        except (FileNotFoundError, NotADirectoryError):
            make_folder(target, root)
        return FileIO(temporary, "xb")


def make_folder(target: str, root: str) -> None:
    """The folder of a file, where there is none yet. Raises `BadInput` for a root that is no folder, `StoreError`."""
    try:
        os.makedirs(os.path.dirname(target), exist_ok=True)
    except OSError as error:
        refusal = no_folder(error, root, target)
        if refusal:
            raise refusal from None
        explain(error, os.path.dirname(target), "written")


def name_anew(temporary: str, target: str) -> None:
    """Give a file its name, unless something has it: then `FileExistsError`."""
    try:
        os.link(temporary, target)
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno not in NO_LINK:
            raise
        with locked(target):  # a file system without links: other writers of Darkroom wait, and a look comes first
            if os.path.lexists(target):
                raise FileExistsError(target) from None
            os.rename(temporary, target)
    else:
        os.unlink(temporary)


def sync_folder(folder: str) -> None:
    """Wait until the disk has the names in a folder, on the file systems that can say so."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(handle)


def write_fully(handle: FileIO, block: bytes) -> int:
    """Write all of it, a piece at a time, of which a raw file may take less than it is given."""
    rest = memoryview(block)
    while rest:
        rest = rest[handle.write(rest[:_PIECE]) :]
    return len(block)


@contextmanager
def locked(target: str) -> Iterator[None]:
    """Hold the lock of a file's folder: conditional replaces and deletes in one folder happen one after the other."""
    handle = os.open(os.path.dirname(target), os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
