"""A proxy between a client and a server that does to chosen requests what networks and busy servers do.

Heads and bodies pass byte for byte, Host included, as S3's signatures cover both. Only `Expect: 100-continue` is the
proxy's own to answer.

    with FaultProxy(server.endpoint) as proxy:
        proxy.inject(slow_down(), times=2, method="PUT", path="/bucket/")
        ...  # a client of proxy.endpoint
        assert proxy.seen == [Seen("PUT", "/bucket/a", "Status"), ...]
"""

import contextlib
import re
import socket
import socketserver
import tempfile
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO, Any, NamedTuple
from urllib.parse import urlsplit

from tests.servers.faults import Corrupt, CorruptUpload, Delay, Duplicate, Fault, Hang, Reset, Status, Truncate, Twice
from tests.servers.http_wire import PIECE, Ended, Head, Piece, Wire, cut, flipped


class Seen(NamedTuple):
    """A request, and the status that it was answered with or the name of its fault."""

    method: str
    path: str
    result: int | str


@dataclass(slots=True)
class _Rule:
    fault: Fault
    times: int
    after: int
    method: str | None
    path: re.Pattern[str]

    def takes(self, method: str, path: str) -> bool:
        if not self.times or self.method not in (None, method) or not self.path.search(path):
            return False
        if self.after:
            self.after -= 1
            return False
        self.times -= 1
        return True


class FaultProxy:
    """Runs with the block, before the server at `upstream` (http://host:port)."""

    def __init__(self, upstream: str) -> None:
        address = urlsplit(upstream)
        self._upstream = (address.hostname, address.port or 80)
        self._lock = threading.Lock()
        self._rules: list[_Rule] = []
        self._seen: list[Seen] = []
        self._wires: set[Wire] = set()
        self._stopped = threading.Event()
        self._listener = _Listener(self)

    def __enter__(self) -> "FaultProxy":
        threading.Thread(target=self._listener.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._listener.shutdown()
        self._listener.server_close()
        with self._lock:
            for wire in self._wires:
                wire.interrupt()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._listener.server_address[1]}"

    @property
    def seen(self) -> list[Seen]:
        """Every request so far, in the order of their answers (or their faults)."""
        with self._lock:
            return list(self._seen)

    def inject(
        self, fault: Fault, *, times: int = 1, after: int = 0, method: str | None = None, path: str = ""
    ) -> None:
        """Do this to the next `times` requests of `method` whose raw path and query hold the pattern `path`, once
        `after` such requests have gone unharmed. Of several that fit, the first injected is done.
        """
        with self._lock:
            self._rules.append(_Rule(fault, times, after, method, re.compile(path)))

    def clear(self) -> None:
        """Forget the faults, and what was seen."""
        with self._lock:
            self._rules.clear()
            self._seen.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """The fault for a request that came in."""
        with self._lock:
            fault = next((rule.fault for rule in self._rules if rule.takes(method, path)), None)
            if fault is not None:
                self._seen.append(Seen(method, path, type(fault).__name__))
            return fault

    def answered(self, method: str, path: str, status: int) -> None:
        with self._lock:
            self._seen.append(Seen(method, path, status))

    def wait(self, seconds: float) -> None:
        self._stopped.wait(seconds)

    @contextlib.contextmanager
    def open(self, connection: socket.socket) -> Iterator[Wire]:
        """A connection that ends with the proxy."""
        wire = Wire(connection)
        with self._lock:
            self._wires.add(wire)
        try:
            yield wire
        finally:
            with self._lock:
                self._wires.discard(wire)
            wire.close()

    def connect(self) -> contextlib.AbstractContextManager[Wire]:
        return self.open(socket.create_connection(self._upstream))


class _Listener(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, proxy: FaultProxy) -> None:
        self._proxy = proxy
        super().__init__(("127.0.0.1", 0), socketserver.BaseRequestHandler)

    def finish_request(self, request: Any, client_address: Any) -> None:
        with self._proxy.open(request) as client, contextlib.suppress(Ended, OSError), contextlib.ExitStack() as stack:
            _Connection(self._proxy, client, stack).serve()

    def shutdown_request(self, request: Any) -> None:
        """The wire has ended it already, in its own way."""


