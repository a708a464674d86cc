"""`darkroom mark`: let the next night make pyramids again."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from darkroom.cli.options import listed
from darkroom.errors import BadInput
from darkroom.progress import Progress
from darkroom.pyramids.sources.markers import chosen
from darkroom.pyramids.sources.markers import mark as mark_images
from darkroom.settings import settings
from darkroom.store import open_store


def mark(
    source: Annotated[str, typer.Option(metavar="NAME", help="A source of DARKROOM_SCAN_SOURCES.")],
    prefix: Annotated[str, typer.Option(metavar="PREFIX", help="Only images whose key begins so.")] = "",
    ext: Annotated[
        list[str] | None, typer.Option(metavar="EXT", help="Only with these extensions: jpg,tif. Default: all.")
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(metavar="TIME", formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="Only what changed since, UTC."),
    ] = None,
) -> None:
    """Mark images of a source as changed, so that the next run makes their pyramids again.

    An image that is marked already stays so. The markers are in the studio's store, below process/.

    Example: darkroom mark --source maps --prefix 1890/ --ext jpg,tif --since 2026-11-01
    """
    places = settings().scan_sources
    if source not in places:
        known = ", ".join(places) or "there is none"
        raise BadInput(f"--source: {source!r} is no source of DARKROOM_SCAN_SOURCES ({known}).")
    scans, store = open_store(places[source]), open_store(settings().studio_store)
    start = since.replace(tzinfo=UTC) if since else None
    new = already = 0
    with Progress("marked", None) as progress:
        for marked in mark_images(scans, chosen(scans.list(prefix), listed(ext), start), store, source):
            progress.advance()
            new, already = new + (not marked.already), already + marked.already
    typer.echo(f"{new:,} images marked, {already:,} were already: {store.uri}")
