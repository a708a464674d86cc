"""The documents of the one protocol: job, outcome, the plan's manifest, settlement, report (DESIGN 3).

Everything here is JSON in a store (`plan_folder` knows where). A job is a work order of many items for one worker; an
outcome is what became of one item.
"""

import json
from contextlib import suppress
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import PydanticSerializationError

from darkroom.amounts import counted
from darkroom.errors import BadInput
from darkroom.estimates import Estimate
from darkroom.sentences import sentences
from darkroom.store.hashes import Kind

MOST_JOBS = 256
"""A run has at most this many jobs: one mapped task each."""

Count = Annotated[int, Field(ge=0)]
_LONGEST = 300  # characters of a reason in a line


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

    @property
    def is_good(self) -> bool:
        """Is the item as it should be, so that no later try takes it up again?"""
        return self in (State.DONE, State.SKIPPED)


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
    """URI of the studio's store, which the plan and the flow's state lie in."""
    output_store: str
    """URI of the store that the outputs go to."""
    stores: tuple[str, ...] = ()
    """URIs of the stores that the worker reads beside these."""
    written: tuple[str, ...] = ()
    """Those of them that it writes to as well."""

    @property
    def locations(self) -> tuple[str, ...]:
        """Every store that the worker uses."""
        return (self.store, self.output_store, *self.stores)


class Output(BaseModel):
    """One object that an item put into a store, or took away: `key` is what it is known by, `hashes` its content's.

    `store` is the store's URI, when that is not the plan's output store; `stored` is where it lies there, when that is
    not `key`. `source` is the URI of what it was made of, where that is one. What was `removed` had this ETag. Not
    `written`: the same bytes stood there already.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str
    recipe: str
    etag: str
    bytes: Count
    hashes: dict[Kind, str] = {}
    store: str = ""
    stored: str = ""
    source: str = ""
    removed: bool = False
    written: bool = True

    @property
    def is_in_place(self) -> bool:
        """Does it stand under its own key in the plan's output store?"""
        return not (self.store or self.stored or self.removed)

    @property
    def at(self) -> str:
        """The key of the object itself."""
        return self.stored or self.key


class Outcome(BaseModel):
    """What became of one item. `seconds` is its share of the work.

    `group` is the manifest's group that the item counts in; `kind` is the step that failed, where a flow tells them
    apart. The `notes` of an item that is done say what of it was not taken over, a sentence each. The `reason` of one
    that is not is the same for all items that one cause costs, and `where` is the place of what is at fault, as a
    person would type it. `facts` are numbers that settling, or whoever watches, passes on.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    item: str
    group: str = ""
    state: State
    reason: str = ""
    kind: str = ""
    where: str = ""
    notes: tuple[str, ...] = ()
    outputs: tuple[Output, ...] = ()
    bytes: Count = 0
    seconds: float = 0.0
    facts: dict[str, int] = Field(default_factory=dict)


class InputDigest(BaseModel):
    """An input's content digest, learned when it was read; `etag` is the version that was read (`Entry.version`)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    uri: str
    etag: str
    digest: str


class OutcomeBatch(Document):
    """One numbered object of outcomes, and what its worker did since the one before.

    `retries` are requests that were repeated, by the fault's name, `core_seconds` of its cores, `requests` of stores.
    """

    outcomes: tuple[Outcome, ...] = ()
    inputs: tuple[InputDigest, ...] = ()
    retries: dict[str, Count] = Field(default_factory=dict)
    core_seconds: Annotated[float, Field(ge=0)] = 0.0
    requests: dict[str, Count] = Field(default_factory=dict)


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


class GroupReport(BaseModel):
    """The counts of one group of items; of a plan, only the planned and those of them that are skipped already."""

    model_config = ConfigDict(extra="forbid")

    planned: int = 0
    done: int = 0
    skipped: int = 0
    refused: int = 0
    failed: int = 0

    @property
    def left(self) -> int:
        """Those that nobody has come to: in mode `plan`, what would be made."""
        return self.planned - self.done - self.skipped - self.refused - self.failed


class Manifest(Document):
    """A plan's own document: what will be done, what already is, what is refused."""

    flow: str
    noun: str
    """What an item is called: `picture`."""
    uri: str
    """URI of the plan's folder."""
    store: str
    """URI of the studio's store, which holds the flow's state and this plan."""
    output_store: str
    """URI of the store that the outputs go to."""
    stores: tuple[str, ...] = ()
    """URIs of the stores that are read beside these, and of a service that is told."""
    mode: Mode
    created: datetime
    run: str
    """Which run it is of, for people: `combination_compositing, run manual__2026-11-21`."""
    subjects: tuple[str, ...]
    """What the plan is about, as keys name it: styles, sources."""
    title: str
    """What the plan is about, in a few words: `sample-dress · Knee, Maxi · 6 colours`."""
    request: dict[str, Any]
    planned: Count
    skipped: Count
    distinct: Count | None = None
    """How many different items there are among the planned, in a flow whose items may be the same."""
    refused: tuple[NotDone, ...] = ()
    findings: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    """Why not all of the work could be found, a sentence each: the rest is done, and the run fails all the same."""
    stale: dict[str, str] = {}
    """Outputs that stand in the store although an input of theirs vanished: their keys, and the ETags of these."""
    todo: Count
    """How many items the jobs hold, or would hold: in mode `plan` there are no jobs."""
    groups: dict[str, GroupReport] = {}
    """The items by group; what a group is, is the flow's own affair (for compositing: a length and side)."""
    estimate: Estimate | None = None
    """What the jobs will cost, or would; None where nothing is to be made."""
    requests: dict[str, Count] = {}
    """What planning asked of stores, by what providers charge for (`store.asked`)."""
    jobs: tuple[JobRef, ...] = ()


