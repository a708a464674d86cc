"""The same run by every job operator: the DAG is the same, and so is every byte."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from darkroom.settings import settings
from darkroom.store import Store, open_store
from tests import scans as drawings
from tests.dags.tiny_studio import BUCKET, CUTS, PICTURES, ROOT, Studio, run_dag

pytestmark = pytest.mark.slow

DAG_ID = "combination_compositing"
STYLE = "tiny-dress"


@pytest.fixture
def on_s3(dagbag: Any, studio: Studio, aws: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The studio's renders in a bucket, which is its store."""
    for name, value in aws.items():
        monkeypatch.setenv(name, value)
    bucket = open_store(f"s3://{BUCKET}/every-runner")
    for file in (studio.store / "renders/raw" / STYLE).iterdir():
        bucket.write(f"renders/raw/{STYLE}/{file.name}", file.read_bytes())
    monkeypatch.setenv("DARKROOM_STUDIO_STORE", bucket.uri)
    settings.cache_clear()
    yield bucket.uri
    bucket.delete_all([entry.key for entry in bucket.list()])
    monkeypatch.undo()
    settings.cache_clear()


@pytest.fixture(scope="module")
def by_subprocess(dagbag: Any, studio: Studio) -> dict[str, bytes]:
    """Every file of a run whose workers are processes, in a folder."""
    made = studio.store / "renders/composites" / STYLE
    shutil.rmtree(made, ignore_errors=True)
    assert run_dag(DAG_ID, {"style": STYLE, "mode": "all"}).state == "success"
    return {str(file.relative_to(made)): file.read_bytes() for file in made.rglob("*.png")}


def run_in_bucket(uri: str) -> dict[str, bytes]:
    run = run_dag(DAG_ID, {"style": STYLE, "mode": "all"})
    assert run.state == "success", run.tasks
    assert run.xcoms["report", "counts"]["done"] == PICTURES
    made = open_store(f"{uri}/renders/composites/{STYLE}")
    return {entry.key: made.read(entry.key) for entry in made.list() if entry.key.endswith(".png")}


def test_processes_make_the_same_bytes_in_a_bucket(by_subprocess: dict[str, bytes], on_s3: str) -> None:
    assert len(by_subprocess) == PICTURES * len(CUTS)
    assert run_in_bucket(on_s3) == by_subprocess


def test_tasks_on_ecs_make_the_same_bytes(by_subprocess: dict[str, bytes], on_s3: str, ecs_runner: Any) -> None:
    assert run_in_bucket(on_s3) == by_subprocess
    assert {task.document["containers"][0]["exitCode"] for task in ecs_runner.tasks.values()} == {0}


def test_containers_make_the_same_bytes(by_subprocess: dict[str, bytes], on_s3: str, docker_runner: str) -> None:
    assert run_in_bucket(on_s3) == by_subprocess


# a night of pyramids: images from one bucket into another, and the same in folders


@pytest.fixture
def scans(monkeypatch: pytest.MonkeyPatch, aws: dict[str, str], dagbag: Any) -> Iterator[str]:
    """Three scans in a bucket, a studio and its images in two more places there."""
    for name, value in aws.items():
        monkeypatch.setenv(name, value)
    bucket = open_store(f"s3://{BUCKET}/nights")
    put_scans(bucket, "scans/")
    lead_to(bucket.uri, monkeypatch)
    yield bucket.uri
    bucket.delete_all([entry.key for entry in bucket.list()])
    monkeypatch.undo()
    settings.cache_clear()


def put_scans(store: Store, prefix: str) -> None:
    for width in (300, 200, 100):
        store.write(f"{prefix}{width}.jpg", drawings.picture(width, 80).jpegsave_buffer())


def lead_to(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DARKROOM_SCAN_SOURCES", json.dumps({"maps": f"{place}/scans"}))
    monkeypatch.setenv("DARKROOM_STUDIO_STORE", f"{place}/studio")
    monkeypatch.setenv("DARKROOM_IMAGE_STORE", f"{place}/images")
    settings.cache_clear()


@pytest.fixture
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dagbag: Any) -> Iterator[str]:
    """The same in a folder."""
    put_scans(open_store(str(tmp_path)), "scans/")
    lead_to(str(tmp_path), monkeypatch)
    yield str(tmp_path)
    monkeypatch.undo()
    settings.cache_clear()


def night(place: str) -> dict[str, bytes]:
    run = run_dag("nightly_pyramids", {"mode": "all"})
    assert run.state == "success", run.tasks
    images = open_store(f"{place}/images")
    return {entry.key: images.read(entry.key) for entry in images.list()}


def test_tasks_on_ecs_make_the_same_pyramids_as_processes(scans: str, ecs_runner: Any) -> None:
    by_tasks = night(scans)
    assert sorted(by_tasks) == ["100.tif", "200.tif", "300.tif"]
    assert len(ecs_runner.tasks) == 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DARKROOM_JOB_RUNNER", "subprocess")
        settings.cache_clear()
        assert night(scans) == by_tasks


def test_containers_make_the_same_pyramids_in_folders_as_processes(in_a_folder: str, docker_runner: str) -> None:
    by_containers = night(in_a_folder)
    assert sorted(by_containers) == ["100.tif", "200.tif", "300.tif"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DARKROOM_JOB_RUNNER", "subprocess")
        settings.cache_clear()
        assert night(in_a_folder) == by_containers


def test_no_dag_file_mentions_an_operator_by_name() -> None:
    for path in Path(ROOT / "dags").glob("*.py"):
        text = path.read_text()
        assert not [name for name in ("Subprocess", "Docker", "Ecs") if name in text], path
