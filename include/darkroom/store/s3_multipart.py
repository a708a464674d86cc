"""S3's multipart uploads: parts at once but few in memory, checked by the server, nothing left of a failure."""

import logging
import secrets
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any, BinaryIO, TypeVar

from darkroom.errors import Conflict, DarkroomError, NotFound, StoreError
from darkroom.store.base import WRITE_ID
from darkroom.store.hashes import Hasher, Hashes, hash_bytes
from darkroom.store.retries import Transient
from darkroom.store.s3_access import S3Access
from darkroom.store.s3_data import Condition, Head, head, own
from darkroom.store.s3_hashes import to_base64, vouched
from darkroom.store.s3_metadata import Description
from darkroom.store.streams import STEP, give_back, read_fully

log = logging.getLogger(__name__)

T = TypeVar("T")

# S3's own limits (https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html)
_MOST_PARTS = 10_000
COPY_LIMIT = 5 * 1000**3  # bytes that one CopyObject or UploadPartCopy takes; a little under S3's 5 GiB

_PART = STEP
_COPY_PART = 256 << 20
_UNKNOWN_PART = 16 << 20  # where the length is not known: up to 156 GiB
_IN_FLIGHT = 32 << 20  # bytes of parts in memory at once, and never less than one part
_MOST_WORKERS = 5


class Upload:
    """One multipart upload of the object `name`, begun by this, to be given its parts and then finished or aborted.

    The server is given the CRC32C of each part and of the whole, and with the signature each part's SHA-256: what it
    knows, it checks.
    """

    def __init__(self, access: S3Access, name: str, described: Description, condition: Condition) -> None:
        self.access, self.name, self._condition, self._metadata = access, name, condition, described.metadata
        self._target = {"Bucket": self.access.bucket, "Key": self.name}
        self._parts: dict[int, dict[str, Any]] = {}
        begun = self._call("starting a multipart upload of", lambda: self._client.create_multipart_upload(
            **self._target, ChecksumAlgorithm="CRC32C", ChecksumType="FULL_OBJECT", **described.arguments,
        ))  # fmt: skip
        self._target["UploadId"] = begun["UploadId"]

    @property
    def _client(self) -> Any:
        return self.access.client

    def _call(self, what: str, request: Callable[[], Any]) -> Any:
        return self.access.call(what, self.name, request)

    def send(self, number: int, body: bytes | bytearray) -> None:
        """Upload a part."""
        crc32c = hash_bytes(body, "crc32c")
        checksum = to_base64(crc32c.crc32c)

        def request() -> Any:
            # without an MD5, for which botocore would leave the SHA-256 out, and which takes twice as long
            answer = self._client.upload_part(**self._target, PartNumber=number, Body=body, ChecksumCRC32C=checksum)
            if vouched(answer).contradicts(crc32c):
                raise Transient("other bytes stored", f"part {number} has another CRC32C there")
            return answer

        answer = self._call(f"uploading part {number} of", request)
        self._parts[number] = {"PartNumber": number, "ETag": answer["ETag"], "ChecksumCRC32C": checksum}

    def copy(self, source: Mapping[str, str], etag: str, number: int, span: tuple[int, int]) -> None:
        """Copy bytes of another object into a part, on the server; only of the version `etag`.

        `source` is its `Bucket` and `Key`.
        """
        answer = self._call(f"copying part {number} to", lambda: self._client.upload_part_copy(
            **self._target, PartNumber=number, CopySource=source,
            CopySourceIfMatch=etag, CopySourceRange=f"bytes={span[0]}-{span[1] - 1}",
        ))["CopyPartResult"]  # fmt: skip
        part = {"PartNumber": number, "ETag": answer["ETag"]}
        if "ChecksumCRC32C" in answer:
            part["ChecksumCRC32C"] = answer["ChecksumCRC32C"]
        self._parts[number] = part

    def finish(self, crc32c: str = "") -> Head:
        """Make the parts one object, of the CRC32C where it is given; returns what then stands. Raises `Conflict`."""
        self._require()
        whole = {"ChecksumCRC32C": to_base64(crc32c)} if crc32c else {}
        parts = [self._parts[number] for number in sorted(self._parts)]
        try:
            self._call("completing the multipart upload of", lambda: self._client.complete_multipart_upload(
                **self._target, MultipartUpload={"Parts": parts}, ChecksumType="FULL_OBJECT", **whole,
                **self._condition.arguments,
            ))  # fmt: skip
        except (NotFound, Conflict):
            # so answers a repeated completion, when the answer to the first was lost
            seen = own(self.access, self.name, self._metadata)
            if seen is None:
                raise
            return seen
        return head(self.access, self.name)

    def _require(self) -> None:
        """Raise `Conflict` where the condition does not hold now: some services do not ask it when completing."""
        try:
            etag = head(self.access, self.name).etag
        except NotFound:
            etag = None
        if (self._condition.absent and etag is not None) or self._condition.etag not in (None, etag):
            raise Conflict(
                f"{self.access.uri(self.name)}: it changed in the meantime, or there already is such an object."
            )

    def abort(self) -> None:
        """Remove the parts, so that nobody pays for them. What cannot be removed now is left to `Store.sweep`."""
        try:
            self._call("aborting the multipart upload of", lambda: self._client.abort_multipart_upload(**self._target))
        except NotFound:
            pass  # it was completed or aborted before
        except DarkroomError as error:
            log.warning("The parts of an unfinished upload are left: %s", error)


