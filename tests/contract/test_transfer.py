"""Moving objects: under another name, under a condition, of the version that was listed, with hashes to prove it by."""

import threading
import time

import pytest

from darkroom.errors import Conflict, Damaged, NotFound, SourceChanged
from darkroom.store import Store, open_store, streams
from darkroom.store.hashes import Hasher, Hashes, hash_bytes
from darkroom.store.room import Room
from darkroom.store.transfer import Move, Moved, hashes_of, move, transfer, under_same_keys
from tests.contract.test_store import LARGE, keys_in

CONTENTS = {"small": b"one", "empty": b"", "d/large": LARGE}
KINDS = ("md5", "crc32c")


@pytest.fixture
def folder(tmp_path) -> Store:
    return open_store(str(tmp_path / "other"))


def by_key(moved) -> dict[str, Moved]:
    return {one.move.key: one for one in moved}


def test_objects_go_under_other_names_with_the_hashes_of_what_was_read(store, folder):
    for key, content in CONTENTS.items():
        folder.write(key, content)
    moves = [Move(entry, f"archive/{entry.key}", if_absent=True) for entry in folder.list()]
    there = by_key(transfer(folder, store, moves, hashes=KINDS))
    assert keys_in(store) == sorted(f"archive/{key}" for key in CONTENTS)
    back = [Move(entry, entry.key.replace("archive", "back")) for entry in store.list()]
    here = by_key(transfer(store, folder, back, hashes=KINDS))
    for key, content in CONTENTS.items():
        for moved, place, at in ((there, store, f"archive/{key}"), (here, folder, f"back/{key}")):
            assert moved[at].fault is None
            assert moved[at].hashes == hash_bytes(content, *KINDS)
            assert (moved[at].entry.etag, moved[at].entry.bytes) == (place.head(at).etag, len(content))
            assert hashes_of(place, moved[at].entry, *KINDS) == moved[at].hashes
        assert folder.read(f"back/{key}") == content


def test_without_a_condition_what_stands_is_replaced_and_no_hash_is_computed(store, folder):
    folder.write("a", b"new")
    store.write("a", b"old")
    (moved,) = transfer(folder, store, under_same_keys(folder.list()))
    assert (moved.reason, moved.hashes) == ("", Hashes())
    assert store.read("a") == b"new"


@pytest.mark.parametrize("within", [False, True], ids=["from a folder", "within the store"])
def test_each_move_has_its_own_condition(store, folder, within):
    source = store if within else folder
    entries = {key: source.write(f"from/{key}", key.encode()) for key in "abcd"}
    stands = {key: store.write(f"to/{key}", b"stands") for key in "bc"}
    moved = by_key(
        transfer(
            source,
            store,
            [
                Move(entries["a"], "to/a", if_absent=True),
                Move(entries["b"], "to/b", if_absent=True),
                Move(entries["c"], "to/c", if_match=stands["c"].etag),
                Move(entries["d"], "to/d", if_match=stands["c"].etag),
            ],
        )
    )
    for key in "bd":
        assert isinstance(moved[f"to/{key}"].fault, Conflict)
        assert not isinstance(moved[f"to/{key}"].fault, SourceChanged)
        assert moved[f"to/{key}"].entry is None
    assert not moved["to/a"].reason
    assert not moved["to/c"].reason
    assert {key: store.read(key) for key in keys_in(store, "to/")} == {"to/a": b"a", "to/b": b"stands", "to/c": b"c"}


@pytest.mark.parametrize("within", [False, True], ids=["to a folder", "within the store"])
def test_a_source_that_changed_since_it_was_listed_is_refused_and_the_others_are_moved(store, folder, within):
    for key in ("from/a", "from/b", "from/c"):
        store.write(key, b"1")
    moves = [Move(entry, f"to/{entry.key[-1]}") for entry in store.list("from/")]
    store.write("from/b", b"2")
    store.delete("from/c")
    target = store if within else folder
    moved = by_key(transfer(store, target, moves))
    assert isinstance(moved["to/b"].fault, SourceChanged)
    assert "another object stands there now than the one that was to be copied" in moved["to/b"].reason
    assert isinstance(moved["to/c"].fault, NotFound)
    assert keys_in(target, "to/") == ["to/a"]


