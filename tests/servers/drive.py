"""Google Drive's API v3 as far as reading goes, and the endpoint that gives out tokens, for Google's real client.

The client's addresses are fixed: https://www.googleapis.com, and https://oauth2.googleapis.com in a service account's
key. It is led here by what it heeds anyway, `https_proxy` and the certificates of HTTPLIB2_CA_CERTS: this is a proxy
that answers by itself, under those names. So `Drive.environment` leads any process here, an Airflow task too. httplib2
goes through a proxy only where there is a module `socks` (PySocks), and past it without a word where there is none:
PYTHONPATH leads to one that can do what is needed here.

As the service has it: errors in Google's form, partial answers (`fields`), any Range (416 beyond the end, also of an
empty file), files of shared drives hidden from who does not ask with supportsAllDrives, 401 without a token, 403 for
one whose scope is not Drive's. What stays different: signatures are not checked, and a token sees every file.
"""

import base64
import json
import os
import re
import secrets
import socket
import ssl
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import md5
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from runpy import run_path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import httplib2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

API, TOKENS = "www.googleapis.com", "oauth2.googleapis.com"

_SOCKS = """
import socket

PROXY_TYPE_SOCKS4, PROXY_TYPE_SOCKS5, PROXY_TYPE_HTTP = 1, 2, 3


class socksocket(socket.socket):
    def setproxy(self, kind, host, port, *_):
        self._proxy = host, port

    def connect(self, address):
        super().connect(self._proxy)
        self.sendall("CONNECT {}:{} HTTP/1.1\\r\\n\\r\\n".format(*address).encode())
        answer = b""
        while not answer.endswith(b"\\r\\n\\r\\n"):
            piece = self.recv(1)
            answer += piece
            if not piece:
                break
        if answer.split()[1:2] != [b"200"]:
            raise OSError(f"The proxy answers {answer!r}")
"""
_FILE = re.compile(r"/drive/v3/files/([^/]+)")
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")
_DEFAULT_FIELDS = "kind,id,name,mimeType"


@dataclass(frozen=True, slots=True)
class Got:
    """A request for a file or its content, as it came."""

    file_id: str
    query: Mapping[str, str]
    range: str
    scope: str


@dataclass(frozen=True, slots=True)
class Fault:
    """What a request meets instead of its file: an error, with status 0 an answer that ends in its middle.

    With status 200 or 206, `reason` is all of the answer's body.
    """

    status: int
    reason: str = ""


class Drive(ThreadingHTTPServer):
    """A Drive with files; a context manager. `faults` are met by the next requests for files, in their order."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.forget()
        self._socks = folder / "for-python" / "socks.py"
        self._socks.parent.mkdir()
        self._socks.write_text(_SOCKS)
        self._ca = folder / "drive.pem"
        self._ca.write_bytes(_certificate(API, TOKENS))
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(self._ca)
        pem = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        self.key = {
            "type": "service_account",
            "project_id": "studio",
            "private_key_id": secrets.token_hex(20),
            "private_key": pem.decode(),
            "client_email": "darkroom@studio.iam.gserviceaccount.com",
            "token_uri": f"https://{TOKENS}/token",
        }

    def __enter__(self) -> "Drive":
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    def forget(self) -> None:
        """Be as at the start."""
        self.files: dict[str, tuple[dict[str, Any], bytes]] = {}
        self.got: list[Got] = []
        self.faults: deque[Fault] = deque()
        self.refuses_keys = False
        self.scopes: dict[str, str] = {}  # by token

    def connection(self, **extra: object) -> str:
        """An Airflow connection with the key of an account, as an environment variable holds it."""
        return json.dumps({"conn_type": "google_cloud_platform", "extra": {"keyfile_dict": self.key, **extra}})

    def environment(self, connection: str = "google_cloud_default") -> dict[str, str]:
        """What leads a process of Airflow here, and a connection. PYTHONPATH begins with what it needs."""
        return {
            "https_proxy": f"http://127.0.0.1:{self.server_address[1]}",
            "HTTPLIB2_CA_CERTS": str(self._ca),
            "PYTHONPATH": os.pathsep.join([str(self._socks.parent), os.environ.get("PYTHONPATH", "")]).rstrip(":"),
            f"AIRFLOW_CONN_{connection.upper()}": self.connection(),
        }

    def lead_here(self, patch: pytest.MonkeyPatch) -> None:
        """The same for this very process, in which httplib2 may have been imported before."""
        for name, value in self.environment().items():
            patch.setenv(name, value)
        patch.setattr(httplib2, "socks", SimpleNamespace(**run_path(str(self._socks))))
        patch.setattr(httplib2, "CA_CERTS", str(self._ca))

    def add(self, file_id: str, content: bytes | None = None, **metadata: object) -> None:
        """Put a file there, or something that has no content (a folder, a Google document)."""
        known: dict[str, object] = {"kind": "drive#file", "id": file_id, "name": f"{file_id}.jpg", "trashed": False}
        known |= {"mimeType": "image/jpeg", "modifiedTime": "2026-11-21T09:30:00.000Z"}
        if content is not None:
            known |= {"size": str(len(content)), "md5Checksum": md5(content, usedforsecurity=False).hexdigest()}
        self.files[file_id] = ({**known, **metadata}, content or b"")


def _certificate(*names: str) -> bytes:
    """A key and its certificate for these hosts, which is its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0])])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return private + certificate.public_bytes(pem)


