"""What a file system's errors mean, in sentences that say what to do."""

import errno
import os
from typing import NoReturn

from darkroom.errors import BadInput, DarkroomError, Denied, NotFound, StoreError

_MAY_NOT = (errno.EACCES, errno.EPERM)
_FULL = (errno.ENOSPC, errno.EDQUOT)
_GONE = (errno.ENOENT, errno.ENOTDIR, errno.ESTALE)
_NO_FOLDER = (errno.EEXIST, errno.ENOTDIR)


class explained:
    """Around calls about `path`: an `OSError` leaves as the `StoreError` that it means.

    `doing` is what was being done to it: read, written or removed.
    """

    __slots__ = ("_doing", "_path")

    def __init__(self, path: str, doing: str) -> None:
        self._path, self._doing = path, doing

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError):
            explain(error, self._path, self._doing)


def explain(error: OSError, path: str, doing: str) -> NoReturn:
    """Raise what an error means that was met while `path` was being read, written or removed."""
    raise _meaning(error, path, doing) from error


def _meaning(error: OSError, path: str, doing: str) -> StoreError:
    code = error.errno
    if code in _MAY_NOT:
        return Denied(f"{path}: this user may not have it {doing}; give the right to, or name another place.")
    if code == errno.EROFS:
        return Denied(f"{path}: its file system is read-only; mount it for writing, or name another place.")
    if code in _FULL:
        return StoreError(f"{path}: the disk is full, or this user's share of it; make room and run it again.")
    if code == errno.EFBIG:
        return StoreError(f"{path}: it is larger than its file system or this user's limit holds.")
    if doing == "read" and code in (*_GONE, errno.EISDIR):
        return NotFound(f"There is no such file: {path}.")
    if code == errno.EISDIR:
        return both(path)
    if code in _GONE:
        return StoreError(f"{path}: its folder went away while it was being {doing}; run it again.")
    if code == errno.ENAMETOOLONG:
        return StoreError(f"{path}: the file system holds no path of this length; shorten it.")
    said = os.strerror(code) if code else str(error)
    return StoreError(f"{path}: it cannot be {doing}: {said}.")


def both(path: str) -> StoreError:
    """What to say where a folder stands in a file's place."""
    return StoreError(f"{path}: a folder of that name is there; a folder cannot hold both.")


def no_folder(error: OSError, root: str, target: str) -> DarkroomError | None:
    """What to say of a file in the place of a folder on the way to `target`; None where that is not what is wrong."""
    if error.errno not in _NO_FOLDER:
        return None
    in_the_way = blocked(root)
    if in_the_way:
        return BadInput(f"{in_the_way}: it is no folder; name one.")
    return StoreError(f"{target}: a file lies where its folder should be; a folder cannot hold both.")


def blocked(root: str) -> str:
    """What is no folder, of a root and the folders above it; empty where a folder could be made there."""
    path = root
    while not os.path.lexists(path) and path != os.path.dirname(path):
        path = os.path.dirname(path)
    return "" if os.path.isdir(path) else path
