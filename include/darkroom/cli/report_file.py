"""`--report FILE` and its like: looked at before the command's work, and written after its words.

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
    return file_option("--report", help_)


def file_option(option: str, help_: str) -> Any:
    """The same under another name."""

    def looked_at(path: Path | None) -> Path | None:
        if path is not None:
            _target(path, option)
        return path

    return typer.Option(option, metavar="FILE", help=help_, callback=looked_at)


def write_report(document: Document, path: Path | None) -> None:
    """Write what a command found as JSON: the whole file, or none. The last thing that a command does.

    Raises `StoreError` where it cannot be written any more: what the command did stands, and its exit code is 70.
    """
    if path is not None:
        write_file("report", path, dump(document), "application/json")


def write_file(what: str, path: Path, data: bytes, content_type: str) -> None:
    """The same of any content; `what` is the word for it."""
    try:
        target = _target(path, f"--{what}")
        folder = open_store(str(target.parent))
        folder.write(target.name, data, content_type=content_type)
    except (BadInput, StoreError, OSError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).rstrip(".")
        raise StoreError(f"The {what} is lost: {path} could not be written ({reason}).") from None


def _target(path: Path, option: str) -> Path:
    """Where the file goes; links are followed. Raises `BadInput` where it cannot go, or would replace no file."""
    try:
        target = path.resolve()
        there, is_file = os.path.lexists(target), target.is_file()
        open_store(str(target.parent)).head(target.name)  # whether a folder can hold such a name
    except (StoreError, OSError, RuntimeError, ValueError) as error:  # of links in a circle, and of names that are none
        reason = (getattr(error, "strerror", None) or str(error)).rstrip(".")
        raise BadInput(f"{option}: {path} cannot be a file ({reason}); name another one.") from None
    if there and not is_file:
        what = "a folder" if target.is_dir() else "no regular file"
        raise BadInput(f"{option}: {path} is {what}, and is not replaced; name a file.")
    if not target.parent.is_dir():
        raise BadInput(f"{option}: there is no folder {path.parent}; make it, or name a file elsewhere.")
    if not os.access(target.parent, os.W_OK | os.X_OK):
        raise BadInput(f"{option}: nothing can be written into {path.parent}; name a file elsewhere.")
    return target
