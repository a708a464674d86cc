"""Google Cloud Storage to read from, cheap enough to be measured beside.

`python -m bench.gcs_server FOLDER PORT BUCKETS` serves; `gcs_server` starts that and ends it.

One process and one loop over its connections, without a framework: what it costs is what its clients cannot have of the
same cores. Buckets are described by a count and a size (`gcs_objects`). Small bodies go out of mapped memory, large
ones by sendfile.

It answers what a client reads with: in the XML API a GET of an object; in the JSON API a GET (and HEAD) of a bucket,
of listings (prefix, delimiter, startOffset, endOffset, pageToken, maxResults, the items' fields), of an object's
metadata, and of its content, whole or a range, with `generation` and `ifGenerationMatch`. An answer to a listing is
kept and costs nothing the next time. There is no authentication, and nothing can be written.

`/stats` says what every bucket was asked for since it was last asked, and how many bytes of each object went out.
"""

import base64
import json
import os
import re
import select
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote
from urllib.request import urlopen

import psutil

from bench.gcs_objects import PERIOD, SMALL, TYPE, Body, Bucket, Objects, Served, Stream
from tests.servers.processes import Processes, answers, free_ports

_ASKED = 1 << 16
_PATH = re.compile(r"(?:/download)?/storage/v1/b/([^/]+)(/o)?(?:/(.+))?")
_XML = re.compile(r"/(?!storage/|download/|stats)([^/]+)/(.+)")
_RANGE = re.compile(rb"\r\nrange: *bytes=(\d*)-(\d*)\r\n", re.IGNORECASE)
_CLOSE = re.compile(rb"\r\nconnection: *close\r\n", re.IGNORECASE)
_WORDS = {
    200: "OK",
    206: "Partial Content",
    304: "Not Modified",
    404: "Not Found",
    405: "Method Not Allowed",
    412: "Precondition Failed",
    416: "Range Not Satisfiable",
}


@dataclass(frozen=True)
class GcsServer:
    """Where it answers, and what it used."""

    endpoint: str
    process: psutil.Process

    def served(self, bucket: str) -> Served:
        """What `bucket` was asked for since this was last asked."""
        return Served(**self._get("/stats")[bucket])

    def hashes(self, bucket: str) -> dict[str, str]:
        """The MD5 of each object, by its name."""
        found: dict[str, str] = {}
        token = ""
        while True:
            page = self._get(f"/storage/v1/b/{bucket}/o?fields=items(name,md5Hash)&pageToken={token}")
            found.update((item["name"], base64.b64decode(item["md5Hash"]).hex()) for item in page["items"])
            token = page.get("nextPageToken", "")
            if not token:
                return found

    @property
    def cpu(self) -> float:
        """The CPU seconds that it had since its start."""
        times = self.process.cpu_times()
        return times.user + times.system

    def _get(self, target: str) -> Any:
        with urlopen(self.endpoint + target) as answer:  # noqa: S310
            return json.load(answer)


@contextmanager
def gcs_server(folder: Path, buckets: Sequence[Bucket]) -> Iterator[GcsServer]:
    """A server of its own, whose data and log are in `folder`."""
    port = free_ports(1)
    with Processes(folder) as processes:
        described = json.dumps([asdict(bucket) for bucket in buckets])
        words = [sys.executable, "-m", "bench.gcs_server", str(folder), str(port), described]
        process = processes.start("gcs", words)
        endpoint = f"http://127.0.0.1:{port}"
        processes.wait_until(lambda: answers(f"{endpoint}/stats"), "the GCS to read from", 300)
        yield GcsServer(endpoint, psutil.Process(process.pid))


