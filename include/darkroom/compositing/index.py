"""The indexes of layout `content`: which name is which picture, of all that lie under their sha256."""

import json
from collections import defaultdict
from collections.abc import Mapping

from pydantic import Field

from darkroom import keys, ledger
from darkroom.errors import Conflict, NotFound
from darkroom.imaging.layers import digest
from darkroom.jobs import Document
from darkroom.ledger import LedgerEntry
from darkroom.ownership import refusal
from darkroom.store import Store

_TRIES = 20
_REMEMBERED = 8  # versions of one index: what stands, and what settles that run at once are about to write


class IndexLedger(Document):
    """The sha256 of the versions of each index that Darkroom wrote or was about to write, by key, the latest last.

    Written down before the index is, so that one of which the writer was killed is known as well.
    """

    written: dict[str, tuple[str, ...]] = Field(default_factory=dict)


def write_indexes(store: Store, style: str, outputs: Mapping[str, LedgerEntry]) -> list[str]:
    """Write each cut's index from all that the ledgers know; returns why one could not be written, a sentence each."""
    names: dict[str, dict[str, str]] = defaultdict(dict)
    for key, entry in outputs.items():
        if entry.stored and not entry.stale:
            _, cut, name = key.rsplit("/", 2)
            names[cut][name.removesuffix(".png")] = entry.stored.rpartition("/")[2].removesuffix(".png")
    written = (
        _write(store, style, keys.index(style, cut), json.dumps(digests, indent=0, sort_keys=True).encode())
        for cut, digests in names.items()
    )
    return [problem for problem in written if problem]


def _write(store: Store, style: str, key: str, index: bytes) -> str:
    """Write an index over one that Darkroom wrote, or where none is; what somebody else put there is left alone."""
    mine = digest(index)
    for _ in range(_TRIES):
        try:
            with store.open(key) as reading:
                etag, stands = reading.entry.etag, digest(reading.stream.read())
        except NotFound:
            etag, stands = None, ""
        known = ledger.read(store, keys.index_ledger(style), IndexLedger).written.get(key, ())
        if stands and stands != mine and stands not in known:
            return f"{refusal(key)}, then run it again"
        if mine not in known:
            ledger.update(store, keys.index_ledger(style), IndexLedger, lambda known: _with(known, key, mine))
        if stands == mine:
            return ""
        try:
            store.write(
                key, index, content_type="application/json", if_absent=etag is None, if_match=etag, durable=True
            )
        except Conflict:
            continue
        return ""
    return f"{key}: it changed {_TRIES} times while it was written; run it again"


def _with(known: IndexLedger, key: str, digest: str) -> IndexLedger:
    return IndexLedger(written=known.written | {key: (*known.written.get(key, ()), digest)[-_REMEMBERED:]})
