"""The S3 backend: a bucket, or what lies below a prefix of one, on AWS or on any service that speaks S3."""

import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from io import BufferedReader, BytesIO
from typing import Any, BinaryIO

from darkroom.errors import Conflict, NotFound, StoreError
from darkroom.store import s3_data, s3_listing
from darkroom.store.access import NO_ACCESS, Access
from darkroom.store.base import CONTENT_TYPE, WRITE_ID, Entry, Reading, batches, source_changed
from darkroom.store.confirm import unconfirmed
from darkroom.store.s3_access import CONNECTIONS, S3Access
from darkroom.store.s3_data import Condition, Head
from darkroom.store.s3_multipart import COPY_LIMIT, Upload, copy_object, send_stream
from darkroom.store.streams import PART, RangedStream, read_beginning

_LONGEST_KEY = 1024  # bytes of UTF-8
_BATCH = 1000  # keys of one DeleteObjects
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


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
    def retries(self) -> Mapping[str, int]:
        return self._access.retries.counts

    def uri_of(self, key: str) -> str:
        return self._access.uri(self._name(key))

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
    def open(self, key: str, *, start: int = 0, length: int | None = None) -> Iterator[Reading]:
        name, whole = self._name(key), start == 0 and length is None
        if whole:
            head, body = s3_data.get_small(self._access, name)
            if body is not None:
                yield Reading(_entry(key, head), BytesIO(body))
                return
        head = s3_data.head(self._access, name)
        stream = RangedStream(
            lambda begin, end: s3_data.get_part(self._access, name, head.etag, begin, end),
            start=start,
            stop=head.bytes if length is None else min(head.bytes, start + length),
            name=self.uri_of(key),
            hashes=head.hashes if whole else None,
        )
        with BufferedReader(stream, 1 << 20) as buffered:
            yield Reading(_entry(key, head), buffered)

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
        durable: bool = False,
    ) -> Entry:
        name, metadata = self._name(key), dict(metadata or {})
        for text in (content_type, *metadata, *metadata.values()):
            if not text.isascii() or _CONTROL.search(text):
                raise StoreError(f"{self.uri_of(key)}: S3 takes only plain ASCII metadata, not {text!r}.")
        condition = Condition(if_absent, if_match)
        body = data if isinstance(data, bytes) else read_beginning(data, size)
        small = isinstance(data, bytes) or len(body) <= PART
        if if_absent or if_match is not None or not small:
            metadata[WRITE_ID] = secrets.token_hex(8)
        if isinstance(data, bytes) or small:
            if size not in (None, len(body)):
                raise StoreError(f"{self.uri_of(key)}: its source ended after {len(body)} bytes instead of {size}.")
            etag, hashes = s3_data.put(self._access, name, body, content_type, metadata, condition)
            written = _entry(key, Head(len(body), etag, datetime.now(UTC), hashes, content_type, metadata))
        else:
            upload = Upload(self._access, name, content_type, metadata, condition)
            written = _entry(key, send_stream(upload, body, data, size))
        return self._confirmed(written, if_absent or if_match is not None) if confirm else written

    def unconfirmed(self, written: Iterable[Entry]) -> dict[str, str]:
        return unconfirmed(self, written)

    def copy(
        self,
        source: str,
        target: str,
        *,
        if_absent: bool = False,
        if_match: str | None = None,
        if_source_match: str | None = None,
    ) -> Entry:
        goal, condition = self._name(target), Condition(if_absent, if_match)
        if (condition != Condition() or if_source_match is not None) and not self._access.copies_conditionally:
            return self._rewrite(source, target, condition, if_source_match)
        try:
            copied = self._copy(self._name(source), goal, condition, if_source_match)
        except Conflict:  # the service does not say whether it was the source
            if if_source_match is not None:
                self._require_source(source, s3_data.glance(self._access, self._name(source)).etag, if_source_match)
            raise
        stands = s3_data.glance(self._access, goal)
        # by now another writer may stand there: what was copied is what the answer says
        return _entry(target, replace(copied, modified=stands.modified) if copied else stands)

    def _copy(self, origin: str, goal: str, condition: Condition, pinned: str | None) -> Head | None:
        """Copy on the server, of the source only the version `pinned`; the copy, where the answer says its ETag."""
        seen = s3_data.glance(self._access, origin)
        if seen.bytes <= COPY_LIMIT:
            etag = s3_data.copy(self._access, origin, goal, condition, pinned)
        else:
            seen = s3_data.head(self._access, origin)
            if pinned not in (None, seen.etag):
                raise Conflict(f"{self._access.uri(origin)}: it changed in the meantime.")
            etag = copy_object(self._access, seen, origin, goal, condition)
        return replace(seen, etag=etag) if etag else None

    def _require_source(self, key: str, etag: str, pinned: str | None) -> None:
        if pinned not in (None, etag):
            raise source_changed(self.uri_of(key))

    def _rewrite(self, source: str, target: str, condition: Condition, pinned: str | None) -> Entry:
        """A copy whose bytes come through here: reads and writes heed conditions where a copy passes them over."""
        with self.open(source) as reading:
            self._require_source(source, reading.entry.etag, pinned)
            return self.write(
                target,
                reading.stream,
                size=reading.entry.bytes,
                content_type=reading.entry.content_type or CONTENT_TYPE,
                metadata=reading.entry.metadata,
                if_absent=condition.absent,
                if_match=condition.etag,
                confirm=False,
            )

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
        for name in [name for name in names if _CONTROL.search(name)]:
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
    metadata = {name: value for name, value in head.metadata.items() if name != WRITE_ID}
    return Entry(key, head.bytes, head.etag, head.modified, head.hashes, head.content_type, metadata)
