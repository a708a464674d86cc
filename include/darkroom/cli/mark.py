"""`darkroom mark`: let the next night make pyramids again."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated

import typer

from darkroom import keys
from darkroom.amounts import counted
from darkroom.cli.commands import kept
from darkroom.cli.options import listed
from darkroom.cli.output import Json, print_json, shown
from darkroom.errors import BadInput
from darkroom.progress import Progress
from darkroom.pyramids.sources.markers import chosen
from darkroom.pyramids.sources.markers import mark as mark_images
from darkroom.settings import settings
from darkroom.store import Entry, Store, exists, open_store, readable


def mark(
    source: Annotated[str, typer.Option(metavar="NAME", help="A source of DARKROOM_SCAN_SOURCES.")],
    prefix: Annotated[str, typer.Option(metavar="PREFIX", help="Only images whose key begins so.")] = "",
    ext: Annotated[
        list[str] | None, typer.Option(metavar="EXT", help="Only with these extensions: jpg,tif. Default: all.")
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(
            metavar="TIME",
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"],
            help="Only what changed since, UTC: 2026-11-01 or 2026-11-01T05:30:00.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say which images would be marked; nothing is written.")
    ] = False,
    json: Json = False,
) -> None:
    """Mark images of a source as changed, so that the next run makes their pyramids again.

    An image that is marked already stays so. The markers are in the studio's store (DARKROOM_STUDIO_STORE), below
    process/.

    Example: darkroom mark --source maps --prefix 1890/ --ext jpg,tif --since 2026-11-01
    """
    places = settings().scan_sources
    if source not in places:
        known = ", ".join(places) or "there is none"
        raise BadInput(f"--source: {source!r} is no source of DARKROOM_SCAN_SOURCES ({known}).")
    extensions = listed(ext, "--ext")
    scans, store = open_store(places[source]), _studio()
    start = since.replace(tzinfo=UTC) if since else None
    found = chosen(scans.list(prefix), extensions, start)
    new, already = _marked(scans, found, store, source, dry_run=dry_run, json=json)
    if not new + already:
        filters = {"--prefix": prefix, "--ext": ",".join(extensions), "--since": since or ""}
        asked = " ".join(f"{name} {value}" for name, value in filters.items() if value)
        raise BadInput(f"No image{f' fits {asked}' if asked else ''} in {readable(scans.uri)}; nothing was marked.")
    done = f"{counted(new, 'image')} {'would be ' if dry_run else ''}marked, {already:,} were already"
    typer.echo(f"{done}: {readable(store.uri)}", err=json)


def _marked(
    scans: Store, found: Iterator[Entry], store: Store, source: str, *, dry_run: bool, json: bool
) -> tuple[int, int]:
    """Mark them, or only say which; how many were not marked before, and how many were."""
    new = already = 0

    def so_far() -> str:
        return "Nothing was written." if dry_run else f"{new:,} are marked, and stay so; run it again to mark the rest."

    with kept(so_far), Progress("looked at" if dry_run else "marked", None) as progress:
        for marked in mark_images(scans, found, store, source, dry_run=dry_run):
            progress.advance()
            new, already = new + (not marked.already), already + marked.already
            if json:
                print_json({"source": source, "key": marked.key, "already": marked.already})
            elif dry_run:
                print(f"{'already' if marked.already else 'mark':7}  {shown(marked.key)}")
    return new, already


def _studio() -> Store:
    """The studio's store. A new studio begins only in a place that somebody named and that is there.

    Raises `BadInput` where there is none: a folder that somebody happens to stand in shall not become one.
    """
    location = settings().studio_store
    store = open_store(location)
    if any(next(iter(store.list(prefix)), None) for prefix in keys.STUDIO):
        return store
    named = "studio_store" in settings().model_fields_set
    bucket = not store.uri.startswith("file://")
    if named and (exists(bucket_of(store.uri)) if bucket else exists(location) and not any(store.list())):
        return store
    raise BadInput(
        f"No studio lies in {readable(store.uri)}, so nothing was marked; set DARKROOM_STUDIO_STORE to the studio's "
        "place, or for a new one to an empty folder or a bucket that is there."
    )


def bucket_of(uri: str) -> str:
    """The bucket that a place lies in.

    >>> bucket_of("s3://studio/a/b")
    's3://studio'
    """
    return "/".join(uri.split("/")[:3])
