"""The worker: runs one job from its file, whoever started it (DESIGN 3)."""

import json
import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from types import FrameType

from pydantic import ValidationError

from darkroom import flows
from darkroom.errors import BadInput, NotFound
from darkroom.jobs import Job, Outcome, PlanFolder, Recorder, State
from darkroom.progress import Progress
from darkroom.sentences import sentences
from darkroom.store import read_object, readable

log = logging.getLogger(__name__)


def run_job(uri: str, *, workers: int, progress: Progress | None = None) -> dict[str, Outcome]:
    """Do the items of the job at `uri` that have no good outcome yet; returns what became of all of its items so far.

    Raises `BadInput` for a job file that is missing or is none.
    """
    head, data = _read(uri)
    folder = PlanFolder.at(head.plan)
    recorder = Recorder(folder, head.number)
    total = next((job.items for job in folder.manifest().jobs if job.uri == uri), 0)
    # a progress that was handed in belongs to the caller, who counts several jobs in it
    with _terminated(), nullcontext(progress) if progress else Progress(head.label, total) as showing:
        try:
            flows.get(head.flow).work(data, uri, recorder, workers=workers, progress=showing)
        finally:
            recorder.repeated(folder.store.retries)
            recorder.flush()
    return folder.outcomes(head.number)


def failures(outcomes: dict[str, Outcome]) -> list[Outcome]:
    """The outcomes that make a job's exit code 1."""
    return [outcome for outcome in outcomes.values() if outcome.state in (State.REFUSED, State.FAILED)]


def _read(uri: str) -> tuple[Job, bytes]:
    """What every flow's job file begins with, and the whole of it for the flow."""
    try:
        data = read_object(uri)
        document = json.loads(data)
    except NotFound:
        raise BadInput(f"{readable(uri)}: no job file lies there.") from None
    except ValueError:
        raise BadInput(f"{readable(uri)}: it is no JSON, so no job file.") from None
    if not isinstance(document, dict) or document.get("schema_version") != 1:
        where = readable(uri)
        raise BadInput(f"{where}: it is no job file of schema version 1; plan again with this version of Darkroom.")
    head = {key: value for key, value in document.items() if key in Job.model_fields}
    try:
        return Job.model_validate(head), data
    except ValidationError as error:
        raise BadInput(f"{readable(uri)}: it is no job file: {said}." for said in sentences(error, Job)) from None


@contextmanager
def _terminated() -> Iterator[None]:
    """Turn SIGTERM (a stopped container, a cleared task) into an exit that still writes the last batch of outcomes."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def leave(number: int, frame: FrameType | None) -> None:
        log.warning("Terminated: what is finished is kept, the next try goes on from there.")
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
