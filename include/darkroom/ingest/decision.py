"""What is done with a delivered file: pure, told from listings and ledgers."""

from enum import StrEnum

from darkroom.jobs import Mode


class Action(StrEnum):
    """What a plan wants done with a delivered path."""

    WAIT = "wait"
    REFUSE = "refuse"
    DELIVER = "deliver"
    PROXY = "proxy"
    LEAVE = "leave"


def decide(mode: Mode, *, writing: bool, clashes: bool, raw: bool, proxy: bool) -> Action:
    """What to do with a file that lies in the source.

    `writing`: somebody may still be writing it. `clashes`: another file's name differs by case or Unicode form only.
    `raw`: its raw render stands, of this very version. `proxy`: its proxy stands, of that content, or none is wanted.

    | mode | writing | clashes | raw | proxy | |
    | --- | --- | --- | --- | --- | --- |
    | any | yes | | | | wait |
    | any | no | yes | | | refuse |
    | any | no | no | no | | deliver |
    | changed, plan | no | no | yes | no | proxy |
    | changed, plan | no | no | yes | yes | leave |
    | all | no | no | yes | | deliver |

    `deliver` fetches it from the source, and makes its proxy if one is wanted; `proxy` makes that from the raw render.
    """
    if writing:
        return Action.WAIT
    if clashes:
        return Action.REFUSE
    if not raw or mode is Mode.ALL:
        return Action.DELIVER
    return Action.LEAVE if proxy else Action.PROXY


_UNFINISHED = (".tmp", ".part", ".partial", ".crdownload")
"""What programs call a file that they are still writing."""
_OFFICE = "~$"
_NOBODYS = ("thumbs.db", "desktop.ini")


def is_being_written(path: str, age: float, quiet: float) -> bool:
    """May somebody still be writing a file: by its name, or for it was written to `age` seconds ago?

    An age below 0 is by a clock that is ahead of ours. With `quiet` 0 the name alone tells.

    >>> is_being_written("a/t1.png", 61, quiet=60), is_being_written("a/t1.png.part", 1e6, quiet=60)
    (False, True)
    """
    name = path.rpartition("/")[2].lower()
    return max(age, 0.0) < quiet or name.startswith(_OFFICE) or name.endswith(_UNFINISHED)


def is_passed_over(path: str) -> bool:
    """Is it what a system keeps for itself, and nobody delivered: hidden files and folders, previews?

    >>> is_passed_over("a/.DS_Store"), is_passed_over(".dropbox.cache/x.png"), is_passed_over("a/Thumbs.db")
    (True, True, True)
    """
    parts = path.lower().split("/")
    return parts[-1] in _NOBODYS or any(part.startswith(".") for part in parts)


def asks_for_changes(mode: Mode, *, known: bool, same: bool, whole: bool) -> bool:
    """Is it enough to ask a source for what changed since its cursor?

    `known`: there is a cursor. `same`: it was taken for this source, as was every raw render that the ledgers know.
    `whole`: each of those stands as it was written, and no ledger was lost.

    | mode | known | same | whole | |
    | --- | --- | --- | --- | --- |
    | all | | | | no: everything is looked at |
    | changed, plan | no | | | no |
    | changed, plan | yes | no | | no |
    | changed, plan | yes | yes | no | no |
    | changed, plan | yes | yes | yes | yes |
    """
    return mode is not Mode.ALL and known and same and whole
