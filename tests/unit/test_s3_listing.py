"""A page of an S3 listing is read the quick way and by XML, to the same objects."""

import pytest

from darkroom.errors import StoreError
from darkroom.store import s3_listing
from darkroom.store.s3_listing import entries

NAMES = ["a.tif", "a%20b%2Bc.tif", "%26amp%3B", "maps%2F%E6%97%A5.tif", "%25", "a%0D%0Ab", "q%22q"]


def page(contents: str, kind: str = "url") -> bytes:
    head = '<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    return f"{head}<Name>b</Name><EncodingType>{kind}</EncodingType>{contents}</ListBucketResult>".encode()


def contents(key: str, size: str = "7", more: str = "") -> str:
    return (
        f"<Contents><Key>{key}</Key><LastModified>2026-11-27T20:40:00.123Z</LastModified>"
        f"<ETag>&quot;0cc175b9&quot;</ETag><Size>{size}</Size>{more}<StorageClass>STANDARD</StorageClass></Contents>"
    )


@pytest.mark.parametrize("more", ["", "<Owner><ID>me</ID><DisplayName>me</DisplayName></Owner>"])
def test_both_ways_read_the_same(more: str, monkeypatch: pytest.MonkeyPatch) -> None:
    listing = page("".join(contents(name, more=more) for name in NAMES))
    quick = list(entries(lambda token: listing, ""))
    assert [entry.key for entry in quick] == ["a.tif", "a b+c.tif", "&amp;", "maps/日.tif", "%", "a\r\nb", 'q"q']
    assert {(entry.bytes, entry.etag, entry.modified.isoformat()) for entry in quick} == {
        (7, "0cc175b9", "2026-11-27T20:40:00+00:00")
    }
    monkeypatch.setattr(s3_listing, "_plainly", lambda page: [])
    assert list(entries(lambda token: listing, "")) == quick


@pytest.mark.parametrize("key", ["a&amp;lt;b", "a&#x80;b", "a&#13;b", "<![CDATA[a&b]]>"])
def test_keys_that_are_not_encoded_are_read_as_xml_says(key: str) -> None:
    (entry,) = entries(lambda token: page(contents(key), kind=""), "")
    assert entry.key == {"a&amp;lt;b": "a&lt;b", "a&#x80;b": "a\x80b", "a&#13;b": "a\rb"}.get(key, "a&b")


@pytest.mark.parametrize(
    "listing",
    [
        page("<Contents><Key>a</Key><Size>1</Size><ETag>b</ETag></Contents>"),
        page(contents("a", size="many")),
        page(contents("a", more="<Size>8</Size>").replace("<ETag>", "<Tag>").replace("</ETag>", "</Tag>")),
        page("<Contents>"),
    ],
)
def test_a_page_in_which_something_is_missing_is_none(listing: bytes) -> None:
    with pytest.raises(StoreError, match="a listing that is none"):
        list(entries(lambda token: listing, ""))
