"""From exports to a style file: infer the rules, write them down, read them back, prove that they say the same."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import yaml

from darkroom.errors import BadInput
from darkroom.styles.cases import in_slots
from darkroom.styles.exceptions import find_exceptions
from darkroom.styles.exports import Row
from darkroom.styles.inference import Exports, Inferred, infer
from darkroom.styles.names import SIDES, SLOTS
from darkroom.styles.options import enumerate_combinations
from darkroom.styles.resolving import compare_stacks
from darkroom.styles.stacks import Stack
from darkroom.styles.style import NOTHING, Codes, Exclusion, Moved, Option, RuleException, Said, Style
from darkroom.styles.style_file import load_style

_MOST_SHOWN = 10
_WIDTH = 118
_LIST_KEYS = ("customizations", "ignored_customizations")


def import_style(style: Style, exports: Exports) -> str:
    """The text of a style file that says everything the exports say, proven: its options and its stacks are theirs.

    Raises `BadInput` where no style file can say it: with the combinations that differ where the options do not give
    exactly the exported sets, with the stacks where these go against what stacks are.
    """
    problems = list(impossible(style, exports))
    if problems:
        raise BadInput(problems)
    inferred = infer(style, exports)
    text = write_style(style, inferred, exports)
    imported = load_style(text.encode(), "the imported style")
    differences = list(compare(imported, exports))
    if differences:
        raise BadInput(differences)
    if list(compare_all_stacks(imported, exports)):
        inferred.exceptions = find_exceptions(imported, exports, layers_of(exports))
        text = write_style(style, inferred, exports)
        differences = list(compare_all_stacks(load_style(text.encode(), "the imported style"), exports))
    if differences:
        raise BadInput(differences)
    return text


def impossible(style: Style, exports: Exports) -> Iterator[str]:
    """A sentence for each length that exports stacks which no style file can say."""
    for length, rows in exports.items():
        name = style.length_names[length]
        turned = [f"{_name(row)}, {side}" for row in rows for side in SIDES if not _in_order(row.stacks[side])]
        if turned:
            yield (
                f"{name}: slots are drawn in the order {', '.join(SLOTS)}, and {len(turned):,} stacks go against it "
                f"({_some(turned)}). Correct the export, or use it as it is."
            )
        defaults = {side: tuple(style.default_layers(length, side).values()) for side in SIDES}
        for row in rows:
            for side in SIDES if not row.codes else ():
                if row.stacks[side] != defaults[side]:
                    yield (
                        f"{name}, line {row.line}, {side}: with nothing picked it exports "
                        f"{' '.join(row.stacks[side])}, and the style's defaults are others. Correct one of the two."
                    )


def _in_order(stack: Stack) -> bool:
    slots = in_slots(stack)
    return stack == tuple(name for slot in SLOTS for name in slots.get(slot, ()))


def compare_all_stacks(style: Style, exports: Exports) -> Iterator[str]:
    """A sentence for each length whose stacks and export differ."""
    layers = layers_of(exports)
    for length, rows in exports.items():
        found = compare_stacks(style, length, rows, layers)
        if found.disagree:
            different = [f"{one.combination or 'the default'}, {one.side}" for one in found.disagreements]
            yield (
                f"{style.length_names[length]}: {found.disagree:,} of {found.stacks:,} stacks are not the export's "
                f"({_some(different)}). Correct the export, or use it as it is."
            )


def layers_of(exports: Exports) -> set[str]:
    """Every layer that the exports draw."""
    return {layer for rows in exports.values() for row in rows for stack in row.stacks.values() for layer in stack}


def _name(row: Row) -> str:
    return "-".join(row.codes) or "the default"


def compare(style: Style, exports: Exports) -> Iterable[str]:
    """A sentence for each length whose options and export differ; the default needs no row."""
    for length, rows in exports.items():
        exported = {frozenset(row.codes) for row in rows} - {frozenset()}
        allowed = {frozenset(codes) for codes in enumerate_combinations(style, length)} - {frozenset()}
        if exported != allowed:
            yield (
                f"{style.length_names[length]}: pairs that exclude each other do not explain this export. "
                f"Exported but not allowed: {_shown(exported - allowed)}; "
                f"allowed but not exported: {_shown(allowed - exported)}. Correct the export, or use it as it is."
            )


def _shown(sets: set[frozenset[str]]) -> str:
    return _some(sorted("-".join(sorted(codes)) for codes in sets))


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_SHOWN} more" if len(names) > _MOST_SHOWN else ""
    return ("; " if any("," in name for name in names) else ", ").join(names[:_MOST_SHOWN] or ["none"]) + more


def write_style(style: Style, inferred: Inferred, exports: Exports) -> str:
    """The style file as a person would write it: base keys, the order of layering, the options, what excludes what."""
    parts = [_header(style, exports), _base(style)]
    if inferred.defaults_stand_for:
        parts.append(
            "# The default layers look like these codes: what is drawn over one of them is drawn so over the default.\n"
            f"defaults_stand_for: {_flow(inferred.defaults_stand_for)}\n"
        )
    parts.append(_layering(inferred))
    parts.append(_options(inferred.options))
    if inferred.incompatible:
        parts.append(_incompatible(inferred.incompatible))
    if inferred.exceptions:
        parts.append(_exceptions(inferred.exceptions))
    return "\n".join(parts)


def _header(style: Style, exports: Exports) -> str:
    counts = "".join(
        f"#   {style.length_names[length]}: {len({frozenset(row.codes) for row in rows}):,} combinations\n"
        for length, rows in exports.items()
    )
    return (
        f"# {style.name or style.style}, imported from its exports by `darkroom style import`. "
        "Its options allow exactly what these sold:\n"
        f"{counts}"
    )


def _base(style: Style) -> str:
    keys = ("style", "name", "colours", "lengths", *_LIST_KEYS, "source_folders", "defaults")
    document = style.model_dump(mode="json", include=set(keys))
    lines = []
    for key in keys:
        if key in _LIST_KEYS:
            lines.append(f"{key}: {_flow(document[key], indent=len(key) + 2)}\n")
        else:
            lines.append(_yaml({key: document[key]}))
    return "".join(lines)


def _layering(inferred: Inferred) -> str:
    text = (
        "# The order in which codes are layered: a later code lies over an earlier one's slot.\n"
        f"layering: {_flow(inferred.layering, indent=10)}\n"
    )
    if inferred.layering_of:
        text += "# These lengths have an order of their own.\nlayering_of:\n"
        text += "".join(f"  {_word(name)}: {_flow(codes, indent=4)}\n" for name, codes in inferred.layering_of.items())
    return text


def _options(options: Iterable[Option]) -> str:
    text = (
        "# What a shopper may pick. `one of`: one of these or none. `any of`: as many of these as wanted.\n"
        "# Without `lengths`, every length offers it.\n"
        "options:\n"
    )
    for option in options:
        word, codes = ("one of", option.one_of) if option.one_of else ("any of", option.any_of)
        text += f"  - {word}: {_flow(codes, indent=12)}\n"
        if option.lengths:
            text += f"    lengths: {_flow(option.lengths, indent=13)}\n"
    return text


def _incompatible(exclusions: Iterable[Exclusion]) -> str:
    text = (
        "# What does not go together although no `one of` says so: `a5: [t8, t40]` is a5 with neither t8 nor t40.\n"
        "incompatible:\n"
    )
    for exclusion in exclusions:
        text += f"  - {_word(exclusion.code)}: {_flow(exclusion.others, indent=10)}\n"
        if exclusion.lengths:
            text += f"    lengths: {_flow(exclusion.lengths, indent=13)}\n"
    return text


def _exceptions(exceptions: Iterable[RuleException]) -> str:
    text = (
        "# Where the exports draw something else than the rule: with these codes, in these lengths and on this side,\n"
        "# what `code` draws in a slot, or, without `code`, what the slot shows in the end.\n"
        "exceptions:\n"
    )
    for exception in exceptions:
        lines = [
            *([f"code: {_word(exception.code)}"] if exception.code else []),
            *_listed("with", exception.with_),
            *_listed("with any of", exception.any_of),
            *_listed("without", exception.without),
            *([] if exception.alone is None else [f"alone: {'yes' if exception.alone else 'no'}"]),
            *_listed("lengths", exception.lengths),
            *([f"side: {exception.side}"] if exception.side else []),
            *(f"{slot}: {_said(said)}" for slot, said in exception.slots.items()),
        ]
        text += "".join(f"  {'-' if at == 0 else ' '} {line}\n" for at, line in enumerate(lines))
    return text


def _listed(key: str, values: Codes) -> list[str]:
    return [f"{key}: {_flow(values, indent=len(key) + 6)}"] if values else []


def _said(said: Said) -> str:
    if isinstance(said, Moved):
        return " ".join(said)
    return _flow(said, indent=16) if len(said) > 1 else _word(said[0]) if said else NOTHING


def _flow(values: Codes, indent: int = 0) -> str:
    """A list in brackets, broken into lines that are not too long."""
    text: str = yaml.safe_dump([*values], allow_unicode=True, width=_WIDTH - indent, default_flow_style=True)
    return text.rstrip().replace("\n  ", "\n" + " " * (indent + 1))


def _word(value: str) -> str:
    """A scalar as YAML needs it: quoted where it would be read as something else."""
    plain: str = yaml.safe_dump(value, allow_unicode=True, width=10_000, default_flow_style=True)
    return plain.removesuffix("\n").removesuffix("\n...")


def _yaml(document: Mapping[str, object]) -> str:
    text: str = yaml.safe_dump(document, allow_unicode=True, sort_keys=False, width=10_000)
    return text
