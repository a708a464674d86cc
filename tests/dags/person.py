"""Somebody who answers what a DAG's run asks, as Airflow's API and its scheduler do."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

APPROVE, REJECT = "Approve", "Reject"


@dataclass
class Question:
    """What a person saw."""

    subject: str = ""
    body: str = ""
    options: Sequence[str] = ()
    asked: int = 0
    """How often."""


@contextmanager
def somebody(dag_id: str, choice: str, *, name: str = "Ann") -> Iterator[Question]:
    """Answers each question of the DAG's runs in this block, once it waits; with an empty `choice` it times out."""
    seen, done, failed = Question(), threading.Event(), list[Exception]()

    def wait() -> None:
        while not done.wait(0.05):
            for ti in _waiting(dag_id):
                try:
                    if ti.hitl_detail.response_received:
                        _set_state(ti, "scheduled")  # as it is at once, but `dag.test` writes over it
                        continue
                    _see(ti, seen)
                    _answer(ti, choice, name) if choice else _time_out(ti)
                except Exception as error:  # noqa: BLE001 else the run would wait for ever
                    failed.append(error)
                    _set_state(ti, "failed")

    answering = threading.Thread(target=wait)
    answering.start()
    try:
        yield seen
    finally:
        done.set()
        answering.join()
    if failed:
        raise failed[0]


def _see(ti: Any, seen: Question) -> None:
    shown = ti.hitl_detail
    seen.subject, seen.body, seen.options = shown.subject, shown.body, shown.options
    seen.asked += 1


def _set_state(ti: Any, state: str) -> None:
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session

    with create_session() as session:
        waiting = session.get(TaskInstance, ti.id)
        assert waiting is not None
        waiting.state = state


def answer_early(dag_id: str, choice: str, name: str = "Ann") -> None:
    """Answer what a DAG's run asks while its task runs, and does not wait yet."""
    for ti in _waiting(dag_id, "running"):
        if ti.hitl_detail:
            _answer(ti, choice, name)


def _waiting(dag_id: str, state: str = "awaiting_input") -> list[Any]:
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import select
    from sqlalchemy.orm import joinedload

    waiting = select(TaskInstance).where(TaskInstance.dag_id == dag_id, TaskInstance.state == state)
    with create_session() as session:
        return list(session.scalars(waiting.options(joinedload(TaskInstance.hitl_detail))))


def _answer(ti: Any, choice: str, name: str) -> None:
    """As the page does."""
    from airflow.api_fastapi.core_api.datamodels.hitl import UpdateHITLDetailPayload
    from airflow.api_fastapi.core_api.routes.public.hitl import update_hitl_detail
    from airflow.utils.session import create_session

    user: Any = SimpleNamespace(get_id=lambda: name.lower(), get_name=lambda: name)
    with create_session() as session:
        chosen = UpdateHITLDetailPayload(chosen_options=[choice])
        update_hitl_detail(ti.dag_id, ti.run_id, ti.task_id, chosen, user, session)


def _time_out(ti: Any) -> None:
    """As the scheduler does, once the time that the task was given is over."""
    from airflow.jobs.job import Job
    from airflow.jobs.scheduler_job_runner import SchedulerJobRunner
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session

    with create_session() as session:
        late = session.get(TaskInstance, ti.id)
        assert late is not None
        assert late.trigger_timeout is not None, "it would wait for ever"
        late.trigger_timeout = late.trigger_timeout.fromtimestamp(time.time() - 1, late.trigger_timeout.tzinfo)
    SchedulerJobRunner(Job()).check_awaiting_input_timeouts()
