"""The plain files of a page: what a browser loads, and what it may do with that. No build step."""

import hashlib
import mimetypes
from collections.abc import Callable, Mapping
from functools import cached_property
from importlib.resources import files

from fastapi import APIRouter, HTTPException, Request, Response

ASKED_AGAIN = "private, no-cache"
"""A browser keeps it, and asks each time whether it is still the same."""
KEPT = "private, max-age=604800, immutable"
"""A browser keeps what has its version in its address, for a week."""
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'; require-trusted-types-for 'script'"
)


class StaticFiles:
    """A page's own files (`static/` beside its routes), and those that all pages share (`static/` beside this file).

    `made` are further texts by their names, which are made when they are first asked for.
    """

    def __init__(
        self, package: str, policy: str = PAGE_POLICY, made: Mapping[str, Callable[[], str]] | None = None
    ) -> None:
        self._package, self._policy, self._made = package, policy, made or {}

    def add_routes(self, router: APIRouter, *, page: bool = True) -> None:
        """Serve them below `static/` of a page's router, behind its rights.

        `page`: and `index.html` as the page itself. What such a page shows stands in the rest of its address, which
        only the page reads.
        """
        router.add_api_route("/static/{name}", self._named, methods=["GET"])
        if page:
            router.add_api_route("/", self._index, methods=["GET"])

    async def _named(self, name: str, request: Request) -> Response:
        """A script, a style sheet or an icon of the page."""
        return self.file(name, request)

    async def _index(self, request: Request) -> Response:
        """The page itself."""
        return self.file("index.html", request)

    def file(self, name: str, request: Request) -> Response:
        """One of them, or that the browser's is still the same. Raises `HTTPException` for one that there is not."""
        if name not in self._files:
            raise HTTPException(404, "The page has no such file.")
        data, kind, etag = self._files[name]
        headers = {"ETag": etag, "Cache-Control": ASKED_AGAIN, "Content-Security-Policy": self._policy}
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers=headers)
        return Response(data, media_type=kind, headers=headers)

    @cached_property
    def _files(self) -> dict[str, tuple[bytes, str, str]]:
        """Each file: its bytes, its content type, its ETag."""
        found = {name: _held(name, make().encode()) for name, make in self._made.items()}
        for package in (__package__, self._package):
            found |= {file.name: _held(file.name, file.read_bytes()) for file in (files(package) / "static").iterdir()}
        return found


def _held(name: str, data: bytes) -> tuple[bytes, str, str]:
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    kind = "text/javascript" if name.endswith(".js") else kind
    return data, kind, f'"{hashlib.sha256(data).hexdigest()[:16]}"'
