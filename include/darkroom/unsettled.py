"""Plans whose outputs may stand without any ledger knowing them: what a killed run leaves behind."""

from collections.abc import Iterator
from contextlib import suppress

from darkroom import flows, keys
from darkroom.errors import BadInput, NotFound
from darkroom.jobs import parse
from darkroom.ownership import Unsettled
from darkroom.plan_folder import PlanFolder
from darkroom.settling import is_settled
from darkroom.store import Store


def unsettled(store: Store, flow_name: str, output_store: str) -> Unsettled:
    """What the unsettled plans of a flow name in an output store.

    A plan is unsettled when nobody has settled it, or when settling found items of which it cannot be sure. Of every
    DAG, and of the commands, since they write to the same places.
    """
    flow = flows.get(flow_name)
    targets: set[str] = set()
    made: dict[str, str] = {}
    for folder in _plans(store):
        # what cannot be read (another version's, or it expires just now) names nothing: then more is refused, not less
        with suppress(NotFound, BadInput):
            manifest = folder.manifest()
            if manifest.flow != flow.name or manifest.output_store != output_store or is_settled(folder):
                continue
            for number in range(1, len(manifest.jobs) + 1):
                key = keys.job(number)
                targets.update(flow.targets(parse(flow.job_file, folder.read(key), folder.uri_of(key))))
            for of_job in folder.all_outcomes():
                for outcome in of_job.latest.values():
                    made |= {one.key: one.etag for one in outcome.outputs if one.is_in_place}
    return Unsettled(frozenset(targets), made)


def _plans(store: Store) -> Iterator[PlanFolder]:
    """The folders of whole plans."""
    for entry in list(store.list(keys.WORK)):
        folder, _, name = entry.key.rpartition("/")
        if name == keys.MANIFEST:
            yield PlanFolder(store, f"{folder}/")
