"""The flow `ingest`, as the engine wants it."""

from collections.abc import Iterable

from darkroom import keys
from darkroom.flows import Flow, png_at
from darkroom.ingest.job import IngestJob, IngestLedger, entry_of
from darkroom.ingest.plan import NAME, draft
from darkroom.ingest.release import IngestRelease
from darkroom.ingest.request import Request, request_from_params
from darkroom.ingest.work import work
from darkroom.jobs import Outcome


def stores(request: Request) -> tuple[str, ...]:
    """The studio's store, and where renders are delivered."""
    return (request.store, request.source) if request.source else (request.store,)


def subjects(request: Request) -> tuple[str, ...]:
    """The styles."""
    return tuple(delivery.style for delivery in request.styles)


def targets(job: IngestJob) -> list[str]:
    """The raw renders and proxies that a job may write."""
    return [key for item in job.items for key in (item.raw, item.proxy) if key]


def previews(outcomes: Iterable[Outcome], most: int) -> list[str]:
    """Keys of proxies that were made, evenly over all of them."""
    made = [one.key for outcome in outcomes for one in outcome.outputs if one.key.startswith(keys.PROXIES)]
    return made[:: max(1, -(-len(made) // most))]


FLOW = Flow(
    name=NAME,
    noun="file",
    request=request_from_params,
    stores=stores,
    subjects=subjects,
    draft=draft,
    job_file=IngestJob,
    work=work,
    targets=targets,
    ledger=lambda manifest, output: keys.ingest_ledger(output.key),
    ledger_model=IngestLedger,
    entry=entry_of,
    release=IngestRelease,
    backfill=True,
    previews=previews,
    picture=png_at,
)
"""What the engine asks of it."""
