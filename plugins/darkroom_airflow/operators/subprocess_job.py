"""`run` on the machine of the Airflow worker itself."""

import logging
from collections.abc import Sequence
from typing import Any

from airflow.sdk import BaseOperator, Context

from darkroom.logs import WARNING
from darkroom.store import readable
from darkroom_airflow.credentials import StoreAccess
from darkroom_airflow.operators.jobs import JOB_FIELDS, check_exit, job_command, job_of
from darkroom_airflow.refusals import refusals_are_final
from darkroom_airflow.worker_process import WorkerProcess, worker_environment


class SubprocessJobOperator(BaseOperator):
    """Runs a job's worker on this machine, in a process group of its own; `machine` is the one that it has."""

    template_fields: Sequence[str] = JOB_FIELDS

    def __init__(self, *, job_uri: str, job_label: str, machine: str = "small", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.job_uri, self.job_label, self.machine = job_uri, job_label, machine
        self._worker: WorkerProcess | None = None

    def execute(self, context: Context) -> None:
        """Start the worker, hand its lines to the log, judge its exit code."""
        self.log.info("%s: starting the worker; its job: %s", self.job_label, readable(self.job_uri))
        with refusals_are_final(), StoreAccess() as stores:
            access = stores.reach(self.job_uri)
            if job := job_of(self.job_uri, access):
                access = stores.reach(*job.locations)
            self._worker = WorkerProcess(job_command(self.job_uri), worker_environment(access))
            code = self._worker.run(self._say)
            lines = self._worker.last_lines
            check_exit(code, label=self.job_label, job_uri=self.job_uri, access=access, last_lines=lines)

    def _say(self, line: str) -> None:
        level = logging.WARNING if line.startswith(WARNING) else logging.INFO
        self.log.log(level, "%s", line.removeprefix(WARNING))

    def on_kill(self) -> None:
        """End the worker with its task."""
        if self._worker is not None:
            self._worker.stop()
