"""What the tests of the AppSync API's nights share, those of the archive, of the sync, and of WordPress."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from darkroom.outside import web as outside_web
from darkroom.publishing import wordpress as posting
from darkroom.settings import settings
from darkroom.store import Store, retries
from tests import archive_world, sync_world
from tests.api_night import BUCKET, World, api_night, private_web
from tests.servers.hostile_web import HostileWeb
from tests.servers.moto import moto_s3
from tests.servers.wordpress import PACKAGES, WordPressServer, available, wordpress


@pytest.fixture(scope="module")
def bucket() -> Iterator[dict[str, str]]:
    """A server that has the bucket."""
    with moto_s3() as server:
        yield server.with_bucket(BUCKET)


@pytest.fixture
def world(tmp_path: Path, bucket: dict[str, str]) -> Iterator[World]:
    """A night of the API, with nothing listed."""
    with api_night(tmp_path, bucket) as made:
        yield made


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[HostileWeb]:
    """A web server that may be fetched from, though its address is private."""
    with private_web(monkeypatch) as server:
        yield server


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WordPressServer]:
    """A real WordPress; its tests each have their own sources there."""
    if not available():
        if os.environ.get("CI"):
            pytest.fail("WordPress is not installed, and CI may not go without it.")
        pytest.skip(f"WordPress is not installed: apt-get install {PACKAGES}")
    with wordpress(tmp_path_factory.mktemp("site")) as started:
        yield started


@pytest.fixture(params=[pytest.param("moto", marks=pytest.mark.long), "radosgw"])
def mirrored_clouds(
    request: pytest.FixtureRequest,
    open_backend: Callable[[str], Store],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> archive_world.World:
    """A GCS, and its mirror and archive in an S3."""
    monkeypatch.setenv("DARKROOM_STUDIO_STORE", str(tmp_path / "studio"))
    return archive_world.world_of(open_backend("gcs"), open_backend(request.param), tmp_path / "studio")


@pytest.fixture(params=[pytest.param("moto", marks=pytest.mark.long), "radosgw", "folder"])
def shops(
    request: pytest.FixtureRequest,
    open_backend: Callable[[str], Store],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[sync_world.World]:
    """A folder, and an empty bucket of its own that it goes to."""
    bucket = sync_world.new_bucket(request.param, open_backend)
    yield sync_world.world_of(bucket, tmp_path, monkeypatch)
    settings.cache_clear()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where `darkroom sync` is typed: beside `shops`, a folder of photos."""
    sync_world.set_up(tmp_path, monkeypatch)
    monkeypatch.chdir(tmp_path)
    sync_world.put(tmp_path / "shops", sync_world.GOOD)
    yield tmp_path
    settings.cache_clear()


@pytest.fixture
def quick_posting(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What is tried again is so at once."""
    monkeypatch.setattr(retries, "_LONGEST_WAIT", 0.02)
    monkeypatch.setattr(posting, "_SETTLES", 0.0)
    monkeypatch.setattr(outside_web, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(outside_web, "LONGEST_PAUSE", 0.01)
    yield
    settings.cache_clear()


@pytest.fixture
def quick_ingest(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An ingest that takes a file however young it is, and repeats a request at once."""
    monkeypatch.setenv("DARKROOM_INGEST_QUIET", "0")
    monkeypatch.setattr(retries, "_FIRST_WAIT", 0.0)
    settings.cache_clear()
    yield
    settings.cache_clear()
