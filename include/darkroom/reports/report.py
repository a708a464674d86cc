"""The report of a run, from its plan's manifest, its outcomes and its settlement."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from darkroom import flows, keys
from darkroom.amounts import counted
from darkroom.causes import cause_lines, causes
from darkroom.estimates import PREVIEWS, Requests, prices_of, total
from darkroom.flows import Flow
from darkroom.jobs import GroupReport, Manifest, Mode, NotDone, Outcome, Output, Report, Settlement, State, again, dump
from darkroom.plan_folder import PlanFolder
from darkroom.reports import not_done as not_done_file
from darkroom.reports.collecting import Skips, Slowest, Spans
from darkroom.store import Store, asked

_LIBRARIES = ("darkroom", "pyvips", "pyvips-binary", "numpy", "numba")
_MOST_NOTES = 500
_LONGEST = 400  # characters of a reason in a line


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


def result_line(report: Report) -> str:
    """What became of a run, in a line: the counts that are not 0, and the gravest of what went wrong."""
    if report.mode is Mode.PLAN:
        words = {"skipped": report.skipped, "refused": report.refused, "failed": report.failed}
        said = [f"{report.todo:,} would be done"]
    else:
        words = {"skipped": report.skipped, "refused": report.refused, "failed": report.failed}
        words |= {"not approved": report.held, "left": report.todo - report.held}
        said = [f"{report.done:,} done"]
    said += [f"{count:,} {word}" for word, count in words.items() if count]
    line = f"{counted(report.planned, report.noun)}: {', '.join(said)}."
    # a job with a failed item fails its task: its cause is the better word for that
    wrong = [cause.line(report.noun) for cause in report.causes[:1]] or [*report.problems[:1]]
    reason = " ".join(" ".join(wrong).split())
    return f"{line} {reason if len(reason) <= _LONGEST else f'{reason[: _LONGEST - 3]}...'}".rstrip()


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
        subjects=manifest.subjects,
        skips=counts.skips.found,
        slowest=counts.slowest.found,
    )


class _Counts:
    """What became of a plan's items, one by one."""

    def __init__(self, manifest: Manifest, settled: Settlement) -> None:
        self.groups = {name: group.model_copy() for name, group in manifest.groups.items()}
        self.done = self.outputs = self.removed = self.bytes = 0
        self.skipped = manifest.skipped
        self.not_done = [*manifest.refused, *settled.unproven]
        self.notes: list[str] = []
        self.slowest, self.skips = Slowest(), Skips()
        self._wrong = {item.item for item in settled.unproven}
        self._shared: set[str] = set()  # objects that several items have as theirs

    def add(self, outcome: Outcome) -> None:
        self.slowest.add(outcome)
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
            self.skips.add(outcome.reason)
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
    passed = _Passed(flow, {one.item for one in settlement.unproven})
    report = build_report(manifest, passed.outcomes(folder), settlement, problems, passed.retries)
    pictures = _pictures(flow, folder.open(manifest.output_store), passed.shown) if page else {}
    # what is left to ask is to write this report
    requests = Requests.counted(manifest.requests, passed.requests, settlement.requests, asked.taken())
    spent = _spent(round(passed.core_seconds, 3), requests)
    report = report.model_copy(update={**spent, "throughput": passed.spans.found})
    if report.done != settlement.proven:
        unseen = f"settle: it has not seen everything that was made, so the ledger lacks it; {again('settle')}."
        report = report.model_copy(update={"problems": (*report.problems, unseen)})
    if page:
        not_done_file.write(folder, not_done_file.in_order(report.not_done, report.causes), passed.jobs)
        _write_page(folder, report, pictures)
    folder.write(keys.REPORT_JSON, dump(report))
    return report


def _spent(core_seconds: float, requests: Requests) -> dict[str, Any]:
    """What a run took, and the price of that."""
    prices, some = prices_of(), bool(requests.all)
    cost = total((prices.of_cores(core_seconds), prices.of_requests(requests) if some else None))
    return {"core_seconds": core_seconds, "requests": asdict(requests) if some else {}, "cost": cost}


class _Passed:
    """What of a plan's outcomes is kept beside their counts, while they pass by."""

    def __init__(self, flow: Flow, unproven: Set[str]) -> None:
        self.shown: list[str] = []
        self.retries: Counter[str] = Counter()
        self.core_seconds = 0.0
        self.requests: Counter[str] = Counter()
        self.spans = Spans()
        self.jobs: dict[str, int] = {}  # of what was not made
        self._flow, self._unproven = flow, unproven

    def outcomes(self, folder: PlanFolder) -> Iterator[Outcome]:
        """They, a job's at a time."""
        for number, of_job in enumerate(folder.all_outcomes(), 1):
            self.retries.update(of_job.retries)
            self.core_seconds += of_job.core_seconds
            self.requests.update(of_job.requests)
            self.shown.extend(self._flow.previews(of_job.latest.values(), PREVIEWS))
            for when, count in of_job.came:
                self.spans.add(when, count)
            for outcome in of_job.latest.values():
                if not outcome.state.is_good or outcome.item in self._unproven:
                    self.jobs[outcome.item] = number
                yield outcome


def _pictures(flow: Flow, store: Store, previews: Sequence[str]) -> Mapping[str, bytes]:
    from darkroom.reports import thumbnails  # whose libraries take longer to import than a small command

    return thumbnails.thumbnails(flow, store, previews)


def _write_page(folder: PlanFolder, report: Report, pictures: Mapping[str, bytes]) -> None:
    from darkroom.reports import page  # as above

    shown = page.shown(report, pictures)
    # a file's name may be no UTF-8
    text = page.page(shown).encode(errors="backslashreplace")
    folder.write(keys.REPORT_HTML, text, "text/html; charset=utf-8")
    folder.write(keys.REPORT_PAGE, dump(shown))
