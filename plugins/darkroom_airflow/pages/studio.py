"""The deployment's stores, as a page's server reads them: with its access, in threads of its own, in time."""

import asyncio
import logging
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from fastapi import HTTPException

from darkroom.errors import BadInput, Conflict, DarkroomError, NotFound, Unavailable
from darkroom.settings import settings
from darkroom.store import Store, open_store, readable
from darkroom_airflow.credentials import StoreAccess

log = logging.getLogger(__name__)

T = TypeVar("T")

_THREADS = 16
"""Of one server's process. Airflow's own are left alone: a store that hangs must not stop its API."""
_WAITS = 20.0  # seconds, then a person is told
_STUDIOS = "The studio's store"
_RENEWED = 600.0
"""Seconds after which the connection is asked again who one is: keys of a role expire, and others may be filled in."""

READING = ThreadPoolExecutor(_THREADS, thread_name_prefix="darkroom-page")
"""What mostly waits for a store."""
CUTTING = ThreadPoolExecutor(min(4, os.cpu_count() or 1), thread_name_prefix="darkroom-cut")
"""What decodes tiles: few at once, so that their memory is bounded, whoever asks."""
REDUCING = ThreadPoolExecutor(1, thread_name_prefix="darkroom-source")
"""What decodes whole images, one at a time."""


class _Opened:
    """A store that everybody's requests share, opened anew from time to time."""

    def __init__(self, location: str) -> None:
        self._location = location
        self._lock = threading.Lock()
        self._store: Store | None = None
        self._until = 0.0
        self._blocks: list[StoreAccess] = []

    def store(self) -> Store:
        """It; a request that still reads by the one before may do so until this one is renewed in turn."""
        with self._lock:
            if self._store is None or time.monotonic() > self._until:
                block = StoreAccess()
                self._store = open_store(self._location, block.reach(self._location))
                self._until = time.monotonic() + _RENEWED
                self._blocks.append(block)
                while len(self._blocks) > 2:
                    self._blocks.pop(0).close()
            return self._store

    def forget(self) -> None:
        """Open it anew the next time."""
        with self._lock:
            self._store = None


_opened: dict[str, _Opened] = {}
_opening = threading.Lock()


def _store_at(location: str) -> _Opened:
    """The store of a location, which is one of the deployment's settings: there are few."""
    with _opening:
        return _opened.setdefault(location, _Opened(location))


async def ask(do: Callable[[Store], T], *, at: str = "", pool: ThreadPoolExecutor = READING) -> T:
    """What `do` finds in the studio's store, or in that of one of the deployment's other locations (`at`).

    Raises `HTTPException` with a sentence, where it finds nothing in time.
    """
    opened = _store_at(at or settings().studio_store)
    future = pool.submit(lambda: do(opened.store()))
    try:
        return await asyncio.wait_for(asyncio.wrap_future(future), _WAITS)
    except TimeoutError:
        log.warning("%s did not answer within %.0f s.", f"The store {readable(at)}" if at else _STUDIOS, _WAITS)
        raise HTTPException(
            504,
            f"{'The store of the images' if at else _STUDIOS} did not answer within {_WAITS:.0f} seconds; "
            "try again in a moment.",
        ) from None
    except DarkroomError as error:
        status = _status(error)
        if status >= 500:
            opened.forget()
            log.warning("%s", error)
        raise HTTPException(status, str(error)) from None


def _status(error: DarkroomError) -> int:
    if isinstance(error, NotFound):
        return 404
    if isinstance(error, Conflict):
        return 409
    if isinstance(error, Unavailable):
        return 503
    return 422 if isinstance(error, BadInput) else 502
