"""Files that change, vanish or are no photos, and names of all kinds: refused or failed, and nothing is lost."""

import os
from pathlib import Path

import pytest

from darkroom.failures import DownloadFailed
from darkroom.store.room import Room
from darkroom.store.streams import PART
from darkroom.sync import looks as planned
from tests.sync_world import World, counts, meanwhile, photo, read_of, reasons

OLD, NEW = b"the old photo" * 40, b"the new photo" * 50
LARGE = os.urandom(PART + 1000)
"""A photo that goes in parts."""


def test_a_file_of_before_1970_goes_as_any_other(shops: World) -> None:
    file = shops.put("a", OLD)
    os.utime(file, ns=(-(10**18), -(10**18)))
    assert counts(shops.run()) == {"done": 1}
    assert counts(shops.run("plan")) == {"skipped": 1}


@pytest.mark.parametrize("size", [1000, PART + 1])
@pytest.mark.parametrize("more", [b"and more", b""])
def test_a_file_that_is_written_to_while_it_is_read_fails_and_what_stood_there_stands(
    shops: World, monkeypatch: pytest.MonkeyPatch, size: int, more: bytes
) -> None:
    shops.put("a", OLD)
    shops.put("b", OLD)
    shops.run()
    file = shops.put("a", b"1" * size)

    def write() -> None:
        with file.open("ab") as grown:
            grown.write(more)
        if not more:  # other bytes, of the same size
            file.write_bytes(b"2" * size)

    with meanwhile(monkeypatch, "read", write, after=1):
        report = shops.run()
    assert counts(report) == {"failed": 1, "skipped": 1}
    assert "it was written to while it was read; it is taken when nobody writes to it any more" in reasons(report)["a"]
    assert (shops.uploaded(), shops.aside()) == ({"a": OLD, "b": OLD}, {})
    assert counts(shops.run()) == {"done": 1, "skipped": 1}
    assert shops.uploaded()["a"] == file.read_bytes()


