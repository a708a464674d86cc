"""Markers: what is read as one, which images are marked, and that no two images share one."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from darkroom import keys
from darkroom.pyramids.sources.markers import Marker, chosen, location_of, mark, parsed, read_markers
from darkroom.store import Entry, Store, open_store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "studio"))


@pytest.fixture
def scans(tmp_path: Path) -> Store:
    made = open_store(str(tmp_path / "scans"))
    for key in ("1890/a.jpg", "1891/a.jpg", "b.TIF", "notes.txt", "old.json"):
        made.write(key, key.encode())
    return made


def entry(key: str = "process/maps/1.json") -> Entry:
    return Entry(key, 1, "e", datetime(2026, 11, 21, tzinfo=UTC))


def names(entries: "list[Entry]") -> list[str]:
    return [found.key for found in entries]


def test_two_images_of_one_name_never_share_a_marker(scans: Store, store: Store) -> None:
    list(mark(scans, chosen(scans.list(), ["jpg"]), store, "maps"))
    found = list(read_markers(store, "maps"))
    assert sorted(one.marker.key for one in found if one.marker) == ["1890/a.jpg", "1891/a.jpg"]
    assert len({one.entry.key for one in found}) == 2
    others = ("s3://one/a.jpg", "s3://two/a.jpg", "s3://one/a.jpg?1", "s3://one/a.jpg?2", "s3://one/a.jpg#2")
    assert len({keys.marker("maps", location_of(uri)) for uri in others}) == len(others)


def test_a_marker_is_written_once_and_again_when_the_image_changed(scans: Store, store: Store, tmp_path: Path) -> None:
    assert [marked.already for marked in mark(scans, scans.list("b"), store, "maps")] == [False]
    (first,) = read_markers(store, "maps")
    assert [marked.already for marked in mark(scans, scans.list("b"), store, "maps")] == [True]
    assert [one.entry for one in read_markers(store, "maps")] == [first.entry]
    scans.write("b.TIF", b"another version")
    assert [marked.already for marked in mark(scans, scans.list("b"), store, "maps")] == [False]
    (second,) = read_markers(store, "maps")
    assert second.entry.key == first.entry.key
    assert second.marker is not None
    assert second.marker.etag == next(iter(scans.list("b"))).etag


def test_images_are_chosen_by_extension_and_time(scans: Store, tmp_path: Path) -> None:
    assert names(list(chosen(scans.list()))) == ["1890/a.jpg", "1891/a.jpg", "b.TIF", "notes.txt"]
    assert names(list(chosen(scans.list(), [".JPG", "tif"]))) == ["1890/a.jpg", "1891/a.jpg", "b.TIF"]
    os.utime(tmp_path / "scans" / "b.TIF", (1_000_000_000, 1_000_000_000))
    turn = datetime(2020, 1, 1, tzinfo=UTC)
    assert names(list(chosen(scans.list(), ["tif"], since=turn))) == []
    assert names(list(chosen(scans.list(), ["tif"], until=turn))) == ["b.TIF"]


@pytest.mark.parametrize(
    ("data", "marker"),
    [
        (b'{"key": "a/b.jpg"}', Marker(key="a/b.jpg")),
        (b'{"key": "a/b.jpg", "path": "c", "eTag": "1"}', Marker(key="a/b.jpg", path="c", etag="1")),
        (b'{"key": "a.jpg", "copyrightStatus": "copyright", "x": [1]}', Marker(key="a.jpg", copyright="copyright")),
    ],
)
def test_a_marker_of_another_system_is_read(data: bytes, marker: Marker) -> None:
    assert parsed(entry(), data).marker == marker


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "it is no JSON"),
        (b"no JSON", "it is no JSON"),
        (b"[]", "it must be keys with values"),
        (b"{}", "'key' is missing"),
        (b'{"key": ""}', "key: it is empty"),
        (b'{"key": 7}', "key: it must be text, not 7"),
        (b'{"key": "a", "path": ["b"]}', "path: it must be text"),
        (b"\xff\xfe", "it is no JSON"),
    ],
)
def test_what_is_no_marker_says_why(data: bytes, reason: str) -> None:
    found = parsed(entry(), data)
    assert found.marker is None
    assert found.reason.startswith("it is no marker: ")
    assert reason in found.reason


def test_a_huge_object_is_not_even_read(store: Store) -> None:
    store.write("process/maps/huge.json", b" " * (1 << 20))
    store.write("process/maps/readme.txt", b"not a marker's name")
    (found,) = read_markers(store, "maps")
    assert found.reason == "it has 1,048,576 bytes, which no marker has"


@pytest.mark.parametrize(
    ("marker", "folder"),
    [
        (Marker(key="maps/1890/a.jpg"), "maps/1890"),
        (Marker(key="a.jpg"), ""),
        (Marker(key="maps/a.jpg", path="/public/maps/"), "public/maps"),
        (Marker(key="maps/a.jpg", path=""), ""),
    ],
)
def test_a_pyramid_goes_where_its_marker_says_or_where_its_image_lies(marker: Marker, folder: str) -> None:
    assert marker.folder == folder
