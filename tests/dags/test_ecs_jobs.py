"""`run` on ECS: the real operator and the real trigger, against a service whose tasks are processes of this machine."""

import asyncio
import json
import shutil
import sys
import threading
import time
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException, TaskDeferralError, TaskDeferred

from darkroom.jobs import Job, dump
from darkroom.plan_folder import PlanFolder
from darkroom.settings import settings
from darkroom.store import open_store
from darkroom_airflow.operators.jobs import stop_strays
from tests.dags.tiny_studio import BUCKET, Studio, run_dag
from tests.servers.ecs import LOG_GROUP, Ecs

SLEEP = "import time; print('ready', flush=True); time.sleep(600)"
TIMED_OUT = ("__fail__", {"error": "Trigger timeout"})


@pytest.fixture
def programs(ecs_runner: Ecs) -> Ecs:
    """Small programs in the worker's place: a job's address is its code."""
    ecs_runner.program = [sys.executable, "-c", "import sys; exec(sys.argv[3])"]
    return ecs_runner


def operator(job_uri: str, machine: str = "small", **kwargs: Any) -> Any:
    from darkroom_airflow.operators.jobs import job_operator

    made: Any = job_operator()
    return made(task_id="run", job_uri=job_uri, job_label="a job", machine=machine, **kwargs)


def context(try_number: int = 1) -> dict[str, Any]:
    return {
        "ti": SimpleNamespace(
            dag_id="dag", task_id="run", run_id="manual", map_index=0, try_number=try_number, max_tries=3
        )
    }


def start(task: Any) -> TaskDeferred:
    """Execute a task until it sleeps."""
    with pytest.raises(TaskDeferred) as caught:
        task.execute.__wrapped__(task, context())  # without the guard against calls outside a task
    return caught.value


def wait(deferred: TaskDeferred) -> dict[str, Any]:
    """What the trigger sees, as the triggerer runs it: made anew from what was stored of it."""

    async def first() -> dict[str, Any]:
        path, arguments = deferred.trigger.serialize()
        module, _, name = path.rpartition(".")
        trigger = getattr(__import__(module, fromlist=[name]), name)(**json.loads(json.dumps(arguments)))
        (event,) = [event async for event in trigger.run()]
        return dict(event.payload)

    return asyncio.run(first())


def run(job_uri: str, machine: str = "small") -> None:
    """A job from its start to the judgement, each half with an operator of its own as in Airflow."""
    deferred = start(operator(job_uri, machine))
    event = wait(deferred)
    operator(job_uri, machine).resume_execution(deferred.method_name, {"event": event}, context())


def until(condition: Any) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_it_sleeps_without_a_worker_and_ends_well(programs: Ecs) -> None:
    run("print('all fine')")
    assert [task.document["containers"][0]["exitCode"] for task in programs.tasks.values()] == [0]


def test_the_request_has_the_size_the_command_and_no_secret(
    programs: Ecs, aws: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", "fernet-secret")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "aws-secret")
    monkeypatch.setenv("DARKROOM_MAX_PIXELS", "1000000")
    monkeypatch.setenv("DARKROOM_ECS_CAPACITY_PROVIDERS", "FARGATE_SPOT=4, FARGATE")
    settings.cache_clear()
    run("print('fine')", machine="large")
    asked = next(document for action, document in programs.requests if action == "RunTask")
    assert (asked["overrides"]["cpu"], asked["overrides"]["memory"]) == ("8192", "16384")
    (container,) = asked["overrides"]["containerOverrides"]
    assert container["command"] == ["job", "run", "print('fine')"]
    assert {entry["name"]: entry["value"] for entry in container["environment"]} == {
        "DARKROOM_MAX_PIXELS": "1000000",
        "DARKROOM_MEMORY": str(12 << 30),
        "DARKROOM_WORKERS": "8",
    }
    assert asked["capacityProviderStrategy"] == [
        {"capacityProvider": "FARGATE_SPOT", "weight": 4},
        {"capacityProvider": "FARGATE", "weight": 1},
    ]
    assert "launchType" not in asked
    assert "networkConfiguration" not in asked
    assert "secret" not in json.dumps(programs.requests)
    assert "secret" not in capsys.readouterr().out


def test_a_network_of_its_own_needs_subnets(programs: Ecs, monkeypatch: pytest.MonkeyPatch) -> None:
    programs.network_mode = "awsvpc"
    with pytest.raises(AirflowFailException, match="DARKROOM_ECS_SUBNETS is empty; name the subnets"):
        run("pass")
    monkeypatch.setenv("DARKROOM_ECS_SUBNETS", "subnet-1, subnet-2")
    monkeypatch.setenv("DARKROOM_ECS_SECURITY_GROUPS", "sg-1")
    settings.cache_clear()
    run("pass")
    asked = next(document for action, document in programs.requests if action == "RunTask")
    assert asked["networkConfiguration"] == {
        "awsvpcConfiguration": {
            "subnets": ["subnet-1", "subnet-2"],
            "securityGroups": ["sg-1"],
            "assignPublicIp": "DISABLED",
        }
    }


def test_the_workers_lines_come_into_the_tasks_log(programs: Ecs, capsys: pytest.CaptureFixture[str]) -> None:
    run("print('12 of 34 pictures'); print('ERROR: one is torn')")
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if "[info" in line and "12 of 34 pictures" in line and "EcsWorkerTrigger" in line]
    assert [line for line in lines if "[error" in line and "ERROR: one is torn" in line and "EcsWorkerTrigger" in line]


