"""The flow `sync`, as the engine wants it."""

from darkroom import keys
from darkroom.flows import Flow
from darkroom.jobs import Manifest, Output
from darkroom.store import open_store
from darkroom.sync.decision import is_plain
from darkroom.sync.job import SyncJob, SyncLedger
from darkroom.sync.plan import draft
from darkroom.sync.release import SyncRelease
from darkroom.sync.request import Request, request_from_params
from darkroom.sync.work import work


def stores(request: Request) -> tuple[str, ...]:
    """The studio's store, and every profile's folder and target."""
    return (request.store, *(place for profile in request.profiles for place in (profile.source, profile.target)))


def subjects(request: Request) -> tuple[str, ...]:
    """The targets: two runs that write to one wait for each other, whatever their profiles are called."""
    return tuple(open_store(profile.target).uri for profile in request.profiles)


def ledger(manifest: Manifest, output: Output) -> str:
    """An object whose ETag is the MD5 of its file is known by that; nobody asks of what was set aside."""
    says = is_plain(output.etag) and output.etag == output.recipe
    if says or output.key.startswith(keys.REMOVED):
        return ""
    return keys.synced_ledger(output.store, output.key)


FLOW = Flow(
    name="sync",
    noun="file",
    request=request_from_params,
    stores=stores,
    subjects=subjects,
    draft=draft,
    job_file=SyncJob,
    work=work,
    targets=lambda job: [item.key for item in job.items],
    ledger=ledger,
    ledger_model=SyncLedger,
    release=SyncRelease,
)
"""What the engine asks of it."""
