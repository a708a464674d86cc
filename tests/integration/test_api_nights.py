"""Nights of what the AppSync API lists: from a bucket, from the web, from Google Drive; and what it is told of them."""

import io
from pathlib import Path
from typing import Any

import pytest

from darkroom.errors import Unavailable
from darkroom.failures import DownloadFailed
from darkroom.pyramids import collect as collecting
from darkroom.pyramids import fetching
from darkroom.pyramids.collect import Collected
from darkroom.pyramids.validate import inspect
from darkroom.reports import failure_text
from tests import scans as drawings
from tests.api_night import BUCKET, IN_DRIVE, Held, World, in_bucket
from tests.servers.hostile_web import HostileWeb


def test_what_the_api_lists_becomes_pyramids_and_it_is_told_their_sizes(world: World, tmp_path: Path) -> None:
    world.library.scan("1890/a.jpg", 90, 70)
    world.library.scan("b.png", 1800, 1200)
    world.list("one", "S3", "collections/1890/a.jpg", **in_bucket(world, "1890/a.jpg"))
    world.list("two", "S3", "b.tif", copyrightStatus="copyright", **in_bucket(world, "b.png"))
    world.list("three", "Museum", sourceUri=f"https://drive.google.com/a/nd.edu/file/d/{IN_DRIVE}/view")
    report = world.night()
    assert report.ok, failure_text(report)
    assert world.library.pyramids() == ["api/three.tif", "b.tif", "collections/1890/a.tif"]
    assert inspect(tmp_path / "images/b.tif").levels[0] == (840, 560)
    assert world.api.processed == {"one": (70, 90), "two": (560, 840), "three": (200, 300)}
    assert world.api.removed == []
    assert world.night().planned == 0


def test_an_image_of_the_web_is_fetched_and_a_curate_one_too(world: World, web: HostileWeb) -> None:
    world.list("one", "Uri", sourceUri=f"{web.url}/a.png")
    world.list("two", "Curate", sourceUri=f"{web.url}/a.png?download=1")
    report = world.night()
    assert report.ok, failure_text(report)
    assert world.api.processed == {"one": (200, 300), "two": (200, 300)}


def test_only_what_is_not_found_is_removed_from_the_list(world: World, web: HostileWeb) -> None:
    world.library.scan("there.jpg")
    world.list("there", "S3", **in_bucket(world, "there.jpg"))
    world.list("gone-s3", "S3", **in_bucket(world, "gone.jpg"))
    world.list("gone-web", "Uri", sourceUri=f"{web.url}/status/404")
    world.list("gone-drive", "Museum", sourceUri="another-file-id")
    world.list("broken", "Museum", sourceUri="broken-broken")
    world.list("forbidden", "Uri", sourceUri=f"{web.url}/status/403")
    world.drive.files["broken-broken"] = b"x"
    report = world.night()
    assert sorted(world.api.removed) == ["gone-drive", "gone-s3", "gone-web"]
    assert list(world.api.processed) == ["there"]
    assert {item.item: item.kind for item in report.not_done} == {
        "appsync/broken": "download",
        "appsync/forbidden": "download",
    }


def test_when_the_drive_knows_none_of_its_files_none_is_removed(world: World) -> None:
    world.drive.files.clear()
    for number in range(3):
        world.list(str(number), "Museum", sourceUri=f"file-number-{number}")
    report = world.night()
    assert world.api.removed == []
    assert (report.planned, report.refused) == (3, 3)
    assert any("it knows none of the 3 files that the API lists" in problem for problem in report.problems)


def test_a_file_that_the_drive_alone_does_not_know_is_not_removed(world: World) -> None:
    world.list("one", "Museum", sourceUri="not-shared-with-us")
    report = world.night()
    assert world.api.removed == []
    assert (report.planned, report.refused) == (1, 1)
    assert any("it does not know the only file that the API lists; share" in problem for problem in report.problems)


def test_a_file_that_the_drive_does_not_know_beside_faults_only_is_not_removed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.list("one", "Museum", sourceUri="not-shared-with-us")
    world.list("two", "Museum", sourceUri=IN_DRIVE)
    look = world.drive.look

    def faulty(file_id: str) -> Held | None:
        if file_id == IN_DRIVE:
            raise DownloadFailed("it does not answer")
        return look(file_id)

    monkeypatch.setattr(world.drive, "look", faulty)
    report = world.night()
    assert world.api.removed == []
    assert any("1 of the 2 files that the API lists, and shows none" in problem for problem in report.problems)


