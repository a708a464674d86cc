"""A job of pyramids: make what has no good outcome yet, and record what became of each."""

from collections.abc import Sequence

from darkroom.flows import NO_TIME
from darkroom.pyramids.batch import Limits, pyramid_line
from darkroom.pyramids.fetching import Address, Origin, Stored
from darkroom.pyramids.job import PyramidItem, PyramidJob
from darkroom.pyramids.profiles import PROFILES
from darkroom.settings import settings
from darkroom.store import Entry, Store
from darkroom.worker import Bench


def work(job: PyramidJob, bench: Bench) -> None:
    """Do a job's items that have no good outcome yet."""
    places, images = [bench.open(place) for place in job.places], bench.open(job.output_store)
    limits = Limits(bench.workers, settings().memory, settings().max_scan_pixels)
    with pyramid_line(images, PROFILES[job.profile], limits) as line:
        bench.each(job.items, lambda item: line.make(item, _origin(item, places)), line.at_once)


def _origin(item: PyramidItem, places: Sequence[Store]) -> Origin:
    if item.place is None:
        return Address(item.key)
    entry = Entry(key=item.key, bytes=item.bytes, etag=item.etag, modified=NO_TIME)
    return Stored(places[item.place], entry)
