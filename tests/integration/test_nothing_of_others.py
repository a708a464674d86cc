"""Pyramids beside what others put there: nothing of it is overwritten, and what is our own is known as ours."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from darkroom import keys, worker
from darkroom.jobs import Manifest, State
from darkroom.plan_folder import PlanFolder
from darkroom.pyramids.validate import inspect
from darkroom.reports import failure_text
from darkroom.settling import settle
from darkroom.store import Store
from tests import scans as drawings
from tests.night import Library, library

MASTER = b"a master that nobody marked"


@pytest.fixture(params=["folder", pytest.param("moto", marks=pytest.mark.long), "radosgw"])
def maps(request: pytest.FixtureRequest, open_backend: Callable[[str], Store]) -> Iterator[Library]:
    """Scans and pyramids share a bucket."""
    root = open_backend(request.param).uri
    with library(f"{root}/both", f"{root}/studio", f"{root}/both") as made:
        yield made


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Library]:
    with library(*(str(tmp_path / name) for name in ("scans", "studio", "images"))) as made:
        yield made


def restored(store: Store, prefix: str = "") -> None:
    """Every object as it comes back from a backup: the same bytes, another version."""
    for entry in list(store.list(prefix)):
        data = store.read(entry.key)
        store.delete(entry.key)
        store.write(entry.key, data)
        if store.uri.startswith("file://"):
            os.utime(store.uri_of(entry.key).removeprefix("file://"), (1, 1))


def unsaid(maps: Library, manifest: Manifest) -> None:
    """The outcomes are lost, as of a worker that was killed when it had published."""
    folder = PlanFolder.at(manifest.uri)
    for number in range(1, len(manifest.jobs) + 1):
        for entry in list(folder.store.list(keys.outcomes(number))):
            folder.store.delete(entry.key)


def test_a_master_that_nobody_marked_is_not_overwritten(maps: Library) -> None:
    maps.scan("incoming/a.jpg")
    maps.scan("incoming/b.jpg")
    master = maps.images.write("public/a.tif", MASTER)
    maps.put_marker("1.json", {"key": "incoming/a.jpg", "path": "public"})
    maps.put_marker("2.json", {"key": "incoming/b.jpg", "path": "public"})
    manifest = maps.plan()
    assert [item.reason for item in manifest.refused] == [
        "public/a.tif stands there already and Darkroom did not make it; move it away, or give the image another path"
    ]
    report = maps.finish(manifest)
    assert not report.ok
    assert "public/a.tif stands there already" in failure_text(report)
    assert (report.done, report.refused) == (1, 1)
    assert maps.images.head("public/a.tif") == master
    assert maps.marked() == ["incoming/a.jpg"]
    assert maps.night(mode="all", prefixes=["incoming/a"]).refused == 1
    assert maps.images.head("public/a.tif") == master
    maps.images.delete("public/a.tif")
    assert maps.night().done == 1


def test_a_pdfs_copy_takes_nobodys_place(maps: Library) -> None:
    pdf = drawings.pdf()
    maps.scans.write("papers/a.PDF", pdf)
    theirs = maps.images.write("public/a.pdf", b"another document")
    maps.put_marker("1.json", {"key": "papers/a.PDF", "path": "public"})
    report = maps.night()
    assert "public/a.pdf stands there already and Darkroom did not make it" in failure_text(report)
    assert maps.images.head("public/a.pdf") == theirs
    assert maps.images.head("public/a.tif") is None
    assert maps.marked() == ["papers/a.PDF"]


def test_a_pdf_under_another_name_takes_nobodys_place_either(maps: Library) -> None:
    maps.scans.write("papers/a.jpg", drawings.pdf())
    theirs = maps.images.write("public/a.pdf", b"another document")
    maps.put_marker("1.json", {"key": "papers/a.jpg", "path": "public"})
    report = maps.night()
    assert "the copy beside its pyramid cannot be published: public/a.pdf stands there" in failure_text(report)
    assert (report.refused, report.kinds) == (1, {"write": 1})
    assert maps.images.head("public/a.pdf") == theirs


def test_a_new_version_of_a_pdf_replaces_our_own_copy(maps: Library) -> None:
    one, other = drawings.pdf(), drawings.pdf() + b"\n%2\n"
    maps.put_marker("1.json", {"key": "papers/a.pdf", "path": "public"})
    for data in (one, other):
        maps.scans.write("papers/a.pdf", data)
        maps.put_marker("1.json", {"key": "papers/a.pdf", "path": "public"})
        report = maps.night()
        assert report.ok, failure_text(report)
        assert maps.images.read("public/a.pdf") == data
    maps.put_marker("1.json", {"key": "papers/a.pdf", "path": "public"})
    assert maps.night().skipped == 1
    maps.put_marker("2.json", {"key": "public/a.pdf"})  # the queue tells of the copy's upload as well
    assert maps.night().ok
    assert maps.marked() == []
    maps.images.delete("public/a.pdf")
    maps.put_marker("1.json", {"key": "papers/a.pdf", "path": "public"})
    assert maps.night().done == 1
    assert maps.images.read("public/a.pdf") == other


def test_a_pdf_that_lies_beside_its_pyramid_itself_stays_as_it_is(maps: Library) -> None:
    maps.scans.write("papers/a.pdf", drawings.pdf())
    before = maps.scans.head("papers/a.pdf")
    for mode in ("changed", "all"):
        maps.mark("papers/a.pdf")
        report = maps.night(mode=mode)
        assert report.ok, failure_text(report)
    assert maps.scans.head("papers/a.pdf") == before


def test_what_is_put_there_between_plan_and_run_is_left_alone(maps: Library) -> None:
    for key in ("in/a.jpg", "in/b.jpg"):
        maps.scan(key)
        maps.put_marker(f"{Path(key).stem}.json", {"key": key, "path": "out"})
    manifest = maps.plan()
    theirs = maps.images.write("out/a.tif", MASTER)
    report = maps.finish(manifest)
    assert [(item.item, item.state) for item in report.not_done] == [("maps/in/a.jpg", State.REFUSED)]
    assert "out/a.tif stands there and is not what Darkroom made; move it away" in failure_text(report)
    assert maps.images.head("out/a.tif") == theirs
    assert worker.failures(worker.run_job(manifest.jobs[0].uri, workers=1)), "its exit code stays 1"
    assert maps.images.head("out/a.tif") == theirs
    assert maps.marked() == ["in/a.jpg"]
    assert maps.night().refused == 1
    assert maps.images.head("out/a.tif") == theirs


def test_what_replaced_a_pyramid_is_left_alone_and_a_lost_one_is_made_again(maps: Library) -> None:
    maps.scan("in/a.jpg")
    maps.put_marker("1.json", {"key": "in/a.jpg", "path": "out"})
    assert maps.night().ok
    theirs = maps.images.write("out/a.tif", MASTER)
    for mode in ("changed", "all"):
        maps.put_marker("1.json", {"key": "in/a.jpg", "path": "out"})
        report = maps.night(mode=mode, prefixes=["in/"])
        assert any("out/a.tif" in item.reason for item in report.not_done)
        assert maps.images.head("out/a.tif") == theirs
    maps.images.delete("out/a.tif")
    assert maps.night().done == 1
    assert maps.marked() == []


def test_a_worker_that_was_killed_when_it_had_published_adopts_it_at_the_next_try(maps: Library) -> None:
    maps.scan("in/a.jpg")
    maps.scans.write("in/b.pdf", drawings.pdf())
    for key in ("in/a.jpg", "in/b.pdf"):
        maps.put_marker(f"{Path(key).stem}.json", {"key": key, "path": "out"})
    manifest = maps.plan()
    worker.run_job(manifest.jobs[0].uri, workers=1)
    before = [maps.images.head(key) for key in ("out/a.tif", "out/b.tif", "out/b.pdf")]
    unsaid(maps, manifest)
    report = maps.finish(manifest)
    assert report.ok, failure_text(report)
    assert [maps.images.head(key) for key in ("out/a.tif", "out/b.tif", "out/b.pdf")] == before
    assert maps.marked() == []


@pytest.mark.parametrize("settled", [False, True], ids=["never settled", "settled without its outcomes"])
def test_what_a_killed_run_published_is_adopted_by_the_next_plan(maps: Library, settled: bool) -> None:
    maps.scan("in/a.jpg")
    maps.scans.write("in/b.pdf", drawings.pdf())
    for key in ("in/a.jpg", "in/b.pdf"):
        maps.put_marker(f"{Path(key).stem}.json", {"key": key, "path": "out"})
    manifest = maps.plan()
    worker.run_job(manifest.jobs[0].uri, workers=1)
    before = [maps.images.head(key) for key in ("out/a.tif", "out/b.tif", "out/b.pdf")]
    unsaid(maps, manifest)
    if settled:
        settle(PlanFolder.at(manifest.uri))
    report = maps.night()
    assert report.ok, failure_text(report)
    assert (report.done, [maps.images.head(key) for key in ("out/a.tif", "out/b.tif", "out/b.pdf")]) == (2, before)
    assert maps.marked() == []


def test_what_a_run_made_that_nobody_settled_is_replaced_when_its_image_changes(maps: Library) -> None:
    maps.scan("in/a.jpg")
    maps.put_marker("1.json", {"key": "in/a.jpg", "path": "out"})
    worker.run_job(maps.plan().jobs[0].uri, workers=1)
    before = maps.images.head("out/a.tif")
    maps.scan("in/a.jpg", 120, 100)
    report = maps.night()
    assert report.ok, failure_text(report)
    assert maps.images.head("out/a.tif") != before


def test_a_bucket_that_comes_back_from_a_backup_is_adopted(maps: Library) -> None:
    maps.scan("in/a.jpg")
    maps.scans.write("in/b.pdf", drawings.pdf())
    for key in ("in/a.jpg", "in/b.pdf"):
        maps.put_marker(f"{Path(key).stem}.json", {"key": key, "path": "out"})
    assert maps.night().ok
    restored(maps.images, "out/")
    before = [maps.images.head(key) for key in ("out/a.tif", "out/b.tif", "out/b.pdf")]
    for mode in ("changed", "all"):
        for key in ("in/a.jpg", "in/b.pdf"):
            maps.put_marker(f"{Path(key).stem}.json", {"key": key, "path": "out"})
        report = maps.night(mode=mode, prefixes=["in/"])
        assert report.ok, failure_text(report)
        if mode == "changed":
            assert [maps.images.head(key) for key in ("out/a.tif", "out/b.tif", "out/b.pdf")] == before
    assert maps.marked() == []


def test_two_workers_on_one_job_do_no_harm(maps: Library) -> None:
    for number in range(6):
        maps.scan(f"in/{number}.jpg")
        maps.put_marker(f"{number}.json", {"key": f"in/{number}.jpg", "path": "out"})
    maps.scans.write("in/b.pdf", drawings.pdf())
    maps.put_marker("b.json", {"key": "in/b.pdf", "path": "out"})
    for mode in ("changed", "all"):
        manifest = maps.plan(mode=mode, prefixes=["in/"])
        command = [sys.executable, "-m", "darkroom", "job", "run", manifest.jobs[0].uri, "--workers", "2"]
        with ThreadPoolExecutor(2) as pool:
            both = [pool.submit(subprocess.run, command, capture_output=True, timeout=120) for _ in range(2)]
        ended = [run.result() for run in both]
        assert [one.returncode for one in ended] == [0, 0], [one.stderr.decode() for one in ended]
        report = maps.finish(manifest)
        assert (report.ok, report.done) == (True, 7), failure_text(report)
    assert maps.marked() == []


def test_mode_all_makes_our_own_pyramids_again(maps: Library) -> None:
    maps.scan("in/a.jpg")
    maps.mark("in/a.jpg")
    assert maps.night().ok
    report = maps.night(mode="all")
    assert (report.ok, report.done) == (True, 1), failure_text(report)


def test_a_copy_whose_pyramid_failed_is_known_as_ours(folder: Library) -> None:
    pdf = drawings.pdf()
    folder.scans.write("a.pdf", pdf)
    folder.mark("a.pdf")
    manifest = folder.plan()
    theirs = folder.images.write("a.tif", MASTER)
    assert folder.finish(manifest).refused == 1
    folder.images.delete("a.tif")
    folder.scans.write("a.pdf", pdf + b"\n%2\n")
    report = folder.night()
    assert report.ok, failure_text(report)
    assert folder.images.read("a.pdf") == pdf + b"\n%2\n"
    assert theirs != folder.images.head("a.tif")


def test_a_place_that_cannot_be_looked_at_refuses_its_image_only(folder: Library) -> None:
    folder.scan("a.jpg")
    folder.scan("b.jpg")
    folder.put_marker("1.json", {"key": "a.jpg", "path": "x" * 300})
    folder.mark("b.jpg")
    report = folder.night()
    assert "its place cannot be looked at" in failure_text(report)
    assert folder.pyramids() == ["b.tif"]


def test_a_place_that_is_a_link_to_the_image_is_no_place_for_its_pyramid(tmp_path: Path) -> None:
    (tmp_path / "scans").mkdir()
    (tmp_path / "images").symlink_to(tmp_path / "scans")
    with library(*(str(tmp_path / name) for name in ("scans", "studio", "images"))) as maps:
        maps.scan("a.tif")
        before = maps.scans.head("a.tif")
        maps.mark("a.tif")
        assert maps.night().refused == 1
        assert maps.scans.head("a.tif") == before


def test_plans_that_are_settled_whole_or_cannot_be_read_name_nothing(folder: Library) -> None:
    folder.scan("a.jpg")
    folder.mark("a.jpg")
    folder.night()
    folder.studio.write("work/x/y/z/plan.json", b"{}")
    folder.studio.write("work/x/y/z/jobs/0001.json", b'{"flow": "pyramids"}')
    for entry in list(folder.studio.list("state/")):
        folder.studio.delete(entry.key)
    folder.mark("a.jpg")
    report = folder.night()
    assert "a.tif stands there already and Darkroom did not make it" in failure_text(report)


def test_what_is_adopted_is_recorded_as_if_it_had_been_written(folder: Library, tmp_path: Path) -> None:
    folder.scan("a.jpg")
    folder.mark("a.jpg")
    manifest = folder.plan()
    outcomes = worker.run_job(manifest.jobs[0].uri, workers=1)
    first = outcomes["maps/a.jpg"]
    unsaid(folder, manifest)
    again = worker.run_job(manifest.jobs[0].uri, workers=1)["maps/a.jpg"]
    adopted = tuple(output.model_copy(update={"written": False}) for output in first.outputs)
    assert (again.state, again.outputs) == (State.DONE, adopted)
    assert inspect(tmp_path / "images/a.tif").problems == []