def test_a_file_that_the_drive_does_not_know_is_removed_where_it_shows_another(world: World) -> None:
    world.list("one", "Museum", sourceUri="deleted-by-its-owner")
    world.list("two", "Museum", sourceUri=IN_DRIVE)
    assert world.night().ok
    assert world.api.removed == ["one"]
    assert list(world.api.processed) == ["two"]


def test_from_a_place_that_is_empty_no_file_is_gone(world: World) -> None:
    for number in range(3):
        world.list(str(number), "S3", **in_bucket(world, f"{number}.jpg"))
    report = world.night()
    assert world.api.removed == []
    assert [item.state for item in report.not_done] == ["failed"] * 3
    world.library.scan("another.jpg")
    assert world.night().ok
    assert sorted(world.api.removed) == ["0", "1", "2"]


def test_a_copy_from_the_drive_that_is_lost_is_no_file_that_is_gone(world: World) -> None:
    world.list("one", "Museum", sourceUri=IN_DRIVE)
    world.collect()
    world.library.studio.delete_all([entry.key for entry in world.library.studio.list("work/museum/")])
    assert "it is not there" in failure_text(world.library.night())
    assert world.api.removed == []


def test_a_file_that_vanishes_after_the_plan_is_not_taken_for_gone(world: World) -> None:
    world.library.scan("a.jpg")
    world.list("one", "S3", **in_bucket(world, "a.jpg"))
    world.collect()
    manifest = world.library.plan()
    world.library.scans.delete("a.jpg")
    report = world.library.finish(manifest)
    assert report.kinds == {"download": 1}
    assert world.api.removed == []


def test_a_file_that_changes_in_the_drive_while_it_is_read_is_not_kept(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.list("one", "Museum", sourceUri=IN_DRIVE)
    size = len(world.drive.files[IN_DRIVE])
    monkeypatch.setattr(world.drive, "fetch", lambda file_id, file: file.write(bytes(size)))
    report = world.night()
    assert "it changed while it was read" in failure_text(report)
    assert not list(world.library.studio.list("work/museum/"))


def test_an_image_both_marked_and_listed_is_made_once_and_both_are_settled(world: World) -> None:
    world.library.scan("a.jpg")
    world.library.mark("a.jpg")
    world.list("one", "S3", "a.tif", **in_bucket(world, "a.jpg"))
    report = world.night()
    assert (report.planned, report.done) == (1, 1)
    assert world.library.marked() == []
    assert world.api.processed == {"one": (70, 90)}


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"sourceType": "Uri", "sourceUri": "file:///etc/passwd"}, "http"),
        ({"sourceType": "Uri", "sourceUri": "ftp://127.0.0.1/a.jpg"}, "http"),
        ({"sourceType": "Uri", "sourceUri": "http://127.0.0.1:9/a.jpg"}, "not public"),
        ({"sourceType": "Curate", "sourceUri": "http://169.254.169.254/latest/meta-data/"}, "not public"),
        ({"sourceType": "Uri", "sourceUri": "http://[::1]/a.jpg"}, "not public"),
        ({"sourceType": "S3", "sourceBucketName": "secrets", "sourceFilePath": "a.jpg"}, "no place of DARKROOM_SCAN"),
        ({"sourceType": "S3", "sourceBucketName": BUCKET, "sourceFilePath": "../a.jpg"}, "no place of DARKROOM_SCAN"),
        ({"sourceType": "Fax"}, "sourceType"),
        ({"sourceType": "Museum", "sourceUri": "https://example.org/file/d/1aB_c-2dE3f4/view"}, "Google Drive"),
        ({"sourceType": "Uri", "sourceUri": "http://127.0.0.1/a.jpg", "filePath": "../../a.tif"}, "filePath"),
    ],
)
def test_a_hostile_file_is_refused_with_a_reason_and_stops_no_other(
    world: World, said: dict[str, str], reason: str
) -> None:
    world.library.scan("a.jpg")
    world.api.items.append({"id": "hostile", "filePath": "api/hostile.tif"} | said)
    world.list("good", "S3", **in_bucket(world, "a.jpg"))
    report = world.night()
    (wrong,) = report.not_done
    assert wrong.item == "appsync/hostile"
    assert reason in wrong.reason
    assert world.api.processed == {"good": (70, 90)}
    assert world.api.removed == []
    assert world.library.pyramids() == ["api/good.tif"]


@pytest.mark.parametrize(
    "path", ["to/file:%2F%2F%2Fetc%2Fpasswd", "to/http:%2F%2F127.0.0.1:9%2Fa.jpg", "endless", "short", "loop"]
)
def test_a_url_that_leads_astray_fails_its_image_only(
    world: World, web: HostileWeb, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "_LARGEST_DOWNLOAD", 1 << 20)
    world.library.scan("a.jpg")
    world.list("astray", "Uri", sourceUri=f"{web.url}/{path}")
    world.list("good", "S3", **in_bucket(world, "a.jpg"))
    report = world.night()
    assert [(item.item, item.kind) for item in report.not_done] == [("appsync/astray", "download")]
    assert world.library.pyramids() == ["api/good.tif"]


