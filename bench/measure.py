"""Runs a command and says how long it took and how much memory and CPU time it had; and who is next."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

_LAUNCH = Path(__file__).with_name("launch.py")
T = TypeVar("T")


@dataclass(frozen=True)
class Measure:
    """Pictures made (names, not different ones), in how many seconds, with how many bytes of memory at most."""

    pictures: int
    seconds: float
    peak: int

    @property
    def rate(self) -> float:
        return self.pictures / self.seconds


@dataclass(frozen=True)
class Ran:
    """What one run of a command took: seconds, bytes of memory at most, CPU seconds; and what it said."""

    seconds: float
    peak: int
    cpu: float
    said: str


def run(
    words: Sequence[str], environment: dict[str, str] | None = None, stdin: str = "", *, silent: bool = False
) -> Ran:
    """Run a command that must succeed, from its start to its end; with `silent` what it says goes to /dev/null."""
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with (
        tempfile.NamedTemporaryFile("r") as report,
        tempfile.TemporaryFile("w+") as said,
        tempfile.TemporaryFile("w+") as asked,
        tempfile.TemporaryFile() as errors,
    ):
        asked.write(stdin)
        asked.seek(0)
        launched = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_LAUNCH), report.name, *words],
            stdin=asked,
            stdout=subprocess.DEVNULL if silent else said,
            stderr=errors,
            env=variables | (environment or {}),
            process_group=0,
        )
        try:
            code = launched.wait()
        except BaseException:
            os.killpg(launched.pid, signal.SIGKILL)  # the command as well, which nobody else would end
            launched.wait()
            raise
        said.seek(0)
        errors.seek(0)
        if code:
            raise SystemExit(f"{' '.join(words)[:200]}: exit code {code}\n{errors.read().decode()[-2000:]}")
        return Ran(**json.load(report), said=said.read())


def run_peer(way: str, request: dict[str, Any]) -> Measure:
    """A peer in a process of its own, which says how long it took without its start."""
    return Measure(**json.loads(run([sys.executable, "-m", "bench.peers", way], stdin=json.dumps(request)).said))


def turns(rivals: Sequence[T], rounds: int) -> Iterator[tuple[int, T]]:
    """Rounds of all, each begun by another."""
    for number in range(rounds):
        turn = number % len(rivals)
        for rival in (*rivals[turn:], *rivals[:turn]):
            yield number, rival
