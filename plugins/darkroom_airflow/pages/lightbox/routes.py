"""The routes of the lightbox's page: composites, pyramids and scans, each for who may read the DAG that makes them."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from darkroom.settings import settings
from darkroom.store import open_store, readable
from darkroom_airflow.forms import style_names
from darkroom_airflow.pages.lightbox import composites, nights
from darkroom_airflow.pages.rights import Seen, may_look, may_look_at_scans, what_may_be_seen
from darkroom_airflow.pages.static_files import ASKED_AGAIN, KEPT, PAGE_POLICY, StaticFiles
from darkroom_airflow.pages.studio import REDUCING, ask

router = APIRouter(prefix="/lightbox", dependencies=[Depends(what_may_be_seen)])
_of_composites = [Depends(may_look)]
_of_scans = [Depends(may_look_at_scans)]
# OpenSeadragon empties elements by `innerHTML = ""`, which the page's one policy allows, and brings one style along
_OPENSEADRAGON = "'sha256-9xTiqzfwFaL2SGb1rmr8gysEwVVjIvqWAgmZgqFqpEE='"
_POLICY = PAGE_POLICY.replace("style-src 'self'", f"style-src 'self' {_OPENSEADRAGON}").replace(
    "img-src 'self'", "img-src 'self' blob:"
)
StaticFiles(__package__, f"{_POLICY}; trusted-types default").add_routes(router)
_Number = Annotated[int, Query(ge=0, le=10_000_000)]


@router.get("/seen")
def seen(may: Seen) -> dict[str, Any]:
    """Which halves of the page this user may look at, and where the pyramids lie."""
    return {**may, "images": readable(open_store(settings().image_store).uri) if may["scans"] else ""}


@router.get("/styles", dependencies=_of_composites)
def styles() -> list[str]:
    """The names of the studio's styles."""
    return style_names()


@router.get("/styles/{style}", dependencies=_of_composites)
async def described(style: str) -> dict[str, Any]:
    """What may be chosen of a style."""
    return await ask(lambda _: composites.described(style))


@router.get("/styles/{style}/pictures", dependencies=_of_composites)
async def pictures(
    style: str,
    length: str = "",
    side: str = "front",
    colour: _Number = 0,
    first: _Number = 0,
    code: Annotated[list[str], Query(max_length=100)] = [],  # noqa: B006
) -> dict[str, Any]:
    """A page of a style's pictures of one length, side and colour that have all of these codes."""
    return await ask(
        lambda store: composites.page_of(store, style, length=length, side=side, colour=colour, codes=code, first=first)
    )


@router.get("/styles/{style}/pictures/{picture}/versions", dependencies=_of_composites)
async def versions(style: str, picture: str) -> dict[str, Any]:
    """Which versions of a composite the store keeps."""
    return await ask(lambda store: composites.versions_of(store, style, picture))


@router.get("/styles/{style}/pictures/{picture}/{cut}", dependencies=_of_composites)
async def picture(style: str, picture: str, cut: str, request: Request, v: str = "", of: str = "") -> Response:
    """A cut of a picture. With its version in the address (`v`) a browser may keep it; `of`: an earlier version."""
    found = await ask(lambda store: composites.picture(store, style, cut, picture, of))
    kept = of or v == found.version
    headers = {"ETag": f'"{found.version}"', "Cache-Control": KEPT if kept else ASKED_AGAIN}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return Response(found.data, media_type="image/png", headers={**headers, "Content-Encoding": "identity"})


@router.get("/pyramids", dependencies=_of_scans)
async def pyramids(prefix: str = "", after: str = "") -> dict[str, Any]:
    """A page of the pyramids below a prefix."""
    return await ask(lambda store: nights.pyramids(store, prefix, after), at=settings().image_store)


@router.get("/nights", dependencies=_of_scans)
async def plans() -> list[dict[str, str]]:
    """The plans of pyramids that there are, the latest first."""
    return await ask(nights.plans)


@router.get("/nights/{run}/{plan}", dependencies=_of_scans)
async def night(run: str, plan: str, job: _Number = 1, first: _Number = 0) -> dict[str, Any]:
    """A page of the images of one of a plan's jobs."""
    return await ask(lambda store: nights.images(store, run, plan, job, first))


@router.get("/nights/{run}/{plan}/scans/{job}/{number}", dependencies=_of_scans)
async def scan(run: str, plan: str, job: int, number: int, request: Request) -> Response:
    """The scan that a pyramid of a night is of, made smaller."""
    location, key, planned = await ask(lambda store: nights.source_of(store, run, plan, job, number))
    entry, data = await ask(lambda store: nights.scan(store, key), at=location, pool=REDUCING)
    etag = f'"{composites.short(entry.version)}"'
    headers = {"ETag": etag, "Cache-Control": ASKED_AGAIN}
    if planned and planned not in (entry.etag, entry.version):
        headers["X-Darkroom-Changed"] = "1"
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    return Response(data, media_type="image/jpeg", headers={**headers, "Content-Encoding": "identity"})
