"""How bytes come to GCS: as they are, with metadata before them, or in chunks over several requests."""

import base64
import hashlib
import json
import re
import secrets
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesHeaderParser

import google_crc32c

from tests.servers.gcs_messages import Answer, Metadata, Refused, Request, invalid

CHUNK = 256 * 1024  # every chunk but the last is of whole ones
_RANGE = re.compile(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)")


@dataclass(slots=True)
class Upload:
    """An object on its way, and the query with its conditions."""

    metadata: Metadata
    content_type: str
    query: dict[str, str]
    data: bytearray = field(default_factory=bytearray)
    done: Answer | None = None

    def add(self, request: Request) -> bool:
        """Take a request of a resumable upload; whether it was the last."""
        span = _RANGE.fullmatch(request.headers.get("Content-Range", f"bytes 0-0/{len(request.body)}"))
        if not span:
            raise invalid("Invalid Content-Range.")
        start, total = span.groups()
        if start is not None:
            known = len(self.data) - int(start)  # a chunk sent again, as its answer was lost
            if known < 0:
                raise invalid(f"Invalid Content-Range: {len(self.data)} bytes are here.")
            self.data += request.body[known:]
        last = total != "*" and len(self.data) == int(total)
        if start is not None and not last and len(self.data) % CHUNK:
            raise invalid("Chunks are multiples of 256 KiB, except for the last.")
        return last

    def so_far(self) -> Answer:
        return Answer(308, headers={"Range": f"bytes=0-{len(self.data) - 1}"} if self.data else {})

    def check(self, headers: Message) -> None:
        """Compare what the client says of the bytes with the bytes."""
        declared = {name: self.metadata.get(name) for name in ("crc32c", "md5Hash")}
        for part in ",".join(headers.get_all("X-Goog-Hash", [])).split(","):
            name, _, value = part.strip().partition("=")
            declared[{"md5": "md5Hash"}.get(name, name)] = value
        computed = {
            "crc32c": google_crc32c.value(bytes(self.data)).to_bytes(4, "big"),
            "md5Hash": hashlib.md5(self.data, usedforsecurity=False).digest(),
        }
        for name, digest in computed.items():
            is_so = base64.b64encode(digest).decode()
            if declared[name] not in (None, is_so):
                raise invalid(f'Provided {name} "{declared[name]}" doesn\'t match calculated {name} "{is_so}".')


class Sessions:
    """The resumable uploads under way, and what came of those that are over."""

    def __init__(self) -> None:
        self._uploads: dict[str, Upload] = {}

    def start(self, request: Request) -> tuple[Upload, Answer]:
        query = request.query
        content_type = request.headers.get("X-Upload-Content-Type", "application/octet-stream")
        upload = Upload(_named(request.json, query), content_type, query)
        upload_id = secrets.token_urlsafe()
        self._uploads[upload_id] = upload
        location = f"http://{request.headers['Host']}{request.path}?uploadType=resumable&upload_id={upload_id}"
        return upload, Answer(200, headers={"Location": location, "X-GUploader-UploadID": upload_id})

    def of(self, request: Request) -> Upload:
        try:
            return self._uploads[request.query["upload_id"]]
        except KeyError:
            raise Refused(404, "notFound", "No such upload.") from None

    def cancel(self, request: Request) -> Answer:
        self.of(request)
        del self._uploads[request.query["upload_id"]]
        return Answer(499)


def at_once(request: Request) -> Upload:
    """An upload in one request."""
    query = request.query
    kind = request.headers.get("Content-Type", "application/octet-stream")
    if query["uploadType"] == "media":
        return Upload(_named({}, query), kind, query, bytearray(request.body))
    first, second = _parts(request.headers, request.body)
    upload = Upload(_named(json.loads(first[1]), query), "application/octet-stream", query, bytearray(second[1]))
    upload.content_type = second[0].get("Content-Type", upload.content_type)
    return upload


def _parts(headers: Message, body: bytes) -> list[tuple[Message, bytes]]:
    """The parts of a multipart body, to the byte."""
    boundary = headers.get_param("boundary")
    if not isinstance(boundary, str):
        raise invalid("No boundary.")
    found = []
    for part in (b"\r\n" + body).split(b"\r\n--" + boundary.encode())[1:-1]:
        head, _, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        found.append((BytesHeaderParser().parsebytes(head + b"\r\n\r\n"), content))
    return found


def _named(metadata: Metadata, query: dict[str, str]) -> Metadata:
    name = query.get("name") or metadata.get("name")
    if not name:
        raise Refused(400, "required", "Required")
    return {**metadata, "name": name}
