"""What an alert says: pure functions from what became of a run to a message, which every channel can carry.

Names, reasons and notes come from outside. Here they become lines without control characters, each of them short; what
else a channel's own language needs (HTML, Slack's mrkdwn) is added where it is sent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from darkroom import guards
from darkroom.amounts import counted
from darkroom.approvals import Asked
from darkroom.causes import causes
from darkroom.failures import Mismatch
from darkroom.jobs import Mode, Report

MOST_LISTED = 10
"""So many reasons, problems or findings are named; the report has all of them."""
_LONGEST, _LONGEST_SUBJECT = 500, 200


class Kind(StrEnum):
    """What an alert is about. A message may be of several; the first is the gravest, and gives it its subject."""

    MISMATCH = "mismatch"
    GUARD = "guard"
    ITEMS = "items"
    TASK = "task"
    LATE = "late"
    APPROVAL = "approval"
    FINE = "fine"


@dataclass(frozen=True, kw_only=True)
class Ran:
    """The run that a message is about, and where one sees it: `page` and `report` are empty where there is none."""

    dag_id: str
    run_id: str
    page: str = ""
    report: str = ""


@dataclass(frozen=True, kw_only=True)
class Message:
    """One alert: a subject in a line, and lines; what is listed begins with a dash."""

    kinds: tuple[Kind, ...]
    dag_id: str
    subject: str
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """The lines as a text."""
        return "\n".join(self.lines)


@dataclass(frozen=True, kw_only=True)
class Earlier:
    """The runs that failed before, and that nothing has mended since: how many, and when the first did."""

    count: int
    since: datetime


def run_failed(
    ran: Ran,
    reason: str,
    report: Report | None = None,
    *,
    problems: Sequence[str] = (),
    said: Sequence[str] = (),
    earlier: Earlier | None = None,
) -> Message:
    """The one message of a run that failed.

    `reason` is Airflow's own. Without a report, `said` is why there is none, and `problems` why there is no plan.
    """
    problems = report.problems if report else problems
    kinds = _kinds(report, problems)
    lines = [f"The run {ran.run_id} failed: {reason}."]
    if earlier:
        runs = counted(earlier.count + 1, "run")
        lines.append(f"It is the last of {runs} of the same that failed since {_time(earlier.since)}.")
    if report:
        lines += [report.title, _counts(report)]
    lines += [*said, *_listed(problems, "problems")]
    if report:
        # a mismatch is never among those that are left out
        found = sorted(causes(report.not_done), key=lambda cause: cause.kind != Mismatch.kind)
        lines += _listed([cause.line(report.noun) for cause in found], "reasons")
    return _message(ran, kinds, f"{_what(kinds[0], report)} ({report.title if report else f'run {ran.run_id}'})", lines)


def fine_again(ran: Ran, report: Report, runs: Sequence[str], since: datetime) -> Message:
    """After failures: a run that did what they did not. `runs` are their ids, `since` when the first one failed."""
    when = _time(since)
    failed = (
        f"the run {runs[0]}, which failed at {when}" if len(runs) == 1 else f"{len(runs):,} that failed since {when}"
    )
    lines = [f"The run {ran.run_id} is fine, after {failed}.", report.title, _counts(report)]
    lines += _listed(report.findings, "findings")
    return _message(ran, (Kind.FINE,), f"all fine again ({report.title})", lines)


def not_in_time(ran: Ran, by: str, state: str, queued: str, began: str) -> Message:
    """A run that is not done when it should be."""
    lines = [
        f"It should have been by {by}, and is {state}.",
        f"It was queued at {queued} and began at {began or 'no time yet'}. The logs of its tasks show how far it is; "
        "what it has made is kept, also when it is ended.",
    ]
    return _message(ran, (Kind.LATE,), f"the run {ran.run_id} is not done in time", lines)


def approval_waits(ran: Ran, question: Asked, hours: int, *, against: Sequence[str] = ()) -> Message:
    """A person's answer is waited for, so many hours at most. `against`: why a yes has not counted."""
    lines = [f"The run {ran.run_id} waits for an answer, {hours} hours at most, and then goes on as if rejected."]
    if against:
        lines += ["It was approved, which does not count yet:", *_listed(against, "reasons")]
    lines += question.facts
    if question.lines:
        lines.append(f"{question.listed or 'It is about'}: {question.count:,}")
    lines += _listed(question.lines, "of them", question.count)
    by_guard = any(guards.stopped(fact) for fact in question.facts)
    kinds = (Kind.GUARD, Kind.APPROVAL) if by_guard else (Kind.APPROVAL,)
    return _message(ran, kinds, f"an approval waits: {question.subject}", lines)