def test_a_log_out_of_reach_does_not_end_the_wait(
    programs: Ecs, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    run("print('unheard')")
    assert "The worker's log cannot be read now" in capsys.readouterr().out


def test_a_later_try_takes_up_the_same_task(programs: Ecs) -> None:
    first = start(operator(SLEEP))
    second = start(operator(SLEEP))  # the worker that started it died, as far as Airflow knows
    assert second.trigger.serialize() == first.trigger.serialize()
    assert len(programs.tasks) == 1


def test_a_task_of_another_plan_is_left_alone(programs: Ecs, capsys: pytest.CaptureFixture[str]) -> None:
    start(operator(SLEEP))
    run(f"'another plan'; {SLEEP.replace('600', '0')}")
    assert "does a job of another plan: left alone" in capsys.readouterr().out
    assert len(programs.tasks) == 2
    assert len(programs.running()) == 1


def test_killing_the_sleeping_task_stops_what_it_started(programs: Ecs) -> None:
    deferred = start(operator(SLEEP))
    (task,) = programs.running()
    asyncio.run(deferred.trigger.on_kill())
    until(lambda: not programs.running())
    assert task.document["stoppedReason"] == "The Airflow task was ended."


def test_killing_the_task_while_it_starts_stops_what_it_started(programs: Ecs) -> None:
    task = operator(SLEEP)
    start(task)
    task.on_kill()
    until(lambda: not programs.running())


def test_a_time_out_stops_what_was_started_and_is_tried_again(programs: Ecs) -> None:
    task = operator(SLEEP, execution_timeout=timedelta(minutes=30))
    deferred = start(task)
    assert deferred.timeout == timedelta(minutes=30)
    with pytest.raises(AirflowException, match=r"it took longer than 0:30:00; what it had made is kept") as caught:
        operator(SLEEP, execution_timeout=timedelta(minutes=30)).resume_execution(*TIMED_OUT, context())
    assert not isinstance(caught.value, AirflowFailException)
    until(lambda: not programs.running())


def test_a_trigger_that_fails_leaves_the_task_to_the_next_try_but_not_after_the_last(programs: Ecs) -> None:
    start(operator(SLEEP))
    for try_number, left in ((3, 1), (4, 0)):
        with pytest.raises(TaskDeferralError):
            operator(SLEEP).resume_execution("__fail__", {"error": "the triggerer broke"}, context(try_number))
        until(lambda left=left: len(programs.running()) == left)


def test_what_is_left_of_a_plan_is_stopped_when_it_is_settled_and_nothing_else(programs: Ecs) -> None:
    for plan in ("s3://studio/work/dag/run/1", "s3://studio/work/dag/run/11"):
        start(operator(f"'{plan}/jobs/0001.json'; {SLEEP}"))
    for task in programs.tasks.values():
        task.command[-1] = task.command[-1][1:]  # the address alone, as a real job's
    stop_strays("s3://studio/work/dag/run/1", "dag")
    until(lambda: len(programs.running()) == 1)
    assert "run/11/" in programs.running()[0].command[-1]


def test_a_definition_for_each_dag_is_the_dags_own_from_its_start_to_its_end(
    programs: Ecs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DARKROOM_ECS_TASK_DEFINITION", "studio-{dag}")
    settings.cache_clear()
    with pytest.raises(AirflowFailException, match="with studio-dag is refused: Unable to describe"):
        run("pass")
    programs.families = {"studio-dag", "studio-another"}
    run("pass")
    start(operator(f"'s3://studio/work/dag/run/1/jobs/0001.json'; {SLEEP}"))
    for task in programs.running():
        task.command[-1] = "s3://studio/work/dag/run/1/jobs/0001.json"
    asked = {document["taskDefinition"] for action, document in programs.requests if action == "RunTask"}
    assert asked == {"studio-dag"}
    stop_strays("s3://studio/work/dag/run/1", "another")
    assert programs.running()
    stop_strays("s3://studio/work/dag/run/1", "dag")
    until(lambda: not programs.running())


def test_a_cluster_out_of_reach_does_not_keep_a_plan_from_being_settled(
    programs: Ecs, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("DARKROOM_ECS_CLUSTER", "nowhere")
    settings.cache_clear()
    stop_strays("s3://studio/work/dag/run/1", "dag")
    assert "cannot be seen" in caplog.text


def test_a_lost_spot_machine_is_tried_again(programs: Ecs) -> None:
    deferred = start(operator(SLEEP))
    (task,) = programs.running()
    threading.Timer(0.5, programs.interrupt, [task]).start()
    event = wait(deferred)
    with pytest.raises(AirflowException, match=r"lost its machine \(Your Spot Task was interrupted") as caught:
        operator(SLEEP).resume_execution(deferred.method_name, {"event": event}, context())
    assert not isinstance(caught.value, AirflowFailException)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", r"needed more memory.*size large, 17\.2 GB"),
        ("raise SystemExit(70)", "unexpected code 70"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", "SIGTERM"),
    ],
)
def test_any_other_end_is_tried_again(programs: Ecs, code: str, said: str) -> None:
    with pytest.raises(AirflowException, match=said) as caught:
        run(code, machine="large")
    assert not isinstance(caught.value, AirflowFailException)


def test_a_start_that_fails_is_tried_again(programs: Ecs) -> None:
    programs.no_start = "CannotPullContainerError: the registry does not answer"
    with pytest.raises(AirflowException, match=r"could not be started \(CannotPullContainerError") as caught:
        run("pass")
    assert not isinstance(caught.value, AirflowFailException)


def test_a_cluster_without_room_is_asked_again_later(programs: Ecs) -> None:
    programs.no_room = "RESOURCE:MEMORY"
    with pytest.raises(AirflowException, match="ECS has no machine for the worker now: RESOURCE:MEMORY") as caught:
        run("pass")
    assert not isinstance(caught.value, AirflowFailException)
    run("pass")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("DARKROOM_ECS_CLUSTER", "nowhere", r"RunTask|ListTasks.*nowhere.*Cluster not found"),
        ("DARKROOM_ECS_TASK_DEFINITION", "none", r"DescribeTaskDefinition.*none.*Unable to describe"),
    ],
)
def test_what_ecs_refuses_is_final(
    programs: Ecs, monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    settings.cache_clear()
    with pytest.raises(AirflowFailException, match=said):
        run("pass")


def test_a_task_that_ecs_has_forgotten_is_looked_at_anew(programs: Ecs) -> None:
    deferred = start(operator("pass"))
    event = wait(deferred)
    programs.forget()
    with pytest.raises(AirflowException, match=r"does not know .* any more") as caught:
        operator("pass").resume_execution(deferred.method_name, {"event": event}, context())
    assert not isinstance(caught.value, AirflowFailException)


def test_what_the_worker_refuses_is_final_and_said(ecs_runner: Ecs) -> None:
    folder = PlanFolder(open_store(f"s3://{BUCKET}"), "plan/")
    job = Job(
        flow="none", number=1, label="a job", plan=folder.uri, store=folder.store.uri, output_store=folder.store.uri
    )
    folder.write("jobs/0001.json", dump(job))
    with pytest.raises(AirflowFailException, match="the worker refuses its job") as caught:
        run(folder.uri_of("jobs/0001.json"))
    assert "no plan lies there" in str(caught.value)


def test_the_workers_role_is_all_that_it_has(programs: Ecs, aws: dict[str, str]) -> None:
    run("import os; print('names', *sorted(os.environ))")
    logs = boto3.client("logs", endpoint_url=aws["AWS_ENDPOINT_URL"], region_name="us-east-1")
    (task,) = programs.tasks
    stream = f"darkroom/worker/{task.rpartition('/')[2]}"
    said = logs.get_log_events(logGroupName=LOG_GROUP, logStreamName=stream)["events"][0]["message"]
    assert not [name for name in said.split() if name.startswith("AIRFLOW") or "_ECS" in name]


def test_a_folder_as_the_studios_store_is_refused_by_the_plan(ecs_runner: Ecs, dagbag: Any, studio: Studio) -> None:
    run = run_dag("combination_compositing", {"style": "tiny-dress"})
    assert run.state == "failed"
    (problem,) = run.xcoms["plan", "problems"]
    assert problem.startswith(f"{studio.store}: a folder of this machine, which no worker on ECS can reach; give")
    assert not [action for action, _ in ecs_runner.requests]
    shutil.rmtree(studio.store / "work", ignore_errors=True)
