"""`run`: one worker a job, started wherever the deployment says.

What every job operator shares: the worker's command, the meaning of its exit codes, the way failed items are named.
"""

import json
import os
import signal
import sys
from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow.sdk import BaseOperator

from darkroom.settings import settings
from darkroom.store.access import Access
from darkroom_airflow.pools import IMAGING, Pool
from darkroom_airflow.task_logs import crashed, refused
from darkroom_airflow.xcoms import RUN, bullets, sentences

if TYPE_CHECKING:
    from darkroom.jobs import Job

JOB_FIELDS = ("job_uri", "job_label", "machine")
"""What `plan` gives every job operator: the job file, its name for people, the size of machine that it needs."""

_SUBPROCESS = "subprocess"
_OPERATORS = {
    _SUBPROCESS: "darkroom_airflow.operators.subprocess_job.SubprocessJobOperator",
    "docker": "darkroom_airflow.operators.docker_job.DockerJobOperator",
    "ecs": "darkroom_airflow.operators.ecs_job.EcsJobOperator",
}
_MOST_NAMED = 20
_THIS_HOST = ("", "localhost", "127.0.0.1", "::1")


def run_jobs(plan: BaseOperator, *, pool: Pool = IMAGING, where: str | None = None) -> Any:
    """The task `run`: one instance a job of the plan, named after it, in a pool.

    `where` is the queue of the machine that has the flow's folder, for a flow that has one: its workers are processes
    there, whatever `DARKROOM_JOB_RUNNER` says of the others. Empty, that is any machine of Airflow's own.
    """
    operator = job_operator() if where is None else job_operator(_SUBPROCESS)
    queue = {"queue": where} if where else {}
    partial = operator.partial(task_id=RUN, pool=pool.name, map_index_template="{{ task.job_label }}", **queue)
    return partial.expand_kwargs(plan.output)


def job_operator(runner: str = "") -> type[BaseOperator]:
    """The operator of a runner, else of this deployment's `DARKROOM_JOB_RUNNER`; read when the DAG is parsed."""
    module, _, name = _OPERATORS[runner or settings().job_runner].rpartition(".")
    operator: type[BaseOperator] = getattr(import_module(module), name)  # only its own provider is imported
    return operator


def job_command(job_uri: str, program: Sequence[str] = (sys.executable, "-m", "darkroom")) -> list[str]:
    """The command of the worker that does a job; an image whose entry point is the program needs none before it."""
    return [*program, "job", "run", job_uri]


def require_reach(locations: Iterable[str]) -> None:
    """Refuse the folders among these locations when this deployment's workers run on other machines: `BadInput`."""
    from darkroom.errors import BadInput
    from darkroom.outside.dropbox import is_dropbox

    runner = settings().job_runner
    engine = urlsplit(os.environ.get("DOCKER_HOST", "")).hostname or ""
    if runner == _SUBPROCESS or (runner == "docker" and engine in _THIS_HOST):
        return
    paths = [one for one in dict.fromkeys(locations) if not is_dropbox(one)]
    folders = [one for one in paths if one.startswith("file://") or "://" not in one]
    if folders:
        where = "on ECS" if runner == "ecs" else f"on the Docker engine of {engine}"
        raise BadInput(
            f"{folder}: a folder of this machine, which no worker {where} can reach; give a bucket instead (s3:// or "
            "gs://), in DARKROOM_STUDIO_STORE or wherever it is named, or set DARKROOM_JOB_RUNNER to subprocess."
            for folder in folders
        )


def stop_strays(plan_uri: str, dag_id: str) -> None:
    """Stop the workers of a DAG's plan that their tasks have left behind; only those on ECS can outlive their task."""
    if settings().job_runner == "ecs":
        from darkroom_airflow.operators.ecs_job import stop_workers_of

        stop_workers_of(plan_uri, dag_id)


def check_exit(
    code: int, *, label: str, job_uri: str, access: Access, last_lines: Iterable[str] = (), ending: str = ""
) -> None:
    """What a worker's exit code means for its task.

    0: done. 1: some items failed or were refused, 2: the job file is bad or a store gives no access; the worker has
    retried what can be retried, so both are final. Anything else is a crash or a kill: worth another try, which goes on
    where this one ended. `ending` says how it ended where the code does not.
    """
    if code == 0:
        return
    if code == 1:
        said = failed_items(job_uri, access) or list(last_lines)
        raise refused(f"{label}: not everything was made.\n{bullets(said)}")
    if code == 2:
        said = sentences(list(last_lines))
        raise refused(f"{label}: the worker refuses its job.\n{bullets(said)}")
    raise crashed(
        f"{label}: the worker {ending or _ending(code)}; what it had made is kept, the next try does the rest."
    )


def failed_items(job_uri: str, access: Access) -> list[str]:
    """Why the job's items were not made, each reason once, from its outcomes; empty where those cannot be read."""
    from darkroom import flows
    from darkroom.causes import cause_lines, causes
    from darkroom.errors import DarkroomError
    from darkroom.plan_folder import PlanFolder

    job = job_of(job_uri, access)
    try:
        noun = flows.get(job.flow).noun if job else ""
        outcomes = PlanFolder.at(job.plan, access).outcomes(job.number).latest.values() if job else ()
    except (DarkroomError, OSError, ValueError):
        return []
    bad = [outcome for outcome in outcomes if not outcome.state.is_good]
    return sentences(cause_lines(causes(bad), noun, _MOST_NAMED))


def job_of(job_uri: str, access: Access) -> "Job | None":
    """What every job says; nothing where its file cannot be read, of which the worker will say why."""
    from darkroom.errors import DarkroomError
    from darkroom.jobs import Job
    from darkroom.store import read_object

    try:
        document = json.loads(read_object(job_uri, access))
        return Job.model_validate({key: value for key, value in document.items() if key in Job.model_fields})
    except (DarkroomError, OSError, ValueError, AttributeError):
        return None


def _ending(code: int) -> str:
    # a negative code is a signal as subprocess has it, 128 + n as shells and container engines have it
    number = -code if code < 0 else code - 128
    try:
        return f"was ended by {signal.Signals(number).name}"
    except ValueError:
        return f"ended with the unexpected code {code}"
