"""A listing in pages: the next ones are on their way while one is being read."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from threading import Semaphore
from typing import TypeVar

T = TypeVar("T")

_AHEAD = 3  # pages that may wait to be read


def pages(fetch: Callable[[str], T], token: Callable[[T], str]) -> Iterator[T]:
    """All pages; `fetch` gives the one of a token, and the first of an empty one. `token` says the one after a page.

    The page after the first is fetched only when it is asked for, so who looks at a few objects does not pay for more.
    From then on one follows the other, however long the reader takes for each.
    """
    page = fetch("")
    yield page
    following, stopped = token(page), False
    if not following:
        return
    arrived: SimpleQueue[T | None] = SimpleQueue()
    room = Semaphore(_AHEAD)

    def fetch_all() -> None:
        upcoming = following
        try:
            while upcoming and room.acquire() and not stopped:
                page = fetch(upcoming)
                arrived.put(page)
                upcoming = token(page)
        finally:
            arrived.put(None)

    ahead = ThreadPoolExecutor(1, thread_name_prefix="list-ahead")
    try:
        fetched = ahead.submit(fetch_all)
        while (found := arrived.get()) is not None:
            room.release()
            yield found
        fetched.result()
    finally:
        stopped = True
        room.release()
        ahead.shutdown(wait=False)
