"""Runs moto's server, one request at a time: it compares and writes in two steps, which S3 does in one.

A copy heeds `If-None-Match: *` and `If-Match`, and what it says of its source's ETag, all of which moto passes over.
"""

import io
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote, unquote

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple

_one_at_a_time = threading.Lock()
_moto = DomainDispatcherApplication(create_backend_app)


def _app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    with _one_at_a_time:
        if "HTTP_X_AMZ_COPY_SOURCE" in environ and not _holds(environ):
            start_response("412 Precondition Failed", [("Content-Type", "application/xml")])
            return [b"<Error><Code>PreconditionFailed</Code><Message>Stands there</Message></Error>"]
        return list(_moto(environ, start_response))


def _holds(environ: dict[str, Any]) -> bool:
    """Do a copy's conditions on its source and its target hold?"""
    pinned = environ.get("HTTP_X_AMZ_COPY_SOURCE_IF_MATCH")
    if pinned:
        source = f"/{unquote(environ['HTTP_X_AMZ_COPY_SOURCE']).lstrip('/')}"
        if _etag(environ, source) not in (None, pinned.strip('"')):  # of one that is not there, moto says so itself
            return False
    asked = {key: environ.get(key) for key in ("HTTP_IF_NONE_MATCH", "HTTP_IF_MATCH")}
    if "uploadId" in environ["QUERY_STRING"] or not any(asked.values()):
        return True
    etag = _etag(environ, environ["PATH_INFO"])
    if asked["HTTP_IF_NONE_MATCH"]:
        return etag is None
    return etag == str(asked["HTTP_IF_MATCH"]).strip('"')


def _etag(environ: dict[str, Any], path: str) -> str | None:
    """The ETag of the object at a path, or None where there is none."""
    answer: dict[str, str] = {}
    left_out = ("HTTP_X_AMZ_COPY", "HTTP_IF_", "HTTP_CONTENT_", "CONTENT_")
    look = {key: value for key, value in environ.items() if not key.startswith(left_out)}
    look |= {"REQUEST_METHOD": "HEAD", "wsgi.input": io.BytesIO(), "PATH_INFO": path, "QUERY_STRING": ""}
    for name in ("REQUEST_URI", "RAW_URI"):  # which werkzeug prefers to the path
        look[name] = quote(path)
    list(_moto(look, lambda status, headers, *_: answer.update(headers, status=status)))
    return answer["ETag"].strip('"') if answer["status"].startswith("200") else None


if __name__ == "__main__":
    run_simple("127.0.0.1", int(sys.argv[1]), _app, threaded=True)
