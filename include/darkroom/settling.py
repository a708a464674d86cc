"""Settling: prove what the outcomes say was written, commit it to the ledgers, and only then let go (DESIGN 3)."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from darkroom import flows, keys, leases, ledger
from darkroom.errors import Busy, StoreError
from darkroom.flows import Flow, Released
from darkroom.jobs import Manifest, Mode, NotDone, Outcome, Output, Settlement, State, dump
from darkroom.ledger import LedgerEntry
from darkroom.plan_folder import PlanFolder
from darkroom.store import Entry, Store, asked

KIND = "write"
"""The step that failed, of what was written and is not there."""


def settle(folder: PlanFolder) -> Settlement:
    """Commit a plan's outcomes, whatever else failed: what is proven is kept. A job at a time, so memory does too.

    May be called again, also while workers run, and late: what a newer run made meanwhile is neither committed under
    this plan's recipes nor taken away.
    """
    manifest = folder.manifest()
    flow = flows.get(manifest.flow)
    store = folder.open(manifest.store)
    holder = leases.Holder(manifest.run)
    with suppress(Busy):  # settling late is no fault: whatever it does is conditional
        leases.take(store, flow.name, manifest.subjects, holder)
    release = flow.release(folder, manifest) if flow.release and manifest.mode is not Mode.PLAN else None
    proven = skipped = batches = 0
    unproven: list[NotDone] = []
    for of_job in folder.all_outcomes():
        batches += of_job.batches
        wrong = _unproven(folder, manifest, of_job.latest.values())
        _commit(flow, manifest, store, of_job.latest.values(), wrong)
        if release:
            release.job(of_job, wrong)
        states = [outcome.state for outcome in of_job.latest.values()]
        unproven += (one for one in wrong.values() if of_job.latest[one.item].state is State.DONE)
        proven += states.count(State.DONE)
        skipped += states.count(State.SKIPPED)
    released = release.end() if release else Released()
    unproven += released.unproven
    proven -= len(unproven)
    settlement = Settlement(
        proven=proven,
        unsure=sum(job.items for job in manifest.jobs) - proven - skipped - released.held,
        held=released.held,
        news=tuple(released.news),
        unproven=tuple(unproven),
        pruned=tuple(released.pruned),
        notes=tuple(released.notes),
        problems=tuple(released.problems),
        batches=batches,
        requests=asked.taken(),
    )
    folder.write(keys.SETTLEMENT, dump(settlement))
    leases.free(store, flow.name, manifest.subjects, holder)
    return settlement


def is_settled(folder: PlanFolder) -> bool:
    """Has settling seen every item come to a good end, so that nothing stands of which no ledger knows?"""
    settlement = folder.settlement()
    return settlement is not None and not settlement.unsure


_Written = dict[str, list[tuple[Outcome, Output]]]


def _unproven(folder: PlanFolder, manifest: Manifest, outcomes: Iterable[Outcome]) -> dict[str, NotDone]:
    """The items of which something does not stand as their worker wrote it, or still does, with the reason."""
    by_store: dict[str, _Written] = defaultdict(lambda: defaultdict(list))
    for outcome in outcomes:
        for output in outcome.outputs:
            by_store[output.store or manifest.output_store][output.at].append((outcome, output))
    return {
        outcome.item: NotDone(
            item=outcome.item, group=outcome.group, state=State.FAILED, reason=f"not proven: {key}: {reason}", kind=KIND
        )
        for location, written in by_store.items()
        for key, reason in _reasons(folder.open(location), written).items()
        for outcome, _ in written[key]
    }


def _reasons(store: Store, written: _Written) -> dict[str, str]:
    """Why an object is not as its last writer says, by key."""
    last = {key: many[-1][1] for key, many in written.items()}
    entries = {key: Entry(key, one.bytes, one.etag, modified=flows.NO_TIME) for key, one in last.items()}
    lost = store.unconfirmed(entry for key, entry in entries.items() if not last[key].removed)
    removed = [key for key, one in last.items() if one.removed]
    with ThreadPoolExecutor(store.concurrency, "removed") as pool:
        reasons = pool.map(lambda key: _not_gone(store, key, last[key].etag), removed)
    still = {key: reason for key, reason in zip(removed, reasons, strict=True) if reason}
    differ = {
        key: "two items wrote it, and differ"
        for key, many in written.items()
        if any((one.etag, one.removed) != (last[key].etag, last[key].removed) for _, one in many)
    }
    return differ | lost | still


def _not_gone(store: Store, key: str, etag: str) -> str:
    """Why an object is not proven to be removed; what somebody else put there since is not it."""
    try:
        found = store.head(key)
    except StoreError as error:
        return str(error)
    return "it still stands" if found and found.etag == etag else ""


def _commit(
    flow: Flow, manifest: Manifest, store: Store, outcomes: Iterable[Outcome], wrong: Mapping[str, NotDone]
) -> None:
    """Put the proven outputs into their ledgers, also those of items of which only something was written.

    What is proven to be removed goes.
    """
    shards: dict[str, dict[str, LedgerEntry]] = defaultdict(dict)
    removed: dict[str, set[str]] = defaultdict(set)
    for outcome in outcomes:
        if outcome.item in wrong:
            continue
        for output in outcome.outputs:
            key = flow.ledger(manifest, output)
            if not key:
                continue
            if output.removed:
                removed[key].add(output.key)
            else:
                shards[key][output.key] = flow.entry(outcome, output)

    def commit(key: str) -> None:
        ledger.update(store, key, flow.ledger_model, lambda known: known.without(removed[key]).merged(shards[key]))

    with ThreadPoolExecutor(store.concurrency, "ledgers") as pool:
        list(pool.map(commit, [*shards, *(removed.keys() - shards.keys())]))
