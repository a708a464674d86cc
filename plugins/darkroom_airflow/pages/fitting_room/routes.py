"""The routes of the fitting room. All of them need the right to read the DAG, those that flag the right to edit it."""

import asyncio
import hashlib
from typing import Annotated, Any

from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from pydantic import BaseModel, ConfigDict, ValidationError

from darkroom import flags
from darkroom_airflow.forms import style_names
from darkroom_airflow.pages.fitting_room import documents
from darkroom_airflow.pages.rights import IsFlagging, from_page, may_flag, may_look
from darkroom_airflow.pages.static_files import ASKED_AGAIN, KEPT, StaticFiles
from darkroom_airflow.pages.studio import ask

_MOST_BYTES = 16 << 10  # of a flag
_MOST_PROXIES = 32  # in one answer

router = APIRouter(prefix="/fitting-room", dependencies=[Depends(may_look)])
StaticFiles(__package__).add_routes(router)
_changes = [Depends(may_flag), Depends(from_page)]


class NewFlag(BaseModel):
    """What the page sends to flag a combination."""

    model_config = ConfigDict(extra="forbid")

    picture: str
    note: str


@router.get("/styles")
def styles() -> list[str]:
    """The names of the studio's styles."""
    return style_names()


@router.get("/styles/{style}")
async def catalogue(style: str, request: Request) -> Response:
    """A style's catalogue, with the version of each proxy."""
    data = await ask(lambda store: documents.catalogue(store, style))
    etag = f'"{hashlib.sha256(data).hexdigest()[:16]}"'
    headers = {"ETag": etag, "Cache-Control": ASKED_AGAIN}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    return Response(data, media_type="application/json", headers=headers)


@router.get("/styles/{style}/proxies/{code}/{file}")
async def proxy(style: str, code: str, file: str, request: Request, v: str = "") -> Response:
    """A proxy. With its version in the address (`v`) a browser may keep it."""
    found = await ask(lambda store: documents.proxy(store, style, code, file))
    headers = {"ETag": f'"{found.version}"', "Cache-Control": KEPT if v == found.version else ASKED_AGAIN}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return Response(found.data, media_type="image/png", headers=headers)


@router.get("/styles/{style}/proxies")
async def proxies(style: str, want: Annotated[list[str], Query(max_length=_MOST_PROXIES)] = []) -> Response:  # noqa: B006
    """Several proxies in one answer (`documents.bundle`), so that login and rights are asked once for a whole picture.

    Each is wanted as `<version>/<code>/<file>`. A browser may keep the answer if it has exactly these versions.
    """
    parts = [tuple(one.split("/", 2)) for one in want]
    if any(len(part) != 3 for part in parts):
        raise HTTPException(422, "A proxy is wanted by its version, its code and its file; load the page again.")
    found = await asyncio.gather(*(_found(style, code, file) for _, code, file in parts))
    same = all(one.version == version for one, (version, _, _) in zip(found, parts, strict=True))
    # it is said to be encoded already, or Airflow would compress the PNGs once more
    headers = {"Cache-Control": KEPT if same else ASKED_AGAIN, "Content-Encoding": "identity"}
    return Response(documents.bundle(found), media_type="application/octet-stream", headers=headers)


async def _found(style: str, code: str, file: str) -> documents.Proxy:
    """A proxy, or why there is none."""
    try:
        return await ask(lambda store: documents.proxy(store, style, code, file))
    except HTTPException as error:
        if error.status_code >= 500:  # the store's fault, and not this proxy's
            raise
        return documents.Proxy("", b"", str(error.detail))


@router.get("/styles/{style}/checks")
async def checks(style: str) -> dict[str, Any]:
    """What the checks of a style's renders found last; nothing where nobody checked them yet."""
    return await ask(lambda store: documents.checks(store, style))


@router.get("/styles/{style}/flags")
async def flags_of(style: str, is_flagging: IsFlagging) -> dict[str, Any]:
    """Every flag of a style, the last first, and whether this user may flag and clear."""
    return {"flags": await ask(lambda store: documents.flags_of(store, style)), "may_flag": is_flagging}


@router.post("/styles/{style}/flags", status_code=201, dependencies=_changes)
async def flag(style: str, request: Request, user: GetUserDep) -> dict[str, Any]:
    """Flag a combination with a note."""
    new = await _sent(request)
    return await ask(lambda store: documents.flag(store, style, new.picture, new.note, user.get_name()))


@router.post("/styles/{style}/flags/{flag_id}/clear", dependencies=_changes)
async def clear(style: str, flag_id: str, user: GetUserDep) -> dict[str, Any]:
    """Clear a flag."""
    cleared = await ask(lambda store: flags.clear(store, style, flag_id, user.get_name()))
    return cleared.model_dump(mode="json")


async def _sent(request: Request) -> NewFlag:
    """What was sent, as far as it is a flag. Never more than a little of it is held."""
    data = b""
    async for part in request.stream():
        data += part
        if len(data) > _MOST_BYTES:
            raise HTTPException(413, "That is more than a flag can say; shorten the note.")
    try:
        return NewFlag.model_validate_json(data)
    except ValidationError:
        raise HTTPException(422, "A flag is a picture's name and a note, as JSON.") from None
