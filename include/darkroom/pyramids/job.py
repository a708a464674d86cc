"""A job of pyramids, the plan's claims, and the ledger: what is written down of them."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from darkroom.imaging.drawings import DRAWINGS
from darkroom.jobs import Document, Job, Outcome, Output
from darkroom.ledger import Ledger, LedgerEntry
from darkroom.pyramids.profiles import CAP, COPYRIGHT_CAP, PROFILES, Cap
from darkroom.recipes import deciding, sha256_of

WIDTH, HEIGHT, LEVELS = "width", "height", "levels"
"""The facts of a pyramid: pixels of its largest level, and how many levels it has."""
SOURCE_WIDTH, SOURCE_HEIGHT, WRITTEN = "source_width", "source_height", "written"
"""Those of its making: pixels of the image, and 0 where the same bytes stood there already."""
PROTECTED, GONE = "protected", "gone"
"""Those of an image that somebody else owns, and of the API's on the web that does not exist: 1."""

RECIPE_VERSION = 1
"""Raised when the same source and profile shall give another pyramid."""


class PyramidItem(BaseModel):
    """One pyramid to make. `place` is the image's store; without it, `key` is the URL of an image on the web."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    group: str
    place: str = ""
    key: str
    etag: str = ""
    bytes: int = 0
    source: str = ""
    """The image's URI as ledgers have it, without a secret in it."""
    target: str
    protected: bool = False
    """Does somebody else own the image, so that it may be shown small only?"""
    recipe: str
    replaces: str = ""
    """The ETag of the pyramid that may be replaced; without it, there must be none."""
    replaces_copy: str = ""
    """The same of the copy beside it, which a PDF has."""

    @property
    def cap(self) -> Cap:
        """The largest size that may be shown."""
        return cap_of(self.protected)

    @property
    def facts(self) -> dict[str, int]:
        """What an outcome passes on of it, whatever became of it."""
        return {PROTECTED: 1} if self.protected else {}


class PyramidJob(Job):
    """A job file of the flow `pyramids`."""

    profile: str
    items: tuple[PyramidItem, ...]


class MarkerRef(BaseModel):
    """A marker, as the plan saw it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str
    etag: str


class Claim(BaseModel):
    """Who waits for one image: markers, an item of the API, or both; and what the plan knows of it already.

    `state`: `todo` (a job does it), `standing` (its pyramid is there already), `refused` (with the `reason`), `gone`
    (the API's image does not exist).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    state: Literal["todo", "standing", "refused", "gone"]
    markers: tuple[MarkerRef, ...] = ()
    file_ids: tuple[str, ...] = ()
    reason: str = ""


class Claims(Document):
    """A plan's claims by the names of its items."""

    claims: dict[str, Claim] = Field(default_factory=dict)


class PyramidEntry(LedgerEntry):
    """One pyramid that was proven, or the copy of a PDF beside one.

    With the image it is of, and whether that was protected when somebody said so.
    """

    source: str
    protected: bool = False


PyramidLedger = Ledger[PyramidEntry]
"""A share of the pyramids and the copies beside them, by key."""


def entry_of(outcome: Outcome, output: Output) -> PyramidEntry:
    """What a ledger knows of a pyramid, or of the copy beside it."""
    return PyramidEntry(
        recipe=output.recipe,
        etag=output.etag,
        bytes=output.bytes,
        source=output.source,
        protected=bool(outcome.facts.get(PROTECTED)),
    )


class FailedDays(BaseModel):
    """The days (UTC) on which the image of one version of a marker failed, and the last reason."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    etag: str
    days: tuple[str, ...]
    reason: str


class FailedLedger(Document):
    """The markers whose images failed, by key."""

    markers: dict[str, FailedDays] = Field(default_factory=dict)


def cap_of(protected: bool) -> Cap:
    """The largest size that may be shown."""
    return COPYRIGHT_CAP if protected else CAP


def recipe_digest(source: str, etag: str, profile: str, protected: bool) -> str:
    """What one pyramid is made from and how, as one hash.

    The source counts by its URI and ETag, so that a plan can tell what is out of date without reading a body.
    """
    recipe = {
        "version": RECIPE_VERSION,
        "source": source,
        "etag": etag,
        "profile": deciding(PROFILES[profile]),
        "cap": deciding(cap_of(protected)),
        "drawings": deciding(DRAWINGS),
    }
    return sha256_of(recipe)
