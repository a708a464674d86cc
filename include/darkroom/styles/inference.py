"""What exports say about a style: which codes each length offers, what excludes what, the order of layering.

All of it is read off the combinations that were sold: a pair of codes of one length that never occurs together is
incompatible, and the order of the codes in an export is the order in which they are layered.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations as pairs_of

from darkroom.styles.exports import Row
from darkroom.styles.names import parse_layer
from darkroom.styles.stacks import Resolver
from darkroom.styles.style import Codes, Exclusion, Option, RuleException, Style

Pair = frozenset[str]
Exports = Mapping[str, Sequence[Row]]
"""The rows of each length's export, by the length's slug."""


@dataclass
class Inferred:
    """A style's rules as its exports show them; lengths go by their names."""

    layering: Codes = ()
    layering_of: dict[str, Codes] = field(default_factory=dict)
    options: list[Option] = field(default_factory=list)
    incompatible: list[Exclusion] = field(default_factory=list)
    defaults_stand_for: Codes = ()
    exceptions: tuple[RuleException, ...] = ()


def infer(style: Style, exports: Exports) -> Inferred:
    """The rules that the exports of a style's lengths follow."""
    layering, of_length = infer_layering(style, exports)
    offers = {length: {code for row in rows for code in row.codes} for length, rows in exports.items()}
    excluded = excluded_pairs(exports)
    options, incompatible = _group(style, layering, offers, excluded)
    found = Inferred(
        layering=layering,
        layering_of={style.length_names[length]: codes for length, codes in of_length.items()},
        options=options,
        incompatible=incompatible,
    )
    found.defaults_stand_for = infer_standing(style, exports)
    return found


# the order of layering


def infer_layering(style: Style, exports: Exports) -> tuple[Codes, dict[str, Codes]]:
    """The one order that most lengths share, of all codes, and the order of each length that contradicts it."""
    before = {length: _before(rows) for length, rows in exports.items()}
    best: list[str] = []
    for start in exports:
        together = [start]
        for length in exports:
            if length != start and not _contradict(before[length], [before[other] for other in together]):
                together.append(length)
        best = max(best, together, key=len)
    codes = _known_first(style, exports)
    shared = _sorted(codes, set().union(*(before[length] for length in best)))
    own = {
        length: _sorted([code for code in shared if any(code in row.codes for row in rows)], before[length])
        for length, rows in exports.items()
        if length not in best
    }
    return shared, own


def _before(rows: Iterable[Row]) -> set[tuple[str, str]]:
    return {pair for row in rows for pair in pairs_of(row.codes, 2)}


def _contradict(one: set[tuple[str, str]], others: Iterable[set[tuple[str, str]]]) -> bool:
    turned = {(second, first) for first, second in one}
    return any(turned & other for other in others)


def _known_first(style: Style, exports: Exports) -> list[str]:
    """Every code: those that the style lists in its order, then the others as they appear."""
    exported = (code for rows in exports.values() for row in rows for code in row.codes)
    return list(dict.fromkeys([*style.customizations, *exported]))


def _sorted(codes: Sequence[str], before: set[tuple[str, str]]) -> Codes:
    """The codes in an order that keeps every pair, and otherwise stays close to the given one.

    Where the pairs go in a circle, the given order decides there: the proof that follows will show what it costs.
    """
    earlier: dict[str, set[str]] = {code: set() for code in codes}
    for first, second in before:
        if first in earlier and second in earlier:
            earlier[second].add(first)
    waiting, placed = list(codes), list[str]()
    while waiting:
        ready = next((code for code in waiting if not earlier[code] & set(waiting) - {code}), waiting[0])
        placed.append(ready)
        waiting.remove(ready)
    return tuple(placed)


# options


def excluded_pairs(exports: Exports) -> dict[Pair, frozenset[str]]:
    """The pairs of codes that some length offers and never sells together, each with the lengths where that is so."""
    excluded: dict[Pair, set[str]] = {}
    for length, rows in exports.items():
        sold = {frozenset(pair) for row in rows for pair in pairs_of(row.codes, 2)}
        codes = sorted({code for row in rows for code in row.codes})
        for pair in map(frozenset, pairs_of(codes, 2)):
            if pair not in sold:
                excluded.setdefault(pair, set()).add(length)
    return {pair: frozenset(lengths) for pair, lengths in excluded.items()}


