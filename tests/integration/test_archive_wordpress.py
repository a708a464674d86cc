"""Thumbnails of what is archived, on a real WordPress: of images only, never twice, and never at the copies' cost."""

import json
import logging
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from darkroom.archive.thumbnail_settings import PostSettings, ThumbnailSettings
from darkroom.jobs import Mode, Report
from darkroom.settings import settings
from darkroom.store import Store, retries
from tests import scans
from tests.archive_world import World, world_of
from tests.servers.fault_proxy import FaultProxy
from tests.servers.faults import Hang, Reset, Status
from tests.servers.wordpress import WordPressServer

DOWN = Status(503, "Service Unavailable", b"<html>Briefly unavailable for maintenance.</html>", "text/html")


@pytest.fixture
def proxy(site: WordPressServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultProxy]:
    monkeypatch.setattr(retries, "_LONGEST_WAIT", 0.02)
    monkeypatch.setenv("DARKROOM_PRIVATE_HOSTS", site.url.removeprefix("http://"))
    with FaultProxy(site.url) as started:
        yield started
    settings.cache_clear()


@pytest.fixture
def world(
    open_backend: Callable[[str], Store],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    site: WordPressServer,
    proxy: FaultProxy,
) -> World:
    monkeypatch.setenv("DARKROOM_STUDIO_STORE", str(tmp_path / "studio"))
    for name, value in site.variables().items():
        monkeypatch.setenv(name, value)
    made = world_of(open_backend("gcs"), open_backend("moto"), tmp_path / "studio")
    made.set(wordpress=ThumbnailSettings(site=proxy.endpoint, size=120, title="Sheet {name}", alt="The scan {key}"))
    return made


def picture(number: int) -> bytes:
    """A scan, another one for each number and test run."""
    image: bytes = (scans.picture(300, 200) + number).cast("uchar").tiffsave_buffer()
    return image


def media(site: WordPressServer, before: int) -> list[dict[str, Any]]:
    return site.media()[before:]


def test_an_image_gets_a_thumbnail_and_nothing_else_does(world: World, site: WordPressServer) -> None:
    before = len(site.media())
    world.source.write("maps/sheet 7.tif", picture(1))
    world.source.write("maps/list.tif", b"no image, whatever it is called")
    world.source.write("maps/no-extension", picture(2))
    report = world.archive()
    assert (report.ok, report.planned, report.done, report.skipped) == (True, 6, 5, 1)
    new = media(site, before)
    assert sorted(one["title"]["raw"] for one in new) == ["Sheet no-extension", "Sheet sheet 7"]
    assert sorted(one["alt_text"] for one in new) == ["The scan maps/no-extension", "The scan maps/sheet 7.tif"]
    assert {(one["media_details"]["width"], one["media_details"]["height"]) for one in new} == {(120, 80)}
    again = world.archive()
    assert (again.planned, again.skipped) == (3, 3), "nothing is asked of WordPress for what has not changed"
    assert len(site.media()) == before + 2


def test_nothing_is_posted_twice_even_when_all_that_is_known_is_lost(world: World, site: WordPressServer) -> None:
    before = len(site.media())
    world.source.write("a.tif", picture(3))
    world.archive()
    (world.studio / "state").rename(world.studio / "lost")
    assert world.archive().ok
    assert world.archive(Mode.ALL).ok
    assert len(site.media()) == before + 1


def test_a_changed_image_gets_another_thumbnail_and_its_post_is_updated(world: World, site: WordPressServer) -> None:
    before, posts = len(site.media()), len(site.posts())
    wanted = world.pair.wordpress.model_copy(update={"post": PostSettings(title="{name} of {folder}")})
    world.set(wordpress=wanted)
    world.source.write("maps/a.tif", picture(4))
    assert world.archive().ok
    world.source.write("maps/a.tif", picture(5))
    assert world.archive().ok
    new = media(site, before)
    assert len(new) == 2
    (post,) = site.posts()[posts:]
    assert (post["status"], post["title"]["raw"]) == ("draft", "a of maps")
    assert post["featured_media"] == new[1]["id"]
    assert new[1]["source_url"] in post["content"]["raw"]


