"""What only a folder must refuse or can do."""

import errno
import io
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from darkroom import ledger
from darkroom.errors import BadInput, Conflict, Denied, SourceChanged, StoreError
from darkroom.jobs import Document
from darkroom.store import folder, folder_walk, open_store


def _no_links(*_: object, **__: object) -> None:
    raise PermissionError(1, "Operation not permitted")


@pytest.fixture
def root(tmp_path):
    return tmp_path / "bucket"


@pytest.fixture
def store(root):
    return open_store(str(root))


def test_a_name_that_a_folder_cannot_hold_is_refused_before_writing(store, root):
    for key in ("x" * 256, "a\0b", ".darkroom-mine"):
        with pytest.raises(StoreError):
            store.write(key, b"1")
    assert not root.exists()


def test_a_file_and_a_folder_of_one_name_are_refused_with_a_sentence(store):
    store.write("a", b"1")
    with pytest.raises(StoreError, match="cannot hold both"):
        store.write("a/b", b"1")
    store.write("c/d", b"1")
    with pytest.raises(StoreError, match="cannot hold both"):
        store.write("c", b"1")


def test_a_link_out_of_the_root_is_neither_listed_nor_read_nor_written_through(store, root, tmp_path):
    (tmp_path / "secret").write_text("s")
    (tmp_path / "outside").mkdir()
    root.mkdir()
    (root / "link").symlink_to(tmp_path / "secret")
    (root / "folder").symlink_to(tmp_path / "outside")
    assert list(store.list()) == []
    for key in ("link", "folder/x"):
        with pytest.raises(StoreError, match="leads out"):
            store.write(key, b"1")
    with pytest.raises(StoreError, match="leads out"):
        store.read("link")
    assert (tmp_path / "secret").read_text() == "s"


def test_a_link_inside_the_root_is_read(store, root):
    store.write("a", b"1")
    (root / "b").symlink_to(root / "a")
    assert store.read("b") == b"1"


def test_a_copy_shares_the_disks_blocks_and_is_replaced_not_written_through(store, root):
    store.write("a", b"1")
    store.copy("a", "b")
    assert (root / "a").stat().st_ino == (root / "b").stat().st_ino
    store.write("b", b"2")
    assert store.read("a") == b"1"


def test_a_copy_of_a_link_inside_the_root_is_the_file_and_not_the_link(store, root):
    store.write("a", b"1")
    (root / "b").symlink_to(root / "a")
    store.copy("b", "c")
    store.write("a", b"2")
    assert store.read("c") == b"1"
    assert not (root / "c").is_symlink()


def test_without_hard_links_a_copy_is_pinned_to_what_it_read(store, root, monkeypatch):
    mine = store.write("a", b"1")
    monkeypatch.setattr(os, "link", _no_links)
    store.copy("a", "b", if_source_match=mine.etag)
    store.write("a", b"2")
    with pytest.raises(SourceChanged):
        store.copy("a", "c", if_source_match=mine.etag)
    assert sorted(path.name for path in root.rglob("*")) == ["a", "b"]
    assert store.read("b") == b"1"


def test_what_a_writer_is_told_is_its_own_object_whoever_comes_after(store, root, monkeypatch):
    """The ledger says of a name what was written there, and not what another run put in its place at once."""
    replace = os.replace

    def overtaken(temporary, target):
        replace(temporary, target)
        (root / ".darkroom-theirs").write_bytes(b"theirs")
        replace(root / ".darkroom-theirs", target)

    monkeypatch.setattr(os, "replace", overtaken)
    mine = store.write("a", b"mine")
    assert mine.bytes == 4
    assert store.head("a").etag != mine.etag


@pytest.fixture
def done(monkeypatch) -> list[tuple[str, str]]:
    """What is synced and named from now on, in its order."""
    seen: list[tuple[str, str]] = []
    fsync, replace, link = os.fsync, os.replace, os.link

    def synced(handle: int) -> None:
        fsync(handle)
        seen.append(("synced", Path(f"/proc/self/fd/{handle}").readlink().name))

    def replaced(source: str, target: str) -> None:
        replace(source, target)
        seen.append(("named", Path(target).name))

    def linked(source: str, target: str, **rest: object) -> None:
        link(source, target, **rest)
        seen.append(("named", Path(target).name))

    for name, function in (("fsync", synced), ("replace", replaced), ("link", linked)):
        monkeypatch.setattr(os, name, function)
    return seen


