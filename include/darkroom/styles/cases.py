"""The stacks of exports beside the rule's, slot by slot, in a form in which many exceptions can be tried quickly."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations as pairs_of
from typing import Any

import numpy as np
import numpy.typing as npt

from darkroom.styles.exports import Row
from darkroom.styles.names import COLLECTING_SLOTS, SIDES, SLOTS, fill_in, parse_layer
from darkroom.styles.resolving import in_layering_order
from darkroom.styles.stacks import Drawn, Place, Resolver, Stack, changed, shown
from darkroom.styles.stacks import places as ranks
from darkroom.styles.style import Moved, RuleException, Said, Style

Ids = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Effect:
    """What an exception does to one slot; layers may be named with `<length>` and `<side>`."""

    code: str | None
    slot: str
    said: Said


@dataclass(frozen=True)
class State:
    """What a slot holds in some cases: what codes draw, what was said of it instead, and what it should show.

    `drawn` has code, place and layers, sorted by place; `at` is the number of the length and side.
    """

    at: int
    drawn: tuple[tuple[str, Place, Stack], ...]
    said: Stack | None
    wanted: Stack

    def shows(self, slot: str) -> Stack:
        """What the slot shows."""
        return shown(slot, self.drawings()) if self.said is None else self.said

    def drawings(self) -> dict[str, tuple[Place, Stack]]:
        """What each code draws, by code."""
        return {code: (place, layers) for code, place, layers in self.drawn}


@dataclass
class Table:
    """The different states of one slot; `distance` is 0 where a state shows what it should."""

    slot: str
    states: list[State] = field(default_factory=list)
    distance: list[int] = field(default_factory=list)
    _ids: dict[State, int] = field(default_factory=dict)

    def id_of(self, state: State) -> int:
        """The number of a state."""
        known = self._ids.get(state)
        if known is None:
            known = self._ids[state] = len(self.states)
            self.states.append(state)
            self.distance.append(distance(state.shows(self.slot), state.wanted, self.slot in COLLECTING_SLOTS))
        return known


def distance(shows: Stack, wanted: Stack, collecting: bool) -> int:
    """How far a slot is from what it should show: so that one exception of two that it needs is a step.

    >>> distance(("a", "b"), ("b", "c"), collecting=True)
    2
    >>> distance(("a", "b", "c"), ("c", "a", "b"), collecting=True)
    2
    """
    if shows == wanted:
        return 0
    if not collecting:
        return 1
    place = {name: at for at, name in enumerate(wanted)}
    common = [place[name] for name in shows if name in place]
    turned = sum(one > other for one, other in pairs_of(common, 2))
    return len(set(shows) ^ set(wanted)) + turned or 1


class Cases:
    """Every stack of the exports as a case: its codes, its length and side, and the state of each of its slots."""

    def __init__(self, style: Style, exports: Mapping[str, Sequence[Row]], layers: set[str]) -> None:
        self.style = style
        self.places = [(length, side) for length in exports for side in SIDES]
        """The lengths and sides, both sides of a length beside each other; a case has the number of one of them."""
        self.codes = sorted({code for rows in exports.values() for row in rows for code in row.codes})
        self.ranks = [ranks(style.layering_order(length)) for length, _ in self.places]
        self.tables = {slot: Table(slot) for slot in SLOTS}
        self._moves: dict[tuple[Effect, int], int] = {}
        ids: dict[str, list[int]] = {slot: [] for slot in SLOTS}
        at: list[int] = []
        picked: list[Mask] = []
        column = {code: number for number, code in enumerate(self.codes)}
        for number, (length, side) in enumerate(self.places):
            resolver = Resolver(style.without_exceptions(), length, side, layers)
            for row in exports[length]:
                if not row.codes:
                    continue
                self._add(number, resolver, in_layering_order(style, length, row.codes), row.stacks[side], ids)
                at.append(number)
                mine = np.zeros(len(self.codes), bool)
                mine[[column[code] for code in row.codes]] = True
                picked.append(mine)
        self.at = np.array(at, np.int32)
        self.picked: Mask = np.array(picked, bool).reshape(len(at), len(self.codes))
        self.many: Any = self.picked.sum(axis=1)
        self.sets: Mask
        """The different combinations; `set_of` has the number of each case's."""
        self.sets, self.set_of = np.unique(self.picked, axis=0, return_inverse=True)
        self.by_rule: dict[str, Ids] = {slot: np.array(ids[slot], np.int32) for slot in SLOTS}

    def _add(
        self, number: int, resolver: Resolver, codes: Sequence[str], stack: Stack, ids: Mapping[str, list[int]]
    ) -> None:
        drawn, rank = resolver.by_rule(codes), self.ranks[number]
        wanted = in_slots(stack)
        for slot in SLOTS:
            ranked = {code: (rank[code], layers) for code, (_, layers) in drawn.get(slot, {}).items()}
            state = State(number, _sorted(ranked), None, wanted.get(slot, ()))
            ids[slot].append(self.tables[slot].id_of(state))

    def column(self, codes: Sequence[str]) -> list[int]:
        """The columns of codes in `picked`."""
        return [self.codes.index(code) for code in codes]

    def where(self, exception: RuleException) -> Mask:
        """The cases for which an exception holds."""
        here = [
            exception.side in (None, side) and self.style.applies(exception.lengths, length)
            for length, side in self.places
        ]
        unknown = (exception.picked | {*exception.any_of, *exception.without}) - set(self.codes)
        if unknown:
            return np.zeros(len(self.at), bool)
        named = sorted(exception.picked)
        mask: Mask = np.array(here)[self.at] & self.picked[:, self.column(named)].all(axis=1)
        if exception.any_of:
            mask &= self.picked[:, self.column(exception.any_of)].any(axis=1)
        mask &= ~self.picked[:, self.column(exception.without)].any(axis=1)
        if exception.alone is not None:
            all_named = self.picked[:, self.column(sorted({*named, *exception.any_of}))].sum(axis=1)
            mask &= (self.many == all_named) == exception.alone
        return mask

    def moved(self, effect: Effect, state_id: int) -> int:
        """The state that an effect makes of a state."""
        key = effect, state_id
        if key not in self._moves:
            table = self.tables[effect.slot]
            self._moves[key] = table.id_of(self._move(effect, table.states[state_id]))
        return self._moves[key]

    def _move(self, effect: Effect, state: State) -> State:
        length, side = self.places[state.at]
        said = effect.said
        if not isinstance(said, Moved):
            said = tuple(fill_in(name, length, side) for name in said)
        if not effect.code:
            return state if isinstance(said, Moved) else replace(state, said=said)
        ranked = self.ranks[state.at]
        if effect.code not in ranked or (isinstance(said, Moved) and said.other not in ranked):
            return state
        return replace(state, drawn=_sorted(changed(state.drawings(), effect.code, said, ranked)))

    def after(self, exceptions: Sequence[RuleException], slot: str) -> Ids:
        """The states of a slot's cases after exceptions."""
        ids = self.by_rule[slot].copy()
        for exception in exceptions:
            if slot in exception.slots:
                effect = Effect(exception.code, slot, exception.slots[slot])
                where = self.where(exception)
                ids[where] = self.map(ids[where], lambda one, effect=effect: self.moved(effect, one))
        return ids

    def map(self, ids: Ids, of: Any) -> Ids:
        """Each state's image, asked once for each different state."""
        different, back = np.unique(ids, return_inverse=True)
        return np.array([of(int(one)) for one in different], np.int32)[back]

    def distances(self, slot: str, ids: Ids) -> Ids:
        """How far each case's slot is from what it should show."""
        return np.array(self.tables[slot].distance, np.int32)[ids]


def _sorted(drawn: Drawn) -> tuple[tuple[str, Place, Stack], ...]:
    return tuple(sorted(((code, place, layers) for code, (place, layers) in drawn.items()), key=lambda one: one[1]))


def in_slots(stack: Stack) -> dict[str, Stack]:
    """A stack's layers by slot.

    >>> in_slots(("a5_behind_back", "a3_belt_back"))
    {'behind': ('a5_behind_back',), 'belt': ('a3_belt_back',)}
    """
    found: dict[str, Stack] = {}
    for name in stack:
        layer = parse_layer(name)
        if layer:
            found[layer.slot] = (*found.get(layer.slot, ()), name)
    return found
