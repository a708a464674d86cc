"""`darkroom catalogue`: what a front end draws a style from."""

from pathlib import Path
from typing import Annotated

import typer

from darkroom import keys
from darkroom.amounts import counted
from darkroom.catalogue.published import assemble, publish
from darkroom.cli.options import StyleFile
from darkroom.cli.output import Json, print_json
from darkroom.cli.report_file import file_option, write_file
from darkroom.errors import BadInput
from darkroom.jobs import dump
from darkroom.store import open_store, readable
from darkroom.styles.style_file import read_style


def catalogue(
    style: StyleFile,
    to: Annotated[
        str,
        typer.Option(
            "--to", metavar="STORE", help="The studio's store, a path or a URI, where renders/caddy/<style>/ lies."
        ),
    ],
    out: Annotated[
        Path | None, file_option("--out", "Write the catalogue here, and leave the one in the store alone.")
    ] = None,
    json: Json = False,
) -> None:
    """Make a style's catalogue.json anew: its layers with their proxies, its options, and how stacks are drawn.

    It is made of the style file and of what lies in the store, and written where it says something new. The ingest does
    the same; this is for a style file that changed meanwhile.

    Example: darkroom catalogue --style dress.yaml --to s3://studio
    """
    read = read_style(style)
    store = open_store(to)
    proxies = keys.proxies(read.style)
    if not any(entry.key.endswith(".png") for entry in store.list(proxies)):
        where = f"{readable(store.uri)}/{proxies}"
        raise BadInput(f"--to: no proxy of {read.style} lies in {where}; ingest its renders, or name another place.")
    made, written = (assemble(store, read), True) if out else publish(store, read)
    if json:
        print_json(
            {"style": made.style, "layers": len(made.layers), "proxies": made.proxies, "without_proxy": made.lacking}
        )
    said = f"{made.style}: {counted(len(made.layers), 'layer')}, {made.proxies:,} proxies"
    lacking = f", {counted(made.lacking, 'layer')} without any" if made.lacking else ""
    where = str(out) if out else readable(store.uri_of(keys.catalogue(read.style)))
    typer.echo(f"{said}{lacking}; {'written to' if written else 'unchanged in'} {where}", err=json)
    if out:
        write_file("out", out, dump(made), "application/json")
