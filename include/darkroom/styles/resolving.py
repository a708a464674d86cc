"""The rule's stacks beside an export's: where they differ, and in what way."""

from collections import Counter
from collections.abc import Collection, Sequence

from pydantic import BaseModel, ConfigDict

from darkroom.jobs import Document
from darkroom.styles.exports import Row
from darkroom.styles.names import SIDES, parse_layer
from darkroom.styles.stacks import Resolver, Stack
from darkroom.styles.style import Codes, Style


class Disagreement(BaseModel):
    """One stack that the rule and the export draw differently."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    combination: str
    length: str
    side: str
    kind: str
    rule: Stack
    export: Stack


class Comparison(Document):
    """The stacks of an export's combinations, by the rule and by the export; `kinds` counts the disagreements."""

    stacks: int
    agree: int
    disagree: int
    kinds: dict[str, int]
    disagreements: tuple[Disagreement, ...]


def in_layering_order(style: Style, length: str, codes: Codes) -> Codes:
    """A combination's codes as the style layers them; those that it does not list keep their place behind the others.

    A style without an order of its own takes them as they come.
    """
    if not (style.layering or style.layering_of):
        return codes
    rank = {code: at for at, code in enumerate(style.layering_order(length))}
    return tuple(sorted(codes, key=lambda code: rank.get(code, len(rank))))


def compare_stacks(style: Style, length: str, rows: Sequence[Row], layers: Collection[str]) -> Comparison:
    """Resolve an export's combinations and compare."""
    found = []
    for side in SIDES:
        resolver = Resolver(style, length, side, layers)
        for row in rows:
            rule = resolver.stack(in_layering_order(style, length, row.codes))
            export = row.stacks[side]
            if rule != export:
                kind = kind_of(rule, export, layers)
                combination = "-".join(row.codes)
                found.append(
                    Disagreement(combination=combination, length=length, side=side, kind=kind, rule=rule, export=export)
                )
    total = len(rows) * len(SIDES)
    kinds = dict(Counter(one.kind for one in found).most_common())
    return Comparison(
        stacks=total, agree=total - len(found), disagree=len(found), kinds=kinds, disagreements=tuple(found)
    )


def kind_of(rule: Stack, export: Stack, layers: Collection[str]) -> str:
    """In what way two stacks differ, in a few words that count well.

    >>> kind_of(("t1_neckline_front",), ("t2_neckline_front",), {"t1_neckline_front", "t2_neckline_front"})
    'another layer in neckline'
    """
    if sorted(rule) == sorted(export):
        return "another order"
    unknown = [layer for layer in export if layer not in layers]
    if unknown:
        return "a layer that nobody delivered"
    drawn, exported = set(rule) - set(export), set(export) - set(rule)
    slots = sorted({layer.slot for name in drawn | exported if (layer := parse_layer(name))})
    what = "another layer" if drawn and exported else "a layer too many" if drawn else "a layer too few"
    return f"{what} in {', '.join(slots)}"
