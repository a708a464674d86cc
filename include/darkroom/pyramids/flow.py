"""The flow `pyramids`, as the engine wants it."""

from collections.abc import Iterable

import pyvips

from darkroom import keys
from darkroom.errors import StoreError
from darkroom.flows import Collecting, Flow, Gathered, Run
from darkroom.imaging.headers import RangeReader
from darkroom.jobs import Outcome, State
from darkroom.pyramids.collect import Drive, collect
from darkroom.pyramids.job import PyramidJob, PyramidLedger, entry_of
from darkroom.pyramids.names import copy_beside
from darkroom.pyramids.plan import draft
from darkroom.pyramids.release import PyramidsRelease
from darkroom.pyramids.request import Request, request_from_params
from darkroom.pyramids.standing import NAME
from darkroom.pyramids.work import work
from darkroom.settings import settings
from darkroom.store import Store

_SHOWN = 142  # pixels of a side


def stores(request: Request) -> tuple[str, ...]:
    """The studio's store, that of the images, every place of scans that is asked about, and the API."""
    places = (request.store, request.images, *request.places, *request.api_places)
    return (*places, request.api) if request.api else places


def subjects(request: Request) -> tuple[str, ...]:
    """The sources."""
    return request.sources


def gather(request: Request, run: Run, drive: Drive) -> Gathered:
    """Drain the queue, list the API's files, fetch what lies in Google Drive; plan reads what was written of it."""
    found = collect(request, drive, run)
    waiting = [f"About {found.waiting} messages wait in the queue; mode plan takes none."] if found.waiting else []
    return Gathered(
        counts={
            "marked": found.marked,
            "files": len(found.files),
            "gone": sum(file.gone for file in found.museum.values()),
            "problems": len(found.problems),
        },
        said=[
            *waiting,
            f"The queue: {found.marked} images marked, {found.already} were already, {found.passed} other events.",
            f"The API: {len(found.files)} files, {len(found.museum)} of them in Google Drive.",
        ],
        left=[f"Left in the queue: {sentence}" for sentence in found.left],
        problems=found.problems,
    )


def targets(job: PyramidJob) -> list[str]:
    """The pyramids, and the copies that may lie beside them."""
    return [key for item in job.items for key in (item.target, copy_beside(item.target))]


def previews(outcomes: Iterable[Outcome], most: int) -> list[str]:
    """Keys of pyramids that were made, evenly over all of them."""
    made = [outcome.outputs[0].key for outcome in outcomes if outcome.state is State.DONE]
    return made[:: max(1, -(-len(made) // most))]


def picture(store: Store, key: str) -> bytes | None:
    """A pyramid's smallest level that is large enough, as a PNG; only that is fetched.

    Nothing where somebody has put something else there, or taken it away.
    """
    entry = store.head(key)
    try:
        return _smallest_level(RangeReader(store, entry)) if entry else None
    except (pyvips.Error, StoreError):
        return None


def _smallest_level(reader: RangeReader) -> bytes:
    image = pyvips.Image.tiffload_source(reader.source())
    for page in reversed(range(image.get("n-pages"))):
        level = pyvips.Image.tiffload_source(reader.source(), page=page)
        if max(level.width, level.height) >= _SHOWN:
            image = level
            break
    small: bytes = image.thumbnail_image(_SHOWN, size="down").pngsave_buffer(compression=9, keep="none")
    return small


FLOW = Flow(
    name=NAME,
    noun="image",
    request=request_from_params,
    stores=stores,
    subjects=subjects,
    draft=draft,
    job_file=PyramidJob,
    work=work,
    targets=targets,
    ledger=lambda manifest, output: keys.pyramids_ledger(output.key),
    ledger_model=PyramidLedger,
    entry=entry_of,
    collecting=Collecting(lambda request: (*settings().scan_sources.values(), settings().scan_queue), gather),
    release=PyramidsRelease,
    backfill=True,
    previews=previews,
    picture=picture,
)
