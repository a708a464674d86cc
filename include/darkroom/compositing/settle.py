"""Settling: prove what the outcomes say was written, and only then put it into the ledgers."""

from collections import defaultdict
from collections.abc import Iterable

from darkroom import keys, ledger
from darkroom.flows import Settlement
from darkroom.jobs import InputDigest, NotDone, Outcome, PlanFolder, State, dump
from darkroom.ledger import InputLedger, KnownDigest, Ledger, LedgerEntry
from darkroom.store import Entry, Store, open_store
from darkroom.styles.names import parse_render


def settle(folder: PlanFolder) -> Settlement:
    """Commit a plan's outcomes, whatever else failed: what is proven is kept.

    May be called again, also while workers run.
    """
    manifest = folder.manifest()
    store = open_store(manifest.store)
    style = manifest.subject
    done: list[Outcome] = []
    learned: dict[str, InputDigest] = {}
    for number in range(1, len(manifest.jobs) + 1):
        latest: dict[str, Outcome] = {}
        for _, batch in folder.batches(number):
            latest |= {outcome.item: outcome for outcome in batch.outcomes}
            learned |= {known.uri: known for known in batch.inputs}
        done += [outcome for outcome in latest.values() if outcome.state is State.DONE]
    unproven = _commit(store, style, done)
    _mark_stale(store, style, manifest.stale)
    if learned:
        ledger.update(store, keys.render_digests(style), InputLedger, lambda known: _with(known, learned))
    settlement = Settlement(proven=len(done) - len(unproven), unproven=tuple(unproven))
    folder.write(keys.SETTLEMENT, dump(settlement))
    return settlement


def _commit(store: Store, style: str, done: Iterable[Outcome]) -> list[NotDone]:
    """Put the proven outcomes into their ledgers; returns the others."""
    by_ledger: dict[str, list[Outcome]] = defaultdict(list)
    cuts: set[str] = set()
    for outcome in done:
        by_ledger[ledger_of(style, outcome.item)].append(outcome)
        cuts |= {output.key.split("/")[-2] for output in outcome.outputs}
    listing = {entry.key: entry for cut in sorted(cuts) for entry in store.list(keys.cut_prefix(style, cut))}
    unproven: list[NotDone] = []
    for key, outcomes in by_ledger.items():
        entries: dict[str, LedgerEntry] = {}
        for outcome in outcomes:
            wrong = _unproven(outcome, listing)
            if wrong:
                unproven.append(NotDone(item=outcome.item, group=outcome.group, state=State.FAILED, reason=wrong))
                continue
            entries |= {
                output.key: LedgerEntry(recipe=output.recipe, etag=output.etag, bytes=output.bytes)
                for output in outcome.outputs
            }
        if entries:
            ledger.update(store, key, Ledger, lambda standing, new=entries: Ledger(outputs=standing.outputs | new))  # type: ignore[misc]
    return unproven


def _unproven(outcome: Outcome, listing: dict[str, Entry]) -> str:
    for output in outcome.outputs:
        found = listing.get(output.key)
        if found is None:
            return f"not proven: {output.key} was written but is not there"
        if (found.etag, found.bytes) != (output.etag, output.bytes):
            return f"not proven: {output.key} is another object than was written"
    return ""


def _mark_stale(store: Store, style: str, stale: Iterable[str]) -> None:
    by_ledger: dict[str, set[str]] = defaultdict(set)
    for key in stale:
        by_ledger[ledger_of(style, key.rpartition("/")[2].removesuffix(".png"))].add(key)
    for key, pictures in by_ledger.items():
        ledger.update(store, key, Ledger, lambda standing, marked=pictures: _stale(standing, marked))  # type: ignore[misc]


def _stale(standing: Ledger, pictures: set[str]) -> Ledger:
    marked = {
        key: entry.model_copy(update={"stale": "a render that it needs is gone"}) if key in pictures else entry
        for key, entry in standing.outputs.items()
    }
    return Ledger(outputs=marked)


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
