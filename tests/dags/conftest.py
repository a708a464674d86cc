"""An Airflow of the tests' own (SQLite, a temporary home), and a studio of tiny styles in a temporary store."""

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.dags.tiny_studio import ROOT, Studio, parse_dags

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
    """Leave no Airflow settings behind for the tests after this folder's."""
    yield
    for name in _AIRFLOW:
        os.environ.pop(name, None)


@pytest.fixture(scope="package")
def dagbag(studio: Studio) -> Any:
    """Every DAG of the project."""
    from airflow.utils.db import initdb

    initdb()
    return parse_dags()
