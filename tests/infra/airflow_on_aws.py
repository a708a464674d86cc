"""What Airflow itself asks of AWS, in a process of its own: it starts workers on ECS, alerts, keeps logs in a bucket.

    python -m tests.infra.airflow_on_aws FOLDER ECS_REQUESTS.json

The environment leads to moto. What is asked of ECS is written to the file; all else moto has recorded.
"""

import asyncio
import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tests.servers import ecs as service

_DAGS = ("render_ingest", "combination_compositing", "nightly_pyramids", "gcs_archive_sync")
_TOPIC = "arn:aws:sns:us-east-1:123456789012:darkroom-alerts"
_PLAN = "s3://darkroom-studio-123456789012/work/{dag}/a-run/a-plan"


def main(folder: Path, requests: Path) -> None:
    """Start a worker of each flow, watch it, stop one; send an alert; write a task's log and read it."""
    service.CLUSTER, service.LOG_GROUP, service.LOG_PREFIX = "darkroom", "/darkroom/workers", "a-flow"
    with service.ecs({**os.environ, "AWS_ACCESS_KEY_ID": "ecs-agent"}) as (cluster, endpoint):
        os.environ["AWS_ENDPOINT_URL_ECS"] = endpoint
        cluster.families = {f"darkroom-{dag}" for dag in _DAGS}
        cluster.network_mode = "awsvpc"
        _starts_and_watches(cluster)
        _stops(cluster)
        requests.write_text(json.dumps(cluster.requests))
    _alerts()
    _shows_what_stood_before()
    for role in ("airflow", "local_s3_sync"):
        _keeps_logs(folder, role)


def _started(dag: str, job_uri: str) -> tuple[Any, Any, Any]:
    """An operator, its context, and what it waits with."""
    from airflow.sdk.exceptions import TaskDeferred

    from darkroom_airflow.operators.jobs import job_operator

    ti = SimpleNamespace(dag_id=dag, task_id="run", run_id="a-run", map_index=0, try_number=1, max_tries=0)
    made: Any = job_operator()
    operator = made(task_id="run", job_uri=job_uri, job_label="a job", machine="small")
    try:
        operator.execute.__wrapped__(operator, {"ti": ti})
    except TaskDeferred as deferred:
        return operator, {"ti": ti}, deferred
    raise AssertionError("it did not sleep")


def _starts_and_watches(cluster: service.Ecs) -> None:
    from airflow.sdk.exceptions import AirflowException

    from darkroom_airflow.operators import ecs_job

    ecs_job._POLL = 1
    cluster.program = [sys.executable, "-c", "raise SystemExit('the worker fails')"]
    for dag in _DAGS:
        operator, context, deferred = _started(dag, f"{_PLAN.format(dag=dag)}/jobs/0001.json")

        async def event(trigger: Any = deferred.trigger) -> dict[str, Any]:
            (found,) = [one async for one in trigger.run()]
            return dict(found.payload)

        with suppress(AirflowException):  # it failed, and so its log was read
            operator.execute_complete(context, asyncio.run(event()))


def _stops(cluster: service.Ecs) -> None:
    from darkroom_airflow.operators.jobs import stop_strays

    cluster.program = [sys.executable, "-c", "import time; time.sleep(600)"]
    plan = _PLAN.format(dag=_DAGS[0])
    _started(_DAGS[0], f"{plan}/jobs/0002.json")
    stop_strays(plan, _DAGS[0])


def _alerts() -> None:
    from darkroom.alerting.channels import SNS, Channel
    from darkroom.alerting.message import Kind, Message
    from darkroom_airflow.alert_channels import send

    message = Message(kinds=(Kind.ITEMS,), dag_id=_DAGS[0], subject="1 render is not there", lines=("Run: a-run",))
    assert send(message, [Channel(SNS, _TOPIC)]) == {}


def _shows_what_stood_before() -> None:
    """A composite was replaced, and the lightbox compares the two."""
    from darkroom import keys
    from darkroom.store import open_store
    from darkroom.store.s3_versions import read_version, versions

    os.environ["AWS_ACCESS_KEY_ID"] = "a-worker"
    key, store = f"{keys.cut_prefix('dress', 'mannequin')}a.png", open_store("s3://darkroom-studio-123456789012")
    for data in (b"before", b"now"):
        store.write(key, data)
    os.environ["AWS_ACCESS_KEY_ID"] = "airflow"
    mine = open_store("s3://darkroom-studio-123456789012")
    now, before = versions(mine, key, most=10) or ()
    assert now.current
    assert read_version(mine, key, before.id, most=100) == b"before"


def _keeps_logs(folder: Path, role: str) -> None:
    from airflow.providers.amazon.aws.log.s3_task_handler import S3RemoteLogIO

    os.environ["AWS_ACCESS_KEY_ID"] = role
    kept = S3RemoteLogIO(
        remote_base="s3://darkroom-logs-123456789012/airflow", base_log_folder=folder, delete_local_copy=False
    )
    log = folder / f"{role}.log"
    for line in ("a first try", "a second one"):
        log.write_text(line, encoding="utf-8")
        kept.upload(log)
    if role == "airflow":
        _, lines = kept.read(log.name, None)
        assert lines == ["a first try\na second one"], lines


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
