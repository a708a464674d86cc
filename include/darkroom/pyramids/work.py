"""A job of pyramids: make what has no good outcome yet, and record what became of each."""

from collections.abc import Sequence
from datetime import UTC, datetime

from darkroom.failures import Gone, Taken
from darkroom.jobs import Outcome, Output, PlanFolder, Recorder, State, parse
from darkroom.progress import Progress
from darkroom.pyramids.batch import Item, Limits, Result, make_pyramids
from darkroom.pyramids.fetching import Address, Origin, Stored
from darkroom.pyramids.job import PyramidItem, PyramidJob
from darkroom.pyramids.profiles import PROFILES
from darkroom.settings import settings
from darkroom.store import Entry, Store, open_store

GONE = "gone"
"""The fact of an outcome of the API's whose image on the web does not exist: 1."""
WIDTH, HEIGHT = "width", "height"
"""The facts of a pyramid: pixels of its largest level."""

_NO_TIME = datetime.fromtimestamp(0, UTC)  # an item is pinned by its ETag


def work(job: bytes, where: str, recorder: Recorder, *, workers: int, progress: Progress) -> None:
    """Do a job's items that have no good outcome yet. Raises `BadInput` for a bad job file."""
    order = parse(PyramidJob, job, where)
    known = PlanFolder.at(order.plan).outcomes(order.number)
    fine = {name for name, outcome in known.items() if outcome.state in (State.DONE, State.SKIPPED)}
    items = {item.name: item for item in order.items if item.name not in fine}
    progress.advance(len(order.items) - len(items))
    places, images = [open_store(place) for place in order.places], open_store(order.store)
    todo = [
        Item(item.name, _origin(item, places), item.target, item.cap, item.replaces, item.replaces_copy)
        for item in items.values()
    ]
    limits = Limits(workers, settings().memory, settings().max_scan_pixels)
    for result in make_pyramids(todo, images, PROFILES[order.profile], limits):
        recorder.add([outcome_of(items[result.item.name], result)])
        progress.advance()
    for place in places:
        recorder.repeated(place.retries)
    recorder.repeated(images.retries)


def outcome_of(item: PyramidItem, result: Result) -> Outcome:
    """What became of an item, as its job's outcome."""
    made, entry = result.made, result.entry
    if made is None or entry is None:
        return _not_made(item, result)
    return Outcome(
        item=item.name,
        group=item.group,
        state=State.DONE,
        reason=" ".join(made.source.notes),
        outputs=_outputs(item, result),
        bytes=sum(output.bytes for output in _outputs(item, result)),
        digest=result.digest,
        seconds=round(result.seconds, 3),
        facts={WIDTH: made.width, HEIGHT: made.height},
    )


def _outputs(item: PyramidItem, result: Result) -> tuple[Output, ...]:
    """What of an item stands now: the pyramid, and the copy beside it, if it has one."""
    stand = [entry for entry in (result.entry, result.document) if entry]
    return tuple(Output(key=one.key, recipe=item.recipe, etag=one.etag, bytes=one.bytes) for one in stand)


def _not_made(item: PyramidItem, result: Result) -> Outcome:
    failure = result.failure
    assert failure
    gone = isinstance(failure, Gone) and item.place is None
    # what is wrong with an image, or stands in its way, is no fault of ours, and no later try mends it
    refused = failure.kind == "decode" or isinstance(failure, Taken)
    state = State.SKIPPED if gone else State.REFUSED if refused else State.FAILED
    return Outcome(
        item=item.name,
        group=item.group,
        state=state,
        reason=str(failure),
        kind=failure.kind,
        outputs=_outputs(item, result),
        seconds=round(result.seconds, 3),
        facts={GONE: 1} if gone else {},
    )


def _origin(item: PyramidItem, places: Sequence[Store]) -> Origin:
    if item.place is None:
        return Address(item.key)
    entry = Entry(key=item.key, bytes=item.bytes, etag=item.etag, modified=_NO_TIME)
    return Stored(places[item.place], entry)
