"""The proof that what was written is what was read: by the bytes that come back, or by what the store vouches for."""

from enum import StrEnum

from darkroom.errors import Conflict
from darkroom.failures import Mismatch
from darkroom.store import Entry, Store
from darkroom.store.hashes import Hashes, Kind
from darkroom.store.transfer import hashes_of


class Verify(StrEnum):
    """How what was written is proven: read back whole, or by the checksum that the store vouches for."""

    READ_BACK = "read back"
    CHECKSUM = "store's checksum"


KINDS: tuple[Kind, ...] = ("md5", "crc32c")
"""The hashes of whatever is copied: those that GCS knows."""


def prove(store: Store, entry: Entry, wanted: Hashes, how: Verify) -> None:
    """Require that what stands has these hashes.

    With `CHECKSUM` the store's own word is enough: the hashes that it checked what it was sent by, or those that it
    vouches for; where it has none, the object is read all the same. Raises `Mismatch` with both hashes, `Damaged`
    where its bytes are not even those that its store has hashes of, and `Conflict` where another version stands there.
    """
    if how is Verify.CHECKSUM:
        seen = entry if entry.hashes.shared(wanted) else store.head(entry.key)
        if seen is None or seen.etag != entry.etag:
            raise Conflict(f"{store.uri_of(entry.key)}: another object stands there than the one that was written.")
        if seen.hashes.shared(wanted):
            require(store.uri_of(entry.key), seen.hashes, wanted)
            return
    require(store.uri_of(entry.key), hashes_of(store, entry, *KINDS), wanted)


def require(uri: str, found: Hashes, wanted: Hashes) -> None:
    """Raises `Mismatch`, with both, where two hashes of one kind differ, or there is no kind that both know."""
    if not found.shared(wanted):
        raise Mismatch(f"{uri} has no hash that it could be proven by")
    if differs := found.instead_of(wanted):
        raise Mismatch(f"{uri} has {differs}")
