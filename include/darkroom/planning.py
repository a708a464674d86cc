"""Planning: a flow's draft becomes a plan, its jobs cut by what they cost, the manifest last (DESIGN 3)."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from darkroom import keys, leases
from darkroom.amounts import counted
from darkroom.estimates import Estimate, Requests, Spends, of_job, of_run, prices_of, total
from darkroom.figures import figures_of
from darkroom.flows import Costed, Draft, Flow, Request, Run
from darkroom.jobs import MOST_JOBS, GroupReport, JobRef, Manifest, Mode, dump
from darkroom.machines import MACHINES
from darkroom.plan_folder import PlanFolder, new_plan_id
from darkroom.store import asked, open_store
from darkroom.store.expiry import expire

ItemT = TypeVar("ItemT")

LONGEST = 600.0
"""Seconds of one core that a job should not exceed."""
_ABANDONED, _EXPIRED = timedelta(days=1), timedelta(days=30)


def plan(flow: Flow, request: Request, run: Run) -> Manifest:
    """Draft, and write the plan's folder: jobs first, the manifest last, so that a manifest means a whole plan.

    In mode `plan` there are no jobs. Raises `BadInput`, with nothing written, and `Busy` where another run is at it.
    """
    began = datetime.now(UTC)
    store = open_store(request.store, run.access)
    subjects = tuple(flow.subjects(request))
    if request.mode is not Mode.PLAN:
        leases.check(store, flow.name, subjects, run.holder)
    run = replace(run, figures=figures_of(store))
    draft = flow.draft(request, run)
    jobs = cut(draft.todo, draft.enough)
    estimate = estimated(draft, jobs)
    if request.mode is not Mode.PLAN:  # only now: a request that is refused leaves nothing behind
        leases.take(store, flow.name, subjects, run.holder)
    folder = PlanFolder(store, keys.plan_folder(run.dag_id, run.run_id, new_plan_id()))
    if request.mode is not Mode.PLAN:
        expire(store, keys.WORK, older_than=_EXPIRED)
        outputs = open_store(draft.output_store, run.access)
        for prefix in draft.prefixes:
            outputs.sweep(prefix, older_than=_ABANDONED)
    refs = list(_written_jobs(flow, draft, jobs, folder)) if request.mode is not Mode.PLAN else []
    for key, document in draft.documents.items():
        folder.write(key, dump(document))
    for key, text in draft.texts.items():
        text.seek(0)
        folder.store.write(folder.prefix + key, text, content_type="text/plain", durable=True)
    manifest = _manifest(flow, request, run, draft, began, subjects, estimate, uri=folder.uri, jobs=refs)
    folder.write(keys.MANIFEST, dump(manifest))
    return manifest


def preview(flow: Flow, request: Request, run: Run) -> Manifest:
    """What a plan would say; nothing is written."""
    return previewed(flow, request, run)[0]


def previewed(flow: Flow, request: Request, run: Run) -> tuple[Manifest, Draft[Any]]:
    """The same, with the draft that it is told from."""
    began, subjects = datetime.now(UTC), tuple(flow.subjects(request))
    run = replace(run, figures=figures_of(open_store(request.store, run.access)))
    draft = flow.draft(request, run)
    estimate = estimated(draft, cut(draft.todo, draft.enough))
    return _manifest(flow, request, run, draft, began, subjects, estimate), draft


def _manifest(
    flow: Flow,
    request: Request,
    run: Run,
    draft: Draft[ItemT],
    began: datetime,
    subjects: tuple[str, ...],
    estimate: Estimate | None,
    *,
    uri: str = "",
    jobs: Sequence[JobRef] = (),
) -> Manifest:
    return Manifest(
        flow=flow.name,
        noun=flow.noun,
        uri=uri,
        store=open_store(request.store).uri,
        output_store=draft.output_store,
        stores=draft.stores,
        mode=request.mode,
        created=began,
        run=run.holder.name,
        subjects=subjects,
        title=draft.title,
        request=request.model_dump(mode="json"),
        planned=draft.planned.total(),
        skipped=draft.skipped.total(),
        todo=sum(one.count for one in draft.todo),
        distinct=draft.distinct,
        refused=tuple(draft.refused),
        findings=tuple(draft.findings),
        problems=tuple(draft.problems),
        stale=dict(draft.stale),
        groups={group: GroupReport(planned=n, skipped=draft.skipped[group]) for group, n in draft.planned.items()},
        estimate=estimate,
        requests=asked.taken(),
        jobs=tuple(jobs),
    )


def _written_jobs(
    flow: Flow, draft: Draft[ItemT], jobs: Sequence[Sequence[Costed[ItemT]]], folder: PlanFolder
) -> Iterator[JobRef]:
    for number, costed in enumerate(jobs, 1):
        items = [one.item for one in costed]
        machine = machine_for(max(one.memory for one in costed))
        head = {
            "flow": flow.name,
            "number": number,
            "label": draft.label(items) if draft.label else counted(sum(one.count for one in costed), flow.noun),
            "machine": machine,
            "plan": folder.uri,
            "store": folder.store.uri,
            "output_store": draft.output_store,
            "stores": draft.stores,
        }
        make = draft.job or (lambda head, items: flow.job_file.model_validate({**head, "items": items}))
        job = make(head, tuple(items))
        folder.write(keys.job(number), dump(job))
        uri = folder.uri_of(keys.job(number))
        yield JobRef(uri=uri, label=job.label, machine=machine, items=sum(one.count for one in costed))


def estimated(draft: Draft[ItemT], jobs: Sequence[Sequence[Costed[ItemT]]]) -> Estimate | None:
    """What a draft's jobs will cost, in the deployment's prices; None where there are none."""
    if not jobs:
        return None
    prices, seconds = prices_of(), [sum(one.seconds for one in job) for job in jobs]
    spends = [one.spends for job in jobs for one in job if one.spends and not is_folder(draft.output_store)]
    requests = requests_of(draft, jobs) if spends else Requests()
    cost = total((prices.of_cores(sum(seconds)), prices.of_requests(requests) if spends else None))
    return Estimate(
        core_seconds=sum(seconds),
        longest=max(seconds),
        jobs=len(jobs),
        puts=round(requests.puts),
        lists=round(requests.lists),
        gets=round(requests.gets),
        bytes=round(sum(one.bytes for one in spends)),
        cost=cost,
        currency=prices.currency,
    )


def is_folder(location: str) -> bool:
    """Does nobody charge for requests there?"""
    return location.startswith("file://") or "://" not in location


def requests_of(draft: Draft[ItemT], jobs: Sequence[Sequence[Costed[ItemT]]]) -> Requests:
    """The requests of a draft's run, from its plan to its report, as an S3 store counts them."""
    items = sum(one.count for job in jobs for one in job)
    whole = of_run(items, prefixes=len(draft.prefixes), ledgers=draft.ledgers)
    return sum((_requests_of(draft, job) for job in jobs), whole)


