"""The report folder: error.txt, success.txt, the same as JSON, and report.json."""

import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from darkroom.errors import BadInput, StoreError
from darkroom.jobs import NotDone
from darkroom.sync.dry_run import BEGINNING, FileLine, SyncReport, write_report

_REPORT = "report.json"
_NAMES = ("error.txt", "error.json", "success.txt", "success.json", _REPORT)


def require_report_folder(folder: Path) -> None:
    """Make the folder. Raises `BadInput` where it cannot be written to, or somebody else's files are in the way."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        taken = [name for name in _NAMES if os.path.lexists(folder / name)]
        ours = (
            _REPORT in taken
            and (folder / _REPORT).is_file()
            and (folder / _REPORT).open("rb").read(len(BEGINNING)) == BEGINNING
        )
    except OSError as error:
        raise BadInput(f"--report: {folder}: {(error.strerror or str(error)).lower()}; name another folder.") from None
    if taken and not ours:
        raise BadInput(
            f"--report: {folder} has {taken[0]}, which is of no sync before, and is not replaced; name another folder."
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise BadInput(f"--report: nothing can be written into {folder}; name another folder.")


def write_lists(
    folder: Path,
    head: SyncReport,
    accepted: Callable[[], Iterable[str]],
    not_done: Iterable[NotDone],
    files: Iterable[FileLine],
    prefix: str,
) -> None:
    """Write all five.

    `accepted` gives the names of the items with nothing wrong, each time anew; `prefix` is what every item's name
    begins with, and is left out. Raises `StoreError` where the disk does not take them; then those before stand as they
    were.
    """
    wrong = {one.item: one for one in sorted(not_done, key=lambda one: one.item)}

    def fine() -> Iterator[str]:
        return (name.removeprefix(prefix) for name in accepted() if name not in wrong)

    errors = [
        {"file": name.removeprefix(prefix), "reason": one.reason, "state": one.state} for name, one in wrong.items()
    ]
    written: dict[str, Callable[[BinaryIO], object]] = {
        "error.txt": lambda into: into.writelines(_line(f"{_shown(one['file'])}: {one['reason']}") for one in errors),
        "error.json": lambda into: into.writelines(_json(errors)),
        "success.txt": lambda into: into.writelines(_line(_shown(name)) for name in fine()),
        "success.json": lambda into: into.writelines(_json(fine())),
        _REPORT: lambda into: write_report(into, head, files),
    }
    temporary = {name: folder / f".{name}.{os.getpid()}" for name in written}
    try:
        for name, write in written.items():
            with temporary[name].open("wb") as into:
                write(into)
        for name, path in temporary.items():
            path.replace(folder / name)
    except OSError as error:
        raise StoreError(
            f"--report: the lists could not be written into {folder} ({(error.strerror or str(error)).lower()}); what "
            "was done is done."
        ) from error
    finally:
        for path in temporary.values():
            with suppress(OSError):
                path.unlink(missing_ok=True)


def _json(entries: Iterable[object]) -> Iterator[bytes]:
    """A JSON array, an entry a line."""
    yield b"["
    for number, entry in enumerate(entries):
        yield (b",\n" if number else b"\n") + json.dumps(entry).encode()
    yield b"\n]\n"


def _line(text: str) -> bytes:
    return text.encode(errors="surrogateescape") + b"\n"


def _shown(name: str) -> str:
    """A name on one line, its bytes as they are but for what would be another line."""
    return name if "\n" not in name and "\r" not in name else ascii(name)[1:-1]
