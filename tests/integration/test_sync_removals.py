"""What is gone from the folder: what a sync removes, what it never touches, and when it removes nothing at all."""

import os
import shutil
from pathlib import Path

import pytest

from darkroom.errors import BadInput
from darkroom.guards import Guards
from darkroom.store import open_store
from darkroom.store.streams import PART
from darkroom.sync.cache import Cache
from tests.sync_world import World, contents, counts, photo, reasons, unreadable

OLD, NEW = b"the old photo" * 40, b"the new photo" * 50


def test_what_is_gone_is_put_aside_and_then_removed(shops: World) -> None:
    shops.fill(5)
    shops.run()
    (shops.folder / "files/001").unlink()
    shops.put("new", NEW)
    report = shops.run("sync")
    assert (report.ok, counts(report), report.removed) == (True, {"done": 2, "skipped": 4}, 1)
    assert report.groups["shops: gone"].done == 1
    assert sorted(shops.uploaded()) == ["files/000", "files/002", "files/003", "files/004", "new"]
    assert shops.aside() == {"files/001": b"file 1"}
    assert counts(shops.run("sync")) == {"skipped": 5}


def test_a_copy_only_says_what_is_gone(shops: World) -> None:
    shops.fill(3)
    shops.run()
    before = contents(shops.bucket)
    (shops.folder / "files/001").unlink()
    report = shops.run("copy")
    assert (report.ok, report.stale) == (True, ("files/001",))
    assert "shops: 1 object gone from the folder stay in the bucket; sync removes them: files/001." in report.findings
    assert contents(shops.bucket) == before


def test_only_what_the_rules_could_have_put_there_is_ever_removed(shops: World) -> None:
    theirs = {
        "stores/a/photos/readme.txt": b"theirs",
        "stores/a/photos/1.png": b"theirs",
        "stores/a/photos/new/1.jpg": b"theirs",
        "stores/A/photos/1.jpg": b"theirs",
        "stores/a/photos/1234567890.jpg": b"theirs",
        "storesb/a/photos/1.jpg": b"theirs",
        "other/1.jpg": b"theirs",
        "removed/2020-01-01/stores/a/photos/1.jpg": b"put aside by a run before",
    }
    for key, data in theirs.items():
        shops.bucket.write(key, data)
    shops.set(rules="stores", exclude=("stores/drafts/", "9*.jpg"))
    for number in (1, 2, 3):
        shops.put(f"stores/a/photos/{number}.jpg", photo(number))
    for key in ("stores/drafts/photos/1.jpg", "stores/a/photos/99.jpg"):
        shops.bucket.write(key, theirs.setdefault(key, b"excluded"))
    shops.put("stores/drafts/photos/2.jpg", b"not even a photo")
    assert counts(shops.run("sync")) == {"done": 3}
    (shops.folder / "stores/a/photos/2.jpg").unlink()
    report = shops.run("sync")
    assert (report.ok, counts(report)) == (True, {"done": 1, "skipped": 2})
    left = contents(shops.bucket)
    mine = {f"stores/a/photos/{number}.jpg": photo(number) for number in (1, 3)}
    assert {key: data for key, data in left.items() if key not in mine and data != photo(2)} == theirs
    assert mine.items() <= left.items()
    assert shops.aside() == {"stores/a/photos/2.jpg": photo(2)}


def test_without_rules_all_but_what_was_put_aside_is_the_folders(shops: World) -> None:
    shops.fill(9)
    shops.run()
    shops.bucket.write("somebody's", b"theirs")
    shops.bucket.write("removed/2020-01-01/a", b"put aside by a run before")
    assert shops.run("sync").ok
    assert shops.aside() == {"somebody's": b"theirs"}
    assert shops.bucket.read("removed/2020-01-01/a") == b"put aside by a run before"


