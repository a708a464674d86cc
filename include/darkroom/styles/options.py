"""Which combinations a style offers: enumerated and counted from its options, never by building the power set."""

from collections.abc import Iterator
from functools import reduce
from operator import or_

from darkroom.errors import BadInput
from darkroom.styles.rules import Rules, bits
from darkroom.styles.style import Style

Combination = tuple[str, ...]
"""Picked codes in layering order."""


_EXACTLY = 20_000
"""Steps of work after which it is not counted how many more than the limit there are."""

_READABLE = 10**15
"""From here on a count is no number that anybody reads."""


def enumerate_combinations(style: Style, length: str) -> Iterator[Combination]:
    """Every valid combination of a length, the empty one first, in a stable order.

    A set only ever grows by codes that fit all of it and have what they need, so every set visited is an answer:
    the time is that of writing the answers down, the memory that of one of them and its siblings.
    """
    rules = Rules.of(style, length)
    # only where a code needs a later one does the order of enumeration differ from that of layering
    in_order = list(rules.codes) == sorted(rules.codes, key=rules.rank.__getitem__)
    waiting: list[tuple[Combination, int, int]] = [((), 0, _all(rules))]
    while waiting:
        chosen, mask, allowed = waiting.pop()
        yield chosen if in_order else tuple(sorted(chosen, key=rules.rank.__getitem__))
        waiting.extend(
            ((*chosen, rules.codes[at]), mask | 1 << at, _rest(rules, allowed, at))
            for at in reversed([low.bit_length() - 1 for low in bits(allowed)])
            if rules.fits(at, mask)
        )


def count_combinations(style: Style, length: str, limit: int) -> int | None:
    """How many combinations a length has, the empty one included, without enumerating them; None for more than can be
    told within `limit` steps of work (then there are more than `limit`).
    """
    rules = Rules.of(style, length)
    known: dict[tuple[int, int, tuple[int, ...]], int] = {}
    needs: dict[int, int] = {}

    def count(mask: int, allowed: int) -> int | None:
        # all that the rest depends on: what may still be picked, which needs are met, how full the groups are
        needed = needs.get(allowed)
        if needed is None:
            picks = [low.bit_length() - 1 for low in bits(allowed)]
            needed = needs[allowed] = reduce(or_, (rules.requires[at] | rules.under[at] for at in picks), 0)
        tallies = tuple((group & mask).bit_count() if group & allowed else 0 for group, _ in rules.limits)
        state = (allowed, mask & needed, tallies)
        if state in known:
            return known[state]
        if len(known) >= limit:
            return None
        total = 1
        for low in bits(allowed):
            at = low.bit_length() - 1
            if rules.fits(at, mask):
                found = count(mask | low, _rest(rules, allowed, at))
                if found is None:
                    return None
                total += found
                if total > limit and len(known) > _EXACTLY:
                    return None
        known[state] = total
        return total

    return count(0, _all(rules))


def check_count(style: Style, length: str, limit: int, where: str) -> None:
    """Say before anything starts that a length has too many combinations. Raises `BadInput`."""
    count = count_combinations(style, length, limit)
    if count is None or count > limit:
        many = f"{count:,}" if count is not None and count < _READABLE else f"more than {limit:,}"
        raise BadInput(
            f"{where}: the options allow {many} combinations in {style.length_names[length]}, and the limit is "
            f"{limit:,}; narrow the options, or raise DARKROOM_MAX_COMBINATIONS."
        )


def _all(rules: Rules) -> int:
    return ((1 << len(rules.codes)) - 1) & ~rules.impossible


def _rest(rules: Rules, allowed: int, at: int) -> int:
    """What may still be picked after `codes[at]`: later codes that it does not exclude."""
    return allowed >> (at + 1) << (at + 1) & ~rules.forbidden[at]
