"""Settling: prove what was published, and only then let go of what asked for it, one by one."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from darkroom import keys, ledger
from darkroom.errors import Conflict, DarkroomError
from darkroom.flows import Settlement
from darkroom.jobs import Manifest, Mode, NotDone, Outcome, PlanFolder, State, dump, parse
from darkroom.outside.appsync import FilesApi
from darkroom.progress import Progress
from darkroom.pyramids.failed_days import settle_failures
from darkroom.pyramids.job import Claim, Claims, MarkerRef, PyramidEntry, PyramidLedger
from darkroom.pyramids.request import Request
from darkroom.pyramids.work import GONE, HEIGHT, WIDTH
from darkroom.settings import settings
from darkroom.store import Store, open_store

_BAD = (State.REFUSED, State.FAILED)
_MOST_NOTES = 200

A = TypeVar("A")
B = TypeVar("B")


@dataclass
class _Night:
    """What became of everything that the plan names."""

    proven: dict[str, Outcome] = field(default_factory=dict)
    unproven: list[NotDone] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    """The reasons by item."""
    gone: dict[str, str] = field(default_factory=dict)
    """The ids of the API's files that do not exist, by item."""
    beside: list[Outcome] = field(default_factory=list)
    """Failed ones of which something was published all the same: the copy of a PDF without its pyramid."""
    skipped: int = 0
    notes: list[str] = field(default_factory=list)

    def not_proven(self, outcome: Outcome, reason: str, kind: str) -> None:
        self.proven.pop(outcome.item, None)
        self.failed[outcome.item] = reason
        self.unproven.append(
            NotDone(item=outcome.item, group=outcome.group, state=State.FAILED, reason=reason, kind=kind)
        )


def settle(folder: PlanFolder) -> Settlement:
    """Commit a plan's outcomes: the ledger first, then what waited for them. May be called again.

    A marker goes only when its pyramid is proven and it is the marker that the plan saw; the API is told of a pyramid
    only when it is proven, and to forget a file only when there is none (404).
    """
    manifest = folder.manifest()
    request = Request.model_validate(manifest.request)
    claims = parse(Claims, folder.read(keys.CLAIMS), folder.uri_of(keys.CLAIMS)).claims
    store, images = open_store(request.store), open_store(request.images)
    night = _Night()
    if request.mode is not Mode.PLAN:
        _prove(_outcomes(folder, manifest, claims, night), images, night)
        _commit(store, night, claims)
        _tell_the_api(request.api, claims, night)
        _settle_markers(store, manifest, claims, night)
    notes = night.notes[:_MOST_NOTES]
    if len(night.notes) > _MOST_NOTES:
        notes.append(f"... and {len(night.notes) - _MOST_NOTES} more of the kind.")
    settlement = Settlement(
        proven=len(night.proven),
        unsure=sum(job.items for job in manifest.jobs) - night.skipped - len(night.proven),
        unproven=tuple(night.unproven),
        notes=tuple(notes),
    )
    folder.write(keys.SETTLEMENT, dump(settlement))
    return settlement


def _outcomes(folder: PlanFolder, manifest: Manifest, claims: Mapping[str, Claim], night: _Night) -> Iterator[Outcome]:
    """Those that are done; what else became of items goes into the night."""
    for number in range(1, len(manifest.jobs) + 1):
        for outcome in folder.outcomes(number).values():
            if outcome.state is State.DONE:
                yield outcome
            elif outcome.state in _BAD:
                night.failed[outcome.item] = outcome.reason
                night.beside += [outcome] if outcome.outputs else []
            else:
                night.skipped += 1
            if GONE in outcome.facts:
                night.gone |= {f"{outcome.item} ({id_})": id_ for id_ in claims[outcome.item].file_ids}
    for name, claim in claims.items():
        if claim.state == "refused":
            night.failed[name] = claim.reason
        elif claim.state == "gone":
            night.gone |= {f"{name} ({id_})": id_ for id_ in claim.file_ids}


