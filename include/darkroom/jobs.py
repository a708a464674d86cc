"""The one protocol between a plan and its workers: jobs, outcomes, the plan's manifest (DESIGN 3).

Everything here is JSON in a store. A job is a work order of many items for one worker; an outcome is what became of
one item.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from darkroom import keys
from darkroom.errors import BadInput, Conflict, NotFound
from darkroom.sentences import sentences
from darkroom.store import Store, open_store, readable

log = logging.getLogger(__name__)

MOST_JOBS = 256
"""A run has at most this many jobs: one mapped task each."""

Count = Annotated[int, Field(ge=0)]


class Mode(StrEnum):
    """What a run does, in every flow, form and command."""

    PLAN = "plan"
    CHANGED = "changed"
    ALL = "all"


class State(StrEnum):
    """What became of an item."""

    DONE = "done"
    SKIPPED = "skipped"
    REFUSED = "refused"
    FAILED = "failed"


class Document(BaseModel):
    """A JSON document of the protocol: unknown keys are refused, the schema's version is checked."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[1] = 1


class Job(Document):
    """A work order for one worker. A flow's own job model adds its items (and pins their inputs' ETags)."""

    flow: str
    number: Annotated[int, Field(ge=1, le=MOST_JOBS)]
    label: str
    machine: Literal["small", "large", "xlarge"] = "small"
    plan: str
    """URI of the plan's folder."""
    store: str
    """URI of the store that the outputs go to."""


class Output(BaseModel):
    """One object that was written for an item. `stored` is where it lies, when that is not `key`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str
    recipe: str
    etag: str
    bytes: Count
    stored: str = ""


class Outcome(BaseModel):
    """What became of one item. `digest` is the sha256 of the item's main output, `seconds` its share of the work.

    `group` is the manifest's group that the item counts in; `kind` is the step that failed, where a flow tells them
    apart. The `reason` of an item that is done says what of it was not taken over; of one that is not, it is the same
    for all items that one cause costs, and `where` is the place of what is at fault, as a person would type it.
    `facts` are numbers that settling passes on.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    item: str
    group: str = ""
    state: State
    reason: str = ""
    kind: str = ""
    where: str = ""
    outputs: tuple[Output, ...] = ()
    bytes: Count = 0
    digest: str = ""
    seconds: float = 0.0
    facts: dict[str, int] = Field(default_factory=dict)


class InputDigest(BaseModel):
    """An input's content digest, learned when it was read."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    uri: str
    etag: str
    digest: str


class OutcomeBatch(Document):
    """One numbered object of outcomes. `retries` are the requests that were repeated, by the name of the fault."""

    outcomes: tuple[Outcome, ...] = ()
    inputs: tuple[InputDigest, ...] = ()
    retries: dict[str, Count] = Field(default_factory=dict)


class JobRef(BaseModel):
    """A job as the plan passes it on: what a mapped task needs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    uri: str
    label: str
    machine: str
    items: Count


class NotDone(BaseModel):
    """An item that was not made, and why; `kind` and `where` as of an `Outcome`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    item: str
    group: str = ""
    state: State
    reason: str
    kind: str = ""
    where: str = ""


class GroupPlan(BaseModel):
    """How many items of a group are planned, and how many of these are done already."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    planned: Count
    skipped: Count


class Manifest(Document):
    """A plan's own document: what will be done, what already is, what is refused."""

    flow: str
    uri: str
    """URI of the plan's folder."""
    store: str
    mode: Mode
    created: datetime
    subject: str
    """What the plan is about, as keys name it: a style."""
    title: str
    """What the plan is about, in a few words: `sample-dress · Knee, Maxi · 6 colours`."""
    request: dict[str, Any]
    planned: Count
    skipped: Count
    distinct: Count
    refused: tuple[NotDone, ...] = ()
    findings: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    """Why not all of the work could be found, a sentence each: the rest is done, and the run fails all the same."""
    stale: tuple[str, ...] = ()
    """Keys of outputs that stand in the store although an input of theirs vanished."""
    todo: Count
    """How many items the jobs hold, or would hold: in mode `plan` there are no jobs."""
    groups: dict[str, GroupPlan] = {}
    """The items by group; what a group is, is the flow's own affair (for compositing: a length and side)."""
    jobs: tuple[JobRef, ...] = ()


def again(task: str) -> str:
    """How somebody goes on: in Airflow by clearing a task, on the command line by the same command."""
    return f"clear {task} in Airflow, or run the command again"


DocumentT = TypeVar("DocumentT", bound=BaseModel)


def parse(model: type[DocumentT], data: bytes, where: str) -> DocumentT:
    """A document from its JSON. Raises `BadInput` with `where` in every sentence."""
    try:
        return model.model_validate_json(data)
    except ValidationError as error:
        raise BadInput(f"{where}: {said}." for said in sentences(error, model)) from None


