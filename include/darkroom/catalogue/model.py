"""What stands in `catalogue.json`. Its JSON schema is docs/catalogue.schema.json, made of these models.

Whoever reads a catalogue needs nothing else: no style file, no grammar of names, no listing.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from darkroom.jobs import Count, Document
from darkroom.styles.style import Side, Slot

_HERE = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, serialize_by_alias=True)

Colour = Annotated[str, Field(pattern=r"^[0-9]{4}$")]
Pixels = Annotated[int, Field(ge=1)]
Names = tuple[str, ...]


class Size(BaseModel):
    """Pixels."""

    model_config = _HERE

    width: Pixels
    height: Pixels


class CatalogueLayer(BaseModel):
    """One layer: its place, when it is drawn, and its proxy in each colour that there is one in."""

    model_config = _HERE

    code: str
    slot: Slot
    side: Side
    conditions: Names
    lengths: Names
    """The lengths that it is for, as slugs; empty: all."""
    proxies: dict[Colour, str]
    """By colour: the proxy's key, relative to the catalogue's own folder. Empty: nobody delivered it."""


class Candidate(BaseModel):
    """A layer that a code draws in a slot where all of its conditions hold."""

    model_config = _HERE

    layer: str
    conditions: Names


class After(BaseModel):
    """The code lies directly over this other one."""

    model_config = _HERE

    after: str


class Before(BaseModel):
    """The code lies directly below this other one."""

    model_config = _HERE

    before: str


class CatalogueException(BaseModel):
    """Where the stacks are other than the rule has them.

    It holds where all of `with` are picked, one of `with_any_of` (where that names any), none of `without`; `alone`
    true: and no code that neither names, false: and another one. `code` null: what the slots show in the end; a code,
    or `default`: what it draws there.
    """

    model_config = _HERE

    code: str | None
    with_: Names = Field(alias="with")
    with_any_of: Names
    without: Names
    alone: bool | None
    slots: dict[Slot, Names | After | Before]


class CatalogueSide(BaseModel):
    """What is drawn on one side of a length."""

    model_config = _HERE

    defaults: dict[Slot, str]
    """What each slot shows when nothing is picked, in drawing order."""
    standing: Names
    """What counts as a condition that holds although nobody picked it."""
    draws: dict[str, dict[Slot, tuple[Candidate, ...]]]
    """By code and slot: the layers that it may draw here. Their order decides on a tie."""
    elsewhere: dict[str, dict[Slot, tuple[Names, ...]]]
    """By code and slot: the conditions of its layers for the other side or for other lengths."""
    exceptions: tuple[CatalogueException, ...]
    """In the order in which they are to be applied."""


class Choice(BaseModel):
    """Codes that are chosen from together; at most one of `one of`, at most `at_most` of `any of` (null: freely)."""

    model_config = _HERE

    kind: Literal["one of", "any of"]
    codes: Names
    at_most: int | None
    under: Names
    """Each of the codes needs one of these."""
    requires: Names
    """Each of the codes needs all of these."""


class CatalogueLength(BaseModel):
    """What one length offers, and how it is drawn."""

    model_config = _HERE

    slug: str
    name: str
    codes: Names
    """What can be picked, in layering order. Empty: the style does not say what its options are."""
    order: Names
    """The layering order of every code: a later one lies over an earlier one's slot."""
    choices: tuple[Choice, ...]
    excludes: dict[str, Names]
    """Codes that cannot be picked together, each pair in both directions, from whatever reason."""
    impossible: Names
    """Codes that need something which this length does not offer."""
    sides: dict[Side, CatalogueSide]


class Catalogue(Document):
    """All of a style."""

    style: str
    name: str | None
    colours: Count
    """They are called 0000, 0001, and so on."""
    frame: Size | None
    """How large the renders are (most of them); null: nobody looked at one."""
    proxy: Size
    """How large the proxies are: the frame fitted into 800 x 800."""
    slots: tuple[Slot, ...]
    """In drawing order, the lowest first."""
    collecting: tuple[Slot, ...]
    """In these all that is drawn is shown, the latest code lowest; in the others the latest code's layers alone."""
    sides: tuple[Side, ...]
    layers: dict[str, CatalogueLayer]
    lengths: tuple[CatalogueLength, ...]
    defaults_stand_for: Names
    ignored: Names
    """Codes of which the studio wants no proxies."""

    @property
    def proxies(self) -> int:
        """How many proxies it names."""
        return sum(len(layer.proxies) for layer in self.layers.values())

    @property
    def lacking(self) -> int:
        """How many layers have none."""
        return sum(not layer.proxies for layer in self.layers.values())
