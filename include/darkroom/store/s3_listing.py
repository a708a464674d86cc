"""An S3 listing: each page parsed once, while the next one is on its way.

botocore signs and sends the requests. What it makes of an answer is not used: its parser takes ten times as long for a
page, and knows where the next one begins only when it has parsed this one.
"""

import re
from collections.abc import Callable, Iterable, Iterator
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
_FIELDS = ("Key", "Size", "ETag", "LastModified")
_FIELD = re.compile(f"<({'|'.join(_FIELDS)})>([^<]*)</")
_QUOTES = {"&quot;": '"', "&apos;": "'"}
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
    return unescape(found[1].decode(), _QUOTES) if found else ""


def _parse(page: bytes, prefix: str) -> Iterator[Entry]:
    try:
        yield from _parsed(page, prefix)
    except (ElementTree.ParseError, ValueError, KeyError) as error:
        raise StoreError(f"S3 answers with a listing that is none: {first_line(error)}.") from error


def _parsed(page: bytes, prefix: str) -> Iterator[Entry]:
    encoded = b"<EncodingType>url</EncodingType>" in page
    times: dict[str, datetime] = {}  # many objects have the same second
    for key, size, etag, time in _plainly(page) or _by_xml(page):
        if encoded and _ENCODED.search(key := key.replace("%2F", "/")):  # all that most encoded keys have
            key = unquote_plus(key)
        second = time[:19]
        modified = times.get(second) if time.endswith("Z") else _time(time)
        if modified is None:
            modified = times[second] = _time(time)
        yield Entry(key.removeprefix(prefix), int(size), plain(etag), modified)


def _plainly(page: bytes) -> Iterable[tuple[str, str, str, str]]:
    """Key, size, ETag and time of each object, of a page as every service writes it; nothing of any other page.

    A tree of the page takes five times as long: here each field is found once, and none may be missing, or stand twice,
    or in another order than in the first object.
    """
    text = page.decode().replace("&quot;", '"')  # each ETag has two
    if "<!" in text or "&#" in text:
        return ()
    found = _FIELD.findall(text)
    names, values = [name for name, _ in found], [value for _, value in found]
    order = names[: len(_FIELDS)]
    if sorted(order) != sorted(_FIELDS) or names != order * text.count("<Contents>"):
        return ()
    if "&" in text:
        values = [unescape(value, _QUOTES) for value in values]
    return zip(*(values[order.index(name) :: len(_FIELDS)] for name in _FIELDS), strict=True)


def _by_xml(page: bytes) -> Iterator[tuple[str, str, str, str]]:
    root = ElementTree.fromstring(page)  # noqa: S314 -- as botocore parses it
    space = root.tag.partition("}")[0] + "}" if root.tag.startswith("{") else ""
    key, size, etag, time = (f"{space}{name}" for name in ("Key", "Size", "ETag", "LastModified"))
    for found in root.iter(f"{space}Contents"):
        said = {child.tag: child.text or "" for child in found}
        yield said[key], said[size], said[etag], said[time]


def _time(text: str) -> datetime:
    """In UTC, and without fractions, of which a head knows none."""
    if text.endswith("Z"):
        return datetime.fromisoformat(f"{text[:19]}+00:00")
    return datetime.fromisoformat(text).astimezone(UTC).replace(microsecond=0)


def _refusal(status: int, body: bytes) -> ClientError:
    """The error that botocore would have made of an answer."""
    said: dict[str, Any] = {"Code": str(status), "Message": ""}
    try:
        root = ElementTree.fromstring(body)  # noqa: S314 -- as botocore parses it
        said |= {field.tag: field.text or "" for field in root.iter() if field.tag in said}
    except ElementTree.ParseError:
        pass  # a proxy's page, perhaps
    return ClientError({"Error": said, "ResponseMetadata": {"HTTPStatusCode": status}}, "ListObjectsV2")  # type: ignore[typeddict-item]