def dump(document: BaseModel) -> bytes:
    """A document's JSON."""
    return document.model_dump_json().encode()


def new_plan_id(now: datetime | None = None) -> str:
    """A fresh plan id that sorts by time."""
    now = now or datetime.now(UTC)
    return f"{now:%Y%m%dT%H%M%S}-{time.monotonic_ns() % 0xFFFFFF:06x}"


class PlanFolder:
    """One plan's folder in a store: the manifest, the jobs, their outcomes, the report."""

    def __init__(self, store: Store, prefix: str) -> None:
        self.store = store
        self.prefix = prefix

    @classmethod
    def at(cls, uri: str) -> "PlanFolder":
        """The folder of an existing plan, by its URI."""
        return cls(open_store(uri), "")

    @property
    def uri(self) -> str:
        """The folder's URI."""
        return self.store.uri_of(self.prefix.rstrip("/")) if self.prefix else self.store.uri

    def uri_of(self, key: str) -> str:
        """The URI of one of its objects."""
        return self.store.uri_of(self.prefix + key)

    def manifest(self) -> Manifest:
        """The plan's manifest. Raises `BadInput` where there is none."""
        try:
            return parse(Manifest, self.store.read(self.prefix + keys.MANIFEST), readable(self.uri_of(keys.MANIFEST)))
        except NotFound:
            raise BadInput(f"{readable(self.uri)}: no plan lies there.") from None

    def has(self, key: str) -> bool:
        """Is there such an object?"""
        return self.store.head(self.prefix + key) is not None

    def write(self, key: str, data: bytes, content_type: str = "application/json") -> None:
        """Write one of the folder's objects."""
        self.store.write(self.prefix + key, data, content_type=content_type)

    def read(self, key: str) -> bytes:
        """Read one of the folder's objects. Raises `NotFound`."""
        return self.store.read(self.prefix + key)

    def batches(self, number: int) -> Iterator[tuple[int, OutcomeBatch]]:
        """A job's batches of outcomes with their numbers, in the order of their writing."""
        prefix = self.prefix + keys.outcomes(number)
        for key in sorted(entry.key for entry in self.store.list(prefix)):
            yield int(key[len(prefix) :].removesuffix(".json")), parse(OutcomeBatch, self.store.read(key), key)

    def outcomes(self, number: int) -> dict[str, Outcome]:
        """What became of a job's items so far, by item; a later outcome replaces an earlier one."""
        return {outcome.item: outcome for _, batch in self.batches(number) for outcome in batch.outcomes}


class Recorder:
    """Writes a job's outcomes as it goes, one numbered object a small batch.

    After a kill at most one batch is lost: its items are made again. Two workers on one job write beside each
    other: a number that is taken is passed over. Safe to call from several threads.
    """

    def __init__(self, folder: PlanFolder, number: int, *, batch: int = 64, seconds: float = 2.0) -> None:
        self._folder, self._number = folder, number
        self._batch, self._seconds = batch, seconds
        self._next = 1 + max((found for found, _ in folder.batches(number)), default=0)
        self._outcomes: list[Outcome] = []
        self._inputs: list[InputDigest] = []
        self._retries: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._flushed = time.monotonic()

    def add(self, outcomes: Iterable[Outcome]) -> None:
        """Record outcomes; they are durable within a batch's length or a few seconds."""
        with self._lock:
            self._outcomes.extend(outcomes)
            if len(self._outcomes) >= self._batch or time.monotonic() - self._flushed >= self._seconds:
                self._flush()

    def learned(self, digest: InputDigest) -> None:
        """Record an input's content digest, to go with the next batch."""
        with self._lock:
            self._inputs.append(digest)

    def repeated(self, retries: Mapping[str, int]) -> None:
        """Record how many requests were repeated, by the name of the fault, to go with the next batch."""
        with self._lock:
            self._retries.update(retries)

    def flush(self) -> None:
        """Write what is still held back."""
        with self._lock:
            self._flush()

    def _flush(self) -> None:
        self._flushed = time.monotonic()
        if not (self._outcomes or self._inputs or self._retries):
            return
        data = dump(
            OutcomeBatch(outcomes=tuple(self._outcomes), inputs=tuple(self._inputs), retries=dict(self._retries))
        )
        while True:
            key = self._folder.prefix + keys.outcome_batch(self._number, self._next)
            self._next += 1
            try:
                self._folder.store.write(key, data, content_type="application/json", if_absent=True)
            except Conflict:
                continue
            self._outcomes, self._inputs, self._retries = [], [], Counter()
            return