def send_stream(
    upload: Upload, first: bytes | bytearray, stream: BinaryIO, size: int | None, known: Hashes | None = None
) -> Head:
    """Upload `first` and the rest of a stream, whole or not at all; returns what then stands.

    Of the hashes of all of it some may be `known`; then S3 is told these, and they are not computed.
    Raises what the stream raises, `Conflict`, and `StoreError` for a stream that is not `size` bytes long.
    """
    part = part_size(size)
    known = known or Hashes()
    # no MD5: S3 has none of an object in parts, and it would take as long as all the rest
    hasher = Hasher() if known.crc32c else Hasher("crc32c")
    length = 0

    def bodies() -> Iterator[bytes | bytearray]:
        nonlocal length
        ready = first or read_fully(stream, part)
        while ready:
            if len(ready) < part:
                ready = ready + read_fully(stream, part - len(ready))
            body, ready = (ready, b"") if len(ready) <= part else (ready[:part], ready[part:])
            hasher.update(body)
            length += len(body)
            yield body
            del body  # no more than is in flight is held while the next one is read
            ready = ready or read_fully(stream, part)

    def send(number: int, body: bytes | bytearray) -> None:
        upload.send(number, body)
        give_back(stream, body)

    with _aborting(upload):
        _run_parts(bodies(), send, workers=max(1, min(_MOST_WORKERS, _IN_FLIGHT // part)), name=upload.name)
        if size not in (None, length):
            raise StoreError(f"{upload.name}: its source ended after {length} bytes instead of {size}.")
        hashes = hasher.hashes().joined(known)
        stands = upload.finish(hashes.crc32c)
    if stands.bytes != length or stands.hashes.contradicts(hashes):
        raise StoreError(f"{upload.access.uri(upload.name)}: another writer replaced it while it was written.")
    return replace(stands, hashes=hashes)


def copy_object(access: S3Access, origin: S3Access, seen: Head, source: str, target: str, condition: Condition) -> str:
    """Copy an object of any size from the bucket `origin`, on the server, in parts; only the version that was `seen`.

    Returns the copy's ETag.
    """
    metadata = {**seen.described.metadata, WRITE_ID: secrets.token_hex(8)}
    upload = Upload(access, target, replace(seen.described, metadata=metadata), condition)
    step = max(_COPY_PART, part_size(seen.bytes))
    spans = ((start, min(start + step, seen.bytes)) for start in range(0, seen.bytes, step))
    copy = partial(upload.copy, {"Bucket": origin.bucket, "Key": source}, seen.etag)
    with _aborting(upload):
        _run_parts(spans, copy, workers=_MOST_WORKERS, name=target)
        return upload.finish(seen.hashes.crc32c).etag


@contextmanager
def _aborting(upload: Upload) -> Iterator[None]:
    try:
        yield
    except BaseException:
        upload.abort()
        raise


def _run_parts(parts: Iterator[T], send: Callable[[int, T], None], *, workers: int, name: str) -> None:
    """Send numbered parts, from 1 on, `workers` at once; one more is taken from the iterator while they are sent."""
    pending: set[Future[None]] = set()
    with ThreadPoolExecutor(workers, thread_name_prefix="multipart") as pool:
        try:
            for number, part in enumerate(parts, 1):
                if number > _MOST_PARTS:
                    raise StoreError(f"{name}: it has more than {_MOST_PARTS} parts; S3 needs to be told its size.")
                pending.add(pool.submit(send, number, part))
                if len(pending) > workers:
                    done, pending = wait(pending, return_when=FIRST_COMPLETED)
                    for future in done:
                        future.result()
            for future in pending:
                future.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)  # no part may arrive after the abort
            raise


def part_size(size: int | None) -> int:
    """Bytes of each part: a fixed small size, or what keeps the largest object within S3's number of parts.

    >>> part_size(5 << 30) == _PART
    True
    >>> part_size(5 << 40) * 10_000 >= 5 << 40
    True
    """
    if size is None:
        return _UNKNOWN_PART
    return max(_PART, -(-size // _MOST_PARTS))
