"""Bringing a version back: what stands there is archived first, then replaced, and what was written is proven."""

from dataclasses import dataclass

from darkroom.archive.versions import Archive, Version
from darkroom.errors import StoreError
from darkroom.proof import KINDS, Verify, prove
from darkroom.store import Store, readable
from darkroom.store.transfer import hashes_of


@dataclass(frozen=True, slots=True)
class Restored:
    """What became of it: where it stands, whether it was `written` now, and where what stood there is archived."""

    uri: str
    written: bool
    archived: str = ""


def restore_version(archive: Archive, version: Version, into: Store, key: str) -> Restored:
    """Make `key` of `into` that version again.

    Raises `Mismatch`, `StoreError`, and `Conflict` where somebody else writes there meanwhile.
    """
    uri = readable(into.uri_of(key))
    wanted = hashes_of(archive.store, version.entry, *KINDS)
    if not wanted.md5.startswith(version.name.md5):
        raise StoreError(
            f"{readable(archive.store.uri_of(version.entry.key))}: its bytes have the MD5 {wanted.md5}, which is not "
            "the one of its name: it was damaged in the archive, and is not brought back."
        )
    stands, archived = into.head(key), ""
    if stands:
        hashes = hashes_of(into, stands, *KINDS)
        if hashes.md5 == wanted.md5:
            return Restored(uri, written=False)
        held = archive.find(key, hashes.md5, stands.bytes)
        found = held.entry if held else archive.add(into, stands, stands.modified, hashes)[0]
        prove(archive.store, found, hashes, Verify.READ_BACK)
        archived = readable(archive.store.uri_of(found.key))
    entry = into.copy(
        version.entry.key,
        key,
        origin=archive.store,
        if_absent=stands is None,
        if_match=stands.etag if stands else None,
        if_source_match=version.entry.etag,
    )
    prove(into, entry, wanted, Verify.READ_BACK)
    return Restored(uri, written=True, archived=archived)
