"""Earlier versions of an object, in a bucket that keeps them. No other store of ours does."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import islice

from darkroom.errors import BadInput, NotFound
from darkroom.store.base import Store
from darkroom.store.s3 import S3Store

_NOT_VERSIONED = "null"
"""The id of an object that was written while its bucket kept no versions."""


@dataclass(frozen=True, slots=True)
class Version:
    """One version of an object; `modified` is in UTC."""

    id: str
    etag: str
    bytes: int
    modified: datetime
    current: bool


def versions(store: Store, key: str, *, most: int) -> list[Version] | None:
    """The newest versions of an object, the newest first; None where the store keeps none.

    Raises `StoreError`, also where whoever asks may not list versions (`s3:ListBucketVersions`).
    """
    if not isinstance(store, S3Store):
        return None
    name, access = store.name_of(key), store.reached
    request = partial(access.client.list_object_versions, Bucket=access.bucket, Prefix=name, MaxKeys=1000)
    answer = access.call("listing versions of", name, request)
    # of a longer key with the same beginning, those may follow
    mine = (one for one in answer.get("Versions", ()) if one["Key"] == name)
    found = [
        Version(one["VersionId"], one["ETag"].strip('"'), one["Size"], one["LastModified"], one["IsLatest"])
        for one in islice(mine, most)
    ]
    return found if any(one.id != _NOT_VERSIONED for one in found) else None


def read_version(store: Store, key: str, version: str, *, most: int) -> bytes:
    """The content of one version. Raises `NotFound`, and `BadInput` for one of more than `most` bytes."""
    if not isinstance(store, S3Store):
        raise NotFound(f"{store.uri_of(key)}: its store keeps no earlier versions.")
    name, access = store.name_of(key), store.reached
    request = partial(access.client.get_object, Bucket=access.bucket, Key=name, VersionId=version)
    answer = access.call("reading a version of", name, request)
    if answer["ContentLength"] > most:
        raise BadInput(f"{store.uri_of(key)}: this version has {answer['ContentLength']:,} bytes, too many to show.")
    return answer["Body"].read(most)
