"""A plan's images gathered into jobs: by what they take, not by how many they are."""

from collections.abc import Iterator
from dataclasses import dataclass

from darkroom.imaging.headers import Size
from darkroom.jobs import MOST_JOBS
from darkroom.machines import MACHINES
from darkroom.pyramids.find import Candidate
from darkroom.pyramids.job import cap_of

# Estimates of one core's time, only to cut jobs to a sensible length: seconds for each pixel to decode, for each pixel
# of the pyramid to write and prove, for each byte to move.
_DECODE, _WRITE, _MOVE = 9e-9, 60e-9, 20e-9
_LONGEST = 600.0
_OVERHEAD = 1 << 30  # bytes of a worker beside what the one image holds that needs most


@dataclass(frozen=True, slots=True)
class Todo:
    """An image to make a pyramid of: with the recipe, whether it is protected, and how large it is.

    `replaces` and `replaces_copy` are the ETags of what may be replaced, of the pyramid and of the copy beside it.
    """

    candidate: Candidate
    recipe: str
    protected: bool
    size: Size
    replaces: str = ""
    replaces_copy: str = ""


def split(items: list[Todo]) -> list[list[Todo]]:
    """The items gathered into jobs by their pixels, those together that need the same size of machine."""
    longest = _LONGEST
    while True:
        jobs = list(_gather(items, longest))
        if len(jobs) <= MOST_JOBS:
            return jobs
        longest *= 2


def _gather(items: list[Todo], longest: float) -> Iterator[list[Todo]]:
    by_machine: dict[str, list[Todo]] = {name: [] for name in MACHINES}
    for item in items:
        by_machine[machine_for(item.size)].append(item)
    for alike in by_machine.values():
        job: list[Todo] = []
        seconds = 0.0
        for item in alike:
            cost = estimate(item)
            if job and seconds + cost > longest:
                yield job
                job, seconds = [], 0.0
            job.append(item)
            seconds += cost
        if job:
            yield job


def machine_for(size: Size) -> str:
    """The smallest machine that holds what an image takes at once; the largest one where none does."""
    for machine in MACHINES.values():
        if size.held + _OVERHEAD <= machine.memory:
            return machine.name
    return list(MACHINES)[-1]


def estimate(item: Todo) -> float:
    """Seconds of one core that an item takes, roughly."""
    cap, pixels = cap_of(item.protected), item.size.pixels
    moved = item.candidate.entry.bytes if item.candidate.entry else pixels
    return pixels * _DECODE + min(pixels, cap.width * cap.height) * _WRITE + moved * _MOVE
