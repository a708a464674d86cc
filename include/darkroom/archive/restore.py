"""Bringing a version back: what stands there is archived first, then replaced, and what was written is proven."""

from dataclasses import dataclass

from darkroom import keys, ledger
from darkroom.archive.job import ArchiveLedger
from darkroom.archive.names import target_key
from darkroom.archive.pairs import Names, Pair
from darkroom.archive.versions import Archive, Version
from darkroom.errors import BadInput
from darkroom.proof import KINDS, Verify, prove
from darkroom.store import Store, open_store, readable
from darkroom.store.transfer import hashes_of


@dataclass(frozen=True, slots=True)
class Restored:
    """What became of it: where it stands, whether it was `written` now, and where what stood there is archived."""

    uri: str
    written: bool
    archived: str = ""


def name_in(into: str, pair: Pair, given: str, source: str) -> str:
    """What the object is called in the store at `into`, of which the pair's copy is, or which has that name itself.

    `given` is either name, `source` the object's URI, if a ledger knows it; `into` is a store's URI. Raises `BadInput`
    where it goes back into the source, and its name there is not known.

    >>> maps = Pair(name="maps", source="gs://scans", target="s3://live", names=Names.FLATTENED)
    >>> name_in("gs://scans", maps, "maps_1890_a.tif", "gs://scans/maps/1890/a.tif")
    'maps/1890/a.tif'
    >>> name_in("gs://scans", maps, "maps/1890/a.tif", ""), name_in("file:///tmp", maps, "maps_1890_a.tif", "")
    ('maps/1890/a.tif', 'maps_1890_a.tif')
    >>> name_in("gs://scans", Pair(source="gs://scans/maps", target="s3://mirror"), "a", "gs://scans/maps/a")
    'maps/a'
    """
    copy = target_key(given, pair.names)
    if into == open_store(pair.target).uri:
        return copy
    if copy != given:
        return given
    if source.startswith(f"{into}/"):
        return source.removeprefix(f"{into}/")
    if pair.names is not Names.AS_THEY_ARE and into == open_store(pair.source).uri:
        raise BadInput(
            f"{given}: of which object of {readable(into)} it was the copy is not known any more; give that object's "
            "own name, with its folders."
        )
    return given


def source_of_copy(state: Store, pair: Pair, copy: str) -> str:
    """The URI of the object that a copy in the pair's target is of; empty where no ledger knows it."""
    known = ledger.read(state, keys.copies_ledger(open_store(pair.target).uri, copy), ArchiveLedger).outputs.get(copy)
    return known.source if known else ""


def restore_version(archive: Archive, version: Version, into: Store, key: str, copy: str) -> Restored:
    """Make `key` of `into` that version again; what stands there is archived as one of `copy`, its name in the target.

    Raises `BadInput` for a version that was damaged in the archive, `Mismatch`, `StoreError`, and `Conflict` where
    somebody else writes there meanwhile.
    """
    uri = readable(into.uri_of(key))
    wanted = hashes_of(archive.store, version.entry, *KINDS)
    if not wanted.md5.startswith(version.name.md5):
        raise BadInput(
            f"{readable(archive.store.uri_of(version.entry.key))}: its bytes have the MD5 {wanted.md5}, which is not "
            "the one of its name: it was damaged in the archive, and is not brought back."
        )
    stands, archived = into.head(key), ""
    if stands:
        hashes = hashes_of(into, stands, *KINDS)
        if hashes.md5 == wanted.md5:
            return Restored(uri, written=False)
        held = archive.find(copy, hashes.md5, stands.bytes)
        found = held.entry if held else archive.add(into, stands, stands.modified, hashes, of=copy)[0]
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
