"""The S3 data path: small objects and parts, fetched and put in one request each, and checked."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

import obstore

from darkroom.errors import Conflict, NotFound
from darkroom.store.base import WRITE_ID
from darkroom.store.hashes import Hashes, hash_bytes
from darkroom.store.retries import Corrupt, Transient
from darkroom.store.s3_access import S3Access
from darkroom.store.s3_hashes import plain, to_base64, vouched
from darkroom.store.s3_metadata import Description
from darkroom.store.streams import BLOCK, PART, fill

if TYPE_CHECKING:
    from obstore import GetOptions, PutMode

# what obstore's paths cannot say, or would say otherwise: an empty, "." or ".." part, a control character
_ODD = re.compile(r"(^|/)\.{0,2}(/|$)|[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Head:
    """What one answer says of an object by its name in the bucket."""

    bytes: int
    etag: str
    modified: datetime
    hashes: Hashes = field(default_factory=Hashes)
    described: Description = field(default_factory=Description)


def head(access: S3Access, name: str) -> Head:
    """All that S3 knows of an object. Raises `NotFound`."""
    answer: Any = access.call(
        "looking at",
        name,
        lambda: access.client.head_object(Bucket=access.bucket, Key=name, ChecksumMode="ENABLED"),
    )
    modified = answer["LastModified"].astimezone(UTC)
    described = Description.of_answer(answer)
    return Head(answer["ContentLength"], plain(answer["ETag"]), modified, vouched(answer), described)


def glance(access: S3Access, name: str) -> Head:
    """An object's size, ETag and time, by the quicker client. Raises `NotFound`."""
    if _ODD.search(name):
        return head(access, name)
    meta = access.call("looking at", name, lambda: obstore.head(access.asking("gets"), name))
    return Head(meta["size"], plain(meta["e_tag"] or ""), meta["last_modified"])


def get_small(access: S3Access, name: str, pinned: str | None = None) -> tuple[Head, bytes | None]:
    """An object, or only its head where it has more than `PART` bytes; only the version `pinned`.

    Raises `NotFound`, `Conflict` where another version stands there, and `StoreError` when what came again and again
    was not what the service has a hash of.
    """
    if _ODD.search(name):
        return access.call("reading", name, lambda: _get_odd(access, name, pinned))

    options: GetOptions = {"if_match": f'"{pinned}"'} if pinned is not None else {}

    def request() -> tuple[Head, bytes | None]:
        answer = obstore.get(access.asking("gets"), name, options=options)
        meta = answer.meta
        etag = plain(meta["e_tag"] or "")
        if meta["size"] > PART:
            return Head(meta["size"], etag, meta["last_modified"]), None
        body = bytes(answer.bytes())
        hashes = _proven(access, name, etag, body, meta["size"])
        described = Description.of_attributes(answer.attributes)
        return Head(meta["size"], etag, meta["last_modified"], hashes, described), body

    return access.call("reading", name, request)


def _get_odd(access: S3Access, name: str, pinned: str | None) -> tuple[Head, bytes | None]:
    seen = head(access, name)
    if pinned not in (None, seen.etag):
        raise Conflict(f"{access.uri(name)}: it changed in the meantime.")
    if seen.bytes > PART:
        return seen, None
    buffer = bytearray(seen.bytes)
    get_part(access, name, seen.etag, 0, memoryview(buffer))
    body = bytes(buffer)
    if differs := hash_bytes(body, *seen.hashes.known()).instead_of(seen.hashes):
        raise Corrupt(differs)
    return seen, body


def _proven(access: S3Access, name: str, etag: str, body: bytes, size: int) -> Hashes:
    """The hashes that the service vouches for, once the bytes that came have them."""
    if len(body) != size:
        raise Transient("short answer", f"{len(body)} of {size} bytes came")
    md5 = hash_bytes(body, "md5").md5
    if md5 == etag:
        return Hashes(md5=md5)
    seen = head(access, name)  # the ETag may be no MD5
    if seen.etag != etag:
        raise Transient("changed while read", "another version is there now")
    if differs := hash_bytes(body, *seen.hashes.known()).instead_of(seen.hashes):
        raise Corrupt(differs)
    return seen.hashes


