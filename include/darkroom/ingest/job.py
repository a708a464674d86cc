"""A job of the ingest, its ledgers and its cursor: what is written down of them."""

from pydantic import BaseModel, ConfigDict, Field

from darkroom import keys
from darkroom.ingest.decision import Action
from darkroom.ingest.profiles import recipe_digest
from darkroom.ingest.sources import Found
from darkroom.jobs import Document, Job, Outcome, Output, State
from darkroom.ledger import Ledger, LedgerEntry

UNFIT = "decode"
"""The kind of an outcome whose render can have no proxy, whatever is tried: its raw render stands all the same."""

WORDS = {
    Action.REFUSE: "refused",
    Action.DELIVER: "delivered",
    Action.PROXY: "proxy",
    Action.LEAVE: "unchanged",
}
"""What a report calls the files that are handled so."""


def group_of(style: str, action: Action) -> str:
    """A style's files of which a report says the same.

    >>> group_of("sample-dress", Action.DELIVER)
    'sample-dress: delivered'
    """
    return f"{style}: {WORDS[action]}"


def item_name(style: str, path: str) -> str:
    """How a file is called in plans and reports."""
    return f"{style}/{path}"


class IngestItem(BaseModel):
    """One delivered file: its raw render and, where one is wanted, its proxy.

    `found` is what is read, of exactly this version: the file in the source (`deliver`), or the raw render (`proxy`).
    `source` is its URI there, with its version behind a `#`; empty where nobody knows it of a raw render.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    group: str
    action: Action
    found: Found
    source: str
    raw: str
    proxy: str = ""
    """Its key; empty: none is wanted."""
    replaces_raw: str = ""
    replaces_proxy: str = ""
    """The ETag of what a write may replace; without one, there must be nothing, or the same bytes."""
    stands: str = ""
    """The sha256 of the raw render that stands whole, in a run that leaves what is right; empty: it is written."""
    stands_proxy: str = ""
    """The recipe of the proxy that stands whole, likewise."""


class IngestJob(Job):
    """A job file of the flow `ingest`: of one style. `source` is where its files are delivered."""

    style: str
    source: str
    items: tuple[IngestItem, ...]


class IngestEntry(LedgerEntry):
    """A raw render or a proxy that was proven.

    A raw render's `recipe` is the sha256 of its content, its `source` the URI where it was delivered, in that
    `version`; `unfit` is why it can have no proxy, and `tried` the recipe that this was found by. A proxy's `source`
    is the key of its raw render, which has so many pixels.
    """

    source: str = ""
    version: str = ""
    unfit: str = ""
    tried: str = ""


IngestLedger = Ledger[IngestEntry]
"""A share of a style's raw renders and proxies, by key."""


def entry_of(outcome: Outcome, output: Output) -> IngestEntry:
    """What a ledger knows of a raw render or of a proxy."""
    known = {"recipe": output.recipe, "etag": output.etag, "bytes": output.bytes}
    if output.key.startswith(keys.PROXIES):
        return IngestEntry(**known, source=output.source)
    source, _, version = output.source.rpartition("#")
    entry = IngestEntry(**known, source=source, version=version)
    if outcome.state is State.REFUSED and outcome.kind == UNFIT:
        entry = entry.model_copy(update={"unfit": outcome.reason, "tried": recipe_digest(output.recipe)})
    return entry


class Cursor(Document):
    """Up to where a source has told of a style's renders: a cursor for each of its folders."""

    source: str = ""
    folders: dict[str, str] = Field(default_factory=dict)
    damaged: bool = False


class Looked(BaseModel):
    """What a plan saw of a style. `gone` are raw renders whose file is gone, `unwanted` proxies that nothing wants.

    Both as the ledgers knew them. `before` is the cursor that the plan saw, `after` the one behind what it saw; it is
    written only when all of the plan's `items` have come to a good end, and not where something is `held` back.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    style_file: str
    items: int = 0
    gone: dict[str, IngestEntry] = Field(default_factory=dict)
    unwanted: dict[str, str] = Field(default_factory=dict)
    before: Cursor = Cursor()
    after: Cursor | None = None
    held: bool = False


class Deliveries(Document):
    """The same of each of a plan's styles."""

    styles: dict[str, Looked] = Field(default_factory=dict)
