"""Darkroom's pages in Airflow's UI: one FastAPI app, mounted at `/darkroom` (`app`), loaded when it is first asked."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

RUN_TAB = "report"
"""The name of a run's tab in the addresses of Airflow's UI: `…/runs/<run id>/plugin/report`."""

_Message = MutableMapping[str, Any]


async def lazily(
    scope: _Message, receive: Callable[[], Awaitable[_Message]], send: Callable[[_Message], Awaitable[None]]
) -> None:
    """The pages as an ASGI application. Every task's process loads the plugins, and none of them serves a page."""
    from darkroom_airflow.pages.app import app

    await app(scope, receive, send)
