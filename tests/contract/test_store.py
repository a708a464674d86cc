"""What every store promises. The suite runs on each backend of `conftest.py`."""

import io
import os
import threading
from datetime import timedelta

import pytest

from darkroom.errors import Conflict, NotFound, SourceChanged, StoreError
from darkroom.store import Store, read_object
from darkroom.store.hashes import hash_bytes
from darkroom.store.streams import PART

LARGE = os.urandom(2 * PART + 12_345)  # more than one part of a multipart upload and of a ranged read


def keys_in(store: Store, prefix: str = "") -> list[str]:
    return sorted(entry.key for entry in store.list(prefix))


def test_what_is_written_is_read_back_and_listed(store):
    entry = store.write("a/b.txt", b"hello", content_type="text/plain")
    assert (entry.key, entry.bytes) == ("a/b.txt", 5)
    assert store.read("a/b.txt") == b"hello"
    assert store.head("a/b.txt") == entry
    assert list(store.list()) == [entry]


def test_a_stream_is_written_whole(store):
    store.write("big", io.BytesIO(b"x" * 3_000_000))
    with store.open("big", start=2_999_990, length=100) as reading:
        assert reading.stream.read() == b"x" * 10
        assert reading.entry.bytes == 3_000_000


def test_a_stream_that_breaks_leaves_the_old_object_and_no_trace(store):
    class Breaks(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, buffer) -> int:
            raise OSError("the cable came out")

    store.write("a", b"old")
    with pytest.raises(OSError, match="cable"):
        store.write("a", io.BufferedReader(Breaks()))
    assert store.read("a") == b"old"
    assert keys_in(store) == ["a"]
    assert store.sweep("", older_than=timedelta(0)) == 0


def test_listing_takes_any_prefix_not_only_folders(store):
    for key in ("ab/1", "ab/2", "abc", "b"):
        store.write(key, b"")
    assert keys_in(store, "ab") == ["ab/1", "ab/2", "abc"]
    assert keys_in(store, "ab/") == ["ab/1", "ab/2"]
    assert keys_in(store, "zz/") == []


@pytest.mark.parametrize("key", ["Zoë's dress.png", "e\u0301", "a b+c&d%20e", '"quoted"', "it's", ".hidden", "x" * 200])
def test_names_are_kept_to_the_letter(store, key):
    store.write(f"d/{key}", b"1")
    assert keys_in(store) == [f"d/{key}"]
    assert read_object(store.uri_of(f"d/{key}")) == b"1"


def test_nothing_is_not_an_empty_object(store):
    assert store.head("none") is None
    with pytest.raises(NotFound, match="none"):
        store.read("none")
    with pytest.raises(NotFound):
        store.copy("none", "other")
    store.delete("none")
    store.write("empty", b"")
    assert store.read("empty") == b""


def test_the_etag_changes_with_the_content(store):
    first = store.write("a", b"1")
    second = store.write("a", b"2")
    assert first.etag != second.etag


def test_create_only_where_nothing_is(store):
    store.write("a", b"1", if_absent=True)
    with pytest.raises(Conflict):
        store.write("a", b"2", if_absent=True)
    assert store.read("a") == b"1"


def test_replace_only_what_was_seen(store):
    seen = store.write("a", b"1")
    store.write("a", b"2", if_match=seen.etag)
    with pytest.raises(Conflict):
        store.write("a", b"3", if_match=seen.etag)
    with pytest.raises(Conflict):
        store.delete("a", if_match=seen.etag)
    with pytest.raises(Conflict):
        store.write("none", b"3", if_match=seen.etag)
    assert store.read("a") == b"2"


def test_what_has_to_survive_a_power_cut_heeds_conditions_as_all_else_does(store):
    first = store.write("state/a.json", b"1", if_absent=True, durable=True)
    seen = store.write("state/a.json", b"2", if_match=first.etag, durable=True)
    assert store.head("state/a.json") == seen
    for condition in ({"if_absent": True}, {"if_match": first.etag}):
        with pytest.raises(Conflict):
            store.write("state/a.json", b"4", durable=True, **condition)
    store.write("state/a.json", io.BytesIO(b"3"), if_match=seen.etag, durable=True)
    assert store.read("state/a.json") == b"3"
    assert keys_in(store) == ["state/a.json"]


