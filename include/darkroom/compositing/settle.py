"""Settling: prove what the outcomes say was written, and only then put it into the ledgers."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Set

from darkroom import keys, ledger
from darkroom.compositing.index import write_indexes
from darkroom.errors import Conflict
from darkroom.flows import Settlement
from darkroom.jobs import InputDigest, NotDone, Outcome, PlanFolder, State, dump
from darkroom.ledger import InputLedger, KnownDigest, Ledger, LedgerEntry
from darkroom.store import Store, open_store
from darkroom.styles.names import parse_render

_BAD = (State.REFUSED, State.FAILED)


def settle(folder: PlanFolder) -> Settlement:
    """Commit a plan's outcomes, whatever else failed: what is proven is kept. A job at a time, so memory does too.

    May be called again, also while workers run.
    """
    manifest = folder.manifest()
    store = open_store(manifest.store)
    style = manifest.subject
    standing = _Standing(store, style)
    proven = 0
    skipped = 0
    unproven: list[NotDone] = []
    learned: dict[str, InputDigest] = {}
    for number in range(1, len(manifest.jobs) + 1):
        latest: dict[str, Outcome] = {}
        for _, batch in folder.batches(number):
            latest |= {outcome.item: outcome for outcome in batch.outcomes}
            learned |= {known.uri: known for known in batch.inputs}
        done = [outcome for outcome in latest.values() if outcome.state is State.DONE]
        wrong = _commit(store, style, done, standing)
        proven += len(done) - len(wrong)
        unproven += wrong
        skipped += sum(outcome.state is State.SKIPPED for outcome in latest.values())
        # of a picture that failed some cuts may have been written before: they are ours all the same
        _commit(store, style, [one for one in latest.values() if one.state in _BAD and one.outputs], standing)
    pruned = _put_away(store, style, manifest.stale, prune=bool(manifest.request.get("prune")))
    by_content = manifest.request.get("layout") == "content"
    problems = write_indexes(store, style, _all_outputs(store, style)) if by_content else []
    if learned:
        ledger.update(store, keys.render_digests(style), InputLedger, lambda known: _with(known, learned))
    settlement = Settlement(
        proven=proven,
        unsure=sum(job.items for job in manifest.jobs) - proven - skipped,
        unproven=tuple(unproven),
        pruned=tuple(pruned),
        problems=tuple(problems),
    )
    folder.write(keys.SETTLEMENT, dump(settlement))
    return settlement


class _Standing:
    """What stands in the store: each cut is listed when it is first asked for."""

    def __init__(self, store: Store, style: str) -> None:
        self._store, self._style = store, style
        self._listed: dict[str, dict[str, str]] = {}

    def etag(self, key: str) -> str | None:
        """An object's ETag, or nothing."""
        cut = key.split("/")[-2]
        if cut not in self._listed:
            listing = self._store.list(keys.cut_prefix(self._style, cut))
            self._listed[cut] = {entry.key: entry.etag for entry in listing}
        return self._listed[cut].get(key)


def _commit(store: Store, style: str, done: Iterable[Outcome], standing: _Standing) -> list[NotDone]:
    """Put the proven outcomes into their ledgers; returns the others."""
    by_ledger: dict[str, dict[str, LedgerEntry]] = defaultdict(dict)
    unproven: list[NotDone] = []
    for outcome in done:
        wrong = _unproven(outcome, standing)
        if wrong:
            unproven.append(NotDone(item=outcome.item, group=outcome.group, state=State.FAILED, reason=wrong))
            continue
        by_ledger[ledger_of(style, outcome.item)] |= {
            output.key: LedgerEntry(recipe=output.recipe, etag=output.etag, bytes=output.bytes, stored=output.stored)
            for output in outcome.outputs
        }
    for key, entries in by_ledger.items():
        ledger.update(store, key, Ledger, lambda known, new=entries: _joined(known, new))  # type: ignore[misc]
    return unproven


