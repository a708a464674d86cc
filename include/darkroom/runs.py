"""A whole run in this process: plan, run, settle, report; goes on where an interrupted one of the same ended."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from darkroom import keys, leases, worker
from darkroom.amounts import counted
from darkroom.errors import BadInput
from darkroom.flows import Flow, Request, Run
from darkroom.jobs import Manifest, Mode, Report
from darkroom.plan_folder import PlanFolder
from darkroom.planning import plan, preview
from darkroom.progress import Progress
from darkroom.reports import build_report, make_report
from darkroom.settling import settle
from darkroom.store import Store, open_store
from darkroom.worker import Watch

log = logging.getLogger(__name__)


class Interrupted(KeyboardInterrupt):
    """Ctrl-C in the middle of a run. Its text says what is kept, and how to go on; `todo` is how much was planned."""

    def __init__(self, said: str, todo: int) -> None:
        super().__init__(said)
        self.todo = todo


def run_here(
    flow: Flow, request: Request, *, command: str, subject: str, workers: int, watch: Watch | None = None
) -> Report:
    """Do a run here. In mode `plan` only say what it would do; nothing is written then.

    `command` and `subject` are the plan's place below `work/`, as a DAG's id and its run's are. A run that somebody
    watches gets no page. Raises `BadInput`, `Busy` where another run is at work on the same, and `Interrupted`.
    """
    run = Run(command, subject, here=True)
    if request.mode is Mode.PLAN:
        return build_report(preview(flow, request, run), ())
    store, subjects = open_store(request.store), tuple(flow.subjects(request))
    leases.check(store, flow.name, subjects, run.holder)
    try:
        made = _recovered(flow, store, run, request)
        manifest = plan(flow, request, replace(run, made=made))
        with leases.kept(store, flow.name, subjects, run.holder):
            return finish(manifest, workers, watch)
    finally:
        leases.free(store, flow.name, subjects, run.holder)


def finish(manifest: Manifest, workers: int, watch: Watch | None = None) -> Report:
    """Run, settle and report what was planned. Raises `Interrupted`."""
    folder, title = PlanFolder.at(manifest.uri), " ".join(manifest.subjects) or manifest.flow
    with Progress(title, manifest.todo) as progress, _interruptible(manifest, progress):
        for job in manifest.jobs:
            worker.run_job(job.uri, workers=workers, progress=progress, watch=watch)
        settle(folder)
        return make_report(folder, page=watch is None)


@contextmanager
def _interruptible(manifest: Manifest, progress: Progress) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        finished = f"{progress.done:,} of {counted(manifest.todo, manifest.noun)} are finished and kept"
        raise Interrupted(f"{finished}; the same command goes on with the rest.", manifest.todo) from None


def _recovered(flow: Flow, store: Store, run: Run, request: Request) -> set[str]:
    """Commit what interrupted runs of this command had finished; returns the items that one of this request had made.

    Under the lease, so that nobody is at work in them any more.
    """
    made: set[str] = set()
    unread = 0
    prefix = keys.run_folder(run.dag_id, run.run_id)
    plans = [entry.key.removesuffix(keys.MANIFEST) for entry in store.list(prefix) if _is_manifest(entry.key)]
    for plan_prefix in sorted(plans):
        folder = PlanFolder.at(store.uri_of(plan_prefix.rstrip("/")))
        settlement = folder.settlement()
        if settlement and settlement.batches == folder.batches() and folder.has(keys.REPORT_JSON):
            continue
        try:
            manifest = folder.manifest()
        except BadInput:
            unread += 1
            continue
        leases.take(store, flow.name, flow.subjects(request), run.holder)
        settle(folder)
        make_report(folder, ["The run was interrupted; a later one went on from here."])
        if manifest.request == request.model_dump(mode="json"):
            latest = (outcome for of_job in folder.all_outcomes() for outcome in of_job.latest.values())
            made |= {outcome.item for outcome in latest if outcome.state.is_good}
    if unread:
        what = counted(unread, "older plan")
        log.info("%s left as they are: of another version of Darkroom, or damaged.", what)
    return made


def _is_manifest(key: str) -> bool:
    return key.rpartition("/")[2] == keys.MANIFEST
