"""`darkroom pyramid`: images to pyramid TIFFs, and the check of any such file."""

from collections import Counter
from collections.abc import Iterable, Set
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from darkroom.amounts import counted, human_bytes, human_seconds
from darkroom.cli.commands import Command, DefaultGroup
from darkroom.cli.output import Json, print_json, shown
from darkroom.errors import BadInput
from darkroom.flows import Run
from darkroom.jobs import Mode, NotDone, Outcome, Report, State
from darkroom.pyramids.flow import FLOW
from darkroom.pyramids.job import HEIGHT, LEVELS, SOURCE_HEIGHT, SOURCE_WIDTH, WIDTH, WRITTEN
from darkroom.pyramids.names import target_of
from darkroom.pyramids.plan import draft
from darkroom.pyramids.profiles import COPYRIGHT_CAP, DEFAULT, PROFILES, wrong_profile
from darkroom.pyramids.request import Request
from darkroom.pyramids.validate import Pyramid, inspect
from darkroom.runs import Interrupted, run_here
from darkroom.settings import settings
from darkroom.store import open_store, readable
from darkroom.workspace import workspace

_COMMAND = "pyramid"  # where the command's plan lies below work/
_MAKE = "make"


class _MakeByDefault(DefaultGroup):
    default, noun = _MAKE, "image"


app = typer.Typer(
    cls=_MakeByDefault,
    help="Pyramid TIFFs, the tiled files of many sizes that image servers show large images from.\n\n"
    "`darkroom pyramid SRC... DEST` is short for `darkroom pyramid make SRC... DEST`.",
    no_args_is_help=True,
    add_completion=False,
)


@app.command(_MAKE, cls=Command)
def make(
    places: Annotated[
        list[str],
        typer.Argument(
            metavar="SRC... DEST",
            help="Images, or folders and prefixes (s3://, gs://) of them; the last one is where the pyramids go.",
        ),
    ],
    profile: Annotated[
        str, typer.Option(metavar="NAME", help=f"How they are written: {', '.join(PROFILES)}.")
    ] = DEFAULT,
    copyright_: Annotated[
        bool,
        typer.Option(
            "--copyright", help=f"Somebody else's: at most {COPYRIGHT_CAP.width} x {COPYRIGHT_CAP.height} pixels."
        ),
    ] = False,
    replace_: Annotated[bool, typer.Option("--replace", help="Replace pyramids that stand there already.")] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Only say what would be made, and over what; nothing is written."),
    ] = False,
    json: Json = False,
) -> None:
    """Make a pyramid of every image: upright, in sRGB, at most 4000 x 4000, read back before it is published.

    What is no image, is damaged, or would have the same pyramid as another is listed with its reason, and does not stop
    the others. A pyramid that stands there already is left alone: the same one is skipped, another is refused.

    Example: darkroom pyramid scans/*.jpg s3://library/pyramids
    """
    *sources, destination = places
    if not sources:
        raise BadInput("There is no DEST: name the images first and the place for their pyramids last.")
    if wrong := wrong_profile(profile):
        raise BadInput(f"--profile: {wrong}")
    target = open_store(destination).uri
    with workspace() as state:  # of the plan and what became of it: in DEST are pyramids and nothing else
        request = Request(
            mode=Mode.PLAN if dry_run else Mode.CHANGED,
            profile=profile,
            store=open_store(str(state)).uri,
            images=target,
            given=tuple(sources),
            protected=copyright_,
            replace=replace_,
        )
        if dry_run:
            raise typer.Exit(_say_planned(request, json=json))
        told = _Told(readable(target), json=json)
        report = _made(request, told)
    not_made = _say_not_made(report.not_done, told.failed, json=json)
    skipped = f"{told.skipped:,} skipped, " if told.skipped else ""
    counts = f"{counted(report.done - told.skipped, 'pyramid')} made, {skipped}{not_made:,} failed or refused"
    typer.echo(f"{counts}, in {human_seconds(report.seconds)}: {readable(target)}", err=True)
    raise typer.Exit(1 if not_made else 0)


class _Told:
    """Says of each image what became of it as soon as it is known; `skipped`: the same pyramid stood there already."""

    def __init__(self, target: str, *, json: bool) -> None:
        self._target, self._json = target, json
        self.made = self.skipped = 0
        self.failed: set[str] = set()

    def __call__(self, outcome: Outcome) -> None:
        if outcome.state.is_good:
            self.made, self.skipped = self.made + outcome.facts[WRITTEN], self.skipped + (not outcome.facts[WRITTEN])
        else:
            self.failed.add(outcome.item)
        if self._json:
            print_json(_result(outcome))
        elif outcome.state.is_good:
            _say(outcome)

    def so_far(self, todo: int) -> str:
        """What is kept when it is interrupted, and how to go on."""
        stands = f"{counted(self.made, 'pyramid')} of {todo:,} made, and kept in {self._target}"
        return f"{stands}. The same command goes through all of them again; name only the images that are left."


def _made(request: Request, told: _Told) -> Report:
    try:
        return run_here(FLOW, request, command=_COMMAND, subject="given", workers=settings().workers, watch=told)
    except Interrupted as interruption:
        raise Interrupted(told.so_far(interruption.todo), interruption.todo) from None


