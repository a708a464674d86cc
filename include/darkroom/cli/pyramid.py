"""`darkroom pyramid`: images to pyramid TIFFs, and the check of any such file."""

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from typer.core import TyperGroup

from darkroom.amounts import human_bytes, human_seconds
from darkroom.errors import BadInput
from darkroom.progress import Progress
from darkroom.pyramids.batch import Item, Limits, Result, make_pyramids
from darkroom.pyramids.fetching import Stored
from darkroom.pyramids.names import claimed_twice, target_of
from darkroom.pyramids.profiles import CAP, COPYRIGHT_CAP, DEFAULT, PROFILES, Cap, Profile, available
from darkroom.pyramids.validate import Pyramid, inspect
from darkroom.settings import settings
from darkroom.store import Entry, Store, open_store

_MAKE = "make"


class _MakeByDefault(TyperGroup):
    """What is no other command's name is the first source of `make`, so that nobody has to write `make`."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = [_MAKE, *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_MakeByDefault,
    help="Pyramid TIFFs, the tiled files of many sizes that image servers show large images from.\n\n"
    "`darkroom pyramid SRC... DEST` is short for `darkroom pyramid make SRC... DEST`.",
    no_args_is_help=True,
    add_completion=False,
)


@app.command(_MAKE)
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
) -> None:
    """Make a pyramid of every image: upright, in sRGB, at most 4000 x 4000, read back before it is published.

    What is no image, is damaged, or would have the same pyramid as another is listed with its reason, and does not stop
    the others.

    Example: darkroom pyramid scans/*.jpg s3://library/pyramids
    """
    *sources, destination = places
    if not sources:
        raise BadInput("There is no DEST: name the images first and the place for their pyramids last.")
    written = _profile(profile)
    target = open_store(destination)
    items, refused = _items(sources, target, COPYRIGHT_CAP if copyright_ else CAP)
    limits = Limits(settings().workers, settings().memory, settings().max_scan_pixels)
    began, made, failed = time.monotonic(), 0, len(refused)
    for name, reason in refused.items():
        typer.echo(f"refused: {name}: {reason}.", err=True)
    with Progress("pyramids", len(items)) as progress:
        for result in make_pyramids(items, target, written, limits):
            progress.advance()
            made, failed = made + (result.failure is None), failed + (result.failure is not None)
            _say(result)
    seconds = human_seconds(time.monotonic() - began)
    typer.echo(f"{made:,} pyramids made, {failed:,} failed or refused, in {seconds}: {target.uri}", err=True)
    raise typer.Exit(1 if failed else 0)


@app.command("check")
def check(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="TIFFs, of whatever made them.")],
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


def _items(sources: list[str], target: Store, cap: Cap) -> tuple[list[Item], dict[str, str]]:
    """The pyramids to make, and the sources that are refused, with their reasons."""
    found = {store.uri_of(entry.key): Stored(store, entry) for source in sources for store, entry in _images(source)}
    keys = Counter(image.entry.key for image in found.values())
    # by their keys where these say which is which, as in a folder or a bucket
    images = {image.entry.key if keys[image.entry.key] == 1 else uri: image for uri, image in found.items()}
    refused = claimed_twice({name: target_of(image.entry.key) for name, image in images.items()})
    for name, image in images.items():
        if image.store.uri_of(image.entry.key) == target.uri_of(target_of(image.entry.key)):
            refused[name] = "its pyramid would take its place; name another DEST"
    items = [
        Item(name, image, target_of(image.entry.key), cap) for name, image in images.items() if name not in refused
    ]
    return items, refused


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


def _say(result: Result) -> None:
    name = result.item.name if result.item.name.isprintable() else ascii(result.item.name)
    if result.failure or not (result.made and result.entry):
        typer.echo(f"failed: {name}: {result.failure}.", err=True)
        return
    made, source = result.made, result.made.source
    size = f"{made.width} x {made.height}"
    if (source.width, source.height) != (made.width, made.height):
        size += f" of {source.width} x {source.height}"
    typer.echo(f"{name} -> {result.item.target}: {size}, {made.pages} levels, {human_bytes(result.entry.bytes)}")
    for note in source.notes:
        typer.echo(f"note: {name}: {note}", err=True)


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
