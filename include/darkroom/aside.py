"""What is removed or overwritten goes aside first: to `removed/<date>/` of its bucket, proven, never over anything."""

from collections.abc import Iterator
from datetime import UTC, datetime

from darkroom import keys
from darkroom.errors import Conflict, SourceChanged
from darkroom.failures import WriteFailed
from darkroom.jobs import Output
from darkroom.proof import KINDS, Verify, prove
from darkroom.store import Entry, Store, open_store
from darkroom.store.transfer import hashes_of


def bucket_of(target: Store) -> tuple[str, str]:
    """The URI of the bucket that a target lies in, and what its keys begin with there; a folder is one itself.

    >>> bucket_of(open_store("s3://shops/pictures"))
    ('s3://shops', 'pictures/')
    """
    scheme, _, rest = target.uri.partition("://")
    bucket, _, prefix = rest.partition("/")
    if scheme == "file":
        return target.uri, ""
    return f"{scheme}://{bucket}", f"{prefix}/" if prefix else ""


class Aside:
    """Where a target's objects go before they are removed or overwritten. Safe to call from many threads."""

    def __init__(self, target: Store) -> None:
        location, self._prefix = bucket_of(target)
        self._target, self._bucket = target, open_store(location, target.access)

    def holds(self, key: str) -> bool:
        """Does a key of the target lie among what was set aside?"""
        return f"{self._prefix}{key}".startswith(keys.REMOVED)

    def set_aside(self, stands: Entry) -> Output:
        """Put exactly this version of an object aside, proven; what it is then.

        Raises `SourceChanged` where another one stands there now, `WriteFailed`, `Mismatch` and `StoreError`.
        """
        seen = self._target.head(stands.key)
        if seen is None or seen.etag != stands.etag:
            now = "another object stands there now" if seen else "it is not there any more"
            raise SourceChanged(f"{self._target.uri_of(stands.key)}: {now}.")
        hashes = seen.hashes if seen.hashes.md5 else hashes_of(self._target, seen, *KINDS)
        day = f"{datetime.now(UTC):%Y-%m-%d}"
        for key in _names(day, f"{self._prefix}{stands.key}", hashes.md5):
            copy = self._copied(stands, key, hashes.md5)
            if copy is None:
                continue
            if copy.etag != hashes.md5:  # where the ETag is the MD5, it is the proof
                prove(self._bucket, copy, hashes, Verify.CHECKSUM)
            return Output(
                key=key,
                store=self._bucket.uri,
                recipe=hashes.md5,
                etag=copy.etag,
                bytes=copy.bytes,
                hashes=hashes.known(),
            )
        raise WriteFailed(f"{stands.key}: everything that it could be set aside as is taken; see {keys.REMOVED}{day}/")

    def _copied(self, stands: Entry, key: str, md5: str) -> Entry | None:
        """The copy under a name, made now or of the same bytes before; None where something else has that name."""
        found = self._bucket.head(key)
        if found is None:
            try:
                if self._bucket.copies_conditionally:
                    pinned = {"if_absent": True, "if_source_match": stands.etag}
                    return self._bucket.copy(stands.key, key, origin=self._target, **pinned)  # type: ignore[arg-type]
                # a copy that heeds no conditions, of which the proof says whether it is of what stood there
                return self._bucket.copy(stands.key, key, origin=self._target)
            except SourceChanged:
                raise
            except Conflict:
                found = self._bucket.head(key)
        return found if found and self._has(found, stands.bytes, md5) else None

    def _has(self, found: Entry, size: int, md5: str) -> bool:
        """Does it have these bytes? An ETag says so where it is their MD5; else they are read."""
        if found.etag == md5 or found.bytes != size:
            return found.etag == md5
        return (found.hashes.md5 or hashes_of(self._bucket, found, "md5").md5) == md5


def _names(day: str, key: str, md5: str) -> Iterator[str]:
    """The names that it may have: its own, and where that was set aside that day already, its own with its MD5."""
    yield keys.removed(day, key)
    yield keys.removed(day, f"{key}~{md5[:12]}")