def _requests_of(draft: Draft[ItemT], job: Sequence[Costed[ItemT]]) -> Requests:
    return of_job(
        sum(one.count for one in job),
        [one.spends or Spends() for one in job],
        seconds=sum(one.seconds for one in job) / MACHINES[machine_for(max(one.memory for one in job))].cpus,
        ledgers=draft.ledgers,
        among=draft.among,
    )


def cut(todo: Sequence[Costed[ItemT]], enough: float, most: int = MOST_JOBS) -> list[list[Costed[ItemT]]]:
    """What is to be done, in at most `most` jobs: those together that may be, and that need the same size of machine.

    A job ends once it takes `enough` seconds, or before one that would make it longer than `LONGEST`. Where that gives
    too many jobs, both bounds grow until it does not.
    """
    kinds: dict[tuple[str, str], list[Costed[ItemT]]] = {}
    for one in todo:
        kinds.setdefault((one.apart, machine_for(one.memory)), []).append(one)
    factor = 1
    while True:
        jobs = [job for alike in kinds.values() for job in _gathered(alike, enough * factor, LONGEST * factor)]
        if len(jobs) <= max(most, len(kinds)):
            return jobs
        factor *= 2


def _gathered(alike: Sequence[Costed[ItemT]], enough: float, longest: float) -> Iterator[list[Costed[ItemT]]]:
    job: list[Costed[ItemT]] = []
    seconds = 0.0
    for one in alike:
        if job and (seconds >= enough or seconds + one.seconds > longest):
            yield job
            job, seconds = [], 0.0
        job.append(one)
        seconds += one.seconds
    if job:
        yield job


def machine_for(memory: int) -> str:
    """The smallest machine that holds so many bytes at once; the largest one where none does."""
    return next((one.name for one in MACHINES.values() if memory <= one.memory), list(MACHINES)[-1])
