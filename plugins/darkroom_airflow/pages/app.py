"""The FastAPI app of Darkroom's pages: who may in, how it says no, and what a browser may do with what it sends."""

from urllib.parse import quote

from airflow.api_fastapi.app import API_ROOT_PATH
from airflow.api_fastapi.core_api.security import get_user
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.exception_handlers import http_exception_handler
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from darkroom_airflow.pages import fitting_room, lightbox, plans, run_report

_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_UNLESS_SAID = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "private, no-store",
}


class SafeHeaders:
    """Puts what forbids a browser everything that a page does not need on every answer, errors too."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _ALWAYS.items():
                    headers[name] = value
                for name, value in _UNLESS_SAID.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, sending)


# a login is asked for here, so that no route can forget it; what its user may see, each page asks
app = FastAPI(title="Darkroom", docs_url=None, redoc_url=None, openapi_url=None, dependencies=[Depends(get_user)])
app.add_middleware(SafeHeaders)
app.include_router(fitting_room.router)
app.include_router(lightbox.router)
app.include_router(lightbox.iiif_router)
app.include_router(plans.router)
app.include_router(run_report.router)


@app.exception_handler(HTTPException)
async def refused(request: Request, error: HTTPException) -> Response:
    """Who opens a page without a login is led to Airflow's, and comes back; everybody else is told."""
    navigates = request.method == "GET" and "text/html" in request.headers.get("accept", "")
    if error.status_code == 401 and navigates:
        address = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"{API_ROOT_PATH or '/'}api/v2/auth/login?next={quote(address, safe='')}", 307)
    return await http_exception_handler(request, error)


@app.exception_handler(RequestValidationError)
async def wrong(_: Request, __: RequestValidationError) -> Response:
    """Without the input, which an answer would only repeat."""
    return JSONResponse({"detail": "The address is not one of this page's; open it from Airflow's menu."}, 422)
