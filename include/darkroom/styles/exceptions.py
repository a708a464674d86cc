"""The exceptions that a style needs so that its stacks are its exports': few and general ones, found by a search.

One exception after the other is found: of all effects that make some wrong case right, the one that, under the
simplest condition under which it spoils no right case, makes most cases right. Then what was found is made simpler:
exceptions that say the same are joined, and what is not needed is dropped, as long as all cases stay right.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from darkroom.styles.cases import Cases, Effect, Ids
from darkroom.styles.conditions import Condition, best_condition
from darkroom.styles.exports import Row
from darkroom.styles.names import SLOTS, length_slug
from darkroom.styles.proposals import proposed
from darkroom.styles.simplify import simplify
from darkroom.styles.style import Moved, RuleException, Style

_SEARCHED = 60
"""So many exceptions are searched for; what is wrong then follows no rule, and each case gets a line of its own."""


def find_exceptions(style: Style, exports: Mapping[str, Sequence[Row]], layers: set[str]) -> tuple[RuleException, ...]:
    """The exceptions after which the rule and the exports agree, the same ones for the same exports."""
    cases = Cases(style, exports, layers)
    found: list[RuleException] = []
    ids = {slot: cases.by_rule[slot].copy() for slot in SLOTS}
    best: dict[str, _Found] = {}
    while wrong := [slot for slot in SLOTS if cases.distances(slot, ids[slot]).any()]:
        best |= {slot: _best(cases, slot, ids[slot]) for slot in wrong if slot not in best}
        next_one = max((best[slot] for slot in wrong), key=lambda one: one.score)
        if next_one.exception is None or len(found) >= _SEARCHED:
            found += _word_for_word(cases, ids)
            break
        found.append(next_one.exception)
        (slot,) = next_one.exception.slots
        ids[slot] = cases.after(found, slot)
        del best[slot]
    return tuple(_named(one) for one in simplify(cases, found))


@dataclass
class _Found:
    score: float = 0.0
    exception: RuleException | None = None


def _best(cases: Cases, slot: str, ids: Ids) -> _Found:
    """The exception that makes most cases of a slot right."""
    table = cases.tables[slot]
    here = sorted(set(ids.tolist()))
    effects = dict.fromkeys(
        effect for one in here if table.distance[one] for effect in proposed(cases, slot, table.states[one])
    )
    promising = []
    for number, effect in enumerate(effects):
        better = cases.map(ids, lambda one: table.distance[one] - table.distance[cases.moved(effect, one)])  # noqa: B023
        if isinstance(effect.said, Moved):
            better[~cases.picked[:, cases.codes.index(effect.said.other)]] = 0
        promising.append((-int(better[better > 0].sum()), number, effect, better))
    best = _Found()
    for most, _, effect, better in sorted(promising, key=lambda one: one[:2]):
        if -most <= best.score:
            break
        score, condition = best_condition(cases, effect, better, best.score)
        if condition:
            best = _Found(score, _exception(cases, effect, condition))
    return best


def _exception(cases: Cases, effect: Effect, condition: Condition) -> RuleException:
    names = cases.style.length_names
    return RuleException(
        code=effect.code,
        with_=condition.with_,
        without=condition.without,
        alone=condition.alone,
        lengths=tuple(names[length] for length in names if length in condition.lengths),
        side=condition.side,
        slots={effect.slot: effect.said},
    )


def _named(one: RuleException) -> RuleException:
    """With the names of its layers written out where they are those of one side or length."""

    def written(name: str) -> str:
        name = name.replace("<side>", one.side or "<side>")
        return name.replace("<length>", length_slug(one.lengths[0])) if len(one.lengths) == 1 else name

    slots = {
        slot: said if isinstance(said, Moved) else tuple(written(name) for name in said)
        for slot, said in one.slots.items()
    }
    return one.model_copy(update={"slots": slots})


def _word_for_word(cases: Cases, ids: Mapping[str, Ids]) -> Iterator[RuleException]:
    """A line for each case that is still wrong."""
    for slot in SLOTS:
        for case in cases.distances(slot, ids[slot]).nonzero()[0]:
            length, side = cases.places[cases.at[case]]
            yield RuleException(
                with_=tuple(code for code, picked in zip(cases.codes, cases.picked[case], strict=True) if picked),
                alone=True,
                lengths=(cases.style.length_names[length],),
                side=side,
                slots={slot: cases.tables[slot].states[ids[slot][case]].wanted},
            )
