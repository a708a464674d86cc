"""The archive: every version of an object, found by its time or by its hash."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from darkroom import keys, ledger
from darkroom.archive.job import ArchiveLedger
from darkroom.archive.names import VersionName, parse_version, version_key, versions_prefix
from darkroom.errors import Conflict, Damaged, SourceChanged
from darkroom.proof import KINDS
from darkroom.store import Entry, Store
from darkroom.store.hashes import Hashes
from darkroom.store.transfer import Move, Small, hashes_of, write_small


@dataclass(frozen=True, slots=True)
class Version:
    """One version of an object in the archive."""

    name: VersionName
    entry: Entry


@dataclass(frozen=True, slots=True)
class Held:
    """A version that the archive has of some content. `proven`: its bytes were read, by the ledger or just now.

    Otherwise it is only the service that says so, which is no proof of what it gives back.
    """

    entry: Entry
    proven: bool


class Archive:
    """The archive in `store`; what is in it is known by hash from the ledgers in `state`."""

    def __init__(self, store: Store, state: Store) -> None:
        self.store, self._state = store, state

    def versions(self, key: str) -> list[Version]:
        """Every version of the object that `key` names in the target, the oldest first."""
        return sorted(self._versions(key), key=lambda one: (one.name.time, one.entry.key))

    def _versions(self, key: str) -> Iterator[Version]:
        for entry in self.store.list(versions_prefix(key)):
            if name := parse_version(key, entry.key):
                yield Version(name, entry)

    def find(self, key: str, md5: str, size: int) -> Held | None:
        """The version of an object with this content (MD5 in hex, bytes).

        Its hash is the ledger's, if that knows exactly what stands; else the store's, if it vouches for one; else it is
        computed.
        """
        alike = [one.entry for one in self._versions(key) if one.entry.bytes == size and md5.startswith(one.name.md5)]
        if not alike:
            return None
        known = ledger.read(self._state, keys.versions_ledger(self.store.uri, md5), ArchiveLedger).outputs
        for entry in alike:
            if (proven := known.get(entry.key)) and (proven.etag, proven.recipe) == (entry.etag, md5):
                return Held(entry, proven=True)
        return next((held for entry in alike if (held := self._held(entry, md5))), None)

    def _held(self, entry: Entry, md5: str) -> Held | None:
        seen = self.store.head(entry.key)
        if seen is None:
            return None
        if seen.hashes.md5:
            return Held(seen, proven=False) if seen.hashes.md5 == md5 else None
        try:
            return Held(seen, proven=True) if hashes_of(self.store, seen, *KINDS).md5 == md5 else None
        except (Damaged, Conflict):
            return None  # a damaged one is none

    def add(
        self,
        origin: Store,
        stands: Entry,
        since: datetime,
        hashes: Hashes,
        small: Small | None = None,
        *,
        of: str | None = None,
    ) -> tuple[Entry, bool]:
        """Put exactly the version `stands` of an object of `origin` there, as of that time; was it written now?

        It is a version of the object that `of` names in the target, where that is called otherwise in `origin`. Of
        `small`, where its bytes are at hand, otherwise copied on the server where that can be. A version that is
        there already stays as it is. Either has to be proven. Raises `SourceChanged` where another object stands in
        `origin` now, and `StoreError`.
        """
        key = version_key(of or stands.key, since, hashes.md5)
        try:
            if small:
                return write_small(self.store, Move(stands, key, if_absent=True), small), True
            if self.store.copies_conditionally:
                pinned = {"if_absent": True, "if_source_match": stands.etag}
                return self.store.copy(stands.key, key, origin=origin, **pinned), True  # type: ignore[arg-type]
        except SourceChanged:
            raise
        except Conflict:
            pass
        found = self.store.head(key)
        # Where a copy heeds no condition, nothing may stand there a moment before; its name says what it holds, and the
        # proof whether that is so (ADR 20). To have its bytes come through here would take as long as all the rest.
        if found:
            return found, False
        return _as_proven(self.store.copy(stands.key, key, origin=origin), stands, hashes), True


def _as_proven(copy: Entry, stands: Entry, hashes: Hashes) -> Entry:
    """A copy with the hashes of what it is of, where the service gives it the same ETag: that is of the same bytes.

    (An ETag of a copy within S3 is made of what was copied, in parts or not, wherever it stays the same.)
    """
    return replace(copy, hashes=hashes) if copy.etag == stands.etag and not copy.hashes.known() else copy
