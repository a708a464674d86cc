"""The two images, built on bases that need no registry."""

import json
import re

import pytest

from tests.dags.tiny_studio import ROOT
from tests.servers import containers

pytestmark = pytest.mark.slow

_DISTRIBUTIONS = """
import importlib.metadata, json
print(json.dumps({found.name.lower().replace("_", "-"): found.version for found in importlib.metadata.distributions()}))
"""
_DAGS = """
import os, subprocess
assert os.getuid() != 0
subprocess.run(["airflow", "db", "migrate"], check=True, capture_output=True)
for runner in ("subprocess", "docker", "ecs"):
    os.environ["DARKROOM_JOB_RUNNER"] = runner
    subprocess.run(["airflow", "dags", "reserialize"], check=True, capture_output=True)
    listed = subprocess.run(["airflow", "dags", "list", "--output", "json"], check=True, capture_output=True)
    print(listed.stdout.decode())
"""
_CLIENTS = """
import botocore.session
for service in ("s3", "sqs", "sts", "sso", "sso-oidc", "signin"):
    botocore.session.Session().create_client(service, region_name="eu-west-1")
"""
_KERNELS = """
import json, os, subprocess
from pathlib import Path
kernels = Path(os.environ["NUMBA_CACHE_DIR"])
def compiled():
    return {str(path): path.stat().st_mtime_ns for path in kernels.rglob("*.nb?")}
before = compiled()
folder = "/tmp/made"
style, renders = f"{folder}/sample-dress.yaml", f"{folder}/renders/raw/sample-dress"
subprocess.run(["darkroom", "sample", "--size", "100", "--out", folder], check=True, stdout=subprocess.DEVNULL)
words = ["darkroom", "composite", "--style", style, "--renders", renders, "--colours", "0", "--out", folder]
subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
print(json.dumps([before, compiled()]))
"""


@pytest.fixture(scope="module")
def airflow_image(engine: str) -> str:
    return containers.airflow_image(engine)


def test_the_imaging_image_is_small_and_has_no_airflow(engine: str) -> None:
    assert containers.image_size(engine, containers.IMAGE) < 600 * 10**6
    assert "composite" in containers.run(engine, containers.IMAGE, "--help")


def test_the_imaging_image_knows_the_services_that_a_worker_calls(engine: str) -> None:
    containers.run(engine, containers.IMAGE, "-c", _CLIENTS, entrypoint="python")


def test_the_airflow_image_has_the_packages_of_the_lock_and_no_others(engine: str, airflow_image: str) -> None:
    there = json.loads(containers.run(engine, airflow_image, "python", "-c", _DISTRIBUTIONS))
    pins = re.findall(r"^([a-z0-9.-]+)==(\S+)(.*)", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    everywhere = {name.replace(".", "-"): version for name, version, marker in pins if ";" not in marker}
    assert everywhere.items() <= {name.replace(".", "-"): version for name, version in there.items()}.items()
    locked = {name.replace(".", "-") for name, _, _ in pins}
    assert {name.replace(".", "-") for name in there} - locked == {"darkroom"}


def test_the_airflow_image_reads_the_dags_as_an_ordinary_user_whatever_starts_the_workers(
    engine: str, airflow_image: str
) -> None:
    listed = containers.run(engine, airflow_image, "python", "-c", _DAGS)
    assert listed.count('"dag_id": "combination_compositing"') == 3


def test_the_airflow_image_has_the_kernels_compiled(engine: str, airflow_image: str) -> None:
    before, after = json.loads(containers.run(engine, airflow_image, "python", "-c", _KERNELS))
    assert before
    assert after == before
