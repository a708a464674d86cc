"""Exceptions made simpler: joined where they say the same, and without what is not needed."""

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

from darkroom.styles.cases import Cases
from darkroom.styles.style import RuleException

_MOST = 80
"""More exceptions than these are left as they are: they follow no rule."""


def simplify(cases: Cases, exceptions: Sequence[RuleException]) -> list[RuleException]:
    """As few and as simple exceptions as these can be made while all cases stay right."""
    found = list(exceptions)
    if len(found) > _MOST:
        return found
    while True:
        before = found
        found = _dropped(cases, found)
        found = _joined(cases, found)
        if found == before:
            break
    return _shortened(cases, found)


def right(cases: Cases, exceptions: Sequence[RuleException], slots: Any) -> bool:
    """Are these slots right in all cases?"""
    return not any(cases.distances(slot, cases.after(exceptions, slot)).any() for slot in slots)


def _dropped(cases: Cases, exceptions: list[RuleException]) -> list[RuleException]:
    """Without those that the others make needless."""
    found = list(exceptions)
    for one in list(reversed(found)):
        rest = [other for other in found if other is not one]
        if right(cases, rest, one.slots):
            found = rest
    return found


def _joined(cases: Cases, exceptions: list[RuleException]) -> list[RuleException]:
    found = list(exceptions)
    again = True
    while again:
        again = False
        for one, other in combinations(found, 2):
            joined = _join(cases, found, one, other)
            if joined:
                found, again = joined, True
                break
    return found


def _join(
    cases: Cases, found: list[RuleException], one: RuleException, other: RuleException
) -> list[RuleException] | None:
    """The exceptions with one in place of two, where there is one that does what both do."""
    for joined in _both(cases, one, other):
        for place in (one, other):
            tried = [joined if each is place else each for each in found if each is place or each not in (one, other)]
            if right(cases, tried, {*one.slots, *other.slots}):
                return tried
    return None


def _both(cases: Cases, one: RuleException, other: RuleException) -> Iterator[RuleException]:
    """What could say what two exceptions say: the words of one of them, or those of both, and where either holds."""
    if one.code != other.code or any(other.slots.get(slot, said) != said for slot, said in one.slots.items()):
        return
    lengths = tuple(name for name in cases.style.length_names.values() if name in {*one.lengths, *other.lengths})
    where = {
        "lengths": lengths if one.lengths and other.lengths else (),
        "side": one.side if one.side == other.side else None,
        "slots": {**one.slots, **other.slots},
    }
    for keep in (one, other):
        yield keep.model_copy(update=where)
        yield keep.model_copy(update=where | {"alone": None})
    common = set(one.with_) & set(other.with_)
    choices = [_choice(each, common) for each in (one, other)]
    if all(choices):
        with_ = tuple(code for code in one.with_ if code in common)
        for keep in (one, other):
            yield keep.model_copy(update=where | {"with_": with_, "any_of": tuple(sorted(set().union(*choices)))})


def _choice(one: RuleException, common: set[str]) -> set[str]:
    """The codes of which one is wanted beside the common ones; none where that is more than one choice."""
    left = set(one.with_) - common
    if one.any_of:
        return set() if left else set(one.any_of)
    return left if len(left) == 1 else set()


def _shortened(cases: Cases, exceptions: list[RuleException]) -> list[RuleException]:
    """Each without the words that it does not need."""
    found = list(exceptions)
    for at in range(len(found)):
        again = True
        while again:
            again = False
            for shorter in _shorter(found[at]):
                tried = [*found[:at], shorter, *found[at + 1 :]]
                if right(cases, tried, shorter.slots):
                    found, again = tried, True
                    break
    return found


def _shorter(one: RuleException) -> Iterator[RuleException]:
    """An exception with a word less."""
    if one.alone is not None:
        yield one.model_copy(update={"alone": None})
    for code in one.without:
        yield one.model_copy(update={"without": tuple(each for each in one.without if each != code)})
    for code in one.with_:
        yield one.model_copy(update={"with_": tuple(each for each in one.with_ if each != code)})
    if one.lengths:
        yield one.model_copy(update={"lengths": ()})
    if one.side:
        yield one.model_copy(update={"side": None})