def _joined(known: Ledger, new: Mapping[str, LedgerEntry]) -> Ledger:
    """The ledger with new entries; what lies under a name from another layout before stays known as ours."""
    before = {
        key: known.outputs[key].etag_by_name for key, entry in new.items() if entry.stored and key in known.outputs
    }
    return Ledger(
        outputs=known.outputs
        | {key: entry.model_copy(update={"named": before.get(key, "")}) for key, entry in new.items()}
    )


def _unproven(outcome: Outcome, standing: _Standing) -> str:
    for output in outcome.outputs:
        at = output.stored or output.key
        found = standing.etag(at)
        if found is None:
            return f"not proven: {at} was written but is not there"
        if found != output.etag:
            return f"not proven: {at} is another object than was written"
    return ""


def _put_away(store: Store, style: str, stale: Iterable[str], *, prune: bool) -> list[str]:
    """Mark in the ledgers the pictures that should not stand any more, or delete them; returns what was deleted.

    Only what a ledger knows is deleted, and only as it was written.
    """
    by_ledger: dict[str, set[str]] = defaultdict(set)
    for key in stale:
        by_ledger[ledger_of(style, key.rpartition("/")[2].removesuffix(".png"))].add(key)
    if not by_ledger:
        return []
    pruned: list[str] = []
    for key, pictures in by_ledger.items():
        ledger.update(store, key, Ledger, lambda known, marked=pictures: _marked(known, marked))  # type: ignore[misc]
    if prune:
        # under its sha256 a picture may have names that are not stale
        kept = {entry.stored for entry in _all_outputs(store, style).values() if entry.stored and not entry.stale}
        for key, pictures in by_ledger.items():
            known = ledger.read(store, key, Ledger).outputs
            gone = [picture for picture in sorted(pictures & known.keys()) if _deleted(store, picture, known, kept)]
            ledger.update(store, key, Ledger, lambda known, gone=gone: _without(known, gone))  # type: ignore[misc]
            pruned += gone
    return pruned


def _deleted(store: Store, picture: str, known: Mapping[str, LedgerEntry], kept: Set[str]) -> bool:
    entry = known[picture]
    objects = {picture: entry.etag_by_name} if entry.etag_by_name else {}
    if entry.stored and entry.stored not in kept:
        objects[entry.stored] = entry.etag
    left = [key for key, etag in objects.items() if not _gone(store, key, etag)]
    return not left


def _gone(store: Store, key: str, etag: str) -> bool:
    """Remove what was written; what somebody else put there is not ours to delete."""
    try:
        store.delete(key, if_match=etag)
    except Conflict:
        return store.head(key) is None  # by another of its names, perhaps
    return True


def _marked(known: Ledger, pictures: Set[str]) -> Ledger:
    return Ledger(
        outputs={
            key: entry.model_copy(update={"stale": "a render that it needs is gone"}) if key in pictures else entry
            for key, entry in known.outputs.items()
        }
    )


def _without(known: Ledger, pictures: Collection[str]) -> Ledger:
    return Ledger(outputs={key: entry for key, entry in known.outputs.items() if key not in pictures})


def _all_outputs(store: Store, style: str) -> dict[str, LedgerEntry]:
    """Everything that the ledgers of a style know."""
    outputs: dict[str, LedgerEntry] = {}
    for entry in store.list(keys.composites_ledgers(style)):
        outputs |= ledger.read(store, entry.key, Ledger).outputs
    return outputs


def _with(known: InputLedger, learned: dict[str, InputDigest]) -> InputLedger:
    """The known digests with the new ones; what an older file of the same layer and colour was, is forgotten."""
    fresh = {_drawn(uri) for uri in learned}
    kept = {uri: digest for uri, digest in known.inputs.items() if _drawn(uri) not in fresh}
    new = {uri: KnownDigest(etag=digest.etag, digest=digest.digest) for uri, digest in learned.items()}
    return InputLedger(inputs=kept | new)


def _drawn(uri: str) -> tuple[str, int] | None:
    read = parse_render(uri.rpartition("/")[2])
    return (read[0].name, read[1]) if read else None


def ledger_of(style: str, name: str) -> str:
    """The ledger that a picture's name belongs to."""
    _, length, side, colour = name.rsplit("-", 3)
    return keys.composites_ledger(style, length, side, int(colour))
