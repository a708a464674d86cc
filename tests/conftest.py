"""Stores on real servers, for the suites that move objects; and which tests several processes keep together."""

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from darkroom.store import Store, open_store

if TYPE_CHECKING:
    from tests.servers.backends import Servers

# they share an engine with images that take minutes to build
ENGINE = {f"tests/dags/{name}.py" for name in ("test_docker_jobs", "test_every_runner", "test_images")}
# they share an Airflow, and a story
NIGHTS = {f"tests/e2e/{name}.py" for name in ("test_menu", "test_nights", "test_reprocess")}


class KeptTogether(LoadScopeScheduling):  # type: ignore[misc]
    """A file's tests run in one process, in their order; so do those of several files that share what is slow to make.

    What takes longest begins first, however few tests it has.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        if file in ENGINE:
            return "engine"
        if file in NIGHTS:
            return "nights"
        return "dags" if file.startswith("tests/dags/") else file

    def _assign_work_unit(self, node: Any) -> None:
        for longest in ("nights", "engine"):
            if longest in self.workqueue:
                self.workqueue.move_to_end(longest, last=False)
        super()._assign_work_unit(node)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> KeptTogether:
    config.option.loadscopereorder = False  # the fast ones first, as pyproject.toml has them
    return KeptTogether(config, log)


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
