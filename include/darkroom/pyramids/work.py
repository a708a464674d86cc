"""A job of pyramids: make what has no good outcome yet, and record what became of each."""

from collections.abc import Sequence

from darkroom.failures import Gone, Taken
from darkroom.flows import NO_TIME
from darkroom.jobs import Outcome, Output, State
from darkroom.pyramids.batch import Item, Limits, Result, pyramid_line
from darkroom.pyramids.fetching import Address, Origin, Stored
from darkroom.pyramids.job import PROTECTED, PyramidItem, PyramidJob
from darkroom.pyramids.profiles import PROFILES
from darkroom.settings import settings
from darkroom.store import Entry, Store
from darkroom.worker import Bench

GONE = "gone"
"""The fact of an outcome of the API's whose image on the web does not exist: 1."""
WIDTH, HEIGHT = "width", "height"
"""The facts of a pyramid: pixels of its largest level."""


def work(job: PyramidJob, bench: Bench) -> None:
    """Do a job's items that have no good outcome yet."""
    places, images = [bench.open(place) for place in job.places], bench.open(job.output_store)
    limits = Limits(bench.workers, settings().memory, settings().max_scan_pixels)

    def make(item: PyramidItem) -> Outcome:
        todo = Item(item.name, _origin(item, places), item.target, item.cap, item.replaces, item.replaces_copy)
        return outcome_of(item, line.make(todo))

    with pyramid_line(images, PROFILES[job.profile], limits) as line:
        bench.each(job.items, make, line.at_once)


def outcome_of(item: PyramidItem, result: Result) -> Outcome:
    """What became of an item, as its job's outcome."""
    made = result.made
    if made is None:
        return _not_made(item, result)
    return Outcome(
        item=item.name,
        group=item.group,
        state=State.DONE,
        reason=" ".join(made.source.notes),
        outputs=_outputs(item, result),
        bytes=sum(output.bytes for output in _outputs(item, result)),
        seconds=round(result.seconds, 3),
        facts={WIDTH: made.width, HEIGHT: made.height, **({PROTECTED: 1} if item.protected else {})},
    )


def _outputs(item: PyramidItem, result: Result) -> tuple[Output, ...]:
    """What of an item stands now: the pyramid, and the copy beside it, if it has one."""
    return tuple(
        Output(
            key=one.entry.key,
            recipe=item.recipe,
            etag=one.entry.etag,
            bytes=one.entry.bytes,
            hashes={"sha256": one.sha256},
            source=item.source,
        )
        for one in (result.pyramid, result.document)
        if one
    )


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
        facts={GONE: 1} if gone else {PROTECTED: 1} if item.protected else {},
    )


def _origin(item: PyramidItem, places: Sequence[Store]) -> Origin:
    if item.place is None:
        return Address(item.key)
    entry = Entry(key=item.key, bytes=item.bytes, etag=item.etag, modified=NO_TIME)
    return Stored(places[item.place], entry)
