"""When jobs end on so many machines: each is begun, in its order, as soon as somebody is free for it."""

import heapq
from collections.abc import Iterable, Sequence


class Slots:
    """So many workers at once."""

    def __init__(self, count: int) -> None:
        self._free = [0.0] * count

    def end_of(self, seconds: float, ready: float = 0.0) -> float:
        """When a job ends that takes so many seconds and may begin at `ready`; whoever is free first does it."""
        end = max(heapq.heappop(self._free), ready) + seconds
        heapq.heappush(self._free, end)
        return end


def makespan(seconds: Iterable[float], slots: int) -> float:
    """How long so many workers at once take for jobs of these seconds.

    | seconds | slots | makespan |
    | --- | --- | --- |
    | | 3 | 0 |
    | 5 | 3 | 5 |
    | 5, 5, 5 | 3 | 5 |
    | 5, 5, 5, 5 | 3 | 10 |
    | 1, 1, 9 | 2 | 10 |
    | 9, 1, 1 | 2 | 9 |
    """
    workers = Slots(slots)
    return max((workers.end_of(one) for one in seconds), default=0.0)


def ends(runs: Sequence[tuple[float, Sequence[float], float]], slots: int) -> list[float]:
    """When runs end of which each is planned, worked on and settled; a run is those seconds, with its jobs' between.

    All are asked for at once. One process plans and settles them, one after the other and plans first; the jobs of a
    run may begin when it is planned.
    """
    workers, keeper, last = Slots(slots), 0.0, []
    for plan, jobs, _ in runs:
        keeper += plan
        last.append(max((workers.end_of(one, keeper) for one in jobs), default=keeper))
    ended = [0.0] * len(runs)
    for number in sorted(range(len(runs)), key=last.__getitem__):
        keeper = max(keeper, last[number]) + runs[number][2]
        ended[number] = keeper
    return ended
