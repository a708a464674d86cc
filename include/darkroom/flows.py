"""The flows by name, and what each one gives: plan -> run -> settle (the report is the same for all)."""

from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Any, Protocol, cast

from darkroom.errors import BadInput
from darkroom.jobs import Count, Document, Manifest, NotDone, Outcome, PlanFolder, Recorder
from darkroom.progress import Progress
from darkroom.store import Store

_FLOWS = {"compositing": "darkroom.compositing.flow", "pyramids": "darkroom.pyramids.flow"}
_NOUNS = {"compositing": "picture", "pyramids": "image"}


class Settlement(Document):
    """What a settle committed: how many outputs are proven and in the ledger, and which are not; what it deleted.

    `notes` say what else it did or left, a sentence each. `unsure` counts the jobs' items of which something may stand
    that no ledger knows: their worker was killed, a write failed, or what was written could not be proven. `problems`
    are what fails the run beside its items.
    """

    proven: int
    unsure: Count = 0
    unproven: tuple[NotDone, ...] = ()
    pruned: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


class Flow(Protocol):
    """A flow's module."""

    def stores(self) -> Iterable[str]:
        """The locations of the deployment's stores that a plan of this flow reads or writes."""

    def plan(self, params: Mapping[str, Any], *, dag_id: str, run_id: str) -> Manifest:
        """Find the work and write the plan's folder, jobs included. Raises `BadInput`, with nothing written."""

    def work(self, job: bytes, where: str, recorder: Recorder, *, workers: int, progress: Progress) -> None:
        """Do a job's items that have no good outcome yet, and record theirs. Raises `BadInput` for a bad job file."""

    def settle(self, folder: PlanFolder) -> Settlement:
        """Prove what the outcomes say was written, and commit it to the ledger."""

    def previews(self, outcomes: Iterable[Outcome], most: int) -> list[str]:
        """Keys of at most so many outputs that show what a run made."""

    def picture(self, store: Store, key: str) -> bytes | None:
        """One of them as a small PNG; nothing where it cannot be shown."""


def noun(name: str) -> str:
    """What an item of a flow is called."""
    return _NOUNS.get(name, "item")


def get(name: str) -> Flow:
    """A flow's module, imported when first asked for. Raises `BadInput` for a name that is none."""
    if name not in _FLOWS:
        raise BadInput(f"There is no flow {name!r}; the flows are: {', '.join(_FLOWS)}.")
    return cast(Flow, import_module(_FLOWS[name]))
