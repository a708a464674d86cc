"""`darkroom ingest`: bring a style's renders into the studio's store, with their proxies and the catalogue."""

from pathlib import Path
from typing import Annotated

import typer

from darkroom.cli.options import AskedMode, StyleFile, Workers
from darkroom.cli.report_file import report_option, write_report
from darkroom.cli.summary import print_summary
from darkroom.ingest.flow import FLOW
from darkroom.ingest.request import request_of
from darkroom.jobs import Mode
from darkroom.runs import run_here
from darkroom.settings import settings

_COMMAND = "ingest"  # where the command's plans lie below work/, as a DAG's do below its id


def ingest(
    style: StyleFile,
    source: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="STORE|dropbox:/path",
            help="Where the style's renders are delivered, at any depth: a folder, s3://, gs://, or dropbox:/path.",
        ),
    ],
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="STORE",
            help="The studio's store, a path or a URI: renders go to renders/raw/<style>/ in it, proxies and the "
            "catalogue to renders/caddy/<style>/.",
        ),
    ],
    mode: AskedMode = Mode.CHANGED,
    max_delete: Annotated[
        str,
        typer.Option(
            metavar="N|N%",
            help="Where more than that is gone from the source, nothing is removed, and the command fails. Default: "
            "50%.",
        ),
    ] = "",
    workers: Workers = None,
    report: Annotated[Path | None, report_option("Write the report as JSON here too.")] = None,
) -> None:
    """Deliver what is new or has changed: each file as it is, proven by its hash, and a proxy of each render.

    What is gone from the source is set aside below removed/, once the new files are proven. A file that may still be
    being written waits for the next run. After a kill the same command goes on with the rest.

    Example: darkroom ingest --style dress.yaml --from dropbox:/Studio/Dress --to s3://studio
    """
    request = request_of(style, source, to, mode=mode, max_delete=max_delete)
    result = run_here(
        FLOW,
        request,
        command=_COMMAND,
        subject=request.styles[0].style,
        workers=workers or settings().workers,
    )
    print_summary(result)
    write_report(result, report)
    raise typer.Exit(0 if result.ok else 1)
