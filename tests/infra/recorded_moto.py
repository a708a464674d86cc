"""moto, as the other tests have it, with a record of what is asked of it: who, what, and how it was answered.

The data path is Rust's and knows no hook, so it is the server that writes down what comes.
"""

import io
import json
import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.servers.processes import Processes, answers, free_ports
from tests.servers.s3 import S3Server

_LARGEST = 1 << 20  # bytes of a body that may be needed to understand a request; a larger one is an object's
_HEADERS = ("x-amz-target", "x-amz-copy-source", "if-match", "x-amz-acl", "x-amz-tagging", "content-type")


@dataclass(frozen=True, slots=True)
class Recorded:
    """One request and the status of its answer. `who` is the access key that signed it."""

    who: str
    service: str
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: str
    status: int


class Recorder:
    """A moto that listens at `server`, and what was asked of it so far."""

    def __init__(self, server: S3Server, log: Path) -> None:
        self.server, self._log = server, log

    def requests(self) -> list[Recorded]:
        """All signed requests, in their order."""
        lines = self._log.read_text(encoding="utf-8").splitlines() if self._log.exists() else []
        return [Recorded(**json.loads(line)) for line in lines]


@contextmanager
def recorded_moto() -> Iterator[Recorder]:
    """A fresh moto of all services, which lets everybody in."""
    port = free_ports(1)
    endpoint = f"http://127.0.0.1:{port}"
    root = Path(__file__).parents[2]
    with tempfile.TemporaryDirectory(prefix="moto-") as name:
        folder = Path(name)
        log = folder / "requests.jsonl"
        with Processes(folder, {**os.environ, "PYTHONPATH": str(root)}) as processes:
            processes.start("moto", [sys.executable, "-P", str(Path(__file__)), str(port), str(log)])
            processes.wait_until(lambda: answers(f"{endpoint}/moto-api/"), "moto")
            yield Recorder(S3Server(endpoint, "testing", "testing"), log)


def _recording(app: Callable[..., Any], log: Path) -> Callable[..., Any]:
    lock = threading.Lock()
    lines = log.open("a", encoding="utf-8", buffering=1)

    def recorded(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        signed = environ.get("HTTP_AUTHORIZATION", "")
        if "Credential=" not in signed:
            return app(environ, start_response)  # type: ignore[no-any-return]
        who, _, _, service, _ = signed.partition("Credential=")[2].partition(",")[0].split("/")
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = b""
        if length <= _LARGEST:
            body = environ["wsgi.input"].read(length)
            environ["wsgi.input"] = io.BytesIO(body)
        said: list[int] = []

        def start(status: str, headers: list[Any], *more: Any) -> Any:
            said.append(int(status[:3]))
            return start_response(status, headers, *more)

        answer = list(app(environ, start))
        asked = {name: environ.get(_variable(name), "") for name in _HEADERS}
        line = {
            "who": who,
            "service": service,
            "method": environ["REQUEST_METHOD"],
            "path": environ.get("REQUEST_URI", environ["PATH_INFO"]).partition("?")[0],
            "query": environ["QUERY_STRING"],
            "headers": {name: value for name, value in asked.items() if value},
            "body": body.decode("latin-1") if environ["REQUEST_METHOD"] == "POST" else "",
            "status": said[-1],
        }
        with lock:
            lines.write(json.dumps(line) + "\n")
        return answer

    return recorded


def _variable(header: str) -> str:
    name = header.upper().replace("-", "_")
    return name if name == "CONTENT_TYPE" else f"HTTP_{name}"


if __name__ == "__main__":
    from werkzeug.serving import run_simple

    from tests.servers.moto_app import _app

    run_simple("127.0.0.1", int(sys.argv[1]), _recording(_app, Path(sys.argv[2])), threaded=True)
