"""Walking a folder: every file below it, and a word for what is passed over."""

import logging
import os
from collections.abc import Iterator
from itertools import islice

from darkroom.errors import BadInput
from darkroom.store.folder_errors import blocked, explain, explained
from darkroom.store.folder_paths import TEMPORARY, Paths

log = logging.getLogger(__name__)

_SORTED = 4096  # names of a folder that are held at once, and so come in their order: what people look at
_MOST_SAID = 20  # of what is passed over; a listing of a million links says no more


class Walk:
    """What lies below a store's root. Says once of each thing that is passed over, that it is."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._said: set[str] = set()

    def files(self, folder: str, *, temporary: bool = False) -> Iterator[tuple[str, os.stat_result]]:
        """Every file below `folder`: the objects, or with `temporary` only what is being written.

        Memory does not grow with their number: the names of a folder are in order only as far as `_SORTED` go.
        Raises `Denied` for a folder that may not be read: what lies in it cannot be left out without a word, or it
        would count as gone. Raises `BadInput` where the root is no folder.
        """
        if folder == self._paths.root and (in_the_way := blocked(folder)):
            raise BadInput(f"{in_the_way}: it is no folder; name one.")
        waiting = [self._names(folder)]
        while waiting:
            entry = next(waiting[-1], None)
            if entry is None:
                waiting.pop()
            elif entry.is_dir(follow_symlinks=False):
                if entry.name.startswith(TEMPORARY):
                    continue  # on its way out (`expiry`)
                waiting.append(self._names(entry.path))
            elif entry.name.startswith(TEMPORARY) == temporary and (stat := self._stat(entry)):
                yield entry.path, stat

    def _names(self, folder: str) -> Iterator["os.DirEntry[str]"]:
        try:
            with os.scandir(folder) as names:
                while some := list(islice(names, _SORTED)):
                    yield from sorted(some, key=lambda entry: entry.name)
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            explain(error, folder, "read")

    def _stat(self, entry: "os.DirEntry[str]") -> os.stat_result | None:
        """What is known of a file; None of what is none, and of what has gone since its name was read."""
        with explained(entry.path, "read"):
            try:
                if entry.is_symlink() and not self._paths.inside(entry.path):
                    self._say(entry.path, f"it is a link that leads out of {self._paths.root} or nowhere")
                elif entry.is_file():
                    return entry.stat()
                elif entry.is_dir():
                    self._say(entry.path, "it is a link to a folder")
                elif os.path.lexists(entry.path):
                    self._say(entry.path, "it is neither a file nor a folder")
            except (FileNotFoundError, NotADirectoryError):
                pass
        return None

    def _say(self, path: str, why: str) -> None:
        if path in self._said or len(self._said) > _MOST_SAID:
            return
        self._said.add(path)
        if len(self._said) > _MOST_SAID:
            log.warning("More in %s is not read for the like.", self._paths.root)
        else:
            log.warning("Not read, since %s: %s", why, path)
