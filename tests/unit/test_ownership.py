"""Whose is what stands at a target: the decision, and the write that carries it."""

import os
from pathlib import Path

import pytest

from darkroom.errors import StoreError
from darkroom.ownership import NotOurs, Published, Targets, Unsettled, publish, replaceable
from darkroom.store import Store, open_store


@pytest.mark.parametrize(
    ("stands", "known", "planned", "may"),
    [
        (None, None, False, ""),
        (None, "1", False, ""),
        (None, None, True, ""),
        ("1", "1", False, "1"),
        ("1", "1", True, "1"),
        ("2", "1", False, ""),
        ("2", "1", True, ""),
        ("1", None, True, ""),
        ("1", None, False, None),
    ],
)
def test_a_write_replaces_only_what_the_ledger_knows(
    stands: str | None, known: str | None, planned: bool, may: str | None
) -> None:
    assert replaceable(stands, known, planned=planned) == may


def test_plans_are_searched_only_where_something_unknown_stands() -> None:
    searched = []

    def search() -> Unsettled:
        searched.append(1)
        return Unsettled(frozenset({"planned"}), {"made": "7"})

    targets = Targets({"known": "1"}, search)
    assert (targets.replaceable("known", "1"), targets.replaceable("absent", None)) == ("1", "")
    assert not searched
    assert targets.replaceable("planned", "1") == ""
    assert targets.replaceable("made", "7") == "7", "a worker said that it wrote this"
    assert targets.replaceable("made", "8") is None
    assert targets.replaceable("known", "2") == ""
    assert targets.replaceable("theirs", "1") is None
    assert searched == [1]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path))


def put(store: Store, made: bytes, replaces: str = "") -> Published:
    return publish(store, "a", made, lambda **condition: store.write("a", made, **condition), replaces=replaces)


def test_what_is_in_the_way_is_left_alone_unless_it_has_the_same_bytes(store: Store) -> None:
    assert put(store, b"mine").written
    standing = store.head("a")
    assert put(store, b"mine") == Published(standing, written=False)
    for other in (b"more", b"mine and more", b"min", b""):
        with pytest.raises(NotOurs, match="a stands there and is not what Darkroom made"):
            put(store, other)
        with pytest.raises(NotOurs):
            put(store, other, replaces="another version")
    assert store.head("a") == standing
    assert put(store, b"next", replaces=standing.etag).written
    assert store.read("a") == b"next"


def test_what_was_taken_away_meanwhile_is_written_anew(store: Store) -> None:
    seen = store.write("a", b"old").etag
    store.delete("a")
    assert put(store, b"new", replaces=seen).written
    assert store.read("a") == b"new"


def test_large_things_are_compared_to_their_last_byte(store: Store, tmp_path: Path) -> None:
    data = os.urandom((2 << 20) + 5)
    file = tmp_path / "made.bin"
    file.write_bytes(data)
    assert publish(store, "a", file, lambda **condition: store.write("a", data, **condition), replaces="").written
    file.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(NotOurs):
        publish(store, "a", file, lambda **condition: store.write("a", b"", **condition), replaces="")


def test_a_folder_in_the_way_is_said(store: Store) -> None:
    store.write("a/b", b"1")
    with pytest.raises(StoreError, match="a folder of that name is there"):
        put(store, b"mine")
