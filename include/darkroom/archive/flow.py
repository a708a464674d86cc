"""The flow `archive`, as the engine wants it."""

from darkroom import keys
from darkroom.archive.job import ArchiveJob, ArchiveLedger, entry_of
from darkroom.archive.plan import draft
from darkroom.archive.release import ArchiveRelease
from darkroom.archive.request import Request, request_from_params
from darkroom.archive.work import work
from darkroom.flows import Flow
from darkroom.jobs import Manifest, Output
from darkroom.store import open_store


def stores(request: Request) -> tuple[str, ...]:
    """The studio's store, and every pair's three."""
    return (
        request.store,
        *(place for pair in request.pairs for place in pair.stores),
    )


def subjects(request: Request) -> tuple[str, ...]:
    """The targets: two runs that write to one wait for each other, whatever their pairs are called."""
    return tuple(open_store(pair.target).uri for pair in request.pairs)


def ledger(manifest: Manifest, output: Output) -> str:
    """A copy, which says what it is of, is known by its key; a version by its hash."""
    if output.source:
        return keys.copies_ledger(output.store, output.key)
    return keys.versions_ledger(output.store, output.recipe)


FLOW = Flow(
    name="archive",
    noun="object",
    request=request_from_params,
    stores=stores,
    subjects=subjects,
    draft=draft,
    job_file=ArchiveJob,
    work=work,
    targets=lambda job: [item.target for item in job.items],
    ledger=ledger,
    ledger_model=ArchiveLedger,
    entry=entry_of,
    release=ArchiveRelease,
)
