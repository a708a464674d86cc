"""The report of a run, from its plan's manifest, its outcomes and its settlement."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version

from darkroom import flows, keys
from darkroom.amounts import counted
from darkroom.causes import cause_lines, causes
from darkroom.jobs import GroupReport, Manifest, Mode, NotDone, Outcome, Report, Settlement, State, again, dump
from darkroom.plan_folder import PlanFolder
from darkroom.reports.page import page

_LIBRARIES = ("darkroom", "pyvips", "pyvips-binary", "numpy", "numba")
_MOST_PREVIEWS = 40
_MOST_NOTES = 500


def failure_text(report: Report, limit: int = 20) -> str:
    """What went wrong, for a person: the run's own problems, then why items were not made, each reason once."""
    lines = list(report.problems)
    if report.refused or report.failed:
        kinds = ", ".join(f"{kind}: {count:,}" for kind, count in report.kinds.items())
        by_kind = f" ({kinds})" if kinds else ""
        counts = f"{report.refused:,} of {report.planned:,} items were refused and {report.failed:,} failed"
        lines.append(f"{counts}{by_kind}:")
    lines += [f"- {line}" for line in cause_lines(report.causes, report.noun, limit)]
    if report.todo and report.mode is not Mode.PLAN:
        lines.append(f"Left, for nobody came to them: {counted(report.todo, report.noun)}; {again('run')}.")
    return "\n".join(lines)


def build_report(
    manifest: Manifest,
    outcomes: Iterable[Outcome],
    settled: Settlement | None = None,
    problems: Sequence[str] = (),
    retries: Mapping[str, int] | None = None,
) -> Report:
    """Count. Pure but for the clock; what settling could not prove is not done, whatever a worker said of it.

    `retries` is read when all outcomes have been.
    """
    settled = settled or Settlement(proven=0)
    unproven, pruned = settled.unproven, settled.pruned
    gone = set(pruned)
    notes: list[str] = []
    groups = {name: GroupReport(planned=plan.planned, skipped=plan.skipped) for name, plan in manifest.groups.items()}
    wrong = {item.item: item for item in unproven}
    not_done = [*manifest.refused, *unproven]
    done = outputs = size = 0
    shared: set[str] = set()  # objects that several items have as theirs
    skipped = manifest.skipped
    for outcome in outcomes:
        group = groups.setdefault(outcome.group, GroupReport())
        if outcome.item in wrong:
            continue
        if outcome.state is State.DONE:
            done += 1
            group.done += 1
            if outcome.reason and len(notes) < _MOST_NOTES:
                notes.append(f"{outcome.item}: {outcome.reason}")
            for output in outcome.outputs:
                if output.stored not in shared:
                    outputs, size = outputs + 1, size + output.bytes
                if output.stored:
                    shared.add(output.stored)
        elif outcome.state is State.SKIPPED:
            skipped += 1
            group.skipped += 1
        else:
            not_done.append(_not_done(outcome))
    for item in not_done:
        group = groups.setdefault(item.group, GroupReport())
        group.refused += item.state is State.REFUSED
        group.failed += item.state is State.FAILED
    refused = sum(item.state is State.REFUSED for item in not_done)
    failed = len(not_done) - refused
    return Report(
        title=manifest.title,
        flow=manifest.flow,
        noun=manifest.noun,
        mode=manifest.mode,
        plan=manifest.uri,
        created=manifest.created,
        planned=manifest.planned,
        done=done,
        skipped=skipped,
        refused=refused,
        failed=failed,
        todo=manifest.planned - done - skipped - refused - failed,
        distinct=manifest.distinct,
        outputs=outputs,
        bytes=size,
        seconds=round((datetime.now(UTC) - manifest.created).total_seconds(), 3),
        groups=groups,
        not_done=tuple(not_done),
        problems=(*manifest.problems, *settled.problems, *problems),
        findings=(*manifest.findings, *settled.notes, *notes),
        stale=tuple(key for key in manifest.stale if key not in gone),
        pruned=pruned,
        versions={library: version(library) for library in _LIBRARIES},
        retries=dict(retries or {}),
        kinds=dict(Counter(item.kind for item in not_done if item.kind).most_common()),
        causes=causes(not_done),
    )


def _not_done(outcome: Outcome) -> NotDone:
    return NotDone.model_validate(outcome.model_dump(include=set(NotDone.model_fields)))


def make_report(folder: PlanFolder, problems: Sequence[str] = ()) -> Report:
    """Build a plan's report and write it beside the plan, as JSON and as a page. Reads the outcomes job by job."""
    manifest = folder.manifest()
    settlement = folder.settlement() or Settlement(proven=0)
    flow = flows.get(manifest.flow)
    shown: list[str] = []
    retries: Counter[str] = Counter()

    def outcomes() -> Iterator[Outcome]:
        for of_job in folder.all_outcomes():
            retries.update(of_job.retries)
            shown.extend(flow.previews(of_job.latest.values(), _MOST_PREVIEWS))
            yield from of_job.latest.values()

    report = build_report(manifest, outcomes(), settlement, problems, retries)
    if report.done != settlement.proven:
        unseen = f"settle: it has not seen everything that was made, so the ledger lacks it; {again('settle')}."
        report = report.model_copy(update={"problems": (*report.problems, unseen)})
    store = folder.open(manifest.output_store)
    step = max(1, -(-len(shown) // _MOST_PREVIEWS))
    pictures = {key: picture for key in shown[::step] if (picture := flow.picture(store, key))}
    folder.write(keys.REPORT_HTML, page(report, pictures).encode(), "text/html; charset=utf-8")
    folder.write(keys.REPORT_JSON, dump(report))
    return report