@app.command("check", cls=Command)
def check(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="TIFFs, of whatever made them.")],
    json: Json = False,
) -> None:
    """Is a file a pyramid that image servers can use?

    Looks at its structure, decodes every tile of every level, and compares each level with the one before. Says what is
    wrong in words, and ends with 1 where anything is.

    Example: darkroom pyramid check pyramids/*.tif
    """
    if missing := [file for file in files if not file.is_file()]:
        raise BadInput(f"{file}: there is no such file." for file in missing)
    wrong = 0
    for file in files:
        found = inspect(file)
        wrong += bool(found.problems)
        if json:
            print_json(_checked(file, found))
            continue
        typer.echo(f"{'wrong' if found.problems else 'fine':5}  {file}: {_described(found)}")
        for problem in found.problems:
            typer.echo(f"       {problem}")
        for note in found.notes:
            typer.echo(f"       note: {note}")
    raise typer.Exit(1 if wrong else 0)


def _say_planned(request: Request, *, json: bool) -> int:
    """What would be made, and what stands there already; no image is read. Returns the exit code."""
    planned = draft(request, Run(_COMMAND, "given", here=True))
    verbs = Counter[str]()
    for todo in (costed.item for costed in planned.todo):
        name, target = todo.item.name, todo.item.target
        verb = "replace" if todo.item.replaces else "stands" if todo.stands else "make"
        verbs[verb] += 1
        if json:
            print_json(_document(name, "planned", target=target, stands=todo.stands, replaces=bool(todo.item.replaces)))
        else:
            typer.echo(f"{verb:7}  {shown(name)} -> {shown(target)}")
    instead = f", {verbs['replace']:,} of them over what stands there" if verbs["replace"] else ""
    counts = f"{counted(verbs['make'] + verbs['replace'], 'pyramid')} would be made{instead}"
    if verbs["stands"]:
        counts += f"; of {verbs['stands']:,} something stands there, which is kept: --replace replaces it"
    typer.echo(f"{counts}: nothing was written", err=True)
    return 1 if _say_not_made(planned.refused, set(), json=json) else 0


def _say(outcome: Outcome) -> None:
    name, facts, pyramid = shown(outcome.item), outcome.facts, outcome.outputs[0]
    if not facts[WRITTEN]:
        typer.echo(f"skipped: {name}: the same pyramid stands at {shown(pyramid.key)}")
        return
    size, source = f"{facts[WIDTH]} x {facts[HEIGHT]}", f"{facts[SOURCE_WIDTH]} x {facts[SOURCE_HEIGHT]}"
    of = f" of {source}" if source != size else ""
    typer.echo(f"{name} -> {shown(pyramid.key)}: {size}{of}, {facts[LEVELS]} levels, {human_bytes(pyramid.bytes)}")
    for note in outcome.notes:
        typer.echo(f"note: {name}: {note}", err=True)


def _said(one: NotDone | Outcome) -> tuple[State, str]:
    """What to call it that an image was not made, and why: refused is only what nobody tried, or what is in the way."""
    if one.kind == "decode":
        return State.FAILED, one.reason
    taken = one.kind == "write" and one.state is State.REFUSED
    return one.state, f"{one.reason}, or give --replace if it may go" if taken else one.reason


def _say_not_made(not_made: Iterable[NotDone], told: Set[str], *, json: bool) -> int:
    """Each reason once, with all the images that it costs: nothing else lists them. Returns how many they are.

    As JSON an image is a line of its own, unless it was `told` already.
    """
    names: dict[tuple[State, str], list[str]] = {}
    for one in sorted(not_made, key=lambda one: one.item):  # not as threads came to their ends
        names.setdefault(_said(one), []).append(shown(one.item))
        if json and one.item not in told:
            state, reason = _said(one)
            print_json(_document(one.item, state, reason=reason))
    for (state, reason), images in names.items():
        if len(images) == 1:
            typer.echo(f"{state}: {images[0]}: {reason}.", err=True)
        else:
            typer.echo(f"{state}: {reason}: {counted(len(images), 'image')}: {', '.join(images)}.", err=True)
    return sum(len(images) for images in names.values())


def _result(outcome: Outcome) -> dict[str, Any]:
    """One image's line of `--json`."""
    if not outcome.state.is_good:
        state, reason = _said(outcome)
        # an image that was tried is called by its key
        return _document(outcome.item, state, target=target_of(outcome.item), reason=reason, kind=outcome.kind)
    facts, pyramid = outcome.facts, outcome.outputs[0]
    sizes = {"width": facts[WIDTH], "height": facts[HEIGHT], "levels": facts[LEVELS], "bytes": pyramid.bytes}
    state = State.DONE if facts[WRITTEN] else State.SKIPPED
    return _document(outcome.item, state, target=pyramid.key, **sizes, notes=list(outcome.notes))


def _document(image: str, state: str, **said: Any) -> dict[str, Any]:
    return {"image": image, "state": state, **said}


def _checked(file: Path, found: Pyramid) -> dict[str, Any]:
    """One file's line of `--json`."""
    return {"file": str(file), "fine": not found.problems, **asdict(found)}


def _described(found: Pyramid) -> str:
    if not found.levels:
        return "no pyramid"
    width, height = found.levels[0]
    words = [f"{width} x {height}", f"{len(found.levels)} levels"]
    if found.tile[0]:
        words.append(f"tiles of {found.tile[0]} x {found.tile[1]}")
    words.append(f"{found.compression}{', BigTIFF' if found.big else ''}")
    if found.dpi:
        words.append(f"{found.dpi:g} dpi")
    return ", ".join(words)
