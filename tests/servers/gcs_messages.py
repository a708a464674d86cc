"""Requests to GCS and its answers, and the emulator as the place where objects are kept."""

import http.client
import json
import string
from dataclasses import dataclass, field, replace
from email.message import Message
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

Metadata = dict[str, Any]
_IN_HEADERS = string.punctuation.replace("%", "") + " "


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    target: str  # the path and the query as sent
    headers: Message
    body: bytes = b""

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    @property
    def json(self) -> Metadata:
        return json.loads(self.body) if self.body else {}


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, resource: Metadata, status: int = 200) -> "Answer":
        return cls(status, json.dumps(resource).encode(), {"Content-Type": "application/json; charset=UTF-8"})


class Refused(Exception):
    """A request that GCS refuses, and its answer in GCS's form."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        error = {"domain": "global", "reason": reason, "message": message}
        self.answer = Answer.of({"error": {"code": status, "message": message, "errors": [error]}}, status)


def not_found(name: str) -> Refused:
    return Refused(404, "notFound", f"No such object: {name}")


def invalid(message: str) -> Refused:
    return Refused(400, "invalid", message)


class Emulator:
    """gcp-storage-emulator, one request at a time."""

    def __init__(self, endpoint: str) -> None:
        self._address = urlsplit(endpoint).netloc
        self._composed: set[str] = set()

    def compose(self, request: Request) -> Answer:
        """Pass on a request that makes an object of others, or a copy of such a one: it has no MD5."""
        answer = self._pass_on(request)
        said = json.loads(answer.body)
        self._composed.add(said.get("resource", said)["generation"])
        return self._corrected(answer)

    def send(self, request: Request) -> Answer:
        """Pass a request on. What is not found gets the body that GCS gives it."""
        answer = self._pass_on(request)
        return answer if "alt=media" in request.target else self._corrected(answer)

    def _corrected(self, answer: Answer) -> Answer:
        """An answer in which composed objects have no MD5, and metadata are what was written."""

        def corrected(found: Metadata) -> Metadata:
            if found.get("generation") in self._composed:
                found["componentCount"] = 2
                found.pop("md5Hash", None)
            if isinstance(metadata := found.get("metadata"), dict):
                found["metadata"] = {name: unquote(value) for name, value in metadata.items()}
            return found

        if not answer.body.startswith(b"{"):
            return answer
        return replace(answer, body=json.dumps(json.loads(answer.body, object_hook=corrected)).encode())

    def _pass_on(self, request: Request) -> Answer:
        connection = http.client.HTTPConnection(self._address)
        try:
            connection.request(request.method, request.target, request.body, _end_to_end(request.headers))
            response = connection.getresponse()
            body = response.read()
        except http.client.RemoteDisconnected:
            raise invalid("The emulator cannot do this.") from None
        finally:
            connection.close()
        if response.status == 404 and not body:
            raise not_found(request.path)
        return Answer(response.status, body, _end_to_end(response.headers))

    def resource(self, bucket: str, name: str) -> Metadata | None:
        """The object's metadata, or None where there is none."""
        try:
            return json.loads(self.send(Request("GET", _path(bucket, name), Message())).body)  # type: ignore[no-any-return]
        except Refused:
            return None

    def content(self, bucket: str, name: str) -> bytes:
        return self.send(Request("GET", _path(bucket, name) + "?alt=media", Message())).body

    def write(self, bucket: str, metadata: Metadata, content_type: str, data: bytes, host: str) -> Answer:
        """Write an object by the only way on which the emulator reads the bytes unparsed."""
        target = f"/upload/storage/v1/b/{bucket}/o?uploadType=resumable"
        headers = Message()
        for name, value in (("Host", host), ("Content-Type", "application/json")):
            headers[name] = value
        headers["X-Upload-Content-Type"] = content_type
        # it answers with metadata as headers, and fails of letters that are in none
        kept = {name: quote(value, safe=_IN_HEADERS) for name, value in (metadata.get("metadata") or {}).items()}
        started = self.send(Request("POST", target, headers, json.dumps({**metadata, "metadata": kept}).encode()))
        location = urlsplit(started.headers["Location"])
        headers = Message()
        headers["Content-Range"] = f"bytes 0-{len(data) - 1}/{len(data)}" if data else "bytes */0"
        return self.send(Request("PUT", f"{location.path}?{location.query}", headers, data))


def _path(bucket: str, name: str) -> str:
    return f"/storage/v1/b/{bucket}/o/{quote(name, safe='')}"


def _end_to_end(headers: Message) -> dict[str, str]:
    own = ("connection", "content-length", "transfer-encoding", "date", "server", "expect")
    return {name: value for name, value in headers.items() if name.lower() not in own}
