"""`darkroom composite`: plan, run, settle and report in one go."""

from pathlib import Path
from typing import Annotated

import typer

from darkroom import keys, worker
from darkroom.cli.commands import kept
from darkroom.cli.options import Combinations, Lengths, Out, StyleFile, listed, listed_of, named
from darkroom.cli.summary import print_summary, write_report
from darkroom.compositing.plan import compare, make_manifest, write_plan
from darkroom.compositing.prepare import Prepared, prepare
from darkroom.compositing.request import Request
from darkroom.compositing.settle import settle
from darkroom.errors import BadInput
from darkroom.jobs import Manifest, Mode, PlanFolder, State
from darkroom.progress import Progress
from darkroom.reports import Report, build_report, make_report
from darkroom.settings import settings
from darkroom.store import open_store

_DAG = "composite"  # where the command's plans lie below work/, as a DAG's do below its id


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
    report: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the report as JSON here too.")] = None,
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
    prepared = prepare(request)
    result = _only_planned(prepared) if mode is Mode.PLAN else composite_run(prepared, workers or settings().workers)
    if report:
        write_report(result, report)
    print_summary(result)
    raise typer.Exit(0 if result.ok else 1)


def _only_planned(prepared: Prepared) -> Report:
    """What a run would do; nothing is written."""
    store = open_store(prepared.request.store)
    return build_report(make_manifest(prepared, compare(prepared, store), "", ()), ())


def composite_run(prepared: Prepared, workers: int) -> Report:
    """Plan, run, settle and report in this process; goes on where a killed run of the same command ended."""
    made = _settle_interrupted(prepared)
    manifest = write_plan(prepared, _DAG, prepared.style.style, made)
    folder = PlanFolder.at(manifest.uri)
    progress = Progress(prepared.style.style, manifest.todo)

    def so_far() -> str:
        counts = f"{progress.done:,} of {manifest.todo:,} pictures are finished and kept"
        return f"{counts}; the same command goes on with the rest."

    with kept(so_far), progress:
        for job in manifest.jobs:
            worker.run_job(job.uri, workers=workers, progress=progress)
        settle(folder)
        return make_report(folder)


def _settle_interrupted(prepared: Prepared) -> set[str]:
    """Commit what killed runs of this command had finished; returns the names that one of the same request had made."""
    store = open_store(prepared.request.store)
    prefix = keys.run_folder(_DAG, prepared.style.style)
    found: dict[str, set[str]] = {}
    for entry in store.list(prefix):
        plan, _, name = entry.key[len(prefix) :].partition("/")
        found.setdefault(plan, set()).add(name)
    made: set[str] = set()
    for plan, names in found.items():
        if keys.MANIFEST in names and keys.REPORT_JSON not in names:
            folder = PlanFolder.at(store.uri_of(prefix + plan))
            settle(folder)
            manifest = folder.manifest()
            make_report(folder, ["The run was interrupted; a later one went on from here."])
            if manifest.request == prepared.request.model_dump(mode="json"):
                made |= _done(folder, manifest)
    return made


def _done(folder: PlanFolder, manifest: Manifest) -> set[str]:
    numbers = range(1, len(manifest.jobs) + 1)
    return {
        item
        for number in numbers
        for item, outcome in folder.outcomes(number).items()
        if outcome.state in (State.DONE, State.SKIPPED)
    }
