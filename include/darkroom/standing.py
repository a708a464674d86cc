"""What stands where a plan's outputs go, what the ledgers know of it, and what may be done with it."""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from darkroom import ledger
from darkroom.jobs import Mode
from darkroom.ledger import Ledger, LedgerEntry
from darkroom.ownership import Targets, Unsettled
from darkroom.store import Store
from darkroom.unsettled import unsettled

EntryT = TypeVar("EntryT", bound=LedgerEntry)


@dataclass(frozen=True, slots=True)
class Standing(Generic[EntryT]):
    """The ledgers' entries of outputs, and the ETags of what stands there; both by key."""

    known: Mapping[str, EntryT]
    etags: Mapping[str, str | None]
    targets: Targets

    def is_whole(self, key: str) -> bool:
        """Does an output stand as it was written?"""
        entry = self.known.get(key)
        return entry is not None and self.etags.get(entry.stored or key) == entry.etag

    def stale(self, keys: Iterable[str]) -> dict[str, str]:
        """Those of the outputs that stand, with the ETags that the ledgers know; whether they are whole or not."""
        known = {key: self.known.get(key) for key in keys}
        stands = {key: self.etags.get(entry.stored or key if entry else key) for key, entry in known.items()}
        return {key: entry.etag if entry else "" for key, entry in known.items() if stands[key] is not None}

    def is_current(self, mode: Mode, key: str, recipe: str) -> bool:
        """May an output be left as it is? See `is_current`."""
        return is_current(mode, self.known.get(key), recipe, stands=self.is_whole(key))

    def replaceable(self, key: str) -> str | None:
        """The ETag that a write may replace there, as `ownership.replaceable` has it; None: the item is refused."""
        return self.targets.replaceable(key, self.etags.get(key))


def look(
    store: Store,
    flow: str,
    outputs: Store,
    shards: Iterable[str],
    etags: Mapping[str, str | None],
    model: type[Ledger[EntryT]],
    left: Callable[[], Unsettled] | None = None,
) -> Standing[EntryT]:
    """What the ledgers with these keys know, many read at once, beside the `etags` of what stands in `outputs`.

    `left` says what unsettled plans name, for whoever looks more than once.
    """
    with ThreadPoolExecutor(store.concurrency, "ledgers") as pool:
        read = list(pool.map(lambda key: ledger.read(store, key, model), shards))
    known = {key: entry for one in read for key, entry in one.outputs.items()}
    ours = {key: entry.etag_by_name for key, entry in known.items() if entry.etag_by_name}
    damaged = any(one.damaged for one in read)
    return Standing(known, etags, Targets(ours, left or partial(unsettled, store, flow, outputs.uri), damaged=damaged))


def is_current(mode: Mode, known: LedgerEntry | None, recipe: str, *, stands: bool) -> bool:
    """May an output be left as it is?

    | mode | the ledger knows it | it stands as written | recipe is the same | left |
    | --- | --- | --- | --- | --- |
    | all | | | | no |
    | changed, plan | no | | | no |
    | changed, plan | yes | no | | no |
    | changed, plan | yes | yes | no | no |
    | changed, plan | yes | yes | yes | yes, unless it is stale |
    """
    return mode is not Mode.ALL and known is not None and stands and known.recipe == recipe and not known.stale