class _Refused(Exception):
    def __init__(self, status: int, reason: str, message: str = "") -> None:
        self.status, self.reason, self.message = status, reason, message or HTTPStatus(status).phrase


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Drive

    def do_CONNECT(self) -> None:
        if self.path.partition(":")[0] not in (API, TOKENS):
            self.send_error(502, "a proxy to Google Drive only")
            return
        self.send_response(200)
        self.end_headers()
        try:
            self.connection = self.server.tls.wrap_socket(self.connection, server_side=True)
        except (ssl.SSLError, OSError):
            self.close_connection = True
            return
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb")
        self.close_connection = False

    def finish(self) -> None:
        super().finish()
        self.connection.close()

    def do_POST(self) -> None:
        form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        if self.server.refuses_keys:
            self._json(400, {"error": "invalid_grant", "error_description": "Invalid JWT Signature."})
            return
        claims = form["assertion"].split(".")[1]
        token = secrets.token_hex(8)
        self.server.scopes[token] = json.loads(base64.urlsafe_b64decode(claims + "=="))["scope"]
        self._json(200, {"access_token": token, "token_type": "Bearer", "expires_in": 3600})

    def do_GET(self) -> None:
        try:
            self._file()
        except _Refused as refused:
            about = {"message": refused.message, "domain": "global", "reason": refused.reason}
            error = {"code": refused.status, "message": refused.message, "errors": [about]}
            self._json(refused.status, {"error": error})

    def _file(self) -> None:
        url = urlsplit(self.path)
        query = dict(parse_qsl(url.query))
        found = _FILE.fullmatch(url.path)
        file_id = unquote(found[1]) if found else ""
        scope = self.server.scopes.get(self.headers.get("Authorization", "").removeprefix("Bearer "), "")
        self.server.got.append(Got(file_id, query, self.headers.get("Range", ""), scope))
        fault = self.server.faults.popleft() if self.server.faults else None
        if fault and fault.status in (200, 206):
            self._send(fault.status, fault.reason.encode(), {"Content-Range": "bytes 0-0/10"})
            return
        if fault and fault.status:
            raise _Refused(fault.status, fault.reason)
        if not scope:
            raise _Refused(401, "authError", "Invalid Credentials")
        if "/auth/drive" not in scope:
            raise _Refused(403, "insufficientPermissions", "Insufficient Permission")
        metadata, content = self.server.files.get(file_id, ({}, b""))
        if not metadata or ("driveId" in metadata and query.get("supportsAllDrives") != "true"):
            raise _Refused(404, "notFound", f"File not found: {file_id}.")
        if query.get("alt") == "media":
            if "md5Checksum" not in metadata:
                raise _Refused(403, "fileNotDownloadable", "Only files with binary content can be downloaded.")
            self._content(content, cut=fault is not None)
        else:
            wanted = query.get("fields", _DEFAULT_FIELDS).split(",")
            self._json(200, {name: value for name, value in metadata.items() if name in wanted})

    def _content(self, content: bytes, cut: bool) -> None:
        status, headers, body = 200, {}, content
        if asked := _RANGE.fullmatch(self.headers.get("Range", "")):
            first = int(asked[1])
            if first >= len(content):
                status, headers, body = 416, {"Content-Range": f"bytes */{len(content)}"}, b""
            else:
                body = content[first : int(asked[2]) + 1 if asked[2] else None]
                status = 206
                headers = {"Content-Range": f"bytes {first}-{first + len(body) - 1}/{len(content)}"}
        self._send(status, body, {"Content-Type": "image/jpeg", **headers}, cut)

    def _json(self, status: int, document: object) -> None:
        self._send(status, json.dumps(document).encode(), {"Content-Type": "application/json; charset=UTF-8"})

    def _send(self, status: int, body: bytes, headers: Mapping[str, str], cut: bool = False) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if cut else body)
        self.wfile.flush()
        self.close_connection = self.close_connection or cut

    def log_message(self, *_: Any) -> None:
        """Tests have enough to read."""
