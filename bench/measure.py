"""Runs a command and says how long it took and how much memory it had."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Measure:
    """Pictures made (names, not different ones), in how many seconds, with how many bytes of memory at most."""

    pictures: int
    seconds: float
    peak: int

    @property
    def rate(self) -> float:
        return self.pictures / self.seconds


def run(words: Sequence[str], environment: dict[str, str] | None = None, stdin: str = "") -> tuple[float, int, str]:
    """Seconds, peak memory in bytes and standard output of a command that must succeed."""
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with (
        tempfile.TemporaryFile("w+") as said,
        tempfile.TemporaryFile("w+") as asked,
        tempfile.TemporaryFile() as errors,
    ):
        asked.write(stdin)
        asked.seek(0)
        began = time.perf_counter()
        process = subprocess.Popen(words, stdin=asked, stdout=said, stderr=errors, env=variables | (environment or {}))
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        errors.seek(0)
        if process.returncode:
            raise SystemExit(
                f"{' '.join(words)[:200]}: exit code {process.returncode}\n{errors.read().decode()[-2000:]}"
            )
        peak = usage.ru_maxrss if sys.platform == "darwin" else usage.ru_maxrss * 1024
        return seconds, peak, said.read()


def run_peer(way: str, request: dict[str, Any]) -> Measure:
    """A peer in a process of its own, which says how long it took without its start."""
    _, _, said = run([sys.executable, "-m", "bench.peers", way], stdin=json.dumps(request))
    return Measure(**json.loads(said))
