"""A listing in pages: the next one is on its way while one is being read."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def pages(fetch: Callable[[str], T], token: Callable[[T], str]) -> Iterator[T]:
    """All pages; `fetch` gives the one of a token, and the first of an empty one. `token` says the one after a page.

    The page after the first is fetched only when it is asked for, so who looks at a few objects does not pay for more.
    """
    page, upcoming = fetch(""), None
    ahead = ThreadPoolExecutor(1, thread_name_prefix="list-ahead")
    try:
        while True:
            yield page
            following = token(page)
            if not following:
                return
            page = upcoming.result() if upcoming else fetch(following)
            following = token(page)
            upcoming = ahead.submit(fetch, following) if following else None
    finally:
        ahead.shutdown(wait=False, cancel_futures=True)
