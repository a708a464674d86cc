"""The folder backend: a local folder that behaves like a bucket."""

import errno
import fcntl
import logging
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from io import BufferedReader, FileIO, RawIOBase
from pathlib import Path
from stat import S_ISREG
from typing import BinaryIO, cast

from darkroom.errors import Conflict, NotFound, StoreError
from darkroom.store.base import CONTENT_TYPE, Entry, Reading

log = logging.getLogger(__name__)

_TEMPORARY = ".darkroom-"  # what is being written; no listing shows it, and no key may begin so
_LONGEST_NAME = 255  # bytes of one segment, on every file system that matters
_BLOCK = 1 << 20  # bytes of a stream that are read at a time
# too many links of one file, or a file system that has none
_NO_LINK = (errno.EMLINK, errno.EPERM, errno.EXDEV, errno.ENOTSUP, errno.EACCES)
_PIECE = 48 << 10  # bytes of one write; of larger ones Linux makes large pages, which cost a virtual machine faults


class FolderStore:
    """A folder as a store.

    An object is written beside its target under a temporary name and renamed over it, never written through: a
    reader keeps the version that it opened, and files that are hard links of one another stay independent. Nothing
    is fsynced: after a power loss a file may be short, and then its size differs from the ledger's, so a run refuses
    it until somebody moves it away. Paths are texts here and files are unbuffered: files come by the ten thousand, and
    half of the time that one took went into `Path`s and into calls that buffering makes.
    """

    concurrency = 4  # a disk's queue is short, and the work beside it wants the cores

    def __init__(self, root: Path) -> None:
        # absolute and without "..", its links kept: Path.resolve() would follow them, Path.absolute() keeps ".."
        self._root = os.path.abspath(root)
        self._inner: dict[str, str] = {}  # folders that are known to lie inside

    @property
    def uri(self) -> str:
        return Path(self._root).as_uri()

    def uri_of(self, key: str) -> str:
        return Path(self._path(key)).as_uri()

    @property
    def retries(self) -> Mapping[str, int]:
        return {}

    def list(self, prefix: str = "", *, after: str = "") -> Iterator[Entry]:
        folder, _, _ = prefix.rpartition("/")
        start = len(self._root.rstrip("/")) + 1
        for path, stat in self._walk(self._path(folder) if folder else self._root):
            key = path[start:]
            if key.startswith(prefix) and key > after:
                yield _entry(key, stat)

    def head(self, key: str) -> Entry | None:
        path = self._path(key)
        try:
            stat = os.stat(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        return _entry(key, stat) if S_ISREG(stat.st_mode) else None

    @contextmanager
    def open(self, key: str, *, start: int = 0, length: int | None = None) -> Iterator[Reading]:
        try:
            handle = FileIO(self._path(key))
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            raise NotFound(f"There is no such file: {self._path(key)}.") from None
        except PermissionError:
            raise StoreError(f"Reading is not permitted: {self._path(key)}.") from None
        with handle:
            entry = _entry(key, os.fstat(handle.fileno()))
            if start:
                handle.seek(start)
            yield Reading(entry, cast(BinaryIO, handle) if length is None else BufferedReader(_Span(handle, length)))

    def read(self, key: str) -> bytes:
        with self.open(key) as reading:
            return reading.stream.read()

    def write(
        self,
        key: str,
        data: bytes | BinaryIO,
        *,
        size: int | None = None,
        content_type: str = CONTENT_TYPE,
        metadata: Mapping[str, str] | None = None,
        if_absent: bool = False,
        if_match: str | None = None,
        confirm: bool = True,
    ) -> Entry:
        target = self._path(key)
        with _temporary(target) as temporary:
            length = 0
            with _created(temporary, target) as handle:
                for block in (data,) if isinstance(data, bytes) else iter(lambda: data.read(_BLOCK), b""):
                    length += _write_fully(handle, block)
            if size not in (None, length):
                raise StoreError(f"Its source ended after {length} bytes instead of {size}: {target}.")
            return self._publish(key, temporary, target, if_absent=if_absent, if_match=if_match)

    def unconfirmed(self, written: Iterable[Entry]) -> dict[str, str]:
        """None: a folder's write has looked at the file when it returns."""
        return {}

    def copy(self, source: str, target: str, *, if_absent: bool = False, if_match: str | None = None) -> Entry:
        origin, goal = self._path(source), self._path(target)
        if if_match is None:
            try:
                os.link(origin, goal)  # a new name, as most are, takes one step instead of three
            except OSError:
                pass  # there is something of that name, or no folder yet, or no links here
            else:
                return _entry(target, os.stat(goal))
        with _temporary(goal) as temporary:
            _make_folder(goal)
            try:
                os.link(origin, temporary)
            except FileNotFoundError:
                raise NotFound(f"There is no such file: {origin}.") from None
            except OSError as error:
                if error.errno not in _NO_LINK:  # then a plain copy
                    raise
                shutil.copyfile(origin, temporary)
            entry = self._publish(target, temporary, goal, if_absent=if_absent, if_match=if_match)
            with suppress(FileNotFoundError):
                os.unlink(temporary)  # POSIX lets a rename between two links of one file do nothing
            return entry

    def delete(self, key: str, *, if_match: str | None = None) -> None:
        target = self._path(key)
        if not os.path.isdir(os.path.dirname(target)):
            return
        with _locked(target), suppress(FileNotFoundError):
            if if_match is not None:
                self._require(key, if_match)
            os.unlink(target)

    def delete_all(self, keys: Iterable[str]) -> dict[str, str]:
        remaining = {}
        for key in keys:
            try:
                self.delete(key)
            except (StoreError, OSError) as error:
                remaining[key] = str(error)
        return remaining

    def sweep(self, prefix: str, *, older_than: timedelta) -> int:
        folder, _, _ = prefix.rpartition("/")
        limit = (datetime.now(UTC) - older_than).timestamp()
        leftovers = [
            path
            for path, stat in self._walk(self._path(folder) if folder else self._root, temporary=True)
            if stat.st_ctime < limit
        ]
        for path in leftovers:
            with suppress(FileNotFoundError):
                os.unlink(path)
        return len(leftovers)

    def _path(self, key: str) -> str:
        """Where `key` lies. Raises `StoreError` for a key that a folder cannot hold or that leads out of the root."""
        folder, _, name = key.rpartition("/")
        known = self._inner.get(folder)
        for segment in (name,) if known else key.split("/"):
            if segment in ("", ".", ".."):
                raise StoreError(f"{key!r}: a folder holds no name with an empty, '.' or '..' part; rename it.")
            if "\0" in segment or len(os.fsencode(segment)) > _LONGEST_NAME:
                raise StoreError(f"{key!r}: a folder holds no name with a NUL or a part of over 255 bytes; rename it.")
            if segment.startswith(_TEMPORARY):
                raise StoreError(f"{key!r}: names that begin with {_TEMPORARY} are Darkroom's own; rename it.")
        path = os.path.join(known or self._within(folder), name)
        if not ((known or self._leads_inside(folder)) and (not os.path.islink(path) or self._inside(path))):
            raise StoreError(f"{key!r}: a link leads out of {self._root}; put the file itself there.")
        return path

    def _leads_inside(self, folder: str) -> bool:
        """Does a folder lie below the root, all links followed?

        Asked once for each that is there: pictures come by the thousand. One that is not there yet may still become a
        link, so its answer is not kept.
        """
        path = self._within(folder)
        if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(self._root)):
            return False
        if os.path.isdir(path):
            self._inner[folder] = path
        return True

    def _within(self, folder: str) -> str:
        return os.path.join(self._root, folder) if folder else self._root

    def _walk(self, folder: str, *, temporary: bool = False) -> Iterator[tuple[str, os.stat_result]]:
        """Every file below `folder`: the objects, or with `temporary` only what is being written."""
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except (FileNotFoundError, NotADirectoryError):
            return
        for entry in entries:
            if entry.is_symlink() and not self._inside(entry.path):
                log.warning("A link leads out of %s or nowhere, and is not read: %s", self._root, entry.path)
            elif entry.is_dir(follow_symlinks=False):
                yield from self._walk(entry.path, temporary=temporary)
            elif entry.is_file() and entry.name.startswith(_TEMPORARY) == temporary:
                yield entry.path, entry.stat()

    def _inside(self, path: str) -> bool:
        real = Path(os.path.realpath(path))
        return real.exists() and real.is_relative_to(os.path.realpath(self._root))

    def _publish(
        self, key: str, temporary: str, target: str, *, if_absent: bool = False, if_match: str | None = None
    ) -> Entry:
        if if_absent:
            try:
                _name_anew(temporary, target)
            except FileExistsError:
                if os.path.isdir(target):
                    raise _both(target) from None
                raise Conflict(f"There already is such a file: {target}.") from None
        elif if_match is not None:
            with _locked(target):
                self._require(key, if_match)
                os.replace(temporary, target)
        else:
            os.replace(temporary, target)
        return _entry(key, os.stat(target))

    def _require(self, key: str, etag: str) -> None:
        found = self.head(key)
        if found is None or found.etag != etag:
            raise Conflict(f"It changed in the meantime: {self._path(key)}.")


