"""After the ledgers: what a run found, in two lists beside its plan, and a sample of it for the next run."""

from collections.abc import Iterator, Mapping
from io import BufferedReader, RawIOBase
from typing import cast

from darkroom import keys
from darkroom.approvals import approval, who_rejected
from darkroom.errors import NotFound
from darkroom.flows import Released
from darkroom.jobs import Manifest, NotDone, State
from darkroom.plan_folder import JobOutcomes, PlanFolder
from darkroom.store import open_store
from darkroom.sync.folder import Sampler, remember
from darkroom.sync.request import Request
from darkroom.sync.share import names_of


class SyncRelease:
    """Counts what was not approved, and remembers the folder."""

    def __init__(self, folder: PlanFolder, manifest: Manifest) -> None:
        self._folder, self._manifest = folder, manifest
        self._held = 0

    def job(self, outcomes: JobOutcomes, unproven: Mapping[str, NotDone]) -> None:
        """Count the job's items that a person did not approve."""
        self._held += sum(one.state is State.SKIPPED and bool(one.reason) for one in outcomes.latest.values())

    def end(self) -> Released:
        """Remember each profile's folder by some of its files."""
        request = Request.model_validate(self._manifest.request)
        store = self._folder.open(self._manifest.store)
        samples = {profile.name: Sampler() for profile in request.profiles}
        for name in accepted_of(self._folder):
            samples[name.partition("/")[0]].add(name)
        for profile in request.profiles:
            remember(store, profile.name, open_store(profile.target).uri, samples[profile.name].names)
        who = who_rejected(approval(self._folder))
        return Released(notes=[f"{self._held:,} objects were not removed: {who}."] if self._held else [])


def accepted_of(folder: PlanFolder) -> Iterator[str]:
    """The names of the items that a plan found nothing wrong with."""
    try:
        with folder.store.open(folder.prefix + keys.ACCEPTED) as reading:
            yield from names_of(BufferedReader(cast(RawIOBase, reading.stream)))
    except NotFound:
        return
