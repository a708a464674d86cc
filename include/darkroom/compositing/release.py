"""After the ledgers: what was learned of the renders, what should not stand any more, the indexes."""

from collections import defaultdict
from collections.abc import Mapping, Set

from darkroom import keys, ledger
from darkroom.amounts import counted
from darkroom.approvals import approval, is_held, who_rejected
from darkroom.compositing.index import write_indexes
from darkroom.compositing.inputs import drawn
from darkroom.compositing.job import Layout
from darkroom.errors import Conflict
from darkroom.flows import Released
from darkroom.jobs import InputDigest, Manifest, NotDone
from darkroom.keys import Picture
from darkroom.ledger import InputLedger, KnownDigest, Ledger, LedgerEntry
from darkroom.plan_folder import JobOutcomes, PlanFolder
from darkroom.store import Store

_STALE = "a render that it needs is gone"
_Ledger = Ledger[LedgerEntry]


def ledger_of(style: str, key: str) -> str:
    """The ledger that knows a picture."""
    picture = Picture.parse(key.rpartition("/")[2])
    assert picture, key
    return keys.composites_ledger(style, picture.length, picture.side, picture.colour)


class CompositesRelease:
    """Lets go of a plan of composites."""

    def __init__(self, folder: PlanFolder, manifest: Manifest) -> None:
        self._store, self._style = folder.open(manifest.store), manifest.subjects[0]
        self._stale, self._planned, (self._renders,) = manifest.stale, manifest.created, manifest.stores
        self._prune = bool(manifest.request.get("prune"))
        self._layout = manifest.request.get("layout", Layout.NAMES)
        self._rejected = who_rejected(approval(folder)) if is_held(folder) else ""
        self._items = sum(job.items for job in manifest.jobs)
        self._learned: dict[str, InputDigest] = {}

    def job(self, outcomes: JobOutcomes, unproven: Mapping[str, NotDone]) -> None:
        """Keep what the job learned."""
        self._learned |= outcomes.inputs

    def end(self) -> Released:
        """Put away what is stale, write the indexes, note the renders' digests."""
        store, style = self._store, self._style
        if self._rejected:
            said = f"{self._rejected[0].upper()}{self._rejected[1:]}: {counted(self._items, 'picture')} left."
            return Released(held=self._items, notes=[said])
        pruned = _put_away(store, style, self._stale, prune=self._prune)
        problems = write_indexes(store, style, _all_outputs(store, style)) if self._layout == Layout.CONTENT else []
        if self._learned:
            key = keys.render_digests(style)
            ledger.update(store, key, InputLedger, self._noted)
        return Released(pruned=pruned, problems=problems)

    def _noted(self, known: InputLedger) -> InputLedger:
        """The known digests with the new ones; what an older file of the same layer and colour was, is forgotten.

        What a later plan led to stays: settling may come late.
        """
        later = {drawn(uri) for uri, digest in known.inputs.items() if digest.planned > self._planned}
        new = {
            uri: KnownDigest(etag=digest.etag, digest=digest.digest, planned=self._planned)
            for uri, digest in self._learned.items()
            if drawn(uri) not in later
        }
        fresh = {drawn(uri) for uri in new}
        kept = {uri: digest for uri, digest in known.inputs.items() if drawn(uri) not in fresh}
        return InputLedger(inputs=kept | new, source=known.source if later else self._renders)


def _put_away(store: Store, style: str, stale: Mapping[str, str], *, prune: bool) -> list[str]:
    """Mark in the ledgers the pictures that should not stand any more, or delete them; returns what was deleted.

    Only what a ledger still knows as the plan saw it: what a later run made has another ETag, and stays.
    """
    by_ledger: dict[str, dict[str, str]] = defaultdict(dict)
    for key, etag in stale.items():
        if etag:
            by_ledger[ledger_of(style, key)][key] = etag
    marked = {
        key: ledger.update(store, key, _Ledger, lambda known, etags=etags: known.marked(etags, _STALE))  # type: ignore[misc]
        for key, etags in by_ledger.items()
    }
    if not prune or not marked:
        return []
    # under its sha256 a picture may have names that are not stale
    kept = {entry.stored for entry in _all_outputs(store, style).values() if entry.stored and not entry.stale}
    pruned: list[str] = []
    for key, etags in by_ledger.items():
        known = {picture: one for picture, one in marked[key].outputs.items() if etags.get(picture) == one.etag}
        gone = [picture for picture in sorted(known) if _is_deleted(store, picture, known[picture], kept)]
        ledger.update(store, key, _Ledger, lambda known, gone=gone: known.without(gone))  # type: ignore[misc]
        pruned += gone
    return pruned


def _is_deleted(store: Store, picture: str, entry: LedgerEntry, kept: Set[str]) -> bool:
    objects = {picture: entry.etag_by_name} if entry.etag_by_name else {}
    if entry.stored and entry.stored not in kept:
        objects[entry.stored] = entry.etag
    left = [key for key, etag in objects.items() if not _is_gone(store, key, etag)]
    return not left


def _is_gone(store: Store, key: str, etag: str) -> bool:
    """Remove what was written; what somebody else put there is not ours to delete."""
    try:
        store.delete(key, if_match=etag)
    except Conflict:
        return store.head(key) is None  # by another of its names, perhaps
    return True


def _all_outputs(store: Store, style: str) -> dict[str, LedgerEntry]:
    """Everything that the ledgers of a style know."""
    outputs: dict[str, LedgerEntry] = {}
    for key in [entry.key for entry in store.list(keys.composites_ledgers(style))]:
        outputs |= ledger.read(store, key, _Ledger).outputs
    return outputs
