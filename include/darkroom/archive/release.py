"""After the ledgers: which thumbnails are due in the next run."""

from collections.abc import Mapping

from darkroom import keys
from darkroom.archive.job import ArchiveJob, PostItem
from darkroom.archive.posts import settle_posts
from darkroom.flows import Released
from darkroom.jobs import Manifest, NotDone, Outcome, State
from darkroom.plan_folder import JobOutcomes, PlanFolder


class ArchiveRelease:
    """Notes what could not be posted, so that the next run tries again, and forgets what was or never can be."""

    def __init__(self, folder: PlanFolder, manifest: Manifest) -> None:
        self._folder, self._manifest = folder, manifest
        self._latest: dict[str, Outcome] = {}

    def job(self, outcomes: JobOutcomes, unproven: Mapping[str, NotDone]) -> None:
        """Keep what became of the job's thumbnails."""
        self._latest |= {name: one for name, one in outcomes.latest.items() if not one.outputs}

    def end(self) -> Released:
        """Settle the thumbnails of each target."""
        store = self._folder.open(self._manifest.store)
        due: dict[str, dict[str, PostItem]] = {}
        done: dict[str, set[str]] = {}
        for number in range(1, len(self._manifest.jobs) + 1):
            job = self._folder.document(keys.job(number), ArchiveJob)
            for post in job.posts if job else ():
                assert job
                outcome = self._latest.get(post.name)
                # of bytes that are no image it is told once: they are looked at again when they change, or by mode all
                if outcome and (outcome.state.is_good or outcome.state is State.REFUSED):
                    done.setdefault(job.output_store, set()).add(post.target)
                else:
                    due.setdefault(job.output_store, {})[post.target] = post.model_copy(update={"copied_by": ""})
        for target in {*due, *done}:
            settle_posts(store, target, due.get(target, {}), frozenset(done.get(target, ())))
        return Released()
