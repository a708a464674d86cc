"""`darkroom store`: look into a folder or a bucket, and copy between any two of them."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Annotated

import typer

from darkroom.amounts import counted, human_bytes, human_seconds
from darkroom.cli.commands import Command, Group, kept
from darkroom.cli.output import Json, print_json, shown
from darkroom.errors import BadInput, Denied, StoreError
from darkroom.progress import Progress
from darkroom.store import Entry, Store, exists, open_store, readable
from darkroom.store.globs import chooser
from darkroom.store.transfer import TargetDenied, transfer, under_same_keys

app = typer.Typer(
    cls=Group,
    help="Folders and buckets: the same commands for /a/path, file:///a/path, s3://bucket/prefix and gs://bucket/prefix.",
    no_args_is_help=True,
    add_completion=False,
)

Include = Annotated[
    list[str] | None,
    typer.Option(
        metavar="GLOB",
        help="Only objects whose key below the location matches this, or another --include: *.jpg is a name in any "
        "folder, maps/*.jpg a key as a whole, ** any folders, maps/ all below that folder.",
    ),
]
Exclude = Annotated[
    list[str] | None,
    typer.Option(metavar="GLOB", help="Not the objects that match this, whatever --include says. May be repeated."),
]

_MOST_LISTED = 200
_AT_ONCE = 1000  # objects that are looked at together


@app.command("list", cls=Command)
def list_(
    location: Annotated[
        str, typer.Argument(metavar="LOCATION", help="A folder, or a bucket with or without a prefix.")
    ],
    long: Annotated[bool, typer.Option("--long", "-l", help="With size, time and the hash or ETag.")] = False,
    include: Include = None,
    exclude: Exclude = None,
    json: Json = False,
) -> None:
    """List every object below a location, one a line; the number and size of all go to the error stream.

    Example: darkroom store list s3://studio/renders/raw --long --include '*.png'
    """
    count = total = 0
    for entry in _chosen(open_store(location), include, exclude):
        count, total = count + 1, total + entry.bytes
        if json:
            print_json(_document(entry))
        elif long:
            known = entry.hashes.md5 or entry.etag
            print(f"{entry.bytes:>14,}  {entry.modified:%Y-%m-%d %H:%M:%S}  {known}  {shown(entry.key)}")
        else:
            print(shown(entry.key))  # not typer's echo, which flushes each line
    if not count and (include or exclude or not exists(location)):
        raise BadInput(_nothing(location, include, exclude))
    typer.echo(f"{counted(count, 'object')}, {human_bytes(total)}", err=True)


@app.command("copy", cls=Command)
def copy(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="What lies below this folder or prefix is copied.")],
    destination: Annotated[str, typer.Argument(metavar="DESTINATION", help="The folder or prefix that it goes to.")],
    include: Include = None,
    exclude: Exclude = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be copied, and over what; nothing is written.")
    ] = False,
) -> None:
    """Copy every object below a location to another, under the same names.

    What stands there under the same name is replaced. Content type and metadata are kept where both have them. What the
    services know of the objects' hashes is checked on both ends, and every copy is confirmed; what cannot be copied is
    listed with its reason, and does not stop the others.

    Example: darkroom store copy /mnt/renders/fp-dr1003-102 s3://studio/renders/raw/fp-dr1003-102 --exclude '*.tmp'
    """
    origin, target = open_store(source), open_store(destination)
    if _inside(origin.uri, target.uri) or _inside(target.uri, origin.uri):
        raise BadInput(f"{source} and {destination} lie in each other: copy to a place of its own.")
    entries = _chosen(origin, include, exclude)
    copied, failed, denied = _said(entries, target) if dry_run else _copied(origin, target, entries)
    if not copied + failed:
        raise BadInput(_nothing(source, include, exclude))
    raise typer.Exit(2 if denied == failed and denied and not copied else 1 if failed else 0)


def _copied(origin: Store, target: Store, entries: Iterator[Entry]) -> tuple[int, int, int]:
    """Copy them; how many were, how many could not be, and how many of these the target may not be given."""
    began, count, total, failed, denied = time.monotonic(), 0, 0, 0, 0

    def so_far() -> str:
        return (
            f"{counted(count, 'object')} stand in {readable(target.uri)}. The same command copies all of them again; "
            "choose the others by --include and --exclude."
        )

    with kept(so_far), Progress("copying", None, as_bytes=True) as progress:
        for entry, fault in _moved(origin, target, entries, progress):
            if entry:
                count, total = count + 1, total + entry.bytes
                continue
            failed, denied = failed + 1, denied + isinstance(fault, TargetDenied)
            if failed <= _MOST_LISTED:
                typer.echo(f"not copied: {fault}", err=True)
    for store in (origin, target):
        for fault, times in store.retries.items():
            typer.echo(f"{counted(times, 'request')} repeated after {fault}: {readable(store.uri)}", err=True)
    if failed > _MOST_LISTED:
        typer.echo(f"... and {failed - _MOST_LISTED:,} more", err=True)
    if count:
        seconds = human_seconds(time.monotonic() - began)
        typer.echo(f"{counted(count, 'object')} and {human_bytes(total)} copied in {seconds}")
    return count, failed, denied


def _moved(
    origin: Store, target: Store, entries: Iterator[Entry], progress: Progress
) -> Iterator[tuple[Entry | None, str | Exception | None]]:
    """What stands of each object, or its fault; after the first that stands, what ends them all is one more fault."""
    some = False
    try:
        for moved in transfer(origin, target, under_same_keys(entries), on_bytes=progress.advance):
            some = some or not moved.fault
            yield moved.entry, moved.fault
    except Denied as error:
        if not some:
            raise
        yield None, f"{error} What comes after it was not copied either."


def _said(entries: Iterator[Entry], target: Store) -> tuple[int, int, int]:
    """Say of each what copying it would do; how many could be copied, and how many could not."""

    def look(entry: Entry) -> tuple[Entry, Entry | None, str]:
        try:
            return entry, target.head(entry.key), ""
        except StoreError as error:
            return entry, None, str(error)

    count = total = over = failed = 0
    with ThreadPoolExecutor(target.concurrency, "looking") as pool:
        while some := list(islice(entries, _AT_ONCE)):
            for entry, standing, reason in pool.map(look, some):
                if reason:
                    failed += 1
                    typer.echo(f"cannot be copied: {reason}", err=True)
                    continue
                count, total, over = count + 1, total + entry.bytes, over + (standing is not None)
                print(f"{'replace' if standing else 'copy':7}  {shown(entry.key)}  {human_bytes(entry.bytes)}")
    if count:
        instead = f", {over:,} of them over what stands there" if over else ""
        typer.echo(f"{counted(count, 'object')} and {human_bytes(total)} would be copied{instead}: nothing was written")
    return count, failed, 0


def _chosen(store: Store, include: list[str] | None, exclude: list[str] | None) -> Iterator[Entry]:
    wanted = chooser(include or (), exclude or ())
    return (entry for entry in store.list() if wanted(entry.key))


def _nothing(location: str, include: list[str] | None, exclude: list[str] | None) -> str:
    if (include or exclude) and exists(location):
        said = [f"--{name} {one}" for name, many in (("include", include), ("exclude", exclude)) for one in many or ()]
        return f"Nothing fits {' '.join(said)} in {readable(location)}; see what is there with darkroom store list."
    return f"Nothing lies in {readable(location)}; correct the location."


def _document(entry: Entry) -> dict[str, object]:
    return {
        "key": entry.key,
        "bytes": entry.bytes,
        "modified": entry.modified.isoformat(),
        "etag": entry.etag,
        "hashes": entry.hashes.known(),
    }


def _inside(uri: str, other: str) -> bool:
    return f"{uri}/".startswith(f"{other}/")
