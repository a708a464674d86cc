"""The backends that the contract suites run on: a store a test."""

from collections.abc import Callable

import pytest

from darkroom.store import Store

SERVICES = ["moto", "radosgw", "gcs"]


@pytest.fixture(params=["folder", *SERVICES])
def store(request: pytest.FixtureRequest, open_backend: Callable[[str], Store]) -> Store:
    return open_backend(request.param)


@pytest.fixture(params=SERVICES)
def service(request: pytest.FixtureRequest, open_backend: Callable[[str], Store]) -> Store:
    """A store that is no folder."""
    return open_backend(request.param)
