"""One run on Airflow: started, waited for, and its seconds told apart by the logs of its tasks."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from demo.rest import AirflowApi
from demo.watch import FINISHED

DAG = "combination_compositing"
OWN = ("plan", "settle", "report")
"""The tasks whose own work grows with the pictures."""
_BEGINS, _ENDS = "::endgroup::", "::group::Post Execute"
_SOON = 1.0  # seconds

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
    """A whole run. `SystemExit` where it fails, or its report has not found that many pictures proven."""
    run_id = api.trigger(DAG, conf)
    while (state := api.run_state(DAG, run_id)) not in FINISHED:
        time.sleep(_SOON)
    counts = api.xcom(DAG, run_id, "report", "counts") or {}
    if state != "success" or counts.get("done") != pictures:
        raise SystemExit(f"The run {run_id} was to make {pictures:,} pictures: {state}, {counts}")
    return took(api, run_id, pictures)


def took(api: AirflowApi, run_id: str, pictures: int) -> Took:
    """What a run's seconds went to."""
    whole = api.run_times(DAG, run_id)
    worked = [(task["task_id"], executed(api.log(DAG, run_id, task))) for task in api.tasks(DAG, run_id)]
    jobs = [span for task, span in worked if task == "run"]
    own = {task: _seconds(span) for task, span in worked if task in OWN}
    return Took(pictures, len(jobs), _seconds(whole), covered(jobs), own)


def executed(log: Iterable[dict[str, Any]]) -> Span:
    """When a task was at its own work, by its log: behind what Airflow does before it, and until what it does after.

    Before it Airflow starts a process, reads the DAG's file and what was passed on; after it, it passes on the result.
    """
    lines = [(line["event"], line["timestamp"]) for line in log if line.get("timestamp")]
    began = next(when for event, when in lines if event == _BEGINS)
    ended = next(when for event, when in lines if event == _ENDS)
    return datetime.fromisoformat(began), datetime.fromisoformat(ended)


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
