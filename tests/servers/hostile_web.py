"""A web server that does to its visitors what hostile, broken and busy ones do; the path says what.

with HostileWeb() as web:
    download(f"{web.url}/endless", ...)
    assert web.got == [Got("/endless", {"Host": ..., ...})]
"""

import contextlib
import datetime
import ipaddress
import socket
import ssl
import struct
import threading
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

IMAGE = bytes(range(256)) * 400


class Got(NamedTuple):
    """A request."""

    path: str
    headers: dict[str, str]


class HostileWeb(ThreadingHTTPServer):
    """Runs with the block. With a certificate (see `certificate`) it speaks TLS only."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, pem: Path | None = None) -> None:
        self.connections = 0
        self.got: list[Got] = []
        self.asked: Counter[str] = Counter()
        self.names: list[str | None] = []  # that clients asked for in their TLS greeting
        self.stopped = threading.Event()
        super().__init__(("127.0.0.1", 0), _Handler)
        self._scheme = "http"
        if pem is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(pem)
            context.sni_callback = lambda _socket, name, _context: self.names.append(name)
            self.socket = context.wrap_socket(self.socket, server_side=True)
            self._scheme = "https"

    def __enter__(self) -> "HostileWeb":
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        self.shutdown()
        self.server_close()

    @property
    def port(self) -> int:
        return self.server_address[1]

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"{self._scheme}://{self.host}"

    def verify_request(self, *_: Any) -> bool:
        self.connections += 1
        return True

    def handle_error(self, *_: Any) -> None:
        """Clients that go away are what it is for."""


class _Handler(BaseHTTPRequestHandler):
    """`/name/argument` is the method `name`; the others are the image, whole and well."""

    server: HostileWeb

    def do_GET(self) -> None:
        self.server.got.append(Got(self.path, dict(self.headers)))
        self.server.asked[self.path] += 1
        name, _, argument = self.path.removeprefix("/").partition("?")[0].partition("/")
        ways: dict[str, Callable[[str], None]] = {
            "to": lambda location: self._head(302, f"Location: {unquote(location)}"),
            "raw-to": lambda location: self._head(302, b"Location: " + bytes.fromhex(location)),
            "far": lambda length: self._head(302, f"Location: /{'x' * int(length)}"),
            "nowhere": lambda _: self._head(302),
            "loop": lambda _: self._head(302, "Location: /loop"),
            "hops": lambda left: self._head(302, f"Location: {int(left) - 1}") if int(left) else self._image(),
            "status": lambda status: self._head(int(status), "Content-Length: 0"),
            "busy": self._busy,
            "encoded": lambda coding: self._image(f"Content-Encoding: {coding}"),
            "transferred": lambda coding: self._image(f"Transfer-Encoding: {coding}"),
            "chunked": lambda _: self._chunks(IMAGE[start : start + 10_000] for start in range(0, len(IMAGE), 10_000)),
            "endless": lambda _: self._chunks([IMAGE] * 500),
            "endless-unframed": lambda _: (self._head(200), self._for_ever(IMAGE)),
            "minus": lambda _: (self._head(200, "Transfer-Encoding: chunked"), self._for_ever(b"-1\r\n" + IMAGE)),
            "trailers": lambda _: (self._chunks([b"x"], end=b"0\r\n"), self._for_ever(b"a: b\r\n" * 1000)),
            "continue": lambda _: self._for_ever(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000),
            "huge": lambda _: self._head(200, f"Content-Length: {10**12}"),
            "short": lambda _: (self._head(200, f"Content-Length: {2 * len(IMAGE)}"), self._send(IMAGE)),
            "short-chunk": lambda _: self._chunks([IMAGE], end=b""),
            "lengths": lambda _: self._image("Content-Length: 7"),
            "stalls": lambda _: (self._head(200, f"Content-Length: {2 * len(IMAGE)}"), self._send(IMAGE), self._wait()),
            "silent": lambda _: self._wait(),
            "drip": lambda _: (self._head(200, "Content-Length: 1000"), self._drip(IMAGE)),
            "drip-head": lambda _: self._drip(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1000),
            "drip-chunk": lambda _: (self._head(200, "Transfer-Encoding: chunked"), self._drip(b"1;" + b"x" * 1000)),
            "junk": lambda _: self._send(b"220 mail.test ESMTP\r\n"),
            "broken-head": lambda _: self._send(b"HTTP/1.1 200 OK\r\nno header\r\nContent-Length: 1\r\n\r\nx"),
            "reset": lambda _: self._reset(),
            "first-reset": lambda _: self._reset() if self.server.asked[self.path] == 1 else self._image(),
        }
        with contextlib.suppress(OSError):
            ways.get(name, lambda _: self._image())(argument)

    def _head(self, status: int, *lines: str | bytes) -> None:
        head = [f"HTTP/1.1 {status} whatever", *lines, "", ""]
        self._send(b"\r\n".join(line.encode() if isinstance(line, str) else line for line in head))

    def _image(self, *lines: str) -> None:
        self._head(200, f"Content-Length: {len(IMAGE)}", *lines)
        self._send(IMAGE)

    def _busy(self, times_and_wait: str) -> None:
        times, _, wait = times_and_wait.partition("/")
        if self.server.asked[self.path] > int(times):
            self._image()
        else:
            self._head(503, f"Retry-After: {wait}", "Content-Length: 0")

    def _chunks(self, pieces: Any, end: bytes = b"0\r\n\r\n") -> None:
        self._head(200, "Transfer-Encoding: chunked")
        for piece in pieces:
            self._send(b"%x\r\n%b\r\n" % (len(piece), piece))
        self._send(end)

    def _for_ever(self, data: bytes) -> None:
        for _ in range(50_000_000 // len(data)):  # which is for ever, and yet lets a test fail
            self._send(data)

    def _drip(self, data: bytes) -> None:
        for byte in data:
            self._send(bytes([byte]))
            if self.server.stopped.wait(0.02):
                return

    def _wait(self) -> None:
        self.server.stopped.wait(30)

    def _send(self, data: bytes) -> None:
        self.wfile.write(data)
        self.wfile.flush()

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.rfile.close()
        self.wfile.close()
        self.connection.close()

    def log_message(self, *_: Any) -> None:
        """Tests have enough to read."""


def certificate(folder: Path, *hosts: str) -> Path:
    """A PEM file with a key and its self-made certificate for these names and addresses, which is its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Darkroom's tests")])
    now = datetime.datetime.now(datetime.UTC)
    alternatives = [_alternative(host) for host in hosts]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem = folder / "certificate.pem"
    pem.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return pem


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
