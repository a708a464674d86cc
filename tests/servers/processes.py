"""Servers as child processes: started, waited for until they answer, and ended with the block."""

import os
import random
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

# Linux ends a child with the thread that forked it, not with its process, so one thread that lives as long as the
# process does every fork.
_forking = ThreadPoolExecutor(max_workers=1, thread_name_prefix="forking")

SECONDS_TO_END = 5.0
_PORTS = 2_700
TAIL = 2000


class ServerFailed(RuntimeError):
    """A server did not come up; the message ends with what the processes wrote."""


class Processes:
    """Child processes that end with the block, or with this process however it ends. Each writes a log of its name."""

    def __init__(self, logs: Path, environment: Mapping[str, str] | None = None) -> None:
        self._logs = logs
        self._environment = environment
        self._started: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> "Processes":
        self._logs.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, *_: object) -> None:
        # in the forking thread: after a start that an interrupt left on its way
        _forking.submit(self._end).result()

    def start(self, name: str, command: Sequence[str]) -> subprocess.Popen[bytes]:
        """Start a process that stays."""
        return _forking.submit(self._start, name, command).result()

    def run(self, name: str, command: Sequence[str], seconds: float = 60) -> None:
        """Run a command to its end."""
        process = self.start(name, command)
        try:
            returned = process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise self.failed(f"{name} is not done after {seconds:.0f} s") from None
        if returned:
            raise self.failed(f"{name} ended with {returned}")
        self._started.remove(process)

    def wait_until(self, ready: Callable[[], bool], what: str, seconds: float = 60) -> None:
        """Wait until `ready`, as long as every process lives."""
        end = time.monotonic() + seconds
        while not ready():
            if any(process.poll() is not None for process in self._started):
                raise self.failed(f"{what}: a process ended")
            if time.monotonic() > end:
                raise self.failed(f"{what}: not after {seconds:.0f} s")
            time.sleep(0.02)

    def failed(self, what: str) -> ServerFailed:
        """The error to raise, with the ends of the logs."""
        tails = [
            f"--- {log.name}\n{text[-TAIL:].strip()}"
            for log in sorted(self._logs.glob("*.log"))
            if (text := log.read_text(errors="replace"))
        ]
        return ServerFailed("\n".join([what, *tails]))

    def _start(self, name: str, command: Sequence[str]) -> subprocess.Popen[bytes]:
        with_parent = ["setpriv", "--pdeathsig", "KILL", "--"] if shutil.which("setpriv") else []
        with (self._logs / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [*with_parent, *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment,
                start_new_session=True,  # Ctrl-C is for the tests; they end their servers in order
            )
        self._started.append(process)
        return process

    def _end(self) -> None:
        for process in reversed(self._started):  # who was started last needs the others
            process.terminate()
            try:
                process.wait(SECONDS_TO_END)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._started.clear()


def free_ports(count: int) -> int:
    """The first of `count` free ports in a row, below those that the system gives to outgoing connections."""
    # each process of the tests looks among its own, as what is free now is another's a moment later
    process = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 8
    lowest = 10_000 + process * _PORTS
    for _ in range(100):
        first = random.randrange(lowest, lowest + _PORTS - count)  # noqa: S311
        if all(_is_free(port) for port in range(first, first + count)):
            return first
    raise ServerFailed(f"no {count} free ports in a row")


def _is_free(port: int) -> bool:
    with socket.socket() as trial:
        try:
            trial.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def answers(url: str) -> bool:
    """Whether a server answers at `url`, with success."""
    try:
        with urllib.request.urlopen(url, timeout=5):  # noqa: S310
            return True
    except (OSError, urllib.error.HTTPError):
        return False
