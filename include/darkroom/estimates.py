"""What a plan will cost, and what a run did: core seconds, requests to a store, money (docs/scale.md)."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from darkroom.amounts import counted, human_seconds
from darkroom.errors import BadInput
from darkroom.settings import settings
from darkroom.store.confirm import WORTH

HOUR = 3600.0
"""Seconds."""
_THOUSAND, _GIGABYTE = 1000, 1e9

BATCH, EVERY = 64, 2.0
"""A worker writes its outcomes down once it has so many, or after so many seconds."""
RENEWED = 60.0
"""Seconds between two renewals of a lease."""
_PAGE = 1000  # keys of one answer to a listing

Amount = Annotated[float, Field(ge=0)]


@dataclass(frozen=True, slots=True)
class Requests:
    """Requests to an object store, on average: by what providers charge for.

    `puts` are PUT, COPY and POST, `gets` GET and HEAD. Deleting is free at all of them, and counted all the same.
    """

    puts: float = 0.0
    lists: float = 0.0
    gets: float = 0.0
    deletes: float = 0.0

    def __add__(self, other: "Requests") -> "Requests":
        return Requests(
            self.puts + other.puts, self.lists + other.lists, self.gets + other.gets, self.deletes + other.deletes
        )

    def times(self, number: float) -> "Requests":
        """So many times as many.

        >>> Requests(puts=1, gets=2).times(3)
        Requests(puts=3, lists=0.0, gets=6, deletes=0.0)
        """
        return Requests(self.puts * number, self.lists * number, self.gets * number, self.deletes * number)

    @classmethod
    def counted(cls, *parts: Mapping[str, int]) -> "Requests":
        """Those that several parts of a run have counted, by kind; each may lack what it did not ask.

        >>> Requests.counted({"puts": 2}, {}, {"puts": 1, "gets": 5})
        Requests(puts=3, lists=0, gets=5, deletes=0)
        """
        return cls(*(sum(part.get(kind.name, 0) for part in parts) for kind in fields(cls)))

    @property
    def all(self) -> float:
        """How many there are."""
        return self.puts + self.lists + self.gets + self.deletes


@dataclass(frozen=True, slots=True)
class Spends:
    """What an item costs beside its seconds: its own requests, the objects that it writes, and their bytes."""

    requests: Requests = Requests()
    outputs: int = 0
    bytes: float = 0.0

    def times(self, number: int) -> "Spends":
        """Of so many such items together."""
        return Spends(self.requests.times(number), self.outputs * number, self.bytes * number)


# a document that is written: its PUT, and the HEAD that confirms it
_WRITTEN = Requests(puts=1, gets=1)
LEDGER = Requests(puts=1, gets=3)
"""A ledger that settling brings up to date: it is looked at, read, written, and confirmed."""
_LEASE = Requests(puts=1, gets=2)  # read, written, confirmed
PREVIEWS = 40
"""Pictures that a report shows."""
# of any run: its lease checked, taken, taken again to settle and given back; the figures; the manifest, which settling
# and the report read twice; what settling found; digests of inputs; the report, its page and what that shows
_RUN = Requests(puts=8, gets=25, lists=1, deletes=1)


def of_run(items: int, *, prefixes: int, ledgers: int) -> Requests:
    """The requests of a run beside its jobs', whose outputs go below so many prefixes.

    Below each is listed what stands there, and what killed writers left unfinished. The plan reads those of the shared
    ledgers that may know an item's output, or what would lie beside it; the page shows some of the items.
    """
    return _RUN + Requests(lists=2 * prefixes, gets=min(items, PREVIEWS) + touched(ledgers, 2 * items))


def touched(ledgers: int, outputs: float) -> float:
    """How many of so many ledgers, of which a hash chooses one, know one of so many outputs, on average.

    >>> touched(256, 1), round(touched(256, 256)), round(touched(256, 10_000)), touched(0, 5)
    (1.0, 162, 256, 0.0)
    """
    return ledgers * (1.0 - (1.0 - 1.0 / ledgers) ** outputs) if ledgers else 0.0


def batches(items: int, seconds: float) -> int:
    """In how many batches a worker writes down what became of its items; `seconds` is how long it works.

    | items | seconds | batches |
    | --- | --- | --- |
    | 0 | 10 | 0 |
    | 1 | 0 | 1 |
    | 640 | 0 | 10 |
    | 641 | 0 | 11 |
    | 640 | 100 | 50 |
    | 10 | 100 | 10 |
    """
    return min(items, math.ceil(max(items / BATCH, seconds / EVERY)))


def proof(outputs: float, among: float) -> Requests:
    """By which settling proves a job's outputs: a listing that others lie `among`, and heads where those are too many.

    | outputs | among | lists | gets |
    | --- | --- | --- | --- |
    | 0 | 0 | 0 | 0 |
    | 100 | 0 | 1 | 0 |
    | 3000 | 3000 | 3 | 0 |
    | 1000 | 21000 | 21 | 0 |
    | 1000 | 42000 | 21 | 500 |
    """
    if not outputs:
        return Requests()
    between, most = max(among, outputs), WORTH * outputs + _PAGE
    return Requests(lists=math.ceil(min(between, most) / _PAGE), gets=outputs * max(0.0, 1.0 - most / between))


def of_job(items: int, spends: Sequence[Spends], *, seconds: float, ledgers: int, among: float) -> Requests:
    """All requests of a job: its items' own, and those by which the engine plans, runs, proves, notes and reports it.

    `seconds` is how long its worker works, `ledgers` those that share the outputs by a hash.
    """
    outputs = sum(one.outputs for one in spends)
    engine = (
        _WRITTEN  # its file
        + Requests(
            lists=3, gets=3
        )  # read with the manifest, and what the plan asks; its outcomes are listed three times
        + _LEASE.times(1 + int(seconds / RENEWED))
        + (_WRITTEN + Requests(gets=2)).times(batches(items, seconds))  # settling and the report read each
        + LEDGER.times(touched(ledgers, outputs))
        + proof(outputs, among)
    )
    return sum((one.requests for one in spends), engine)


class Prices(BaseModel):
    """What a deployment pays, in one currency; None: nobody has said. `writes` and `reads` are of a thousand requests.

    `core_hour` is of one core, `month` of a gigabyte (1e9 bytes) for a month.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    core_hour: Amount | None = None
    writes: Amount | None = None
    reads: Amount | None = None
    month: Amount | None = None
    currency: str = ""

    def of_cores(self, seconds: float) -> float | None:
        """What seconds of one core cost."""
        return None if self.core_hour is None else seconds / HOUR * self.core_hour

    def of_requests(self, requests: Requests) -> float | None:
        """What requests cost, as far as there are prices."""
        if self.writes is None and self.reads is None:
            return None
        writes = (requests.puts + requests.lists) * (self.writes or 0.0)
        return (writes + requests.gets * (self.reads or 0.0)) / _THOUSAND

    def of_storage(self, count: float) -> float | None:
        """What so many bytes cost a month."""
        return None if self.month is None else count / _GIGABYTE * self.month

    def said(self, amount: float) -> str:
        """An amount with its currency.

        >>> Prices(currency="USD").said(1234.5), Prices().said(0.002)
        ('about 1,234.50 USD', 'less than 0.01')
        """
        return f"{about(amount)} {self.currency}".rstrip()


