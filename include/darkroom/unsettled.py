"""Plans whose outputs may stand without any ledger knowing them: what a killed run leaves behind."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress

from darkroom import keys
from darkroom.errors import BadInput, NotFound
from darkroom.flows import Settlement
from darkroom.jobs import PlanFolder, parse
from darkroom.ownership import Unsettled
from darkroom.store import Store


def unsettled(store: Store, flow: str, targets_of: Callable[[bytes, str], Iterable[str]]) -> Unsettled:
    """What the unsettled plans of a flow name; `targets_of` reads the targets out of a job file (and where it lies).

    A plan is unsettled when nobody has settled it, or when settling found items of which it cannot be sure. Of every
    DAG, and of the commands, since they write to the same places.
    """
    targets: set[str] = set()
    made: dict[str, str] = {}
    for folder, numbers in _plans(store):
        # what cannot be read (another version's, or it expires just now) names nothing: then more is refused, not less
        with suppress(NotFound, BadInput):
            if not numbers or _is_settled(folder):
                continue
            for number in numbers:
                data = folder.read(keys.job(number))
                if json.loads(data).get("flow") != flow:
                    break
                targets.update(targets_of(data, folder.uri_of(keys.job(number))))
                for outcome in folder.outcomes(number).values():
                    made |= {output.key: output.etag for output in outcome.outputs if not output.stored}
    return Unsettled(frozenset(targets), made)


def _plans(store: Store) -> Iterator[tuple[PlanFolder, range]]:
    """The folders of whole plans, each with the numbers of its jobs."""
    jobs: Counter[str] = Counter()
    whole = []
    for entry in store.list(keys.WORK):
        above, _, name = entry.key.rpartition("/")
        if name == keys.MANIFEST:
            whole.append(f"{above}/")
        elif above.endswith(f"/{keys.JOBS.rstrip('/')}"):
            jobs[above.removesuffix(keys.JOBS.rstrip("/"))] += 1
    for prefix in whole:
        yield PlanFolder(store, prefix), range(1, jobs[prefix] + 1)


def _is_settled(folder: PlanFolder) -> bool:
    if not folder.has(keys.SETTLEMENT):
        return False
    settlement = parse(Settlement, folder.read(keys.SETTLEMENT), folder.uri_of(keys.SETTLEMENT))
    return not settlement.unsure
