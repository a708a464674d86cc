"""The model: runs on so many machines, as tasks, requests, hours and money."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from darkroom.estimates import HOUR, Prices, Requests, total
from darkroom.estimating.scenario import Job, Run
from darkroom.estimating.schedule import ends
from darkroom.figures import Figures
from darkroom.machines import MACHINES


class Fleet(BaseModel):
    """So many machines of so many cores each."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    machines: int
    cores: int

    def share(self, jobs: Sequence[Job]) -> int:
        """How many cores one job has: what the size that the largest asks for has, and a machine at most."""
        return min(self.cores, max((MACHINES[one.machine].cpus for one in jobs), default=self.cores))

    def slots(self, jobs: Sequence[Job]) -> int:
        """How many such jobs are worked on at once."""
        return self.machines * (self.cores // self.share(jobs))


class Forecast(BaseModel):
    """What runs will take: `seconds` on the clock, `keeping` of them planning, settling and reporting.

    `core_seconds` are the jobs', `longest` is how long the longest of them works. `paid_hours` are those of the fleet's
    cores until the end, also of those that have nothing left to do. Money is None where there is no price; `storage` is
    of a month.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    fleet: Fleet
    items: int
    different: int | None
    files: int
    bytes: int
    runs: int
    jobs: int
    tasks: int
    puts: int
    lists: int
    gets: int
    deletes: int
    core_seconds: float
    longest: float
    keeping: float
    seconds: float
    cores_cost: float | None
    requests_cost: float | None
    storage_cost: float | None
    currency: str

    @property
    def paid_hours(self) -> float:
        """Core hours of the fleet."""
        return self.fleet.machines * self.fleet.cores * self.seconds / HOUR

    @property
    def cost(self) -> float | None:
        """Of making all of it, once."""
        return total((self.cores_cost, self.requests_cost))


def works(job: Job, cores: int, figures: Figures) -> float:
    """How long a worker of so many cores works on a job: its start, and then its cores or the store's answers."""
    return figures.start + max(job.seconds / cores, job.outputs / figures.writes_a_second)


def forecast(runs: Sequence[Run], fleet: Fleet, figures: Figures, prices: Prices) -> Forecast:
    """What runs will take on a fleet, whose cores are paid until the last of them ends."""
    jobs = [job for run in runs for job in run.jobs]
    cores, slots = fleet.share(jobs), fleet.slots(jobs)
    # of what is kept of an item, about a half is planned before the jobs, and the rest settled and reported after them
    kept = [run.items * figures.keep / 2 for run in runs]
    working = [[works(job, cores, figures) for job in run.jobs] for run in runs]
    seconds = max(ends([(one, of_run, one) for one, of_run in zip(kept, working, strict=True)], slots), default=0.0)
    requests = sum((run.requests for run in runs), Requests())
    stored = sum(run.bytes for run in runs)
    different = [run.different for run in runs if run.different is not None]
    return Forecast(
        fleet=fleet,
        items=sum(run.items for run in runs),
        different=sum(different) if different else None,
        files=sum(run.files for run in runs),
        bytes=round(stored),
        runs=len(runs),
        jobs=len(jobs),
        tasks=sum(run.tasks for run in runs),
        puts=round(requests.puts),
        lists=round(requests.lists),
        gets=round(requests.gets),
        deletes=round(requests.deletes),
        core_seconds=sum(job.seconds for job in jobs),
        longest=max((one for of_run in working for one in of_run), default=0.0),
        keeping=2 * sum(kept),
        seconds=seconds,
        cores_cost=prices.of_cores(fleet.machines * fleet.cores * seconds),
        requests_cost=prices.of_requests(requests),
        storage_cost=prices.of_storage(stored),
        currency=prices.currency,
    )