class _Service:
    """Answers requests: with the head (and a short body in one), and what is to be sent of an object."""

    def __init__(self, buckets: Sequence[Objects]) -> None:
        self._buckets = {objects.bucket.name: objects for objects in buckets}
        self._listings: dict[bytes, tuple[Objects, bytes]] = {}
        self._contents: dict[bytes, tuple[Objects, int, bytes]] = {}  # whole ones

    def answer(self, asked: bytes) -> tuple[bytes, Body | None]:
        """The answer to a request's head."""
        method, _, rest = asked.partition(b" ")
        target = rest[: rest.index(b" ")]
        if method not in (b"GET", b"HEAD"):
            return _refusal(405, "Nothing can be written here."), None
        head, body = self._kept(target, asked) or self._read(target, asked)
        if method == b"HEAD":
            return head[: head.index(b"\r\n\r\n") + 4], None
        return head, body

    def _kept(self, target: bytes, asked: bytes) -> tuple[bytes, Body | None] | None:
        """What was answered before, at next to no cost."""
        if listing := self._listings.get(target):
            objects, head = listing
            objects.counts.listings += 1
            return head, None
        if (content := self._contents.get(target)) and b"ange: " not in asked:
            objects, number, head = content
            objects.counts.media += 1
            return head, objects.body(number)
        return None

    def _read(self, target: bytes, asked: bytes) -> tuple[bytes, Body | None]:
        path, _, query_text = target.decode("ascii").partition("?")
        if path == "/stats":
            return _json({name: objects.stats() for name, objects in self._buckets.items()}), None
        if xml := _XML.fullmatch(path):  # what the XML API reads is the JSON API's media
            path = f"/storage/v1/b/{unquote(xml[1])}/o/{xml[2]}"
            query_text += "&alt=media"
        found = _PATH.fullmatch(path)
        objects = self._buckets.get(found[1]) if found else None
        if not found or objects is None:
            return _refusal(404, "The specified bucket does not exist."), None
        query = dict(parse_qsl(query_text))
        if found[3]:
            return self._object(objects, unquote(found[3]), query, target, asked)
        if found[2]:
            objects.counts.listings += 1
            made = _json(objects.page(query))
            self._listings[target] = objects, made
            return made, None
        objects.counts.others += 1
        return _json(objects.own), None

    def _object(
        self, objects: Objects, name: str, query: dict[str, str], target: bytes, asked: bytes
    ) -> tuple[bytes, Body | None]:
        number = objects.numbers.get(name)
        media = query.get("alt") == "media"
        if media:
            objects.counts.media += 1
        else:
            objects.counts.metadata += 1
        generation = objects.generation(number) if number is not None else ""
        if number is None or query.get("generation", generation) != generation:
            return _refusal(404, f"No such object: {objects.bucket.name}/{name}"), None
        if query.get("ifGenerationMatch", generation) != generation:
            return _refusal(412, "At least one of the pre-conditions you specified did not hold."), None
        if query.get("ifGenerationNotMatch") == generation:
            return _head(304), None
        if not media:
            return _json(objects.resource(number)), None
        span = _RANGE.search(asked)
        head, body = _content(objects, number, generation, span)
        if not span:
            self._contents[target] = objects, number, head
        return head, body


def _content(objects: Objects, number: int, generation: str, span: re.Match[bytes] | None) -> tuple[bytes, Body | None]:
    size = objects.bucket.size
    start, end = 0, size
    if span and (span[1] or span[2]):
        start = int(span[1]) if span[1] else max(0, size - int(span[2]))
        end = min(int(span[2]) + 1, size) if span[1] and span[2] else size
        if start >= end:
            return _refusal(416, "Request range not satisfiable", f"Content-Range: bytes */{size}\r\n"), None
    md5, crc = objects.hashes[number]
    headers = (
        f"Content-Type: {TYPE}\r\nX-Goog-Generation: {generation}\r\nX-Goog-Metageneration: 1\r\n"
        f"X-Goog-Hash: crc32c={crc},md5={md5}\r\nX-Goog-Storage-Class: STANDARD\r\nAccept-Ranges: bytes\r\n"
        f"X-Goog-Stored-Content-Encoding: identity\r\nX-Goog-Stored-Content-Length: {size}\r\n"
        f'ETag: "{generation}"\r\nContent-Length: {end - start}\r\n'
        f"Last-Modified: {objects.updated(number):%a, %d %b %Y %H:%M:%S GMT}\r\n"
    )
    if span:
        headers += f"Content-Range: bytes {start}-{end - 1}/{size}\r\n"
    return _head(206 if span else 200, headers), objects.body(number, start, end)


