"""Which combinations a style offers: enumerated from its options, never by building the power set."""

from collections.abc import Iterator
from itertools import combinations as pairs_of

from darkroom.styles.style import Style

Combination = tuple[str, ...]
"""Selected codes in layering order."""


def enumerate_combinations(style: Style, length: str) -> Iterator[Combination]:
    """Every valid combination of a length, the empty one first, in a stable order.

    All sets of the length's codes without a forbidden pair. Each step only adds a code that fits all chosen so far,
    so every set visited is an answer: the time is that of writing the answers down.
    """
    codes = style.codes_of(length)
    forbidden = _forbidden(style)

    def extend(chosen: Combination, rest: tuple[str, ...]) -> Iterator[Combination]:
        yield chosen
        for at, code in enumerate(rest):
            partners = forbidden.get(code, set())
            yield from extend((*chosen, code), tuple(other for other in rest[at + 1 :] if other not in partners))

    return extend((), codes)


def _forbidden(style: Style) -> dict[str, set[str]]:
    """For each code the codes that it cannot be combined with."""
    table: dict[str, set[str]] = {}
    groups = [pair for option in style.options if option.one_of for pair in pairs_of(option.one_of, 2)]
    for one, other in [*groups, *style.incompatible]:
        table.setdefault(one, set()).add(other)
        table.setdefault(other, set()).add(one)
    return table
