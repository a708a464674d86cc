"""What the tests of the AppSync API's nights share, and those of WordPress."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

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
