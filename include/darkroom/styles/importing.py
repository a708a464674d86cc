"""From exports to a style file: infer the rules, write them down, read them back, prove that they say the same."""

from collections.abc import Iterable, Mapping

import yaml

from darkroom.errors import BadInput
from darkroom.styles.inference import Exports, Inferred, infer
from darkroom.styles.options import enumerate_combinations
from darkroom.styles.style import Codes, Exclusion, Option, Style
from darkroom.styles.style_file import load_style

_MOST_SHOWN = 10
_WIDTH = 118
_LIST_KEYS = ("customizations", "ignored_customizations")


def import_style(style: Style, exports: Exports) -> str:
    """The text of a style file that says everything the exports say.

    Raises `BadInput` with the combinations that differ where the options do not give exactly the exported sets.
    """
    inferred = infer(style, exports)
    text = write_style(style, inferred, exports)
    differences = list(compare(load_style(text.encode(), "the imported style"), exports))
    if differences:
        raise BadInput(differences)
    return text


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
    names = sorted("-".join(sorted(codes)) for codes in sets)
    more = f" and {len(names) - _MOST_SHOWN} more" if len(names) > _MOST_SHOWN else ""
    return (", ".join(names[:_MOST_SHOWN]) or "none") + more


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


def _flow(values: Codes, indent: int = 0) -> str:
    """A list in brackets, broken into lines that are not too long."""
    lines, line = [], ""
    for word in (_word(value) for value in values):
        if line and indent + len(line) + len(word) + 3 > _WIDTH:
            lines.append(line)
            line = ""
        line = f"{line}, {word}" if line else word
    lines.append(line)
    return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"


def _word(value: str) -> str:
    """A scalar as YAML needs it: quoted where it would be read as something else."""
    plain: str = yaml.safe_dump(value, allow_unicode=True, width=10_000, default_flow_style=True)
    return plain.removesuffix("\n").removesuffix("\n...")


def _yaml(document: Mapping[str, object]) -> str:
    text: str = yaml.safe_dump(document, allow_unicode=True, sort_keys=False, width=10_000)
    return text