@pytest.mark.parametrize(
    ("guards", "most"),
    [(Guards(objects=2, percent=90), 2), (Guards(objects=100, percent=29), 2), (Guards(objects=0, percent=90), 0)],
)
def test_more_than_the_guards_allow_is_not_removed_at_all_and_what_is_new_goes_up(
    shops: World, guards: Guards, most: int
) -> None:
    shops.fill(10)
    shops.run()
    shops.set(guards=guards)
    for number in range(most + 1):
        (shops.folder / f"files/{number:03}").unlink()
    shops.put("new", NEW)
    report = shops.run("sync")
    assert (report.ok, report.done, report.removed) == (False, 1, 0)
    assert len(report.stale) == most + 1
    (problem,) = report.problems
    assert f"its guards let no more than {most} of 10 be removed: none is (files/000" in problem
    assert "if so, give --max-delete." in problem
    assert len(shops.uploaded()) == 11
    assert shops.aside() == {}
    for number in range(most, most + 1):  # one less is what they allow
        shops.put(f"files/{number:03}", f"file {number}")
    assert (shops.run("sync").ok, len(shops.uploaded())) == (True, 11 - most)


def test_max_delete_takes_the_place_of_the_guards(shops: World) -> None:
    shops.set(guards=Guards(objects=1, percent=1))
    shops.fill(10)
    shops.run()
    for number in range(4):
        (shops.folder / f"files/{number:03}").unlink()
    assert [shops.run("sync", max_delete=most).ok for most in ("", "3", "39%")] == [False, False, False]
    assert len(shops.uploaded()) == 10
    assert shops.run("sync", max_delete="40%").ok
    assert len(shops.uploaded()) == 6
    (shops.folder / "files/009").unlink()
    assert shops.run("sync", max_delete="1").ok


def test_refused_files_count_as_standing_and_not_as_gone(shops: World) -> None:
    shops.set(rules="stores", guards=Guards(objects=0, percent=0))
    shops.put("stores/a/photos/1.jpg", photo())
    shops.run()
    shops.put("stores/a/photos/1.jpg", b"no photo")
    shops.put("stores/a/photos/2.jpg", photo(2))
    report = shops.run("sync")
    assert (report.problems, report.refused) == ((), 1)


@pytest.mark.parametrize("mode", ["copy", "sync", "plan"])
def test_an_empty_folder_stops_everything_where_something_stands(shops: World, mode: str) -> None:
    """A drive that is not mounted leaves the folder that it belongs on."""
    shops.fill(3)
    shops.run()
    before = contents(shops.bucket)
    shutil.rmtree(shops.folder)
    shops.folder.mkdir()
    with pytest.raises(BadInput, match=r"no file that could be uploaded, though 3 objects stand in .* Is the drive"):
        shops.run(mode, remove=True)
    shops.put(".mounted", "")
    shops.set(exclude=(".*",))
    with pytest.raises(BadInput, match="Is the drive mounted"):
        shops.run(mode, remove=True)
    assert contents(shops.bucket) == before


def test_an_empty_folder_is_fine_where_nothing_stands_or_who_asks_means_it(shops: World) -> None:
    assert counts(shops.run("sync")) == {}
    shops.fill(3)
    shops.run()
    shutil.rmtree(shops.folder)
    shops.folder.mkdir()
    report = shops.run("sync", max_delete="100%")
    assert (report.ok, report.removed, shops.uploaded()) == (True, 3, {})
    assert len(shops.aside()) == 3


def test_a_folder_that_is_missing_stops_everything(shops: World) -> None:
    shops.fill(3)
    shops.run()
    shutil.rmtree(shops.folder)
    for more in ("", "100%"):
        with pytest.raises(BadInput, match=r"it cannot be read \(no such file or directory\); is the drive mounted"):
            shops.run("sync", max_delete=more)
    assert len(shops.uploaded()) == 3


@pytest.mark.parametrize("mode", ["copy", "sync", "plan"])
def test_another_folder_mounted_there_stops_everything(shops: World, mode: str) -> None:
    shops.fill(120)
    shops.run()
    before = contents(shops.bucket)
    shutil.rmtree(shops.folder)
    for number in range(110):
        shops.put(f"holidays/{number}", NEW)
    with pytest.raises(BadInput, match=r"none of the \d+ files .* is there: nothing is done\. Is an"):
        shops.run(mode, remove=True)
    assert contents(shops.bucket) == before


