"""A style file: the garment's lengths, codes, colours, default layers and options (DESIGN 5)."""

import difflib
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from darkroom.errors import BadInput
from darkroom.styles.names import SLOTS, is_code, length_slug, parse_layer
from darkroom.styles.yaml_lines import Path, line_of, load

Side = Literal["front", "back"]
Slot = Literal["behind", "bottom", "behindbelt", "belt", "neckline", "infront"]

_STYLE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")


class Option(BaseModel):
    """One choice: `one of` codes of which at most one can be taken, or `any of` codes that are free of one another.

    `lengths` names the lengths that offer it; empty for all.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    one_of: tuple[str, ...] = Field(default=(), alias="one of")
    any_of: tuple[str, ...] = Field(default=(), alias="any of")
    lengths: tuple[str, ...] = ()

    @property
    def codes(self) -> tuple[str, ...]:
        """The option's codes."""
        return self.one_of or self.any_of


class Style(BaseModel):
    """A style. Lengths go by their slug (`micro_mini`) everywhere but in the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    style: str
    name: str | None = None
    colours: Annotated[int, Field(ge=1, le=10_000)]
    lengths: dict[str, str]
    customizations: tuple[str, ...]
    ignored_customizations: tuple[str, ...] = ()
    source_folders: tuple[str, ...] = ()
    defaults: dict[str, dict[Side, dict[Slot, str]]]
    layering: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    incompatible: tuple[Annotated[tuple[str, ...], Field(min_length=2, max_length=2)], ...] = ()

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

    @property
    def layering_order(self) -> tuple[str, ...]:
        """The codes in the order in which they are layered: a later one lies over an earlier one's slot."""
        return self.layering or self.customizations

    def codes_of(self, length: str) -> tuple[str, ...]:
        """The codes that the options offer for a length, in layering order."""
        spellings = self.length_spellings()
        offered = {
            code
            for option in self.options
            if not option.lengths or length in {spellings[length_slug(name)] for name in option.lengths}
            for code in option.codes
        }
        return tuple(code for code in self.layering_order if code in offered)


def load_style(data: bytes, where: str) -> Style:
    """A style from its file's content. Raises `BadInput` with every problem: `where`, the line, the key, what to do."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"{where}: byte {error.start} is no UTF-8; save the style file as UTF-8.") from None
    document, lines = load(text, where)
    if not isinstance(document, dict):
        raise BadInput(f"{where}: a style file is a mapping of keys (style, lengths, defaults, ...); this is not.")
    try:
        style = Style.model_validate(document)
    except ValidationError as error:
        raise BadInput(_sentences(error, lines, where)) from None
    problems = [f"{where}, line {line_of(lines, path)}: {said}" for path, said in _contradictions(style)]
    if problems:
        raise BadInput(problems)
    return style


def _sentences(error: ValidationError, lines: dict[Path, int], where: str) -> list[str]:
    sentences = []
    for problem in error.errors(include_url=False):
        path: Path = problem["loc"]
        at = f"{where}, line {line_of(lines, path)}"
        key = ".".join(str(part) for part in path if part != "[key]")
        if problem["type"] == "extra_forbidden":
            sentences.append(f"{at}: {path[-1]!r} is no key of {_owner(path)}{_did_you_mean(path)}")
        elif problem["type"] == "missing":
            sentences.append(f"{at}: {key!r} is missing; add it.")
        else:
            said = problem["msg"][0].lower() + problem["msg"][1:]
            sentences.append(f"{at}: {key}: {said}, not {_clip(problem['input'])}; correct it.")
    return sentences


def _owner(path: Path) -> str:
    return "a style file" if len(path) == 1 else f"{'.'.join(map(str, path[:-1]))}"


def _did_you_mean(path: Path) -> str:
    known = list(Style.model_fields) if len(path) == 1 else ["one of", "any of", "lengths"]
    close = difflib.get_close_matches(str(path[-1]), known, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; the keys are {', '.join(known)}."


def _clip(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _contradictions(style: Style) -> Iterator[tuple[Path, str]]:
    """What the file says that cannot be, each with its place."""
    if not _STYLE_NAME.fullmatch(style.style) or ".." in style.style:
        yield (
            ("style",),
            f"style: {style.style!r} cannot name a folder; use letters, digits, '-', '_' and '.', without '..'.",
        )
    yield from _lengths(style)
    for key in ("customizations", "ignored_customizations", "layering"):
        codes = getattr(style, key)
        for at, code in enumerate(codes):
            if not is_code(code):
                yield (key, at), f"{key}: {code!r} is no customization code; use letters, digits and '_'."
            if code in codes[:at]:
                yield (key, at), f"{key}: {code!r} stands twice; keep one."
    yield from _defaults(style)
    yield from _options(style)


def _lengths(style: Style) -> Iterator[tuple[Path, str]]:
    if not style.lengths:
        yield ("lengths",), "lengths: a style has at least one length; add it."
    seen: dict[str, str] = {}
    for key, name in style.lengths.items():
        slug = length_slug(name)
        if not is_code(slug):
            yield ("lengths", key), f"lengths.{key}: {name!r} cannot stand in a file name; use letters, digits and '-'."
        elif slug in seen:
            yield ("lengths", key), f"lengths.{key}: {name!r} is the same length as {seen[slug]!r}; keep one."
        seen[slug] = name
    for name in style.defaults:
        if length_slug(name) not in seen:
            yield ("defaults", name), f"defaults: {name!r} is no length of this style ({', '.join(seen.values())})."
    for at, option in enumerate(style.options):
        for name in option.lengths:
            if length_slug(name) not in style.length_spellings():
                yield (
                    ("options", at, "lengths"),
                    f"options: {name!r} is no length of this style ({', '.join(seen.values())}).",
                )


def _defaults(style: Style) -> Iterator[tuple[Path, str]]:
    for length, sides in style.defaults.items():
        for side, slots in sides.items():
            for slot, name in slots.items():
                path = ("defaults", length, side, slot)
                layer = parse_layer(name)
                if layer is None:
                    yield (
                        path,
                        f"{'.'.join(path)}: no file can be called {name!r}; a layer is <code>[_...]_<slot>_<side>.",
                    )
                elif layer.slot != slot:
                    yield (
                        path,
                        f"{'.'.join(path)}: {name!r} is a layer of the slot {layer.slot!r}; correct one of the two.",
                    )


def _options(style: Style) -> Iterator[tuple[Path, str]]:
    seen: set[str] = set()
    order = set(style.layering_order)
    for at, option in enumerate(style.options):
        path: Path = ("options", at)
        if bool(option.one_of) == bool(option.any_of):
            yield path, "options: an option has either 'one of' or 'any of', with at least one code."
        for code in option.codes:
            if not is_code(code):
                yield path, f"options: {code!r} is no customization code; use letters, digits and '_'."
            elif code in seen:
                yield path, f"options: {code!r} stands in two options; keep one."
            elif code not in order:
                listed = "layering" if style.layering else "customizations"
                yield path, f"options: {code!r} is not in {listed!r}, so nobody knows what it lies over; add it there."
            seen.add(code)
    for at, (one, other) in enumerate(style.incompatible):
        for code in (one, other):
            if code not in seen:
                yield ("incompatible", at), f"incompatible: {code!r} stands in no option; correct the pair."
        if one == other:
            yield ("incompatible", at), f"incompatible: {one!r} is paired with itself; correct the pair."
