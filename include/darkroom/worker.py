"""The worker: runs one job from its file, whoever started it (DESIGN 3)."""

import json
import logging
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from itertools import islice
from queue import SimpleQueue
from types import FrameType
from typing import Protocol, TypeVar

from pydantic import ValidationError

from darkroom import flows, heap, leases
from darkroom.errors import BadInput, ItemError, NotFound, StoreError
from darkroom.jobs import InputDigest, Job, Outcome, State, parse
from darkroom.plan_folder import PlanFolder, Recorder
from darkroom.progress import Progress
from darkroom.sentences import sentences
from darkroom.store import Store, read_object, readable

log = logging.getLogger(__name__)


class Item(Protocol):
    """One item of a job, by the name and the group that it has in the plan."""

    @property
    def name(self) -> str: ...

    @property
    def group(self) -> str: ...


ItemT = TypeVar("ItemT", bound=Item)

Watch = Callable[[Outcome], None]
"""Is told of each outcome as it is recorded."""


class Bench:
    """What a flow's work is given: stores, the number of threads, and the place where outcomes go."""

    def __init__(self, recorder: Recorder, progress: Progress, workers: int, watch: Watch | None = None) -> None:
        self.workers = workers
        self._recorder, self._progress, self._watch = recorder, progress, watch
        self._stores: dict[str, Store] = {}

    def open(self, location: str) -> Store:
        """The store at a location, once; what it has to repeat is recorded."""
        return self._stores.setdefault(location, self._recorder.folder.open(location))

    def left(self, names: Iterable[str]) -> list[str]:
        """Those items that have no good outcome yet; the others count as progress."""
        names = list(names)
        left = [name for name in names if not self._recorder.is_done(name)]
        self._progress.advance(len(names) - len(left))
        return left

    def is_done(self, name: str) -> bool:
        """Has an item of the job a good outcome?"""
        return self._recorder.is_done(name)

    def record(self, outcomes: Sequence[Outcome]) -> None:
        """Record what became of items, and tell whoever watches."""
        self._recorder.add(outcomes)
        self._progress.advance(len(outcomes))
        if self._watch:
            for outcome in outcomes:
                self._watch(outcome)

    def learned(self, digest: InputDigest) -> None:
        """Record an input's content digest."""
        self._recorder.learned(digest)

    def each(self, items: Iterable[ItemT], do: Callable[[ItemT], Outcome], at_once: int) -> None:
        """Do every item that has no good outcome yet, `at_once` of them at a time, and record what became of it.

        An `ItemError` refuses its item, a `StoreError` or `OSError` fails it; anything else stops the rest.
        """

        def outcome_of(item: ItemT) -> Outcome:
            try:
                return do(item)
            except ItemError as error:
                return Outcome(item=item.name, group=item.group, state=State.REFUSED, reason=str(error))
            except (StoreError, OSError) as error:
                reason = str(error).rstrip(".")
                return Outcome(item=item.name, group=item.group, state=State.FAILED, reason=reason)

        items = list(items)
        left = set(self.left(item.name for item in items))
        rest = (item for item in items if item.name in left)
        running, done = 0, SimpleQueue[Future[Outcome]]()
        with ThreadPoolExecutor(at_once, "item") as pool:
            try:
                while True:
                    # twice as many are handed over, for a thread that is done must not wait for this one
                    for item in islice(rest, 2 * at_once - running):
                        pool.submit(outcome_of, item).add_done_callback(done.put)
                        running += 1
                    if not running:
                        return
                    finished = [done.get()]
                    while not done.empty():
                        finished.append(done.get())
                    running -= len(finished)
                    self.record([future.result() for future in finished])
            finally:
                pool.shutdown(wait=False, cancel_futures=True)

    def close(self) -> None:
        """Write down what is still held back, and what the stores had to repeat."""
        for store in self._stores.values():
            self._recorder.repeated(store.retries)
        self._recorder.flush()


def run_job(
    uri: str, *, workers: int, progress: Progress | None = None, watch: Watch | None = None
) -> dict[str, Outcome]:
    """Do the items of the job at `uri` that have no good outcome yet; returns what became of all of its items so far.

    Raises `BadInput` for a job file that is missing or is none.
    """
    heap.keep_what_is_freed()
    head, data = _read(uri)
    folder = PlanFolder.at(head.plan)
    manifest = folder.manifest()
    flow = flows.get(head.flow)
    job = parse(flow.job_file, data, readable(uri))
    recorder = Recorder(folder, head.number)
    total = next((job.items for job in manifest.jobs if job.uri == uri), 0)
    subjects, holder = manifest.subjects, leases.Holder(manifest.run)
    # a progress that was handed in belongs to the caller, who counts several jobs in it, and keeps the run's lease
    with _terminated(), nullcontext(progress) if progress else Progress(head.label, total) as showing:
        bench = Bench(recorder, showing, workers, watch)
        try:
            with nullcontext() if progress else leases.kept(folder.open(manifest.store), flow.name, subjects, holder):
                flow.work(job, bench)
        finally:
            recorder.repeated(folder.store.retries)
            bench.close()
    return recorder.outcomes


def failures(outcomes: dict[str, Outcome]) -> list[Outcome]:
    """The outcomes that make a job's exit code 1."""
    return [outcome for outcome in outcomes.values() if not outcome.state.is_good]


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
