"""After the ledgers: the API is told of its files, and the markers go, one by one."""

from collections.abc import Mapping

from darkroom import keys
from darkroom.errors import Conflict, DarkroomError
from darkroom.flows import Released
from darkroom.jobs import Manifest, NotDone, Outcome, State
from darkroom.outside.appsync import FilesApi
from darkroom.plan_folder import JobOutcomes, PlanFolder
from darkroom.progress import Progress, in_parallel
from darkroom.pyramids.failed_days import settle_failures
from darkroom.pyramids.job import GONE, HEIGHT, WIDTH, Claim, Claims, MarkerRef
from darkroom.pyramids.request import Request
from darkroom.settings import settings
from darkroom.store import Store

_MOST_NOTES = 200


class PyramidsRelease:
    """Lets go of a night's claims.

    A marker goes only when its pyramid is proven and it is the marker that the plan saw; the API is told of a pyramid
    only when it is proven, and to forget a file only when there is none (404).
    """

    def __init__(self, folder: PlanFolder, manifest: Manifest) -> None:
        self._night = manifest.created.date()
        self._api = Request.model_validate(manifest.request).api
        self._store = folder.open(manifest.store)
        claims = folder.document(keys.CLAIMS, Claims)
        self._claims: Mapping[str, Claim] = claims.claims if claims else {}
        self._proven: dict[str, Outcome] = {}
        self._failed = {name: claim.reason for name, claim in self._claims.items() if claim.state == "refused"}
        self._gone = {
            f"{name} ({id_})": id_
            for name, claim in self._claims.items()
            if claim.state == "gone"
            for id_ in claim.file_ids
        }
        self._released = Released()

    def job(self, outcomes: JobOutcomes, unproven: Mapping[str, NotDone]) -> None:
        """Keep what became of the job's images."""
        for name, outcome in outcomes.latest.items():
            if name in unproven:
                self._failed[name] = unproven[name].reason
            elif outcome.state is State.DONE and name in self._claims:  # nobody waits for what a command was given
                self._proven[name] = outcome
            elif not outcome.state.is_good:
                self._failed[name] = outcome.reason
            if GONE in outcome.facts:
                self._gone |= {f"{name} ({id_})": id_ for id_ in self._claims[name].file_ids}

    def end(self) -> Released:
        """Tell the API, settle the markers."""
        self._tell_the_api()
        self._settle_markers()
        notes = self._released.notes
        if len(notes) > _MOST_NOTES:
            self._released.notes = [*notes[:_MOST_NOTES], f"... and {len(notes) - _MOST_NOTES} more of the kind."]
        return self._released

    def _tell_the_api(self) -> None:
        """One by one. What it cannot be told of counts as not done: it lists the file again in the next night."""
        waiting = [(one, ids) for name, one in self._proven.items() if (ids := self._claims[name].file_ids)]
        if not waiting and not self._gone:
            return
        api = FilesApi(self._api, self._store.access)
        with Progress("files that the API was told of", len(waiting) + len(self._gone)) as progress:
            for outcome, ids in waiting:
                try:
                    for file_id in ids:
                        api.processed(file_id, width=outcome.facts[WIDTH], height=outcome.facts[HEIGHT])
                except DarkroomError as error:
                    self._not_told(outcome, f"its pyramid is there, but the API cannot be told so: {error}".rstrip("."))
                progress.advance()
            for name, file_id in self._gone.items():
                try:
                    api.remove(file_id)
                except DarkroomError as error:
                    self._released.notes.append(f"{name}: the API cannot be told that there is no such image: {error}")
                progress.advance()

    def _not_told(self, outcome: Outcome, reason: str) -> None:
        name = outcome.item
        self._failed[name] = reason
        del self._proven[name]
        self._released.unproven.append(
            NotDone(item=name, group=outcome.group, state=State.FAILED, reason=reason, kind="settle")
        )

    def _settle_markers(self) -> None:
        """Remove the markers of what is proven, and count the others' failure."""
        proven = [
            ref for name, claim in self._claims.items() if self._is_released(name, claim) for ref in claim.markers
        ]
        removed = in_parallel(
            "markers removed", proven, lambda ref: _removed(self._store, ref), self._store.concurrency
        )
        for ref, gone in zip(proven, removed, strict=True):
            if not gone:
                self._released.notes.append(f"{ref.key}: it changed since the plan, and stays.")
        failed = {
            ref: self._failed[name]
            for name, claim in self._claims.items()
            if name in self._failed
            for ref in claim.markers
        }
        released = {ref.key for ref in proven}
        nights = settings().scan_nights
        self._released.notes += settle_failures(self._store, failed, released, self._night, nights)

    def _is_released(self, name: str, claim: Claim) -> bool:
        return claim.state == "standing" or (claim.state == "todo" and name in self._proven)


def _removed(store: Store, ref: MarkerRef) -> bool:
    try:
        store.delete(ref.key, if_match=ref.etag)
    except Conflict:
        return store.head(ref.key) is None
    return True
