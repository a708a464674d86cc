"""The nights of a library: what is marked becomes pyramids, and a marker goes only when its pyramid is proven."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from darkroom import keys, worker
from darkroom.plan_folder import PlanFolder
from darkroom.pyramids.validate import inspect
from darkroom.reports import failure_text
from darkroom.settling import settle
from tests import scans as drawings
from tests.night import Library, day, library


@pytest.fixture
def maps(tmp_path: Path) -> Iterator[Library]:
    with library(*(str(tmp_path / name) for name in ("scans", "studio", "images"))) as made:
        yield made


def test_what_is_marked_becomes_proven_pyramids_and_the_markers_go(maps: Library, tmp_path: Path) -> None:
    for key in ("1890/a.jpg", "1890/b #1.png", "c.tif"):
        maps.scan(key)
    maps.mark("1890/a.jpg", "1890/b #1.png")
    report = maps.night()
    assert report.ok, failure_text(report)
    assert (report.planned, report.done) == (2, 2)
    assert maps.pyramids() == ["1890/a.tif", "1890/b #1.tif"]
    assert inspect(tmp_path / "images/1890/a.tif").problems == []
    assert maps.marked() == []
    assert maps.night().planned == 0


def test_one_bad_image_keeps_its_marker_and_stops_no_other(maps: Library, tmp_path: Path) -> None:
    maps.scan("a.jpg")
    maps.scans.write("torn.png", drawings.png_cut_short(tmp_path).read_bytes())
    maps.mark("a.jpg", "torn.png")
    report = maps.night()
    assert not report.ok
    assert report.kinds == {"decode": 1}
    assert "1 of 2 items were refused and 0 failed (decode: 1)" in failure_text(report)
    assert maps.pyramids() == ["a.tif"]
    assert maps.marked() == ["torn.png"]


def test_after_three_days_of_failing_a_marker_is_set_aside_with_its_reason(maps: Library, tmp_path: Path) -> None:
    maps.scans.write("torn.png", drawings.png_cut_short(tmp_path).read_bytes())
    maps.mark("torn.png")
    odd = maps.put_marker("odd.json", b"no JSON")
    for date in ("2026-11-21", "2026-11-21", "2026-11-22"):  # a day counts once
        with day(date):
            maps.night()
    assert maps.marked() == ["torn.png"]
    with day("2026-11-24"):
        report = maps.night()
    assert maps.marked() == []
    assert sum("set aside after 3 days" in finding for finding in report.findings) == 2
    aside = {entry.key: json.loads(maps.studio.read(entry.key)) for entry in maps.studio.list("process-failed/")}
    assert aside.pop(keys.set_aside(odd))["content"] == "no JSON"
    (said,) = aside.values()
    assert said["key"] == "torn.png"
    assert said["failedOn"] == ["2026-11-21", "2026-11-22", "2026-11-24"]
    assert "it cannot be decoded" in said["reason"]
    with day("2026-11-25"):
        assert maps.night().planned == 0


def test_a_delivery_that_works_makes_the_failures_before_it_forgotten(maps: Library, tmp_path: Path) -> None:
    maps.scans.write("a.png", drawings.png_cut_short(tmp_path).read_bytes())
    maps.mark("a.png")
    for date in ("2026-11-21", "2026-11-22"):
        with day(date):
            maps.night()
    maps.scan("a.png")
    with day("2026-11-23"):
        assert maps.night().ok
    maps.scans.write("a.png", drawings.png_cut_short(tmp_path).read_bytes())
    maps.mark("a.png")
    with day("2026-11-24"):
        maps.night()
    assert maps.marked() == ["a.png"]


def test_a_marker_that_changed_since_the_plan_stays(maps: Library) -> None:
    maps.scan("a.jpg")
    maps.mark("a.jpg")
    manifest = maps.plan()
    maps.mark("a.jpg", etag="another")
    report = maps.finish(manifest)
    assert report.done == 1
    assert any("it changed since the plan, and stays" in finding for finding in report.findings)
    assert maps.marked() == ["a.jpg"]


def test_an_image_that_changed_since_the_plan_waits_for_the_next_night(maps: Library) -> None:
    maps.scan("a.jpg")
    maps.mark("a.jpg")
    manifest = maps.plan()
    maps.scan("a.jpg", 120, 100)
    report = maps.finish(manifest)
    said = "changed since plan: another version of it is there now; clear plan in Airflow, or run the command again"
    assert f"- {said}: maps/a.jpg (failed)" in failure_text(report)
    assert maps.pyramids() == []
    assert maps.marked() == ["a.jpg"]
    assert maps.night().ok


def test_two_markers_of_one_image_are_one_pyramid_and_both_go(maps: Library) -> None:
    maps.scan("a.jpg")
    maps.mark("a.jpg")
    maps.put_marker("from-elsewhere.json", {"key": "a.jpg", "eTag": "1", "somebody": "else"})
    report = maps.night()
    assert (report.planned, report.done) == (1, 1)
    assert maps.marked() == []


def test_two_images_of_one_name_in_two_folders_are_two_pyramids(maps: Library) -> None:
    for key in ("1890/a.jpg", "1891/a.jpg"):
        maps.scan(key)
    maps.mark("1890/a.jpg", "1891/a.jpg")
    assert maps.night().done == 2
    assert maps.pyramids() == ["1890/a.tif", "1891/a.tif"]


def test_a_marker_says_where_its_pyramid_goes(maps: Library) -> None:
    maps.scan("in/a.jpg")
    maps.mark("in/a.jpg", path="/public/maps/")
    maps.night()
    assert maps.pyramids() == ["public/maps/a.tif"]


def test_a_marked_image_that_is_as_it_was_is_not_made_again_and_its_marker_goes(maps: Library) -> None:
    maps.scan("a.jpg")
    maps.mark("a.jpg")
    maps.night()
    made = maps.images.head("a.tif")
    maps.mark("a.jpg")
    report = maps.night()
    assert (report.planned, report.skipped, report.done) == (1, 1, 0)
    assert maps.images.head("a.tif") == made
    assert maps.marked() == []
    maps.mark("a.jpg")
    assert maps.night(mode="all").done == 1
    assert maps.images.head("a.tif") != made


def test_what_somebody_put_at_a_pyramids_place_is_left_alone(maps: Library) -> None:
    maps.scan("a.jpg")
    maps.mark("a.jpg")
    maps.night()
    maps.images.write("a.tif", b"something else")
    maps.mark("a.jpg")
    report = maps.night()
    assert "a.tif stands there and is not what Darkroom made; move it away" in failure_text(report)
    assert maps.images.read("a.tif") == b"something else"
    assert maps.marked() == ["a.jpg"]


def test_what_somebody_overwrites_before_it_is_proven_keeps_its_marker(maps: Library) -> None:
    maps.scan("a.jpg")
    maps.mark("a.jpg")
    manifest = maps.plan()
    worker.run_job(manifest.jobs[0].uri, workers=1)
    maps.images.write("a.tif", b"something else")
    settle(PlanFolder.at(manifest.uri))
    report = maps.finish(manifest)
    assert "not proven: a.tif: other bytes than were written stand there now" in failure_text(report)
    assert maps.marked() == ["a.jpg"]


def test_what_is_protected_is_shown_small_until_somebody_says_otherwise(maps: Library, tmp_path: Path) -> None:
    maps.scan("a.jpg", 1800, 1200)
    maps.mark("a.jpg", copyright="Copyright")
    maps.night()
    assert inspect(tmp_path / "images/a.tif").levels[0] == (840, 560)
    maps.scan("a.jpg", 1600, 1200)
    maps.mark("a.jpg")  # as an upload's marker, which knows nothing of it
    maps.night()
    assert inspect(tmp_path / "images/a.tif").levels[0] == (747, 560)
    maps.night(mode="all")
    assert inspect(tmp_path / "images/a.tif").levels[0] == (747, 560)
    maps.mark("a.jpg", copyright="public domain")
    maps.night()
    assert inspect(tmp_path / "images/a.tif").levels[0] == (1600, 1200)


def test_a_pdf_lies_beside_its_pyramid(maps: Library) -> None:
    maps.scans.write("papers/a.pdf", drawings.pdf())
    maps.mark("papers/a.pdf")
    assert maps.night().outputs == 2
    assert maps.pyramids() == ["papers/a.pdf", "papers/a.tif"]
    assert maps.images.read("papers/a.pdf") == maps.scans.read("papers/a.pdf")


def test_pages_that_are_left_out_are_reported(maps: Library) -> None:
    stack = drawings.stacked(drawings.picture(90, 70), 3)
    maps.scans.write("a.tif", stack.tiffsave_buffer(page_height=70))
    maps.mark("a.tif")
    assert maps.night().findings == ("maps/a.tif: It has 3 pages; only the first one is shown.",)


def test_mode_plan_says_what_would_be_done_and_changes_nothing(maps: Library, tmp_path: Path) -> None:
    maps.scan("a.jpg")
    maps.scans.write("torn.png", drawings.png_cut_short(tmp_path).read_bytes())
    maps.mark("a.jpg", "torn.png")
    maps.put_marker("odd.json", b"no JSON")
    report = maps.night(mode="plan")
    assert (report.planned, report.todo, report.refused) == (3, 2, 1)
    assert maps.pyramids() == []
    assert maps.marked() == ["a.jpg", "torn.png"]
    assert not list(maps.studio.list("state/"))


def test_only_what_is_asked_for_is_made_and_the_rest_waits(maps: Library) -> None:
    for key in ("1890/a.jpg", "1890/b.tif", "1891/c.jpg", "1891/d.jpg"):
        maps.scan(key)
    maps.mark("1890/a.jpg", "1890/b.tif", "1891/c.jpg", "1891/d.jpg")
    assert maps.night(prefixes=["1890/"], extensions=["TIF"]).planned == 1
    report = maps.night(limit=2)
    assert report.done == 2
    assert "1 more images wait for the next run (limit)." in report.findings
    assert maps.marked() == ["1891/d.jpg"]
    assert maps.night().done == 1


def test_a_backfill_makes_what_changed_in_its_interval_and_touches_no_marker(maps: Library, tmp_path: Path) -> None:
    for number, key in enumerate(("a.jpg", "b.jpg", "c.jpg")):
        maps.scan(key)
        when = datetime(2026, 11, 20 + number, 12, tzinfo=UTC).timestamp()
        os.utime(tmp_path / "scans" / key, (when, when))
    maps.scans.write("torn.png", drawings.png_cut_short(tmp_path).read_bytes())
    os.utime(tmp_path / "scans/torn.png", (when, when))
    maps.mark("b.jpg", "c.jpg", "torn.png")
    odd = maps.put_marker("odd.json", b"no JSON")
    report = maps.night(since="2026-11-21T00:00:00Z", until="2026-11-23T00:00:00Z")
    assert "2026-11-21 00:00 to 2026-11-23 00:00 UTC" in report.title
    assert (report.planned, report.done, report.refused) == (3, 2, 1)
    assert maps.pyramids() == ["b.tif", "c.tif"]
    assert maps.marked() == ["b.jpg", "c.jpg", "torn.png"]
    assert maps.studio.head(odd) is not None
    assert not list(maps.studio.list("state/pyramids/failed"))
    assert maps.night(since="2026-11-21T00:00:00Z", until="2026-11-23T00:00:00Z").skipped == 2


def test_mode_all_makes_every_image_of_the_sources(maps: Library) -> None:
    for key in ("a.jpg", "b.png", "notes.txt"):
        maps.scan(key)
    maps.mark("a.jpg")
    report = maps.night(mode="all")
    assert (report.planned, report.done) == (2, 2)
    assert maps.marked() == []


def test_kill_in_the_middle_redoes_only_the_rest(maps: Library, tmp_path: Path) -> None:
    names, scan = [f"{number}.png" for number in range(60)], drawings.picture(2000, 1500).pngsave_buffer()
    for name in names:
        maps.scans.write(name, scan)
    maps.mark(*names)
    manifest = maps.plan()
    command = [sys.executable, "-m", "darkroom", "job", "run", manifest.jobs[0].uri, "--workers", "1"]
    environment = {**os.environ, "TMPDIR": str(tmp_path / "temporary")}
    (tmp_path / "temporary").mkdir()
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    outcomes = PlanFolder.at(manifest.uri).outcomes
    while not outcomes(1).latest and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    kept = outcomes(1).latest
    assert 0 < len(kept) < len(names)
    before = {key: maps.images.head(key) for key in maps.pyramids()}
    assert subprocess.run(command, env=environment, check=False, capture_output=True).returncode == 0
    assert not list((tmp_path / "temporary").glob("darkroom-*")), "what the killed one left is gone as well"
    assert all(maps.images.head(outcome.outputs[0].key) == before[outcome.outputs[0].key] for outcome in kept.values())
    assert maps.finish(manifest).done == len(names)
    assert maps.marked() == []


def test_the_report_shows_the_pyramids(maps: Library) -> None:
    maps.scan("a.jpg", 900, 700)
    maps.mark("a.jpg")
    manifest = maps.plan()
    maps.finish(manifest)
    page = PlanFolder.at(manifest.uri).read(keys.REPORT_HTML).decode()
    assert '<img src="data:image/webp;base64,UklGR' in page
    assert ">a.tif</figure>" in page
