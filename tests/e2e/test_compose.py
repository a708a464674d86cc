"""The stack of docker-compose.yaml, started for real: Celery workers, Redis, PostgreSQL, an S3 server.

The images that it would pull have stand-ins (`tests.servers.compose`); all else is as it is shipped.
"""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from demo.compose_up import NEEDED
from demo.credentials import USER
from demo.rest import AirflowApi, ApiError
from demo.watch import FINISHED
from tests.servers import compose, containers
from tests.servers.compose import Stack
from tests.servers.processes import ServerFailed, free_ports

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

DAG = "combination_compositing"
STYLE = "sample-dress"
WORKERS = 3
SETTINGS = {"STUDIO_SAMPLE": "200"}
ONE_COLOUR = {"style": STYLE, "approval": "none", "mode": "all", "colours": "0"}
PICTURES = 780
"""Of one colour of the sample dress."""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    if missing := compose.missing():
        pytest.skip(missing)
    folder = tmp_path_factory.mktemp("compose")
    try:
        with compose.engine(folder / "engine") as address:
            compose.stand_ins(address, folder)
            made = Stack(address, folder / "clone", port=free_ports(1), settings=SETTINGS)
            try:
                assert made.address_of_ui in made.up(WORKERS)
                yield made
            finally:
                made.compose("down", "--volumes", "--timeout", "5", check=False)
    except ServerFailed as failure:
        pytest.skip(f"No Docker engine can be started here: {failure}")


@pytest.fixture
def api(stack: Stack) -> Iterator[AirflowApi]:
    opened = log_in(stack)
    yield opened
    opened.close()


def log_in(stack: Stack, password: str = "") -> AirflowApi:
    opened = AirflowApi(stack.address_of_ui, USER, password or stack.variables["AIRFLOW_PASSWORD"])
    opened.log_in()
    return opened


def until(what: Callable[[], Any], seconds: float) -> Any:
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, "not in time"
        time.sleep(0.5)
    return found


@pytest.fixture(scope="module")
def made(stack: Stack) -> str:
    """The id of a run that has made one colour of the sample, whose renders init has delivered."""
    opened = log_in(stack)
    until(lambda: opened.has_dag(DAG) and opened.has_dag("render_ingest"), 300)
    until(lambda: ended_of(opened), 600)
    # the first one has taken what init has just delivered
    first = min(ended_of(opened), key=lambda run: run["run_after"])
    assert first["state"] == "success"
    assert (opened.xcom("render_ingest", first["dag_run_id"], "report", "counts") or {})["done"] > 0
    run_id = opened.trigger(DAG, ONE_COLOUR)
    until(lambda: opened.run_state(DAG, run_id) in FINISHED, 600)
    assert opened.run_state(DAG, run_id) == "success", failed_of(opened, run_id)
    return run_id


def ended_of(opened: AirflowApi) -> list[dict[str, Any]]:
    """The scheduled ingests that have ended."""
    return [run for run in opened.runs("render_ingest", "scheduled") if run["state"] in FINISHED]


def pictures(stack: Stack) -> int:
    where = f"s3://studio/renders/composites/{STYLE}/800x800"
    return len(stack.compose("run", "--rm", "--no-deps", "cli", "darkroom", "store", "list", where).splitlines())


def test_the_stack_comes_up_healthy_with_only_the_ui_on_loopback(stack: Stack) -> None:
    # `make compose-up` has failed already where a service is not healthy
    published = stack.docker("ps", "--format", "{{.Names}} {{.Ports}}").splitlines()
    assert len([line for line in published if "-worker-" in line and "folder" not in line]) == WORKERS
    assert [line for line in published if "->" in line] == [
        line for line in published if "api-server" in line and f"127.0.0.1:{stack.port}->" in line
    ]


def test_celery_workers_make_the_pictures_of_a_dress_from_one_bucket_into_another(
    stack: Stack, api: AirflowApi, made: str
) -> None:
    counts = api.xcom(DAG, made, "report", "counts")
    assert (counts["done"], counts["failed"]) == (PICTURES, 0)
    assert pictures(stack) == PICTURES
    # the logs are in the bucket, whatever becomes of the containers
    logs = stack.compose("run", "--rm", "--no-deps", "cli", "darkroom", "store", "list", "s3://logs").splitlines()
    assert [key for key in logs if f"run_id={made}/task_id=run/" in key]


def test_a_password_of_the_file_is_really_needed(stack: Stack) -> None:
    with pytest.raises(ApiError, match="401"):
        log_in(stack, "wrong")
    query = ["psql", "--host=postgres", "--username=airflow", "--dbname=airflow", "--command=select 1"]
    for password, said in (
        ("wrong", "password authentication failed"),
        (stack.variables["POSTGRES_PASSWORD"], "1 row"),
    ):
        words = ("exec", "-T", "--env", f"PGPASSWORD={password}", "postgres", *query)
        assert said in stack.compose(*words, check=False)
    assert "NOAUTH" in stack.compose("exec", "-T", "redis", "redis-cli", "keys", "*", check=False)
    anonymous = ("curl", "--silent", "http://s3:8333/studio")
    assert "AccessDenied" in stack.compose("exec", "-T", "worker", *anonymous)


def test_no_secret_stands_in_what_a_container_or_a_task_shows_of_itself(stack: Stack) -> None:
    secrets = [stack.variables[name] for name in NEEDED]
    for container in stack.compose("ps", "--all", "--quiet").split():
        shown = stack.docker("inspect", container)
        assert not [one for one in secrets if one in shown], json.loads(shown)[0]["Name"]
    assert "SQL_ALCHEMY" not in stack.compose("exec", "-T", "worker", "env")


