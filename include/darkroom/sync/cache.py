"""Hashes of files that did not change since they were read: a SQLite file that may be deleted at any time."""

import hashlib
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from darkroom.settings import settings
from darkroom.sync.scan import changed_at, root_of

log = logging.getLogger(__name__)

_TABLE = """CREATE TABLE IF NOT EXISTS files (
    key TEXT PRIMARY KEY, version TEXT NOT NULL, md5 TEXT NOT NULL, checked TEXT NOT NULL, reason TEXT NOT NULL
) WITHOUT ROWID"""
_KEPT = 1000  # rows that are written together
_PAGE = 5000
_WAIT = 30  # s, for another process that writes
_FRESH = 2_000_000_000  # ns; the coarsest time that file systems keep (FAT)


@dataclass(frozen=True, slots=True)
class Known:
    """What a file was found to be when it was read: of which `version`, and its MD5 (hex).

    `checked` is the digest of the rules by which its content was looked at, `reason` why it is refused; empty where it
    is not.
    """

    key: str
    version: str
    md5: str
    checked: str
    reason: str = ""


class Cache:
    """What is known of a folder's files. May be written to from several threads, and by several processes.

    A cache that cannot be used is none: the files are read again, which is slower and never wrong.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._noted: list[Known] = []
        self._connection = self._opened()

    @classmethod
    def of(cls, folder: str) -> Self:
        """The cache of a folder, on this machine."""
        name = hashlib.sha256(os.fsencode(root_of(folder))).hexdigest()[:16]
        return cls(settings().sync_cache / f"{name}.sqlite")

    def _opened(self) -> sqlite3.Connection | None:
        for last in (False, True):
            try:
                self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                connection = sqlite3.connect(self._file, timeout=_WAIT, check_same_thread=False)
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = OFF")  # what a power cut costs is a second look
                connection.execute(_TABLE)
                connection.execute("SELECT key, version, md5, checked, reason FROM files LIMIT 1").fetchall()
                return connection
            except sqlite3.DatabaseError as error:
                if last or isinstance(error, sqlite3.OperationalError):
                    self._say(error)
                    return None
                log.warning("The cache of hashes is damaged, and made anew: %s", self._file)
                for suffix in ("", "-wal", "-shm"):
                    Path(f"{self._file}{suffix}").unlink(missing_ok=True)
            except OSError as error:
                self._say(error)
                return None
        return None

    def _say(self, error: Exception) -> None:
        log.warning("Every file is read, for the cache of hashes cannot be used (%s): %s", error, self._file)

    def rows(self) -> Iterator[Known]:
        """All that is known, in the order of keys."""
        after = ""
        while self._connection:
            asked = "SELECT key, version, md5, checked, reason FROM files WHERE key > ? ORDER BY key LIMIT ?"
            try:
                with self._lock, closing(self._connection.execute(asked, (after, _PAGE))) as cursor:
                    found = cursor.fetchall()
            except sqlite3.DatabaseError as error:
                self._say(error)
                self._connection = None
                return
            yield from (Known(*row) for row in found)
            if len(found) < _PAGE:
                return
            after = found[-1][0]

    def note(self, known: Known) -> None:
        """Keep what a file was found to be: unless it has only just changed, for it may change again unseen."""
        if not 0 <= changed_at(known.version) < time.time_ns() - _FRESH:
            return
        try:
            known.key.encode()
        except UnicodeEncodeError:
            return
        with self._lock:
            self._noted.append(known)
            if len(self._noted) >= _KEPT:
                self._write()

    def forget(self, keys: Iterable[str]) -> None:
        """Drop files that are gone."""
        with self._lock:
            self._run("DELETE FROM files WHERE key = ?", [(key,) for key in keys])

    def close(self) -> None:
        """Write down what is still held back."""
        with self._lock:
            self._write()
            if self._connection:
                self._connection.close()
                self._connection = None

    def _write(self) -> None:
        rows = [(one.key, one.version, one.md5, one.checked, one.reason) for one in self._noted]
        self._noted.clear()
        self._run("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?)", rows)

    def _run(self, statement: str, rows: Sequence[tuple[str, ...]]) -> None:
        if not self._connection or not rows:
            return
        try:
            with self._connection:
                self._connection.executemany(statement, rows)
        except sqlite3.DatabaseError as error:
            log.warning("The cache of hashes was not written to: %s", error)
