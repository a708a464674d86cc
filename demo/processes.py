"""The studio's processes: started apart from the terminal, found again by later commands, ended with all they started.

Every process carries the studio's own mark in its environment and hands it on to its children: whatever bears the mark
is ours, in whichever session or group it may be, and nothing else is ever ended. Where an environment cannot be read, a
recorded pid counts only together with its start time: a number that somebody else has by now is left alone.
"""

import json
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

MARK = "DARKROOM_DEMO_STUDIO"

_PATIENCE = 3.0
"""Seconds after which a process without children is asked again to end."""

_CLOCK = 1.0  # seconds by which two readings of one start time may differ


class Processes:
    """The named processes of one studio. `run` holds a record of each, `logs` what each says."""

    def __init__(self, run: Path, logs: Path, mark: str) -> None:
        self._run, self._logs, self._mark = run, logs, mark
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, command: Sequence[str], environment: Mapping[str, str], cwd: Path) -> None:
        """Start a process in a session of its own, its output in its log."""
        with self.log(name).open("wb") as log:
            child = subprocess.Popen(
                list(command),
                env=self.marked(environment),
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._children[name] = child
        record = {"pid": child.pid, "started": psutil.Process(child.pid).create_time()}
        self._record(name).write_text(json.dumps(record))

    def wait(self, name: str) -> int:
        """Wait for the end of a process that was started here; returns its exit code."""
        code = self._children[name].wait()
        self._record(name).unlink(missing_ok=True)
        return code

    def marked(self, environment: Mapping[str, str]) -> dict[str, str]:
        """An environment whose processes are this studio's."""
        # a process that sets its title would write over its environment, and so over the mark
        return {**environment, MARK: self._mark, "SPT_NOENV": "1"}

    def log(self, name: str) -> Path:
        """A process's log."""
        return self._logs / f"{name}.log"

    def last_lines(self, name: str, most: int = 20) -> list[str]:
        """The end of a process's log."""
        lines = self.log(name).read_text(errors="replace").splitlines() if self.log(name).exists() else []
        return lines[-most:]

    def running(self, name: str) -> bool:
        """Is it there? Also for a process that an earlier command started."""
        if name in self._children and self._children[name].poll() is not None:
            return False
        return self._recorded(name) is not None

    def all(self) -> list[psutil.Process]:
        """Every process of the studio, children and orphans included, oldest first."""
        found = {process for process in psutil.process_iter() if self._bears_mark(process)}
        for record in self._run.glob("*.json"):
            if process := self._recorded(record.stem):
                found |= {process, *_descendants(process)}
        found -= {psutil.Process()}
        return sorted((process for process in found if _alive(process)), key=lambda process: process.pid)

    def stop(self, first: Sequence[str] = (), grace: float = 10.0) -> None:
        """End every process: SIGTERM to those named, in this order, and to the other recorded ones; then SIGKILL.

        Who has no children left after some seconds gets SIGTERM once more.
        """
        names = [*first, *sorted({path.stem for path in self._run.glob("*.json")} - set(first))]
        for name in names:
            if process := self._recorded(name):
                _send(process, signal.SIGTERM)
        _wait(self.all(), min(grace, _PATIENCE))
        for name in names:
            process = self._recorded(name)
            # Airflow's triggerer waits 10 s for a child that has ended long ago, unless it is asked twice
            if process and not any(_alive(child) for child in _descendants(process)):
                _send(process, signal.SIGTERM)
        _wait(self.all(), grace - min(grace, _PATIENCE))
        # what is left has had its time; a killed process's children may be new, hence again until there is none
        for _ in range(20):
            left = self.all()
            if not left:
                break
            for process in left:
                _send(process, signal.SIGKILL)
            _wait(left, 1.0)
        for name in names:
            self._record(name).unlink(missing_ok=True)
        for child in self._children.values():
            child.poll()

    def _record(self, name: str) -> Path:
        return self._run / f"{name}.json"

    def _recorded(self, name: str) -> psutil.Process | None:
        """The process of a record, if it is still that one."""
        try:
            record = json.loads(self._record(name).read_text())
            process = psutil.Process(record["pid"])
            same = abs(process.create_time() - record["started"]) < _CLOCK or self._bears_mark(process)
            return process if same and _alive(process) else None
        except (OSError, ValueError, TypeError, KeyError, psutil.Error):
            return None

    def _bears_mark(self, process: psutil.Process) -> bool:
        try:
            return process.environ().get(MARK) == self._mark
        except (psutil.Error, OSError):
            return False


def _alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _descendants(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.Error:
        return []


def _send(process: psutil.Process, number: signal.Signals) -> None:
    with suppress(psutil.Error):  # it has ended by itself
        process.send_signal(number)


def _wait(processes: Sequence[psutil.Process], seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until and any(_alive(process) for process in processes):
        time.sleep(0.1)