def get_part(access: S3Access, name: str, etag: str, start: int, into: memoryview) -> None:
    """Fill `into` with bytes of the version `etag`, from `start` on. Raises `Conflict` when another stands there."""
    if not into:
        return
    stop = start + len(into)

    def request() -> None:
        if _ODD.search(name):
            span = f"bytes={start}-{stop - 1}"
            answer = access.client.get_object(Bucket=access.bucket, Key=name, Range=span, IfMatch=f'"{etag}"')
            done = fill(into, answer["Body"].iter_chunks(BLOCK))
        else:
            options: GetOptions = {"range": (start, stop), "if_match": f'"{etag}"'}
            done = fill(into, obstore.get(access.asking("gets"), name, options=options).stream(BLOCK))
        if done != len(into):
            raise Transient("short answer", f"{done} of {len(into)} bytes came")

    access.call("reading", name, request)


@dataclass(frozen=True, slots=True)
class Condition:
    """What must stand where an object is written: nothing, the object of this ETag, or (neither given) anything."""

    absent: bool = False
    etag: str | None = None

    @property
    def arguments(self) -> dict[str, str]:
        """As boto3's arguments; the ETag without quotes, as AWS's own examples have it and Ceph insists."""
        if self.absent:
            return {"IfNoneMatch": "*"}
        return {"IfMatch": self.etag} if self.etag is not None else {}

    @property
    def mode(self) -> "PutMode":
        """As obstore's."""
        overwrite: Literal["create", "overwrite"] = "create" if self.absent else "overwrite"
        return {"e_tag": self.etag} if self.etag is not None else overwrite


def put(
    access: S3Access,
    name: str,
    body: bytes,
    described: Description,
    condition: Condition,
    known: Hashes | None = None,
) -> tuple[str, Hashes]:
    """Write an object in one request; returns its ETag and the hashes that were proven; some may be `known`.

    The request's signature holds the SHA-256 of the body: the server refuses another. Raises `Conflict`.
    """
    mine = known if known and known.md5 else hash_bytes(body, "md5")
    attributes = None if _ODD.search(name) else described.attributes

    def request() -> str:
        if attributes is None:
            etag = plain(
                access.client.put_object(
                    Bucket=access.bucket,
                    Key=name,
                    Body=body,
                    ContentMD5=to_base64(mine.md5),
                    **described.arguments,
                    **condition.arguments,  # type: ignore[arg-type]
                )["ETag"]
            )
        else:
            answer = obstore.put(
                access.asking("puts"),
                name,
                body,
                attributes=attributes,
                mode=condition.mode,
                use_multipart=False,
            )
            etag = plain(answer["e_tag"] or "")
        if etag != mine.md5 and _stands(access, name, body) is False:
            raise Transient("other bytes stored", "S3 has another hash of what it stored")
        return etag

    try:
        etag = access.call("writing", name, request)
    except Conflict:
        seen = own(access, name, described.metadata)
        if seen is None:
            raise
        etag = seen.etag
    return etag, mine


def own(access: S3Access, name: str, metadata: Mapping[str, str]) -> Head | None:
    """The object that stands there, if it is the one that a conditional write with this metadata wrote."""
    try:
        seen = head(access, name)
    except NotFound:
        return None
    return seen if WRITE_ID in metadata and seen.described.metadata.get(WRITE_ID) == metadata[WRITE_ID] else None


def _stands(access: S3Access, name: str, body: bytes) -> bool | None:
    """Does an object have these very bytes? None where S3 has no hash that says."""
    seen = head(access, name)
    mine = hash_bytes(body, *seen.hashes.known())
    if seen.bytes != len(body):
        return False
    return not seen.hashes.contradicts(mine) if seen.hashes.known() else None


def copy(
    access: S3Access, origin: S3Access, source: str, target: str, condition: Condition, pinned: str | None
) -> str | None:
    """Copy an object of at most `COPY_LIMIT` bytes of the bucket `origin`, on the server; only the version `pinned`.

    Returns the copy's ETag where the answer says it. Raises `NotFound`, `Conflict`.
    """
    plainly = origin.bucket == access.bucket and condition.etag is None and pinned is None

    def request() -> str | None:
        if not plainly or _ODD.search(source) or _ODD.search(target):
            place: Any = {"Bucket": access.bucket, "Key": target, **condition.arguments}
            if pinned is not None:
                place["CopySourceIfMatch"] = pinned
            answer = access.client.copy_object(**place, CopySource={"Bucket": origin.bucket, "Key": source})
            return plain(answer["CopyObjectResult"]["ETag"])
        obstore.copy(access.asking("puts"), source, target, overwrite=not condition.absent)
        return None

    return access.call("copying", source, request)
