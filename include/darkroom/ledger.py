"""Ledgers: what stands in the store and from which recipe; `state/...`, replaced only conditionally (DESIGN 3)."""

import logging
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from typing import Generic, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from darkroom import keys
from darkroom.errors import BadInput, Conflict, NotFound, StoreError
from darkroom.jobs import Count, Document, Outcome, Output, dump, parse
from darkroom.store import Store, readable

log = logging.getLogger(__name__)

_TRIES = 20


class LedgerEntry(BaseModel):
    """One output as it was written and proven.

    `stale` says why it should not stand any more; empty while it should. `stored` is the key of the object, when that
    is not the output's own; `named` is then the ETag of an object that was written under the output's own key before.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    recipe: str
    etag: str
    bytes: Count
    stale: str = ""
    stored: str = ""
    named: str = ""

    @property
    def etag_by_name(self) -> str:
        """The ETag of what was written under the output's own key; empty: nothing was."""
        return self.named if self.stored else self.etag


def entry_of(outcome: Outcome, output: Output) -> LedgerEntry:
    """What a ledger knows of an output of an item."""
    return LedgerEntry(recipe=output.recipe, etag=output.etag, bytes=output.bytes, stored=output.stored)


EntryT = TypeVar("EntryT", bound=LedgerEntry)


class Ledger(Document, Generic[EntryT]):
    """A share of a flow's outputs, by key.

    `damaged`: this ledger was lost once, so that something may stand of which it does not know that it is ours. Such an
    output is made again, and adopted where the same bytes stand.
    """

    outputs: dict[str, EntryT] = Field(default_factory=dict)
    damaged: bool = False

    def merged(self, new: Mapping[str, EntryT]) -> Self:
        """With new entries; what lies under a name from another layout before stays known as ours."""
        named = {
            key: entry.model_copy(update={"named": self.outputs[key].etag_by_name})
            for key, entry in new.items()
            if entry.stored and key in self.outputs
        }
        return self.model_copy(update={"outputs": {**self.outputs, **new, **named}})

    def marked(self, etags: Mapping[str, str], stale: str) -> Self:
        """With these outputs marked as stale, as far as they still have these ETags."""
        found = {
            key: entry.model_copy(update={"stale": stale})
            for key, entry in self.outputs.items()
            if etags.get(key) == entry.etag
        }
        return self.model_copy(update={"outputs": {**self.outputs, **found}})

    def without(self, keys: Collection[str]) -> Self:
        """Without these outputs."""
        return self.model_copy(update={"outputs": {key: one for key, one in self.outputs.items() if key not in keys}})


class KnownDigest(BaseModel):
    """The content digest of one version of an input, and when the plan was made that led to reading it.

    `etag` is that version (`Entry.version`).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    etag: str
    digest: str
    planned: datetime = datetime.fromtimestamp(0, UTC)


class InputLedger(Document):
    """Content digests of inputs, by URI: what was read once need not be read again to know what it is.

    `source` is the URI of the store that the last run read them from.
    """

    source: str = ""
    inputs: dict[str, KnownDigest] = Field(default_factory=dict)
    damaged: bool = False


LedgerT = TypeVar("LedgerT", bound=Document)


def read(store: Store, key: str, model: type[LedgerT]) -> LedgerT:
    """A ledger; an empty one where there is none yet, and one that says so where it is damaged, as by a power cut.

    Raises `BadInput` for a damaged one of a kind that cannot say so.
    """
    return _read(store, key, model)[0]


def update(store: Store, key: str, model: type[LedgerT], change: Callable[[LedgerT], LedgerT]) -> LedgerT:
    """Replace a ledger by what `change` makes of it; when somebody else did so meanwhile, again from theirs.

    A damaged one is copied aside first, for a person to look at. Raises `StoreError` when it never succeeds.
    """
    for _ in range(_TRIES):
        standing = store.head(key)
        known, is_damaged = _read(store, key, model) if standing else (model(), False)
        ledger = change(known)
        try:
            if is_damaged:
                aside = store.copy(key, keys.damaged(key, datetime.now(UTC)))
                log.warning("The damaged ledger lies in %s now.", readable(store.uri_of(aside.key)))
            store.write(
                key,
                dump(ledger),
                content_type="application/json",
                if_absent=standing is None,
                if_match=standing.etag if standing else None,
                durable=True,
            )
        except Conflict:
            continue
        return ledger
    raise StoreError(f"It changed {_TRIES} times while it was being updated; try again: {readable(store.uri_of(key))}")


def _read(store: Store, key: str, model: type[LedgerT]) -> tuple[LedgerT, bool]:
    """A ledger, and whether what lies there is damaged."""
    try:
        return parse(model, store.read(key), readable(store.uri_of(key))), False
    except NotFound:
        return model(), False
    except BadInput as error:
        if "damaged" not in model.model_fields:
            raise
        log.warning("%s What it knew is proven anew.", error)
        return model.model_validate({"damaged": True}), True
