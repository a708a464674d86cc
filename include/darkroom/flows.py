"""The flows by name, and what each one gives to the engine: its decision, its items' work, its words (DESIGN 3)."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any, BinaryIO, Generic, Protocol, TypeVar

from pydantic import BaseModel, ValidationError

from darkroom.errors import BadInput, NotFound
from darkroom.estimates import Spends
from darkroom.figures import REFERENCE, Figures
from darkroom.jobs import Document, Job, Manifest, Mode, NotDone, Outcome, Output, State
from darkroom.leases import Holder
from darkroom.ledger import Ledger, LedgerEntry, entry_of
from darkroom.sentences import sentences
from darkroom.store import Store
from darkroom.store.access import NO_ACCESS, Access

if TYPE_CHECKING:
    from darkroom.plan_folder import JobOutcomes, PlanFolder
    from darkroom.worker import Bench

NO_TIME = datetime.fromtimestamp(0, UTC)
"""Of an entry that nobody asked a store for: what counts of it is its ETag."""

_FLOWS = {
    "compositing": "darkroom.compositing.flow",
    "pyramids": "darkroom.pyramids.flow",
    "archive": "darkroom.archive.flow",
    "sync": "darkroom.sync.flow",
    "ingest": "darkroom.ingest.flow",
}

ItemT = TypeVar("ItemT")
ModelT = TypeVar("ModelT", bound=BaseModel)


class Request(Protocol):
    """What a run is asked to do, whole and checked. A pydantic model: the manifest holds it."""

    @property
    def store(self) -> str:
        """The location of the studio's store, which holds the flow's state and its plans."""

    @property
    def mode(self) -> Mode:
        """What the run does."""

    def model_dump(self, *, mode: str) -> dict[str, Any]:
        """As pydantic has it."""


@dataclass(frozen=True, slots=True)
class Run:
    """Which run plans. `made` are items that an interrupted run of the same request has made: they are left alone."""

    dag_id: str
    run_id: str
    made: Set[str] = frozenset()
    here: bool = False
    """Is all of it this process's, as of a command?"""
    access: Access = NO_ACCESS
    """By which it reaches its stores and services."""
    figures: Figures = REFERENCE
    """By which it costs its items; planning puts the studio's own here."""

    @property
    def holder(self) -> Holder:
        """It, as the holder of leases."""
        return Holder(f"{self.dag_id}, run {self.run_id}", here=self.here)


@dataclass(frozen=True, slots=True)
class Costed(Generic[ItemT]):
    """What a job holds of a plan, and what it costs: `seconds` of one core, `memory` in bytes at once.

    It is one item of the protocol, or `count` of them that are made together. Those of different `apart` never share a
    job. What else it costs is in `spends`, in a flow that knows.
    """

    item: ItemT
    seconds: float
    memory: int = 0
    count: int = 1
    apart: str = ""
    spends: Spends | None = None


@dataclass(kw_only=True)
class Draft(Generic[ItemT]):
    """What a flow wants done, and what it says of the rest; the engine makes the plan of it.

    `planned` and `skipped` count the items by group, `refused` are those that are not made, each counted in `planned`
    too. `label` names a job for people by what it holds (else that is counted), `job` makes its file of the fields
    that every job has (else what it holds are the file's `items`). `enough` is how many seconds make a job long enough
    to stand alone. `documents` lie beside the manifest, by key.

    For what it will cost: a hash shares the outputs out among `ledgers` of them, and a job's outputs lie `among` so
    many.
    """

    title: str
    output_store: str
    stores: tuple[str, ...] = ()
    planned: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    distinct: int | None = None
    refused: list[NotDone] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    problems: Sequence[str] = ()
    stale: dict[str, str] = field(default_factory=dict)
    todo: list[Costed[ItemT]] = field(default_factory=list)
    enough: float = 600.0
    ledgers: int = 0
    among: int = 0
    label: Callable[[Sequence[ItemT]], str] | None = None
    job: Callable[[Mapping[str, Any], tuple[ItemT, ...]], Job] | None = None
    documents: Mapping[str, Document] = field(default_factory=dict)
    texts: Mapping[str, BinaryIO] = field(default_factory=dict)
    """Long texts that lie beside the manifest too, by key; each is read from its beginning."""
    prefixes: Sequence[str] = ()
    """Where the outputs go: what killed writers left there unfinished goes with the plan."""

    def make(self, group: str, one: Costed[ItemT]) -> None:
        """Count an item that is to be made."""
        self.planned[group] += 1
        self.todo.append(one)

    def leave(self, group: str) -> None:
        """Count an item that is as it should be."""
        self.planned[group] += 1
        self.skipped[group] += 1

    def refuse(self, item: str, group: str, reason: str, state: State = State.REFUSED, **more: str) -> None:
        """Count an item that is not made; `more` is the `kind` and `where` of a `NotDone`."""
        self.planned[group] += 1
        self.refused.append(NotDone(item=item, group=group, state=state, reason=reason, **more))


