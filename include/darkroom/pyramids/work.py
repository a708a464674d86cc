"""A job of pyramids: make what has no good outcome yet, and record what became of each."""

from darkroom.flows import NO_TIME
from darkroom.pyramids.batch import Limits, pyramid_line
from darkroom.pyramids.fetching import Address, Origin, Stored
from darkroom.pyramids.job import PyramidItem, PyramidJob
from darkroom.pyramids.profiles import PROFILES
from darkroom.settings import settings
from darkroom.store import Entry
from darkroom.worker import Bench


def work(job: PyramidJob, bench: Bench) -> None:
    """Do a job's items that have no good outcome yet."""
    limits = Limits(bench.workers, settings().memory, settings().max_scan_pixels)
    with pyramid_line(bench.open(job.output_store), PROFILES[job.profile], limits) as line:
        bench.each(job.items, lambda item: line.make(item, _origin(item, bench)), line.at_once)


def _origin(item: PyramidItem, bench: Bench) -> Origin:
    if not item.place:
        return Address(item.key)
    return Stored(bench.open(item.place), Entry(item.key, item.bytes, item.etag, modified=NO_TIME))