@pytest.mark.parametrize("backend", ["folder", "gcs"])
def test_within_one_store_no_bytes_come_by(open_backend, backend, monkeypatch):
    store = open_backend(backend)
    store.write("a", b"1", content_type="image/png")
    monkeypatch.setattr(store, "open", None)
    passed: list[int] = []
    moves = [Move(store.head("a"), "b", if_absent=True)]
    (moved,) = transfer(store, store, moves, hashes=KINDS, on_bytes=passed.append)
    assert not moved.reason
    assert passed == [1]
    assert moved.hashes == store.head("a").hashes


def test_what_is_read_back_is_exactly_the_version_that_was_written(store):
    entry = store.write("a", LARGE)
    assert hashes_of(store, entry, *KINDS) == hash_bytes(LARGE, *KINDS)
    store.write("a", LARGE[::-1])
    with pytest.raises(SourceChanged, match="another object stands there"):
        hashes_of(store, entry, "md5")
    store.delete("a")
    with pytest.raises((NotFound, SourceChanged)):
        hashes_of(store, entry, "md5")


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS.keys())
def test_one_object_is_moved_and_its_fault_is_raised(store, folder, content):
    entry = folder.write("a", content)
    passed: list[int] = []
    moved = move(folder, store, Move(entry, "b", if_absent=True), hashes=KINDS, on_bytes=passed.append)
    assert (sum(passed), moved.hashes, moved.fault) == (len(content), hash_bytes(content, *KINDS), None)
    assert moved.entry.etag == store.head("b").etag
    assert store.read("b") == content
    with pytest.raises(Conflict):
        move(folder, store, Move(entry, "b", if_absent=True))
    folder.write("a", b"another writer's")
    with pytest.raises(SourceChanged):
        move(folder, store, Move(entry, "c"))
    folder.delete("a")
    with pytest.raises(NotFound):
        move(folder, store, Move(entry, "c"))
    assert keys_in(store) == ["b"]


def test_what_comes_through_damaged_is_moved_again_from_its_start_and_then_told(open_backend, folder, monkeypatch):
    gcs = open_backend("gcs")
    entry = gcs.write("a", LARGE)
    hashes, damaged = Hasher.hashes, [True]

    def wrong(hasher: Hasher) -> Hashes:
        found = hashes(hasher)
        return Hashes(md5="0" * 32) if found.md5 and damaged.pop() else found

    monkeypatch.setattr(streams.Hasher, "hashes", wrong)
    damaged[:] = [False, True]
    moved = move(gcs, folder, Move(entry, "a"), hashes=KINDS)
    assert (damaged, moved.hashes, folder.read("a")) == ([], hash_bytes(LARGE, *KINDS), LARGE)
    damaged[:] = [True] * 3
    with pytest.raises(Damaged):
        move(gcs, folder, Move(entry, "b"), hashes=KINDS)
    assert (damaged, keys_in(folder)) == ([], ["a"])


def test_what_a_stream_is_checked_against_is_not_hashed_again(open_backend, folder, monkeypatch):
    gcs = open_backend("gcs")
    entry = gcs.write("a", LARGE)
    made: list[tuple[str, ...]] = []
    new = Hasher.__init__

    def counted(hasher: Hasher, *kinds: str) -> None:
        made.append(kinds)
        new(hasher, *kinds)

    monkeypatch.setattr(Hasher, "__init__", counted)
    moved = move(gcs, folder, Move(entry, "a"), hashes=("md5", "crc32c", "sha256"))
    assert moved.hashes == hash_bytes(LARGE, "md5", "crc32c", "sha256")
    assert sorted(made) == [("md5",), ("sha256",)]  # the CRC32C of the same object says nothing more


def test_a_large_object_waits_for_room_and_lets_no_small_one_pass():
    room, order, began = Room(10), list[str](), threading.Event()

    def take(name: str, size: int) -> None:
        with room.taken(size):
            order.append(name)

    with room.taken(4), room.taken(4):
        large = threading.Thread(target=take, args=("larger than all of it", 1000), daemon=True)
        small = threading.Thread(target=take, args=("small", 1), daemon=True)
        large.start()
        end = time.monotonic() + 5
        while not room._turn.locked():
            assert time.monotonic() < end
            time.sleep(0.001)
        small.start()
        began.wait(0.05)
        assert order == []
    large.join(5)
    small.join(5)
    assert order == ["larger than all of it", "small"]
    with room.taken(10):
        pass
