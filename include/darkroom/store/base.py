"""The interface that every backend fulfils, and that the contract suite (`tests/contract`) holds each one to."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from itertools import islice
from typing import BinaryIO, Protocol

from darkroom.errors import SourceChanged
from darkroom.store.access import Access
from darkroom.store.hashes import Hashes

CONTENT_TYPE = "application/octet-stream"

# Metadata of a conditionally written object, and hidden from its readers: a random word by which a writer whose answer
# was lost knows the object that now stands in its way as its own. Equal bytes would not say whose it is.
WRITE_ID = "darkroom-write"

# shared by all entries that know none: they are made by the million
_NO_HASHES = Hashes()
NOTHING: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True, init=False)
class Entry:
    """One object as a listing or a head shows it.

    `etag` changes whenever the content may have changed: S3's own ETag, GCS's generation, or for a folder size,
    modification time (ns) and inode. `modified` is in UTC.

    `hashes` are those that the service itself vouches for, of the whole object; a listing may know fewer than a head,
    and a folder knows none. `content_type`, `metadata` and `headers` (those of `headers.HEADERS` that are set) are
    filled in by a head, an open or a write, where the backend has them, and by a listing of GCS's.
    """

    key: str
    bytes: int
    etag: str
    modified: datetime
    hashes: Hashes = field(compare=False)
    content_type: str = field(compare=False)
    metadata: Mapping[str, str] = field(compare=False)
    headers: Mapping[str, str] = field(compare=False)
    changed: str = field(compare=False)
    """Of a folder: when the file was last written to or linked (ctime, ns), which no program can set back."""

    def __init__(
        self,
        key: str,
        bytes: int,
        etag: str,
        modified: datetime,
        hashes: Hashes = _NO_HASHES,
        content_type: str = "",
        metadata: Mapping[str, str] = NOTHING,
        headers: Mapping[str, str] = NOTHING,
        changed: str = "",
    ) -> None:
        # a frozen dataclass' own takes four times as long, and listings make them by the million
        _KEY(self, key)
        _BYTES(self, bytes)
        _ETAG(self, etag)
        _MODIFIED(self, modified)
        _HASHES(self, hashes)
        _CONTENT_TYPE(self, content_type)
        _METADATA(self, metadata)
        _HEADERS(self, headers)
        _CHANGED(self, changed)

    @property
    def version(self) -> str:
        """The ETag, and with it what tells a file that was rewritten in place with its size and time kept.

        What is known of an input's content is kept by it. An output cannot be: another name for it changes it.
        """
        return f"{self.etag}-{self.changed}" if self.changed else self.etag


_KEY, _BYTES, _ETAG, _MODIFIED, _HASHES, _CONTENT_TYPE, _METADATA, _HEADERS, _CHANGED = (
    getattr(Entry, one.name).__set__ for one in fields(Entry)
)


@dataclass(frozen=True, slots=True)
class Reading:
    """An object being read: the stream, and the entry of exactly the version that the stream reads.

    The stream of a whole object checks what it gives: where the service knows a hash and the bytes have another, or
    are too few, its last read raises `Damaged`. So what reads a stream to its end has read the object.
    """

    entry: Entry
    stream: BinaryIO


class Store(Protocol):
    """A bucket or a folder. Keys are relative to its root, with `/` between segments. Every store is thread-safe.

    Writes are atomic: a reader sees a whole object or none. Every method raises `StoreError` for a key that the backend
    cannot hold, before anything is written. Transient faults are met with bounded retries (`retries`).
    """

    @property
    def uri(self) -> str:
        """The root's URI, without a trailing `/`."""

    @property
    def access(self) -> Access:
        """What it was opened with: whoever opens others beside it passes it on."""

    @property
    def concurrency(self) -> int:
        """How many calls at once serve this store best, from as many threads."""

    @property
    def copies_conditionally(self) -> bool:
        """Does a copy on the server heed conditions? If not, the bytes of one with conditions come through here."""

    @property
    def retries(self) -> Mapping[str, int]:
        """How many requests were repeated so far, by the name of the fault (`SlowDown`)."""

    def uri_of(self, key: str) -> str:
        """The URI of one object; `open_store` and `read_object` understand it."""

    def list(self, prefix: str = "", *, after: str = "") -> Iterator[Entry]:
        """Every object whose key begins with `prefix` and, in the order of code points, comes after `after`.

        Streams: memory does not grow with the number of objects. The order is the backend's own; S3 and GCS list in
        the order of the keys' UTF-8 bytes.
        """

    def head(self, key: str) -> Entry | None:
        """The object's entry with all that the service knows of it, or None where there is none."""

    def open(
        self, key: str, *, start: int = 0, length: int | None = None, version: Entry | None = None
    ) -> AbstractContextManager[Reading]:
        """Open an object (or `length` bytes from `start`) for reading. Raises `NotFound`.

        With `version`, as a listing or a head gave it, that version is read without a look at it first. Where another
        stands there now, this or a read raises `SourceChanged`; where nothing does, that or `NotFound`.

        The bytes are those that are stored: what has a `Content-Encoding` is not unpacked, so that size and hashes are
        right. The stream holds a few parts in memory, whatever the object's size.
        """

    def read(self, key: str) -> bytes:
        """A small object's whole content. Raises `NotFound`."""

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
        """Write an object whole, or not at all, with a checksum that the service checks, and confirm it by a head.

        With `if_absent` only where there is none yet, with `if_match` only over the object of that ETag: otherwise
        `Conflict`. `size` is a stream's length in bytes where it is known: an object above 150 GiB needs it, and a
        stream that ends elsewhere is refused. Who writes many objects can pass `confirm=False` and look at them all
        afterwards with `unconfirmed`, which takes fewer requests. A folder drops `metadata` and `headers`.

        `hashes` are those of the content, as far as they are known: of bytes in memory, or of a stream that checks
        them itself, as those of `open` do. They are not computed again.

        With `durable` the object survives a power cut once this has returned: for what others rely on (ledgers,
        manifests, outcomes, markers). S3 and GCS hold every object so; a folder has to wait for its disk.
        """

    def unconfirmed(self, written: Iterable[Entry]) -> dict[str, str]:
        """Look whether objects stand as `write` said that it wrote them; key and reason of each that does not."""

    def copy(
        self,
        source: str,
        target: str,
        *,
        origin: "Store | None" = None,
        if_absent: bool = False,
        if_match: str | None = None,
        if_source_match: str | None = None,
    ) -> Entry:
        """Make `target` the same object as `source`, without moving its bytes through here where the backend can.

        With `origin`, `source` is a key of that other store. Between two buckets of one service, of one access, the
        service copies; otherwise the bytes come through here in one stream. Two folders never share a file.

        `if_absent` and `if_match` are those of `write`, and mean the target. With `if_source_match` only the version
        of that ETag is copied: who wrote it does not copy what another writer put in its place. Raises `NotFound`
        where there is no source, `SourceChanged` where it is another one, and `Conflict` for the target.
        """

    def delete(self, key: str, *, if_match: str | None = None) -> None:
        """Remove an object; no error where there is none. With `if_match` only that version: otherwise `Conflict`."""

    def delete_all(self, keys: Iterable[str]) -> dict[str, str]:
        """Remove many objects, in batches where the backend can; returns key and reason of each that remained."""

    def sweep(self, prefix: str, *, older_than: timedelta) -> int:
        """Remove what killed writers left unfinished below `prefix`; returns how many such leftovers went."""


def source_changed(uri: str) -> SourceChanged:
    """What to say where `uri` is not the version that a copy was pinned to."""
    return SourceChanged(f"{uri}: another object stands there now than the one that was to be copied.")


def batches(keys: Iterable[str], size: int) -> Iterator[list[str]]:
    """The keys in lists of at most `size`, without holding more than one."""
    rest = iter(keys)
    while batch := list(islice(rest, size)):
        yield batch
