"""`darkroom composite`: plan, run, settle and report in one go."""

from pathlib import Path
from typing import Annotated

import typer

from darkroom.cli.options import Combinations, Lengths, Out, StyleFile, listed, listed_of, named
from darkroom.cli.report_file import report_option, write_report
from darkroom.cli.summary import print_summary
from darkroom.compositing.flow import FLOW
from darkroom.compositing.request import Request, read_style
from darkroom.errors import BadInput
from darkroom.jobs import Mode
from darkroom.runs import run_here
from darkroom.settings import settings

_COMMAND = "composite"  # where the command's plans lie below work/, as a DAG's do below its id


def composite(
    style: StyleFile,
    renders: Annotated[
        str,
        typer.Option("--renders", metavar="STORE", help="Where the style's PNGs lie, at any depth: a path or a URI."),
    ],
    out: Out,
    combinations: Combinations = None,
    length: Lengths = None,
    colours: Annotated[
        str | None, typer.Option(metavar="0-17", help="Colours, as numbers and ranges. Default: all.")
    ] = None,
    sides: Annotated[str | None, typer.Option(metavar="front,back", help="Default: both.")] = None,
    cuts: Annotated[
        str | None, typer.Option(metavar="CUTS", help="Of 800x800,142x142,top-crop,bottom-crop. Default: all four.")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, metavar="N", help="Threads. Default: every core.")] = None,
    mode: Annotated[
        Mode,
        typer.Option(
            metavar="plan|changed|all",
            help="plan: say what would be done. changed: make what is missing or has changed. all: everything.",
        ),
    ] = Mode.CHANGED,
    on_missing: Annotated[
        str,
        typer.Option(
            metavar="refuse|skip",
            help="A render is missing: refuse the whole run, or skip only the pictures that need it.",
        ),
    ] = "refuse",
    layout: Annotated[
        str,
        typer.Option(
            metavar="names|content",
            help="names: every picture under each of its names. content: each different picture once, under its "
            "sha256, and an index.json beside them from every name to its sha256.",
        ),
    ] = "names",
    prune: Annotated[
        bool, typer.Option("--prune", help="Delete the pictures that need a render which is gone.")
    ] = False,
    report: Annotated[Path | None, report_option("Write the report as JSON here too.")] = None,
) -> None:
    """Make every picture of a style: each combination, colour, side and cut.

    What stands already from the same renders is left alone. After a kill the same command goes on with the rest.

    Example: darkroom composite --style dress.yaml --renders renders/ --length Knee --colours 0-5 --out bucket/
    """
    if on_missing not in ("refuse", "skip"):
        raise BadInput(f"--on-missing: {on_missing!r} is not known; write refuse or skip.")
    if layout not in ("names", "content"):
        raise BadInput(f"--layout: {layout!r} is not known; write names or content.")
    request = Request(
        style_file=style,
        renders=renders,
        store=out,
        lengths=listed(length, "--length"),
        colours=named(colours, "--colours"),
        sides=listed_of(sides, "--sides"),
        cuts=listed_of(cuts, "--cuts"),
        with_codes=(),
        combinations=tuple(combinations or ()),
        mode=mode,
        on_missing="skip" if on_missing == "skip" else "refuse",
        layout="content" if layout == "content" else "names",
        prune=prune,
    )
    result = run_here(
        FLOW, request, command=_COMMAND, subject=read_style(style).style, workers=workers or settings().workers
    )
    print_summary(result)
    write_report(result, report)
    raise typer.Exit(0 if result.ok else 1)
