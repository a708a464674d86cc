"""`darkroom verify`: is every picture that should be there, there, whole and current?"""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from darkroom.cli.options import Combinations, Lengths, Out, StyleFile, listed, listed_of, named
from darkroom.cli.output import Json, print_json
from darkroom.cli.report_file import report_option, write_report
from darkroom.compositing.request import Request
from darkroom.compositing.verify import CutCounts, Finding, Verification
from darkroom.compositing.verify import verify as verify_pictures
from darkroom.errors import BadInput
from darkroom.settings import settings
from darkroom.store import exists, readable

_MOST_LISTED = 200


def verify(
    style: StyleFile,
    out: Out,
    renders: Annotated[
        str,
        typer.Option("--renders", metavar="STORE", help="Where the PNGs lie. Default: where they were read last."),
    ] = "",
    combinations: Combinations = None,
    length: Lengths = None,
    colours: Annotated[
        str | None, typer.Option(metavar="0-17", help="Colours to expect. Default: those that were made here.")
    ] = None,
    sides: Annotated[
        str | None, typer.Option(metavar="front,back", help="Sides to expect. Default: those made here.")
    ] = None,
    cuts: Annotated[
        str | None, typer.Option(metavar="800x800,...", help="Cuts to expect. Default: those made here.")
    ] = None,
    report: Annotated[Path | None, report_option("Write all that was found as JSON here.")] = None,
    deep: Annotated[
        bool, typer.Option("--deep", help="Read every render too: what it holds counts, whatever its date says.")
    ] = False,
    json: Json = False,
) -> None:
    """Is every picture that should be there, there, whole and current?

    Counts, per length and cut, what is missing, stale (made from other renders or another recipe), broken or extra,
    and lists it. Every different file is decoded. Ends with 1 where there is anything to list.

    Example: darkroom verify --style dress.yaml --out bucket/
    """
    if not exists(out):
        raise BadInput(f"Nothing lies in {readable(out)}; correct the location, or make the pictures first.")
    request = Request(
        style_file=style,
        renders=renders,
        store=out,
        lengths=listed(length, "--length"),
        colours=named(colours, "--colours"),
        sides=listed_of(sides, "--sides"),
        cuts=listed_of(cuts, "--cuts"),
        combinations=tuple(combinations or ()),
    )
    verification = verify_pictures(request, settings().workers, deep=deep)
    if json:
        print_json(verification)
    _print(verification, Console(stderr=json))
    write_report(verification, report)
    raise typer.Exit(0 if verification.ok else 1)


def _print(verification: Verification, console: Console) -> None:
    table = Table(title=verification.style, title_justify="left")
    table.add_column("length and cut")
    for count in CutCounts.model_fields:
        table.add_column(count, justify="right")
    for name, row in verification.counts.items():
        table.add_row(name, *(f"{getattr(row, count):,}" for count in CutCounts.model_fields))
    console.print(table)
    for note in verification.notes:
        console.print(f"note: {note}", markup=False, highlight=False)
    errors = Console(stderr=True)
    lines = _lines(verification.findings)
    for line in lines[:_MOST_LISTED]:
        errors.print(line, markup=False, highlight=False, soft_wrap=True)
    if len(lines) > _MOST_LISTED:
        errors.print(
            f"... and {len(lines) - _MOST_LISTED:,} more reasons; --report FILE lists every file.", highlight=False
        )


def _lines(findings: Iterable[Finding]) -> list[str]:
    """Each reason once, with the file that it is about, or the number of them."""
    found: dict[tuple[str, str], list[str]] = {}
    for one in findings:
        found.setdefault((one.kind, one.reason), []).append(one.key)
    return [
        f"{kind}: {reason}: {keys[0] if len(keys) == 1 else f'{len(keys):,} files, such as {keys[0]}'}"
        for (kind, reason), keys in found.items()
    ]
