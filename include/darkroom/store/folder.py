"""The folder backend: a local folder that behaves like a bucket."""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from io import BufferedReader
from pathlib import Path
from stat import S_ISREG
from typing import BinaryIO, cast

from darkroom.errors import Conflict, NotFound, StoreError
from darkroom.store.access import NO_ACCESS, Access
from darkroom.store.base import CONTENT_TYPE, Entry, Reading, Store, source_changed
from darkroom.store.confirm import difference
from darkroom.store.folder_errors import both, explain, explained
from darkroom.store.folder_files import (
    NO_LINK,
    ReadFile,
    Span,
    created,
    locked,
    make_folder,
    name_anew,
    sync_folder,
    temporary_beside,
    write_fully,
)
from darkroom.store.folder_paths import Paths
from darkroom.store.folder_walk import Walk
from darkroom.store.hashes import Hashes
from darkroom.store.rewrite import rewrite

_HANDLE = getattr(os, "O_PATH", os.O_RDONLY)  # of a file that is not read; only Linux has such
_BLOCK = 1 << 20  # bytes of a stream that are read at a time


class FolderStore:
    """A folder as a store.

    An object is written beside its target under a temporary name and renamed over it, never written through: a
    reader keeps the version that it opened, and files that are hard links of one another stay independent.

    After a power cut an object that was written with `durable` stands whole under its name: its bytes are synced before
    the name is given, and the folders down to it when it has been. As far as the disk's own cache keeps its word; what
    was deleted may be back. All other objects, pictures above all, are not synced, since that takes longer than making
    them: after a power cut one may be missing, be the version before, or be short. Its size then differs from
    the ledger's, so a run refuses it until somebody moves it away.

    Files are unbuffered: they come by the ten thousand, and buffering makes calls.
    """

    concurrency = 4  # a disk's queue is short, and the work beside it wants the cores
    copies_conditionally = True

    def __init__(self, root: Path, access: Access = NO_ACCESS) -> None:
        self.access = access
        self._paths = Paths(root)
        self._walk = Walk(self._paths)
        self._synced: set[str] = set()  # folders whose names down from the root the disk has

    @property
    def uri(self) -> str:
        return Path(self._paths.root).as_uri()

    def uri_of(self, key: str) -> str:
        return Path(self._paths.of(key)).as_uri()

    def path_of(self, prefix: str) -> str:
        """The path of the folder in which all keys that begin with `prefix` lie."""
        return self._paths.folder(prefix)

    @property
    def retries(self) -> Mapping[str, int]:
        return {}

    def list(self, prefix: str = "", *, after: str = "") -> Iterator[Entry]:
        start = len(self._paths.root.rstrip("/")) + 1
        for path, stat in self._walk.files(self._paths.folder(prefix)):
            key = path[start:]
            if key.startswith(prefix) and key > after:
                yield _entry(key, stat)

    def head(self, key: str) -> Entry | None:
        path = self._paths.of(key)
        try:
            stat = os.stat(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            explain(error, path, "read")
        return _entry(key, stat) if S_ISREG(stat.st_mode) else None

    @contextmanager
    def open(
        self, key: str, *, start: int = 0, length: int | None = None, version: Entry | None = None
    ) -> Iterator[Reading]:
        path = self._paths.of(key)
        with ReadFile(path) as handle:
            entry = _entry(key, os.fstat(handle.fileno()))
            if version is not None and version.etag != entry.etag:
                raise source_changed(path)
            if start:
                handle.seek(start)
            yield Reading(entry, cast(BinaryIO, handle) if length is None else BufferedReader(Span(handle, length)))

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
        headers: Mapping[str, str] | None = None,
        hashes: Hashes | None = None,
        if_absent: bool = False,
        if_match: str | None = None,
        confirm: bool = True,
        durable: bool = False,
    ) -> Entry:
        target = self._paths.of(key)
        with temporary_beside(target) as temporary:
            length = 0
            with created(temporary, target, self._paths.root) as handle:
                for block in (data,) if isinstance(data, bytes) else iter(lambda: data.read(_BLOCK), b""):
                    with explained(target, "written"):  # and not what its source says
                        length += write_fully(handle, block)
                if durable:
                    with explained(target, "written"):
                        os.fsync(handle.fileno())
            if size not in (None, length):
                raise StoreError(f"Its source ended after {length} bytes instead of {size}: {target}.")
            entry = self._publish(key, temporary, target, if_absent=if_absent, if_match=if_match)
        if durable:
            self._sync_folders(os.path.dirname(target))
        return entry

    def unconfirmed(self, written: Iterable[Entry]) -> dict[str, str]:
        remaining = {}
        for entry in written:
            try:
                with suppress(OSError):  # the head says what it means
                    if _etag(os.stat(self._paths.of(entry.key))) == entry.etag:  # a size is part of it
                        continue
                reason = difference(entry, self.head(entry.key))
            except StoreError as error:
                reason = str(error)
            if reason:
                remaining[entry.key] = reason
        return remaining

    def copy(
        self,
        source: str,
        target: str,
        *,
        origin: Store | None = None,
        if_absent: bool = False,
        if_match: str | None = None,
        if_source_match: str | None = None,
    ) -> Entry:
        if origin is not None and origin.uri != self.uri:
            asked = {"if_match": if_match, "if_source_match": if_source_match}
            return rewrite(origin, source, self, target, if_absent=if_absent, **asked)
        path, goal = self._paths.of(source), self._paths.of(target)
        if os.path.islink(path):
            path = os.path.realpath(path)  # a link's own link would change with what it leads to
        if if_match is None:
            try:  # a new name, as most are, takes one step instead of three
                return _link(path, target, goal, if_source_match)
            except OSError:
                pass  # there is something of that name, or no folder yet, or no links here
        with temporary_beside(goal) as temporary:
            make_folder(goal, self._paths.root)
            seen = _duplicate(source, path, temporary)
            if if_source_match not in (None, seen.etag):  # looked at under a name that only this copy knows
                raise source_changed(path)
            entry = self._publish(target, temporary, goal, if_absent=if_absent, if_match=if_match)
            with suppress(FileNotFoundError):
                os.unlink(temporary)  # POSIX lets a rename between two links of one file do nothing
            return entry

    def delete(self, key: str, *, if_match: str | None = None) -> None:
        target = self._paths.of(key)
        with explained(target, "removed"):
            try:
                with locked(target):
                    if if_match is not None:
                        self._require(key, if_match)
                    os.unlink(target)
            except (FileNotFoundError, NotADirectoryError):
                if if_match is not None:
                    raise self._changed(key) from None

    def delete_all(self, keys: Iterable[str]) -> dict[str, str]:
        remaining = {}
        for key in keys:
            try:
                self.delete(key)
            except StoreError as error:
                remaining[key] = str(error)
        return remaining

    def sweep(self, prefix: str, *, older_than: timedelta) -> int:
        limit = (datetime.now(UTC) - older_than).timestamp()
        leftovers = [
            path for path, stat in self._walk.files(self._paths.folder(prefix), temporary=True) if stat.st_ctime < limit
        ]
        for path in leftovers:
            with explained(path, "removed"), suppress(FileNotFoundError):
                os.unlink(path)
        return len(leftovers)

    def _publish(
        self, key: str, temporary: str, target: str, *, if_absent: bool = False, if_match: str | None = None
    ) -> Entry:
        with explained(target, "written"):
            # looked at before it has its name: afterwards another writer's may stand there
            entry = _entry(key, os.stat(temporary))
            if if_absent:
                try:
                    name_anew(temporary, target)
                except FileExistsError:
                    if os.path.isdir(target):
                        raise both(target) from None
                    raise Conflict(f"There already is such a file: {target}.") from None
            elif if_match is not None:
                with locked(target):
                    self._require(key, if_match)
                    os.replace(temporary, target)
            else:
                os.replace(temporary, target)
            return entry

    def _sync_folders(self, folder: str) -> None:
        """Wait until the disk has a folder's names, and, where this has not been seen to yet, the way down to it."""
        with explained(folder, "written"):
            self._sync(folder)

    def _sync(self, folder: str) -> None:
        sync_folder(folder)
        while folder not in self._synced:
            self._synced.add(folder)
            if not folder.startswith(self._paths.root):  # the root's own name is synced, in whatever folder it is
                return
            folder = os.path.dirname(folder)
            sync_folder(folder)

    def _require(self, key: str, etag: str) -> None:
        found = self.head(key)
        if found is None or found.etag != etag:
            raise self._changed(key)

    def _changed(self, key: str) -> Conflict:
        return Conflict(f"It changed in the meantime: {self._paths.of(key)}.")


