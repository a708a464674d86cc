"""Google Cloud Storage to read from, cheap enough to be measured beside.

`python -m bench.gcs_server FOLDER PORT BUCKETS` serves; `gcs_server` starts that and ends it.

One process and one loop over its connections, without a framework: what it costs is what its clients cannot have of the
same cores. Buckets are described by a count and a size, their objects are parts of one endless stream of random bytes
that repeats after `PERIOD` bytes (a prime, so that no two parts of an upload are alike): real bytes, whose MD5 and
CRC32C are computed at the start. Small bodies go out of mapped memory, large ones by sendfile.

It answers what a client reads with: in the XML API a GET of an object; in the JSON API a GET (and HEAD) of a bucket,
of listings (prefix, delimiter, startOffset, endOffset, pageToken, maxResults, the items' fields), of an object's
metadata, and of its content, whole or a range, with `generation` and `ifGenerationMatch`. An answer to a listing is
kept and costs nothing the next time. There is no authentication, and nothing can be written.

`/stats` says what every bucket was asked for since it was last asked, and how many bytes of each object went out.
"""

import base64
import hashlib
import json
import mmap
import os
import random
import re
import select
import socket
import sys
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote
from urllib.request import urlopen

import google_crc32c
import psutil

from tests.servers.processes import Processes, answers, free_ports

PERIOD = 67_108_859
PAGE = 1000
_SMALL = 1 << 20  # a body up to this is one piece of memory; as many bytes of the stream follow its period in the file
_ASKED = 1 << 16
_TYPE = "image/tiff"
_BEGAN = datetime(2026, 3, 1, 8, tzinfo=UTC)
_FIRST = int(_BEGAN.timestamp()) * 1_000_000  # the first object's generation, which is its time
_LAST = "\U0010ffff"
_PATH = re.compile(r"(?:/download)?/storage/v1/b/([^/]+)(/o)?(?:/(.+))?")
_XML = re.compile(r"/(?!storage/|download/|stats)([^/]+)/(.+)")
_RANGE = re.compile(rb"\r\nrange: *bytes=(\d*)-(\d*)\r\n", re.IGNORECASE)
_ITEMS = re.compile(r"items(?:\(([^)]*)\)|/(\w+))")
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
class Bucket:
    """So many objects of one size."""

    name: str
    count: int
    size: int

    @property
    def bytes(self) -> int:
        return self.count * self.size


@dataclass
class Served:
    """What a bucket was asked for: requests by kind, bytes of content, and the least and the most of one object."""

    listings: int = 0
    metadata: int = 0
    media: int = 0
    others: int = 0
    bytes: int = 0
    least: int = 0
    most: int = 0

    @property
    def requests(self) -> int:
        return self.listings + self.metadata + self.media + self.others


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


class _Stream:
    """The endless stream: `period` random bytes, again and again; they are the same in every run."""

    def __init__(self, folder: Path) -> None:
        file = folder / "stream"
        with file.open("wb") as handle:
            block = random.Random(1).randbytes(PERIOD)  # noqa: S311
            handle.write(block)
            handle.write(block[:_SMALL])
        self.file = os.open(file, os.O_RDONLY)
        self.memory = memoryview(mmap.mmap(self.file, 0, prot=mmap.PROT_READ))

    def piece(self, start: int, size: int) -> memoryview:
        """At most `_SMALL` bytes of it."""
        at = start % PERIOD
        return self.memory[at : at + size]

    def hashes(self, start: int, size: int) -> tuple[str, str]:
        """MD5 and CRC32C of a part, as the service writes them."""
        md5, crc, end = hashlib.md5(usedforsecurity=False), 0, start + size
        while start < end:
            piece = self.piece(start, min(_SMALL, end - start))
            md5.update(piece)
            crc = google_crc32c.extend(crc, bytes(piece))
            start += len(piece)
        return base64.b64encode(md5.digest()).decode(), base64.b64encode(crc.to_bytes(4, "big")).decode()