@dataclass
class Released:
    """What a flow did and left after its ledgers were written.

    `unproven` are items that are proven and count as not done all the same, `pruned` the outputs that were deleted.
    `held` counts the jobs' items that nobody came to, as a person did not approve them. `news` are the subjects of
    which something new is proven, for whoever waits for that.
    """

    unproven: list[NotDone] = field(default_factory=list)
    pruned: list[str] = field(default_factory=list)
    held: int = 0
    news: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


class Release(Protocol):
    """Lets go of what waited for a plan's items: told of each job once its ledgers are written, and then of the end.

    May come again for the same plan, since settling may.
    """

    def job(self, outcomes: "JobOutcomes", unproven: Mapping[str, NotDone]) -> None:
        """A job is settled: what became of its items, and of those that are done the ones that are not proven."""

    def end(self) -> Released:
        """All jobs are."""


@dataclass(frozen=True, kw_only=True)
class Gathered:
    """What was brought into the studio's store before a plan: in numbers by name, and in sentences."""

    counts: Mapping[str, int]
    said: Sequence[str]
    left: Sequence[str] = ()
    problems: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Collecting:
    """What a flow does before its plan, which reads no service but the stores.

    `stores` are the locations beside the flow's own that it reads or writes; `collect` is given the request, the run,
    and Google Drive as whoever has credentials reaches it. Raises `BadInput`.
    """

    stores: Callable[[Any], Iterable[str]]
    collect: Callable[[Any, Run, Any], Gathered]


@dataclass(frozen=True, slots=True)
class Asking:
    """What a flow adds where a person is asked about a plan of its own.

    `against` says what a yes cannot stand against, a sentence each; it is asked again when a yes comes. `illustrate`
    draws the plan's contact sheet beside it (`keys.CONTACT_SHEET`), and returns a digest of what it shows: empty where
    that is nothing.
    """

    against: "Callable[[PlanFolder, Manifest], Sequence[str]]"
    illustrate: "Callable[[PlanFolder, Manifest], str]"


@dataclass(frozen=True, kw_only=True)
class Flow:
    """A flow, as its module's `FLOW` says it. What has a default is optional."""

    name: str
    noun: str
    """What an item is called: `picture`."""
    request: Callable[[Mapping[str, Any]], Any]
    """The request of a run from its form's values. Raises `BadInput` with every problem."""
    stores: Callable[[Any], Iterable[str]]
    """The locations that planning a request reads or writes."""
    subjects: Callable[[Any], Iterable[str]]
    """What a request is about, of which only one run at a time may be: styles, sources."""
    draft: Callable[[Any, Run], Draft[Any]]
    """Find the work of a request. Reads, and writes nothing. Raises `BadInput` with every problem."""
    job_file: type[Job]
    work: Callable[[Any, "Bench"], None]
    """Do a job's items that have no good outcome yet, and record theirs."""
    targets: Callable[[Any], Iterable[str]]
    """The keys that a job's outputs may take in its output store."""
    ledger: Callable[[Manifest, Output], str]
    """The key of the ledger that knows an output: by its key, or by its hash where it is looked for by that.

    Empty where the store itself says what the output is of.
    """
    ledger_model: type[Ledger[Any]] = Ledger[LedgerEntry]
    entry: Callable[[Outcome, Output], LedgerEntry] = entry_of
    collecting: Collecting | None = None
    asking: Asking | None = None
    release: "Callable[[PlanFolder, Manifest], Release] | None" = None
    backfill: bool = False
    """Does an interval mean anything to it?"""
    previews: Callable[[Iterable[Outcome], int], list[str]] = lambda outcomes, most: []
    """Keys of at most so many outputs that show what a run made."""
    picture: Callable[[Store, str], bytes | None] = lambda store, key: None
    """One of them as a small PNG; nothing where it cannot be shown."""


def asked(model: type[ModelT], params: Mapping[str, Any]) -> ModelT:
    """A request, or the part of it that a form's values say; what is None has its default. Raises `BadInput`."""
    try:
        return model.model_validate({name: value for name, value in params.items() if value is not None})
    except ValidationError as error:
        raise BadInput(f"{said}; correct the parameter." for said in sentences(error, model)) from None


def png_at(store: Store, key: str) -> bytes | None:
    """A preview that is a PNG already; nothing where it is gone."""
    try:
        return store.read(key)
    except NotFound:
        return None


def get(name: str) -> Flow:
    """A flow, imported when first asked for. Raises `BadInput` for a name that is none."""
    if name not in _FLOWS:
        raise BadInput(f"There is no flow {name!r}; the flows are: {', '.join(_FLOWS)}.")
    flow: Flow = import_module(_FLOWS[name]).FLOW
    return flow
