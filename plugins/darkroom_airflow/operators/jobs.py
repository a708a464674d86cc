"""`run`: one worker a job, started wherever the deployment says.

Every operator here shares the worker's command, the meaning of its exit codes and the way failed items are named.
"""

import json
import signal
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from darkroom.settings import settings
from darkroom_airflow.credentials import StoreAccess, locations_in
from darkroom_airflow.refusals import refusals_are_final
from darkroom_airflow.worker_process import WorkerProcess, worker_environment
from darkroom_airflow.xcoms import bullets, sentences

JOB_FIELDS = ("job_uri", "job_label", "machine")
"""What `plan` gives every job operator: the job file, its name for people, the size of machine that it needs."""

_MOST_NAMED = 20


def job_operator() -> type[BaseOperator]:
    """The operator of this deployment's `DARKROOM_JOB_RUNNER`; read when the DAG is parsed."""
    return {"subprocess": SubprocessJobOperator}[settings().job_runner]


def job_command(job_uri: str, python: str = sys.executable) -> list[str]:
    """The command of the worker that does a job."""
    return [python, "-m", "darkroom", "job", "run", job_uri]


def check_exit(code: int, *, label: str, job_uri: str, last_lines: Iterable[str] = ()) -> None:
    """What a worker's exit code means for its task.

    0: done. 1: some items failed or were refused, 2: the job file is bad and nothing was done; the worker has retried
    what can be retried, so both are final. Anything else is a crash or a kill: worth another try, which goes on where
    this one ended.
    """
    if code == 0:
        return
    if code == 1:
        said = failed_items(job_uri) or list(last_lines)
        raise AirflowFailException(f"{label}: not everything was made.\n{bullets(said)}")
    if code == 2:
        said = sentences(list(last_lines))
        raise AirflowFailException(f"{label}: the worker refuses its job file; nothing was done.\n{bullets(said)}")
    raise AirflowException(
        f"{label}: the worker {_ending(code)}; what it had made is kept, the next try does the rest."
    )


def failed_items(job_uri: str) -> list[str]:
    """The job's items that were not made, with reasons, from its outcomes; empty where those cannot be read."""
    from darkroom.errors import DarkroomError
    from darkroom.jobs import PlanFolder, State
    from darkroom.store import read_object

    try:
        job = json.loads(read_object(job_uri))
        outcomes = PlanFolder.at(job["plan"]).outcomes(job["number"]).values()
    except (DarkroomError, OSError, ValueError, KeyError):
        return []
    bad = [outcome for outcome in outcomes if outcome.state in (State.FAILED, State.REFUSED)]
    return sentences([f"{outcome.item}: {outcome.state}: {outcome.reason}" for outcome in bad], most=_MOST_NAMED)


def job_locations(job_uri: str) -> list[str]:
    """The stores that a job names; none where its file cannot be read, of which the worker will say why."""
    from darkroom.errors import DarkroomError
    from darkroom.store import read_object

    try:
        return locations_in(json.loads(read_object(job_uri)))
    except (DarkroomError, OSError, ValueError, AttributeError):
        return []


def _ending(code: int) -> str:
    # a negative code is a signal as subprocess has it, 128 + n as shells and container engines have it
    number = -code if code < 0 else code - 128
    try:
        return f"was ended by {signal.Signals(number).name}"
    except ValueError:
        return f"ended with the unexpected code {code}"


class SubprocessJobOperator(BaseOperator):
    """Runs a job's worker on this machine, in a process group of its own; `machine` is the one that it has."""

    template_fields: Sequence[str] = JOB_FIELDS

    def __init__(self, *, job_uri: str, job_label: str, machine: str = "small", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.job_uri, self.job_label, self.machine = job_uri, job_label, machine
        self._worker: WorkerProcess | None = None

    def execute(self, context: Context) -> None:
        """Start the worker, hand its lines to the log, judge its exit code."""
        self.log.info("%s: starting the worker for %s", self.job_label, self.job_uri)
        with refusals_are_final(), StoreAccess() as stores:
            stores.reach(self.job_uri)
            stores.reach(*job_locations(self.job_uri))
            self._worker = WorkerProcess(job_command(self.job_uri), worker_environment())
            code = self._worker.run(lambda line: self.log.info("%s", line))
            check_exit(code, label=self.job_label, job_uri=self.job_uri, last_lines=self._worker.last_lines)

    def on_kill(self) -> None:
        """End the worker with its task."""
        if self._worker is not None:
            self._worker.stop()
