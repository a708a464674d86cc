"""Stores on real servers, for the suites that move objects."""

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from darkroom.store import Store, open_store

if TYPE_CHECKING:
    from tests.servers.backends import Servers


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Servers]":
    from tests.servers.backends import Servers  # what it imports takes a second, which only these suites spend

    started = Servers(tmp_path_factory.mktemp("servers"))
    yield started
    started.close()


@pytest.fixture
def open_backend(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], Store]:
    """Opens an empty store on a backend by its name, from now on with the environment that it needs."""

    def open_one(backend: str) -> Store:
        if backend == "folder":
            return open_store(str(tmp_path / "bucket"))
        servers: Servers = request.getfixturevalue("servers")
        for name, value in servers.environment(backend).items():
            monkeypatch.setenv(name, value)
        scheme = "gs" if backend == "gcs" else "s3"
        return open_store(f"{scheme}://contract/{secrets.token_hex(8)}")

    return open_one
