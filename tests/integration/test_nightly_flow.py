"""The nights of a library: what is marked becomes pyramids, and a marker goes only when its pyramid is proven."""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from darkroom import flows, keys, worker
from darkroom.errors import BadInput
from darkroom.jobs import PlanFolder
from darkroom.pyramids import work
from darkroom.pyramids.batch import make_pyramids
from darkroom.pyramids.validate import inspect
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
    assert report.ok, report.failure_text()
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
    assert "1 of 2 items were refused and 0 failed (decode: 1)" in report.failure_text()
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
    assert "failed: changed since plan" in report.failure_text()
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


def test_images_that_would_have_one_pyramid_are_both_refused_and_both_named(maps: Library) -> None:
    for key in ("a.jpg", "a.png", "b.jpg", "a.txt"):
        maps.scan(key)
    maps.mark("a.jpg", "a.png", "b.jpg")
    report = maps.night()
    assert {item.item: item.reason for item in report.not_done} == {
        "maps/a.jpg": "a.png beside it would have the same pyramid, a.tif",
        "maps/a.png": "a.jpg beside it would have the same pyramid, a.tif",
    }
    assert maps.pyramids() == ["b.tif"]


def test_an_image_that_takes_the_place_of_one_that_is_gone_is_made(maps: Library) -> None:
    maps.scan("a.png")
    maps.mark("a.png", "a.jpg")
    report = maps.night()
    assert [item.item for item in report.not_done] == ["maps/a.jpg"]
    assert maps.pyramids() == ["a.tif"]


def test_an_image_beside_it_counts_although_only_one_is_marked(maps: Library) -> None:
    maps.scan("a.jpg")
    maps.scan("a.png")
    maps.mark("a.png")
    assert "a.jpg beside it would have the same pyramid" in maps.night().failure_text()
    assert maps.night(extensions=["png"]).ok, "who asks for PNGs only has said which one it is"


@pytest.mark.parametrize(
    ("marker", "reason"),
    [
        (b"no JSON", "it is no marker: Invalid JSON"),
        (b"[1]", "it is no marker: "),
        (b"x" * 70_000, "it has 70,000 bytes, which no marker has"),
        ({"path": "a"}, "it is no marker: key: Field required"),
        ({"key": "gone.jpg"}, "it is not there: "),
        ({"key": "../../etc/passwd"}, "its key or path is none: it leaves its folder with '..'"),
        ({"key": "a.jpg", "path": "../../public"}, "its key or path is none: it leaves its folder with '..'"),
        ({"key": "a\u0000.jpg"}, "its key or path is none: it has characters that cannot be printed"),
    ],
)
def test_a_hostile_marker_is_refused_with_a_reason_and_stops_no_other(
    maps: Library, marker: Any, reason: str, tmp_path: Path
) -> None:
    maps.scan("a.jpg")
    maps.mark("a.jpg")
    odd = maps.put_marker("odd.json", marker)
    report = maps.night()
    assert reason in report.failure_text()
    assert maps.pyramids() == ["a.tif"]
    assert maps.studio.head(odd) is not None
    assert {path.name for path in tmp_path.iterdir()} == {"scans", "studio", "images"}


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


def test_a_pyramid_that_somebody_replaced_is_made_again(maps: Library) -> None:
    maps.scan("a.jpg")
    maps.mark("a.jpg")
    maps.night()
    maps.images.write("a.tif", b"something else")
    maps.mark("a.jpg")
    assert maps.night().done == 1


def test_what_somebody_overwrites_before_it_is_proven_keeps_its_marker(maps: Library) -> None:
    maps.scan("a.jpg")
    maps.mark("a.jpg")
    manifest = maps.plan()
    worker.run_job(manifest.jobs[0].uri, workers=1)
    maps.images.write("a.tif", b"something else")
    flows.get("pyramids").settle(PlanFolder.at(manifest.uri))
    report = maps.finish(manifest)
    assert "not proven: a.tif is another object than was written" in report.failure_text()
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


def test_a_pdf_lies_beside_its_pyramid(maps: Library, tmp_path: Path) -> None:
    maps.scans.write("papers/a.pdf", drawings.good(tmp_path)["pdf"].read_bytes())
    maps.mark("papers/a.pdf")
    assert maps.night().outputs == 2
    assert maps.pyramids() == ["papers/a.pdf", "papers/a.tif"]
    assert maps.images.read("papers/a.pdf") == maps.scans.read("papers/a.pdf")


def test_a_source_among_the_images_is_not_replaced_by_its_pyramid(tmp_path: Path) -> None:
    with library(str(tmp_path / "both"), str(tmp_path / "studio"), str(tmp_path / "both")) as maps:
        maps.scan("a.tif")
        maps.scan("b.jpg")
        maps.mark("a.tif", "b.jpg")
        before = maps.scans.head("a.tif")
        report = maps.night()
        assert "its pyramid would take its place" in report.failure_text()
        assert maps.scans.head("a.tif") == before
        assert maps.pyramids() == ["a.tif", "b.jpg", "b.tif"]