def _prove(done: Iterable[Outcome], images: Store, night: _Night) -> None:
    """Does everything stand that the workers say they published?"""

    def wrong(outcome: Outcome) -> str:
        for output in outcome.outputs:
            found = images.head(output.key)
            if found is None:
                return f"not proven: {output.key} was written but is not there"
            if found.etag != output.etag:
                return f"not proven: {output.key} is another object than was written"
        return ""

    outcomes = list(done)
    for outcome, reason in zip(outcomes, _at_once(images, "pyramids proven", wrong, outcomes), strict=True):
        if reason:
            night.not_proven(outcome, reason, "write")
        else:
            night.proven[outcome.item] = outcome
    night.beside = [outcome for outcome in night.beside if not wrong(outcome)]


def _commit(store: Store, night: _Night, claims: Mapping[str, Claim]) -> None:
    """Put what is proven into its ledgers: pyramids, and copies beside them."""
    shards: dict[str, dict[str, PyramidEntry]] = defaultdict(dict)
    for outcome in [*night.beside, *night.proven.values()]:
        claim = claims[outcome.item]
        for output in outcome.outputs:
            shards[keys.pyramids_ledger(output.key)][output.key] = PyramidEntry(
                recipe=output.recipe,
                etag=output.etag,
                bytes=output.bytes,
                source=claim.source,
                protected=claim.protected,
            )

    def commit(key: str) -> None:
        new = shards[key]
        ledger.update(store, key, PyramidLedger, lambda known: PyramidLedger(outputs=known.outputs | new))

    _at_once(store, "ledgers written", commit, list(shards))


def _tell_the_api(url: str, claims: Mapping[str, Claim], night: _Night) -> None:
    """One by one. What it cannot be told of counts as not done: it lists the file again in the next night."""
    waiting = [(outcome, claims[name].file_ids) for name, outcome in night.proven.items() if claims[name].file_ids]
    if not waiting and not night.gone:
        return
    api = FilesApi(url)
    with Progress("files that the API was told of", len(waiting) + len(night.gone)) as progress:
        for outcome, ids in waiting:
            try:
                for file_id in ids:
                    api.processed(file_id, width=outcome.facts[WIDTH], height=outcome.facts[HEIGHT])
            except DarkroomError as error:
                reason = f"its pyramid is there, but the API cannot be told so: {error}".rstrip(".")
                night.not_proven(outcome, reason, "settle")
            progress.advance()
        for name, file_id in night.gone.items():
            try:
                api.remove(file_id)
            except DarkroomError as error:
                night.notes.append(f"{name}: the API cannot be told that there is no such image: {error}")
            progress.advance()


def _settle_markers(store: Store, manifest: Manifest, claims: Mapping[str, Claim], night: _Night) -> None:
    """Remove the markers of what is proven, and count the others' failure."""
    proven = [ref for name, claim in claims.items() if _is_settled(name, claim, night) for ref in claim.markers]
    left = _at_once(store, "markers removed", lambda ref: _removed(store, ref), proven)
    changed = [ref.key for ref, gone in zip(proven, left, strict=True) if not gone]
    night.notes += [f"{key}: it changed since the plan, and stays." for key in changed]
    failed = {
        ref: night.failed[name] for name, claim in claims.items() if name in night.failed for ref in claim.markers
    }
    settled = {ref.key for ref in proven}
    night.notes += settle_failures(store, failed, settled, manifest.created.date(), settings().scan_nights)


def _is_settled(name: str, claim: Claim, night: _Night) -> bool:
    return claim.state == "standing" or (claim.state == "todo" and name in night.proven)


def _removed(store: Store, ref: MarkerRef) -> bool:
    try:
        store.delete(ref.key, if_match=ref.etag)
    except Conflict:
        return store.head(ref.key) is None
    return True


def _at_once(store: Store, title: str, do: Callable[[A], B], many: list[A]) -> list[B]:
    """Do something for each of many, as many at once as serve a store best."""
    done = []
    with ThreadPoolExecutor(store.concurrency, "settling") as pool, Progress(title, len(many)) as progress:
        for one in pool.map(do, many):
            done.append(one)
            progress.advance()
    return done
