"""The ingest from a Dropbox: what its cursors tell, what breaks off, and other sources beside it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from darkroom import keys
from darkroom.ingest import fetch
from darkroom.reports import failure_text
from darkroom.settings import settings
from tests.ingest_world import Studio, render
from tests.servers.dropbox import FakeDropbox
from tests.servers.dropbox_faults import Cut, Meanwhile, Twisted

T1, B1 = "t1_neckline_front", "b1_bottom_front"
DOWNLOAD, LIST = "files/download", "files/list_folder"

pytestmark = pytest.mark.usefixtures("quick_ingest")


@pytest.fixture
def dropbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeDropbox]:
    with FakeDropbox(tmp_path) as server:
        for colour in range(4):
            server.put(f"/Tiny/{T1}_{colour:04d}.png", render(T1, colour))
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture
def boxed(tmp_path: Path, dropbox: FakeDropbox) -> Studio:
    return Studio(tmp_path, "dropbox:/Tiny")


def test_a_backfill_makes_proxies_again_and_nothing_else(boxed: Studio, dropbox: FakeDropbox) -> None:
    boxed.ingest()
    cursor, raw = boxed.cursor(), boxed.raw()
    boxed.store.delete(f"renders/caddy/tiny/t1/{T1}_0001.png")
    dropbox.remove(f"/Tiny/{T1}_0002.png")
    before = len(dropbox.got)
    report = boxed.again("2000-01-01T00:00:00Z", "2100-01-01T00:00:00Z")
    assert (report.ok, report.done) == (True, 4), failure_text(report)
    assert len(boxed.proxies()) == 4
    assert (boxed.cursor(), boxed.raw(), len(dropbox.got)) == (cursor, raw, before)
    assert boxed.again("2000-01-01T00:00:00Z", "2001-01-01T00:00:00Z").planned == 0


def test_dropbox_is_asked_only_for_what_changed(boxed: Studio, dropbox: FakeDropbox) -> None:
    assert boxed.ingest().done == 4
    first = boxed.cursor()
    assert first
    listings = len(dropbox.asked(LIST))
    dropbox.put(f"/Tiny/{T1}_0001.png", render(T1, 11))
    dropbox.rename(f"/Tiny/{T1}_0002.png", f"/Tiny/{T1}_0012.png")
    dropbox.remove(f"/Tiny/{T1}_0003.png")
    report = boxed.ingest()
    assert (report.ok, report.done, report.skipped) == (True, 2, 1), failure_text(report)
    assert len(dropbox.asked(LIST)) == listings, "no listing from the start"
    assert set(boxed.raw()) == {f"{T1}_{number:04d}.png" for number in (0, 1, 12)}
    assert boxed.raw()[f"{T1}_0001.png"] == render(T1, 11)
    assert len(boxed.aside()) == 2
    assert boxed.cursor() != first


def test_a_rename_by_case_only_is_a_rename(boxed: Studio, dropbox: FakeDropbox) -> None:
    boxed.ingest()
    dropbox.rename(f"/Tiny/{T1}_0000.png", f"/Tiny/{T1.upper()}_0000.png")
    assert boxed.ingest().ok
    assert f"{T1.upper()}_0000.png" in boxed.raw()
    assert f"{T1}_0000.png" not in boxed.raw()
    assert len(boxed.proxies()) == 4


def test_a_reset_cursor_starts_over_and_still_sees_what_vanished(boxed: Studio, dropbox: FakeDropbox) -> None:
    boxed.ingest()
    dropbox.remove(f"/Tiny/{T1}_0003.png")
    dropbox.put(f"/Tiny/{T1}_0004.png", render(T1, 4))
    dropbox.reset_cursors()
    report = boxed.ingest()
    assert (report.ok, report.done) == (True, 1), failure_text(report)
    assert set(boxed.raw()) == {f"{T1}_{number:04d}.png" for number in (0, 1, 2, 4)}


def test_the_cursor_waits_for_what_could_not_be_fetched(boxed: Studio, dropbox: FakeDropbox) -> None:
    boxed.ingest()
    cursor = boxed.cursor()
    dropbox.put(f"/Tiny/{T1}_0004.png", render(T1, 4))
    dropbox.fault(DOWNLOAD, *[Twisted(lambda data: b"x" + data[1:])] * 10)
    report = boxed.ingest()
    assert (report.ok, report.failed) == (False, 1)
    assert boxed.cursor() == cursor
    assert f"{T1}_0004.png" not in boxed.raw()
    dropbox.faults[DOWNLOAD].clear()
    assert boxed.ingest().done == 1
    assert boxed.cursor() != cursor


def test_what_is_gone_stays_until_what_it_is_called_now_could_be_fetched(boxed: Studio, dropbox: FakeDropbox) -> None:
    boxed.ingest()
    dropbox.rename(f"/Tiny/{T1}_0000.png", f"/Tiny/{T1}_0005.png")
    dropbox.fault(DOWNLOAD, *[Twisted(lambda data: b"x" + data[1:])] * 10)
    assert boxed.ingest().failed == 1
    assert (len(boxed.raw()), len(boxed.proxies()), boxed.aside()) == (4, 4, {})
    dropbox.faults[DOWNLOAD].clear()
    assert boxed.ingest().ok
    assert len(boxed.raw()) == 4
    assert [key.rpartition("/")[2] for key in boxed.aside()] == [f"{T1}_0000.png"]


def test_the_cursor_moves_past_a_broken_render_that_is_delivered(boxed: Studio, dropbox: FakeDropbox) -> None:
    boxed.ingest()
    cursor = boxed.cursor()
    dropbox.put(f"/Tiny/{T1}_0004.png", b"no PNG")
    assert boxed.ingest().refused == 1
    assert boxed.cursor() != cursor
    assert boxed.raw()[f"{T1}_0004.png"] == b"no PNG"


def test_the_cursor_waits_for_a_file_that_waits(
    boxed: Studio, dropbox: FakeDropbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    boxed.ingest()
    cursor = boxed.cursor()
    dropbox.put(f"/Tiny/{T1}_0004.png", render(T1, 4))
    monkeypatch.setenv("DARKROOM_INGEST_QUIET", "60")
    settings.cache_clear()
    assert boxed.ingest().ok
    assert boxed.cursor() == cursor
    monkeypatch.setenv("DARKROOM_INGEST_QUIET", "0")
    settings.cache_clear()
    assert boxed.ingest().done == 1
    assert boxed.cursor() != cursor


def test_the_cursor_waits_for_removals_that_are_too_many(boxed: Studio, dropbox: FakeDropbox) -> None:
    boxed.ingest()
    cursor = boxed.cursor()
    for colour in range(3):
        dropbox.remove(f"/Tiny/{T1}_{colour:04d}.png")
    assert not boxed.ingest().ok
    assert (len(boxed.raw()), boxed.cursor()) == (4, cursor)
    assert boxed.ingest(max_delete="100%").ok
    assert set(boxed.raw()) == {f"{T1}_0003.png"}
    assert boxed.cursor() != cursor


def test_a_raw_render_that_somebody_removed_is_fetched_again(boxed: Studio) -> None:
    boxed.ingest()
    boxed.store.delete(f"renders/raw/tiny/{T1}_0000.png")
    report = boxed.ingest()
    assert (report.done, report.skipped) == (1, 3)
    assert f"{T1}_0000.png" in boxed.raw()


def test_a_proxy_that_somebody_removed_is_made_again_of_the_raw_render(boxed: Studio, dropbox: FakeDropbox) -> None:
    boxed.ingest()
    fetched = len(dropbox.asked(DOWNLOAD))
    before = boxed.proxies()
    boxed.store.delete(f"renders/caddy/tiny/t1/{T1}_0000.png")
    report = boxed.ingest()
    assert (report.ok, report.done, report.skipped) == (True, 1, 3), failure_text(report)
    assert (boxed.proxies(), len(dropbox.asked(DOWNLOAD))) == (before, fetched)


def test_a_large_file_goes_on_where_the_connection_broke(
    boxed: Studio, dropbox: FakeDropbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setattr(fetch, "SMALL", 1000)
    data = os.urandom(600_000)
    dropbox.put("/Tiny/scene.blend", data)
    dropbox.fault(DOWNLOAD, Cut(300_000))
    assert boxed.ingest().ok
    assert boxed.raw()["scene.blend"] == data
    assert list((tmp_path / f"darkroom-ingest-{os.getuid()}").iterdir()) == []


def test_a_file_that_changes_while_it_is_fetched_is_the_planned_revision_or_fails(
    boxed: Studio, dropbox: FakeDropbox
) -> None:
    boxed.ingest()
    dropbox.put(f"/Tiny/{T1}_0004.png", render(T1, 4))
    dropbox.fault(DOWNLOAD, Meanwhile(lambda: dropbox.put(f"/Tiny/{T1}_0004.png", render(T1, 5))))
    boxed.ingest()
    boxed.ingest()
    assert boxed.raw()[f"{T1}_0004.png"] == render(T1, 5)
    report = boxed.ingest()
    assert (report.ok, report.done) == (True, 0)


def test_another_dropbox_folder_is_listed_from_the_start(boxed: Studio, dropbox: FakeDropbox) -> None:
    boxed.ingest()
    for colour in range(4):
        dropbox.put(f"/Other/{T1}_{colour:04d}.png", render(T1, 20 + colour))
    boxed.source = "dropbox:/Other"
    report = boxed.ingest()
    assert (report.ok, report.done) == (True, 4), failure_text(report)
    assert boxed.raw()[f"{T1}_0003.png"] == render(T1, 23)


@pytest.mark.parametrize(("there", "waiting", "aside"), [((3, 4), False, 3), ((3, 4), True, 0), ((), False, 4)])
def test_after_a_run_from_another_source_all_comes_from_the_first_again(
    boxed: Studio,
    dropbox: FakeDropbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    there: tuple[int, ...],
    waiting: bool,
    aside: int,
) -> None:
    """What such a run set aside is no change in Dropbox, whose cursor would never tell of it."""
    boxed.ingest()
    once = tmp_path / "once"
    once.mkdir()
    for colour in there:
        (once / f"{T1}_{colour:04d}.png").write_bytes(render(T1, 30 + colour))
    monkeypatch.setenv("DARKROOM_INGEST_QUIET", "60" if waiting else "0")
    settings.cache_clear()
    boxed.source = str(once)
    boxed.ingest(max_delete="100%")
    assert len(boxed.aside()) == aside
    monkeypatch.setenv("DARKROOM_INGEST_QUIET", "0")
    settings.cache_clear()
    boxed.source = "dropbox:/Tiny"
    assert boxed.ingest().ok
    assert boxed.raw() == {f"{T1}_{colour:04d}.png": render(T1, colour) for colour in range(4)}
    assert boxed.cursor()


def test_after_a_lost_ledger_everything_is_looked_at_and_known_again(boxed: Studio, dropbox: FakeDropbox) -> None:
    boxed.ingest()
    known = set(boxed.known())
    for entry in list(boxed.store.list(keys.ingest_ledgers("tiny"))):
        boxed.store.write(entry.key, b"{")
    dropbox.remove(f"/Tiny/{T1}_0003.png")
    report = boxed.ingest()
    assert (report.ok, report.done) == (True, 3), failure_text(report)
    assert set(boxed.known()) == {key for key in known if f"{T1}_0003" not in key}


def test_a_kill_after_the_ledgers_of_a_run_from_another_source_leaves_no_cursor_that_is_believed(
    boxed: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    boxed.ingest()
    (tmp_path / "once").mkdir()
    (tmp_path / "once" / f"{T1}_0003.png").write_bytes(render(T1, 33))
    boxed.source = str(tmp_path / "once")
    with monkeypatch.context() as killed:
        killed.setattr("darkroom.ingest.release.IngestRelease.end", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            boxed.ingest()
    for entry in list(boxed.store.list("state/leases/")):
        boxed.store.delete(entry.key)
    boxed.source = "dropbox:/Tiny"
    assert boxed.ingest().ok
    assert boxed.raw()[f"{T1}_0003.png"] == render(T1, 3)


def test_each_folder_of_a_style_has_its_cursor_and_a_missing_one_is_said(boxed: Studio, dropbox: FakeDropbox) -> None:
    boxed.name_folders("new", "old", "old/more")
    dropbox.put(f"/Tiny/old/{T1}_0000.png", render(T1, 0))
    dropbox.put(f"/Tiny/older/{T1}_0009.png", render(T1, 9))
    dropbox.put(f"/Tiny/old/more/{T1}_0001.png", render(T1, 1))
    report = boxed.ingest()
    assert (report.ok, report.done) == (True, 2), failure_text(report)
    assert "tiny: nothing lies in dropbox:/Tiny/new." in report.findings
    assert [bool(boxed.cursor(folder)) for folder in boxed.folders] == [False, True, False], "of the outermost"
    dropbox.put(f"/Tiny/new/{T1}_0000.png", render(T1, 5))
    dropbox.put(f"/Tiny/new/{T1}_0002.png", render(T1, 2))
    report = boxed.ingest()
    assert (report.ok, report.done, report.skipped) == (True, 2, 2), failure_text(report)
    assert boxed.store.read(f"renders/caddy/tiny/t1/{T1}_0000.png")
    dropbox.remove("/Tiny/old")
    report = boxed.ingest()
    assert report.ok, failure_text(report)
    assert set(boxed.raw()) == {f"new/{T1}_0000.png", f"new/{T1}_0002.png"}
    assert set(boxed.proxies()) == {f"t1/{T1}_0000.png", f"t1/{T1}_0002.png"}


def test_a_broken_render_is_tried_again_by_another_recipe(
    boxed: Studio, dropbox: FakeDropbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    dropbox.put(f"/Tiny/{T1}_0000.png", b"no PNG")
    assert boxed.ingest().refused == 1
    assert boxed.ingest().ok
    monkeypatch.setattr("darkroom.ingest.profiles.RECIPE_VERSION", 2)
    report = boxed.ingest()
    assert (report.done, report.refused) == (3, 1)
    assert len(dropbox.asked(DOWNLOAD)) == 4, "made from the raw renders"


@pytest.mark.parametrize("name", ["notes.paper", "x" * 260 + ".png"])
def test_what_cannot_be_had_or_held_is_named_by_every_run_until_it_is_mended(
    boxed: Studio, dropbox: FakeDropbox, name: str
) -> None:
    boxed.ingest()
    cursor = boxed.cursor()
    dropbox.put_document(f"/Tiny/{name}") if name.endswith("paper") else dropbox.put(f"/Tiny/{name}", b"long")
    for _ in range(2):
        report = boxed.ingest()
        assert (report.ok, report.refused) == (False, 1)
        assert name in failure_text(report)
        assert boxed.cursor() == cursor
    dropbox.remove(f"/Tiny/{name}")
    assert boxed.ingest().ok
    assert boxed.cursor() != cursor
