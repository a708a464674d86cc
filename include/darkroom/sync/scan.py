"""Walking the folder: every file below it in the order of keys, and a word for each thing that is none."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from stat import S_ISREG

from darkroom.errors import BadInput


@dataclass(frozen=True, slots=True)
class File:
    """A file by its key, as it was when it was looked at. `version` changes whenever its bytes may have.

    `reason` says why it is refused by its name; empty where it is not.
    """

    key: str
    bytes: int
    version: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Passed:
    """What is passed over, and why; with `folder` all below `key`, which ends with a slash, is unknown."""

    key: str
    reason: str
    folder: bool = False


Judge = Callable[[Sequence[str]], Mapping[str, str]]
"""Which of the keys of one folder's files are refused by their names, with the reasons."""


def root_of(source: str) -> str:
    """The path of a profile's folder, its links kept."""
    return os.path.abspath(os.path.expanduser(source))


def version_of(stat: os.stat_result) -> str:
    """A file's version: size, mtime (ns), inode, ctime (ns). No program can set the last one back."""
    return f"{stat.st_size:x}.{stat.st_mtime_ns:x}.{stat.st_ino:x}.{stat.st_ctime_ns:x}"  # a time may be negative


def changed_at(version: str) -> int:
    """When the bytes of a version may have changed last: the later of its two times (ns)."""
    _, mtime, _, ctime = version.split(".")
    return max(int(mtime, 16), int(ctime, 16))


def scan(top: str, judge: Judge) -> Iterator[File | Passed]:
    """Every file below `top` (`root_of`), in the order of the code points of their keys, which is S3's.

    Memory holds the names of the folders on the way to the present one, and no more. A link is followed to a file
    below it, and never to a folder: so there are no loops. Raises `BadInput` where it is no folder.
    """
    inside = os.path.realpath(top)
    waiting = [_listed(top, "", judge, inside, root=True)]
    while waiting:
        one = next(waiting[-1], None)
        if one is None:
            waiting.pop()
        elif isinstance(one, str):
            waiting.append(_listed(os.path.join(top, one), f"{one}/", judge, inside))
        else:
            yield one


def is_there(top: str, key: str) -> bool:
    """Is there something of exactly this key, letter by letter? Many drives take names in either case for it."""
    folder = top
    for name in key.split("/"):
        if name not in os.listdir(folder):
            return False
        folder = os.path.join(folder, name)
    return True


def _listed(path: str, prefix: str, judge: Judge, inside: str, *, root: bool = False) -> Iterator[File | Passed | str]:
    """What lies in one folder: files and what is passed over, and the keys of folders, in order."""
    try:
        with os.scandir(path) as names:
            entries = [(f"{entry.name}/" if _is_folder(entry) else entry.name, entry) for entry in names]
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        if root:
            raise BadInput(f"{path}: it cannot be read ({why}); is the drive mounted, and the right one?") from None
        yield Passed(prefix, f"the folder cannot be read ({why})", folder=True)
        return
    entries.sort(key=_name)
    reasons = judge([prefix + name for name, _ in entries if not name.endswith("/")])
    for name, entry in entries:
        if name.endswith("/"):
            yield prefix + entry.name
            continue
        key = prefix + name
        found = _looked_at(entry, key, inside)
        if isinstance(found, str):
            yield Passed(key, found)
        elif found:
            yield File(key, found.st_size, version_of(found), reasons.get(key, ""))


def _name(one: tuple[str, "os.DirEntry[str]"]) -> str:
    return one[0]


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    with suppress(OSError):
        return entry.is_dir(follow_symlinks=False)
    return False


def _looked_at(entry: "os.DirEntry[str]", key: str, inside: str) -> os.stat_result | str | None:
    """A file's state, why it is none, or nothing where it has just vanished."""
    try:
        if entry.is_symlink():
            return _behind(entry, inside)
        found = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None
    except OSError as error:
        return f"it cannot be read ({(error.strerror or str(error)).lower()})"
    return found if S_ISREG(found.st_mode) else "it is neither a file nor a folder"


def _behind(entry: "os.DirEntry[str]", inside: str) -> os.stat_result | str:
    real = os.path.realpath(entry.path)
    if not f"{real}/".startswith(f"{inside.rstrip('/')}/"):
        return "it is a link that leads out of the folder; put the file itself there"
    try:
        found = os.stat(real)
    except OSError:
        return "it is a link that leads nowhere; remove it, or put the file itself there"
    if not S_ISREG(found.st_mode):
        return "it is a link to a folder; put the folder itself there"
    return found
