"""What a command says on the terminal at its end."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from darkroom.amounts import human_bytes, human_seconds
from darkroom.estimates import core_time
from darkroom.jobs import Mode, Report
from darkroom.reports import failure_text

_COUNTS = ("planned", "done", "skipped", "refused", "failed", "left")


def print_summary(report: Report) -> None:
    """The counts by group, then what was not done; the failures go to the error stream."""
    console = Console()
    table = Table(title=escape(report.title), title_justify="left")
    table.add_column("")
    for count in _COUNTS:
        table.add_column(count, justify="right")
    for name, group in report.groups.items():
        table.add_row(escape(name), *(f"{getattr(group, count):,}" for count in _COUNTS))
    table.add_section()
    table.add_row("all", *(f"{count:,}" for count in _totals(report)))
    console.print(table)
    left = f"{report.todo:,} left, " if report.todo else ""
    different = f"{report.distinct:,} different {report.noun}s, " if report.distinct is not None else ""
    console.print(
        f"{left}{different}{report.outputs:,} files "
        f"and {human_bytes(report.bytes)} written in {human_seconds(report.seconds)}",
        highlight=False,
    )
    if report.estimate:
        took = f"work: {core_time(report.core_seconds)}; the plan said {core_time(report.estimate.core_seconds)}"
        said = f"it would take {report.estimate.sentence}" if report.mode is Mode.PLAN else took
        console.print(said, markup=False, highlight=False, soft_wrap=True)
    for fault, times in report.retries.items():
        console.print(f"repeated: {times:,} requests after {fault}", markup=False, highlight=False)
    for finding in report.findings:
        console.print(f"note: {finding}", markup=False, highlight=False)
    if report.stale:
        console.print(
            f"stale: {len(report.stale)} files stand although an input that they need is gone", highlight=False
        )
    if report.pruned:
        console.print(f"pruned: {len(report.pruned)} such files were deleted", highlight=False)
    if not report.ok:
        Console(stderr=True).print(failure_text(report), markup=False, highlight=False, soft_wrap=True)


def _totals(report: Report) -> tuple[int, ...]:
    return report.planned, report.done, report.skipped, report.refused, report.failed, report.todo
