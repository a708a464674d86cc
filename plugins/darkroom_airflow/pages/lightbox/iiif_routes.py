"""The IIIF Image API 3.0, level 2, of the image store's pyramids: for who may read the DAG that makes them.

Only pages of this origin may use it: it sends no CORS header, as the login comes in a cookie.
"""

import hashlib
import json
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request, Response

from darkroom.iiif.cutting import cut_of
from darkroom.iiif.geometry import resolve
from darkroom.iiif.info import CONTENT_TYPE, CONTEXT, PROFILE, information
from darkroom.iiif.pyramid import Pyramid
from darkroom.iiif.request import FORMATS, parse
from darkroom.settings import settings
from darkroom_airflow.pages.lightbox.images import of_pyramid
from darkroom_airflow.pages.rights import may_look_at_scans
from darkroom_airflow.pages.static_files import ASKED_AGAIN
from darkroom_airflow.pages.studio import CUTTING, ask

router = APIRouter(prefix="/lightbox/iiif", dependencies=[Depends(may_look_at_scans)])
_PROFILE = f'<{PROFILE}>;rel="profile"'


@router.get("/{identifier}")
async def base(identifier: str, request: Request) -> Response:
    """The image's own address leads to what is known of it."""
    await ask(of_pyramid(identifier, _version), at=settings().image_store)
    return Response(status_code=303, headers={"Location": f"{_base(request, identifier)}/info.json"})


@router.get("/{identifier}/info.json")
async def info(identifier: str, request: Request) -> Response:
    """What may be asked of an image."""
    address = _base(request, identifier)

    def read(pyramid: Pyramid) -> tuple[str, bytes]:
        return _etag(pyramid, address), json.dumps(information(pyramid, address), indent=1).encode()

    etag, data = await ask(of_pyramid(identifier, read), at=settings().image_store)
    headers = {"ETag": etag, "Cache-Control": ASKED_AGAIN, "Vary": "Accept", "Link": _PROFILE}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    accepted, kind = request.headers.get("accept", ""), CONTENT_TYPE
    if "application/json" in accepted and "application/ld+json" not in accepted:
        kind = "application/json"
        headers["Link"] += f', <{CONTEXT}>;rel="http://www.w3.org/ns/json-ld#context";type="application/ld+json"'
    return Response(data, media_type=kind, headers=headers)


@router.get("/{identifier}/{region}/{size}/{rotation}/{last}")
async def image(identifier: str, region: str, size: str, rotation: str, last: str, request: Request) -> Response:
    """Part of an image: `last` is its quality and format."""
    seen = request.headers.get("if-none-match")

    def cut(pyramid: Pyramid) -> tuple[str, str, str, bytes | None]:
        asked = parse(region, size, rotation, last)
        found = resolve(asked, pyramid.width, pyramid.height)
        etag = _etag(pyramid, found.canonical)
        data = None if etag == seen else cut_of(pyramid, found)
        return etag, found.canonical, FORMATS[asked.format], data

    etag, canonical, kind, data = await ask(of_pyramid(identifier, cut), at=settings().image_store, pool=CUTTING)
    link = f'{_PROFILE}, <{_base(request, identifier)}/{canonical}>;rel="canonical"'
    headers = {"ETag": etag, "Cache-Control": ASKED_AGAIN, "Link": link}
    if data is None:
        return Response(status_code=304, headers=headers)
    # it is said to be encoded already, or Airflow would compress it once more
    return Response(data, media_type=kind, headers={**headers, "Content-Encoding": "identity"})


def _base(request: Request, identifier: str) -> str:
    """The image's address, as whoever asked has written its host."""
    root = request.scope.get("root_path", "").rstrip("/")
    return f"{request.url.scheme}://{request.url.netloc}{root}{router.prefix}/{quote(identifier, safe='~')}"


def _version(pyramid: Pyramid) -> str:
    return pyramid.file.entry.version


def _etag(pyramid: Pyramid, what: str) -> str:
    said = f"{_version(pyramid)} {what}".encode(errors="surrogateescape")
    return f'"{hashlib.sha256(said).hexdigest()[:20]}"'
