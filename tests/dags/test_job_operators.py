"""The job operators: what a worker is started with, what its end means, how it is ended."""

import os
import signal
import sys
import threading
import time
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from darkroom.errors import BadInput
from darkroom.jobs import Job, Outcome, State, dump
from darkroom.machines import MACHINES
from darkroom.plan_folder import PlanFolder, Recorder
from darkroom.settings import settings
from darkroom.store import open_store
from darkroom.store.access import NO_ACCESS, Access
from darkroom_airflow.operators import subprocess_job
from darkroom_airflow.operators.jobs import (
    JOB_FIELDS,
    check_exit,
    failed_items,
    job_command,
    job_operator,
    require_reach,
)
from darkroom_airflow.operators.subprocess_job import SubprocessJobOperator
from darkroom_airflow.worker_process import WorkerProcess, container_environment, worker_environment


@pytest.fixture
def job_uri(tmp_path: Path) -> str:
    """A job of three items: one done, one refused, one that failed first and was done by the next try."""
    folder = PlanFolder(open_store(str(tmp_path)), "work/dag/run/plan/")
    job = Job(
        flow="compositing",
        number=7,
        label="a job",
        plan=folder.uri,
        store=folder.store.uri,
        output_store=folder.store.uri,
    )
    folder.write("jobs/0007.json", dump(job))
    recorder = Recorder(folder, 7)
    recorder.add(
        [
            Outcome(item="t1-knee-front-0000", state=State.DONE),
            Outcome(item="t2-knee-front-0000", state=State.REFUSED, reason="t2_neckline_front_0000.png is cut short"),
            Outcome(item="b1-knee-front-0000", state=State.FAILED, reason="the disk was full"),
        ]
    )
    recorder.flush()
    recorder.add([Outcome(item="b1-knee-front-0000", state=State.DONE)])
    recorder.flush()
    return folder.uri_of("jobs/0007.json")


def run_operator(monkeypatch: pytest.MonkeyPatch, code: str, job_uri: str = "file:///nowhere/0001.json") -> None:
    """Execute the operator with a small program in the worker's place."""
    monkeypatch.setattr(subprocess_job, "job_command", lambda uri: [sys.executable, "-c", code, uri])
    operator = SubprocessJobOperator(task_id="run", job_uri=job_uri, job_label="a job")
    operator.execute.__wrapped__(operator, {})  # type: ignore[attr-defined] # without the guard against calls outside a task


def test_the_worker_is_the_same_python_with_the_jobs_address() -> None:
    assert job_command("s3://bucket/job.json") == [
        sys.executable,
        "-m",
        "darkroom",
        "job",
        "run",
        "s3://bucket/job.json",
    ]


def test_the_deployments_setting_chooses_the_operator() -> None:
    assert job_operator() is SubprocessJobOperator


def test_a_docker_engine_is_another_setting_and_the_same_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DARKROOM_JOB_RUNNER", "docker")
    settings.cache_clear()
    chosen = job_operator()
    monkeypatch.delenv("DARKROOM_JOB_RUNNER")
    settings.cache_clear()
    assert chosen.__name__ == "DockerJobOperator"
    assert tuple(chosen.template_fields) == JOB_FIELDS


def test_a_flow_with_a_folder_runs_on_the_machine_that_has_it(monkeypatch: pytest.MonkeyPatch, dagbag: Any) -> None:
    """The deployment's workers are on ECS, which sees no folder; the flow's plan and its workers go to its queue."""
    from airflow.sdk import DAG

    from darkroom_airflow.operators import PlanOperator, run_jobs

    monkeypatch.setenv("DARKROOM_JOB_RUNNER", "ecs")
    settings.cache_clear()
    with DAG("toy"):
        here: Any = PlanOperator(task_id="plan", flow="compositing", where="folders")
        run: Any = run_jobs(here, where="folders")
    with DAG("anywhere"):
        anywhere: Any = PlanOperator(task_id="plan", flow="compositing", where="")
        local: Any = run_jobs(anywhere, where="")
    with DAG("other"):
        elsewhere: Any = PlanOperator(task_id="plan", flow="compositing")
        other: Any = run_jobs(elsewhere)
    context = {
        "ti": SimpleNamespace(xcom_push=lambda *pushed: None),
        "dag_run": SimpleNamespace(dag_id="toy", run_id="by hand", run_type="manual"),
        "params": {"style": "tiny-dress", "mode": "plan"},
    }
    for one in (here, anywhere):
        assert one.execute.__wrapped__(one, context) == []
    with pytest.raises(AirflowFailException, match="a folder of this machine"):
        elsewhere.execute.__wrapped__(elsewhere, context)
    monkeypatch.undo()
    settings.cache_clear()
    assert (run.operator_class, run.queue, run.partial_kwargs["pool"]) == (SubprocessJobOperator, "folders", "imaging")
    assert (local.operator_class, anywhere.queue, local.queue) == (SubprocessJobOperator, "default", "default")
    assert (other.operator_class.__name__, other.queue) == ("EcsJobOperator", "default")


