"""Files to process, as a library's AppSync API lists them; it is told what became of each (DESIGN 7).

GraphQL over HTTPS with an API key or AWS credentials
(https://docs.aws.amazon.com/appsync/latest/devguide/security-authz.html).
"""

import hashlib
import json
import re
import time
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from http.client import responses
from ipaddress import ip_address
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from darkroom.errors import BadInput, Denied, StoreError
from darkroom.sentences import sentence
from darkroom.store.access import NO_ACCESS, Access
from darkroom.store.retries import Retries, Transient, first_line

if TYPE_CHECKING:
    from botocore.session import Session
    from urllib3 import BaseHTTPResponse, PoolManager

API_KEY = "APPSYNC_API_KEY"
"""The environment variable of the API key; without it, requests are signed with the AWS credentials."""

_LONGEST = 2048  # characters of a field
_LONGEST_KEY = 1000  # bytes of a pyramid's key: a store's 1,024, with room for another extension
_LARGEST = 16 << 20  # bytes of an answer
_PAGES, _FILES = 100_000, 1_000_000  # more than that is no listing, but a service that does not end
_CONNECT, _SILENCE, _WHOLE = 10, 60, 120  # seconds: to connect, without a byte, for one answer's body

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html, and the underscores of old buckets
_BUCKET = re.compile(r"(?!.*\.\.)[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]")
_DRIVE_LINKS = (
    re.compile(r"([A-Za-z0-9_-]{10,})"),
    re.compile(r"https://drive\.google\.com/(?:a/[^/?#]+/)?file/d/([A-Za-z0-9_-]{10,})(?:[/?#].*)?"),
    re.compile(r"https://drive\.google\.com/open\?(?:[^#]*&)?id=([A-Za-z0-9_-]{10,})(?:[&#].*)?"),
)
_REGION = re.compile(r"\.appsync-api\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?$")
_NEEDED = {
    "S3": ("source_bucket_name", "source_file_path"),
    "Uri": ("source_uri",),
    "Curate": ("source_uri",),
    "Museum": ("source_uri",),
}
_WRITE = "write https://<id>.appsync-api.<region>.amazonaws.com/graphql."
_UNAUTHORISED = ("UnauthorizedException", "Unauthorized")  # of the whole request; of one field

_LIST = """query ($nextToken: String) { listFilesToProcess(nextToken: $nextToken) { nextToken items {
    id sourceType sourceFilePath sourceBucketName filePath copyrightStatus sourceUri } } }"""
_SAVE = """mutation ($itemId: String!, $height: Int, $width: Int) {
    saveFileLastProcessedDate(itemId: $itemId, height: $height, width: $width) {
        id modifiedDate dateLastProcessed } }"""
_REMOVE = "mutation ($itemId: String!) { removeItemToProcess(itemId: $itemId) { recordsDeleted } }"


def drive_id_of(link: str) -> str:
    """The id of the file that a Google Drive link names. Raises `ValueError` where it names none.

    >>> drive_id_of("https://drive.google.com/a/nd.edu/file/d/1aB_c-2dE3f/view")
    '1aB_c-2dE3f'
    >>> drive_id_of("https://drive.google.com/file/d/1aB_c-2dE3f/view?usp=sharing")
    '1aB_c-2dE3f'
    >>> drive_id_of("https://drive.google.com/open?id=1aB_c-2dE3f")
    '1aB_c-2dE3f'
    >>> drive_id_of("1aB_c-2dE3f")
    '1aB_c-2dE3f'
    >>> drive_id_of("https://drive.google.com.example.org/file/d/1aB_c-2dE3f/view")
    Traceback (most recent call last):
    ValueError: it is no link to a file in Google Drive
    """
    for form in _DRIVE_LINKS:
        if found := form.fullmatch(link):
            return found[1]
    raise ValueError("it is no link to a file in Google Drive")


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("it has characters that cannot be printed")
    return text


def _without_controls(text: str) -> str:
    if any(unicodedata.category(char) == "Cc" for char in text):
        raise ValueError("it has control characters")
    return text


def _target(path: str) -> str:
    """A key that stays in its bucket, whatever the store: without one leading slash."""
    key = path.removeprefix("/")
    if len(key.encode()) > _LONGEST_KEY:
        raise ValueError(f"it has more than {_LONGEST_KEY:,} bytes")
    if any(segment in ("", ".", "..") for segment in key.split("/")):
        raise ValueError("it has an empty, `.` or `..` segment")
    return key


_Text = Annotated[str, Field(max_length=_LONGEST), AfterValidator(_without_controls)]
_OrEmpty = Annotated[_Text, BeforeValidator(lambda value: "" if value is None else value)]


