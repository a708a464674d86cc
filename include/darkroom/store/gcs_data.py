"""What GCS is asked for with every object: what is known of it, its bytes, and a listing's pages.

The client's own connection sends these requests. What the client makes of an answer is not used: an object of a listing
takes it ten times as long as all that is done here.
"""

import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from google.api_core.exceptions import from_http_response

from darkroom.store.base import NOTHING, WRITE_ID, Entry
from darkroom.store.gcs_access import GcsAccess
from darkroom.store.hashes import Hashes
from darkroom.store.headers import HEADERS

Resource = Mapping[str, Any]
"""What the JSON API says of an object (https://cloud.google.com/storage/docs/json_api/v1/objects#resource)."""

_IN_JSON = {name: name[0].lower() + name[1:].replace("-", "") for name in HEADERS}
_FIELDS = "name,size,generation,updated,md5Hash,crc32c,contentType,metadata," + ",".join(_IN_JSON.values())
PAGE = 1000


def look(access: GcsAccess, name: str) -> Resource:
    """All that an entry needs of an object, asked once. Raises `NotFound`, `Transient`."""
    return access.explained(name, lambda: access.get_json(_path(access, name), {"fields": _FIELDS}))


def page(access: GcsAccess, prefix: str, start: str, token: str) -> Mapping[str, Any]:
    """A page of a listing, with `items` and `nextPageToken` where there are any; raises the client's errors."""
    asked = {"prefix": prefix, "startOffset": start, "pageToken": token, "maxResults": str(PAGE)}
    query = {name: value for name, value in asked.items() if value}
    return access.get_json(f"/b/{access.name}/o", {**query, "fields": f"nextPageToken,items({_FIELDS})"})


def download(access: GcsAccess, name: str, generation: str, span: tuple[int, int] | None) -> bytes:
    """The bytes of one version as they are stored, or those from `span[0]` to before `span[1]`, asked for once.

    Raises `NotFound` where that version is no more, `Transient`.
    """
    # an object with Content-Encoding gzip is unpacked for who does not say that he takes it packed
    headers = {"Accept-Encoding": "gzip"}
    if span:
        headers["Range"] = f"bytes={span[0]}-{span[1] - 1}"

    def request() -> bytes:
        with access.get(f"/download/storage/v1{_path(access, name)}?alt=media&generation={generation}", headers) as got:
            if not got.ok:
                raise from_http_response(got)  # type: ignore[no-untyped-call]
            body: bytes = got.raw.read(decode_content=False)
            return body

    return access.explained(name, request)


def _path(access: GcsAccess, name: str) -> str:
    return f"/b/{access.name}/o/{quote(name, safe='')}"


def entry(key: str, said: Resource) -> Entry:
    """What Google says of an object."""
    metadata = said.get("metadata") or NOTHING
    headers = {name: said[field] for name, field in _IN_JSON.items() if said.get(field)}
    if WRITE_ID in metadata:
        metadata = {name: value for name, value in metadata.items() if name != WRITE_ID}
    return Entry(
        key,
        int(said["size"]),
        str(said["generation"]),
        datetime.fromisoformat(said["updated"]).astimezone(UTC),
        hashes(said),
        said.get("contentType", ""),
        metadata,
        headers or NOTHING,
    )


def hashes(said: Resource) -> Hashes:
    """The hashes that Google vouches for; an object that was composed of others has no MD5."""
    return Hashes(md5=_hex(said.get("md5Hash")), crc32c=_hex(said.get("crc32c")))


def _hex(text: str | None) -> str:
    return base64.b64decode(text).hex() if text else ""