@pytest.mark.parametrize(
    ("runner", "engine", "refused"),
    [
        ("subprocess", "tcp://machine:2376", False),
        ("docker", "", False),
        ("docker", "unix:///run/docker.sock", False),
        ("docker", "tcp://127.0.0.1:2375", False),
        ("docker", "tcp://machine:2376", True),
        ("docker", "ssh://studio@machine", True),
        ("ecs", "", True),
    ],
)
def test_a_folder_is_refused_where_the_workers_are_elsewhere(
    monkeypatch: pytest.MonkeyPatch, runner: str, engine: str, refused: bool
) -> None:
    monkeypatch.setenv("DARKROOM_JOB_RUNNER", runner)
    monkeypatch.setenv("DOCKER_HOST", engine)
    settings.cache_clear()
    require_reach(["s3://bucket/studio", "gs://bucket"])
    for folder in ("file:///studio", "var/buckets/studio"):
        with pytest.raises(BadInput, match=f"{folder}: a folder of this machine") if refused else nullcontext():
            require_reach([folder])
    monkeypatch.undo()
    settings.cache_clear()


def test_a_container_sees_its_store_to_write_and_other_folders_to_read() -> None:
    from darkroom_airflow.operators.docker_job import folder_mounts

    locations = [
        "compositing",
        "file:///studio",
        "file:///studio/work/1",
        "file:///renders%20of%20all",
        "s3://bucket/x",
    ]
    written = ["file:///images", "file:///studio/work/1", "file:///studio"]
    mounts = {mount["Source"]: mount["ReadOnly"] for mount in folder_mounts(written, locations)}
    assert mounts == {"/studio": False, "/images": False, "/renders of all": True}
    assert folder_mounts(["s3://bucket"], ["s3://bucket", "gs://other"]) == []


def test_a_size_of_machine_is_cut_to_its_host_and_told_to_the_worker() -> None:
    machine = MACHINES["xlarge"].at_most(cpus=2, memory=8 << 30)
    assert machine.worker_settings == {"DARKROOM_WORKERS": "2", "DARKROOM_MEMORY": str(6 << 30)}


def test_a_container_is_given_no_path_of_this_host(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PATH", "HOME", "AWS_CONFIG_FILE", "AWS_PROFILE", "DARKROOM_STYLES_DIR", "AIRFLOW__CORE__FERNET_KEY"):
        monkeypatch.setenv(name, "/somewhere")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    given = container_environment()
    assert given["AWS_REGION"] == "eu-west-1"
    assert "/somewhere" not in given.values()


def test_code_0_is_success(monkeypatch: pytest.MonkeyPatch) -> None:
    run_operator(monkeypatch, "print('all fine')")


def test_code_1_is_final_and_names_the_items_that_are_still_not_made(
    monkeypatch: pytest.MonkeyPatch, job_uri: str
) -> None:
    with pytest.raises(AirflowFailException) as caught:
        run_operator(monkeypatch, "raise SystemExit(1)", job_uri)
    assert "- t2_neckline_front_0000.png is cut short: t2-knee-front-0000 (refused)" in str(caught.value)
    assert "b1-knee-front-0000" not in str(caught.value)
    assert "t1-knee-front-0000" not in str(caught.value)


def test_code_1_without_readable_outcomes_shows_what_the_worker_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AirflowFailException, match="one is broken"):
        run_operator(monkeypatch, "import sys; print('one is broken', file=sys.stderr); sys.exit(1)")


def test_code_2_is_final_and_shows_the_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AirflowFailException, match="no job file lies there"):
        run_operator(monkeypatch, "print('no job file lies there'); raise SystemExit(2)")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("raise SystemExit(137)", "SIGKILL"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL"),
        ("raise SystemExit(143)", "SIGTERM"),
        ("raise SystemExit(70)", "unexpected code 70"),
    ],
)
def test_any_other_end_is_tried_again(monkeypatch: pytest.MonkeyPatch, code: str, said: str) -> None:
    with pytest.raises(AirflowException, match=said) as caught:
        run_operator(monkeypatch, code)
    assert not isinstance(caught.value, AirflowFailException)