def total(amounts: Iterable[float | None]) -> float | None:
    """The sum of what is known; None where nothing is."""
    known = [amount for amount in amounts if amount is not None]
    return sum(known) if known else None


def prices_of(**given: str | None) -> Prices:
    """The deployment's prices, those that are `given` in their place: each an amount, or one with its currency.

    Raises `BadInput` where they are of several currencies.
    """
    said = {
        "core_hour": settings().core_hour_price,
        "writes": settings().write_price,
        "reads": settings().read_price,
        "month": settings().storage_price,
    }
    said |= {name: price for name, price in given.items() if price is not None}
    parts = {name: price.partition(" ") for name, price in said.items() if price}
    currencies = sorted({currency for _, _, currency in parts.values()} - {""})
    if len(currencies) > 1:
        raise BadInput(f"prices: they are in {' and '.join(currencies)}; give all of them in one currency.")
    amounts = {name: float(amount) for name, (amount, _, _) in parts.items()}
    return Prices(**amounts, currency=currencies[0] if currencies else "")


class Estimate(BaseModel):
    """What a plan's jobs will cost: `core_seconds` of one core in all, and of the longest job.

    The requests are those of an S3 store; all 0 where nobody knows those of the flow, or the outputs go to a folder.
    `cost` is in the deployment's prices, as far as it has them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    core_seconds: Amount = 0.0
    longest: Amount = 0.0
    jobs: int = 0
    puts: int = 0
    lists: int = 0
    gets: int = 0
    bytes: int = 0
    cost: Amount | None = None
    currency: str = ""

    @property
    def requests(self) -> Requests:
        """The requests."""
        return Requests(self.puts, self.lists, self.gets)

    @property
    def sentence(self) -> str:
        """All of it, for a person.

        >>> Estimate(core_seconds=7200, longest=600, jobs=36, puts=7000, lists=10, gets=900).sentence
        'about 2.00 core hours in 36 jobs, the longest of 10 min 0 s; 7,910 requests, 7,010 of them writes or lists'
        """
        said = f"{core_time(self.core_seconds)} in {counted(self.jobs, 'job')}"
        if self.jobs > 1:
            said += f", the longest of {human_seconds(self.longest)}"
        if self.requests.all:
            writes = self.puts + self.lists
            said += f"; {counted(round(self.requests.all), 'request')}, {writes:,} of them writes or lists"
        if self.cost is not None:
            said += f"; {Prices(currency=self.currency).said(self.cost)}"
        return said


def core_time(seconds: float) -> str:
    """Seconds of one core, as people read them.

    >>> core_time(7200), core_time(75)
    ('about 2.00 core hours', '1 min 15 s of one core')
    """
    return f"{about(seconds / HOUR)} core hours" if seconds >= HOUR / 10 else f"{human_seconds(seconds)} of one core"


def about(number: float) -> str:
    """A rough number with two decimals.

    >>> about(1234.5), about(0.002)
    ('about 1,234.50', 'less than 0.01')
    """
    return f"about {number:,.2f}" if number >= 0.01 else "less than 0.01"