def _head(status: int, headers: str = "") -> bytes:
    return f"HTTP/1.1 {status} {_WORDS[status]}\r\n{headers}\r\n".encode()


def _json(said: object, status: int = 200, headers: str = "") -> bytes:
    body = json.dumps(said, separators=(",", ":")).encode()
    headers += f"Content-Type: application/json; charset=UTF-8\r\nContent-Length: {len(body)}\r\n"
    return _head(status, headers) + body


def _refusal(status: int, message: str, headers: str = "") -> bytes:
    return _json({"error": {"code": status, "message": message, "errors": [{"message": message}]}}, status, headers)


class _Connection:
    """A client's connection: what it asked, and what is still to be sent to it."""

    def __init__(self, connected: socket.socket, service: _Service, stream: Stream) -> None:
        self.socket, self._service, self._stream = connected, service, stream
        self._asked = b""
        self._head = memoryview(b"")
        self._body: Body | None = None
        self._closing = False

    def receive(self) -> bool:
        """Read what came; whether the connection stays."""
        with suppress(BlockingIOError):
            came = self.socket.recv(_ASKED)
            if not came:
                return False
            self._asked += came
        return True

    def proceed(self) -> bool:
        """Answer and send as far as it goes; whether there is more to send, which has to wait."""
        while True:
            try:
                while self._head or self._body:
                    self._send()
            except BlockingIOError:
                return True
            if self._closing:
                raise ConnectionError
            end = self._asked.find(b"\r\n\r\n") + 4
            if end < 4:
                return False
            asked, self._asked = self._asked[:end], self._asked[end:]
            head, self._body = self._service.answer(asked)
            self._head, self._closing = memoryview(head), bool(_CLOSE.search(asked))

    def _send(self) -> None:
        """Send once: a small object together with its head."""
        body = self._body
        if body is None:
            self._head = self._head[self.socket.send(self._head) :]
            return
        left = body.end - body.at
        if left > SMALL and self._head:
            self._head = self._head[self.socket.send(self._head, socket.MSG_MORE) :]
            return
        if left > SMALL:
            start = body.at % PERIOD
            sent = os.sendfile(self.socket.fileno(), self._stream.file, start, min(left, PERIOD + SMALL - start))
        else:
            sent = self.socket.sendmsg((self._head, self._stream.piece(body.at, left)))
            of_head = min(sent, len(self._head))
            self._head = self._head[of_head:]
            sent -= of_head
        body.at += sent
        body.objects.bytes[body.number] += sent
        if body.at == body.end:
            self._body = None


def serve(folder: Path, port: int, buckets: Sequence[Bucket]) -> None:
    """Answer until the process is ended."""
    stream = Stream(folder)
    endpoint = f"http://127.0.0.1:{port}"
    objects = [
        Objects(bucket, endpoint, [stream.hashes(number * bucket.size, bucket.size) for number in range(bucket.count)])
        for bucket in buckets
    ]
    service = _Service(objects)
    with socket.create_server(("127.0.0.1", port), backlog=512) as listener, select.epoll() as ready:
        listener.setblocking(False)
        ready.register(listener, select.EPOLLIN)
        connections: dict[int, _Connection] = {}
        while True:
            for number, what in ready.poll():
                if number == listener.fileno():
                    connected, _ = listener.accept()
                    connected.setblocking(False)
                    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    connections[connected.fileno()] = _Connection(connected, service, stream)
                    ready.register(connected, select.EPOLLIN)
                elif not _serve(ready, connections[number], what):
                    connections.pop(number).socket.close()


def _serve(ready: select.epoll, connection: _Connection, what: int) -> bool:
    """Serve one connection on which something happened; whether it stays."""
    try:
        if what & (select.EPOLLIN | select.EPOLLHUP | select.EPOLLERR) and not connection.receive():
            return False
        waiting = select.EPOLLOUT if connection.proceed() else select.EPOLLIN
        if waiting != what:
            ready.modify(connection.socket, waiting)
    except (ConnectionError, ValueError):
        return False
    return True


if __name__ == "__main__":
    serve(Path(sys.argv[1]), int(sys.argv[2]), [Bucket(**each) for each in json.loads(sys.argv[3])])