def _link(origin: str, key: str, goal: str, pinned: str | None) -> Entry:
    """Give a file a name that nothing has; with `pinned` only that version, which is linked by its handle.

    Raises `SourceChanged`, and `OSError` where it does not go: no such system, or anything in its way.
    """
    if pinned is None:
        os.link(origin, goal)
        return _entry(key, os.stat(goal))
    handle = os.open(origin, _HANDLE)
    try:
        seen = _entry(key, os.fstat(handle))
        if seen.etag != pinned:
            raise source_changed(origin)
        # with a handle given, Python asks Linux to follow the link that /proc shows for the file
        os.link(f"/proc/self/fd/{handle}", goal, src_dir_fd=handle, follow_symlinks=True)
        return seen
    finally:
        os.close(handle)


def _duplicate(key: str, origin: str, temporary: str) -> Entry:
    """Make a link of a file, or a plain copy where there can be none; returns of which version.

    Raises `NotFound`.
    """
    try:
        os.link(origin, temporary)
        return _entry(key, os.stat(temporary))
    except FileNotFoundError:
        raise _missing(origin) from None
    except OSError as error:
        if error.errno not in NO_LINK:
            explain(error, temporary, "written")
    with ReadFile(origin) as handle, created(temporary, temporary, os.path.dirname(temporary)) as copy:
        while block := handle.read(_BLOCK):
            with explained(temporary, "written"):
                write_fully(copy, block)
        return _entry(key, os.fstat(handle.fileno()))


def _missing(path: str) -> NotFound:
    return NotFound(f"There is no such file: {path}.")


def _entry(key: str, stat: os.stat_result) -> Entry:
    modified = datetime.fromtimestamp(stat.st_mtime, UTC)
    return Entry(key, stat.st_size, _etag(stat), modified, changed=f"{stat.st_ctime_ns:x}")


def _etag(stat: os.stat_result) -> str:
    return f"{stat.st_size:x}-{stat.st_mtime_ns:x}-{stat.st_ino:x}"