def test_flower_shows_the_workers_to_whoever_has_the_password(stack: Stack) -> None:
    stack.compose("--profile", "flower", "up", "--detach", "--wait", "--no-build", "flower")
    ask = ("exec", "-T", "flower", "curl", "--silent", "--user")
    address = "http://127.0.0.1:5555/api/workers?refresh=1"
    seen = json.loads(stack.compose(*ask, f"{USER}:{stack.variables['AIRFLOW_PASSWORD']}", address))
    assert len(seen) == WORKERS + 1, "those of the scale, and the one that has the folder"
    refused = stack.compose(*ask, f"{USER}:wrong", "--write-out", "%{http_code}", address)
    assert refused.endswith("401")
    stack.compose("--profile", "flower", "rm", "--stop", "--force", "flower")


def test_a_turn_of_the_cleaner_takes_what_is_old_and_keeps_the_rest(stack: Stack, api: AirflowApi, made: str) -> None:
    logs = "/opt/airflow/logs"
    exec_ = ("exec", "-T", "cleaner", "bash", "-c")
    stack.compose(*exec_, f"mkdir -p {logs}/old && touch -d '100 days ago' {logs}/old/task.log && touch {logs}/new.log")
    # a day's wait ends the script, an hour's takes no time
    stack.compose(*exec_, "sleep() { [ $1 = 3600 ] || exit 0; }; . /opt/studio/clean.sh")
    left = stack.compose(*exec_, f"find {logs} -name old -o -name task.log -o -name new.log")
    assert left.split() == [f"{logs}/old", f"{logs}/new.log"], "a folder that is empty goes a day later"
    assert api.run_state(DAG, made) == "success"


@pytest.mark.long
def test_a_run_ends_right_though_a_worker_is_killed_in_the_middle_and_its_log_stays(
    stack: Stack, api: AirflowApi, made: str
) -> None:
    run_id = api.trigger(DAG, ONE_COLOUR)
    busy = until(lambda: [task for task in tasks_of(api, run_id) if task["state"] == "running"], 300)[0]
    until(lambda: " of 390" in log_of(api, run_id, busy, 1), 120)  # it says how far it is
    stack.docker("kill", busy["hostname"])
    until(lambda: api.run_state(DAG, run_id) in FINISHED, 900)
    assert api.run_state(DAG, run_id) == "success"
    again = next(task for task in tasks_of(api, run_id) if task["map_index"] == busy["map_index"])
    assert again["try_number"] == 2
    assert again["hostname"] != busy["hostname"]
    assert "starting the worker" in log_of(api, run_id, busy, 1)
    assert api.xcom(DAG, run_id, "report", "counts")["failed"] == 0
    assert pictures(stack) == PICTURES


@pytest.mark.long
def test_a_worker_starts_containers_of_the_imaging_image_which_reach_the_stores(
    stack: Stack, api: AirflowApi, made: str, tmp_path: Path
) -> None:
    containers.imaging_image(stack.address, tmp_path)
    both = {"COMPOSE_FILE": "docker-compose.yaml:docker/docker-runner.yaml", "DARKROOM_JOB_RUNNER": "docker"}
    socket = {"DOCKER_SOCKET": str(stack.socket), "DOCKER_GROUP": str(stack.socket.stat().st_gid)}
    with stack.settings(**both, **socket):
        stack.up(WORKERS)
        run_id = api.trigger(DAG, ONE_COLOUR)
        until(lambda: api.run_state(DAG, run_id) in FINISHED, 900)
    assert api.run_state(DAG, run_id) == "success"
    task = tasks_of(api, run_id)[0]
    assert "starting a container of darkroom-imaging" in log_of(api, run_id, task, task["try_number"])
    assert api.xcom(DAG, run_id, "report", "counts")["done"] == PICTURES
    assert containers.containers(stack.address) == []
    stack.up(WORKERS)


@pytest.mark.long
def test_down_and_up_keep_runs_pictures_users_and_what_an_operator_has_changed(
    stack: Stack, api: AirflowApi, made: str
) -> None:
    before = pictures(stack)
    api.set_pool("imaging", 5, "of the operator")
    stack.make("compose-down")
    stack.up(WORKERS)
    again = log_in(stack)
    assert again.run_state(DAG, made) == "success"
    assert again._get("/pools/imaging")["slots"] == 5
    assert pictures(stack) == before
    assert "starting the worker" in log_of(again, made, {"task_id": "run", "map_index": 0}, 1)


def tasks_of(api: AirflowApi, run_id: str) -> list[dict[str, Any]]:
    return [task for task in api.tasks(DAG, run_id) if task["task_id"] == "run"]


def failed_of(api: AirflowApi, run_id: str) -> list[str]:
    """The logs of the tasks that failed."""
    failed = [task for task in api.tasks(DAG, run_id) if task["state"] == "failed"]
    return [f"{task['task_id']}: {log_of(api, run_id, task, task['try_number'])[-6000:]}" for task in failed]


def log_of(api: AirflowApi, run_id: str, task: dict[str, Any], number: int) -> str:
    """What the API shows of a try's log."""
    path = f"/dags/{DAG}/dagRuns/{run_id}/taskInstances/{task['task_id']}/logs/{number}?map_index={task['map_index']}"
    return json.dumps(api._get(path)["content"])
