"""The S3 backend: a bucket, or what lies below a prefix of one, on AWS or on any service that speaks S3."""

import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from io import BytesIO
from typing import Any, BinaryIO, cast

from darkroom.errors import Conflict, NotFound, StoreError
from darkroom.store import s3_data, s3_listing
from darkroom.store.access import NO_ACCESS, Access
from darkroom.store.base import CONTENT_TYPE, WRITE_ID, Entry, Reading, Store, batches, source_changed
from darkroom.store.confirm import unconfirmed
from darkroom.store.hashes import Hashes
from darkroom.store.rewrite import rewrite
from darkroom.store.s3_access import CONNECTIONS, S3Access
from darkroom.store.s3_data import Condition, Head
from darkroom.store.s3_metadata import CONTROL, describe
from darkroom.store.s3_multipart import COPY_LIMIT, Upload, copy_object, send_stream
from darkroom.store.streams import PART, RangedStream, read_small

_LONGEST_KEY = 1024  # bytes of UTF-8
_BATCH = 1000  # keys of one DeleteObjects


class S3Store:
    """Objects of a bucket below a prefix.

    The data path is obstore's (ADR 9); keys that it cannot say (an empty, `.` or `..` part, a control character), large
    objects and all else are boto3's. A service without conditional completion of multipart uploads (Ceph before 18)
    leaves a short gap between the check and the write of a large object.
    """

    concurrency = CONNECTIONS

    def __init__(self, bucket: str, prefix: str = "", access: Access = NO_ACCESS) -> None:
        self.access, self._access = access, S3Access(bucket, access)
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""

    @property
    def uri(self) -> str:
        return self._access.uri(self._prefix).rstrip("/")

    @property
    def copies_conditionally(self) -> bool:
        return self._access.copies_conditionally

    @property
    def retries(self) -> Mapping[str, int]:
        return self._access.retries.counts

    def uri_of(self, key: str) -> str:
        return self._access.uri(self._name(key))

    @property
    def reached(self) -> S3Access:
        """How the bucket is reached, for what only S3 can do."""
        return self._access

    def name_of(self, key: str) -> str:
        """The key in the bucket. Raises `StoreError` for one that S3 cannot hold."""
        return self._name(key)

    def list(self, prefix: str = "", *, after: str = "") -> Iterator[Entry]:
        begin = self._prefix + after if after else ""

        def fetch(token: str) -> bytes:
            request = partial(s3_listing.fetch, self._access, self._prefix + prefix, begin, token)
            return self._access.call("listing", self._prefix, request)

        return s3_listing.entries(fetch, self._prefix)

    def head(self, key: str) -> Entry | None:
        try:
            return _entry(key, s3_data.head(self._access, self._name(key)))
        except NotFound:
            return None

    @contextmanager
    def open(
        self, key: str, *, start: int = 0, length: int | None = None, version: Entry | None = None
    ) -> Iterator[Reading]:
        whole = start == 0 and length is None
        with self._pinned(key, version):
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

    def _get_small(self, key: str, version: Entry | None) -> tuple[Entry, bytes | None]:
        """An object, or only its entry where it has more than `PART` bytes."""
        pinned = version.etag if version else None
        if version is None or version.bytes <= PART:
            head, body = s3_data.get_small(self._access, self._name(key), pinned)
            if body is not None:
                return _entry(key, head), body
        if version is not None and version.hashes.known():
            return version, None
        # a listing knows no hashes, and many parts are to be proven: one look more is little
        seen = self._there(key)
        if pinned not in (None, seen.etag):
            raise source_changed(self.uri_of(key))
        return seen, None

    def _get_part(self, key: str, entry: Entry, start: int, into: memoryview) -> None:
        with self._pinned(key, entry):
            s3_data.get_part(self._access, self._name(key), entry.etag, start, into)

    @contextmanager
    def _pinned(self, key: str, version: Entry | None) -> Iterator[None]:
        """A condition that does not hold in this block says that another version stands there."""
        try:
            yield
        except Conflict:
            if version is None:
                raise
            raise source_changed(self.uri_of(key)) from None

    def _there(self, key: str) -> Entry:
        return _entry(key, s3_data.head(self._access, self._name(key)))

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
        name, condition, metadata = self._name(key), Condition(if_absent, if_match), dict(metadata or {})
        large = not isinstance(data, bytes) and (size is None or size > PART)
        if condition != Condition() or large:
            metadata[WRITE_ID] = secrets.token_hex(8)
        described = describe(self.uri_of(key), content_type, metadata, headers)
        body, whole = (data, True) if isinstance(data, bytes) else read_small(data, size)
        if whole or isinstance(data, bytes):
            if size not in (None, len(body)):
                raise StoreError(f"{self.uri_of(key)}: its source ended after {len(body)} bytes instead of {size}.")
            etag, mine = s3_data.put(self._access, name, bytes(body), described, condition, hashes)
            written = _entry(key, Head(len(body), etag, datetime.now(UTC), mine, described))
        else:
            upload = Upload(self._access, name, described, condition)
            written = _entry(key, send_stream(upload, body, data, size, hashes))
        return self._confirmed(written, condition != Condition()) if confirm else written

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
        condition = Condition(if_absent, if_match)
        heeded = self._access.copies_conditionally or (condition == Condition() and if_source_match is None)
        if not isinstance(origin, S3Store) or origin.access != self.access or not heeded:
            asked = {"if_match": if_match, "if_source_match": if_source_match}
            return rewrite(origin, source, self, target, if_absent=if_absent, **asked)
        goal, name = self._name(target), origin._name(source)
        try:
            copied = self._copy(origin, name, goal, condition, if_source_match)
        except Conflict:  # the service does not say whether it was the source
            if if_source_match is not None and s3_data.glance(origin._access, name).etag != if_source_match:
                raise source_changed(origin.uri_of(source)) from None
            raise
        stands = s3_data.glance(self._access, goal)
        # by now another writer may stand there: what was copied is what the answer says
        return _entry(target, replace(copied, modified=stands.modified) if copied else stands)

    def _copy(self, origin: "S3Store", source: str, goal: str, condition: Condition, pinned: str | None) -> Head | None:
        """Copy on the server, of the source only the version `pinned`; the copy, where the answer says its ETag."""
        there = origin._access
        seen = s3_data.glance(there, source)
        if seen.bytes <= COPY_LIMIT:
            etag = s3_data.copy(self._access, there, source, goal, condition, pinned)
        else:
            seen = s3_data.head(there, source)
            if pinned not in (None, seen.etag):
                raise Conflict(f"{there.uri(source)}: it changed in the meantime.")
            etag = copy_object(self._access, there, seen, source, goal, condition)
        return replace(seen, etag=etag) if etag else None

    def delete(self, key: str, *, if_match: str | None = None) -> None:
        name = self._name(key)
        place: Any = {"Bucket": self._access.bucket, "Key": name}
        if if_match is not None:
            # looked at as well: not every service heeds the condition
            seen = self.head(key)
            if seen is None or seen.etag != if_match:
                raise Conflict(f"{self.uri_of(key)}: it changed in the meantime.")
            place["IfMatch"] = if_match
        with suppress(NotFound):  # a repeated removal, of what the first one removed
            self._access.call("removing", name, lambda: self._access.client.delete_object(**place))

    def delete_all(self, keys: Iterable[str]) -> dict[str, str]:
        remaining: dict[str, str] = {}
        for batch in batches(keys, _BATCH):
            try:
                remaining |= self._delete_batch(batch)
            except StoreError as error:
                remaining |= dict.fromkeys(batch, str(error))
        return remaining

    def _delete_batch(self, keys: Iterable[str]) -> dict[str, str]:
        names = {self._name(key): key for key in keys}
        for name in [name for name in names if CONTROL.search(name)]:
            self.delete(names.pop(name))  # the batch is XML, which cannot say it
        place: Any = {"Bucket": self._access.bucket, "Delete": {"Objects": [{"Key": n} for n in names], "Quiet": True}}
        if not names:
            return {}
        answer = self._access.call("removing from", self._prefix, lambda: self._access.client.delete_objects(**place))
        remaining = {}
        for error in answer.get("Errors", ()):
            key = names[error["Key"]]
            try:
                self.delete(key)  # by itself: repeated if need be, and with a reason if not
            except StoreError as reason:
                remaining[key] = str(reason)
        return remaining

    def sweep(self, prefix: str, *, older_than: timedelta) -> int:
        limit = datetime.now(UTC) - older_than
        client, bucket = self._access.client, self._access.bucket
        page: Any = {"Bucket": bucket, "Prefix": self._prefix + prefix}
        swept = 0
        while True:
            answer = self._access.call(
                "listing uploads in", self._prefix, partial(client.list_multipart_uploads, **page)
            )
            for found in answer.get("Uploads", ()):
                if found["Initiated"] <= limit:
                    place: Any = {"Bucket": bucket, "Key": found["Key"], "UploadId": found["UploadId"]}
                    self._access.call("aborting", found["Key"], partial(client.abort_multipart_upload, **place))
                    swept += 1
            if not answer.get("IsTruncated"):
                return swept
            page |= {"KeyMarker": answer["NextKeyMarker"], "UploadIdMarker": answer["NextUploadIdMarker"]}

    def _name(self, key: str) -> str:
        """The key in the bucket. Raises `StoreError` for one that S3 cannot hold."""
        name = self._prefix + key
        try:
            length = len(name.encode())
        except UnicodeEncodeError:
            raise StoreError(f"{key!r}: S3 holds only names that are Unicode; rename it.") from None
        if not key or length > _LONGEST_KEY:
            raise StoreError(f"{key!r}: S3 holds only names of 1 to {_LONGEST_KEY} bytes; rename it.")
        return name

    def _confirmed(self, written: Entry, conditional: bool) -> Entry:
        """The entry as a look at the store shows it. Raises `StoreError` when it is not what was written.

        What was written conditionally may have been replaced at once, by another writer who saw it there.
        """
        name = self._name(written.key)
        try:
            seen = s3_data.glance(self._access, name)
            if (seen.bytes, seen.etag) != (written.bytes, written.etag):
                seen = s3_data.head(self._access, name)  # a second look, over another connection
        except NotFound:
            raise StoreError(f"{self.uri_of(written.key)}: it was written, but it is not there.") from None
        if (seen.bytes, seen.etag) == (written.bytes, written.etag):
            return replace(written, modified=seen.modified)
        if conditional:
            return written
        raise StoreError(f"{self.uri_of(written.key)}: another writer replaced it while it was written.")


def _entry(key: str, head: Head) -> Entry:
    described = head.described
    metadata = {name: value for name, value in described.readable.items() if name != WRITE_ID}
    kind, headers = described.content_type, described.headers
    return Entry(key, head.bytes, head.etag, head.modified, head.hashes, kind, metadata, headers)
