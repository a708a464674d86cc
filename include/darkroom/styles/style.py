"""A style: the garment's lengths, codes, colours, default layers and options (DESIGN 5)."""

from collections.abc import Mapping, Set
from functools import cached_property
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from darkroom.styles.names import SLOTS, fill_in, length_slug, parse_layer, plain

Side = Literal["front", "back"]
Slot = Annotated[
    Literal["behind", "bottom", "behindbelt", "belt", "neckline", "infront"],
    BeforeValidator(lambda slot: "behindbelt" if slot == "behind_belt" else slot),
]
MOST_CODES = 500
"""Of one style; a large one has sixty. What they mean together is asked code by code and pair by pair."""
Codes = tuple[Annotated[str, AfterValidator(plain)], ...]


class Option(BaseModel):
    """One choice: `one of` codes of which at most one can be picked, or `any of` codes, freely or `at most` so many.

    `under`: these codes exist only below one of those. `requires`: each of these codes needs all of those. `lengths`
    names the lengths that offer it; empty for all.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    one_of: Codes = Field(default=(), alias="one of")
    any_of: Codes = Field(default=(), alias="any of")
    at_most: Annotated[int, Field(ge=1, strict=True)] | None = Field(default=None, alias="at most")
    under: Codes = ()
    requires: Codes = ()
    lengths: tuple[str, ...] = ()

    @property
    def codes(self) -> Codes:
        """The option's codes."""
        return self.one_of or self.any_of


class Exclusion(BaseModel):
    """A code and the codes that it cannot be combined with; in the file a pair `[t8, a5]`, or `t8: [a5, a6]`.

    `lengths` names the lengths where that holds; empty for all.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: Annotated[str, AfterValidator(plain)]
    others: Codes = Field(min_length=1)
    lengths: tuple[str, ...] = ()


def _read_exclusion(value: Any) -> Any:
    """The two ways in which a style file writes an exclusion."""
    if isinstance(value, list | tuple):
        if len(value) != 2:
            raise ValueError("a pair has two codes, such as [t8, a5]; for more write t8: [a5, a6]")
        return {"code": value[0], "others": (value[1],)}
    if isinstance(value, dict) and "code" not in value:
        codes = [key for key in value if key != "lengths"]
        if len(codes) != 1:
            raise ValueError("write one code and those that it excludes, such as t8: [a5, a6]")
        return {"code": codes[0], "others": value[codes[0]], "lengths": value.get("lengths", ())}
    return value


class Moved(NamedTuple):
    """A code is layered in a slot directly `after` or `before` another one that is picked."""

    where: Literal["after", "before"]
    other: str


NOTHING = "nothing"
DEFAULT = "default"
"""What an exception calls whoever draws the default layers."""


def _read_said(value: Any) -> Any:
    """What an exception says of a slot: `nothing`, `after a4`, a layer, or a list of layers, lowest first."""
    if value == NOTHING:
        return ()
    if isinstance(value, str):
        where, _, other = plain(value).partition(" ")
        return Moved(where, other) if other and where in ("after", "before") else (value,)  # type: ignore[arg-type]
    return value


Said = Moved | tuple[str, ...]


class RuleException(BaseModel):
    """Where the stacks are other than the rule has them: for these combinations, what lies in a slot instead.

    It holds where all of `with` are picked, one of `with any of`, none of `without`; `alone`: and no other code
    (false: and another one). With `code` it says what that code draws (`default`: the default layers), so that later
    codes still lie over it; without, what the slot shows in the end. Layers may be named with `<length>` and `<side>`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    code: Annotated[str, AfterValidator(plain)] | None = None
    with_: Codes = Field(default=(), alias="with")
    any_of: Codes = Field(default=(), alias="with any of")
    without: Codes = ()
    alone: bool | None = None
    lengths: tuple[str, ...] = ()
    side: Side | None = None
    slots: dict[Slot, Annotated[Said, BeforeValidator(_read_said)]]

    @model_validator(mode="before")
    @classmethod
    def _slots_are_keys(cls, value: Any) -> Any:
        if not isinstance(value, dict) or "slots" in value:
            return value
        slots = {key: said for key, said in value.items() if key in (*SLOTS, "behind_belt")}
        return {key: said for key, said in value.items() if key not in slots} | {"slots": slots}

    @property
    def picked(self) -> frozenset[str]:
        """The codes that must be picked; one of `any_of` as well, where there are any."""
        moved = {said.other for said in self.slots.values() if isinstance(said, Moved)}
        return frozenset({*self.with_, *moved} | ({self.code} if self.code and self.code != DEFAULT else set()))

    def holds(self, codes: Set[str]) -> bool:
        """Does it hold for these picked codes?"""
        if not self.picked <= codes or not codes.isdisjoint(self.without):
            return False
        if self.any_of and codes.isdisjoint(self.any_of):
            return False
        return self.alone is None or self.alone == (codes <= self.picked | set(self.any_of))

    def says(self, length: str, side: str) -> dict[str, Said]:
        """What it says of each slot in a length and side, with whole layer names."""
        return {
            slot: said if isinstance(said, Moved) else tuple(fill_in(name, length, side) for name in said)
            for slot, said in self.slots.items()
        }