def test_a_file_of_the_same_size_that_is_written_to_while_the_plan_reads_it_fails_as_any_other(
    shops: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    shops.put("a", OLD)
    shops.put("b", OLD)
    shops.run()
    file = shops.put("a", OLD[::-1])
    with meanwhile(monkeypatch, "read", lambda: file.write_bytes(NEW[: len(OLD)])):
        report = shops.run()
    assert counts(report) == {"failed": 1, "skipped": 1}
    assert "it was written to while it was read" in reasons(report)["a"]
    assert shops.uploaded() == {"a": OLD, "b": OLD}
    assert counts(shops.run()) == {"done": 1, "skipped": 1}


def test_a_large_file_that_is_written_to_between_its_hash_and_its_upload_is_not_published(
    shops: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    shops.put("a", OLD)
    shops.run()
    file = shops.put("a", LARGE)
    with meanwhile(monkeypatch, "seek", lambda: file.write_bytes(LARGE[::-1])):
        report = shops.run()
    assert counts(report) == {"failed": 1}
    assert shops.uploaded() == {"a": OLD}
    assert shops.run().ok
    assert shops.uploaded() == {"a": LARGE[::-1]}


def test_a_file_that_vanishes_or_becomes_a_folder_after_the_plan_is_a_failure_of_its_own(shops: World) -> None:
    for key in ("a", "b", "c"):
        shops.put(key, OLD)
    manifest = shops.planned()
    (shops.folder / "a").unlink()
    (shops.folder / "b").unlink()
    shops.put("b/1", NEW)
    report = shops.finished(manifest)
    assert counts(report) == {"done": 1, "failed": 2}
    assert reasons(report)["a"].endswith("it vanished")
    assert "it cannot be read (is a directory)" in reasons(report)["b"]
    assert shops.run().ok
    assert shops.uploaded() == {"b/1": NEW, "c": OLD}


def test_a_file_that_was_replaced_by_a_folder_of_its_name_is_put_aside(shops: World) -> None:
    for key in ("a", "b", "c"):
        shops.put(key, OLD)
    shops.run()
    (shops.folder / "a").unlink()
    shops.put("a/1", NEW)
    report = shops.run("sync")
    if shops.bucket.uri.startswith("file://"):  # no folder can hold both at once
        assert report.done == 1
        report = shops.run("sync")
    assert report.ok, reasons(report)
    assert (shops.uploaded(), shops.aside()) == ({"a/1": NEW, "b": OLD, "c": OLD}, {"a": OLD})


def test_of_a_file_that_changes_after_the_plan_only_the_planned_bytes_would_go_and_so_none_do(shops: World) -> None:
    shops.put("a", OLD)
    shops.put("b", OLD)
    manifest = shops.planned()
    shops.put("a", NEW)
    report = shops.finished(manifest)
    assert counts(report) == {"done": 1, "failed": 1}
    assert shops.uploaded() == {"b": OLD}
    assert shops.run().ok
    assert shops.uploaded() == {"a": NEW, "b": OLD}


def test_refused_files_stay_where_they_are_and_so_do_their_objects(
    shops: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1, 10):
        shops.put(f"stores/a/photos/{number}.jpg", photo(number))
    shops.set(rules="stores")
    assert shops.run().ok
    before = shops.uploaded()
    shops.put("stores/a/photos/1.jpg", b"\x89PNG\r\n\x1a\n" + bytes(100))
    shops.put("stores/a/photos/2.jpg", b"<!DOCTYPE html><html></html>")
    shops.put("stores/a/photos/3.jpg", b"")
    shops.put("stores/a/photos/0004.jpg", photo(4))
    (shops.folder / "stores/a/photos/5.jpg").unlink()
    (shops.folder / "stores/a/photos/5.jpg").symlink_to("/etc/hostname")
    shops.put("stores/a/photos/10.JPG", photo(10))
    shops.put("stores/a/11.jpg", photo(11))
    report = shops.run("sync")
    assert (report.failed, report.refused, report.done) == (0, 8, 0), reasons(report)
    assert shops.uploaded() == before
    assert shops.aside() == {}
    said = reasons(report)
    assert len(said) == 8
    for key, reason in {
        "stores/a/photos/1.jpg": "it is a PNG",
        "stores/a/photos/2.jpg": "it is a web page and no image",
        "stores/a/photos/3.jpg": "it is empty",
        "stores/a/photos/4.jpg": "0004.jpg beside it means the same; keep one of them",
        "stores/a/photos/0004.jpg": "4.jpg beside it means the same; keep one of them",
        "stores/a/photos/5.jpg": "it is a link that leads out of the folder",
        "stores/a/photos/10.JPG": "its extension is .JPG; rename it to 10.jpg",
        "stores/a/11.jpg": "it lies in 2 folders",
    }.items():
        assert said[key].startswith(reason), (key, said[key])
    assert counts(shops.run("plan", remove=True)) == {"refused": 8, "skipped": 4}


def test_a_name_that_is_no_utf8_is_refused_and_the_others_go(shops: World) -> None:
    odd = os.fsdecode(b"caf\xe9.jpg")
    shops.put("a", OLD)
    shops.put(odd, NEW)
    report = shops.run()
    assert counts(report) == {"done": 1, "refused": 1}
    assert reasons(report) == {odd: "its name is no UTF-8; rename it"}
    assert shops.uploaded() == {"a": OLD}


def test_a_name_of_255_bytes_goes_and_is_put_aside(shops: World) -> None:
    name = f"folder/{'n' * 251}.jpg"
    for data in ("one", "two"):
        shops.put(name, data)
        assert shops.run().ok
    assert (shops.uploaded(), shops.aside()) == ({name: b"two"}, {name: b"one"})


def test_a_folder_that_is_called_as_what_is_put_aside_is_refused(shops: World) -> None:
    shops.put("removed/1", OLD)
    shops.put("a/removed/1", OLD)
    report = shops.run()
    assert counts(report) == {"done": 1, "refused": 1}
    assert reasons(report)["removed/1"].startswith("removed/ is where what is removed goes")
    assert shops.uploaded() == {"a/removed/1": OLD}


def test_a_dry_run_reads_each_file_once_and_the_run_after_it_none_that_is_refused(
    shops: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    shops.set(rules="stores")
    for number in range(1, 4):
        shops.put(f"stores/a/photos/{number}.jpg", photo(number) if number > 1 else b"no photo")
    opened: list[str] = []
    really = Path.open

    def counted(path: Path, *given: object, **more: object) -> object:
        if path.is_relative_to(shops.folder):
            opened.append(path.name)
        return really(path, *given, **more)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", counted)
    assert counts(shops.run("plan")) == {"todo": 2, "refused": 1}
    assert sorted(opened) == ["1.jpg", "2.jpg", "3.jpg"]
    assert counts(shops.run("plan")) == {"todo": 2, "refused": 1}
    assert sorted(opened) == ["1.jpg", "2.jpg", "3.jpg"], "all of it is known"
    assert counts(shops.run()) == {"done": 2, "refused": 1}
    assert sorted(opened) == ["1.jpg", "2.jpg", "2.jpg", "3.jpg", "3.jpg"]


def test_other_rules_judge_a_large_known_file_anew(shops: World) -> None:
    """Though its hash, and so that it is what stands, is known without reading it."""
    key = "stores/a/photos/1.jpg"
    shops.put(key, LARGE)
    shops.put("stores/a/photos/2.jpg", photo())
    assert counts(shops.run()) == {"done": 2}
    shops.set(rules="stores")
    report = shops.run()
    assert (list(reasons(report)), counts(report)) == ([key], {"refused": 1, "skipped": 1})
    assert shops.uploaded()[key] == LARGE


def test_a_file_of_a_size_that_the_rules_do_not_allow_is_refused_unread(
    shops: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shops.root / "sizes.yaml").write_text("smallest: 10\nlargest: 1000\n")
    shops.set(rules=str(shops.root / "sizes.yaml"))
    for key, size in (("small", 9), ("least", 10), ("most", 1000), ("large", 1001)):
        shops.put(key, bytes(size))
    read = read_of(monkeypatch)
    assert counts(shops.run()) == {"done": 2, "refused": 2}
    assert set(reasons(shops.run())) == {"small", "large"}
    assert sum(read) == 1010
    assert set(shops.uploaded()) == {"least", "most"}


def test_a_name_that_the_target_cannot_hold_is_refused_by_the_plan(shops: World) -> None:
    if shops.bucket.uri.startswith("s3://"):
        pytest.skip("S3 holds every name that a folder has")
    shops.put("a", OLD)
    shops.put(".darkroom-1", OLD)
    manifest = shops.planned()
    assert [one.item for one in manifest.refused] == ["shops/.darkroom-1"]
    assert counts(shops.finished(manifest)) == {"done": 1, "refused": 1}


def test_what_could_not_be_read_by_the_plan_is_looked_at_by_the_worker(
    shops: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Content and all: a drive that stuttered lets nothing through."""
    keys = ("stores/a/photos/1.jpg", "stores/a/photos/2.jpg")
    for key in keys:
        shops.put(key, photo(3))
    shops.run()
    shops.put(keys[0], bytes(len(photo(3))))
    shops.set(rules="stores")

    def stuttering(*_: object) -> None:
        raise DownloadFailed("it cannot be read (input/output error)")

    monkeypatch.setattr(planned, "look", stuttering)
    report = shops.run()
    assert (counts(report), list(reasons(report))) == ({"refused": 1, "skipped": 1}, [keys[0]])
    assert shops.uploaded() == dict.fromkeys(keys, photo(3))


def test_as_many_bytes_are_in_memory_as_there_is_room_for(shops: World, monkeypatch: pytest.MonkeyPatch) -> None:
    shops.put("a", OLD)
    shops.put("b", NEW)
    taken: list[int] = []
    really = Room.taken

    def counted(room: Room, size: int) -> object:
        taken.append(size)
        return really(room, size)

    monkeypatch.setattr(Room, "taken", counted)
    assert shops.run().ok
    assert sorted(taken) == sorted([len(OLD), len(NEW)])


def test_other_rules_judge_a_known_file_anew(shops: World) -> None:
    shops.put("stores/a/photos/1.jpg", b"no photo")
    shops.put("stores/a/photos/2.jpg", photo())
    assert counts(shops.run()) == {"done": 2}
    shops.set(rules="stores")
    assert counts(shops.run("plan")) == {"refused": 1, "skipped": 1}
    report = shops.run()
    assert (report.refused, report.failed) == (1, 0), reasons(report)
    shops.set(rules="none")
    assert counts(shops.run()) == {"skipped": 2}
