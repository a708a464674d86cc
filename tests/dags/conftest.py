"""An Airflow of the tests' own (SQLite, a temporary home), and a studio of tiny styles in a temporary store."""

import atexit
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.dags.tiny_studio import BUCKET, ROOT, Studio, parse_dags, without_aws_identity
from tests.servers import containers
from tests.servers.ecs import CLUSTER, Ecs, ecs
from tests.servers.moto import moto_s3
from tests.servers.processes import ServerFailed

_HOME = Path(tempfile.mkdtemp(prefix="darkroom-airflow-"))
atexit.register(shutil.rmtree, _HOME, ignore_errors=True)

_AIRFLOW = {
    "AIRFLOW_HOME": str(_HOME),
    "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
    "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{_HOME}/airflow.db",
}
# before any test module imports airflow, which reads this when it is imported
os.environ.update(_AIRFLOW)


@pytest.fixture(scope="package")
def studio() -> Iterator[Studio]:
    """The studio, as this process's settings and its workers' know it."""
    from darkroom.settings import settings

    made = Studio(_HOME / "styles", _HOME / "bucket")
    for name in ("tiny-dress", "tiny-torn"):
        made.add_style(name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DARKROOM_STYLES_DIR", str(made.styles))
        patch.setenv("DARKROOM_STUDIO_STORE", str(made.store))
        settings.cache_clear()
        yield made
    settings.cache_clear()


@pytest.fixture(scope="package", autouse=True)
def airflow_environment() -> Iterator[None]:
    """Leave no Airflow settings behind for the tests after this folder's, which may come to its others later."""
    os.environ.update(_AIRFLOW)
    yield
    for name in _AIRFLOW:
        os.environ.pop(name, None)


@pytest.fixture
def nothing_but_connections(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No credentials of whoever runs the tests: not in the environment, not in a home, not from a cloud's machine."""
    for name in list(os.environ):
        if name.startswith(("GOOGLE_", "STORAGE_", "WORDPRESS_", "AIRFLOW_CONN_")):
            monkeypatch.delenv(name)
    without_aws_identity(monkeypatch, tmp_path)


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes an Airflow connection: `connect("aws_default", login=…, extra={…})`."""

    def make(name: str, **fields: Any) -> None:
        kinds = {"aws_default": "aws", "google_cloud_default": "google_cloud_platform"}
        value = json.dumps({"conn_type": kinds.get(name, "http"), **fields})
        monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", value)

    return make


@pytest.fixture(scope="package")
def dagbag(studio: Studio) -> Any:
    """Every DAG of the project."""
    from airflow.utils.db import initdb

    initdb()
    return parse_dags()


@pytest.fixture(scope="package")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Docker engine that has the imaging image."""
    if missing := containers.missing():
        pytest.skip(missing)
    folder = tmp_path_factory.mktemp("containers")
    with ExitStack() as stack:
        try:
            address = stack.enter_context(containers.engine(folder / "engine"))
        except ServerFailed as failure:
            pytest.skip(f"No Docker engine can be started here: {failure}")
        containers.imaging_image(address, folder / "base")
        yield address


@pytest.fixture
def docker_runner(engine: str) -> Iterator[str]:
    """The deployment whose workers are containers on that engine."""
    from darkroom.settings import settings

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_HOST", engine)
        patch.setenv("DARKROOM_JOB_RUNNER", "docker")
        patch.setenv("DARKROOM_DOCKER_NETWORK", "host")
        settings.cache_clear()
        yield engine
    settings.cache_clear()


@pytest.fixture(scope="package")
def aws() -> Iterator[dict[str, str]]:
    """S3 with a bucket, and CloudWatch: the environment that leads there."""
    with moto_s3() as server:
        yield server.with_bucket(BUCKET)


@pytest.fixture
def ecs_runner(aws: dict[str, str]) -> Iterator[Ecs]:
    """The deployment whose workers are tasks on ECS, and that service."""
    from darkroom.settings import settings
    from darkroom_airflow.operators import ecs_job

    with ecs(aws) as (service, endpoint), pytest.MonkeyPatch.context() as patch:
        for name, value in {**aws, "AWS_ENDPOINT_URL_ECS": endpoint}.items():
            patch.setenv(name, value)
        patch.setenv("DARKROOM_JOB_RUNNER", "ecs")
        patch.setenv("DARKROOM_ECS_CLUSTER", CLUSTER)
        patch.setattr(ecs_job, "_POLL", 1)
        settings.cache_clear()
        yield service
    settings.cache_clear()
