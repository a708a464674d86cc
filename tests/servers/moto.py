"""moto's S3, in a process of its own so that it takes no time from the tests."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers.processes import Processes, answers, free_ports
from tests.servers.s3 import S3Server


@contextmanager
def moto_s3() -> Iterator[S3Server]:
    """A fresh, empty S3 in memory. It lets everybody in, whatever the keys."""
    port = free_ports(1)
    endpoint = f"http://127.0.0.1:{port}"
    with (
        tempfile.TemporaryDirectory(prefix="moto-") as folder,
        Processes(Path(folder), {**os.environ, "MOTO_PORT": str(port)}) as processes,
    ):
        processes.start("moto", [sys.executable, "-P", str(Path(__file__).with_name("moto_app.py")), str(port)])
        processes.wait_until(lambda: answers(f"{endpoint}/moto-api/"), "moto")
        yield S3Server(endpoint, "testing", "testing")
