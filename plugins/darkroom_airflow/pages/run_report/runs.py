"""What Airflow knows of a run: its state, how far each of its tasks is, where its plan lies."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow.api_fastapi.common.db.common import SessionDep
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from fastapi import HTTPException
from sqlalchemy import func, select

from darkroom_airflow.xcoms import APPROVE, COLLECT, COUNTS, PLAN, PLAN_URI, PROBLEMS, REPORT, RUN, SETTLE

_STEPS = {
    COLLECT: "gather what is waiting",
    PLAN: "find the work",
    APPROVE: "wait for a person's answer",
    RUN: "do it",
    SETTLE: "prove and commit what was made",
    REPORT: "say what became of it",
}
"""The tasks of a flow in their order, and what each is for."""
_OVER = ("success", "failed")
_ENDED = {*_OVER, "upstream_failed", "skipped", "removed"}
"""The states in which a task's instance stays; of a job that began, the first two."""
_WORDS = {
    "success": "done",
    "failed": "failed",
    "running": "at work",
    "deferred": "at work",
    "restarting": "at work",
    "awaiting_input": "waiting for an answer",
    "up_for_retry": "waiting to be tried again",
    "up_for_reschedule": "waiting",
    "queued": "waiting",
    "scheduled": "waiting",
    None: "waiting",
    "upstream_failed": "not begun",
    "skipped": "skipped",
    "removed": "removed",
}
"""A task's state as a person is told it, in the order in which they are said."""


@dataclass(frozen=True)
class Step:
    """One task of a run: how its instances stand, by a word for that."""

    name: str
    what: str
    counts: Mapping[str, int]
    ended: bool

    @property
    def said(self) -> str:
        """How it is, in a few words."""
        total = sum(self.counts.values())
        if total == 1:
            return next(iter(self.counts))
        return f"{total:,} jobs: {', '.join(f'{count:,} {word}' for word, count in self.counts.items())}"


@dataclass(frozen=True)
class RunNow:
    """A run as it is now.

    `plan` is the URI of its plan's folder, empty while there is none, `ended` the jobs that are over, from 0 on,
    `counts` the plan's, `problems` why there is no plan.
    """

    dag_id: str
    run_id: str
    state: str
    steps: tuple[Step, ...]
    plan: str = ""
    ended: frozenset[int] = frozenset()
    counts: Mapping[str, int] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    @property
    def goes_on(self) -> bool:
        """Has it not ended?"""
        return self.state in ("queued", "running")

    @property
    def is_ours(self) -> bool:
        """Is it of one of Darkroom's flows? Every one of these has a plan and a report."""
        return {PLAN, REPORT} <= {step.name for step in self.steps}

    @property
    def at(self) -> Step | None:
        """The step that it is at."""
        return next((step for step in self.steps if not step.ended), None)


def run_now(dag_id: str, run_id: str, session: SessionDep) -> RunNow:
    """A run. Raises `HTTPException` where there is none."""
    state = session.scalar(select(DagRun.state).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id))
    if state is None:
        raise HTTPException(404, "There is no such run; open it from Airflow's list of runs.")
    of_run = (TaskInstance.dag_id == dag_id, TaskInstance.run_id == run_id)
    instances = select(TaskInstance.task_id, TaskInstance.state, func.count()).where(*of_run)
    found = session.execute(instances.group_by(TaskInstance.task_id, TaskInstance.state)).all()
    over = select(TaskInstance.map_index).where(*of_run, TaskInstance.task_id == RUN, TaskInstance.state.in_(_OVER))
    told = _told(dag_id, run_id, session)
    return RunNow(
        dag_id=dag_id,
        run_id=run_id,
        state=str(getattr(state, "value", state)),
        steps=_steps([(task, getattr(one, "value", one), count) for task, one, count in found]),
        ended=frozenset(session.scalars(over)),
        plan=str(told.get((PLAN, PLAN_URI), "")),
        counts=told.get((PLAN, COUNTS), {}),
        problems=tuple(map(str, told.get((COLLECT, PROBLEMS)) or told.get((PLAN, PROBLEMS)) or ())),
    )


def _told(dag_id: str, run_id: str, session: Any) -> dict[tuple[str, str], Any]:
    """What its tasks passed on, by task and key."""
    asked = XComModel.get_many(run_id=run_id, dag_ids=dag_id, task_ids=[COLLECT, PLAN]).where(
        XComModel.key.in_([PLAN_URI, COUNTS, PROBLEMS])
    )
    return {(one.task_id, one.key): XComModel.deserialize_value(one) for one in session.scalars(asked)}


def _steps(found: list[tuple[str, str | None, int]]) -> tuple[Step, ...]:
    """The steps of a run, in their order, from how many instances of which task are in which state."""
    states: dict[str, Counter[str | None]] = {}
    for task, state, count in found:
        states.setdefault(task, Counter())[state] += count
    return tuple(
        Step(name, what, _worded(name, states[name]), all(state in _ENDED for state in states[name]))
        for name, what in _STEPS.items()
        if name in states
    )


def _worded(task: str, states: Mapping[str | None, int]) -> dict[str, int]:
    said: Counter[str] = Counter()
    for state, count in states.items():
        asks = task == APPROVE and state == "deferred"
        said[_WORDS["awaiting_input"] if asks else _WORDS.get(state, str(state))] += count
    order = list(_WORDS.values())
    return dict(sorted(said.items(), key=lambda pair: order.index(pair[0]) if pair[0] in order else len(order)))
