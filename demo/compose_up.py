"""`make compose-up`: look whether the stack can start at all, start it, and say where it is.

Standard library only, as `make env`: neither needs the project's environment. What is wrong is said before anything is
started, as half a stack is worse than none.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from demo.credentials import USER

PROJECT = Path(__file__).resolve().parents[1]
_FILE = ".env"
_PORT = "AIRFLOW_PORT"
_PASSWORD = "AIRFLOW_PASSWORD"  # noqa: S105 the variable's name
NEEDED = (
    *("POSTGRES_PASSWORD", "REDIS_PASSWORD", "S3_ACCESS_KEY", "S3_SECRET_KEY", _PASSWORD),
    *("AIRFLOW_FERNET_KEY", "AIRFLOW_JWT_SECRET", "AIRFLOW_API_SECRET"),
)
"""The variables without which no service starts."""

_IN_ADDRESSES = ("POSTGRES_PASSWORD", "REDIS_PASSWORD")


class NotReady(Exception):
    """The stack cannot start. The text is for a person."""


def main(words: Sequence[str]) -> int:
    """Start the stack, with these words for `docker compose up`; returns the exit code."""
    try:
        values = read_variables(PROJECT / _FILE) | dict(os.environ)
        require_secrets(values)
        require_engine()
        port = port_of(values)
        if _published() != f"127.0.0.1:{port}":
            require_free(port)
    except NotReady as problem:
        print(problem, file=sys.stderr)
        return 2
    make_folder(PROJECT / (values.get("FOLDER") or "var/folder"))
    code = _compose("up", "--detach", "--wait", *words).returncode
    if code == 0:
        print(f"Airflow runs on http://127.0.0.1:{port}, user {USER}; its first password is {_PASSWORD} in {_FILE}.")
        print("`make compose-down` ends it and keeps everything.")
    else:
        print("It does not start: `docker compose ps --all` and `docker compose logs` say why.", file=sys.stderr)
    return code


def read_variables(path: Path) -> dict[str, str]:
    """What a `.env` sets. Raises `NotReady` where there is none."""
    if not path.exists():
        raise NotReady(f"There is no {path.name}: `make env` writes one.")
    found = re.findall(r"^([A-Z]\w*)=(.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {name: value.strip().strip("'\"") for name, value in found}


def require_secrets(values: Mapping[str, str]) -> None:
    """Raises `NotReady` for a secret that is missing, or that cannot be part of an address."""
    missing = [name for name in NEEDED if not values.get(name)]
    if missing:
        raise NotReady(
            f"{_FILE} lacks {', '.join(missing)}: an older version wrote it. Move it away, let `make env` write a new "
            "one, and put its former values there."
        )
    strange = [name for name in _IN_ADDRESSES if not re.fullmatch(r"[\w.~-]+", values[name], re.ASCII)]
    if strange:
        raise NotReady(f"{_FILE}: {strange[0]} may hold only letters, digits and - _ . ~: an address holds it.")


def port_of(values: Mapping[str, str]) -> int:
    """Where the UI is to be. Raises `NotReady`."""
    said = values.get(_PORT) or "8080"
    if not said.isdecimal() or not 0 < int(said) < 1 << 16:
        raise NotReady(f"{_FILE}: {_PORT} is {said!r}; write the number of a port, such as 8080.")
    return int(said)


def require_engine() -> None:
    """Raises `NotReady` where there is no Docker engine, or no Compose v2."""
    if not shutil.which("docker"):
        raise NotReady("There is no docker: install Docker Engine and its Compose plugin.")
    if _quietly("docker", "compose", "version") is None:
        raise NotReady("`docker compose` is not there: install Docker's Compose plugin, version 2.26 or newer.")
    if _quietly("docker", "info") is None:
        raise NotReady("The Docker engine does not answer: start it, or see `docker info` for what it says.")


def require_free(port: int) -> None:
    """Raises `NotReady` where something listens on that port of loopback."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise NotReady(
                f"Port {port} is taken here: set a free one as {_PORT} in {_FILE}, or end what listens there."
            ) from None


def make_folder(folder: Path) -> None:
    """Make the folder that the containers see, where there is none: the engine would make it root's."""
    if not folder.exists():
        folder.mkdir(parents=True)
        folder.chmod(0o775)  # their user is this one, or of this one's group


def _published() -> str | None:
    """Where this stack's UI is, if it runs."""
    return _quietly("docker", "compose", "port", "api-server", "8080")


def _compose(*words: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(["docker", "compose", *words], cwd=PROJECT, check=False)  # noqa: S607


def _quietly(*command: str) -> str | None:
    """What a command says; None where it fails."""
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
