"""Others at the same bucket: what they write, remove or are at work on while a sync runs is theirs."""

from typing import Any

import pytest

from darkroom import leases
from darkroom.errors import Busy
from darkroom.leases import Holder
from darkroom.store import open_store
from darkroom.sync import transfer as uploading
from darkroom.sync.transfer import Line
from tests.sync_world import World, contents, counts, reasons

OLD, NEW, THEIRS = b"the old photo" * 40, b"the new photo" * 50, b"somebody else's"


def test_what_somebody_writes_after_the_plan_is_not_touched(shops: World) -> None:
    for key in ("changed", "gone", "left", "more"):
        shops.put(key, OLD)
    shops.run()
    shops.put("changed", NEW)
    shops.put("new", NEW)
    (shops.folder / "gone").unlink()
    manifest = shops.planned("sync")
    for key in ("changed", "new", "gone"):
        shops.target.write(key, THEIRS)
    report = shops.finished(manifest)
    assert counts(report) == {"failed": 3, "skipped": 2}
    for key in ("changed", "new", "gone"):
        assert "somebody else wrote it since the plan, and nothing of theirs was touched" in reasons(report)[key]
    assert shops.uploaded() == {"changed": THEIRS, "new": THEIRS, "gone": THEIRS, "left": OLD, "more": OLD}
    assert shops.run("sync").ok
    assert shops.uploaded() == {"changed": NEW, "new": NEW, "left": OLD, "more": OLD}
    assert set(shops.aside().values()) == {THEIRS}


def test_what_somebody_writes_between_the_look_and_the_write_is_not_touched(
    shops: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    shops.put("a", OLD)
    shops.run()
    shops.put("a", NEW)
    shops.put("new", NEW)
    writing = Line._written

    def then(line: Line, *given: Any) -> Any:
        shops.target.write(given[0].key, THEIRS)
        return writing(line, *given)

    with monkeypatch.context() as patch:
        patch.setattr(Line, "_written", then)
        report = shops.run()
    assert counts(report) == {"failed": 2}
    assert all("somebody else wrote it since the plan" in reason for reason in reasons(report).values())
    assert shops.uploaded() == {"a": THEIRS, "new": THEIRS}
    assert shops.aside() == {"a": OLD}
    assert shops.run().ok
    assert shops.uploaded() == {"a": NEW, "new": NEW}
    assert {OLD, THEIRS} == set(shops.aside().values())


def test_what_somebody_writes_between_the_look_and_putting_it_aside_is_not_touched(
    shops: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    shops.fill(3)
    shops.run()
    shops.put("files/000", NEW)
    (shops.folder / "files/001").unlink()
    setting = uploading.Aside.set_aside

    def then(aside: Any, stands: Any) -> Any:
        shops.target.write(stands.key, THEIRS)
        return setting(aside, stands)

    with monkeypatch.context() as patch:
        patch.setattr(uploading.Aside, "set_aside", then)
        report = shops.run("sync")
    assert counts(report) == {"failed": 2, "skipped": 1}
    assert all("another object stands there now" in reason for reason in reasons(report).values())
    assert shops.uploaded() == {"files/000": THEIRS, "files/001": THEIRS, "files/002": b"file 2"}
    assert shops.aside() == {}


def test_what_somebody_writes_between_putting_it_aside_and_removing_it_is_not_removed(
    shops: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    shops.fill(3)
    shops.run()
    (shops.folder / "files/001").unlink()
    setting = uploading.Aside.set_aside

    def then(aside: Any, stands: Any) -> Any:
        output = setting(aside, stands)
        shops.target.write(stands.key, THEIRS)
        return output

    with monkeypatch.context() as patch:
        patch.setattr(uploading.Aside, "set_aside", then)
        report = shops.run("sync")
    assert counts(report) == {"failed": 1, "skipped": 2}
    assert shops.uploaded()["files/001"] == THEIRS


def test_what_somebody_removed_after_the_plan_is_gone_and_no_failure(shops: World) -> None:
    shops.fill(3)
    shops.run()
    (shops.folder / "files/001").unlink()
    manifest = shops.planned("sync")
    shops.target.delete("files/001")
    report = shops.finished(manifest)
    assert (report.ok, shops.aside()) == (True, {})


@pytest.mark.parametrize("at", ["before it is put aside", "before it is removed"])
def test_what_somebody_removes_while_it_is_removed_is_gone_and_no_failure(
    shops: World, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    shops.fill(3)
    shops.run()
    (shops.folder / "files/001").unlink()
    setting = uploading.Aside.set_aside

    def then(aside: Any, stands: Any) -> Any:
        if at == "before it is put aside":
            shops.target.delete(stands.key)
        output = setting(aside, stands)
        shops.target.delete(stands.key)
        return output

    with monkeypatch.context() as patch:
        patch.setattr(uploading.Aside, "set_aside", then)
        report = shops.run("sync")
    assert (counts(report), report.removed) == ({"done": 1, "skipped": 2}, 1), reasons(report)
    assert shops.aside() == ({} if at == "before it is put aside" else {"files/001": b"file 1"})
    assert counts(shops.run("sync")) == {"skipped": 2}


def test_where_somebody_removed_what_was_to_be_replaced_the_file_goes_up_all_the_same(shops: World) -> None:
    shops.put("a", OLD)
    shops.run()
    shops.put("a", NEW)
    manifest = shops.planned()
    shops.target.delete("a")
    report = shops.finished(manifest)
    assert (counts(report), shops.uploaded(), shops.aside()) == ({"done": 1}, {"a": NEW}, {})


def test_what_was_put_aside_before_is_never_written_over(shops: World) -> None:
    shops.put("a", "one")
    shops.run()
    shops.put("a", "two")
    shops.run()
    (key,) = [entry.key for entry in shops.bucket.list("removed/")]
    shops.bucket.write(key, THEIRS)  # whoever it was
    shops.put("a", "three")
    assert shops.run().ok
    assert sorted(shops.aside().values()) == sorted([THEIRS, b"two"])


# two runs at once


def test_a_second_run_of_one_target_is_told_who_is_at_work(shops: World, monkeypatch: pytest.MonkeyPatch) -> None:
    shops.put("a", OLD)
    said: list[tuple[int, str]] = []
    doing = Line.do

    def then(line: Line, item: Any) -> Any:
        other = shops.command()
        text, _ = other.communicate(timeout=60)
        said.append((other.returncode, text))
        return doing(line, item)

    with monkeypatch.context() as patch:
        patch.setattr(Line, "do", then)
        assert shops.run().ok
    ((code, text),) = said
    assert code == 70
    assert "sync, run shops is at work on it" in text
    assert shops.command().wait(60) == 0


def test_a_profile_of_another_name_waits_for_its_target_too(shops: World) -> None:
    state, subject = open_store(str(shops.root / "studio")), shops.target.uri
    leases.take(state, "sync", [subject], Holder("local_s3_sync, run today"))
    shops.put("a", OLD)
    shops.set(name="another")
    for mode in ("copy", "sync"):
        with pytest.raises(Busy, match="local_s3_sync, run today is at work on it"):
            shops.run(mode)
    assert counts(shops.run("plan")) == {"todo": 1}, "looking is free"
    assert contents(shops.bucket) == {}