def _group(
    style: Style, layering: Codes, offers: Mapping[str, set[str]], excluded: Mapping[Pair, frozenset[str]]
) -> tuple[list[Option], list[Exclusion]]:
    """Options as a person would write them, and what no group says.

    Codes of one kind (their letters: t, b, a) that the same lengths offer are gathered into the largest groups of which
    any two exclude each other; what is left of a kind is free.
    """
    where = {code: frozenset(length for length in offers if code in offers[length]) for code in layering}
    always = {pair for pair, lengths in excluded.items() if lengths == _common(pair, where)}
    options: list[Option] = []
    said: set[Pair] = set()
    for (_, lengths), members in _kinds(layering, where).items():
        names = _length_names(style, lengths)
        while len(group := _largest_group(members, always)) > 1:
            options.append(Option(one_of=group, lengths=names))
            said |= set(map(frozenset, pairs_of(group, 2)))
            members = [code for code in members if code not in group]
        if members:
            options.append(Option(any_of=tuple(members), lengths=names))
    left = {pair: lengths for pair, lengths in excluded.items() if pair not in said}
    return options, list(_exclusions(style, layering, left, always))


def _common(pair: Pair, where: Mapping[str, frozenset[str]]) -> frozenset[str]:
    one, other = pair
    return where[one] & where[other]


def _kinds(layering: Codes, where: Mapping[str, frozenset[str]]) -> dict[tuple[str, frozenset[str]], list[str]]:
    kinds: dict[tuple[str, frozenset[str]], list[str]] = {}
    offered = [code for code in layering if where[code]]
    for code in sorted(offered, key=_letters):
        kinds.setdefault((_letters(code), where[code]), []).append(code)
    # tops, then bottoms, then accessories, as the studio counts them; what all lengths offer comes first
    return dict(sorted(kinds.items(), key=lambda kind: ("tba".find(kind[0][0]) % 9, kind[0][0], -len(kind[0][1]))))


def _letters(code: str) -> str:
    found = re.match(r"[^\W\d]+", code)
    return found[0] if found else ""


def _largest_group(codes: Sequence[str], excluded: set[Pair]) -> Codes:
    """The largest group of codes that all exclude one another; the first in order of several."""
    best: list[str] = []

    def grow(group: list[str], rest: list[str]) -> None:
        nonlocal best
        if len(group) > len(best):
            best = list(group)
        for at, code in enumerate(rest):
            if len(group) + len(rest) - at <= len(best):
                return
            grow([*group, code], [other for other in rest[at + 1 :] if frozenset((code, other)) in excluded])

    grow([], list(codes))
    return tuple(best)


def _length_names(style: Style, lengths: frozenset[str]) -> tuple[str, ...]:
    """The lengths' names in the style's order; none where it is all of them."""
    if lengths == frozenset(style.length_names):
        return ()
    return tuple(name for slug, name in style.length_names.items() if slug in lengths)


def _exclusions(
    style: Style, layering: Codes, left: Mapping[Pair, frozenset[str]], always: set[Pair]
) -> Iterator[Exclusion]:
    """The pairs that no group says, gathered around the codes that have most of them."""
    alike: dict[frozenset[str] | None, set[Pair]] = {}
    for pair, lengths in left.items():
        alike.setdefault(None if pair in always else lengths, set()).add(pair)
    for where, pairs in sorted(alike.items(), key=lambda item: sorted(item[0] or ())):
        names = _length_names(style, where) if where else ()
        while pairs:
            degree = Counter(code for pair in pairs for code in pair)
            # accessories and bottoms are said to go with tops or not, rather than the other way round
            code = max(layering, key=lambda code: (degree[code], _letters(code) != "t"))
            others = tuple(other for other in layering if frozenset((code, other)) in pairs)
            yield Exclusion(code=code, others=others, lengths=names)
            pairs = {pair for pair in pairs if code not in pair}


# what the defaults stand for


def infer_standing(style: Style, exports: Exports) -> Codes:
    """The codes whose look the defaults have: with each of them more of the exported stacks are rebuilt.

    Candidates are the conditions of layers that stand in a stack although nobody picked them.
    """
    layers = {layer for rows in exports.values() for row in rows for stack in row.stacks.values() for layer in stack}
    candidates = sorted(
        {
            condition
            for rows in exports.values()
            for row in rows
            for stack in row.stacks.values()
            for name in stack
            if (layer := parse_layer(name))
            for condition in layer.conditions
            if condition not in row.codes
        }
    )
    standing: Codes = ()
    right = _rebuilt(style, exports, layers, standing)
    for candidate in candidates:
        with_it = _rebuilt(style, exports, layers, (*standing, candidate))
        if with_it > right:
            standing, right = (*standing, candidate), with_it
    return standing


def _rebuilt(style: Style, exports: Exports, layers: set[str], standing: Codes) -> int:
    """How many exported stacks the rule rebuilds when the defaults stand for these codes."""
    tried = style.model_copy(update={"defaults_stand_for": standing})
    right = 0
    for length, rows in exports.items():
        for side in ("front", "back"):
            resolver = Resolver(tried, length, side, layers)
            right += sum(resolver.stack(row.codes) == row.stacks[side] for row in rows)
    return right
