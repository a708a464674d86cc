"""A tiny server for the tests of the proxy."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

CONTENT = b"0123456789"


class Upstream(ThreadingHTTPServer):
    """Answers with CONTENT (`/nothing`: 204, `/chunked`: in chunks) and remembers the requests."""

    daemon_threads = True

    def __init__(self) -> None:
        self.got: list[tuple[str, str, str, bytes]] = []  # method, path, Host, body
        self.connections: set[object] = set()
        super().__init__(("127.0.0.1", 0), _Handler)

    def __enter__(self) -> "Upstream":
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Upstream

    def _handle(self) -> None:
        self.server.connections.add(self.client_address)
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            length = int(self.headers.get("Content-Length", 0))
            body = self.rfile.read(length)
            if len(body) < length:
                return
        self.server.got.append((self.command, self.path, self.headers["Host"], body))
        if self.path == "/nothing":
            self.send_response(204)
            self.end_headers()
        elif self.path == "/chunked":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"4\r\n0123\r\n6\r\n456789\r\n0\r\n\r\n")
        else:
            self.send_response(200)
            self.send_header("Content-Length", str(len(CONTENT)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(CONTENT)

    do_GET = do_PUT = do_HEAD = _handle

    def log_message(self, *_: Any) -> None:
        """Tests have enough to read."""
