"""An S3 listing: each page parsed once, while the next one is on its way.

botocore signs and sends the requests. What it makes of an answer is not used: its parser takes ten times as long for a
page, and knows where the next one begins only when it has parsed this one.
"""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote_plus
from xml.etree import ElementTree
from xml.sax.saxutils import unescape

from botocore.exceptions import ClientError

from darkroom.errors import StoreError
from darkroom.store.base import Entry
from darkroom.store.pages import pages
from darkroom.store.retries import Transient, first_line
from darkroom.store.s3_access import S3Access
from darkroom.store.s3_hashes import plain

_TOKEN = re.compile(rb"<NextContinuationToken>([^<]+)</")
_ENCODED = re.compile("[%+]")


def fetch(access: S3Access, prefix: str, after: str, token: str) -> bytes:
    """The XML of one page. Raises botocore's errors, and `Transient` for a page that is cut or none."""
    asked = {"list-type": "2", "encoding-type": "url", "prefix": prefix, "start-after": after}
    if token:
        asked["continuation-token"] = token
    answer = access.get_bucket({name: value for name, value in asked.items() if value})
    body: bytes = answer.content
    if answer.status_code != 200:
        raise _refusal(answer.status_code, body)
    if not body.rstrip().endswith(b"ListBucketResult>"):  # an error that came after the status, or half a page
        raise Transient("bad listing", "the page has no end")
    return body


def entries(fetch: Callable[[str], bytes], prefix: str) -> Iterator[Entry]:
    """The objects of all pages, their keys without `prefix`; `fetch(token)` gives a page."""
    for page in pages(fetch, _next):
        yield from _parse(page, prefix)


def _next(page: bytes) -> str:
    found = _TOKEN.search(page)
    return unescape(found[1].decode(), {"&quot;": '"', "&apos;": "'"}) if found else ""


def _parse(page: bytes, prefix: str) -> Iterator[Entry]:
    try:
        yield from _parsed(page, prefix)
    except (ElementTree.ParseError, ValueError) as error:
        raise StoreError(f"S3 answers with a listing that is none: {first_line(error)}.") from error


def _parsed(page: bytes, prefix: str) -> Iterator[Entry]:
    root = ElementTree.fromstring(page)  # noqa: S314 -- as botocore parses it
    space = root.tag.partition("}")[0] + "}" if root.tag.startswith("{") else ""
    encoded = root.findtext(f"{space}EncodingType") == "url"
    names = [f"{space}{name}" for name in ("Key", "Size", "ETag", "LastModified")]
    for found in root.iter(f"{space}Contents"):
        key, size, etag, time = (found.findtext(name, "") for name in names)
        if encoded and _ENCODED.search(key := key.replace("%2F", "/")):  # all that most encoded keys have
            key = unquote_plus(key)
        modified = datetime.fromisoformat(time).astimezone(UTC).replace(microsecond=0)  # a head knows no fractions
        yield Entry(key.removeprefix(prefix), int(size), plain(etag), modified)


def _refusal(status: int, body: bytes) -> ClientError:
    """The error that botocore would have made of an answer."""
    said: dict[str, Any] = {"Code": str(status), "Message": ""}
    try:
        root = ElementTree.fromstring(body)  # noqa: S314 -- as botocore parses it
        said |= {field.tag: field.text or "" for field in root.iter() if field.tag in said}
    except ElementTree.ParseError:
        pass  # a proxy's page, perhaps
    return ClientError({"Error": said, "ResponseMetadata": {"HTTPStatusCode": status}}, "ListObjectsV2")  # type: ignore[typeddict-item]
