"""The GCS backend: a bucket of Google Cloud Storage, or what lies below a prefix of one."""

import secrets
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from darkroom.errors import Conflict, Damaged, NotFound, StoreError
from darkroom.store import gcs_data
from darkroom.store.access import NO_ACCESS, Access
from darkroom.store.base import CONTENT_TYPE, WRITE_ID, Entry, Reading, Store, batches, source_changed
from darkroom.store.confirm import unconfirmed
from darkroom.store.gcs_access import CONNECTIONS, TIMEOUT, GcsAccess
from darkroom.store.hashes import Hasher, Hashes, hash_bytes
from darkroom.store.headers import only_known
from darkroom.store.pages import pages
from darkroom.store.retries import Corrupt, Transient
from darkroom.store.rewrite import rewrite
from darkroom.store.streams import PART, RangedStream, read_fully, read_small

if TYPE_CHECKING:
    from google.cloud.storage import Blob

_LONGEST_NAME = 1024  # bytes of UTF-8
_BATCH = 1000  # keys that wait to be removed


class GcsStore:
    """Objects of a bucket below a prefix. An entry's `etag` is the object's generation.

    Content is read and written as it is stored: an object with `Content-Encoding: gzip` is not unpacked, since its
    hashes are of the packed bytes.
    """

    concurrency = CONNECTIONS
    copies_conditionally = True

    def __init__(self, bucket: str, prefix: str = "", access: Access = NO_ACCESS) -> None:
        self.access, self._access = access, GcsAccess(bucket, access)
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""

    @property
    def uri(self) -> str:
        return self._access.uri(self._prefix).rstrip("/")

    @property
    def retries(self) -> Mapping[str, int]:
        return self._access.retries.counts

    def uri_of(self, key: str) -> str:
        return self._access.uri(self._name(key))

    def list(self, prefix: str = "", *, after: str = "") -> Iterator[Entry]:
        start = self._prefix + after if after else ""

        def fetch(token: str) -> Mapping[str, Any]:
            # pages are asked for one by one, so that a fault repeats a page and not the listing
            request = partial(gcs_data.page, self._access, self._prefix + prefix, start, token)
            return self._access.call("listing", self._prefix, request)

        for page in pages(fetch, lambda page: page.get("nextPageToken", "")):
            for found in page.get("items", ()):
                if found["name"] != start:  # GCS counts it in
                    yield gcs_data.entry(found["name"].removeprefix(self._prefix), found)

    def head(self, key: str) -> Entry | None:
        try:
            return self._there(key)
        except NotFound:
            return None

    @contextmanager
    def open(
        self, key: str, *, start: int = 0, length: int | None = None, version: Entry | None = None
    ) -> Iterator[Reading]:
        whole = start == 0 and length is None
        entry, body = self._get_small(key, version) if whole else (version or self._there(key), None)
        if body is not None:
            yield Reading(entry, BytesIO(body))
            return
        stream = RangedStream(
            partial(self._get_part, key, entry),
            start=start,
            stop=entry.bytes if length is None else min(entry.bytes, start + length),
            name=self.uri_of(key),
            hashes=entry.hashes if whole else None,
        )
        with stream:
            yield Reading(entry, cast(BinaryIO, stream))

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
        blob = self._blob(key)
        _describe(blob, content_type, dict(metadata or {}), only_known(headers))
        generation = _required(self.uri_of(key), if_absent=if_absent, if_match=if_match)
        if generation is not None:
            blob.metadata = {**(metadata or {}), WRITE_ID: secrets.token_hex(8)}
        body, whole = (data, True) if isinstance(data, bytes) else read_small(data, size)
        if whole or isinstance(data, bytes):
            if size not in (None, len(body)):
                raise StoreError(f"{self.uri_of(key)}: its source ended after {len(body)} bytes instead of {size}.")
            mine = self._put(key, blob, bytes(body), generation, hashes)
            length = len(body)
        else:
            length, mine = self._send(key, blob, body, data, size, generation)
        written = self.head(key) if confirm or not blob.generation else gcs_data.entry(key, blob._properties)
        if written is None:
            raise Damaged(f"{self.uri_of(key)}: it was written, but it is not there.")
        if written.bytes == length and not written.hashes.contradicts(mine):
            return written
        if generation is not None and blob.generation:  # replaced at once, by another writer who saw it there
            return gcs_data.entry(key, blob._properties)
        raise StoreError(f"{self.uri_of(key)}: another writer replaced it while it was written.")

    def _put(self, key: str, blob: "Blob", body: bytes, generation: int | None, known: Hashes | None) -> Hashes:
        """Write in one request, with the CRC32C that the service then insists on."""
        mine = known if known and known.md5 and known.crc32c else hash_bytes(body, "md5", "crc32c")

        def request() -> None:
            blob.upload_from_string(
                body,
                content_type=blob.content_type,
                checksum="crc32c",
                if_generation_match=generation,
                timeout=TIMEOUT,
                retry=None,
            )

        written_as = dict(blob.metadata)
        try:
            self._access.call("writing", blob.name, request)
        except Conflict:
            # a try whose answer was lost may have written it; then the object in the way is our own
            with suppress(NotFound):
                self._access.call("looking at", blob.name, lambda: blob.reload(timeout=TIMEOUT, retry=None))
            if (blob.metadata or {}).get(WRITE_ID) != written_as.get(WRITE_ID) or not blob.generation:
                raise
        if mine.contradicts(gcs_data.hashes(blob._properties)):
            raise StoreError(f"{self.uri_of(key)}: Google stored other bytes than were sent.")
        return mine

    def _send(
        self,
        key: str,
        blob: "Blob",
        first: bytes | bytearray,
        stream: BinaryIO,
        size: int | None,
        generation: int | None,
    ) -> tuple[int, Hashes]:
        """Write by a resumable upload, in chunks; a stream that breaks ends it, and no object comes of it."""
        hasher = Hasher("md5", "crc32c")
        length, block = 0, first or read_fully(stream, PART)
        writer = blob.open(
            "wb",
            chunk_size=PART,
            content_type=blob.content_type,
            checksum="crc32c",
            if_generation_match=generation,
            timeout=TIMEOUT,
            retry=self._access.resuming,
        )
        try:
            while block:
                hasher.update(block)
                length += len(block)
                self._access.explained(blob.name, partial(writer.write, block))
                block = read_fully(stream, PART)
            if size not in (None, length):
                raise StoreError(f"{self.uri_of(key)}: its source ended after {length} bytes instead of {size}.")
            self._access.explained(blob.name, writer.close)
        except BaseException as error:
            with suppress(StoreError, Transient):
                self._access.explained(blob.name, writer.terminate)
            if isinstance(error, Transient):
                raise Damaged(f"writing {self.uri_of(key)} failed, at last with {error.name}: {error}") from error
            raise
        return length, hasher.hashes()

    def unconfirmed(self, written: Iterable[Entry]) -> dict[str, str]:
        return unconfirmed(self, written)

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
        origin = origin or self
        if not isinstance(origin, GcsStore) or origin.access != self.access:
            asked = {"if_match": if_match, "if_source_match": if_source_match}
            return rewrite(origin, source, self, target, if_absent=if_absent, **asked)
        condition = _required(self.uri_of(target), if_absent=if_absent, if_match=if_match)
        seen = origin._there(source)
        if if_source_match not in (None, seen.etag):
            raise source_changed(origin.uri_of(source))
        try:
            return self._copy(origin, seen, target, condition)
        except (NotFound, Conflict):  # the service does not say whether it was the source
            now = origin.head(source) if if_source_match is not None else None
            if now is not None and now.etag != if_source_match:
                raise source_changed(origin.uri_of(source)) from None
            raise

    def _copy(self, origin: "GcsStore", seen: Entry, target: str, condition: int | None) -> Entry:
        """Copy one version of an object, the one that was `seen`."""
        goal, token = self._blob(target), None
        # said again, although Google takes it from the source where nothing is said: a request that says something of
        # the target may say all of it
        _describe(goal, seen.content_type, seen.metadata, seen.headers)
        source = origin._blob(seen.key, generation=int(seen.etag))
        while True:  # a large object takes several calls
            token, _, _ = self._access.call(
                "copying to",
                goal.name,
                lambda token=token: goal.rewrite(  # type: ignore[misc]
                    source,
                    token=token,
                    if_generation_match=condition,
                    if_source_generation_match=source.generation,
                    timeout=TIMEOUT,
                    retry=None,
                ),
            )
            if token is None:
                # as the answer says: another writer may stand there by now
                return gcs_data.entry(target, goal._properties)

    def delete(self, key: str, *, if_match: str | None = None) -> None:
        blob = self._blob(key)
        generation = _generation(if_match, self.uri_of(key)) if if_match is not None else None
        try:
            self._access.call(
                "removing",
                blob.name,
                lambda: blob.delete(if_generation_match=generation, timeout=TIMEOUT, retry=None),
            )
        except NotFound:
            if generation is not None:
                raise Conflict(f"{self.uri_of(key)}: it changed in the meantime.") from None

    def delete_all(self, keys: Iterable[str]) -> dict[str, str]:
        # many requests at once: a batch request of GCS's counts each of its calls, and is no quicker
        remaining: dict[str, str] = {}

        def remove(key: str) -> None:
            try:
                self.delete(key)
            except StoreError as error:
                remaining[key] = str(error)

        with ThreadPoolExecutor(self.concurrency, thread_name_prefix="remove") as pool:
            for batch in batches(keys, _BATCH):
                for _ in pool.map(remove, batch):
                    pass
        return remaining

    def sweep(self, prefix: str, *, older_than: timedelta) -> int:
        """Nothing: an unfinished upload of GCS's shows nowhere, and goes by itself after a week."""
        return 0

    def _get_small(self, key: str, version: Entry | None) -> tuple[Entry, bytes | None]:
        """An object, or only its entry where it has more than `PART` bytes."""
        name = self._name(key)

        def request() -> tuple[Entry, bytes | None]:
            entry = version
            if entry is None or not entry.hashes.known():  # what cannot be proven by the version that was seen
                entry = gcs_data.entry(key, gcs_data.look(self._access, name))
            if version is not None and version.etag != entry.etag:
                raise source_changed(self.uri_of(key))
            if entry.bytes > PART:
                return entry, None
            try:
                body = gcs_data.download(self._access, name, entry.etag)
            except NotFound:
                if version is not None:
                    raise
                raise Transient("changed while read", "another version is there now") from None
            if len(body) != entry.bytes:
                raise Transient("short answer", f"{len(body)} of {entry.bytes} bytes came")
            if differs := hash_bytes(body, *entry.hashes.known()).instead_of(entry.hashes):
                raise Corrupt(differs)
            return entry, body

        with self._pinned(key, version):
            return self._access.call("reading", name, request)

    def _get_part(self, key: str, entry: Entry, start: int, into: memoryview) -> None:
        name = self._name(key)
        request = partial(gcs_data.download_into, self._access, name, entry.etag, start, into)
        with self._pinned(key, entry):
            self._access.call("reading", name, request)

    @contextmanager
    def _pinned(self, key: str, version: Entry | None) -> Iterator[None]:
        """A version that is not found in this block has gone, or another stands in its place."""
        try:
            yield
        except NotFound:
            if version is not None and self.head(key) is not None:
                raise source_changed(self.uri_of(key)) from None
            raise

    def _blob(self, key: str, *, generation: int | None = None) -> "Blob":
        return self._access.bucket.blob(self._name(key), generation=generation)

    def _name(self, key: str) -> str:
        """The name in the bucket. Raises `StoreError` for one that GCS cannot hold.

        The rules: https://cloud.google.com/storage/docs/objects#naming.
        """
        name = self._prefix + key
        try:
            length = len(name.encode())
        except UnicodeEncodeError:
            raise StoreError(f"{key!r}: GCS holds only names that are Unicode; rename it.") from None
        if not key or length > _LONGEST_NAME:
            raise StoreError(f"{key!r}: GCS holds only names of 1 to {_LONGEST_NAME} bytes; rename it.")
        if "\r" in name or "\n" in name or name in (".", "..") or name.startswith(".well-known/acme-challenge/"):
            raise StoreError(f"{key!r}: GCS holds no name with a line break, '.', '..' or .well-known/…; rename it.")
        return name

    def _there(self, key: str) -> Entry:
        name = self._name(key)
        return gcs_data.entry(key, self._access.call("looking at", name, partial(gcs_data.look, self._access, name)))


def _describe(blob: "Blob", content_type: str, metadata: Mapping[str, str], headers: Mapping[str, str]) -> None:
    """Give a blob that is to be written what describes its content."""
    blob.metadata = dict(metadata)
    if content_type:
        blob.content_type = content_type
    for name, value in headers.items():
        setattr(blob, name.lower().replace("-", "_"), value)


def _required(uri: str, *, if_absent: bool, if_match: str | None) -> int | None:
    """Which generation has to stand there: 0 is none, and None any."""
    if if_absent:
        return 0
    return None if if_match is None else _generation(if_match, uri)


def _generation(etag: str, uri: str) -> int:
    if not etag.isdecimal():
        raise Conflict(f"{uri}: {etag!r} is no generation of Google's; it changed in the meantime.")
    return int(etag)
