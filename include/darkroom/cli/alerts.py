"""`darkroom alerts`: which alerts are not sent, until when and why."""

import getpass
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from darkroom import keys
from darkroom.alerting import silences
from darkroom.alerting.message import Kind
from darkroom.alerting.silences import Silence
from darkroom.cli.commands import Command, Group
from darkroom.cli.output import Json, print_json, shown
from darkroom.errors import BadInput
from darkroom.settings import settings
from darkroom.store import Store, open_store, readable

app = typer.Typer(
    cls=Group,
    help="Alerts: silence those of a DAG for a while, see which are silenced, and end that.",
    no_args_is_help=True,
    add_completion=False,
)

_DAY = "%Y-%m-%d"
_KINDS = "|".join(Kind)

By = Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who says so. Default: this system's user.")]


@app.command("silence", cls=Command)
def silence(
    dag: Annotated[str, typer.Option("--dag", metavar="DAG", help="Whose alerts: nightly_pyramids, ...")],
    until: Annotated[
        datetime,
        typer.Option(
            "--until",
            metavar="TIME",
            formats=[_DAY, "%Y-%m-%dT%H:%M"],
            help="Until when, UTC: 2026-12-01, the whole day, or 2026-12-01T09:00. At most a year.",
        ),
    ],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why nobody needs to hear of it.")],
    kind: Annotated[
        Kind | None,
        typer.Option("--kind", metavar=_KINDS, help="Only these. Default: all but mismatch, which has to be named."),
    ] = None,
    by: By = None,
) -> None:
    """Send no alerts of a DAG for a while; the log still has them, and says why they were not sent.

    A message of several kinds is sent unless all of them are silenced.

    Example: darkroom alerts silence --dag gcs_archive_sync --until 2026-12-01 --reason "the bucket moves"
    """
    end = until.replace(tzinfo=UTC)
    if end.time() == datetime.min.time():
        end += timedelta(days=1)
    store = _studio()
    new = silences.silence(store, dag, end, reason, _name(by), kind=kind)
    typer.echo(_line(new))
    if next(iter(store.list(keys.runs(dag))), None) is None:
        typer.echo(f"No run of {shown(dag)} is known in {readable(store.uri)}: is the name right?", err=True)


@app.command("list", cls=Command)
def list_(
    ended: Annotated[bool, typer.Option("--all", help="Those that are over or were lifted, too.")] = False,
    json: Json = False,
) -> None:
    """List what is silenced now: its name, the DAG, until when, by whom and why.

    Example: darkroom alerts list
    """
    now = datetime.now(UTC)
    found = [one for one in silences.every(_studio()) if ended or one.stands(now)]
    for one in found:
        print_json(one) if json else typer.echo(_line(one))
    if not found:
        typer.echo("Nothing is silenced.", err=json)


@app.command("lift", cls=Command)
def lift(
    silence: Annotated[str, typer.Argument(metavar="ID", help="Which one, as list names it.")],
    by: By = None,
) -> None:
    """End a silence before its time.

    Example: darkroom alerts lift 0a1b2c3d
    """
    typer.echo(_line(silences.lift(_studio(), silence, _name(by))))


def _line(one: Silence) -> str:
    kind = f" ({one.kind})" if one.kind else ""
    lifted = f"; lifted by {one.lifted_by}, {one.lifted:%Y-%m-%d %H:%M} UTC" if one.lifted else ""
    return shown(f"{one.id}  {one.dag}{kind}: {one.sentence}{lifted}")


def _name(by: str | None) -> str:
    if by is None:
        return getpass.getuser()
    if not by.strip():
        raise BadInput("--by: it names nobody.")
    return by.strip()


def _studio() -> Store:
    """The studio's store. Raises `BadInput` where there is none: what is written there nobody would read."""
    store = open_store(settings().studio_store)
    if any(next(iter(store.list(prefix)), None) for prefix in keys.STUDIO):
        return store
    raise BadInput(f"No studio lies in {readable(store.uri)}; set DARKROOM_STUDIO_STORE to the studio's place.")
