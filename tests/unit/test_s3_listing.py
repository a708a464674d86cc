"""Pages of a listing as services write them, and as broken ones do."""

import pytest

from darkroom.errors import StoreError
from darkroom.store import s3_listing

PAGE = """<?xml version="1.0"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><EncodingType>{encoding}</EncodingType>
<Contents><Key>{key}</Key><LastModified>2026-11-21T19:30:06.511Z</LastModified>
<ETag>&quot;c4ca4238a0b923820dcc509a6f75849b&quot;</ETag><Size>{size}</Size></Contents>{rest}</ListBucketResult>"""


def page(key: str = "a", *, encoding: str = "url", size: str = "1", rest: str = "") -> bytes:
    return PAGE.format(key=key, encoding=encoding, size=size, rest=rest).encode()


@pytest.mark.parametrize(
    ("encoding", "written", "key"),
    [
        ("url", "a%2Fb+c%2Bd%25.png", "a/b c+d%.png"),
        ("url", "a%252Fb", "a%2Fb"),
        ("url", "Zo%C3%AB", "Zo\u00eb"),
        ("", "a%2Fb+c", "a%2Fb+c"),
    ],
)
def test_names_come_as_they_are_whatever_the_service_encodes(encoding, written, key):
    (entry,) = s3_listing.entries(lambda token: page(written, encoding=encoding), "")
    assert entry.key == key
    assert (entry.bytes, entry.etag) == (1, "c4ca4238a0b923820dcc509a6f75849b")
    assert (entry.modified.second, entry.modified.microsecond) == (6, 0)


def test_each_page_is_asked_for_once_and_only_when_it_is_needed():
    asked = []

    def fetch(token: str) -> bytes:
        asked.append(token)
        number = int(token.rpartition("&")[2] or 0) + 1
        return page(str(number), rest=f"<NextContinuationToken>a&amp;{number}</NextContinuationToken>" * (number < 5))

    listing = s3_listing.entries(fetch, "")
    assert next(listing).key == "1"
    assert asked == [""]
    assert [entry.key for entry in listing] == ["2", "3", "4", "5"]
    assert asked == ["", "a&1", "a&2", "a&3", "a&4"]


@pytest.mark.parametrize("broken", [page(size="many"), page()[:-40] + b"</ListBucketResult>", b"not XML at all"])
def test_what_is_no_listing_is_said(broken):
    with pytest.raises(StoreError, match="a listing that is none"):
        list(s3_listing.entries(lambda token: broken, ""))
