"""What GCS does before and after an object is kept: conditions, pinned generations, checksums, pages, ranges, batches.

One request is answered at a time, so nothing comes between a condition and what it allows; the emulator behind answers
one at a time anyway.
"""

import base64
import dataclasses
import gzip
import json
import re
import secrets
import threading
from datetime import UTC, datetime
from email.message import Message
from email.parser import BytesParser, Parser
from email.utils import format_datetime
from http import HTTPStatus
from urllib.parse import unquote

from tests.servers.gcs_messages import Answer, Emulator, Metadata, Refused, Request, not_found
from tests.servers.gcs_uploads import Sessions, Upload, at_once

_B_AND_O = r"/b/([^/]+)/o/([^/]+)"
_OBJECT = re.compile(rf"(/download)?/storage/v1{_B_AND_O}")
_TWO_OBJECTS = re.compile(rf"/storage/v1{_B_AND_O}/(?:copyTo|rewriteTo){_B_AND_O}")
_COMPOSE = re.compile(rf"/storage/v1{_B_AND_O}/compose")
_LIST = re.compile(r"/storage/v1/b/[^/]+/o")
_UPLOAD = re.compile(r"/upload/storage/v1/b/([^/]+)/o")
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
_XML = re.compile(r"/(?!storage/|upload/|download/|batch)([^/]+)/(.+)")
PAGE = 1000
_BUCKET = re.compile(r"/b/([^/]+)/o")


class GcsFront:
    """Answers as GCS does, with an emulator that keeps the objects."""

    def __init__(self, emulator: str) -> None:
        self._emulator = Emulator(emulator)
        self._sessions = Sessions()
        self._lock = threading.Lock()

    def answer(self, request: Request) -> Answer:
        if request.path.startswith("/batch/"):
            return self._batch(request)
        with self._lock:
            try:
                return self._answer(request)
            except Refused as refused:
                return self._no_bucket(request) or refused.answer

    def _no_bucket(self, request: Request) -> Answer | None:
        """GCS says it when not the object but its whole bucket is not there."""
        bucket = _BUCKET.search(request.path)
        try:
            if bucket:
                self._emulator.send(Request("GET", f"/storage/v1/b/{bucket[1]}", Message()))
        except Refused:
            return Refused(404, "notFound", "The specified bucket does not exist.").answer
        return None

    def _answer(self, request: Request) -> Answer:
        if found := _UPLOAD.fullmatch(request.path):
            return self._upload(request, found[1])
        if found := _TWO_OBJECTS.fullmatch(request.path):
            bucket, name, to_bucket, to_name = map(unquote, found.groups())
            source = self._existing(bucket, name, request.query, "sourceGeneration")
            _permit(source, request.query, "ifSource")
            _permit(self._emulator.resource(to_bucket, to_name), request.query)
            if "componentCount" in source:
                return self._emulator.compose(request)
        elif found := _COMPOSE.fullmatch(request.path):
            _permit(self._emulator.resource(unquote(found[1]), unquote(found[2])), request.query)
            return self._emulator.compose(request)
        elif found := _OBJECT.fullmatch(request.path):
            return self._object(request, bool(found[1]), unquote(found[2]), unquote(found[3]))
        elif found := _XML.fullmatch(request.path):
            return self._read(request, unquote(found[1]), unquote(found[2]))
        elif request.method == "GET" and _LIST.fullmatch(request.path):
            return _page(json.loads(self._emulator.send(request).body), request.query)
        return self._emulator.send(request)

    def _object(self, request: Request, download: bool, bucket: str, name: str) -> Answer:
        query = request.query
        current = self._existing(bucket, name, query, "generation")
        _permit(current, query, not_match=304 if request.method in ("GET", "HEAD") else 412)
        if request.method == "GET" and (download or query.get("alt") == "media"):
            data = self._emulator.content(bucket, name)
            if _is_unpacked(current, request.headers.get("Accept-Encoding", "")):
                return Answer(200, gzip.decompress(data), {"Content-Type": current["contentType"]})
            return _content(current, data, request.headers.get("Range", ""))
        answer = self._emulator.send(request)
        return Answer(204) if request.method == "DELETE" and answer.status == 200 else answer

    def _read(self, request: Request, bucket: str, name: str) -> Answer:
        """The XML API's GET of an object (https://cloud.google.com/storage/docs/xml-api/get-object-download)."""
        current = self._existing(bucket, name, request.query, "generation")
        data = self._emulator.content(bucket, name)
        if _is_unpacked(current, request.headers.get("Accept-Encoding", "")):
            answer = Answer(200, gzip.decompress(data), {"Content-Type": current["contentType"]})
        else:
            answer = _content(current, data, request.headers.get("Range", ""))
        updated = datetime.fromisoformat(current["updated"])
        answer.headers.setdefault("ETag", current["etag"])
        answer.headers["Last-Modified"] = format_datetime(updated.astimezone(UTC), usegmt=True)
        return answer

    def _existing(self, bucket: str, name: str, query: dict[str, str], pinned: str) -> Metadata:
        current = self._emulator.resource(bucket, name)
        if current is None or query.get(pinned) not in (None, current["generation"]):
            raise not_found(f"{bucket}/{name}")
        return current

    def _upload(self, request: Request, bucket: str) -> Answer:
        if request.method == "DELETE":
            return self._sessions.cancel(request)
        if "upload_id" in request.query:
            upload = self._sessions.of(request)
            if upload.done is None and upload.add(request):
                upload.done = self._keep(bucket, upload, request)
            return upload.done or upload.so_far()
        if request.query.get("uploadType") == "resumable":
            upload, answer = self._sessions.start(request)
            _permit(self._emulator.resource(bucket, upload.metadata["name"]), upload.query)
            return answer
        return self._keep(bucket, at_once(request), request)

    def _keep(self, bucket: str, upload: Upload, request: Request) -> Answer:
        _permit(self._emulator.resource(bucket, upload.metadata["name"]), upload.query)
        upload.check(request.headers)
        host = request.headers.get("Host", "")
        return self._emulator.write(bucket, upload.metadata, upload.content_type, bytes(upload.data), host)

    def _batch(self, request: Request) -> Answer:
        boundary = f"batch_{secrets.token_hex(8)}"
        outer = BytesParser().parsebytes(f"Content-Type: {request.headers['Content-Type']}\n\n".encode() + request.body)
        answers = b""
        for part in outer.get_payload():
            assert isinstance(part, Message)
            first_line, _, rest = str(part.get_payload()).partition("\n")
            method, target, _ = first_line.split()
            inner = Parser().parsestr(rest)
            target = re.sub(r"^https?://[^/]+", "", target)
            answer = self.answer(Request(method, target, inner, str(inner.get_payload()).strip().encode()))
            answers += f"--{boundary}\r\nContent-Type: application/http\r\n".encode()
            answers += f"Content-ID: <response-{part.get('Content-ID', '').strip('<>')}>\r\n\r\n".encode()
            answers += f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}\r\n".encode()
            answers += f"Content-Type: application/json\r\nContent-Length: {len(answer.body)}\r\n\r\n".encode()
            answers += answer.body + b"\r\n"
        answers += f"--{boundary}--\r\n".encode()
        return Answer(200, answers, {"Content-Type": f"multipart/mixed; boundary={boundary}"})