class _Connection:
    """One client's connection, with one to the server."""

    def __init__(self, proxy: FaultProxy, client: Wire, stack: contextlib.ExitStack) -> None:
        self._proxy, self._client, self._stack = proxy, client, stack
        self._server: Wire | None = None

    def serve(self) -> None:
        goes_on = True
        while goes_on and (request := self._client.head()) is not None:
            fault = self._proxy.take(request.method, request.path)
            if isinstance(fault, Delay | Hang):
                self._proxy.wait(fault.seconds)
            if isinstance(fault, Hang) or self._reset_before_the_body(request, fault):
                return
            body = self._client.request_body(request)
            if isinstance(fault, Status):
                goes_on = self._answer_here(request, body, fault)
            else:
                goes_on = self._relay(request, self._forward(request, body, fault), fault)

    def _reset_before_the_body(self, request: Head, fault: Fault | None) -> bool:
        bodiless = not request.chunked and not request.length
        resets = fault == Reset("before") or (fault == Reset("request") and bodiless)
        if resets:
            self._client.reset()
        return resets

    def _answer_here(self, request: Head, body: Iterator[Piece], fault: Status) -> bool:
        _drain(body)
        head = f"HTTP/1.1 {fault.code} {fault.reason}\r\nContent-Type: {fault.content_type}\r\n"
        head += f"Content-Length: {len(fault.body)}\r\n\r\n"
        self._client.send(head.encode() + (b"" if request.method == "HEAD" else fault.body))
        return not request.closes

    def _forward(self, request: Head, body: Iterator[Piece], fault: Fault | None) -> Wire:
        """Send the request on; the connection on which its answer comes."""
        if isinstance(fault, Duplicate):
            with _kept(body) as kept:
                server = self._send(request, _again(kept))
                _drain(server.answer_body(server.answer(), request.method))
                return self._send(request, _again(kept))
        if fault == Reset("request"):
            self._send(request, cut(body, (request.length or 2) // 2)).reset()
            self._client.reset()
            raise Ended
        return self._send(request, flipped(body, fault.at) if isinstance(fault, CorruptUpload) else body)

    def _send(self, request: Head, body: Iterator[Piece]) -> Wire:
        if self._server is None or not self._server.idle():
            self._server = self._stack.enter_context(self._proxy.connect())
        try:
            self._server.send(request.without("Expect"))
            for piece in body:
                self._server.send(piece.data)
        except OSError:  # it answers without having read everything
            _drain(body)
        return self._server

    def _relay(self, request: Head, server: Wire, fault: Fault | None) -> bool:
        answer = server.answer()
        body = server.answer_body(answer, request.method)
        if fault is None:
            self._proxy.answered(request.method, request.path, answer.status)
        if fault == Reset("response"):
            _drain(body)
            self._client.reset()
            return False
        if isinstance(fault, Corrupt):
            body = flipped(body, fault.at)
        elif isinstance(fault, Truncate):
            body = cut(body, fault.at)
        with _kept(body) if isinstance(fault, Twice) else contextlib.nullcontext() as kept:
            for _ in range(2 if kept else 1):
                self._client.send(answer.raw)
                for piece in _again(kept) if kept else body:
                    self._client.send(piece.data)
        ends_here = isinstance(fault, Truncate | Twice) or answer.ends_with_connection(request.method)
        return not (ends_here or request.closes or answer.closes)


def _drain(body: Iterable[Piece]) -> None:
    for _ in body:
        pass


@contextlib.contextmanager
def _kept(body: Iterable[Piece]) -> Iterator[IO[bytes]]:
    with tempfile.SpooledTemporaryFile(PIECE) as kept:
        for piece in body:
            kept.write(piece.data)
        yield kept


def _again(kept: IO[bytes]) -> Iterator[Piece]:
    kept.seek(0)
    while data := kept.read(PIECE):
        yield Piece(data)
