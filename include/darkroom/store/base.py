"""The interface that every backend fulfils, and that the contract suite (`tests/contract`) holds each one to."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import BinaryIO, Protocol


@dataclass(frozen=True, slots=True)
class Entry:
    """One object as a listing or a head shows it.

    `etag` changes whenever the content may have changed: the service's own ETag, or for a folder size, modification
    time (ns) and inode. `modified` is in UTC.
    """

    key: str
    bytes: int
    etag: str
    modified: datetime


@dataclass(frozen=True, slots=True)
class Reading:
    """An object being read: the stream, and the entry of exactly the version that the stream reads."""

    entry: Entry
    stream: BinaryIO


class Store(Protocol):
    """A bucket or a folder. Keys are relative to its root, with `/` between segments.

    Writes are atomic: a reader sees a whole object or none. Every method raises `StoreError` for a key that the backend
    cannot hold, before anything is written.
    """

    @property
    def uri(self) -> str:
        """The root's URI, without a trailing `/`."""

    def uri_of(self, key: str) -> str:
        """The URI of one object; `open_store` and `read_object` understand it."""

    def list(self, prefix: str = "") -> Iterator[Entry]:
        """Every object whose key begins with `prefix`, in no particular order."""

    def head(self, key: str) -> Entry | None:
        """The object's entry, or None where there is none."""

    def open(self, key: str, *, start: int = 0, length: int | None = None) -> AbstractContextManager[Reading]:
        """Open an object (or `length` bytes from `start`) for reading. Raises `NotFound`."""

    def read(self, key: str) -> bytes:
        """A small object's whole content. Raises `NotFound`."""

    def write(
        self,
        key: str,
        data: bytes | BinaryIO,
        *,
        content_type: str = "application/octet-stream",
        if_absent: bool = False,
        if_match: str | None = None,
    ) -> Entry:
        """Write an object whole, or not at all.

        With `if_absent` only where there is none yet, with `if_match` only over the object of that ETag: otherwise
        `Conflict`.
        """

    def copy(self, source: str, target: str) -> Entry:
        """Make `target` the same object as `source`, without moving its bytes through here where the backend can.

        Raises `NotFound`.
        """

    def delete(self, key: str, *, if_match: str | None = None) -> None:
        """Remove an object; no error where there is none. With `if_match` only that version: otherwise `Conflict`."""

    def sweep(self, prefix: str, *, older_than: timedelta) -> int:
        """Remove what killed writers left unfinished below `prefix`; returns how many such leftovers went."""
