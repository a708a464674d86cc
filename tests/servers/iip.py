"""IIPImage, a real IIIF image server (Debian's iipimage-server), asked over its FastCGI as a web server asks it."""

import json
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.servers.processes import Processes, free_ports

PROGRAM = Path("/usr/lib/iipimage-server/iipsrv.fcgi")
# https://fastcgi-archives.github.io/FastCGI_Specification.html
_BEGIN, _END, _PARAMS, _STDIN, _STDOUT = 1, 3, 4, 5, 6
_RESPONDER = struct.pack(">HB5x", 1, 0)


class ImageServer:
    """The pyramids of one folder, as the public's viewers get them."""

    def __init__(self, port: int) -> None:
        self._port = port

    def info(self, name: str) -> dict[str, Any]:
        """The info.json of an image."""
        document: dict[str, Any] = json.loads(self._get(f"{quote(name)}/info.json"))
        return document

    def region(self, name: str, region: tuple[int, int, int, int], width: int, height: int) -> bytes:
        """A part of an image (left, top, width, height) in that size, as a JPEG."""
        return self._get(f"{quote(name)}/{','.join(map(str, region))}/{width},{height}/0/default.jpg")

    def _get(self, path: str) -> bytes:
        asked = {"REQUEST_METHOD": "GET", "QUERY_STRING": f"IIIF={path}", "REQUEST_URI": f"/?IIIF={path}"}
        head, _, body = self._answer(asked | {"HTTP_HOST": "127.0.0.1"}).partition(b"\r\n\r\n")
        assert not head.startswith((b"Status: 4", b"Status: 5")), (path, head, body[:500])
        return body

    def _answer(self, parameters: dict[str, str]) -> bytes:
        named = b"".join(
            struct.pack(">II", len(name) | 1 << 31, len(value.encode()) | 1 << 31) + name.encode() + value.encode()
            for name, value in parameters.items()
        )
        with socket.create_connection(("127.0.0.1", self._port), timeout=30) as connection:
            for kind, content in ((_BEGIN, _RESPONDER), (_PARAMS, named), (_PARAMS, b""), (_STDIN, b"")):
                connection.sendall(struct.pack(">BBHHBx", 1, kind, 1, len(content), 0) + content)
            stream, answer = connection.makefile("rb"), b""
            while True:
                _, kind, _, length, padding = struct.unpack(">BBHHBx", stream.read(8))
                content = stream.read(length + padding)[:length]
                if kind == _STDOUT:
                    answer += content
                elif kind == _END:
                    return answer


@contextmanager
def image_server(folder: Path, logs: Path) -> Iterator[ImageServer]:
    """A server of the pyramids in `folder`."""
    port = free_ports(1)
    settings = {
        "FILESYSTEM_PREFIX": f"{folder}/",
        "LOGFILE": str(logs / "iipsrv.txt"),
        "VERBOSITY": "2",
        "JPEG_QUALITY": "98",
        "MAX_CVT": "10000",
    }
    with Processes(logs, {**os.environ, **settings}) as processes:
        processes.start("iipsrv", [str(PROGRAM), "--bind", f"127.0.0.1:{port}", "--backlog", "8"])
        processes.wait_until(lambda: _listens(port), "iipsrv")
        yield ImageServer(port)


def _listens(port: int) -> bool:
    with socket.socket() as trial:
        return trial.connect_ex(("127.0.0.1", port)) == 0