def test_an_api_that_answers_errors_fails_the_run_and_not_the_markers(world: World) -> None:
    world.library.scan("a.jpg")
    world.library.mark("a.jpg")
    world.api.failing = "the table is locked"
    report = world.night()
    assert not report.ok
    assert any("the table is locked" in problem for problem in report.problems)
    assert world.library.pyramids() == ["a.tif"]
    assert world.library.marked() == []


def test_a_page_token_that_repeats_ends_the_listing_with_a_reason(world: World) -> None:
    for number in range(5):
        world.list(str(number), "S3", **in_bucket(world, f"{number}.jpg"))
    world.api.repeating = True
    assert any("page token repeats" in problem for problem in world.night().problems)


def test_what_the_api_cannot_be_told_fails_and_is_made_again_in_the_next_night(world: World) -> None:
    world.library.scan("a.jpg")
    world.list("one", "S3", **in_bucket(world, "a.jpg"))
    world.collect()
    manifest = world.library.plan()
    world.api.failing = "read only"
    report = world.library.finish(manifest)
    assert "the API cannot be told so" in failure_text(report)
    assert report.kinds == {"settle": 1}
    assert world.library.pyramids() == ["api/one.tif"]
    world.api.failing = ""
    assert world.night().ok
    assert world.api.processed == {"one": (70, 90)}


def test_a_file_in_the_drive_is_fetched_once_for_each_version(world: World) -> None:
    for _ in range(2):
        world.list("one", "Museum", sourceUri=IN_DRIVE)
        world.night()
        world.api.processed.clear()
        world.api.items.clear()
    assert world.drive.fetched == [IN_DRIVE]
    world.drive.files[IN_DRIVE] = drawings.picture(200, 100).jpegsave_buffer()
    world.list("one", "Museum", sourceUri=IN_DRIVE)
    world.night()
    assert world.api.processed == {"one": (100, 200)}


def test_mode_plan_asks_and_changes_nothing(world: World) -> None:
    world.list("one", "Museum", sourceUri=IN_DRIVE)
    world.list("two", "S3", **in_bucket(world, "gone.jpg"))
    world.library.scan("another.jpg")
    report = world.night(mode="plan")
    assert (report.planned, report.todo) == (1, 1)
    assert world.drive.fetched == []
    assert (world.api.processed, world.api.removed) == ({}, [])
    assert {request.query.split()[0] for request in world.api.requests} == {"query"}


def test_a_backfill_asks_nobody(world: World) -> None:
    world.list("one", "Museum", sourceUri=IN_DRIVE)
    collected = world.collect(since="2026-11-20T00:00:00Z", until="2026-11-21T00:00:00Z")
    assert collected == Collected()
    assert world.api.requests == []


def test_an_api_out_of_reach_is_a_problem_and_no_end(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(url: str, access: object) -> Any:
        raise Unavailable(f"{url}: nobody answers.")

    monkeypatch.setattr(collecting, "FilesApi", away)
    assert [problem.split(":")[0] for problem in world.collect().problems] == ["the API"]


def test_the_key_of_the_api_is_in_nothing_that_is_written(world: World, tmp_path: Path) -> None:
    world.library.scan("a.jpg")
    world.list("one", "S3", **in_bucket(world, "a.jpg"))
    world.night()
    written = io.BytesIO(b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())).getvalue()
    assert world.api.key.encode() not in written


def test_a_master_at_an_items_place_is_not_overwritten(world: World) -> None:
    world.library.scan("a.jpg")
    master = world.library.images.write("public/a.tif", b"a master")
    copy = world.library.images.write("public/b.pdf", b"another document")
    world.list("one", "S3", "public/a.jpg", **in_bucket(world, "a.jpg"))
    world.list("two", "Uri", "public/b.jpg", sourceUri="https://example.org/b.pdf?X-Amz-Signature=1")
    world.list("good", "S3", **in_bucket(world, "a.jpg"))
    report = world.night()
    assert {item.item: item.reason.partition(" stands ")[0] for item in report.not_done} == {
        "appsync/one": "public/a.tif",
        "appsync/two": "public/b.pdf",
    }
    assert [world.library.images.head(key) for key in ("public/a.tif", "public/b.pdf")] == [master, copy]
    assert (list(world.api.processed), world.api.removed) == (["good"], [])