@dataclass
class _Objects:
    """The objects of a bucket, in the order of their names, and what was asked of them."""

    bucket: Bucket
    endpoint: str
    hashes: list[tuple[str, str]]
    counts: Served = field(default_factory=Served)

    def __post_init__(self) -> None:
        self.names = [f"maps/{number // PAGE:02}/scan-{number:05}.tif" for number in range(self.bucket.count)]
        self.numbers = {name: number for number, name in enumerate(self.names)}
        self.bytes = array("Q", bytes(8 * self.bucket.count))

    def updated(self, number: int) -> datetime:
        return _BEGAN + timedelta(seconds=number)

    def generation(self, number: int) -> str:
        return str(_FIRST + number * 1_000_000)

    def resource(self, number: int) -> dict[str, str]:
        """An object's metadata, with everything that the service tells a reader."""
        bucket, generation = self.bucket.name, self.generation(number)
        time = f"{self.updated(number):%Y-%m-%dT%H:%M:%S.000Z}"
        path = f"storage/v1/b/{bucket}/o/{quote(self.names[number], safe='')}"
        md5, crc = self.hashes[number]
        return {
            "kind": "storage#object",
            "id": f"{bucket}/{self.names[number]}/{generation}",
            "selfLink": f"{self.endpoint}/{path}",
            "mediaLink": f"{self.endpoint}/download/{path}?generation={generation}&alt=media",
            "name": self.names[number],
            "bucket": bucket,
            "generation": generation,
            "metageneration": "1",
            "contentType": _TYPE,
            "storageClass": "STANDARD",
            "size": str(self.bucket.size),
            "md5Hash": md5,
            "crc32c": crc,
            "etag": generation,
            "timeCreated": time,
            "updated": time,
            "timeStorageClassUpdated": time,
            "timeFinalized": time,
        }

    def page(self, query: dict[str, str]) -> dict[str, Any]:
        """A page of a listing, as its query wants it."""
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        at = max(bisect_left(self.names, prefix), bisect_left(self.names, query.get("startOffset", "")))
        at = max(at, int(query.get("pageToken") or 0))
        end = bisect_left(self.names, query.get("endOffset") or _LAST)
        end = min(end, bisect_left(self.names, prefix + _LAST))
        size = min(int(query.get("maxResults") or PAGE), PAGE)
        fields = _ITEMS.search(query.get("fields", ""))
        wanted = set((fields[1] or fields[2]).split(",")) if fields else None
        items: list[dict[str, str]] = []
        prefixes: list[str] = []
        while at < end and len(items) + len(prefixes) < size:
            below, found, _ = self.names[at].removeprefix(prefix).partition(delimiter) if delimiter else ("", "", "")
            if found:
                prefixes.append(prefix + below + delimiter)
                at = bisect_left(self.names, prefixes[-1] + _LAST)
            else:
                whole = self.resource(at)
                items.append({name: value for name, value in whole.items() if not wanted or name in wanted})
                at += 1
        page: dict[str, Any] = {"kind": "storage#objects"}
        page |= {"nextPageToken": str(at)} if at < end else {}
        return page | ({"prefixes": prefixes} if prefixes else {}) | ({"items": items} if items else {})

    @cached_property
    def own(self) -> bytes:
        """The bucket's own metadata."""
        name = self.bucket.name
        return _json({"kind": "storage#bucket", "id": name, "name": name, "location": "EU", "storageClass": "STANDARD"})

    def body(self, number: int, start: int = 0, end: int | None = None) -> "_Body":
        """What is to be sent of an object."""
        first = number * self.bucket.size
        return _Body(self, number, first + start, first + (self.bucket.size if end is None else end))

    def stats(self) -> dict[str, int]:
        """What was asked since the last time."""
        counts, self.counts = self.counts, Served()
        counts.bytes, counts.least, counts.most = sum(self.bytes), min(self.bytes), max(self.bytes)
        self.bytes = array("Q", bytes(8 * self.bucket.count))
        return asdict(counts)


@dataclass(slots=True)
class _Body:
    """What is left to send of an object: bytes `at` to `end` of the stream."""

    objects: _Objects
    number: int
    at: int
    end: int


class _Service:
    """Answers requests: with the head (and a short body in one), and what is to be sent of an object."""

    def __init__(self, buckets: Sequence[_Objects]) -> None:
        self._buckets = {objects.bucket.name: objects for objects in buckets}
        self._listings: dict[bytes, tuple[_Objects, bytes]] = {}
        self._contents: dict[bytes, tuple[_Objects, int, bytes]] = {}  # whole ones

    def answer(self, asked: bytes) -> tuple[bytes, _Body | None]:
        """The answer to a request's head."""
        method, _, rest = asked.partition(b" ")
        target = rest[: rest.index(b" ")]
        if method not in (b"GET", b"HEAD"):
            return _refusal(405, "Nothing can be written here."), None
        head, body = self._kept(target, asked) or self._read(target, asked)
        if method == b"HEAD":
            return head[: head.index(b"\r\n\r\n") + 4], None
        return head, body

    def _kept(self, target: bytes, asked: bytes) -> tuple[bytes, _Body | None] | None:
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

    def _read(self, target: bytes, asked: bytes) -> tuple[bytes, _Body | None]:
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
        return objects.own, None

    def _object(
        self, objects: _Objects, name: str, query: dict[str, str], target: bytes, asked: bytes
    ) -> tuple[bytes, _Body | None]:
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


def _content(
    objects: _Objects, number: int, generation: str, span: re.Match[bytes] | None
) -> tuple[bytes, _Body | None]:
    size = objects.bucket.size
    start, end = 0, size
    if span and (span[1] or span[2]):
        start = int(span[1]) if span[1] else max(0, size - int(span[2]))
        end = min(int(span[2]) + 1, size) if span[1] and span[2] else size
        if start >= end:
            return _refusal(416, "Request range not satisfiable", f"Content-Range: bytes */{size}\r\n"), None
    md5, crc = objects.hashes[number]
    headers = (
        f"Content-Type: {_TYPE}\r\nX-Goog-Generation: {generation}\r\nX-Goog-Metageneration: 1\r\n"
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

    def __init__(self, connected: socket.socket, service: _Service, stream: _Stream) -> None:
        self.socket, self._service, self._stream = connected, service, stream
        self._asked = b""
        self._head = memoryview(b"")
        self._body: _Body | None = None
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
        if left > _SMALL and self._head:
            self._head = self._head[self.socket.send(self._head, socket.MSG_MORE) :]
            return
        if left > _SMALL:
            start = body.at % PERIOD
            sent = os.sendfile(self.socket.fileno(), self._stream.file, start, min(left, PERIOD + _SMALL - start))
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
    stream = _Stream(folder)
    endpoint = f"http://127.0.0.1:{port}"
    objects = [
        _Objects(bucket, endpoint, [stream.hashes(number * bucket.size, bucket.size) for number in range(bucket.count)])
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
