"""`darkroom composite`: plan, run, settle and report in one go."""

from pathlib import Path
from typing import Annotated

import typer

from darkroom.cli.options import (
    AskedMode,
    Combinations,
    Lengths,
    Out,
    Renders,
    StyleFile,
    Workers,
    listed,
    listed_of,
    named,
)
from darkroom.cli.report_file import report_option, write_report
from darkroom.cli.summary import print_summary
from darkroom.compositing.flow import FLOW
from darkroom.compositing.job import Layout
from darkroom.compositing.profiles import CUTS
from darkroom.compositing.request import OnMissing, Request
from darkroom.jobs import Mode
from darkroom.runs import run_here
from darkroom.settings import settings
from darkroom.styles.style_file import read_style

_COMMAND = "composite"  # where the command's plans lie below work/, as a DAG's do below its id


def composite(
    style: StyleFile,
    renders: Renders,
    out: Out,
    combinations: Combinations = None,
    with_codes: Annotated[
        list[str] | None, typer.Option(metavar="CODES", help="Only combinations that contain every one of these codes.")
    ] = None,
    length: Lengths = None,
    colours: Annotated[
        str | None, typer.Option(metavar="0-17", help="Colours, as numbers and ranges. Default: all.")
    ] = None,
    sides: Annotated[str | None, typer.Option(metavar="front,back", help="Only these sides. Default: both.")] = None,
    cuts: Annotated[str | None, typer.Option(metavar="CUTS", help=f"Of {','.join(CUTS)}. Default: all.")] = None,
    workers: Workers = None,
    mode: AskedMode = Mode.CHANGED,
    on_missing: Annotated[
        OnMissing,
        typer.Option(
            metavar="refuse|skip",
            help="A render is missing: refuse the whole run, or skip only the pictures that need it.",
        ),
    ] = OnMissing.REFUSE,
    layout: Annotated[
        Layout,
        typer.Option(
            metavar="names|content",
            help="names: every picture under each of its names. content: each different picture once, under its "
            "sha256, and an index.json beside them from every name to its sha256.",
        ),
    ] = Layout.NAMES,
    prune: Annotated[bool, typer.Option("--prune", help="Delete pictures that need a render which is gone.")] = False,
    report: Annotated[Path | None, report_option("Write the report as JSON here too.")] = None,
) -> None:
    """Make every picture of a style: each combination, colour, side and cut.

    What stands already from the same renders is left alone. After a kill the same command goes on with the rest.

    Example: darkroom composite --style dress.yaml --renders renders/ --length Knee --colours 0-5 --out bucket/
    """
    request = Request(
        style_file=style,
        renders=renders,
        store=out,
        lengths=listed(length, "--length"),
        colours=named(colours, "--colours"),
        sides=listed_of(sides, "--sides"),
        cuts=listed_of(cuts, "--cuts"),
        with_codes=listed(with_codes, "--with-codes"),
        combinations=tuple(combinations or ()),
        mode=mode,
        on_missing=on_missing,
        layout=layout,
        prune=prune,
    )
    result = run_here(
        FLOW, request, command=_COMMAND, subject=read_style(style).style, workers=workers or settings().workers
    )
    print_summary(result)
    write_report(result, report)
    raise typer.Exit(0 if result.ok else 1)
