"""What every store promises. The suite runs on each backend; a new one is added to `store`."""

import io
import threading
from datetime import timedelta

import pytest

from darkroom.errors import Conflict, NotFound, StoreError
from darkroom.store import Store, open_store, read_object


@pytest.fixture(params=["folder"])
def store(request: pytest.FixtureRequest, tmp_path) -> Store:
    return open_store(str(tmp_path / "bucket"))


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


@pytest.mark.parametrize("key", ["Zoë's dress.png", "e\u0301", "a b+c&d%20e", '"quoted"', ".hidden", "x" * 200])
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


def test_a_reader_keeps_the_version_that_it_opened(store):
    store.write("a", b"1" * 100)
    with store.open("a") as reading:
        store.write("a", b"2" * 100)
        assert reading.stream.read() == b"1" * 100


@pytest.mark.parametrize("key", ["../out", "a/../../out", "", "a//b", "/a", "a/", "a/./b"])
def test_no_key_leaves_the_root(store, key, tmp_path):
    with pytest.raises(StoreError):
        store.write(key, b"1")
    assert not (tmp_path / "out").exists()
