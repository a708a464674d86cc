"""`darkroom check`: is everything there that a style's pictures need, and fit to be used?"""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from darkroom.checks.check import Check
from darkroom.checks.findings import KINDS, SEVERITIES
from darkroom.cli.options import Combinations, Lengths, Renders, StyleFile, listed
from darkroom.cli.output import Json, print_json
from darkroom.cli.report_file import file_option, report_option, write_file, write_report
from darkroom.compositing.check import check as check_renders
from darkroom.compositing.request import Request
from darkroom.settings import settings
from darkroom.store import open_store

_MOST_LISTED = 200
_COLOURS = {"error": "bold red", "warning": "yellow", "note": "cyan"}


def check(
    style: StyleFile,
    renders: Renders,
    combinations: Combinations = None,
    length: Lengths = None,
    report: Annotated[Path | None, report_option("Write all that was found as JSON here.")] = None,
    html: Annotated[Path | None, file_option("--html", "Write what was found as a page with pictures here.")] = None,
    json: Json = False,
) -> None:
    """Is everything there that a style's pictures need, and fit to be used?

    Looks for missing layers, colours and defaults, names that no rule reads, files that claim one layer, and codes that
    the style and the renders do not agree about; decodes every render that a picture needs, and looks at its size, its
    colour profile, and for stray pixels away from the body. The worst comes first. Ends with 1 where anything was
    found.

    Example: darkroom check --style dress.yaml --renders renders/ --html check.html
    """
    request = Request(
        style_file=style,
        renders=renders,
        store=renders,  # nothing is written, and nothing else is read
        lengths=listed(length, "--length"),
        combinations=tuple(combinations or ()),
    )
    workers, most = settings().workers, settings().max_pixels
    found = check_renders(request, workers)
    if json:
        print_json(found)
    _print(found, Console(stderr=json))
    write_report(found, report)
    if html:
        from darkroom.checks.page import page, renders_of  # jinja2, whose import takes longer than a small command

        made = page(found, renders_of(open_store(found.renders), most), workers)
        write_file("html", html, made, "text/html; charset=utf-8")
    raise typer.Exit(0 if found.ok else 1)


def _print(found: Check, console: Console) -> None:
    table = Table(title=escape(found.style), title_justify="left")
    table.add_column("at worst")
    table.add_column("looked for")
    table.add_column("found", justify="right")
    for kind, (severity, looked_for) in KINDS.items():
        count = found.counts[kind]
        style = _COLOURS[severity] if count else "dim"
        table.add_row(Text(severity, style), Text(looked_for, "" if count else "dim"), Text(f"{count:,}", style))
    console.print(table)
    for finding in found.findings[:_MOST_LISTED]:
        line = Text.assemble((finding.severity, _COLOURS[finding.severity]), f": {finding.sentence}")
        console.print(line, highlight=False, soft_wrap=True)
    if len(found.findings) > _MOST_LISTED:
        rest = [finding.severity for finding in found.findings[_MOST_LISTED:]]
        more = ", ".join(f"{rest.count(severity):,} {severity}s" for severity in SEVERITIES if severity in rest)
        console.print(f"... and {more}; --report FILE lists everything.", highlight=False)
    totals = ", ".join(
        f"{count:,} {severity}{'s' if count > 1 else ''}"
        for severity in SEVERITIES
        if (count := sum(finding.severity == severity for finding in found.findings))
    )
    console.print(f"{found.decoded:,} of {found.needed:,} renders decoded: {totals or 'all fine'}", highlight=False)
