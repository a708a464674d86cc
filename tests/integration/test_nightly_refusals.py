"""What a night refuses, and that nothing of it stops anything else: markers, images, names, requests."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from darkroom.errors import BadInput
from darkroom.imaging.opening import look
from darkroom.imaging.source import Source
from darkroom.pyramids import batch
from darkroom.pyramids.sources import markers
from darkroom.reports import failure_text
from darkroom.settings import settings
from darkroom.store import open_store, readable
from tests import scans as drawings
from tests.night import Library, library


@pytest.fixture
def maps(tmp_path: Path) -> Iterator[Library]:
    with library(*(str(tmp_path / name) for name in ("scans", "studio", "images"))) as made:
        yield made


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


def test_two_sources_with_one_path_do_not_replace_each_others_pyramids(
    maps: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(
        "DARKROOM_SCAN_SOURCES", json.dumps({"maps": maps.scans.uri, "posters": str(tmp_path / "posters")})
    )
    settings.cache_clear()
    posters = open_store(str(tmp_path / "posters"))
    maps.scan("a.jpg")
    posters.write("a.jpg", drawings.picture(120, 100).jpegsave_buffer())
    maps.mark("a.jpg")
    assert maps.night().ok
    before = maps.images.head("a.tif")
    markers.write(maps.studio, "posters", posters, markers.Marker(key="a.jpg"))
    report = maps.night()
    assert f"{readable(maps.scans.uri_of('a.jpg'))} has the same pyramid, a.tif, and is still there" in failure_text(
        report
    )
    assert maps.images.head("a.tif") == before
    maps.scans.delete("a.jpg")
    assert maps.night().done == 1
    assert maps.images.head("a.tif") != before


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
    assert "a.jpg beside it would have the same pyramid" in failure_text(maps.night())
    assert maps.night(extensions=["png"]).ok, "who asks for PNGs only has said which one it is"


@pytest.mark.parametrize(
    ("marker", "reason"),
    [
        (b"no JSON", "it is no marker: it is no JSON"),
        (b"[1]", "it is no marker: "),
        (b"x" * 70_000, "it has 70,000 bytes, which no marker has"),
        ({"path": "a"}, "it is no marker: 'key' is missing"),
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
    assert reason in failure_text(report)
    assert maps.pyramids() == ["a.tif"]
    assert maps.studio.head(odd) is not None
    assert {path.name for path in tmp_path.iterdir()} == {"scans", "studio", "images"}


def test_a_source_among_the_images_is_not_replaced_by_its_pyramid(tmp_path: Path) -> None:
    with library(str(tmp_path / "both"), str(tmp_path / "studio"), str(tmp_path / "both")) as maps:
        maps.scan("a.tif")
        maps.scan("b.jpg")
        maps.mark("a.tif", "b.jpg")
        before = maps.scans.head("a.tif")
        report = maps.night()
        assert "its pyramid would take its place" in failure_text(report)
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
        assert "c.tif beside it would have the same pyramid" in failure_text(maps.night())


def test_without_any_source_a_night_is_fine_and_says_what_to_set(
    maps: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DARKROOM_SCAN_SOURCES", "{}")
    settings.cache_clear()
    report = maps.night()
    assert report.ok
    assert report.findings == ("There is no source of images: set DARKROOM_SCAN_SOURCES or DARKROOM_APPSYNC_URL.",)


def test_a_request_that_cannot_be_lists_every_reason(maps: Library) -> None:
    with pytest.raises(BadInput) as refused:
        maps.plan(sources=["photos"], profile="jpeg2000", limit=1)
    assert refused.value.problems == [
        "sources: 'photos' is no source; there are maps (DARKROOM_SCAN_SOURCES, DARKROOM_APPSYNC_URL).",
        "profile: there is no 'jpeg2000'; the profiles are: deflate, jpeg, webp, zstd.",
    ]
    with pytest.raises(BadInput, match="limit: "):
        maps.plan(limit=-1)


def test_an_error_that_nobody_foresaw_fails_its_image_only(maps: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    def odd(file: Path, max_pixels: int) -> Source:
        if file.name == "odd.jpg":
            raise KeyError("what a library may come to")
        return look(file, max_pixels)

    monkeypatch.setattr(batch, "look", odd)
    for key in ("a.jpg", "b.jpg", "odd.jpg"):
        maps.scan(key)
    maps.mark("a.jpg", "b.jpg", "odd.jpg")
    report = maps.night()
    assert [(item.item, item.kind) for item in report.not_done] == [("maps/odd.jpg", "decode")]
    assert maps.pyramids() == ["a.tif", "b.tif"]


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


def test_markers_of_a_source_that_is_not_set_are_counted_and_fail_the_night(maps: Library) -> None:
    maps.scan("a.jpg")
    maps.mark("a.jpg")
    for key in ("process/photos/1.json", "process/photos/2.json", "process/3.json", "process/photos/readme.txt"):
        maps.studio.write(key, b'{"key": "b.jpg"}')
    report = maps.night()
    assert (report.done, report.refused, report.planned) == (1, 3, 4)
    assert {(cause.count, cause.reason) for cause in report.causes} == {
        (
            2,
            "its marker waits for the source 'photos', which is not set; add it to DARKROOM_SCAN_SOURCES, or remove "
            "the markers below process/photos/",
        ),
        (1, "its marker lies in no source's folder; move it below process/<source>/, or remove it"),
    }
    assert report.groups["photos"].refused == 2
    assert maps.night(mode="plan").refused == 3
    assert maps.studio.head("process/photos/1.json"), "a setting mends it, so it is never set aside"
    assert maps.night(prefixes=["a"]).refused == 0, "who asks for some images only hears of these"


def test_without_any_source_the_markers_that_wait_fail_the_night(
    maps: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    maps.mark("a.jpg")
    monkeypatch.setenv("DARKROOM_SCAN_SOURCES", "{}")
    settings.cache_clear()
    report = maps.night()
    assert (report.ok, report.refused) == (False, 1)
    assert "waits for the source 'maps', which is not set" in failure_text(report)


def test_a_prefix_or_an_extension_that_nothing_has_fails_the_run_and_the_others_are_made(maps: Library) -> None:
    maps.scan("1890/a.jpg")
    maps.mark("1890/a.jpg")
    report = maps.night(prefixes=["1890/", "1891/"])
    assert (report.done, report.ok) == (1, False)
    said = "prefixes: no marked image begins with '1891/'; correct the prefix, or mark the images first."
    assert report.problems == (said,)
    assert maps.night(mode="all", extensions=["gif"]).problems == (
        "extensions: no image has one of gif; correct them, or mark the images first.",
    )
    assert maps.night(prefixes=["1890/"], mode="all").ok
    assert maps.night(since="2020-01-01T00:00:00Z", until="2020-01-02T00:00:00Z", prefixes=["x"]).ok, "a backfill's day"


@pytest.mark.parametrize("mode", [{"mode": "all"}, {"since": "2020-01-01T00:00:00Z", "until": "2100-01-01T00:00:00Z"}])
def test_a_listed_image_whose_name_cannot_be_printed_is_refused_and_said(maps: Library, mode: dict[str, str]) -> None:
    maps.scan("a.jpg")
    maps.scan("1890/b\nc.jpg")
    maps.scan("1890/caf\udce9.jpg")
    report = maps.night(**mode)
    assert maps.pyramids() == ["a.tif"]
    assert {item.item: item.reason for item in report.not_done} == {
        r"maps/1890/b\nc.jpg": "its key is none: it has characters that cannot be printed",
        r"maps/1890/caf\udce9.jpg": "its key is none: it has characters that cannot be printed",
    }
    assert [item.where for item in report.not_done] == [
        readable(maps.scans.uri_of(key)) for key in ("1890/b\nc.jpg", "1890/caf\udce9.jpg")
    ]