class FileToProcess(BaseModel):
    """One image that the API asks for; a field that its type does not need may be empty."""

    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", frozen=True, populate_by_name=True)

    id: Annotated[str, Field(min_length=1, max_length=_LONGEST), AfterValidator(_printable)]
    source_type: Literal["S3", "Uri", "Curate", "Museum"]
    """Where the image is: in a bucket, at a URL (`Uri`, `Curate`), or in Google Drive."""
    file_path: Annotated[_Text, AfterValidator(_target)]
    """Where the pyramid goes: a key in the image bucket, with the extension that it has there or another."""
    source_file_path: _OrEmpty = ""
    source_bucket_name: _OrEmpty = ""
    source_uri: _OrEmpty = ""
    copyright_status: _OrEmpty = ""

    @model_validator(mode="after")
    def _names_its_source(self) -> Self:
        for field in _NEEDED[self.source_type]:
            if not getattr(self, field).strip():
                raise ValueError(f"{to_camel(field)}: a file of type {self.source_type} needs it")
        if self.source_type == "S3" and not _BUCKET.fullmatch(self.source_bucket_name):
            raise ValueError("sourceBucketName: it is no bucket's name")
        if self.source_type == "Museum":
            try:
                drive_id_of(self.source_uri)
            except ValueError as error:
                raise ValueError(f"sourceUri: {error}") from None
        return self

    @property
    def drive_id(self) -> str:
        """The file's id in Google Drive of type `Museum`; empty of the others."""
        return drive_id_of(self.source_uri) if self.source_type == "Museum" else ""

    @property
    def protected(self) -> bool:
        """Whether somebody else owns the image, so that only a small one may be shown."""
        return self.copyright_status.strip().casefold() == "copyright"


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An item of the listing that is not understood: its id, printable and clipped, and the reason."""

    id: str
    reason: str


def parsed(item: object) -> FileToProcess | Unreadable:
    """What one item of the listing says."""
    if not isinstance(item, dict):
        return Unreadable("", "it is not understood: it is no object")
    try:
        return FileToProcess.model_validate(item)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        reason = f"it is not understood: {sentence(problem)}"
        known = _id_in(item).strip()
        return Unreadable(first_line(known).strip() if known else "", reason)


def _id_in(item: object) -> str:
    """An item's id as it comes; empty where it has none."""
    known = item.get("id") if isinstance(item, dict) else None
    return known if isinstance(known, str) else ""


