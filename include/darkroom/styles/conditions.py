"""The simplest condition under which an effect spoils nothing and helps most: codes, lengths, side."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from darkroom.styles.cases import Cases, Effect, Ids, Mask
from darkroom.styles.names import SIDES

_WIDTH = 12
"""So many half-found conditions are followed at once."""
_DEPTH = 5
_COST_WITH, _COST_WITHOUT = 0.02, 0.05
"""What a further word of a condition costs: this part of what it helps."""


@dataclass(frozen=True)
class Condition:
    """With these codes and without those, in these lengths, on this side (None: both)."""

    with_: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    alone: bool | None = None
    lengths: frozenset[str] = frozenset()
    side: str | None = None

    @property
    def words(self) -> tuple[Any, ...]:
        """Its words, in whatever order they were found."""
        return frozenset(self.with_), frozenset(self.without), self.alone

    @property
    def cost(self) -> float:
        """What part of what it helps its words cost."""
        return _COST_WITH * len(self.with_) + _COST_WITHOUT * (len(self.without) + (self.alone is not None))


@dataclass
class _Tried:
    """A condition on the codes, the cases that meet it, and how good it is."""

    condition: Condition
    cases: Mask
    score: float
    promise: float
    helped: float


def best_condition(cases: Cases, effect: Effect, better: Ids, least: float) -> tuple[float, Condition | None]:
    """The condition that helps most, and how much; None where none helps more than `least`.

    `better`: by how much the effect brings each case nearer to what it should be.
    """
    return _Search(cases, effect, better, least).run()


class _Search:
    """The search for one effect. Its rows are different combinations, its columns lengths and sides."""

    def __init__(self, cases: Cases, effect: Effect, better: Ids, least: float) -> None:
        touched = np.flatnonzero(better)
        sets, row = np.unique(cases.set_of[touched], return_inverse=True)
        gain = np.zeros((len(sets), len(cases.places)))
        gain[row, cases.at[touched]] = better[touched]  # a combination stands once in a length
        self._cases, self._least = cases, least
        self._code = effect.code if effect.code in cases.codes else None
        self._picked = cases.sets[sets]
        self._float = self._picked.astype(np.float64)
        self._many: Any = self._picked.sum(axis=1)
        self._helped, self._spoiled = np.maximum(gain, 0), np.maximum(-gain, 0)
        self._total = float(self._helped.sum())
        # a word that all or none of the combinations meet says nothing
        words = self._picked.any(axis=0) & ~self._picked.all(axis=0)
        self._words = np.flatnonzero(words).tolist()

    def run(self) -> tuple[float, Condition | None]:
        everything = np.ones(len(self._picked), bool)
        beam = [self._tried(Condition(), everything)]
        best = beam[0]
        for _ in range(_DEPTH):
            if best.score >= self._total * (1 - best.condition.cost) > 0:
                break  # nothing helps more, and more words cost more
            least = max(self._least, best.score)
            grown = {one.condition.words: one for tried in reversed(beam) for one in self._grown(tried, least)}
            if not grown:
                break
            ranked = sorted(grown.values(), key=lambda one: (-one.score, -one.promise))
            best = max(best, ranked[0], key=lambda one: one.score)
            promising = sorted(grown.values(), key=lambda one: (-one.promise, -one.score))
            beam = list({id(one): one for one in (*ranked[: _WIDTH // 2], *promising[:_WIDTH])}.values())[:_WIDTH]
        if best.score <= self._least:
            return 0.0, None
        return best.score, self._placed(best)

    def _tried(self, condition: Condition, cases: Mask) -> _Tried:
        helped, spoiled = self._helped[cases].sum(axis=0), self._spoiled[cases].sum(axis=0)
        value = self._value(helped[:, None], spoiled[:, None])[0].max(axis=0)[0]
        promise = _promise(helped.sum(), spoiled.sum(), self._total, float(self._spoiled.sum()))
        return _Tried(condition, cases, value * (1 - condition.cost), float(promise), helped.sum())

    def _alone(self, tried: _Tried) -> Iterator[_Tried]:
        """The condition, and that nothing else is picked, or that something else is."""
        if tried.condition.alone is None:
            # what all of them have must be named, or it would count as something else
            common = np.flatnonzero(self._picked[tried.cases].all(axis=0))
            named = tuple(code for code in (self._cases.codes[at] for at in common) if code != self._code)
            for alone in (True, False):
                here = tried.cases & ((self._many == len(common)) == alone)
                if here.any() and not (here == tried.cases).all():
                    yield self._tried(replace(tried.condition, with_=named, alone=alone), here)

    def _grown(self, tried: _Tried, least: float) -> Iterator[_Tried]:
        """The condition with one more word, where that may help more than `least`: the most helpful ones."""
        yield from (one for one in self._alone(tried) if one.helped > least)
        if tried.condition.alone is not None:
            return  # what `alone` means depends on the words before
        inside = np.flatnonzero(tried.cases)
        helped, spoiled = self._helped[inside], self._spoiled[inside]
        picked = self._float[inside][:, self._words]
        h_with, s_with = helped.T @ picked, spoiled.T @ picked
        h_out, s_out = helped.sum(axis=0)[:, None] - h_with, spoiled.sum(axis=0)[:, None] - s_with
        h, s = np.hstack([h_with, h_out]), np.hstack([s_with, s_out])
        values = self._value(h, s)[0].max(axis=0)
        all_helped, all_spoiled = h.sum(axis=0), s.sum(axis=0)
        promise = _promise(all_helped, all_spoiled, helped.sum(), spoiled.sum())
        condition, count = tried.condition, len(self._words)
        order = np.lexsort((np.arange(2 * count), -promise, -values))[: 2 * _WIDTH]
        numbers = dict.fromkeys([*order.tolist(), *np.lexsort((np.arange(2 * count), -promise))[:_WIDTH].tolist()])
        for number in numbers:
            says_nothing = all_helped[number] == helped.sum() and all_spoiled[number] == spoiled.sum()
            if all_helped[number] <= least or says_nothing:
                continue
            column = self._words[number % count]
            code = self._cases.codes[column]
            if number < count:
                grown, cases = replace(condition, with_=(*condition.with_, code)), self._picked[:, column]
            else:
                grown, cases = replace(condition, without=(*condition.without, code)), ~self._picked[:, column]
            score = values[number] * (1 - grown.cost)
            yield _Tried(grown, tried.cases & cases, score, promise[number], all_helped[number])

    def _value(self, helped: Any, spoiled: Any) -> tuple[Any, Any]:
        """By sides (front, back, both) and column: how much is helped in the lengths where nothing is spoiled."""
        h, s = (x.reshape(-1, len(SIDES), x.shape[1]) for x in (helped, spoiled))
        h = np.stack([*(h[:, side] for side in range(len(SIDES))), h.sum(axis=1)])
        s = np.stack([*(s[:, side] for side in range(len(SIDES))), s.sum(axis=1)])
        return (h * (s == 0)).sum(axis=1), h * (s == 0)

    def _placed(self, tried: _Tried) -> Condition:
        """The condition with the lengths and the side where it helps most."""
        helped, spoiled = self._helped[tried.cases].sum(axis=0), self._spoiled[tried.cases].sum(axis=0)
        values, by_length = self._value(helped[:, None], spoiled[:, None])
        # both sides where that is as good
        option = max((2, 0, 1), key=lambda option: values[option, 0])
        lengths = frozenset(
            self._cases.places[number * len(SIDES)][0] for number in np.flatnonzero(by_length[option, :, 0] > 0)
        )
        return replace(tried.condition, lengths=lengths, side=(*SIDES, None)[option])


def _promise(helped: Any, spoiled: Any, helped_before: float, spoiled_before: float) -> Any:
    """How much a word sharpens a condition: what it keeps of the helped, by how much purer they become."""
    before = np.log2(helped_before / (helped_before + spoiled_before)) if helped_before else 0.0
    share = np.maximum(helped, 1e-9) / np.maximum(helped + spoiled, 1e-9)
    return helped * (np.log2(share) - before)
