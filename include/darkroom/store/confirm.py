"""Confirm many written objects at once: a page of a listing says of a thousand what a head says of one."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

from darkroom.store.base import Entry, Store

WORTH = 20
"""Listed objects that cost about as much as one head."""


def unconfirmed(store: Store, written: Iterable[Entry]) -> dict[str, str]:
    """Look whether objects stand as `Store.write` says that it wrote them; key and reason of each that does not.

    Reads one listing of the range that the keys span, as long as that is cheaper than a head an object: where others
    lie thick between them, the rest is asked for one by one. S3 and GCS list what was written before at once; a
    store that lists in another order is only asked more often.
    """
    missing = {entry.key: entry for entry in written}
    if not missing:
        return {}
    budget = WORTH * len(missing) + 1000
    for seen in _between(store, min(missing), max(missing)):
        wanted = missing.get(seen.key)
        if wanted is not None and _same(wanted, seen):
            del missing[seen.key]
        budget -= 1
        if not missing or budget < 0:
            break
    with ThreadPoolExecutor(store.concurrency, "heads") as pool:
        reasons = pool.map(lambda entry: difference(entry, store.head(entry.key)), missing.values())
        return {key: reason for key, reason in zip(missing, reasons, strict=True) if reason}


def _between(store: Store, first: str, last: str) -> Iterator[Entry]:
    """The objects from `first` on, until one is seen that comes after `last`."""
    shared = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    # all that lies between first[:-1] and first begins with first[:-1]: few, where there are any
    for entry in store.list(first[:shared], after=first[:-1]):
        if entry.key > last:
            return
        yield entry


def _same(written: Entry, seen: Entry) -> bool:
    return written.etag == seen.etag and written.bytes == seen.bytes


def difference(written: Entry, seen: Entry | None) -> str:
    """Why an object does not stand as it was written; empty where it does."""
    if seen is None:
        return "it was written, but it is not there"
    if not _same(written, seen):
        return f"other bytes than were written stand there now ({seen.bytes} instead of {written.bytes} bytes)"
    return ""