def test_a_long_list_of_failed_items_is_cut(tmp_path: Path) -> None:
    folder = PlanFolder(open_store(str(tmp_path)), "plan/")
    job = Job(
        flow="compositing",
        number=1,
        label="a job",
        plan=folder.uri,
        store=folder.store.uri,
        output_store=folder.store.uri,
    )
    folder.write("jobs/0001.json", dump(job))
    recorder = Recorder(folder, 1)
    recorder.add(Outcome(item=f"picture-{at}", state=State.FAILED, reason=f"{at} {'x' * 5000}") for at in range(1000))
    recorder.flush()
    said = failed_items(folder.uri_of("jobs/0001.json"), NO_ACCESS)
    assert len(said) == 21
    assert said[-1] == "... and 980 more reasons."
    assert max(map(len, said)) <= 500
    assert said[0].endswith(": picture-0 (failed)"), "what it cost stands behind the longest reason"


def test_the_exit_code_means_the_same_wherever_the_worker_ran() -> None:
    # 128 + n is how a container engine reports a signal, -n is how subprocess does
    for code in (137, -9):
        with pytest.raises(AirflowException, match="SIGKILL"):
            check_exit(code, label="a job", job_uri="file:///nowhere/0001.json", access=NO_ACCESS)


def test_the_worker_never_sees_airflows_own_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    own = {
        "PATH": "/bin",
        "LC_ALL": "C.UTF-8",
        "XDG_CACHE_HOME": "/var/cache/studio",
        "DARKROOM_WORKERS": "2",
        "AWS_REGION": "eu-west-1",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql://secret",
        "AIRFLOW_CONN_S3": "aws://secret",
        "AIRFLOW_HOME": "/opt/airflow",
        "_AIRFLOW__AS_LIBRARY": "1",
        "SECRET_OF_ANOTHER_SERVICE": "secret",
        "PYTHONPATH": "/somewhere",
    }
    monkeypatch.setattr(os, "environ", own)
    assert worker_environment(Access({"AWS_ACCESS_KEY_ID": "AKIA", "APPSYNC_API_KEY": "secret"})) == {
        "PATH": "/bin",
        "LC_ALL": "C.UTF-8",
        "XDG_CACHE_HOME": "/var/cache/studio",
        "DARKROOM_WORKERS": "2",
        "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "AKIA",
        "PYTHONUNBUFFERED": "1",
    }


def test_a_real_worker_gets_only_that_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", "secret")
    monkeypatch.setenv("DARKROOM_WORKERS", "2")
    lines: list[str] = []
    worker = WorkerProcess([sys.executable, "-c", "import os; print(*sorted(os.environ))"], worker_environment())
    assert worker.run(lines.append) == 0
    names = lines[0].split()
    assert "DARKROOM_WORKERS" in names
    assert not [name for name in names if name.startswith("AIRFLOW")]


def test_lines_come_as_they_are_written_and_the_last_ones_are_kept() -> None:
    seen: list[tuple[float, str]] = []
    code = "import time; print('first'); time.sleep(0.5); print('\\xe9 last'); print(*range(3), sep='\\n' * 20)"
    worker = WorkerProcess([sys.executable, "-c", code], {**worker_environment(), "PYTHONIOENCODING": "latin-1"})
    worker.run(lambda line: seen.append((time.monotonic(), line)))
    assert [line for _, line in seen[:2]] == ["first", "\\xe9 last"]
    assert seen[1][0] - seen[0][0] > 0.3
    assert len(worker.last_lines) == 40


def test_a_killed_task_ends_the_workers_whole_group_even_when_it_ignores_sigterm() -> None:
    code = (
        "import os, signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'], preexec_fn=lambda: "
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)); print(child.pid); time.sleep(60)"
    )
    lines: list[str] = []
    worker = WorkerProcess([sys.executable, "-c", code], worker_environment())

    def stop() -> None:
        while not lines:
            time.sleep(0.02)
        worker.stop(grace=0.3)

    stopper = threading.Thread(target=stop)
    stopper.start()
    assert worker.run(lines.append) == -signal.SIGKILL
    stopper.join()
    assert _gone(int(lines[0]))


def test_a_worker_that_heeds_sigterm_ends_in_its_own_way() -> None:
    code = (
        "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: sys.exit(143));"
        "print('ready'); time.sleep(60)"
    )
    lines: list[str] = []
    operator = SubprocessJobOperator(task_id="run", job_uri="x", job_label="a job")
    operator.on_kill()  # before the worker is started: nothing to end
    operator._worker = worker = WorkerProcess([sys.executable, "-c", code], worker_environment())

    def say(line: str) -> None:
        lines.append(line)
        threading.Thread(target=operator.on_kill).start()

    began = time.monotonic()
    assert worker.run(say) == 143
    assert time.monotonic() - began < 2.5


def _gone(pid: int) -> bool:
    for _ in range(50):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        status = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        if status == "Z":
            return True
        time.sleep(0.05)
    return False
