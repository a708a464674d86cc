"""Where renders are delivered: a store, or a folder of Dropbox, behind one small interface."""

from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import BinaryIO, Protocol

from darkroom.errors import NotFound, SourceChanged
from darkroom.outside.dropbox import SCHEME, CursorReset, Dropbox, DropboxFile, folder_of, is_dropbox
from darkroom.store import Entry, Store, open_store, readable
from darkroom.store.access import Access
from darkroom.store.folder import FolderStore
from darkroom.store.hashes import Hashes
from darkroom.styles.names import plain

_NANOSECONDS = 1e9


@dataclass(frozen=True, slots=True)
class Found:
    """A delivered file, of one version: `etag` is Dropbox's revision or a store's ETag, `path` is below the source.

    `changed` is that of an `Entry`; `hashes` are what the source itself says of the content.
    """

    path: str
    etag: str
    bytes: int
    modified: datetime
    changed: str = ""
    hashes: Hashes = field(default_factory=Hashes)

    @property
    def version(self) -> str:
        """What is known of a content is known of this."""
        return f"{self.etag}-{self.changed}" if self.changed else self.etag

    def age(self, now: datetime) -> float:
        """Seconds since it was last written to, or given its name."""
        if self.changed.isdecimal():
            return now.timestamp() - int(self.changed) / _NANOSECONDS
        return (now - self.modified).total_seconds()


@dataclass(kw_only=True)
class Listing:
    """What a source has in a folder. `whole`: that is everything; else what changed, and `removed` are paths that went.

    Those may be of folders, with all that lay in them. `refused` are paths of what cannot be had, with the reason;
    `cursor` leads to what comes later. `missing`: there is no such folder.
    """

    files: list[Found] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    whole: bool = True
    cursor: str = ""
    missing: bool = False


class Source(Protocol):
    """A place that renders are delivered in. Thread-safe."""

    folds: bool
    """Is a name that differs by case only the same name to it?"""
    grows: bool
    """Can a file be seen in it that somebody is still writing?"""

    @property
    def concurrency(self) -> int:
        """How many files at once serve it best."""

    def uri_of(self, path: str) -> str:
        """A file's place, as ledgers and people have it."""

    def look(self, folder: str, cursor: str = "") -> Listing:
        """What lies in a folder below it and below that, or what changed since the cursor. Raises `StoreError`."""

    def open(self, found: Found, start: int = 0) -> AbstractContextManager[BinaryIO]:
        """The bytes of exactly this version, from `start` on; of the whole, the last read proves them by their hash.

        Raises `SourceChanged` and `NotFound`.
        """


class StoreSource:
    """A folder, or a bucket."""

    folds = False

    def __init__(self, store: Store) -> None:
        self.store = store
        self.concurrency = store.concurrency
        self.grows = isinstance(store, FolderStore)  # a bucket shows whole objects only

    def uri_of(self, path: str) -> str:
        return self.store.uri_of(path)

    def look(self, folder: str, cursor: str = "") -> Listing:
        prefix = f"{folder}/" if folder else ""
        files = [_found(entry) for entry in self.store.list(prefix)]
        return Listing(files=files, missing=not files)

    @contextmanager
    def open(self, found: Found, start: int = 0) -> Iterator[BinaryIO]:
        pinned = Entry(found.path, found.bytes, found.etag, found.modified, hashes=found.hashes, changed=found.changed)
        with self.store.open(found.path, start=start, version=pinned) as reading:
            yield reading.stream
        if found.changed:  # a folder has no hash that would tell of a file which was written to while it was read
            seen = self.store.head(found.path)
            if seen is None or seen.version != found.version:
                raise SourceChanged(f"{self.uri_of(found.path)}: it was written to while it was read.")


def _found(entry: Entry) -> Found:
    return Found(entry.key, entry.etag, entry.bytes, entry.modified, entry.changed, entry.hashes)


class DropboxSource:
    """A folder of Dropbox."""

    folds = True
    grows = True  # what a program saves in steps goes up in as many versions
    concurrency = 4  # what Dropbox bears well beside people who work in it

    def __init__(self, location: str, access: Access) -> None:
        self._root, self._dropbox = folder_of(location), Dropbox(access)

    def uri_of(self, path: str) -> str:
        return f"{SCHEME}{self._root}/{path}"

    def look(self, folder: str, cursor: str = "") -> Listing:
        try:
            return self._looked(folder, cursor)
        except CursorReset:
            return self._looked(folder, "")
        except NotFound:
            return Listing(missing=True)

    def _looked(self, folder: str, cursor: str) -> Listing:
        """One pass over the pages. Of each, what is removed counts first."""
        files: dict[str, Found] = {}
        removed: dict[str, None] = {}
        refused: dict[str, str] = {}
        listing = Listing(whole=not cursor, cursor=cursor)
        below = f"{folder}/" if folder else ""
        for page in self._dropbox.changes(f"{self._root}/{folder}" if folder else self._root, cursor):
            gone = {folded(f"{below}{path}"): f"{below}{path}".rstrip("/") for path in page.removed}
            removed |= dict.fromkeys(gone.values())
            files = {path: file for path, file in files.items() if not is_among(path, gone)}
            refused = {path: reason for path, reason in refused.items() if not is_among(path, gone)}
            for file in page.files:
                files[f"{below}{file.path}"] = _of_dropbox(f"{below}{file.path}", file)
            refused |= {f"{below}{path}": reason for path, reason in page.refused}
            listing.cursor = page.cursor
        listing.files, listing.removed, listing.refused = list(files.values()), list(removed), refused
        return listing

    @contextmanager
    def open(self, found: Found, start: int = 0) -> Iterator[BinaryIO]:
        file = DropboxFile(found.path, found.etag, found.bytes, found.hashes.dropbox, found.modified)
        with self._dropbox.open(file, start) as stream:
            yield stream


def _of_dropbox(path: str, file: DropboxFile) -> Found:
    return Found(path, file.rev, file.size, file.modified, hashes=Hashes(dropbox=file.content_hash))


def folded(path: str) -> str:
    """A path as Dropbox tells it from others."""
    return plain(path).rstrip("/")


def is_among(path: str, removed: Collection[str]) -> bool:
    """Is a path one of the removed ones (`folded`), or does it lie in one? An empty one is everything.

    >>> is_among("Renders/T1.png", {"renders"}), is_among("renders2/t1.png", {"renders"})
    (True, False)
    """
    if not removed:
        return False
    parts = folded(path).split("/")
    return any("/".join(parts[:depth]) in removed for depth in range(len(parts) + 1))


def open_source(location: str, access: Access) -> Source:
    """The source at a location: `dropbox:/path`, or a store's. Raises `BadInput`."""
    if is_dropbox(location):
        return DropboxSource(location, access)
    return StoreSource(open_store(location, access))


def shown(location: str) -> str:
    """A source as a person would type it."""
    return location if is_dropbox(location) else readable(location)


def now() -> datetime:
    """The time that a file's age is told by."""
    return datetime.now(UTC)
