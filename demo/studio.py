"""A whole studio on this machine: PostgreSQL, Airflow's processes, folders as buckets."""

import fcntl
import json
import re
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from demo import database
from demo.airflow import COMPONENTS, airflow_command, airflow_environment, plain_environment, studio_settings
from demo.credentials import USER, Credentials, load_or_create, write_private
from demo.layout import Layout
from demo.processes import Processes
from demo.rest import AirflowApi

FIRST_PORT = 8080
_PORTS = 200
_START_SECONDS = 180.0
_HEALTHY = ("metadatabase", "scheduler", "dag_processor", "triggerer")

_ERROR = re.compile(
    r"^[\w.]*(Error|Exception)\b|\[(error|critical) *\]|: (error|fatal): |the disk is full", re.IGNORECASE
)
_LONG = 400  # characters

Say = Callable[[str], None]


class StudioError(Exception):
    """The studio cannot start, or has died. The text is for a person."""


class Busy(StudioError):
    """Another command is at work on the studio."""


def sentence(error: Exception) -> str:
    """What is wrong, for a person."""
    if not isinstance(error, OSError):
        return str(error)
    why = f"{error.filename}: {error.strerror}" if error.filename else str(error)
    if isinstance(error, PermissionError):
        return f"{why}. Run make as the user whose folder this is."
    return f"{why}."


def last_error(lines: Sequence[str]) -> str:
    """The last line that tells of an error, cut to what a person reads; empty where none does.

    >>> last_error(["Traceback (most recent call last):", "OSError: the disk is full", "bye"])
    'OSError: the disk is full'
    """
    found = next((line for line in reversed(lines) if _ERROR.search(line)), "")
    return found if len(found) <= _LONG else f"{found[:_LONG]} ..."


