"""An S3 listing: the next page fetched while one is used, each read without botocore's general parser.

That parser takes ten times as long for the objects.
"""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any
from urllib.parse import unquote_plus
from xml.etree import ElementTree

_ENCODED = re.compile("[%+]")


def parse_contents(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: object) -> None:
    """A handler of botocore's event `before-parse`: takes a listing's objects out of the answer and leaves it the rest.

    Takes the mark of URL-encoded names out with them, so that botocore does not decode them again. Raises `ValueError`
    for an answer that is no listing.
    """
    if response_dict["status_code"] != 200:
        return
    root = ElementTree.fromstring(response_dict["body"])  # noqa: S314 -- as above
    space = root.tag.partition("}")[0] + "}" if root.tag.startswith("{") else ""
    encoding = root.find(f"{space}EncodingType")
    encoded = encoding is not None and encoding.text == "url"
    contents = []
    for found in root.findall(f"{space}Contents"):
        said = {field.tag.removeprefix(space): field.text or "" for field in found}
        contents.append(
            {
                "Key": unquote_plus(said["Key"]) if encoded and _ENCODED.search(said["Key"]) else said["Key"],
                "Size": int(said["Size"]),
                "ETag": said.get("ETag", ""),
                "LastModified": datetime.fromisoformat(said["LastModified"]),
            }
        )
    if contents:
        customized_response_dict["Contents"] = contents
        root[:] = [rest for rest in root if rest.tag not in (f"{space}Contents", f"{space}EncodingType")]
        response_dict["body"] = ElementTree.tostring(root)


def pages_ahead(fetch: Callable[..., dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The objects of all pages, as `fetch(ContinuationToken=...)` answers them.

    The next page is fetched once half of one is used: who only looks at the beginning does not pay for more.
    """
    page = fetch()
    ahead = ThreadPoolExecutor(1, thread_name_prefix="list-ahead")
    try:
        while True:
            contents, upcoming = page.get("Contents", ()), None
            token = page["NextContinuationToken"] if page.get("IsTruncated") else ""
            for number, found in enumerate(contents):
                if token and number == len(contents) // 2:
                    upcoming = ahead.submit(fetch, ContinuationToken=token)
                yield found
            if not token:
                return
            page = upcoming.result() if upcoming else fetch(ContinuationToken=token)
    finally:
        ahead.shutdown(wait=False, cancel_futures=True)