def nobody_answered(ran: Ran, report: Report, why: str) -> Message:
    """A run that has ended without what a person was asked about, as none answered."""
    lines = [f"The run {ran.run_id} has left {counted(report.held, report.noun)} as they are: {why}.", report.title]
    lines.append(f"{_counts(report)} The next run asks again.")
    return _message(ran, (Kind.APPROVAL,), f"nobody answered ({report.title})", lines)


def one_line(text: str, longest: int = _LONGEST) -> str:
    r"""A text in one line, without what no screen, header or database can hold, and not too long.

    >>> one_line("a\r\nBcc: everybody@a.example\udcff")
    'a\\r\\nBcc: everybody@a.example\\udcff'
    """
    shown = "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text[: 2 * longest])
    return shown if len(shown) <= longest else f"{shown[: longest - 3]}..."


def _message(ran: Ran, kinds: tuple[Kind, ...], what: str, lines: Sequence[str]) -> Message:
    links = [f"The run: {ran.page or ran.run_id}"] + ([f"The report: {ran.report}"] if ran.report else [])
    return Message(
        kinds=kinds,
        dag_id=ran.dag_id,
        subject=one_line(f"{ran.dag_id}: {what}", _LONGEST_SUBJECT),
        lines=tuple(one_line(line) for line in (*lines, *links)),
    )


def _kinds(report: Report | None, problems: Sequence[str]) -> tuple[Kind, ...]:
    """All that is wrong with a run, the gravest first.

    | what is so | kind |
    | --- | --- |
    | an item's hash is not what it must be | mismatch |
    | a guard let nothing be removed, or nothing be done | guard |
    | items were refused or failed | items |
    | there is no report, a task or a part of the plan failed, or nobody came to some items | task |
    """
    found = []
    if report and any(one.kind == Mismatch.kind for one in report.not_done):
        found.append(Kind.MISMATCH)
    stopped = [problem for problem in problems if guards.stopped(problem)]
    if stopped:
        found.append(Kind.GUARD)
    if report and (report.refused or report.failed):
        found.append(Kind.ITEMS)
    left = report is not None and report.todo > report.held and report.mode is not Mode.PLAN
    # a job with a failed item fails its task: that is no second thing
    others = [problem for problem in problems if problem not in stopped and not _is_of_items(report, problem)]
    if (report is None and not stopped) or left or others or not found:
        found.append(Kind.TASK)
    return tuple(found)


def _is_of_items(report: Report | None, problem: str) -> bool:
    return report is not None and bool(report.refused or report.failed) and problem.startswith("run: ")


def _what(kind: Kind, report: Report | None) -> str:
    """What a message is about, in few words."""
    if kind is Kind.GUARD:
        return "a guard stopped it"
    if report and kind is Kind.MISMATCH:
        count = sum(one.kind == Mismatch.kind for one in report.not_done)
        return f"hashes do not match: {counted(count, report.noun)}"
    if report and kind is Kind.ITEMS:
        return f"{report.refused + report.failed:,} of {counted(report.planned, report.noun)} not made"
    return "the run failed"


def _counts(report: Report) -> str:
    counts = (report.planned, report.done, report.skipped, report.refused, report.failed, report.todo)
    words = ("planned", "done", "skipped", "refused", "failed", "left")
    first, *others = [f"{count:,} {word}" for count, word in zip(counts, words, strict=True)]
    return f"{first}: {', '.join(others)}."


def _listed(said: Sequence[str], what: str, count: int | None = None) -> list[str]:
    count = len(said) if count is None else count
    lines = [f"- {line}" for line in said[:MOST_LISTED]]
    more = count - len(lines)
    return [*lines, f"- ... and {more:,} more {what}"] if lines and more > 0 else lines


def _time(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M} UTC"