class Style(BaseModel):
    """A style. Lengths go by their slug (`micro_mini`) everywhere but in the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    style: str
    name: str | None = None
    colours: Annotated[int, Field(ge=1, le=10_000, strict=True)]
    lengths: dict[str, str] = Field(max_length=100)
    customizations: Codes
    ignored_customizations: Codes = ()
    source_folders: tuple[str, ...] = ()
    defaults: dict[str, dict[Side, dict[Slot, str]]]
    defaults_stand_for: Codes = ()
    """Codes whose look the default layers have: a layer that asks for one finds it while the default is drawn."""
    layering: Codes = ()
    layering_of: dict[str, Codes] = {}
    """The order of a length that has one of its own."""
    options: Annotated[tuple[Option, ...], Field(max_length=2 * MOST_CODES)] = ()
    incompatible: tuple[Annotated[Exclusion, BeforeValidator(_read_exclusion)], ...] = ()
    exceptions: tuple[RuleException, ...] = ()
    """Where the stacks are other than the rule has them; of two that say something of one slot, the later wins."""

    @cached_property
    def length_names(self) -> dict[str, str]:
        """The lengths' names by slug, in the file's order."""
        return {length_slug(name): name for name in self.lengths.values()}

    def length_spellings(self) -> dict[str, str]:
        """How a length may be written, its short key included, to its slug."""
        return {length_slug(key): length_slug(name) for key, name in self.lengths.items()} | {
            slug: slug for slug in self.length_names
        }

    @cached_property
    def _default_layers(self) -> dict[tuple[str, str], dict[str, str]]:
        table: dict[tuple[str, str], dict[str, str]] = {}
        for name, sides in self.defaults.items():
            for side, slots in sides.items():
                layers = {slot: parse_layer(slots[slot]) for slot in SLOTS if slot in slots}
                table[length_slug(name), side] = {slot: layer.name for slot, layer in layers.items() if layer}
        return table

    def default_layers(self, length: str, side: str) -> Mapping[str, str]:
        """The layer that each slot shows when nothing is selected, in drawing order."""
        return self._default_layers.get((length, side), {})

    def layering_order(self, length: str) -> Codes:
        """The codes in the order in which they are layered: a later one lies over an earlier one's slot."""
        own = {length_slug(name): codes for name, codes in self.layering_of.items()}
        return own.get(length) or self.layering or tuple(dict.fromkeys(self.customizations))

    def known_codes(self) -> frozenset[str]:
        """Every code that the style lists anywhere."""
        ordered = {code for codes in (self.layering, *self.layering_of.values()) for code in codes}
        return frozenset({*self.customizations, *self.ignored_customizations, *ordered})

    def applies(self, lengths: tuple[str, ...], length: str) -> bool:
        """Does something that names these lengths (none: all) hold for this one?"""
        spellings = self.length_spellings()
        return not lengths or length in {spellings.get(length_slug(name)) for name in lengths}

    def options_of(self, length: str) -> list[Option]:
        """The options that a length offers."""
        return [option for option in self.options if self.applies(option.lengths, length)]

    def without_exceptions(self) -> "Style":
        """The style as its rule alone has it."""
        return self.model_copy(update={"exceptions": ()})

    def codes_of(self, length: str) -> Codes:
        """The codes that a length offers, in layering order."""
        offered = {code for option in self.options_of(length) for code in option.codes}
        return tuple(code for code in self.layering_order(length) if code in offered)