@pytest.mark.skipif(sys.platform != "linux", reason="knows an open file's name as Linux does")
@pytest.mark.parametrize("condition", ["none", "if_absent", "if_match"])
def test_a_ledger_is_on_the_disk_before_it_has_its_name_and_its_name_before_it_counts(store, root, done, condition):
    seen = store.write("state/x/a.json", b"before") if condition == "if_match" else None
    done.clear()
    conditions = {"none": {}, "if_absent": {"if_absent": True}, "if_match": {"if_match": seen and seen.etag}}
    store.write("state/x/a.json", b"1", **conditions[condition], durable=True)
    written, *rest = done
    assert written[0] == "synced"
    assert written[1].startswith(".darkroom-")
    way = [("synced", name) for name in ("x", "state", root.name, root.parent.name)]
    assert rest == [("named", "a.json"), *way]
    done.clear()
    store.write("state/x/b.json", b"1", durable=True)
    assert done[1:] == [("named", "b.json"), ("synced", "x")]
    done.clear()
    store.write("state/y/c.json", b"1", durable=True)
    assert done[1:] == [("named", "c.json"), ("synced", "y"), ("synced", "state")]


@pytest.mark.skipif(sys.platform != "linux", reason="knows an open file's name as Linux does")
def test_a_picture_waits_for_no_disk(store, done):
    store.write("renders/composites/a.png", b"1")
    store.copy("renders/composites/a.png", "renders/composites/b.png")
    assert not [name for what, name in done if what == "synced"]


