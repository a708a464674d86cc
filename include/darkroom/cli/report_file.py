"""`--report FILE`: looked at before the command's work, and written after its words.

What a command found may take an hour to find: a report that cannot be written costs a look, and never the summary.
"""

import os
from pathlib import Path
from typing import Any

import typer

from darkroom.errors import BadInput, StoreError
from darkroom.jobs import Document, dump
from darkroom.store import open_store


def report_option(help_: str) -> Any:
    """The option, with these words. A file that cannot be written ends the command with 2, before anything is done."""
    return typer.Option("--report", metavar="FILE", help=help_, callback=_looked_at)


def write_report(document: Document, path: Path | None) -> None:
    """Write what a command found as JSON: the whole file, or none. The last thing that a command does.

    Raises `StoreError` where it cannot be written any more: what the command did stands, and its exit code is 70.
    """
    if path is None:
        return
    try:
        target = _target(path)
        folder = open_store(str(target.parent))
        folder.write(target.name, dump(document), content_type="application/json")
    except (BadInput, StoreError, OSError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).rstrip(".")
        raise StoreError(f"The report is lost: {path} could not be written ({reason}).") from None


def _looked_at(path: Path | None) -> Path | None:
    if path is not None:
        _target(path)
    return path


def _target(path: Path) -> Path:
    """Where the report goes; links are followed. Raises `BadInput` where it cannot go, or would replace no file."""
    try:
        target = path.resolve()
        there, is_file = os.path.lexists(target), target.is_file()
        open_store(str(target.parent)).head(target.name)  # whether a folder can hold such a name
    except (StoreError, OSError, RuntimeError, ValueError) as error:  # of links in a circle, and of names that are none
        reason = (getattr(error, "strerror", None) or str(error)).rstrip(".")
        raise BadInput(f"--report: {path} cannot be a file ({reason}); name another one.") from None
    if there and not is_file:
        what = "a folder" if target.is_dir() else "no regular file"
        raise BadInput(f"--report: {path} is {what}, and is not replaced; name a file.")
    if not target.parent.is_dir():
        raise BadInput(f"--report: there is no folder {path.parent}; make it, or name a file elsewhere.")
    if not os.access(target.parent, os.W_OK | os.X_OK):
        raise BadInput(f"--report: nothing can be written into {path.parent}; name a file elsewhere.")
    return target
