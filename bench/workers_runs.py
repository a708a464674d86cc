"""One run on Airflow: started, waited for, and its seconds told apart by the logs of its tasks."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from demo.rest import AirflowApi, ApiError
from demo.watch import FINISHED

DAG = "combination_compositing"
OWN = ("plan", "settle", "report")
"""The tasks whose own work grows with the pictures."""
_BEGINS, _ENDS = "::endgroup::", "::group::Post Execute"
_SOON = 1.0  # seconds
_LONGEST = 1800.0  # seconds of a run
_LOGGED = 60.0  # seconds until the log of a task that has ended is whole

Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class Took:
    """The seconds of a run, from its start to its end, and what they went to."""

    pictures: int
    jobs: int
    whole: float
    making: float
    """In which at least one worker was at a job."""
    own: dict[str, float]
    """What plan, settle and report themselves did, by task."""

    @property
    def orchestration(self) -> float:
        """The rest, in which nothing was planned, made, proven or reported: scheduling, queues, starts of tasks."""
        return self.whole - self.making - sum(self.own.values())

    @property
    def rate(self) -> float:
        """Pictures a second, while they were made."""
        return self.pictures / self.making


def run(api: AirflowApi, conf: dict[str, Any], pictures: int) -> Took:
    """A whole run. `SystemExit` where it fails or does not end, or its report has not found that many proven."""
    run_id, until = api.trigger(DAG, conf), time.monotonic() + _LONGEST
    while (state := _state(api, run_id)) not in FINISHED and time.monotonic() < until:
        time.sleep(_SOON)
    counts = api.xcom(DAG, run_id, "report", "counts") or {}
    if state != "success" or counts.get("done") != pictures:
        raise SystemExit(f"The run {run_id} was to make {pictures:,} pictures: {state}, {counts}")
    return took(api, run_id, pictures)


def took(api: AirflowApi, run_id: str, pictures: int) -> Took:
    """What a run's seconds went to."""
    whole = api.run_times(DAG, run_id)
    tasks = [task for task in api.tasks(DAG, run_id) if task["task_id"] in ("run", *OWN)]
    worked = [(task["task_id"], _executed(api, run_id, task)) for task in tasks]
    jobs = [span for task, span in worked if task == "run"]
    own = {task: _seconds(span) for task, span in worked if task in OWN}
    return Took(pictures, len(jobs), _seconds(whole), covered(jobs), own)


def _state(api: AirflowApi, run_id: str) -> str:
    """A run's state; where Airflow is too busy to answer, what became of the question."""
    try:
        return api.run_state(DAG, run_id)
    except ApiError as error:
        return str(error)


def _executed(api: AirflowApi, run_id: str, task: dict[str, Any]) -> Span:
    """When a task was at its own work. `SystemExit` where its log does not say so.

    A task has succeeded before its process has written its last line.
    """
    until = time.monotonic() + _LOGGED
    while not (span := executed(api.log(DAG, run_id, task))):
        if time.monotonic() > until:
            raise SystemExit(f"The log of {task['task_id']} in {run_id} does not say when it was at work.")
        time.sleep(_SOON)
    return span


def executed(log: Iterable[dict[str, Any]]) -> Span | None:
    """When a task was at its own work, by its log: behind what Airflow does before it, and until what it does after.

    Before it Airflow starts a process, reads the DAG's file and what was passed on; after it, it passes on the result.
    None where the log does not say it, or not yet.
    """
    lines = [(line["event"], line["timestamp"]) for line in log if line.get("timestamp")]
    began = next((when for event, when in lines if event == _BEGINS), None)
    ended = next((when for event, when in lines if event == _ENDS), None)
    return (datetime.fromisoformat(began), datetime.fromisoformat(ended)) if began and ended else None


def covered(spans: Iterable[Span]) -> float:
    """The seconds that lie in at least one of the spans.

    >>> at = [datetime(2026, 11, 28, 12, 0, second) for second in range(10)]
    >>> covered([(at[5], at[7]), (at[0], at[2]), (at[1], at[4])])
    6.0
    """
    return sum(_seconds(span) for span in _joined(spans))


def _joined(spans: Iterable[Span]) -> Iterator[Span]:
    open_: Span | None = None
    for began, ended in sorted(spans):
        if open_ and began <= open_[1]:
            open_ = open_[0], max(open_[1], ended)
            continue
        if open_:
            yield open_
        open_ = began, ended
    if open_:
        yield open_


def _seconds(span: Span) -> float:
    return (span[1] - span[0]).total_seconds()