def test_what_the_disk_did_not_take_is_not_named(store, root, monkeypatch):
    def fails(handle: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    store.write("state/a.json", b"before")
    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(StoreError, match=r"state/a.json: it cannot be written: Input/output error"):
        store.write("state/a.json", b"1", durable=True)
    assert store.read("state/a.json") == b"before"
    assert [path.name for path in (root / "state").iterdir()] == ["a.json"]


def test_a_link_or_a_folder_that_took_an_objects_place_is_told(store, root, tmp_path):
    (tmp_path / "elsewhere").write_bytes(b"1")
    written = [store.write(key, b"1") for key in ("a", "b", "c/d")]
    for path in (root / "a", root / "b", root / "c/d"):
        path.unlink()
    (root / "a").symlink_to(tmp_path / "elsewhere")
    (root / "b").mkdir()
    (root / "c").rmdir()
    (root / "c").write_bytes(b"a file where its folder was")
    reasons = store.unconfirmed(written)
    assert sorted(reasons) == ["a", "b", "c/d"]
    assert "leads out" in reasons["a"]
    assert reasons["b"] == reasons["c/d"] == "it was written, but it is not there"


def test_without_hard_links_nothing_is_overwritten_either(store, root, monkeypatch):
    monkeypatch.setattr(os, "link", _no_links)
    store.write("a", b"1", if_absent=True)
    store.copy("a", "folder/b", if_absent=True)
    for write in (lambda: store.write("folder/b", b"2", if_absent=True), lambda: store.copy("a", "a", if_absent=True)):
        with pytest.raises(Conflict):
            write()
    assert (root / "folder/b").read_bytes() == b"1"
    assert sorted(path.name for path in root.rglob("*")) == ["a", "b", "folder"]


def test_without_hard_links_ledgers_are_written_and_none_is_lost(store, root, monkeypatch):
    class Counted(Document):
        count: int = 0

    monkeypatch.setattr(os, "link", _no_links)
    with ThreadPoolExecutor(4) as pool:
        for _ in range(5):
            list(pool.map(lambda _: ledger.update(store, "state/n.json", Counted, _one_more), range(4)))
    assert ledger.read(store, "state/n.json", Counted).count == 20
    assert [path.name for path in (root / "state").iterdir()] == ["n.json"]


def _one_more(counted):
    return type(counted)(count=counted.count + 1)


def test_a_folder_of_more_names_than_are_sorted_is_listed_whole(store, root, monkeypatch):
    """The order of a large folder is its file system's; what comes after a key is all that does, wherever it lies."""
    monkeypatch.setattr(folder_walk, "_SORTED", 3)
    names = [f"{number:02}" for number in range(25)]
    names += [f"{number:02}.d/{inner}" for number in range(7) for inner in "ab"]
    for name in names:
        store.write(name, b"")
    assert sorted(entry.key for entry in store.list()) == sorted(names)
    assert sorted(entry.key for entry in store.list(after="05")) == sorted(name for name in names if name > "05")
    assert sorted(entry.key for entry in store.list("0", after="03.d/a")) == sorted(
        name for name in names if name > "03.d/a" and name.startswith("0")
    )
    assert store.unconfirmed(list(store.list())) == {}


def test_what_goes_away_while_it_is_listed_is_not_listed(store, root):
    for number in range(20):
        store.write(f"{number:02}", b"1")
    listing = store.list()
    first = next(listing)
    for path in root.iterdir():
        path.unlink()
    assert [first, *listing] == [first]


def test_to_remove_on_condition_what_is_not_there_is_a_conflict(store):
    seen = store.write("a/b", b"1")
    store.delete("a/b")
    for key in ("a/b", "none/b", "a/b/c"):
        store.delete(key)
        with pytest.raises(Conflict):
            store.delete(key, if_match=seen.etag)


@pytest.mark.parametrize(
    ("code", "kind", "word"),
    [
        (errno.ENOSPC, StoreError, "the disk is full"),
        (errno.EDQUOT, StoreError, "this user's share"),
        (errno.EROFS, Denied, "read-only"),
        (errno.EIO, StoreError, "Input/output error"),
    ],
)
def test_a_write_that_the_file_system_ends_leaves_the_old_file_and_no_other(store, root, monkeypatch, code, kind, word):
    store.write("a", b"old")
    monkeypatch.setattr(folder, "write_fully", lambda *_: (_ for _ in ()).throw(OSError(code, os.strerror(code))))
    with pytest.raises(kind, match=word) as raised:
        store.write("a", b"new")
    assert str(root / "a") in str(raised.value)
    assert [(path.name, path.read_bytes()) for path in root.iterdir()] == [("a", b"old")]


def test_more_copies_than_the_file_system_links_are_plain_copies(store, root, monkeypatch):
    def too_many(*_: object, **__: object) -> None:
        raise OSError(31, "Too many links")

    store.write("a", b"1")
    monkeypatch.setattr(os, "link", too_many)
    store.copy("a", "b")
    assert store.read("b") == b"1"
    assert (root / "a").stat().st_ino != (root / "b").stat().st_ino


def test_what_a_killed_writer_left_is_hidden_and_swept_when_it_is_old(store, root):
    store.write("d/a", b"1")
    (root / "d" / ".darkroom-0123456789abcdef").write_bytes(b"half")
    assert [entry.key for entry in store.list()] == ["d/a"]
    assert store.sweep("d/", older_than=timedelta(hours=1)) == 0
    time.sleep(0.02)
    assert store.sweep("d/", older_than=timedelta(0)) == 1
    assert [path.name for path in (root / "d").iterdir()] == ["a"]


def test_a_store_is_named_by_a_path_or_a_file_uri(tmp_path):
    store = open_store(f"file://{tmp_path}/a%20b")
    store.write("x", b"1")
    assert (tmp_path / "a b" / "x").exists()
    assert open_store(store.uri).read("x") == b"1"


@pytest.mark.parametrize("location", ["", "ftp://x", "file://host/x"])
def test_an_address_that_no_backend_serves_is_refused(location):
    with pytest.raises(BadInput):
        open_store(location)


@pytest.mark.parametrize("key", ["../out", "a/../../out", "", "a//b", "/a", "a/", "a/./b"])
def test_no_key_leaves_the_root(store, key, tmp_path):
    with pytest.raises(StoreError):
        store.write(key, b"1")
    assert not (tmp_path / "out").exists()


def test_a_folder_that_comes_to_be_while_its_name_is_written_is_refused_with_the_same_sentence(store, root):
    class Meanwhile(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            (root / "a").mkdir(exist_ok=True)
            return super().read(size)

    with pytest.raises(StoreError, match="cannot hold both"):
        store.write("a", Meanwhile(b"1"))
    assert list((root).iterdir()) == [root / "a"]