def test_a_folder_that_changed_a_lot_is_still_known_and_who_asks_may_say_so(shops: World) -> None:
    shops.fill(120)
    shops.run()
    for number in range(1, 120):
        (shops.folder / f"files/{number:03}").unlink()
    shops.put("new", NEW)
    assert shops.run("copy").ok
    (shops.folder / "files/000").unlink()
    (shops.folder / "new").unlink()
    shops.put("newer", NEW)
    with pytest.raises(BadInput, match=r"nothing is done\. Is another folder mounted"):
        shops.run("copy")
    assert shops.run("sync", max_delete="100%").ok
    assert shops.uploaded() == {"newer": NEW}
    assert shops.run("sync").ok, "that is now what it is known by"


def test_a_subfolder_that_cannot_be_read_keeps_its_objects_and_no_others_do(
    shops: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = ["b-1", "b/1", "b/c/1", "b.1", "b0", "bc/1", "a/1", "c/1", "d/1"]
    for key in keys:
        shops.put(key, key)
    shops.run()
    for key in ("b-1", "b.1", "b0", "bc/1"):
        (shops.folder / key).unlink()
    with monkeypatch.context() as patch:
        unreadable(patch, shops.folder / "b")
        report = shops.run("sync")
    assert counts(report) == {"done": 4, "refused": 1, "skipped": 5}
    assert reasons(report) == {"b/": "the folder cannot be read (permission denied)"}
    assert sorted(shops.uploaded()) == ["a/1", "b/1", "b/c/1", "c/1", "d/1"]
    assert counts(shops.run("sync")) == {"skipped": 5}


def test_two_subfolders_that_cannot_be_read_keep_theirs(shops: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for key in ("a/1", "a/b/1", "a/b/2", "a/c/1", "d/1", "e/1", "f/1"):
        shops.put(key, key)
    shops.run()
    before = shops.uploaded()
    unreadable(monkeypatch, shops.folder / "a/b")
    unreadable(monkeypatch, shops.folder / "e", OSError(5, "Input/output error"))
    report = shops.run("sync")
    assert reasons(report) == {
        "a/b/": "the folder cannot be read (permission denied)",
        "e/": "the folder cannot be read (input/output error)",
    }
    assert shops.uploaded() == before


@pytest.mark.parametrize(("pattern", "said"), [("lost+found/", 0), ("lost+found/**", 0), ("lost+found", 1)])
def test_a_subfolder_that_is_excluded_may_be_unreadable(
    shops: World, monkeypatch: pytest.MonkeyPatch, pattern: str, said: int
) -> None:
    """As `lost+found` at the top of a drive is; a pattern without a slash means files of that name."""
    for key in ("a/1", "a/2", "a/3", "lost+found/1", "lost+found/b/1"):
        shops.put(key, key)
    shops.run()
    shops.set(exclude=(pattern,))
    unreadable(monkeypatch, shops.folder / "lost+found")
    report = shops.run("sync")
    assert (report.refused, report.failed, report.done) == (said, 0, 0)
    assert len(shops.uploaded()) == 5, "whatever it is told, nothing of it is removed"


@pytest.mark.parametrize("renamed", ["stores/a/photos/2.JPG", "stores/a/Photos/2.jpg", "stores/A/photos/2.jpg"])
@pytest.mark.parametrize("mode", ["copy", "sync"])
def test_a_file_that_is_refused_for_the_case_of_its_name_keeps_its_object(
    shops: World, mode: str, renamed: str
) -> None:
    """It is there, and has to be renamed: until then the shop shows its picture."""
    shops.set(rules="stores")
    for number in (1, 2, 3):
        shops.put(f"stores/a/photos/{number}.jpg", photo(number))
    shops.run()
    before = shops.uploaded()
    right, wrong = shops.folder / "stores/a/photos/2.jpg", shops.folder / renamed
    wrong.parent.mkdir(parents=True, exist_ok=True)
    right.rename(wrong)
    report = shops.run(mode)
    assert (list(reasons(report)), report.stale, report.removed) == ([renamed], (), 0)
    assert counts(report) == {"refused": 1, "skipped": 3}
    assert [said for said in report.findings if "stay in the bucket: stores/a/photos/2.jpg." in said]
    assert shops.uploaded() == before
    wrong.rename(right)
    assert (shops.run(mode).ok, shops.uploaded(), shops.aside()) == (True, before, {})


def test_what_is_removed_is_known_no_longer(shops: World) -> None:
    """Neither the ledger nor the cache of hashes grows for ever."""
    shops.fill(3)
    shops.put("large", os.urandom(PART + 1))
    shops.run()
    state = open_store(str(shops.root / "studio"))

    def ledgers() -> bytes:
        return b"".join(state.read(one.key) for one in state.list("state/") if b'"outputs"' in state.read(one.key))

    assert b'"large"' in ledgers()
    (shops.folder / "large").unlink()
    for _ in range(2):
        assert shops.run("sync").ok
    assert b'"large"' not in ledgers()
    cache = Cache.of(str(shops.folder))
    assert [one.key for one in cache.rows()] == ["files/000", "files/001", "files/002"]
    cache.close()


def test_a_link_that_leads_out_keeps_its_own_object_and_no_other(shops: World) -> None:
    shops.fill(5)
    for key in ("b", "b1", "bc"):
        shops.put(key, OLD)
    shops.run()
    for key in ("b", "b1", "bc"):
        (shops.folder / key).unlink()
    (shops.folder / "b").symlink_to("/etc/hostname")
    report = shops.run("sync")
    assert counts(report) == {"done": 2, "refused": 1, "skipped": 5}
    assert {"b", "b1", "bc"} & shops.uploaded().keys() == {"b"}


def test_without_rules_a_file_of_another_case_is_another_file(shops: World) -> None:
    shops.fill(3)
    shops.put("1.jpg", OLD)
    shops.run()
    (shops.folder / "1.jpg").rename(shops.folder / "1.JPG")
    report = shops.run("sync")
    assert (report.ok, counts(report)) == (True, {"done": 2, "skipped": 3})
    assert "1.JPG" in shops.uploaded()
    assert "1.jpg" not in shops.uploaded()
    assert shops.aside() == {"1.jpg": OLD}


@pytest.mark.parametrize(("was", "now"), [("a/1.jpg", "a/1.JPG"), ("a/1.jpg", "A/1.jpg")])
def test_on_a_drive_that_takes_a_name_in_either_case_the_old_one_is_gone_all_the_same(
    shops: World, monkeypatch: pytest.MonkeyPatch, was: str, now: str
) -> None:
    """As most network drives do: asked for `1.jpg` they give `1.JPG`."""
    shops.fill(3)
    shops.put(was, OLD)
    shops.run()
    (shops.folder / was).rename(shops.put(now))
    really = Path.exists

    def exists(path: Path) -> bool:
        inside = path.is_relative_to(shops.folder)
        return really(shops.folder / now if inside and str(path).endswith(was) else path)

    monkeypatch.setattr(Path, "exists", exists)
    report = shops.run("sync")
    assert report.ok, reasons(report)
    assert {now, was} & shops.uploaded().keys() == {now}
    assert shops.aside() == {was: OLD}


def test_a_file_that_is_back_before_its_object_is_removed_keeps_it(shops: World) -> None:
    shops.fill(3)
    shops.run()
    file = shops.folder / "files/001"
    file.unlink()
    manifest = shops.planned("sync")
    file.write_text("back again")
    report = shops.finished(manifest)
    assert counts(report) == {"failed": 1, "skipped": 2}
    assert "there is such a file again" in reasons(report)["files/001"]
    assert shops.uploaded()["files/001"] == b"file 1"
    assert shops.run("sync").ok
    assert shops.uploaded()["files/001"] == b"back again"


def test_when_the_folder_goes_away_after_the_plan_nothing_is_removed(shops: World) -> None:
    shops.fill(5)
    shops.run()
    (shops.folder / "files/001").unlink()
    shops.put("new", NEW)
    manifest = shops.planned("sync")
    shops.folder.rename(shops.root / "elsewhere")
    report = shops.finished(manifest)
    assert report.failed == 2
    assert "is not there any more: nothing is removed; is the drive mounted?" in reasons(report)["files/001"]
    assert len(shops.uploaded()) == 5
    assert shops.aside() == {}
