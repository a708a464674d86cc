"""`run` in containers of the imaging image, on a real Docker engine."""

import json
import os
import shutil
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from darkroom.jobs import Job, dump
from darkroom.machines import MACHINES, Machine
from darkroom.plan_folder import PlanFolder
from darkroom.store import open_store
from tests.dags.tiny_studio import CUTS, PICTURES, Studio, run_dag
from tests.servers import containers

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("docker_runner")]


def operator(job_uri: str, machine: str = "small") -> Any:
    from darkroom_airflow.operators.jobs import job_operator

    made = job_operator()(task_id="run", job_uri=job_uri, job_label="a job", machine=machine)  # type: ignore[call-arg]
    return made


def execute(task: Any) -> None:
    task.execute.__wrapped__(task, {})  # without the guard against calls outside a task


def job_at(tmp_path: Path) -> str:
    """A job file without a plan, which the worker refuses."""
    folder = PlanFolder(open_store(str(tmp_path)), "plan/")
    job = Job(
        flow="none", number=1, label="a job", plan=folder.uri, store=folder.store.uri, output_store=folder.store.uri
    )
    folder.write("jobs/0001.json", dump(job))
    return folder.uri_of("jobs/0001.json")


def test_what_the_worker_refuses_is_final_and_said(engine: str, tmp_path: Path) -> None:
    with pytest.raises(AirflowFailException, match="the worker refuses its job") as caught:
        execute(operator(job_at(tmp_path)))
    assert "no plan lies there" in str(caught.value)
    assert containers.containers(engine) == []


def test_a_store_that_the_engines_host_does_not_have_fails_for_good(
    engine: str, sleeper: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from darkroom_airflow.operators import docker_job

    monkeypatch.setattr(
        docker_job, "folder_mounts", lambda written, read: [docker_job._bind(Path("/nowhere"), read_only=True)]
    )
    with pytest.raises(AirflowFailException, match=r"bind source path does not exist: /nowhere.*on the engine's host"):
        execute(operator("pass"))
    assert containers.containers(engine) == []


@pytest.fixture
def sleeper(monkeypatch: pytest.MonkeyPatch) -> None:
    """Something else in the worker's place."""
    from darkroom_airflow.operators import docker_job

    monkeypatch.setattr(docker_job, "job_command", lambda uri, program: ["-c", uri])
    monkeypatch.setattr(
        docker_job.DockerJobOperator,
        "entrypoint",
        property(lambda self: ["python3"], lambda self, value: None),
        raising=False,
    )


def test_a_killed_task_leaves_no_container(engine: str, sleeper: None) -> None:
    task = operator("import time; print('ready', flush=True); time.sleep(600)")
    threading.Timer(4, task.on_kill).start()
    began = time.monotonic()
    with pytest.raises(AirflowException, match=r"with its task|SIGTERM|SIGKILL"):
        execute(task)
    assert time.monotonic() - began < 30
    assert containers.containers(engine) == []


def test_too_little_memory_is_named_and_tried_again(
    engine: str, sleeper: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(MACHINES, "small", Machine("small", 1, 64 << 20))
    with pytest.raises(AirflowException, match=r"needed more memory than it has.*small.*67\.1 MB") as caught:
        execute(operator("x = bytearray(500_000_000); print(len(x))"))
    assert not isinstance(caught.value, AirflowFailException)
    assert containers.containers(engine) == []


def test_the_container_can_write_nothing_but_its_workspace_and_sees_no_airflow(
    engine: str, sleeper: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", "secret")
    code = """
import os
open("/tmp/a", "w").close()
assert not any("AIRFLOW" in name for name in os.environ), os.environ
assert os.getuid() == 10001
for path in ("/a", "/opt/darkroom/a", "/home/a"):
    try:
        open(path, "w")
    except OSError as error:
        continue
    raise SystemExit(f"{path} can be written")
assert os.sched_getaffinity(0) and "CapEff:\\t0000000000000000" in open("/proc/self/status").read()
"""
    execute(operator(code))


def test_googles_key_is_a_file_in_the_container_which_nobody_can_change(
    engine: str, sleeper: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from darkroom_airflow.operators import docker_job

    key = {"type": "service_account", "client_email": "studio@x.example", "private_key": "a-secret"}
    connection = {"conn_type": "google_cloud_platform", "extra": {"keyfile_dict": json.dumps(key)}}
    monkeypatch.setenv("AIRFLOW_CONN_GOOGLE_CLOUD_DEFAULT", json.dumps(connection))
    bucket = "gs://bucket"
    job = Job(flow="none", number=1, label="a job", plan=f"{bucket}/plan", store=bucket, output_store=bucket)
    monkeypatch.setattr(docker_job, "job_of", lambda uri, access: job)
    code = """
import json, os
path = os.environ["GOOGLE_APPLICATION_CREDENTIALS"]
key = json.load(open(path))
assert (key["client_email"], key["private_key"][:2]) == ("studio@x.example", "a-")
try:
    open(path, "a")
except OSError:
    print("read only")
"""
    execute(operator(code))
    said = capsys.readouterr().out
    assert "read only" in said
    assert "a-secret" not in said


def test_folders_are_mounted_and_their_files_are_the_tasks_users(dagbag: Any, studio: Studio, engine: str) -> None:
    made = studio.store / "renders/composites/tiny-dress"
    shutil.rmtree(made, ignore_errors=True)
    run = run_dag("combination_compositing", {"style": "tiny-dress", "mode": "all"})
    assert run.state == "success"
    assert run.report["done"] == PICTURES
    files = list(made.rglob("*.png"))
    assert len(files) == PICTURES * len(CUTS)
    assert {file.stat().st_uid for file in files} == {os.getuid()}
    assert containers.containers(engine) == []