class Studio:
    """The studio below one folder. Commands that come later find what an earlier one started."""

    def __init__(
        self, layout: Layout, first_port: int = FIRST_PORT, deployment: Mapping[str, str] | None = None
    ) -> None:
        """`deployment`: environment variables that stand above the studio's own, such as another store."""
        self.layout = layout
        self._first_port = first_port
        self._deployment = dict(deployment or {})
        self._processes = Processes(layout.run, layout.logs, self._mark())

    @property
    def port(self) -> int:
        """The UI's port, of the last start."""
        return int(self.layout.port.read_text())

    @property
    def address(self) -> str:
        """The UI's address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def settings(self) -> dict[str, str]:
        """The `DARKROOM_*` that count here."""
        return studio_settings(self.layout) | self._deployment

    @property
    def credentials(self) -> Credentials:
        """The studio's secrets, made at the first call."""
        return load_or_create(self.layout.credentials)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Start or stop nothing while another command does. Raises `Busy`."""
        with self._alone("lock", "Another `make run` or `make stop` is at work on this studio; wait for it."):
            yield

    @contextmanager
    def showing(self) -> Iterator[None]:
        """Show the flows to one person at a time; the studio may be stopped meanwhile. Raises `Busy`."""
        with self._alone("showing", "Another `make run` shows its flows on this studio; wait for its table."):
            yield

    @contextmanager
    def _alone(self, name: str, otherwise: str) -> Iterator[None]:
        with (self.layout.root / name).open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Busy(otherwise) from None
            yield

    def command(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Run a command of the studio's to its end, its output in a log. Raises `StudioError` when it fails."""
        self._processes.start(name, command, environment, self.layout.root)
        code = self._processes.wait(name)
        if code != 0:
            what = " ".join([Path(command[0]).name, *command[1:]])
            raise StudioError(f"`{what}` ended with {code}{self._last_words(name, any_line=True)}")

    def darkroom(self, name: str, *words: str) -> None:
        """Run a command of Darkroom's with the studio's settings. Raises `StudioError` when it fails."""
        command = str(Path(sys.executable).with_name("darkroom"))
        self.command(name, [command, *words], plain_environment() | self.settings)

    def airflow(self, name: str, *words: str) -> None:
        """Run a command of Airflow's own in the running studio. Raises `StudioError` when it fails."""
        command, *rest = words
        environment = self._environment(self._database())
        self.command(name, [*airflow_command(command, self.port), *rest], environment)

    def airflow_here(self, words: Sequence[str]) -> int:
        """Run a command of Airflow's own in this terminal, with the settings of the last start; returns its exit code.

        Raises `StudioError` where the studio has no database yet.
        """
        if not self.layout.settings.exists():
            raise StudioError("There is no database yet: `make run` makes one.")
        alone = not database.running(self.layout.database)
        environment = self._environment(self._database()) | self._started_with()
        try:
            command = [str(Path(sys.executable).with_name("airflow")), *words]
            return subprocess.run(command, env=self._processes.marked(environment), check=False).returncode
        finally:
            if alone:
                database.stop(self.layout.database)

    def running(self) -> bool:
        """Is all of it there?"""
        return database.running(self.layout.database) and all(
            self._processes.running(component) for component in COMPONENTS
        )

    def start(self, say: Say) -> None:
        """Start what is needed and wait until it is healthy. Raises `StudioError`.

        What half ran, or ran with other settings than these, is ended first.
        """
        if self.running():
            if self._started_with() == self.settings:
                say("the studio runs already")
                self._wait_until_healthy(say)
                return
            say("ending the studio, which runs with other settings")
        self.stop()
        try:
            self._start(say)
            self._wait_until_healthy(say)
        except BaseException:
            # Ctrl-C too: nothing half-started stays behind
            self.stop()
            raise

    def stop(self) -> None:
        """End every process of the studio, whatever started it."""
        self._processes.stop(COMPONENTS)
        database.stop(self.layout.database)

    def processes(self) -> list[str]:
        """What runs of it, a line each."""
        lines = [f"{process.pid} {' '.join(process.cmdline()[:4])}" for process in self._processes.all()]
        return [*lines, "postgres"] if database.running(self.layout.database) else lines

    def check_alive(self) -> None:
        """Raises `StudioError` for a component that has ended, with what its log says of that."""
        for component in COMPONENTS:
            if not self._processes.running(component):
                if not self.processes():
                    raise StudioError("The studio was stopped meanwhile.")
                raise StudioError(f"Airflow's {component} has ended{self._last_words(component)}")

    def _last_words(self, name: str, *, any_line: bool = False) -> str:
        """The rest of a sentence on a process that failed: its last error, or else its last line, and its log."""
        lines = self._processes.last_lines(name, 200)
        error = last_error(lines) or (lines[-1] if lines and any_line else "")
        return f"{': ' if error else ''}{error.rstrip('.')}. Its log: {self._processes.log(name)}"

    @contextmanager
    def api(self) -> Iterator[AirflowApi]:
        """The REST API, logged in."""
        api = AirflowApi(self.address, USER, self.credentials.password)
        try:
            api.log_in()
            yield api
        finally:
            api.close()

    def make_pools(self) -> None:
        """Create Airflow's pools as the DAGs expect them."""
        # where Airflow finds it too
        sys.path.append(str(self.layout.plugins))
        from darkroom_airflow.pools import POOLS

        with self.api() as api:
            for pool in POOLS:
                api.set_pool(pool.name, pool.slots, pool.description)

    def wait_for_dag(self, dag_id: str, seconds: float = 60.0) -> None:
        """Wait until the DAG can be triggered. Raises `StudioError`."""
        until = time.monotonic() + seconds
        with self.api() as api:
            while not api.has_dag(dag_id):
                self.check_alive()
                if time.monotonic() > until:
                    errors = "\n".join(api.import_errors()) or "no errors are known"
                    raise StudioError(f"Airflow does not find the DAG {dag_id} in {self.layout.dags}: {errors}")
                time.sleep(0.5)

    def _mark(self) -> str:
        """A word that nobody else's processes carry."""
        path = self.layout.root / "mark"
        if not path.exists():
            self.layout.make()
            path.write_text(secrets.token_hex(12))
        return path.read_text()

    def _start(self, say: Say) -> None:
        self.layout.make()
        say("starting PostgreSQL")
        uri = self._database()
        self._choose_port()
        write_private(self.layout.settings, json.dumps(self.settings))
        write_private(self.layout.passwords, json.dumps({USER: self.credentials.password}))
        environment = self._environment(uri)
        say("preparing Airflow's database")
        self.command("db-migrate", [*airflow_command("db", self.port), "migrate"], environment)
        for component in COMPONENTS:
            self._processes.start(component, airflow_command(component, self.port), environment, self.layout.airflow)

    def _database(self) -> str:
        try:
            return database.start(self.layout.database)
        except database.NotStarted as error:
            raise StudioError(f"PostgreSQL does not start: {error}.") from None

    def _environment(self, database_uri: str) -> dict[str, str]:
        return airflow_environment(self.layout, self.credentials, database_uri, self.port, self._deployment)

    def _started_with(self) -> dict[str, str]:
        """The `DARKROOM_*` of the last start."""
        settings: dict[str, str] = json.loads(self.layout.settings.read_text()) if self.layout.settings.exists() else {}
        return settings

    def _choose_port(self) -> None:
        known = [self.port] if self.layout.port.exists() else []
        for port in [*known, *range(self._first_port, self._first_port + _PORTS)]:
            if _is_free(port):
                self.layout.port.write_text(str(port))
                return
        raise StudioError(f"No port from {self._first_port} to {self._first_port + _PORTS - 1} is free.")

    def _wait_until_healthy(self, say: Say) -> None:
        api = AirflowApi(self.address, USER, self.credentials.password)
        until = time.monotonic() + _START_SECONDS
        try:
            while True:
                health = api.health()
                waiting = [name for name in _HEALTHY if health.get(name) != "healthy"]
                if not waiting:
                    return
                self.check_alive()
                if time.monotonic() > until:
                    raise StudioError(f"Airflow is not healthy after {_START_SECONDS:.0f} s: {', '.join(waiting)}.")
                say("waiting for Airflow" + (f": {', '.join(waiting)}" if health else ""))
                time.sleep(0.5)
        finally:
            api.close()


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # as servers do: an address that was left a moment ago is free
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
