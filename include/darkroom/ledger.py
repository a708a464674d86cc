"""Ledgers: what stands in the store and from which recipe; `state/...`, replaced only conditionally (DESIGN 3)."""

from collections.abc import Callable
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field

from darkroom.errors import Conflict, NotFound, StoreError
from darkroom.jobs import Count, Document, dump, parse
from darkroom.store import Store, readable

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


class Ledger(Document):
    """The outputs of one job's worth of items, by key."""

    outputs: dict[str, LedgerEntry] = Field(default_factory=dict)


class KnownDigest(BaseModel):
    """The content digest of one version of an input."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    etag: str
    digest: str


class InputLedger(Document):
    """Content digests of inputs, by URI: what was read once need not be read again to know what it is."""

    inputs: dict[str, KnownDigest] = Field(default_factory=dict)


LedgerT = TypeVar("LedgerT", bound=Document)


def read(store: Store, key: str, model: type[LedgerT]) -> LedgerT:
    """A ledger; an empty one where there is none yet. Raises `BadInput` for one that is broken."""
    try:
        return parse(model, store.read(key), readable(store.uri_of(key)))
    except NotFound:
        return model()


def update(store: Store, key: str, model: type[LedgerT], change: Callable[[LedgerT], LedgerT]) -> LedgerT:
    """Replace a ledger by what `change` makes of it; when somebody else did so meanwhile, again from theirs.

    Raises `StoreError` when it never succeeds.
    """
    for _ in range(_TRIES):
        standing = store.head(key)
        ledger = change(read(store, key, model) if standing else model())
        try:
            store.write(
                key,
                dump(ledger),
                content_type="application/json",
                if_absent=standing is None,
                if_match=standing.etag if standing else None,
            )
        except Conflict:
            continue
        return ledger
    raise StoreError(f"It changed {_TRIES} times while it was being updated; try again: {readable(store.uri_of(key))}")