class FilesApi:
    """The API at one URL. Where AWS does not answer, or is busy, it is asked again: all it is asked is idempotent.

    Each method raises `Denied`, `Unavailable` (after several tries) or another `StoreError` that says what the API
    answered, and `BadInput` where there is nothing to sign a request with.
    """

    def __init__(self, url: str, access: Access = NO_ACCESS) -> None:
        """Raises `BadInput` for a URL that is not https. Plain http may lead to this very machine only."""
        self._url, self._host, self._access = url, _host_of(url), access
        self._retries = Retries()

    def files(self) -> Iterator[FileToProcess | Unreadable]:
        """Every file to process, page by page, each id once; also the items that are not understood."""
        token: str | None = None
        tokens, ids = set[bytes](), set[bytes]()  # as digests: texts of a service may be long
        for _ in range(_PAGES):
            page = self._ask("listFilesToProcess", _LIST, {"nextToken": token})
            items, token = page.get("items"), page.get("nextToken")
            if not isinstance(items, list):
                raise self._misread("`items` is no list")
            for item in items:
                known = _id_in(item)
                if not known or _is_new(known, ids):
                    yield parsed(item)
            if token is None or token == "":
                return
            if not isinstance(token, str):
                raise self._misread("`nextToken` is no text")
            if not _is_new(token, tokens):
                raise self._misread("its page token repeats")
            if len(ids) > _FILES:
                break
        raise self._misread(f"it does not end after {_PAGES:,} pages or {_FILES:,} files")

    def processed(self, item_id: str, *, width: int, height: int) -> None:
        """Say that the pyramid of an item is there; its size in pixels."""
        self._ask("saveFileLastProcessedDate", _SAVE, {"itemId": item_id, "height": height, "width": width})

    def remove(self, item_id: str) -> None:
        """Take an item off the list for good."""
        self._ask("removeItemToProcess", _REMOVE, {"itemId": item_id})

    def _ask(self, operation: str, query: str, variables: dict[str, object]) -> dict[str, Any]:
        """What the API gives for one operation: an object."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        status, text = self._retries.call(f"{operation} at {self._host}", lambda: self._post(body))
        try:
            answer = json.loads(text)
        except (ValueError, RecursionError):
            answer = None
        answer = answer if isinstance(answer, dict) else {}
        if errors := answer.get("errors"):
            raise self._refusal(operation, errors if isinstance(errors, list) else [errors])
        if status != 200:
            raise StoreError(
                f"{self._host}: it answers HTTP {status} to {operation}; give the API's own URL, with /graphql."
            )
        data = answer.get("data")
        found = data.get(operation) if isinstance(data, dict) else None
        if not isinstance(found, dict):
            raise self._misread(f"there is no `data` with {operation}")
        return found

    def _post(self, body: bytes) -> tuple[int, bytes]:
        """The status and body of one answer, neither 401, 403, 429 nor 5xx."""
        import urllib3

        headers = self._headers(body)
        try:
            response = self._pool.request(
                "POST", self._url, body=body, headers=headers, redirect=False, preload_content=False
            )
            try:
                text = self._read(response)
            finally:
                response.close()
        except urllib3.exceptions.HTTPError as error:
            raise Transient(type(error).__name__, first_line(error)) from error
        if response.status in (401, 403):
            raise self._denied()
        if response.status == 429 or response.status >= 500:
            raise Transient(f"HTTP {response.status}", responses.get(response.status, "no known status"))
        return response.status, text

    def _read(self, response: "BaseHTTPResponse") -> bytes:
        end, text = time.monotonic() + _WHOLE, bytearray()
        while piece := response.read1(1 << 16, decode_content=False):
            text += piece
            if len(text) > _LARGEST:
                raise StoreError(f"{self._host}: an answer has more than {_LARGEST >> 20} MiB, which no listing has.")
            if time.monotonic() > end:
                raise Transient("slow answer", f"its body is not there after {_WHOLE} s")
        return bytes(text)

    def _headers(self, body: bytes) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "User-Agent": "darkroom"}
        if key := self._api_key:
            return {**headers, "x-api-key": key}
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.exceptions import BotoCoreError

        try:
            credentials = self._session.get_credentials()
            frozen = credentials and credentials.get_frozen_credentials()
            found = _REGION.search(urlsplit(self._url).hostname or "")
            region = found[1] if found else self._session.get_config_variable("region")
        except (BotoCoreError, ValueError, OSError) as error:
            raise BadInput(f"{self._host}: the AWS settings cannot be used: {first_line(error)}") from error
        if not frozen:
            raise BadInput(
                f"{self._host}: there are no AWS credentials to sign with; set {API_KEY}, or run with a role."
            )
        if not region:
            raise BadInput(f"{self._host}: its URL names no AWS region; set AWS_DEFAULT_REGION.")
        request = AWSRequest("POST", self._url, headers=headers, data=body)
        SigV4Auth(frozen, "appsync", region).add_auth(request)
        return dict(request.headers.items())

    @cached_property
    def _session(self) -> "Session":
        from darkroom.store.aws_session import aws_session

        return aws_session(self._access)

    @property
    def _api_key(self) -> str:
        key = self._access.environment().get(API_KEY, "").strip()
        if not (key.isascii() and key.isprintable()):
            raise BadInput(f"{API_KEY}: it has characters that no key has; copy it again.")
        return key

    @cached_property
    def _pool(self) -> "PoolManager":
        import urllib3

        return urllib3.PoolManager(timeout=urllib3.Timeout(connect=_CONNECT, read=_SILENCE), retries=False)

    def _refusal(self, operation: str, errors: list[Any]) -> StoreError:
        if any(isinstance(error, dict) and error.get("errorType") in _UNAUTHORISED for error in errors):
            return self._denied()
        said = "; ".join(_message(error, self._api_key) for error in errors[:3])
        return StoreError(f"{self._host}: {operation} fails: {said}")

    def _denied(self) -> Denied:
        # not in the service's words: AWS repeats a request that it refuses, with its session token
        if self._api_key:
            return Denied(f"{self._host}: the API refuses {API_KEY}; check that it is this API's and has not expired.")
        return Denied(
            f"{self._host}: the API refuses the AWS credentials; allow their role appsync:GraphQL, or set {API_KEY}."
        )

    def _misread(self, why: str) -> StoreError:
        return StoreError(f"{self._host}: its answer is not understood: {why}.")


def _host_of(url: str) -> str:
    """The host and port of an API's URL, as errors name it."""
    if "@" in url or " " in url or not url.isprintable():  # not repeated: it may hold a password
        raise BadInput(f"The AppSync API's URL has a name, a password or blanks in it; {_WRITE}")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise BadInput(f"{first_line(url)}: it is no URL; {_WRITE}") from None
    if not host or not (parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host))):
        raise BadInput(f"{first_line(url)}: an AppSync API is asked by https only; {_WRITE}")
    return parts.netloc


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _message(error: object, key: str) -> str:
    """What one of an answer's errors says: the first line, clipped, and without the key should it be repeated."""
    said = error.get("message") if isinstance(error, dict) else error
    if not isinstance(said, str) or not said.strip():
        return "an error without a message"
    return first_line(said.replace(key, "…") if key else said)


def _is_new(text: str, seen: set[bytes]) -> bool:
    """Whether this is met for the first time; remembers it."""
    digest = hashlib.sha256(text.encode(errors="surrogatepass")).digest()
    if digest in seen:
        return False
    seen.add(digest)
    return True
