"""A request of several parts (pairs, profiles, styles): those that cannot be read or planned do not stop the others."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from darkroom.errors import BadInput, StoreError, Unavailable


class Part(Protocol):
    """A part, by its name."""

    @property
    def name(self) -> str: ...


class Switched(Part, Protocol):
    """A part whose file may say that it is not to run by itself."""

    @property
    def enabled(self) -> bool: ...


PartT = TypeVar("PartT", bound=Part)
SwitchedT = TypeVar("SwitchedT", bound=Switched)
ShareT = TypeVar("ShareT")


def yaml_files(folder: Path) -> dict[str, Path]:
    """The YAML files of a folder of the deployment, by what they name; none where there is no such folder."""
    try:
        return {path.stem: path for path in sorted(folder.iterdir()) if path.suffix == ".yaml"}
    except OSError:
        return {}


def chosen(
    names: Sequence[str],
    files: Mapping[str, Path],
    read: Callable[[Path], SwitchedT],
    said: list[str],
    problems: list[str],
) -> Iterator[SwitchedT]:
    """The parts of these names, or all that are enabled where there are none.

    Those that are left alone go to `said`, and those that cannot be read to `problems`, a sentence each.
    """
    for name in dict.fromkeys(names or files):
        try:
            part = read(files[name])
        except BadInput as error:
            problems += error.problems
            continue
        if part.enabled or names:
            yield part
        else:
            said.append(f"{name}: it is not enabled, and left alone.")


def each_planned(parts: Sequence[PartT], planned: Callable[[PartT], ShareT], problems: list[str]) -> Iterator[ShareT]:
    """What `planned` makes of each part; where it raises `BadInput` or `StoreError`, that goes to `problems`.

    Raises `BadInput` with all of these where no part can be planned, and `Unavailable` where that may pass.
    """
    failed: list[Exception] = []
    for part in parts:
        try:
            share = planned(part)
        except (BadInput, StoreError) as error:
            failed.append(error)
            problems += [f"{part.name}: {said}" for said in getattr(error, "problems", [str(error)])]
        else:
            yield share
    if failed and len(failed) == len(parts):
        passing = next((error for error in failed if isinstance(error, Unavailable)), None)
        raise passing or BadInput(problems)
