"""One plan's folder in a store: its manifest, its jobs, what became of their items, its settlement and report."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from pydantic import BaseModel

from darkroom import keys
from darkroom.errors import BadInput, Conflict, NotFound
from darkroom.estimates import BATCH, EVERY
from darkroom.jobs import InputDigest, Manifest, Outcome, OutcomeBatch, Report, Settlement, dump, parse
from darkroom.store import Store, asked, open_store, readable
from darkroom.store.access import NO_ACCESS, Access

log = logging.getLogger(__name__)

DocumentT = TypeVar("DocumentT", bound=BaseModel)


def new_plan_id(now: datetime | None = None) -> str:
    """A fresh plan id that sorts by time."""
    now = now or datetime.now(UTC)
    return f"{now:%Y%m%dT%H%M%S}-{time.monotonic_ns() % 0xFFFFFF:06x}"


@dataclass
class JobOutcomes:
    """What a job's batches say so far: `latest` by item, the digests learned, the requests repeated by their fault.

    `core_seconds` is what its workers took of their cores, `requests` what they asked of stores, `last` the number of
    the last batch, `batches` how many there are, `came` when so many outcomes were written down, by the store's clock.
    """

    latest: dict[str, Outcome] = field(default_factory=dict)
    inputs: dict[str, InputDigest] = field(default_factory=dict)
    retries: Counter[str] = field(default_factory=Counter)
    core_seconds: float = 0.0
    requests: Counter[str] = field(default_factory=Counter)
    last: int = 0
    batches: int = 0
    came: list[tuple[datetime, int]] = field(default_factory=list)

    def add(self, batch: OutcomeBatch) -> None:
        """Count a batch that was written after the others: a later outcome of an item replaces an earlier one."""
        self.latest |= {outcome.item: outcome for outcome in batch.outcomes}
        self.inputs |= {known.uri: known for known in batch.inputs}
        self.retries.update(batch.retries)
        self.core_seconds += batch.core_seconds
        self.requests.update(batch.requests)


class PlanFolder:
    """One plan's folder in a store."""

    def __init__(self, store: Store, prefix: str) -> None:
        self.store = store
        self.prefix = prefix

    @classmethod
    def at(cls, uri: str, access: Access = NO_ACCESS) -> "PlanFolder":
        """The folder of an existing plan, by its URI."""
        return cls(open_store(uri, access), "")

    def open(self, location: str) -> Store:
        """The store at a location, with the folder's own access."""
        return open_store(location, self.store.access)

    @property
    def uri(self) -> str:
        """The folder's URI."""
        return self.store.uri_of(self.prefix.rstrip("/")) if self.prefix else self.store.uri

    def uri_of(self, key: str) -> str:
        """The URI of one of its objects."""
        return self.store.uri_of(self.prefix + key)

    def manifest(self) -> Manifest:
        """The plan's manifest. Raises `BadInput` where there is none."""
        manifest = self.document(keys.MANIFEST, Manifest)
        if manifest is None:
            raise BadInput(f"{readable(self.uri)}: no plan lies there.")
        return manifest

    def settlement(self) -> Settlement | None:
        """What settling committed; None where nobody has settled the plan, or what that wrote is damaged."""
        try:
            return self.document(keys.SETTLEMENT, Settlement)
        except BadInput as error:
            log.warning("%s The plan counts as not settled.", error)
            return None

    def report(self) -> Report | None:
        """The run's report; None where there is none yet."""
        return self.document(keys.REPORT_JSON, Report)

    def document(self, key: str, model: type[DocumentT]) -> DocumentT | None:
        """One of the folder's documents, or None where there is none. Raises `BadInput` for one that is broken."""
        try:
            return parse(model, self.read(key), readable(self.uri_of(key)))
        except NotFound:
            return None

    def has(self, key: str) -> bool:
        """Is there such an object?"""
        return self.store.head(self.prefix + key) is not None

    def write(self, key: str, data: bytes, content_type: str = "application/json") -> None:
        """Write one of the folder's objects."""
        self.store.write(self.prefix + key, data, content_type=content_type, durable=True)

    def read(self, key: str) -> bytes:
        """Read one of the folder's objects. Raises `NotFound`."""
        return self.store.read(self.prefix + key)

    def outcomes(self, number: int) -> JobOutcomes:
        """What became of a job's items so far.

        A batch that cannot be read (a power cut left it empty) is passed over, and said: its items are made again.
        """
        found = JobOutcomes()
        prefix = self.prefix + keys.outcomes(number)
        for key, when in sorted((entry.key, entry.modified) for entry in self.store.list(prefix)):
            found.last = int(key[len(prefix) :].removesuffix(".json"))
            found.batches += 1
            where = readable(self.store.uri_of(key))
            try:
                batch = parse(OutcomeBatch, self.store.read(key), where)
            except BadInput:
                log.warning("%s: this batch of outcomes is damaged; what it was about is made again.", where)
                continue
            found.add(batch)
            found.came.append((when, len(batch.outcomes)))
        return found

    def all_outcomes(self) -> Iterator[JobOutcomes]:
        """The same of every job of the plan, a job at a time, so that memory need not hold them all."""
        for number in range(1, len(self.manifest().jobs) + 1):
            yield self.outcomes(number)

    def batches(self) -> int:
        """How many batches of outcomes there are."""
        return sum(1 for _ in self.store.list(self.prefix + keys.OUTCOMES))


class Recorder:
    """Knows what became of a job's items, and writes it down as it goes, one numbered object a small batch.

    After a kill at most one batch is lost: its items are made again. Two workers on one job write beside each
    other: a number that is taken is passed over. Safe to call from several threads.
    """

    def __init__(self, folder: PlanFolder, number: int, *, batch: int = BATCH, seconds: float = EVERY) -> None:
        self.folder, self._number = folder, number
        self._batch, self._seconds = batch, seconds
        known = folder.outcomes(number)
        self.outcomes = known.latest
        """What became of the job's items, by item: before, and by what was recorded here."""
        self._next = known.last + 1
        self._outcomes: list[Outcome] = []
        self._inputs: list[InputDigest] = []
        self._retries: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._flushed, self._taken = time.monotonic(), time.process_time()

    def is_done(self, item: str) -> bool:
        """Has an item a good outcome already?"""
        known = self.outcomes.get(item)
        return known is not None and known.state.is_good

    def add(self, outcomes: Iterable[Outcome]) -> None:
        """Record outcomes; they are durable within a batch's length or a few seconds."""
        with self._lock:
            new = list(outcomes)
            self._outcomes += new
            self.outcomes |= {outcome.item: outcome for outcome in new}
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
        before, self._taken = self._taken, time.process_time()
        data = dump(
            OutcomeBatch(
                outcomes=tuple(self._outcomes),
                inputs=tuple(self._inputs),
                retries=dict(self._retries),
                core_seconds=round(self._taken - before, 3),
                requests=asked.taken(),
            )
        )
        while True:
            key = self.folder.prefix + keys.outcome_batch(self._number, self._next)
            self._next += 1
            try:
                self.folder.store.write(key, data, content_type="application/json", if_absent=True, durable=True)
            except Conflict:
                continue
            self._outcomes, self._inputs, self._retries = [], [], Counter()
            return
