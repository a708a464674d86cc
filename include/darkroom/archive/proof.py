"""The proof that what was written is what was read: by the bytes that come back, or by what the store vouches for."""

import logging

from darkroom.archive.pairs import Verify
from darkroom.errors import Conflict, Damaged
from darkroom.failures import Mismatch
from darkroom.store import Entry, Store
from darkroom.store.hashes import Hashes, Kind, hash_stream
from darkroom.store.transfer import SMALL

log = logging.getLogger(__name__)

KINDS: tuple[Kind, ...] = ("md5", "crc32c")
"""The hashes of whatever is copied: those that GCS knows."""
_TRIES = 3  # of reading back what comes through damaged


def hashes_of(store: Store, entry: Entry) -> Hashes:
    """The hashes of an object, computed from its bytes. Raises `Conflict` where another version stands there.

    Raises `Mismatch` where its bytes are not those that its store has hashes of, however often they are read.
    """
    for _ in range(_TRIES if entry.bytes > SMALL else 1):  # a small one is read again by its store itself
        try:
            with store.open(entry.key, version=entry) as reading:
                return hash_stream(reading.stream, *KINDS)
        except Damaged as error:
            damage = str(error).rstrip(".")
            log.warning("%s. It is read again from its start.", damage)
    raise Mismatch(damage)


def prove(store: Store, entry: Entry, wanted: Hashes, how: Verify) -> None:
    """Require that what stands has these hashes.

    With `CHECKSUM` the store's own word is enough: the hashes that it checked what it was sent by, or those that it
    vouches for; where it has none, the object is read all the same. Raises `Mismatch` with both hashes, and `Conflict`
    where another version stands there.
    """
    if how is Verify.CHECKSUM:
        seen = entry if entry.hashes.shared(wanted) else store.head(entry.key)
        if seen is None or seen.etag != entry.etag:
            raise Conflict(f"{store.uri_of(entry.key)}: another object stands there than the one that was written.")
        if seen.hashes.shared(wanted):
            require(store.uri_of(entry.key), seen.hashes, wanted)
            return
    require(store.uri_of(entry.key), hashes_of(store, entry), wanted)


def require(uri: str, found: Hashes, wanted: Hashes) -> None:
    """Raises `Mismatch`, with both, where two hashes of one kind differ."""
    if differs := found.instead_of(wanted):
        raise Mismatch(f"{uri} has {differs}")