def _permit(current: Metadata | None, query: dict[str, str], prefix: str = "if", not_match: int = 412) -> None:
    for field in ("generation", "metageneration"):
        number = current[field] if current else "0"
        condition = f"{prefix}{field.capitalize()}"
        if query.get(f"{condition}Match") not in (None, number):
            raise Refused(412, "conditionNotMet", "At least one of the pre-conditions you specified did not hold.")
        if query.get(f"{condition}NotMatch") == number:
            raise Refused(not_match, "conditionNotMet", "The condition set in the request was not met.")


def _page(listing: Metadata, query: dict[str, str]) -> Answer:
    after = base64.urlsafe_b64decode(query["pageToken"]).decode() if "pageToken" in query else ""
    first, end = query.get("startOffset", ""), query.get("endOffset")
    found = [(item["name"], "items", item) for item in listing.get("items", [])]
    found += [(prefix, "prefixes", prefix) for prefix in listing.get("prefixes", [])]
    found = sorted(each for each in found if each[0] > after and each[0] >= first and (not end or each[0] < end))
    size = min(int(query.get("maxResults", PAGE)), PAGE)
    page: Metadata = {"kind": "storage#objects"}
    for _, kind, what in found[:size]:
        page.setdefault(kind, []).append(what)
    if len(found) > size:
        page["nextPageToken"] = base64.urlsafe_b64encode(found[size - 1][0].encode()).decode()
    return Answer.of(page)


def _is_unpacked(resource: Metadata, accepted: str) -> bool:
    """Whether GCS serves an object other than it is stored (https://cloud.google.com/storage/docs/transcoding)."""
    packed = resource.get("contentEncoding") == "gzip" and "no-transform" not in resource.get("cacheControl", "")
    return packed and "gzip" not in accepted


def _content(resource: Metadata, data: bytes, wanted: str) -> Answer:
    answer = Answer(
        200,
        data,
        {
            "Content-Type": resource["contentType"],
            "ETag": resource["etag"],
            "X-Goog-Generation": resource["generation"],
            "X-Goog-Metageneration": resource["metageneration"],
            "X-Goog-Hash": ",".join(_hashes(resource)),
            "X-Goog-Stored-Content-Length": str(len(data)),
        },
    )
    if "contentEncoding" in resource:
        answer.headers["Content-Encoding"] = resource["contentEncoding"]
    span = _RANGE.fullmatch(wanted)
    if not span or not any(span.groups()):
        return answer
    first, last = span.groups()
    start = int(first) if first else max(0, len(data) - int(last))
    end = min(int(last) + 1, len(data)) if first and last else len(data)
    if start >= len(data):
        return dataclasses.replace(
            Refused(416, "requestedRangeNotSatisfiable", "Request range not satisfiable").answer,
            headers={"Content-Range": f"bytes */{len(data)}"},
        )
    answer.headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(data)}"
    return dataclasses.replace(answer, status=206, body=data[start:end])


def _hashes(resource: Metadata) -> list[str]:
    """As X-Goog-Hash has them: a composed object has no MD5."""
    named = (("crc32c", resource.get("crc32c")), ("md5", resource.get("md5Hash")))
    return [f"{name}={value}" for name, value in named if value]
