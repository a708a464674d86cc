"""A job of the sync flow: upload and remove what has no good outcome yet."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

from darkroom.approvals import approval
from darkroom.aside import Aside
from darkroom.plan_folder import PlanFolder
from darkroom.store.folder_paths import Paths
from darkroom.store.room import Room
from darkroom.sync.cache import Cache
from darkroom.sync.job import SyncJob
from darkroom.sync.rules import Checker
from darkroom.sync.scan import root_of
from darkroom.sync.transfer import Line
from darkroom.worker import Bench


def work(job: SyncJob, bench: Bench) -> None:
    """Do a job's items that have no good outcome yet."""
    target = bench.open(job.output_store)
    known = Cache.of(job.profile.source)
    line = Line(
        folder=Paths(Path(root_of(job.profile.source))),
        target=target,
        aside=Aside(target) if job.profile.set_aside else None,
        checker=Checker(job.rules),
        room=Room(),
        note=known.note,
        approved=_approved(PlanFolder(bench.open(job.plan), "")),
    )
    try:
        bench.each(job.items, line.do, at_once=target.concurrency)
    finally:
        known.close()


def _approved(folder: PlanFolder) -> Callable[[], bool]:
    """Asks once whether a person has said yes, when that matters first."""

    @cache
    def approved() -> bool:
        given = approval(folder)
        return given is not None and given.approved

    return approved
