"""`darkroom pyramid`: images to pyramid TIFFs, and the check of any such file."""

import time
from collections import Counter
from collections.abc import Iterator, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

import typer

from darkroom.amounts import counted, human_bytes, human_seconds
from darkroom.cli.commands import Command, Group, kept
from darkroom.cli.output import Json, print_json, shown
from darkroom.errors import BadInput
from darkroom.failures import Taken
from darkroom.jobs import NotDone, State
from darkroom.progress import Progress
from darkroom.pyramids.batch import Item, Limits, Result, make_pyramids
from darkroom.pyramids.fetching import Stored
from darkroom.pyramids.names import claimed_twice, copy_beside, target_of
from darkroom.pyramids.profiles import CAP, COPYRIGHT_CAP, DEFAULT, PROFILES, Cap, Profile, available
from darkroom.pyramids.validate import Pyramid, inspect
from darkroom.settings import settings
from darkroom.store import Entry, Store, open_store, path_of, readable

_MAKE = "make"

Identity = str | tuple[int, int]
"""What tells objects apart: an URI, or of a file its device and inode."""


class _MakeByDefault(Group):
    """What is no other command's name is the first source of `make`, so that nobody has to write `make`."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            if not Path(args[0]).exists() and (close := get_close_matches(args[0], self.commands, n=1)):
                ctx.fail(f"No such command {args[0]!r}, and no such image. Did you mean {close[0]!r}?")
            args = [_MAKE, *args]
        return super().parse_args(ctx, args)


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
    written = _profile(profile)
    target = open_store(destination)
    items, refused = _items(sources, target, COPYRIGHT_CAP if copyright_ else CAP, replace_=replace_)
    if json:
        for one in refused:
            print_json(_document(one.item, state=one.state, reason=one.reason))
    if dry_run:
        _say_planned(items, target, json=json)
        _say_not_made(refused)
        raise typer.Exit(1 if refused else 0)
    began = time.monotonic()
    done = _make_all(items, target, written, json=json)
    not_made = [*refused, *done.failed]
    _say_not_made(not_made)
    skipped = f"{done.skipped:,} skipped, " if done.skipped else ""
    counts = f"{counted(done.made, 'pyramid')} made, {skipped}{len(not_made):,} failed or refused"
    typer.echo(f"{counts}, in {human_seconds(time.monotonic() - began)}: {readable(target.uri)}", err=True)
    raise typer.Exit(1 if not_made else 0)


@dataclass
class _Done:
    """What became of the images so far; `skipped`: the same pyramid stood there already."""

    made: int = 0
    skipped: int = 0
    failed: list[NotDone] = field(default_factory=list)


def _make_all(items: list[Item], target: Store, profile: Profile, *, json: bool) -> _Done:
    """Make them, and say what was made."""
    limits = Limits(settings().workers, settings().memory, settings().max_scan_pixels)
    done = _Done()

    def so_far() -> str:
        stands = f"{counted(done.made, 'pyramid')} of {len(items):,} made, and kept in {readable(target.uri)}"
        return f"{stands}. The same command goes through all of them again; name only the images that are left."

    with kept(so_far), Progress("pyramids", len(items)) as progress:
        for result in make_pyramids(items, target, profile, limits):
            progress.advance()
            if result.failure or not (result.made and result.pyramid):
                done.failed.append(_not_made(result))
            else:
                done.made, done.skipped = done.made + result.written, done.skipped + (not result.written)
            if json:
                print_json(_result(result))
            else:
                _say(result)
    return done


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


def _profile(name: str) -> Profile:
    if name not in PROFILES:
        raise BadInput(f"--profile: there is no {name!r}; the profiles are: {', '.join(PROFILES)}.")
    if name not in available():
        raise BadInput(f"--profile: this libvips cannot write {name}; it can: {', '.join(available())}.")
    return PROFILES[name]


def _items(sources: list[str], target: Store, cap: Cap, *, replace_: bool) -> tuple[list[Item], list[NotDone]]:
    """The pyramids to make, and the sources that are refused, with their reasons."""
    found = {store.uri_of(entry.key): Stored(store, entry) for source in sources for store, entry in _images(source)}
    keys = Counter(image.entry.key for image in found.values())
    # by their keys where these say which is which, as in a folder or a bucket
    images = {image.entry.key if keys[image.entry.key] == 1 else uri: image for uri, image in found.items()}
    refused = claimed_twice({name: target_of(image.entry.key) for name, image in images.items()})
    taken = {_identity(image.store, image.entry.key) for image in images.values()}
    for name, image in images.items():
        place = _identity(target, target_of(image.entry.key))
        if place == _identity(image.store, image.entry.key):
            refused[name] = "its pyramid would take its place; name another DEST"
        elif place in taken:
            refused[name] = f"{target_of(image.entry.key)} is one of the images; name another DEST"
    items = [
        Item(name, image, target_of(image.entry.key), cap) for name, image in images.items() if name not in refused
    ]
    return (
        _replacing(items, target, taken) if replace_ else items,
        [NotDone(item=name, state=State.REFUSED, reason=reason) for name, reason in refused.items()],
    )


def _replacing(items: list[Item], target: Store, taken: Set[Identity]) -> list[Item]:
    """The items with what stands there now, and may be replaced. Never one of the images, whatever is asked for."""

    def etag(key: str) -> str:
        entry = target.head(key)
        return entry.etag if entry and _identity(target, key) not in taken else ""

    def seen(item: Item) -> Item:
        return replace(item, replaces=etag(item.target), replaces_copy=etag(copy_beside(item.target)))

    with ThreadPoolExecutor(target.concurrency, "standing") as pool:
        return list(pool.map(seen, items))


def _identity(store: Store, key: str) -> Identity:
    """What an object is, whichever of its names leads to it: a file may have several, by links."""
    uri = store.uri_of(key)
    if uri.startswith("file://"):
        with suppress(OSError):
            stat = path_of(uri).stat()
            return stat.st_dev, stat.st_ino
    return uri


def _images(source: str) -> Iterator[tuple[Store, Entry]]:
    """What a source is: one object, or all below a folder or prefix."""
    parent, _, name = source.rpartition("/")
    if "://" not in source:
        path = Path(source)
        parent, name = str(path.parent), path.name
    # a whole bucket has nothing before its name
    if name and ("://" in parent or "://" not in source):
        store = open_store(parent)
        if entry := store.head(name):
            yield store, entry
            return
    store, empty = open_store(source), True
    for entry in store.list():
        yield store, entry
        empty = False
    if empty:
        raise BadInput(f"{source}: nothing is there.")


def _say_planned(items: list[Item], target: Store, *, json: bool) -> None:
    """What would be made, and what stands there already; no image is read."""
    verbs = Counter[str]()
    with ThreadPoolExecutor(target.concurrency, "looking") as pool:
        for item, standing in zip(items, pool.map(lambda one: target.head(one.target), items), strict=True):
            verb = "replace" if item.replaces else "stands" if standing else "make"
            verbs[verb] += 1
            if json:
                stands = {"stands": standing is not None, "replaces": bool(item.replaces)}
                print_json(_document(item.name, state="planned", target=item.target, **stands))
            else:
                print(f"{verb:7}  {shown(item.name)} -> {shown(item.target)}")
    instead = f", {verbs['replace']:,} of them over what stands there" if verbs["replace"] else ""
    counts = f"{counted(verbs['make'] + verbs['replace'], 'pyramid')} would be made{instead}"
    if verbs["stands"]:
        counts += f"; of {verbs['stands']:,} something stands there, which is kept: --replace replaces it"
    typer.echo(f"{counts}: nothing was written", err=True)


def _say(result: Result) -> None:
    if not (result.made and result.pyramid):
        return
    name, made, source = shown(result.item.name), result.made, result.made.source
    if not result.written:
        typer.echo(f"skipped: {name}: the same pyramid stands at {shown(result.item.target)}")
        return
    size = f"{made.width} x {made.height}"
    if (source.width, source.height) != (made.width, made.height):
        size += f" of {source.width} x {source.height}"
    typer.echo(
        f"{name} -> {result.item.target}: {size}, {made.pages} levels, {human_bytes(result.pyramid.entry.bytes)}"
    )
    for note in source.notes:
        typer.echo(f"note: {name}: {note}", err=True)


def _not_made(result: Result) -> NotDone:
    taken = isinstance(result.failure, Taken)
    hint = ", or give --replace if it may go" if taken else ""
    state = State.REFUSED if taken else State.FAILED
    return NotDone(item=result.item.name, state=state, reason=f"{result.failure}{hint}")


def _say_not_made(not_made: list[NotDone]) -> None:
    """Each reason once, with all the images that it costs: nothing else lists them."""
    names: dict[tuple[State, str], list[str]] = {}
    for one in not_made:
        names.setdefault((one.state, one.reason), []).append(shown(one.item))
    for (state, reason), images in names.items():
        if len(images) == 1:
            typer.echo(f"{state}: {images[0]}: {reason}.", err=True)
        else:
            typer.echo(f"{state}: {reason}: {counted(len(images), 'image')}: {', '.join(images)}.", err=True)


def _result(result: Result) -> dict[str, Any]:
    """One image's line of `--json`."""
    made, stands, name, target = result.made, result.pyramid, result.item.name, result.item.target
    if not (made and stands):
        failed, kind = _not_made(result), result.failure.kind if result.failure else ""
        return _document(name, state=failed.state, target=target, reason=failed.reason, kind=kind)
    sizes = {"width": made.width, "height": made.height, "levels": made.pages, "bytes": stands.entry.bytes}
    state = State.DONE if result.written else State.SKIPPED
    return _document(name, state=state, target=target, **sizes, notes=list(made.source.notes))


def _document(image: str, **said: Any) -> dict[str, Any]:
    return {"image": image, **said}


def _checked(file: Path, found: Pyramid) -> dict[str, Any]:
    """One file's line of `--json`."""
    return {
        "file": str(file),
        "fine": not found.problems,
        "problems": list(found.problems),
        "notes": list(found.notes),
        "levels": [list(level) for level in found.levels],
        "tile": list(found.tile),
        "compression": found.compression,
        "big": found.big,
        "dpi": found.dpi,
    }


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
