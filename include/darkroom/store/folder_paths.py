"""Where the objects of a folder lie: from a key to a path that a folder can hold and that does not leave it."""

import os
from pathlib import Path

from darkroom.errors import StoreError

TEMPORARY = ".darkroom-"  # what is being written; no listing shows it, and no key may begin so
_LONGEST_NAME = 255  # bytes of one segment, on every file system that matters


class Paths:
    """The paths below a root, as texts: files come by the ten thousand, and `Path`s took half of the time."""

    def __init__(self, root: Path) -> None:
        # absolute and without "..", its links kept: Path.resolve() would follow them, Path.absolute() keeps ".."
        self.root = os.path.abspath(root)
        self._inner: dict[str, str] = {}  # folders that are known to lie inside

    def of(self, key: str) -> str:
        """Where `key` lies. Raises `StoreError` for a key that a folder cannot hold or that leads out of the root."""
        folder, _, name = key.rpartition("/")
        known = self._inner.get(folder)
        for segment in (name,) if known else key.split("/"):
            if segment in ("", ".", ".."):
                raise StoreError(f"{key!r}: a folder holds no name with an empty, '.' or '..' part; rename it.")
            if "\0" in segment or len(os.fsencode(segment)) > _LONGEST_NAME:
                raise StoreError(f"{key!r}: a folder holds no name with a NUL or a part of over 255 bytes; rename it.")
            if segment.startswith(TEMPORARY):
                raise StoreError(f"{key!r}: names that begin with {TEMPORARY} are Darkroom's own; rename it.")
        path = os.path.join(known or self._within(folder), name)
        if not ((known or self._leads_inside(folder)) and (not os.path.islink(path) or self.inside(path))):
            raise StoreError(f"{key!r}: a link leads out of {self.root}; put the file itself there.")
        return path

    def folder(self, prefix: str) -> str:
        """The folder in which all keys that begin with `prefix` lie."""
        folder, _, _ = prefix.rpartition("/")
        return self.of(folder) if folder else self.root

    def inside(self, path: str) -> bool:
        """Does a link lead to something that is there, below the root?"""
        real = os.path.realpath(path)
        return os.path.exists(real) and Path(real).is_relative_to(os.path.realpath(self.root))

    def _leads_inside(self, folder: str) -> bool:
        """Does a folder lie below the root, all links followed?

        Asked once for each that is there: pictures come by the thousand. One that is not there yet may still become a
        link, so its answer is not kept.
        """
        path = self._within(folder)
        if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(self.root)):
            return False
        if os.path.isdir(path):
            self._inner[folder] = path
        return True

    def _within(self, folder: str) -> str:
        return os.path.join(self.root, folder) if folder else self.root
