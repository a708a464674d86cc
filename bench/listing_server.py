"""An S3 bucket that is only a listing: so many objects of one content, each page computed when it is asked for.

`python -m bench.listing_server PORT FOLDERS` serves; `listing_server` starts that and ends it.

It answers ListObjectsV2 (prefix, start-after, continuation-token, max-keys) for a bucket of any name, and says of the
bucket that it has no versions. No object can be read, and whoever writes is refused: a run that has nothing to do.
"""

import hashlib
import sys
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from tests.servers.processes import Processes, answers, free_ports
from tests.servers.s3 import S3Server

FOLDER = 1000
"""Files of a folder."""
CONTENT = b"x"
_ETAG = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()
_LAST = "\U0010ffff"
_ITEM = (
    "<Contents><Key>{key}</Key><LastModified>2026-03-01T08:00:00.000Z</LastModified>"
    f"<ETag>&quot;{_ETAG}&quot;</ETag><Size>{len(CONTENT)}</Size><StorageClass>STANDARD</StorageClass></Contents>"
)
_PAGE = (
    '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    "<IsTruncated>{cut}</IsTruncated>{items}{token}<KeyCount>{count}</KeyCount></ListBucketResult>"
)
_VERSIONING = '<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"/>'
_REFUSAL = "<Error><Code>{code}</Code><Message>{message}</Message></Error>"


def key(number: int) -> str:
    """The name of a file; their order is that of the numbers."""
    return f"folder-{number // FOLDER:03}/picture-{number % FOLDER:03}.jpg"


@contextmanager
def listing_server(folder: Path, folders: int) -> Iterator[S3Server]:
    """A bucket of so many folders, whose log is in `folder`."""
    port = free_ports(1)
    with Processes(folder) as processes:
        processes.start("listing", [sys.executable, "-m", "bench.listing_server", str(port), str(folders)])
        endpoint = f"http://127.0.0.1:{port}"
        processes.wait_until(lambda: answers(f"{endpoint}/any?list-type=2&max-keys=1"), "the simulated listing")
        yield S3Server(endpoint, "anybody", "whatever")


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    objects: range

    def do_GET(self) -> None:
        asked = urlsplit(self.path)
        query = dict(parse_qsl(asked.query, keep_blank_values=True))
        if asked.path.strip("/").count("/"):
            self._answer(404, _REFUSAL.format(code="NoSuchKey", message="No object can be read here."))
        elif "list-type" in query and not query.get("delimiter"):
            self._answer(200, self._page(query))
        elif "versioning" in query:
            self._answer(200, _VERSIONING)
        else:
            self._write()

    def do_HEAD(self) -> None:
        self._answer(404 if self.path.strip("/").count("/") else 200, "")

    def _write(self) -> None:
        print(self.command, self.path, "is refused", flush=True)
        self.close_connection = True  # its body is not read
        self._answer(405, _REFUSAL.format(code="MethodNotAllowed", message=f"{self.command} is not answered here."))

    do_PUT = do_POST = do_DELETE = _write

    def _page(self, query: dict[str, str]) -> str:
        prefix = query.get("prefix", "")
        first = self._number(prefix)
        if begin := query.get("continuation-token"):
            first = int(begin)
        elif after := query.get("start-after"):
            first = max(first, self._number(f"{after}\0"))
        end = self._number(prefix + _LAST)
        last = min(end, first + int(query.get("max-keys", "1000")))
        items = "".join(_ITEM.format(key=key(number)) for number in range(first, last))
        token = f"<NextContinuationToken>{last}</NextContinuationToken>" if last < end else ""
        return _PAGE.format(cut=str(last < end).lower(), items=items, token=token, count=max(0, last - first))

    def _number(self, name: str) -> int:
        """How many objects come before a name."""
        return bisect_left(self.objects, name, key=key)

    def _answer(self, status: int, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing of each request: the log is for what is refused."""


def serve(port: int, folders: int) -> None:
    """Answer until the process is ended."""
    _Handler.objects = range(folders * FOLDER)
    ThreadingHTTPServer(("127.0.0.1", port), _Handler).serve_forever()


if __name__ == "__main__":
    serve(int(sys.argv[1]), int(sys.argv[2]))
