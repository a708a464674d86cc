"""How many requests this process has asked of object stores, by what providers charge for.

Of the whole process and not of a store: what a run asks goes through as many stores as it opens. Each part of a run
takes what was asked since the last one took, and puts it into its document.
"""

import re
import threading
from collections import Counter
from typing import Literal

Kind = Literal["puts", "lists", "gets", "deletes"]
"""`puts` are PUT, COPY and POST, `gets` GET and HEAD; deleting is free at all of them."""

_LISTS = re.compile(r"/o\?|[?&](list-type=2|uploads|versions)(&|=|$)")  # GCS's, and S3's
_REMOVES = re.compile(r"\?delete(&|=|$)")

_counts: Counter[str] = Counter()
_lock = threading.Lock()


def count(kind: Kind) -> None:
    """Note a request, whatever becomes of it."""
    with _lock:
        _counts[kind] += 1


def count_http(method: str, url: str) -> None:
    """Note a request by what it is of HTTP."""
    count(kind_of(method, url))


def kind_of(method: str, url: str) -> Kind:
    """What a request is to who charges for it.

    | method | url | kind |
    | --- | --- | --- |
    | GET | https://s3.test/b/k | gets |
    | HEAD | https://s3.test/b/k | gets |
    | GET | https://s3.test/b/k?versionId=1 | gets |
    | GET | https://s3.test/b?list-type=2&prefix=uploads | lists |
    | GET | https://s3.test/b?prefix=x&list-type=2 | lists |
    | GET | https://s3.test/b?uploads&prefix=x | lists |
    | GET | https://s3.test/b?versions&prefix=x | lists |
    | GET | https://gcs.test/storage/v1/b/x/o?prefix=x | lists |
    | GET | https://gcs.test/storage/v1/b/x/o/k?fields=etag | gets |
    | PUT | https://s3.test/b/k | puts |
    | PUT | https://s3.test/b/k?partNumber=1&uploadId=2 | puts |
    | POST | https://s3.test/b/k?uploads | puts |
    | POST | https://s3.test/b?delete | deletes |
    | DELETE | https://s3.test/b/k?uploadId=2 | deletes |
    """
    if method == "DELETE" or (method == "POST" and _REMOVES.search(url)):
        return "deletes"
    if method in ("GET", "HEAD"):
        return "lists" if _LISTS.search(url) else "gets"
    return "puts"


def taken() -> dict[str, int]:
    """What was asked since this was asked last, by kind; nothing of a kind that is not among it."""
    with _lock:
        found = dict(_counts)
        _counts.clear()
    return found
