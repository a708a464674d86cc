"""The report of a run, from its plan's manifest, its outcomes and its settlement."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version

from darkroom import flows, keys
from darkroom.amounts import counted
from darkroom.causes import cause_lines, causes
from darkroom.estimates import PREVIEWS, prices_of
from darkroom.jobs import GroupReport, Manifest, Mode, NotDone, Outcome, Output, Report, Settlement, State, again, dump
from darkroom.plan_folder import PlanFolder

_LIBRARIES = ("darkroom", "pyvips", "pyvips-binary", "numpy", "numba")
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
    left = report.todo - report.held
    if left > 0 and report.mode is not Mode.PLAN:
        lines.append(f"Left, for nobody came to them: {counted(left, report.noun)}; {again('run')}.")
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
    counts = _Counts(manifest, settled)
    for outcome in outcomes:
        counts.add(outcome)
    not_done = counts.not_done
    for item in not_done:
        group = counts.groups.setdefault(item.group, GroupReport())
        group.refused += item.state is State.REFUSED
        group.failed += item.state is State.FAILED
    refused = sum(item.state is State.REFUSED for item in not_done)
    gone = set(settled.pruned)
    return Report(
        title=manifest.title,
        flow=manifest.flow,
        noun=manifest.noun,
        mode=manifest.mode,
        plan=manifest.uri,
        created=manifest.created,
        planned=manifest.planned,
        done=counts.done,
        skipped=counts.skipped,
        refused=refused,
        failed=len(not_done) - refused,
        todo=manifest.planned - counts.done - counts.skipped - len(not_done),
        distinct=manifest.distinct,
        outputs=counts.outputs,
        held=settled.held,
        removed=counts.removed,
        bytes=counts.bytes,
        seconds=round((datetime.now(UTC) - manifest.created).total_seconds(), 3),
        groups=counts.groups,
        not_done=tuple(not_done),
        problems=(*manifest.problems, *settled.problems, *problems),
        findings=(*manifest.findings, *settled.notes, *counts.notes),
        stale=tuple(key for key in manifest.stale if key not in gone),
        pruned=settled.pruned,
        versions={library: version(library) for library in _LIBRARIES},
        retries=dict(retries or {}),
        kinds=dict(Counter(item.kind for item in not_done if item.kind).most_common()),
        causes=causes(not_done),
        estimate=manifest.estimate,
    )


class _Counts:
    """What became of a plan's items, one by one."""

    def __init__(self, manifest: Manifest, settled: Settlement) -> None:
        self.groups = {name: group.model_copy() for name, group in manifest.groups.items()}
        self.done = self.outputs = self.removed = self.bytes = 0
        self.skipped = manifest.skipped
        self.not_done = [*manifest.refused, *settled.unproven]
        self.notes: list[str] = []
        self._wrong = {item.item for item in settled.unproven}
        self._shared: set[str] = set()  # objects that several items have as theirs

    def add(self, outcome: Outcome) -> None:
        if outcome.item in self._wrong:
            return
        group = self.groups.setdefault(outcome.group, GroupReport())
        if outcome.state is State.DONE:
            self.done += 1
            group.done += 1
            if outcome.notes and len(self.notes) < _MOST_NOTES:
                self.notes.append(f"{outcome.item}: {' '.join(outcome.notes)}")
            for output in outcome.outputs:
                self._output(output)
        elif outcome.state is State.SKIPPED:
            self.skipped += 1
            group.skipped += 1
        else:
            self.not_done.append(_not_done(outcome))

    def _output(self, output: Output) -> None:
        if output.removed:
            self.removed += 1
        elif output.written and output.stored not in self._shared:
            self.outputs, self.bytes = self.outputs + 1, self.bytes + output.bytes
        if output.stored:
            self._shared.add(output.stored)


def _not_done(outcome: Outcome) -> NotDone:
    return NotDone.model_validate(outcome.model_dump(include=set(NotDone.model_fields)))


def make_report(folder: PlanFolder, problems: Sequence[str] = (), *, page: bool = True) -> Report:
    """Build a plan's report and write it beside the plan, as JSON and as a page. Reads the outcomes job by job."""
    manifest = folder.manifest()
    settlement = folder.settlement() or Settlement(proven=0)
    flow = flows.get(manifest.flow)
    shown: list[str] = []
    retries: Counter[str] = Counter()
    taken: list[float] = []

    def outcomes() -> Iterator[Outcome]:
        for of_job in folder.all_outcomes():
            retries.update(of_job.retries)
            taken.append(of_job.core_seconds)
            shown.extend(flow.previews(of_job.latest.values(), PREVIEWS))
            yield from of_job.latest.values()

    report = build_report(manifest, outcomes(), settlement, problems, retries)
    core_seconds = round(sum(taken), 3)
    spent = {"core_seconds": core_seconds, "cost": prices_of().of_cores(core_seconds)}
    report = report.model_copy(update=spent)
    if report.done != settlement.proven:
        unseen = f"settle: it has not seen everything that was made, so the ledger lacks it; {again('settle')}."
        report = report.model_copy(update={"problems": (*report.problems, unseen)})
    if page:
        from darkroom.reports import page as pages  # jinja2, whose import takes longer than a small command

        store = folder.open(manifest.output_store)
        step = max(1, -(-len(shown) // PREVIEWS))
        pictures = {key: picture for key in shown[::step] if (picture := flow.picture(store, key))}
        # a file's name may be no UTF-8
        text = pages.page(report, pictures).encode(errors="backslashreplace")
        folder.write(keys.REPORT_HTML, text, "text/html; charset=utf-8")
    folder.write(keys.REPORT_JSON, dump(report))
    return report