def test_wordpress_being_down_fails_only_its_items_and_the_next_run_posts_what_is_missing(
    world: World, site: WordPressServer, proxy: FaultProxy, caplog: pytest.LogCaptureFixture
) -> None:
    before = len(site.media())
    for number in range(6):
        world.source.write(f"{number}.tif", picture(10 + number))
    proxy.inject(DOWN, times=10_000)
    with caplog.at_level(logging.INFO):
        report = world.archive()
    assert (report.done, report.failed) == (6, 6), "the copies are kept"
    assert set(world.mirrored()) == {f"{number}.tif" for number in range(6)}
    assert len(proxy.seen) < 8 * 6 * 2, "the others are not tried when it is away"
    assert len(site.media()) == before
    assert site.password not in caplog.text + repr(report)
    proxy.clear()
    again = world.archive()
    assert (again.ok, again.planned, again.skipped, again.done) == (True, 12, 6, 6)
    assert len(site.media()) == before + 6
    assert world.archive().planned == 6


def test_an_upload_whose_answer_is_lost_is_found_again(world: World, site: WordPressServer, proxy: FaultProxy) -> None:
    before = len(site.media())
    world.source.write("a.tif", picture(30))
    proxy.inject(Reset("response"), method="POST", path="/wp/v2/media")
    assert world.archive().ok
    assert len(site.media()) == before + 1


@pytest.mark.slow
@pytest.mark.parametrize("uploaded", [False, True], ids=["before the upload", "before it is noted"])
def test_a_run_that_is_killed_while_it_posts_is_made_good_by_the_next_and_nothing_is_there_twice(
    world: World, site: WordPressServer, proxy: FaultProxy, tmp_path: Path, uploaded: bool
) -> None:
    """Its copy is made by then, so that the next run has nothing to copy: the thumbnail is all that is left to do."""
    before = len(site.media())
    world.source.write("a.tif", picture(40 + uploaded))
    places = {"from": world.source.uri, "to": world.mirror.uri, "archive": world.versions.uri}
    file = tmp_path / "maps.yaml"
    file.write_text(json.dumps(places | {"wordpress": {"site": proxy.endpoint, "size": 120}}))
    command = [sys.executable, "-m", "darkroom", "archive", str(file)]
    proxy.inject(Reset("response") if uploaded else Hang(60), method="POST", path="/wp/v2/media")
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < until:
        if any(one.method == "POST" for one in proxy.seen) and len(site.media()) == before + uploaded:
            break
        time.sleep(0.01)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert (len(site.media()) - before, set(world.mirrored())) == (int(uploaded), {"a.tif"})
    proxy.clear()
    assert subprocess.run(command, stdout=subprocess.DEVNULL, timeout=60).returncode == 0
    assert len(site.media()) == before + 1
    proxy.clear()
    assert subprocess.run(command, stdout=subprocess.DEVNULL, timeout=60).returncode == 0
    assert proxy.seen == [], "and nothing is owed any more"


def test_a_damaged_image_is_archived_and_gets_no_half_grey_thumbnail(world: World, site: WordPressServer) -> None:
    before = len(site.media())
    torn = scans.picture(600, 400).pngsave_buffer()[:2000]
    world.source.write("torn.png", torn)
    report = world.archive()
    assert (report.done, report.refused) == (1, 1)
    assert world.mirrored() == {"torn.png": torn}
    assert len(site.media()) == before
    again = world.archive()
    assert (again.ok, again.planned, again.skipped) == (True, 1, 1), "told once, and not by an alert each hour"
    assert world.archive(Mode.ALL).refused == 1
    world.source.write("torn.png", scans.picture(600, 400).pngsave_buffer())
    assert world.archive().ok
    assert len(site.media()) == before + 1


def test_without_credentials_the_copies_are_made_and_the_run_says_what_to_set(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WORDPRESS_APPLICATION_PASSWORD")
    world.source.write("a.tif", picture(31))
    report: Report = world.archive()
    assert (report.done, report.failed) == (1, 1)
    assert "set WORDPRESS_USER and WORDPRESS_APPLICATION_PASSWORD" in report.not_done[0].reason


def test_a_run_without_wordpress_posts_nothing(world: World, site: WordPressServer) -> None:
    before = len(site.media())
    world.source.write("a.tif", picture(32))
    report = world.archive(wordpress=False)
    assert (report.ok, report.planned) == (True, 1)
    assert len(site.media()) == before
