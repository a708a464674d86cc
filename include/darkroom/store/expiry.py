"""Old work of a folder store goes, as a bucket's lifecycle rules let it go."""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from darkroom.errors import StoreError
from darkroom.store.base import Store
from darkroom.store.folder import FolderStore
from darkroom.store.folder_errors import explained
from darkroom.store.folder_paths import TEMPORARY

# `<dag_id>/<run_id>/`, then `<dag_id>/<run_id>/<plan_id>/`: a command's plans lie in one folder of a style for ever
_RUNS, _PLANS = 2, 3


def expire(store: Store, prefix: str, *, older_than: timedelta, now: datetime | None = None) -> int:
    """Remove what is old below `prefix` (`work/`) of a folder store; returns how many runs and plans went.

    The folder of a run (`<prefix><dag_id>/<run_id>/`) goes whole, and only when nothing in it was written or changed
    for `older_than`; of a run that is younger, the plans (`…/<plan_id>/`) of which the same holds. A folder without
    files goes by its own age, and those above once they are empty. Files that lie beside them, links, and all that is
    not below `prefix` are not touched. A bucket is left to its lifecycle rules.

    Raises `StoreError` where something may not be read or removed, and for a prefix that is no folder's.
    """
    if not prefix.strip("/") or not prefix.endswith("/"):
        raise StoreError(f"{prefix!r}: only below a folder of the store things get old; name one, such as 'work/'.")
    if not isinstance(store, FolderStore):
        return 0
    limit = ((now or datetime.now(UTC)) - older_than).timestamp()
    top = Path(store.path_of(prefix))
    gone: list[Path] = []
    for depth in (_RUNS, _PLANS):
        for folder in _folders(top, depth):
            with explained(str(folder), "removed"):
                if _newest(folder) < limit and _remove(folder, limit):
                    gone.append(folder.parent)
    for above in _folders(top, _RUNS - 1):
        with suppress(OSError):  # it is not empty, or somebody works there
            if above in gone or above.stat().st_mtime < limit:
                above.rmdir()
    return len(gone)


def _remove(run: Path, limit: float) -> bool:
    """Take a folder out of sight in one step, and remove it; False where somebody just wrote into it."""
    aside = run.rename(run.with_name(f"{TEMPORARY}{secrets.token_hex(8)}"))
    if _newest(aside) >= limit:
        if not os.path.lexists(run):
            aside.rename(run)
        return False
    shutil.rmtree(aside)
    return True


def _folders(folder: Path, depth: int) -> Iterator[Path]:
    """The folders `depth` levels below one; no links."""
    with explained(str(folder), "read"):
        try:
            with os.scandir(folder) as names:
                found = [Path(entry.path) for entry in names if entry.is_dir(follow_symlinks=False)]
        except FileNotFoundError:
            return
    for path in found:
        if depth == 1:
            yield path
        else:
            yield from _folders(path, depth - 1)


def _newest(folder: Path) -> float:
    """When the newest file below a folder was written or changed; the folder's own time where it holds none.

    Of a folder only the time of its files counts: removing one beside another changes it as well.
    """
    times = []
    for path, _, names in os.walk(folder, onerror=_raise):
        for name in names:
            with suppress(FileNotFoundError):
                stat = Path(path, name).lstat()
                times.append(max(stat.st_mtime, stat.st_ctime))
    return max(times) if times else folder.stat().st_mtime


def _raise(error: OSError) -> None:
    raise error
