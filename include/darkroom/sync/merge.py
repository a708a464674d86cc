"""Three lists in the order of keys, read side by side: memory does not grow with them."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from darkroom.errors import StoreError
from darkroom.store import Entry, Store
from darkroom.sync.cache import Known
from darkroom.sync.scan import File, Passed


class Row(NamedTuple):
    """All that there is under one key."""

    key: str
    found: File | Passed | None
    known: Known | None
    stands: Entry | None


def merged(found: Iterable[File | Passed], known: Iterable[Known], stands: Iterable[Entry]) -> Iterator[Row]:
    """What the folder, the cache and the bucket have, key by key. Each is in the order of code points."""
    files, rows, objects = iter(found), iter(known), iter(stands)
    file, row, entry = next(files, None), next(rows, None), next(objects, None)
    while file or row or entry:
        key = min(one.key for one in (file, row, entry) if one)
        its_file = file if file and file.key == key else None
        its_row = row if row and row.key == key else None
        its_entry = entry if entry and entry.key == key else None
        yield Row(key, its_file, its_row, its_entry)
        if its_file:
            file = next(files, None)
        if its_row:
            row = next(rows, None)
        if its_entry:
            entry = next(objects, None)


def in_order(target: Store, prefix: str) -> Iterator[Entry]:
    """A listing in the order of keys. Raises `StoreError` where a service gives it in another one.

    A folder's listing is not in order and is sorted, in memory.
    """
    if target.uri.startswith("file://"):
        yield from sorted(target.list(prefix), key=lambda entry: entry.key)
        return
    before = ""
    for entry in target.list(prefix):
        if entry.key < before:
            raise StoreError(f"{target.uri}: it lists {entry.key!r} behind {before!r}, which is no order of S3's.")
        before = entry.key
        yield entry
