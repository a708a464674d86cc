"""What the tests of the AppSync API's nights share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api_night import BUCKET, World, api_night, private_web
from tests.servers.hostile_web import HostileWeb
from tests.servers.moto import moto_s3


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
