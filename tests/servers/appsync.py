"""A library's AppSync API: its schema executed by graphql-core behind HTTP, with AppSync's own words for who may not.

Another process can ask it as well (`AppSync.environment`). It misbehaves where a test says so.
"""

import json
import re
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from graphql import build_schema, graphql_sync

SCHEMA = build_schema("""
type Query { listFilesToProcess(nextToken: String): FilesToProcess }
type Mutation {
  saveFileLastProcessedDate(itemId: String!, height: Int, width: Int): File
  removeItemToProcess(itemId: String!): Removal
}
type FilesToProcess { nextToken: String, items: [FileToProcess] }
type FileToProcess {
  id: String, sourceType: String, sourceFilePath: String, sourceBucketName: String, filePath: String
  copyrightStatus: String, sourceUri: String
}
type File { id: String, modifiedDate: String, dateLastProcessed: String }
type Removal { recordsDeleted: Int }
""")
_SIGNED = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<id>[^/]+)/(?P<day>\d{8})/(?P<region>[a-z0-9-]+)/appsync/aws4_request, "
    r"SignedHeaders=(?P<headers>[a-z0-9;-]+), Signature=(?P<signature>[0-9a-f]{64})"
)


@dataclass(frozen=True)
class Answer:
    """What is answered instead of the truth. A status of 0 closes the connection without a word."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Request:
    """What somebody asked."""

    headers: Mapping[str, str]
    """With names in lower case."""
    query: str
    variables: Mapping[str, Any]
    connection: object


def unauthorised(message: str = "You are not authorized to make this call.", status: int = 401) -> Answer:
    """AppSync's answer to who may not ask."""
    return Answer(status, json.dumps({"errors": [{"errorType": "UnauthorizedException", "message": message}]}).encode())


class AppSync(ThreadingHTTPServer):
    """The API, and what a test wants of it."""

    daemon_threads = True

    def __init__(self, items: Iterable[Any], page: int) -> None:
        self.items, self.page = list(items), page
        self.key = "da2-examplekeyexamplekeyexample"
        """Who sends it as `x-api-key` is let in; so is who signs, whatever the credentials, unless `secret` is set."""
        self.secret = ""
        """The secret key that a signature has to be made with."""
        self.processed: dict[str, tuple[int, int]] = {}
        """Height and width by id. What is processed or removed is not listed any more."""
        self.removed: list[str] = []
        self.requests: list[Request] = []
        self.next: list[Answer] = []
        """What the next requests are answered, one each."""
        self.always: Answer | None = None
        """What every request is answered."""
        self.failing = ""
        """The message of the error that every operation ends in."""
        self.repeating = False
        """Whether each page has the token of the first."""
        self._lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/graphql"

    def environment(self) -> dict[str, str]:
        """The variables that lead Darkroom to it."""
        return {"DARKROOM_APPSYNC_URL": self.url, "APPSYNC_API_KEY": self.key}

    def answer(self, request: Request, body: bytes) -> Answer:
        with self._lock:
            self.requests.append(request)
            if self.next:
                return self.next.pop(0)
            if self.always:
                return self.always
            if not self._may(request.headers, body):
                return unauthorised()
            result = graphql_sync(SCHEMA, request.query, root_value=self, variable_values=dict(request.variables))
            return Answer(body=json.dumps(result.formatted).encode())

    def _may(self, headers: Mapping[str, str], body: bytes) -> bool:
        if "x-api-key" in headers:
            return headers["x-api-key"] == self.key
        signed = _SIGNED.fullmatch(headers.get("authorization", ""))
        if not signed or not {"host", "x-amz-date"} <= set(signed["headers"].split(";")):
            return False
        if not self.secret:
            return True
        credentials = Credentials(signed["id"], self.secret)  # a token of the session is one of the headers
        request = AWSRequest("POST", f"http://{headers['host']}/graphql", data=body)
        for name in signed["headers"].split(";"):
            request.headers[name] = headers[name]
        request.context["timestamp"] = headers["x-amz-date"]
        auth = SigV4Auth(credentials, "appsync", signed["region"])
        expected = auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)
        return signed["signature"] == expected

    # --- the schema's fields: graphql-core looks for them here

    def listFilesToProcess(self, _: object, nextToken: str | None = None) -> dict[str, Any]:
        self._fail_if_told()
        at, found = int(nextToken or 0), list[Any]()
        while at < len(self.items) and len(found) < self.page:
            one = self.items[at]
            known = one.get("id") if isinstance(one, dict) else None
            if not isinstance(known, str) or not (known in self.processed or known in self.removed):
                found.append(one)
            at += 1
        after = str(at) if at < len(self.items) else None
        return {"items": found, "nextToken": str(self.page) if self.repeating else after}

    def saveFileLastProcessedDate(
        self, _: object, itemId: str, height: int | None = None, width: int | None = None
    ) -> dict[str, str]:
        self._fail_if_told()
        self.processed[itemId] = (height or 0, width or 0)
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        return {"id": itemId, "modifiedDate": now, "dateLastProcessed": now}

    def removeItemToProcess(self, _: object, itemId: str) -> dict[str, int]:
        self._fail_if_told()
        if itemId in self.removed:
            return {"recordsDeleted": 0}
        self.removed.append(itemId)
        return {"recordsDeleted": 1}

    def _fail_if_told(self) -> None:
        if self.failing:
            raise RuntimeError(self.failing)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: AppSync

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            asked = json.loads(body)
            request = Request(
                {name.lower(): value for name, value in self.headers.items()},
                asked["query"],
                asked.get("variables") or {},
                self.client_address,
            )
        except (ValueError, TypeError, LookupError):
            self._send(Answer(400, b'{"errors": [{"errorType": "MalformedHttpRequestException", "message": ""}]}'))
            return
        self._send(self.server.answer(request, body))

    def _send(self, answer: Answer) -> None:
        # what a test misstates or withholds ends the connection
        self.close_connection = not answer.status or "Content-Length" in answer.headers
        if not answer.status:
            return
        try:
            self.send_response(answer.status)
            for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)
        except OSError:  # who asked has had enough
            self.close_connection = True

    def log_message(self, *_: Any) -> None:
        """Tests have enough to read."""


@contextmanager
def appsync(items: Iterable[Any] = (), page: int = 2) -> Iterator[AppSync]:
    """The API with these items to process, `page` of them a page."""
    with AppSync(items, page) as api:
        threading.Thread(target=api.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield api
        finally:
            api.shutdown()


def item(item_id: str, **fields: str | None) -> dict[str, str | None]:
    """An item of the listing: of type S3, with all that it needs, unless the fields say otherwise."""
    return {
        "id": item_id,
        "sourceType": "S3",
        "sourceBucketName": "library-scans",
        "sourceFilePath": f"scans/{item_id}.jpg",
        "filePath": f"collections/{item_id}.tif",
        "copyrightStatus": None,
        "sourceUri": None,
        **fields,
    }