def test_scans_and_pyramids_may_share_a_bucket(tmp_path: Path) -> None:
    with library(str(tmp_path / "both"), str(tmp_path / "studio"), str(tmp_path / "both")) as maps:
        maps.scan("b.jpg")
        maps.mark("b.jpg")
        assert maps.night().done == 1
        maps.scan("b.jpg", 120, 100)
        maps.mark("b.jpg", "b.tif")  # the queue tells of the pyramid's upload as well
        report = maps.night()
        assert (report.ok, report.done, report.skipped) == (True, 1, 1)
        assert maps.marked() == []
        assert maps.night(mode="all").planned == 1
        maps.scan("c.jpg")
        maps.scan("c.tif")
        maps.mark("c.jpg")
        assert "c.tif beside it would have the same pyramid" in maps.night().failure_text()


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


def test_a_request_that_cannot_be_lists_every_reason(maps: Library) -> None:
    with pytest.raises(BadInput) as refused:
        maps.plan(sources=["photos"], profile="jpeg2000", limit=1)
    assert refused.value.problems == [
        "sources: 'photos' is no source; there are maps (DARKROOM_SCAN_SOURCES, DARKROOM_APPSYNC_URL).",
        "profile: there is no 'jpeg2000'; the profiles are deflate, jpeg, webp, zstd.",
    ]
    with pytest.raises(BadInput, match="limit: "):
        maps.plan(limit=-1)


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


def test_a_kill_in_the_middle_redoes_only_the_rest(maps: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"{number}.jpg" for number in range(6)]
    for name in names:
        maps.scan(name)
    maps.mark(*names)
    manifest = maps.plan()

    def killed(items: Any, *rest: Any) -> Iterator[Any]:
        for number, result in enumerate(make_pyramids(items, *rest)):
            if number == 3:
                raise SystemExit(137)
            yield result

    monkeypatch.setattr(work, "make_pyramids", killed)
    with pytest.raises(SystemExit):
        worker.run_job(manifest.jobs[0].uri, workers=1)
    monkeypatch.undo()
    kept = {outcome.item for outcome in PlanFolder.at(manifest.uri).outcomes(1).values()}
    assert len(kept) == 3
    with library(maps.scans.uri, maps.studio.uri, maps.images.uri):  # undo has taken the settings as well
        before = {key: maps.images.head(key) for key in maps.pyramids()}
        report = maps.finish(manifest)
    assert report.done == 6
    redone = [key for key, entry in before.items() if maps.images.head(key) != entry]
    assert len(redone) <= len(before) - 3
    assert maps.marked() == []


def test_the_report_shows_the_pyramids(maps: Library) -> None:
    maps.scan("a.jpg", 900, 700)
    maps.mark("a.jpg")
    manifest = maps.plan()
    maps.finish(manifest)
    page = PlanFolder.at(manifest.uri).read(keys.REPORT_HTML).decode()
    assert '<img src="data:image/png;base64,iVBOR' in page
    assert ">a.tif</figure>" in page


def test_every_broken_image_is_refused_with_its_reason_and_the_good_ones_are_made(
    maps: Library, tmp_path: Path
) -> None:
    broken = [
        drawings.jpeg_cut_short(tmp_path),
        drawings.png_cut_short(tmp_path),
        drawings.tiff_cut_short(tmp_path),
        drawings.bmp_cut_short(tmp_path),
        drawings.png_bomb(tmp_path),
        drawings.pdf_with_password(tmp_path),
        drawings.svg_that_looks_outside(tmp_path, '<image href="http://127.0.0.1/x.png"/>'),
    ]
    for file in broken:
        maps.scans.write(file.name, file.read_bytes())
    maps.scans.write("empty.jpg", b"")
    maps.scans.write("drawing.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n")
    maps.scans.write("scan.jp2", b"\0\0\0\x0cjP  \r\n\x87\n")
    good = drawings.good(tmp_path / "good") if (tmp_path / "good").mkdir() is None else {}
    for kind, file in good.items():
        maps.scans.write(f"{kind}/{file.name}", file.read_bytes())
    bad = [file.name for file in broken] + ["empty.jpg", "drawing.eps", "scan.jp2"]
    maps.mark(*bad, *[f"{kind}/{file.name}" for kind, file in good.items()])
    report = maps.night()
    assert sorted(item.item for item in report.not_done) == sorted(f"maps/{name}" for name in bad)
    assert all(len(item.reason) > 10 for item in report.not_done)
    assert report.kinds == {"decode": len(bad)}
    assert report.done == len(good)
    assert maps.marked() == sorted(bad)
