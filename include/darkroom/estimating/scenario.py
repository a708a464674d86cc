"""What is to be made: so many composites or pyramids that nobody has yet, or those of a style; as runs of jobs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from darkroom import flows
from darkroom.compositing.cost import ENOUGH, HELD, Pictures, seconds_of, spends_of
from darkroom.compositing.job import Layout
from darkroom.compositing.plan import draft
from darkroom.compositing.profiles import CUTS
from darkroom.compositing.request import Request
from darkroom.estimates import Requests, Spends
from darkroom.figures import Figures
from darkroom.flows import Costed, Draft
from darkroom.planning import cut, machine_for, requests_of
from darkroom.pyramids import cost as pyramid_cost
from darkroom.pyramids.profiles import CAP

_TASKS = 4
"""Of a run, beside its jobs: `plan`, `settle`, `report`, and `approve` or `collect`."""
_JPEG = 0.5  # bytes of a JPEG's pixel, with the grain that real scans have
_COSTED = 20_000  # of so many things a plan is cut; of more images, some are taken together
_OVERHEAD = 1 << 30  # bytes of a worker of pyramids beside what an image holds


@dataclass(frozen=True, slots=True)
class Collection:
    """How pictures are shared out in a studio: on average, of a sheet (one colour and side of a style)."""

    pictures: int
    """By name."""
    different: int
    layers: int
    lengths: int
    colours: int


REAL = Collection(pictures=8310, different=3883, layers=45, lengths=6, colours=18)
"""A real one: five styles in 29 lengths, the exports of 41,519 combinations (docs/a-real-collection.md)."""
MEGAPIXELS = 9.0
"""Of its renders, 3000 x 3000."""


@dataclass(frozen=True, slots=True)
class Job:
    """Seconds of one core, and how many objects it writes."""

    seconds: float
    outputs: int
    machine: str


@dataclass
class Run:
    """One plan with its jobs: `items` are what it makes, `looked` what it decides about."""

    items: int
    different: int | None
    files: int
    bytes: float
    requests: Requests
    jobs: list[Job] = field(default_factory=list)

    @property
    def tasks(self) -> int:
        """Of Airflow."""
        return len(self.jobs) + _TASKS


def run_of(draft: Draft[Any], *, different: int | None) -> Run:
    """The run that a draft becomes, its requests as an S3 store counts them."""
    jobs = cut(draft.todo, draft.enough)
    spends = [one.spends or Spends() for one in draft.todo]
    return Run(
        items=sum(one.count for one in draft.todo),
        different=different,
        files=sum(one.outputs for one in spends),
        bytes=sum(one.bytes for one in spends),
        requests=requests_of(draft, jobs),
        jobs=[_job(job) for job in jobs],
    )


def _job(items: Sequence[Costed[Any]]) -> Job:
    return Job(
        sum(one.seconds for one in items),
        sum(one.spends.outputs for one in items if one.spends),
        machine_for(max(one.memory for one in items)),
    )


def composites(count: int, figures: Figures, *, megapixels: float = MEGAPIXELS, studio: Collection = REAL) -> list[Run]:
    """So many composites by name, in all cuts, of styles as `studio` has them: a run a style."""
    runs = []
    pixels, sheets = round(megapixels * 1e6), studio.colours * 2
    for of_style in _parts(count, studio.pictures * sheets):
        drafted: Draft[str] = Draft(
            title="", output_store="", enough=ENOUGH, among=of_style * len(CUTS), prefixes=tuple(CUTS)
        )
        for number, names in enumerate(_parts(of_style, studio.pictures)):
            different = max(1, round(names * studio.different / studio.pictures))
            pictures = [Pictures(different, names, tuple(CUTS))]
            seconds = seconds_of(figures, [pixels] * studio.layers, pictures, Layout.NAMES)
            spends = spends_of(figures, studio.layers, pictures, Layout.NAMES, ledgers=studio.lengths)
            side = "front" if number % 2 else "back"
            drafted.todo.append(Costed("sheet", seconds, memory=pixels * HELD, count=names, apart=side, spends=spends))
        drafted.todo.sort(key=lambda one: one.apart)
        different = round(of_style * studio.different / studio.pictures)
        runs.append(run_of(drafted, different=different))
    return runs


def of_style(request: Request, figures: Figures) -> list[Run]:
    """What a request of composites would make now: one run, or none. Raises `BadInput` with every problem."""
    drafted = draft(request, flows.Run("estimate", "style", figures=figures))
    return [run_of(drafted, different=sum(len(one.item.groups) for one in drafted.todo))] if drafted.todo else []


def pyramids(count: int, figures: Figures, *, megapixels: float) -> list[Run]:
    """So many pyramids of marked JPEGs of that size, in one run."""
    pixels = megapixels * 1e6
    size = pixels * _JPEG
    seconds = pyramid_cost.seconds_of(figures, "jpg", pixels, size, CAP)
    spends = pyramid_cost.spends_of(figures, pixels, size, CAP, marked=True)
    drafted: Draft[str] = Draft(title="", output_store="", enough=pyramid_cost.ENOUGH, ledgers=pyramid_cost.LEDGERS)
    drafted.todo = [
        Costed("images", seconds * some, memory=_OVERHEAD, count=some, spends=spends.times(some))
        for some in _parts(count, -(-count // _COSTED))
    ]
    return [run_of(drafted, different=None)]


def _parts(count: int, size: int) -> Iterator[int]:
    """A number as parts of at most that size, the last one smaller.

    >>> list(_parts(25, 10))
    [10, 10, 5]
    """
    whole, rest = divmod(count, size)
    yield from [size] * whole
    if rest:
        yield rest
