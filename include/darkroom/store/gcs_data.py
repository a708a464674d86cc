"""What GCS is asked for with every object: what is known of it, its bytes, and a listing's pages.

Google's client is not used for it: an object of a listing takes it ten times as long as all that is done here.
"""

import re
from binascii import a2b_base64
from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import quote

import obstore
from urllib3.response import BaseHTTPResponse

from darkroom.store.base import NOTHING, WRITE_ID, Entry
from darkroom.store.gcs_access import GcsAccess
from darkroom.store.hashes import Hashes
from darkroom.store.headers import HEADERS
from darkroom.store.retries import Transient
from darkroom.store.streams import BLOCK, fill

Resource = Mapping[str, Any]
"""What the JSON API says of an object (https://cloud.google.com/storage/docs/json_api/v1/objects#resource)."""

_IN_JSON = {name: name[0].lower() + name[1:].replace("-", "") for name in HEADERS}
_FIELDS = "name,size,generation,updated,md5Hash,crc32c,contentType,metadata," + ",".join(_IN_JSON.values())
_FEW = frozenset(_IN_JSON.values())
_PAGE = 1000
# what obstore's paths cannot say, or would say otherwise: an empty, "." or ".." part, a control character
_ODD = re.compile(r"(^|/)\.{0,2}(/|$)|[\x00-\x1f\x7f]")


def look(access: GcsAccess, name: str) -> Resource:
    """All that an entry needs of an object, asked once. Raises `NotFound`, `Transient`."""
    return access.explained(name, lambda: access.get_json(_path(access, name), {"fields": _FIELDS}))


def page(access: GcsAccess, prefix: str, start: str, token: str) -> Mapping[str, Any]:
    """A page of a listing, with `items` and `nextPageToken` where there are any; raises the client's errors."""
    asked = {"prefix": prefix, "startOffset": start, "pageToken": token, "maxResults": str(_PAGE)}
    query = {name: value for name, value in asked.items() if value}
    return access.get_json(f"/b/{access.name}/o", {**query, "fields": f"nextPageToken,items({_FIELDS})"})


def download(access: GcsAccess, name: str, generation: str) -> bytes:
    """The bytes of one version as they are stored, asked for once.

    Raises `NotFound` where that version is no more, `Transient`.
    """

    def request() -> bytes:
        if not _ODD.search(name):
            return bytes(obstore.get(access.asking("gets"), name, options={"version": generation}).bytes())
        with _media(access, name, generation) as answer:
            return answer.read()

    return access.explained(name, request)


def download_into(access: GcsAccess, name: str, generation: str, start: int, into: memoryview) -> None:
    """Fill `into` with the stored bytes of one version from `start` on, asked for once. Raises as `download` does."""

    def request() -> int:
        stop = start + len(into)
        if not _ODD.search(name):
            body = obstore.get(access.asking("gets"), name, options={"version": generation, "range": (start, stop)})
            return fill(into, body.stream(BLOCK))
        with _media(access, name, generation, f"bytes={start}-{stop - 1}") as answer:
            return fill(into, iter(partial(answer.read, BLOCK), b""))

    done = access.explained(name, request)
    if done != len(into):
        raise Transient("short answer", f"{done} of {len(into)} bytes came")


def _media(access: GcsAccess, name: str, generation: str, span: str = "") -> AbstractContextManager[BaseHTTPResponse]:
    # an object with Content-Encoding gzip is unpacked for who does not say that he takes it packed
    headers = {"Accept-Encoding": "gzip", **({"Range": span} if span else {})}
    return access.get(f"/download/storage/v1{_path(access, name)}", {"alt": "media", "generation": generation}, headers)


def _path(access: GcsAccess, name: str) -> str:
    return f"/b/{access.name}/o/{quote(name, safe='')}"


def entry(key: str, said: Resource) -> Entry:
    """What Google says of an object."""
    metadata = said.get("metadata") or NOTHING
    headers = NOTHING
    if not _FEW.isdisjoint(said):
        headers = {name: said[field] for name, field in _IN_JSON.items() if said.get(field)}
    if WRITE_ID in metadata:
        metadata = {name: value for name, value in metadata.items() if name != WRITE_ID}
    return Entry(
        key,
        int(said["size"]),
        str(said["generation"]),
        _time(said["updated"]),
        hashes(said),
        said.get("contentType", ""),
        metadata,
        headers,
    )


def _time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    return time if time.tzinfo is UTC else time.astimezone(UTC)


def hashes(said: Resource) -> Hashes:
    """The hashes that Google vouches for; an object that was composed of others has no MD5."""
    return Hashes(_hex(said.get("md5Hash")), _hex(said.get("crc32c")))


def _hex(text: str | None) -> str:
    return a2b_base64(text).hex() if text else ""