class _Span(RawIOBase):
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
def _temporary(target: str) -> Iterator[str]:
    """A free name in the target's folder; after an error nothing of it is left behind."""
    temporary = os.path.join(os.path.dirname(target), f"{_TEMPORARY}{secrets.token_hex(8)}")
    try:
        yield temporary
    except BaseException as error:
        with suppress(FileNotFoundError, NotADirectoryError):
            os.unlink(temporary)
        if isinstance(error, IsADirectoryError):
            raise _both(target) from None
        raise


def _created(temporary: str, target: str) -> FileIO:
    """A new file of that name, and its folder where there is none yet."""
    try:
        return FileIO(temporary, "xb")
    except (FileNotFoundError, NotADirectoryError):
        _make_folder(target)
    return FileIO(temporary, "xb")


def _make_folder(target: str) -> None:
    try:
        os.makedirs(os.path.dirname(target), exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise StoreError(f"{target}: a file lies where its folder should be; a folder cannot hold both.") from None


def _name_anew(temporary: str, target: str) -> None:
    """Give a file its name, unless something has it: then `FileExistsError`."""
    try:
        os.link(temporary, target)
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno not in _NO_LINK:
            raise
        with _locked(target):  # a file system without links: other writers of Darkroom wait, and a look comes first
            if os.path.lexists(target):
                raise FileExistsError(target) from None
            os.rename(temporary, target)
    else:
        os.unlink(temporary)


def _write_fully(handle: FileIO, block: bytes) -> int:
    """Write all of it, a piece at a time, of which a raw file may take less than it is given."""
    rest = memoryview(block)
    while rest:
        rest = rest[handle.write(rest[:_PIECE]) :]
    return len(block)


@contextmanager
def _locked(target: str) -> Iterator[None]:
    """Hold the lock of a file's folder: conditional replaces and deletes in one folder happen one after the other."""
    handle = os.open(os.path.dirname(target), os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _both(target: str) -> StoreError:
    return StoreError(f"{target}: a folder of that name is there; a folder cannot hold both.")


def _entry(key: str, stat: os.stat_result) -> Entry:
    modified = datetime.fromtimestamp(stat.st_mtime, UTC)
    return Entry(key, stat.st_size, f"{stat.st_size:x}-{stat.st_mtime_ns:x}-{stat.st_ino:x}", modified)
