"""Workers on ECS under a real scheduler and triggerer: they outlive a dead Airflow worker and end with their task."""

import shlex
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import psutil
import pytest

from darkroom.store import open_store
from demo.layout import Layout
from demo.rest import AirflowApi
from demo.studio import Studio
from demo.watch import FINISHED
from tests import renders
from tests.e2e.nights import ONLY_WHAT_IS_ASKED
from tests.servers.ecs import CLUSTER, Ecs, ecs
from tests.servers.moto import moto_s3
from tests.tiny import LAYERS, STYLE

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

DAG = "combination_compositing"
ONE_JOB = {"approval": "none", "style": "tiny", "lengths": ["mini"], "colours": "0", "sides": ["front"], "mode": "all"}
FIRST_PORT = 18480
BUCKET = "studio"


class Cloud:
    """A studio whose store is a bucket and whose workers are tasks on ECS, which wait for the gate before they work."""

    def __init__(self, studio: Studio, api: AirflowApi, service: Ecs, gate: Path) -> None:
        self.studio, self.api, self.ecs, self.gate = studio, api, service, gate

    def trigger(self) -> str:
        self.ecs.forget()
        self.ecs.requests.clear()
        self.gate.unlink(missing_ok=True)
        return self.api.trigger(DAG, ONE_JOB)

    def run_task(self, run_id: str) -> str:
        states = [task["state"] for task in self.api.tasks(DAG, run_id) if task["task_id"] == "run"]
        return states[0] if states else ""

    def until(self, what: Callable[[], Any], seconds: float = 90) -> Any:
        end = time.monotonic() + seconds
        while not (found := what()):
            self.studio.check_alive()
            assert time.monotonic() < end, "not in time"
            time.sleep(0.2)
        return found

    @contextmanager
    def no_task_starts(self) -> Iterator[None]:
        """Airflow's default pool, which every task but `run` is in, has no slot meanwhile."""
        self.api.set_slots("default_pool", 0)
        try:
            yield
        finally:
            self.api.set_slots("default_pool", 128)

    def log(self, run_id: str, *, of_the_trigger: bool = False) -> str:
        folder = self.studio.layout.airflow / "logs" / f"dag_id={DAG}" / f"run_id={run_id}" / "task_id=run"
        names = "attempt=*.log.trigger.*" if of_the_trigger else "attempt=*.log*"
        return "".join(path.read_text() for path in sorted(folder.rglob(names)))

    def end(self, run_id: str) -> str:
        self.until(lambda: self.api.run_state(DAG, run_id) in FINISHED, 150)
        return self.api.run_state(DAG, run_id)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    root = tmp_path_factory.mktemp("cloud")
    styles, drawn, gate = root / "styles", root / "renders", root / "gate"
    styles.mkdir()
    (styles / "tiny.yaml").write_text(STYLE, encoding="utf-8")
    renders.draw(drawn, LAYERS, [0], 200)
    with moto_s3() as server, ecs(server.environment()) as (service, endpoint), pytest.MonkeyPatch.context() as patch:
        deployment = {
            **server.environment(),
            "AWS_ENDPOINT_URL_ECS": endpoint,
            "DARKROOM_STUDIO_STORE": f"s3://{BUCKET}",
            "DARKROOM_JOB_RUNNER": "ecs",
            "DARKROOM_ECS_CLUSTER": CLUSTER,
            **ONLY_WHAT_IS_ASKED,
        }
        for name, value in server.environment().items():
            patch.setenv(name, value)
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        store = open_store(f"s3://{BUCKET}")
        for file in drawn.iterdir():
            store.write(f"renders/raw/tiny/Render PNG's/{file.name}", file.read_bytes())
        wait = f"until [ -e {shlex.quote(str(gate))} ]; do sleep 0.1; done"
        service.program = ["sh", "-c", f'{wait}; exec {sys.executable} -m darkroom "$@"', "worker"]
        studio = Studio(Layout(root / "var", styles=styles), FIRST_PORT, deployment)
        try:
            studio.start(lambda text: None)
            studio.make_pools()
            studio.wait_for_dag(DAG)
            with studio.api() as api:
                api.pause(DAG, paused=False)
                yield Cloud(studio, api, service, gate)
        finally:
            studio.stop()


def test_a_run_sleeps_while_its_worker_works_and_shows_its_log(cloud: Cloud) -> None:
    run_id = cloud.trigger()
    cloud.until(lambda: cloud.run_task(run_id) == "deferred")
    assert len(cloud.ecs.running()) == 1
    cloud.gate.touch()
    assert cloud.end(run_id) == "success"
    assert cloud.api.xcom(DAG, run_id, "report", "counts")["done"] == 8
    assert "8 items fine, 0 failed or refused" in cloud.log(run_id)


def test_marking_a_task_that_the_triggerer_watches_makes_it_stop_the_worker(cloud: Cloud) -> None:
    run_id = cloud.trigger()
    cloud.until(lambda: cloud.run_task(run_id) == "deferred")
    # while a trigger still looks for its connection, in a thread, Airflow loses why it is cancelled: settle is for that
    cloud.until(lambda: "Status of the task is RUNNING" in cloud.log(run_id, of_the_trigger=True))
    (task,) = cloud.until(cloud.ecs.running)
    with cloud.no_task_starts():  # or settle might stop the worker first
        cloud.api.mark(DAG, run_id, "run", 0, "failed")
        cloud.until(lambda: not cloud.ecs.running())
        cloud.until(lambda: "is stopped" in cloud.log(run_id, of_the_trigger=True))
    assert task.document["stoppedReason"] == "The Airflow task was ended."
    assert cloud.end(run_id) == "failed"


def test_marking_a_sleeping_task_makes_settle_stop_the_worker_that_the_triggerer_does_not_know(cloud: Cloud) -> None:
    run_id = cloud.trigger()
    cloud.until(lambda: cloud.run_task(run_id) == "deferred")
    (task,) = cloud.until(cloud.ecs.running)
    cloud.api.mark(DAG, run_id, "run", 0, "failed")
    cloud.until(lambda: not cloud.ecs.running())
    assert task.document["stoppedReason"] == "The Airflow task was ended."
    assert cloud.end(run_id) == "failed"


def test_a_worker_that_dies_after_the_start_leaves_a_task_that_the_next_try_takes_up(cloud: Cloud) -> None:
    cloud.ecs.answers.clear()  # the ECS task runs, and nobody knows its name yet
    run_id = cloud.trigger()
    try:
        cloud.until(cloud.ecs.running)
        for process in airflow_tasks(cloud.studio):
            process.send_signal(signal.SIGKILL)
    finally:
        cloud.ecs.answers.set()
    cloud.until(lambda: cloud.run_task(run_id) == "deferred")
    cloud.gate.touch()
    assert cloud.end(run_id) == "success"
    assert len(cloud.ecs.tasks) == 1
    assert "An earlier try has started" in cloud.log(run_id)


def airflow_tasks(studio: Studio) -> list[psutil.Process]:
    """The processes that execute a task now."""
    lines = studio.processes()
    # not those that start and watch them, without which a LocalExecutor hands out no more tasks
    found = [line.split() for line in lines if "airflow worker -- " in line and "LocalExecutor" not in line]
    assert found, lines
    return [psutil.Process(int(pid)) for pid, *_ in found]
