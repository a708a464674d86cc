"""`darkroom store`: look into a folder or a bucket, and copy between any two of them."""

import time
from typing import Annotated

import typer

from darkroom.amounts import human_bytes, human_seconds
from darkroom.errors import BadInput
from darkroom.progress import Progress
from darkroom.store import open_store
from darkroom.store.transfer import transfer

app = typer.Typer(
    help="Folders and buckets: the same commands for /a/path, file:///a/path, s3://bucket/prefix and gs://bucket/prefix.",
    no_args_is_help=True,
    add_completion=False,
)

_MOST_LISTED = 200


@app.command("list")
def list_(
    location: Annotated[
        str, typer.Argument(metavar="LOCATION", help="A folder, or a bucket with or without a prefix.")
    ],
    long: Annotated[bool, typer.Option("--long", "-l", help="With size, time and the hash or ETag.")] = False,
) -> None:
    """List every object below a location, one a line; the number and size of all go to the error stream.

    Example: darkroom store list s3://studio/renders/raw --long
    """
    count = total = 0
    for entry in open_store(location).list():
        count, total = count + 1, total + entry.bytes
        # a name with a line break in it would be two lines, and a terminal obeys control characters
        name = entry.key if entry.key.isprintable() else ascii(entry.key)
        if long:
            known = entry.hashes.md5 or entry.etag
            print(f"{entry.bytes:>14,}  {entry.modified:%Y-%m-%d %H:%M:%S}  {known}  {name}")
        else:
            print(name)  # not typer's echo, which flushes each line
    typer.echo(f"{count:,} objects, {human_bytes(total)}", err=True)


@app.command("copy")
def copy(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="What lies below this folder or prefix is copied.")],
    destination: Annotated[str, typer.Argument(metavar="DESTINATION", help="The folder or prefix that it goes to.")],
) -> None:
    """Copy every object below a location to another, under the same names.

    Content type and metadata are kept where both have them. What the services know of the objects' hashes is checked
    on both ends, and every copy is confirmed; what cannot be copied is listed with its reason, and does not stop the
    others.

    Example: darkroom store copy /mnt/renders/fp-dr1003-102 s3://studio/renders/raw/fp-dr1003-102
    """
    origin, target = open_store(source), open_store(destination)
    if _inside(origin.uri, target.uri) or _inside(target.uri, origin.uri):
        raise BadInput(f"{source} and {destination} lie in each other: copy to a place of its own.")
    began, count, total, failed = time.monotonic(), 0, 0, 0
    with Progress("copying", None, as_bytes=True) as progress:
        for moved in transfer(origin, target, origin.list(), on_bytes=progress.advance):
            if moved.reason:
                failed += 1
                if failed <= _MOST_LISTED:
                    typer.echo(f"not copied: {moved.reason}", err=True)
            else:
                count, total = count + 1, total + moved.bytes
    for store in (origin, target):
        for fault, times in store.retries.items():
            typer.echo(f"{store.uri}: {times:,} requests were repeated after {fault}", err=True)
    if failed > _MOST_LISTED:
        typer.echo(f"... and {failed - _MOST_LISTED:,} more", err=True)
    typer.echo(f"{count:,} objects and {human_bytes(total)} copied in {human_seconds(time.monotonic() - began)}")
    raise typer.Exit(1 if failed else 0)


def _inside(uri: str, other: str) -> bool:
    return f"{uri}/".startswith(f"{other}/")