def test_of_many_who_create_one_object_one_wins(store):
    won: list[int] = []

    def create(number: int) -> None:
        try:
            store.write("a", str(number).encode(), if_absent=True)
            won.append(number)
        except Conflict:
            pass

    threads = [threading.Thread(target=create, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert store.read("a") == str(won[0]).encode()


def test_of_many_who_count_up_conditionally_none_is_lost(store):
    store.write("n", b"0")

    def count_up() -> None:
        for _ in range(10):
            while True:
                with store.open("n") as reading:
                    seen, value = reading.entry.etag, int(reading.stream.read())
                try:
                    store.write("n", str(value + 1).encode(), if_match=seen)
                    break
                except Conflict:
                    continue

    threads = [threading.Thread(target=count_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.read("n") == b"40"


def test_a_copy_is_independent_of_its_source(store):
    store.write("a", b"1")
    store.copy("a", "b/c")
    store.copy("a", "b/c")
    store.write("a", b"2")
    assert store.read("b/c") == b"1"
    store.delete("a")
    assert keys_in(store) == ["b/c"]


@pytest.mark.parametrize("content", [b"1", LARGE], ids=["small", "large"])
def test_a_copy_takes_no_place_but_the_one_that_it_may(store, content):
    store.write("a", content, content_type="image/png")
    copied = store.copy("a", "b/c", if_absent=True)
    assert (copied.key, copied.bytes, copied.etag) == ("b/c", len(content), store.head("b/c").etag)
    theirs = store.write("d", b"somebody else's")
    for condition in ({"if_absent": True}, {"if_match": store.head("a").etag}):
        with pytest.raises(Conflict):
            store.copy("a", "d", **condition)
    with pytest.raises(Conflict):
        store.copy("a", "none", if_match=theirs.etag)
    assert store.head("d") == theirs
    again = store.copy("a", "d", if_match=theirs.etag)
    assert (again.bytes, again.etag) == (len(content), store.head("d").etag)
    assert store.read("d") == content
    assert keys_in(store) == ["a", "b/c", "d"]
    with pytest.raises(NotFound):
        store.copy("none", "e", if_absent=True)
    with pytest.raises(NotFound):
        store.copy("none", "d", if_match=again.etag)
    assert store.read("d") == content
    assert store.head("b/c").content_type == store.head("a").content_type


@pytest.mark.parametrize("content", [b"mine", LARGE], ids=["small", "large"])
def test_a_copy_is_of_the_version_that_it_names_or_of_none(store, content):
    mine = store.write("a", content, content_type="image/png")
    copied = store.copy("a", "b/c", if_absent=True, if_source_match=mine.etag)
    assert (copied.bytes, copied.etag) == (len(content), store.head("b/c").etag)
    assert store.read("b/c") == content
    target = store.write("d", b"stands")
    store.write("a", content[::-1])  # another writer's, of the same size
    for condition in ({}, {"if_absent": True}, {"if_match": target.etag}):
        for place in ("d",) if "if_match" in condition else ("d", "new"):
            with pytest.raises(Conflict) as raised:
                store.copy("a", place, **condition, if_source_match=mine.etag)
            if "if_absent" not in condition or place == "new":
                assert isinstance(raised.value, SourceChanged)
                assert "another object stands there now" in str(raised.value)
    store.delete("a")
    with pytest.raises(NotFound):
        store.copy("a", "d", if_source_match=mine.etag)
    assert store.head("d") == target
    assert keys_in(store) == ["b/c", "d"]
    again = store.copy("b/c", "d", if_match=target.etag, if_source_match=copied.etag)
    assert (again.bytes, again.etag) == (len(content), store.head("d").etag)
    assert store.read("d") == content
    with pytest.raises(Conflict) as raised:
        store.copy("b/c", "d", if_absent=True, if_source_match=copied.etag)
    assert not isinstance(raised.value, SourceChanged)


def test_of_many_who_copy_to_one_place_one_wins(store):
    for number in range(16):
        store.write(f"from/{number}", str(number).encode())
    won: list[int] = []

    def copy(number: int) -> None:
        try:
            store.copy(f"from/{number}", "a", if_absent=True)
            won.append(number)
        except Conflict:
            pass

    threads = [threading.Thread(target=copy, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert store.read("a") == str(won[0]).encode()


def test_a_reader_keeps_the_version_that_it_opened(store):
    store.write("a", b"1" * 100)
    with store.open("a") as reading:
        store.write("a", b"2" * 100)
        assert reading.stream.read() == b"1" * 100


def test_a_large_object_goes_in_and_comes_out_in_parts(store):
    written = store.write("large", io.BytesIO(LARGE), size=len(LARGE))
    assert store.head("large") == written
    assert store.read("large") == LARGE
    with store.open("large", start=PART - 5, length=PART + 10) as reading:
        assert reading.stream.read() == LARGE[PART - 5 : 2 * PART + 5]
    with store.open("large", start=len(LARGE) - 3, length=100) as reading:
        assert reading.stream.read() == LARGE[-3:]


def test_a_large_stream_that_breaks_leaves_nothing(store):
    class Breaks(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell() > PART:
                raise OSError("the cable came out")
            return super().read(size)

    with pytest.raises(OSError, match="cable"):
        store.write("a", Breaks(LARGE))
    assert keys_in(store) == []
    assert store.sweep("", older_than=timedelta(0)) == 0


@pytest.mark.parametrize("content", [b"short", LARGE], ids=["small", "large"])
def test_a_stream_that_ends_early_is_refused(store, content):
    with pytest.raises(StoreError, match=f"{len(content)} bytes instead of {len(content) + 1}"):
        store.write("a", io.BytesIO(content), size=len(content) + 1)
    assert keys_in(store) == []
    assert store.sweep("", older_than=timedelta(0)) == 0


@pytest.mark.parametrize("content", [b"1", LARGE], ids=["small", "large"])
def test_a_large_object_heeds_conditions_as_a_small_one_does(store, content):
    store.write("a", io.BytesIO(content), if_absent=True)
    seen = store.head("a")
    for condition in ({"if_absent": True}, {"if_match": f"{seen.etag}0"}):
        with pytest.raises(Conflict):
            store.write("a", io.BytesIO(LARGE), **condition)
    assert store.head("a") == seen
    store.write("a", io.BytesIO(LARGE + b"1"), if_match=seen.etag)
    assert store.head("a").bytes == len(LARGE) + 1
    assert store.sweep("", older_than=timedelta(0)) == 0


def test_what_a_head_vouches_for_is_right(store):
    for content in (b"", b"hello", LARGE):
        store.write("a", io.BytesIO(content))
        known = store.head("a").hashes
        assert known == hash_bytes(content, *known.known())


def test_many_go_at_once(store):
    for number in range(12):
        store.write(f"d/{number}", b"1")
    store.write("e", b"1")
    assert store.delete_all([*(f"d/{number}" for number in range(12)), "none"]) == {}
    assert keys_in(store) == ["e"]


def test_a_listing_goes_on_after_a_key(store):
    for key in ("a", "b/1", "b/2", "c"):
        store.write(key, b"")
    assert sorted(entry.key for entry in store.list(after="b/1")) == ["b/2", "c"]
    assert sorted(entry.key for entry in store.list("b/", after="b/1")) == ["b/2"]


def test_what_was_written_unconfirmed_is_confirmed_together(store):
    written = [store.write(f"{number:02}", b"1", confirm=False) for number in range(5)]
    store.write("02a", b"between")
    assert store.unconfirmed(written) == {}


def test_what_does_not_stand_as_it_was_written_is_told_with_its_reason(store):
    written = [store.write(f"d/{number}", b"mine", confirm=False) for number in range(5)]
    store.delete("d/1")
    store.write("d/2", b"of another size")
    store.write("d/3", b"else")
    reasons = store.unconfirmed(iter(written))
    assert sorted(reasons) == ["d/1", "d/2", "d/3"]
    assert reasons["d/1"] == "it was written, but it is not there"
    assert reasons["d/2"] == "other bytes than were written stand there now (15 instead of 4 bytes)"
    assert reasons["d/3"].startswith("other bytes than were written stand there now")
    assert store.unconfirmed([]) == {}
