"""The command line that people and the worker share: one file a verb.

Exit codes: 0 all fine; 1 some items failed or were refused; 2 bad input, nothing found, or no access. Those are final.
Anything else, such as 70 (an error that nobody foresaw: EX_SOFTWARE of sysexits.h), 130 (interrupted) or a signal's,
means that the work did not come to its end: run it again.
"""

import gc
import logging
import os
import sys
from importlib import import_module
from io import TextIOWrapper
from typing import Any

import typer
from typer.core import TyperCommand

from darkroom.cli.commands import INTERRUPTED, Command, Group
from darkroom.cli.spread import spread
from darkroom.errors import BadInput, DarkroomError, Denied
from darkroom.logs import quiet_libraries

_FINAL, _UNFINISHED = 2, 70

_MOST = 100
"""Problems that are told, whatever it was: a terminal keeps no more, and who has more has one of them many times."""

_VERBS = (
    *("ingest", "catalogue", "composite", "verify", "check", "sample", "combinations", "resolve", "style"),
    *("pyramid", "mark", "archive", "sync", "alerts", "estimate", "store", "job"),
)


class _Verbs(Group):
    """The verbs, each a module of its name here, imported when it is asked for.

    The imaging ones bring a compiler and libvips: a second and 60 MiB that copying between stores shall not cost.
    """

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = dict.fromkeys(_VERBS)  # type: ignore[assignment]  # only names: what a mistyped one is near to

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        return list(_VERBS)

    def get_command(self, ctx: typer.Context, cmd_name: str) -> TyperCommand | None:  # type: ignore[override]
        if cmd_name not in _VERBS:
            return None
        module = import_module(f"darkroom.cli.{cmd_name}")
        verb = getattr(module, "app", None)
        if verb is None:
            verb = typer.Typer(add_completion=False)
            verb.command(cmd_name, cls=Command)(getattr(module, cmd_name))
        command = typer.main.get_command(verb)
        command.name = cmd_name
        return command  # type: ignore[return-value]


app = typer.Typer(
    name="darkroom",
    cls=_Verbs,
    help="An image studio's production line. Every command ends with 0 when all is fine, 1 when some items failed "
    "or were refused (they are listed), 2 when the input is bad or nothing was found where something was named, and "
    "nothing was done, 130 when it was interrupted (Ctrl-C).",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version as installed  # takes longer than a small command

        typer.echo(f"darkroom {installed('darkroom')}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    logging.getLogger("darkroom").setLevel(logging.INFO)
    quiet_libraries()


def main() -> None:
    """Run the command line; what Darkroom says no to becomes a sentence and an exit code."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy would start a thread a core for matrices
    for stream in (sys.stdout, sys.stderr):  # a file's name may be any bytes
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    gc.set_threshold(50_000, 20, 20)  # Python's own 700 takes a tenth of the time of work on many small objects
    sys.setswitchinterval(0.001)  # s; a thread that got an answer waits Python's own 5 ms for one that parses another's
    try:
        app(spread(sys.argv[1:]))
    except BadInput as refusal:
        for problem in refusal.problems[:_MOST]:
            typer.echo(problem, err=True)
        if (more := len(refusal.problems) - _MOST) > 0:
            typer.echo(f"There are {more:,} more; correct these first.", err=True)
        sys.exit(_FINAL)
    except Denied as error:
        typer.echo(str(error), err=True)
        sys.exit(_FINAL)
    except DarkroomError as error:
        typer.echo(f"{error} What is finished is kept; run it again.", err=True)
        sys.exit(_UNFINISHED)
    except KeyboardInterrupt:  # before or after the command itself
        sys.exit(INTERRUPTED)
    except Exception:
        logging.getLogger("darkroom").exception("An error that nobody foresaw. What is finished is kept; run it again.")
        sys.exit(_UNFINISHED)