class Settlement(Document):
    """What a settle committed: how many items are proven and in the ledger, and which are not; what it deleted.

    `notes` say what else it did or left, a sentence each. `unsure` counts the jobs' items of which something may stand
    that no ledger knows: their worker was killed, a write failed, or what was written could not be proven. `held`
    counts those that nobody came to, as a person did not approve them. `news` are the subjects of which something new
    is proven. `problems` are what fails the run beside its items. `batches` is how many batches of outcomes it has
    seen: what comes later is settled again. `requests` are what it asked of stores.
    """

    proven: Count
    unsure: Count = 0
    held: Count = 0
    news: tuple[str, ...] = ()
    unproven: tuple[NotDone, ...] = ()
    pruned: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    batches: Count = 0
    requests: dict[str, Count] = {}


class Cause(BaseModel):
    """One reason, and how many items it cost: `items` are the first of them, `where` the place of what is at fault."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reason: str
    state: State
    count: Count
    items: tuple[str, ...]
    kind: str = ""
    where: str = ""

    def line(self, noun: str) -> str:
        """The cause as a line, the reason first and the place last; `noun` is what an item is called.

        >>> Cause(reason="x.png is cut short", state=State.REFUSED, count=24, items=("a", "b")).line("picture")
        'x.png is cut short: 24 pictures, such as a (refused)'
        """
        who = self.items[0] if self.count == 1 else f"{counted(self.count, noun)}, such as {self.items[0]}"
        reason = self.reason if len(self.reason) <= _LONGEST else f"{self.reason[: _LONGEST - 3]}..."
        return f"{reason}: {who} ({self.state}{f'; {self.where}' if self.where else ''})"


class Slow(BaseModel):
    """An item that took long: `seconds` is its share of the work."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    item: str
    group: str = ""
    state: State
    seconds: float


class Throughput(BaseModel):
    """How many items the workers came to, over time: in each of the spans of `width` seconds from `begin` on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    begin: datetime
    width: Annotated[int, Field(ge=1)]
    counts: tuple[Count, ...]


class Report(Document):
    """What became of a run: `planned = done + skipped + refused + failed + todo`.

    `distinct` counts the different items among the planned, where the flow tells these apart, `held` those of `todo`
    that a person did not approve, `bytes` what was written, `removed` the files that were taken away, `seconds` the
    time since the plan, `retries` the requests that the workers had to repeat, by the name of the fault, `kinds` the
    items that were not made by the step that failed. `causes` are the reasons of `not_done`, each once. To people
    `todo` is called left, `distinct` different, and `outputs` files.

    `estimate` is what the plan said that it would cost. Beside it stands what it did: `core_seconds` that its workers
    took, `requests` that all of it asked of stores, and `cost`, the price of both; None where there are no prices.
    `subjects` are the plan's. `skips` count by their reason the items that a worker left as they were, `throughput`
    says when the workers came to how many (None where they came to none), and `slowest` which took longest.
    """

    title: str
    flow: str
    noun: str
    mode: Mode
    plan: str
    created: datetime
    planned: int
    done: int
    skipped: int
    refused: int
    failed: int
    todo: int
    distinct: int | None
    outputs: int
    bytes: int
    seconds: float
    groups: dict[str, GroupReport]
    not_done: tuple[NotDone, ...]
    problems: tuple[str, ...]
    findings: tuple[str, ...]
    stale: tuple[str, ...]
    pruned: tuple[str, ...]
    versions: dict[str, str]
    held: int = 0
    removed: int = 0
    retries: dict[str, int] = Field(default_factory=dict)
    kinds: dict[str, int] = Field(default_factory=dict)
    causes: tuple[Cause, ...] = ()
    estimate: Estimate | None = None
    core_seconds: float = 0.0
    requests: dict[str, int] = Field(default_factory=dict)
    cost: float | None = None
    subjects: tuple[str, ...] = ()
    skips: dict[str, int] = Field(default_factory=dict)
    throughput: Throughput | None = None
    slowest: tuple[Slow, ...] = ()

    @property
    def ok(self) -> bool:
        """Did everything that was planned become what it should?

        A plan that was only to be looked at leaves its work undone, and so does one that was not approved.
        """
        left = self.todo > self.held and self.mode is not Mode.PLAN
        return not (self.refused or self.failed or self.problems or left)


def again(task: str) -> str:
    """How somebody goes on: in Airflow by clearing a task, on the command line by the same command."""
    return f"clear {task} in Airflow, or run the command again"


DocumentT = TypeVar("DocumentT", bound=BaseModel)


def parse(model: type[DocumentT], data: bytes, where: str) -> DocumentT:
    """A document from its JSON. Raises `BadInput` with `where` in every sentence."""
    try:
        return model.model_validate_json(data)
    except ValidationError as error:
        if b"\\udc" in data:
            with suppress(ValueError, RecursionError):
                return model.model_validate(json.loads(data))
        raise BadInput(f"{where}: {said}." for said in sentences(error, model)) from None


def dump(document: BaseModel) -> bytes:
    """A document's JSON. A file's name that is no UTF-8 is in it as Python has it, which pydantic alone refuses."""
    try:
        return document.model_dump_json().encode()
    except PydanticSerializationError:
        return json.dumps(document.model_dump(mode="json")).encode()
