"""`darkroom job`: what an operator starts a worker with."""

from typing import Annotated

import typer

from darkroom import worker
from darkroom.causes import cause_lines, causes
from darkroom.cli.commands import Command, Group, kept
from darkroom.cli.options import Workers
from darkroom.logs import WARNING
from darkroom.settings import settings

app = typer.Typer(cls=Group, help="Jobs: work orders that a plan wrote.", no_args_is_help=True, add_completion=False)

_MOST_LISTED = 200


@app.callback()
def _jobs() -> None:
    """Keeps `run` a word of its own."""


@app.command(cls=Command)
def run(
    uri: Annotated[str, typer.Argument(metavar="URI", help="The job file: a path or a URI.")],
    workers: Workers = None,
) -> None:
    """Do one job's items that have no good outcome yet.

    The same command after a kill goes on where the last try stopped. Two workers on one job do no harm.

    Example: darkroom job run s3://studio/work/nightly_pyramids/<run id>/<plan id>/jobs/0001.json
    """
    with kept(lambda: "What is finished is kept; the same command goes on with the rest."):
        outcomes = worker.run_job(uri, workers=workers or settings().workers)
    failures = worker.failures(outcomes)
    for line in cause_lines(causes(failures), "item", _MOST_LISTED):
        typer.echo(f"{WARNING}{line}", err=True)
    typer.echo(f"{len(outcomes) - len(failures):,} items fine, {len(failures):,} failed or refused")
    raise typer.Exit(1 if failures else 0)
