"""Google Cloud Storage's JSON API: gcp-storage-emulator, behind a front that does what it leaves out.

The front adds, as the service has it:
- `if[Source](Meta)GenerationMatch` and `...NotMatch` on every upload (a resumable one's start and end), delete, patch,
  copy, rewrite, compose and read: 412, or 304 for a read whose NotMatch does not hold; 0 is "none there yet".
- `generation=` and `sourceGeneration=`: 404 for a version that is no more the current one. The service keeps noncurrent
  versions only in buckets with versioning, which this is not.
- md5Hash and crc32c, in the metadata or in X-Goog-Hash: bytes that do not match are answered 400, and not kept.
- Uploads to the byte, empty ones too; chunked ones with 308 and Range (none while nothing is here), chunks that come
  again, the status of a finished one, cancelling.
- Reads: any Range (416 beyond the end), and the headers that say which generation was read. What has contentEncoding
  gzip is unpacked for who does not accept it packed, whole whatever the Range, without the stored bytes' length and
  hashes; unless its cacheControl says no-transform.
- A composed object, and a copy of one, has a crc32c and no md5Hash.
- Listing in pages: maxResults, pageToken, startOffset, endOffset. Batches with conditions. 204 for a delete, and errors
  in JSON. Connections that stay open.

What stays different:
- No authentication. Of the XML API only the reading of an object, no gRPC, no signed URLs' signatures.
- An object's etag is its MD5, not its generation's; metageneration begins with 2.
- A copy or rewrite keeps the source's metadata whatever the request's body says, and is always done at once.
- `a//b`, `a/./b`, `/a` and `a/` share their bytes with `a/b` and `a`, `a\\b` with `a/b`; `..` between slashes fails.
- A patch replaces the whole user metadata instead of merging, and leaves `updated`.
- Listing ignores `versions`, and any request ignores `fields`. Nothing limits the rate of writes to one object.
"""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.servers.gcs_front import GcsFront
from tests.servers.gcs_messages import Request
from tests.servers.processes import Processes, answers, free_ports


@contextmanager
def gcs_emulator(folder: Path) -> Iterator[str]:
    """A fresh, empty GCS: the endpoint, for STORAGE_EMULATOR_HOST. Its logs go to `folder`.

    The objects are in the emulator's memory: in its folders there could be no `a` beside `a/b`.
    """
    port = free_ports(1)
    emulator = f"http://127.0.0.1:{port}"
    command = ["-m", "gcp_storage_emulator", "-d", str(folder.resolve())]
    with Processes(folder, dict(os.environ)) as processes:
        processes.start("gcs", [sys.executable, *command, "start", "-q", "-M", "--host=127.0.0.1", f"--port={port}"])
        processes.wait_until(lambda: answers(emulator), "gcp-storage-emulator")
        with _Server(GcsFront(emulator)) as server:
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
            try:
                yield f"http://127.0.0.1:{server.server_address[1]}"
            finally:
                server.shutdown()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, front: GcsFront) -> None:
        self.front = front
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # an answer's head and body go together
    server: _Server

    def _handle(self) -> None:
        answer = self.server.front.answer(Request(self.command, self.path, self.headers, self._body()))
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.status not in (204, 304):
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD" and answer.status not in (204, 304):
            self.wfile.write(answer.body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _handle

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = bytearray()
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline() not in (b"\r\n", b"\n", b""):
            pass
        return bytes(body)

    def log_message(self, *_: Any) -> None:
        """Tests have enough to read."""
