"""From a combination to the stack that draws it: the rule of DESIGN 5 and a style's exceptions to it, without I/O."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from darkroom.styles.names import COLLECTING_SLOTS, SLOTS, LayerName, lengths_of, parse_layer
from darkroom.styles.style import DEFAULT, Moved, Said, Style

Stack = tuple[str, ...]
"""Layer names in drawing order."""

Place = tuple[float, int]
"""A code's place in the layering of a slot: between two others where an exception moves it."""

Drawn = Mapping[str, tuple[Place, Stack]]
"""What each code draws in a slot, and where it is layered there."""

_BELOW_ALL = -1


class Resolver:
    """Resolves the combinations of one length and side of a style against the layers that there are.

    The rule, for each code in layering order: of its layers in a slot whose conditions all hold, the one with the most
    conditions met by picked codes; on a tie, the one whose condition was layered last, for that is what lies on top.
    A condition also holds for the code that the defaults draw, for what the style says they stand for, and for `base`
    and `default`.

    A layer for what was picked tells how the code looks with it. So where a code has one, its layers that are for
    nothing picked are not drawn, in any slot; and where it has one on the other side or in another length only, it
    draws nothing in that slot.

    Then come the style's exceptions, in their order: what a code draws, and what a slot shows in the end.
    """

    def __init__(self, style: Style, length: str, side: str, layers: Iterable[str]) -> None:
        self._defaults = style.default_layers(length, side)
        drawn = {layer.code for name in self._defaults.values() if (layer := parse_layer(name))}
        self.standing = frozenset(drawn | {"base", "default", *style.defaults_stand_for})
        """What counts as a condition that holds although nobody picked it."""
        self.here: dict[str, dict[str, list[LayerName]]] = defaultdict(lambda: defaultdict(list))
        """The layers for this length and side, by code and slot."""
        self.elsewhere: dict[str, dict[str, list[LayerName]]] = defaultdict(lambda: defaultdict(list))
        """The others."""
        spellings = style.length_spellings()
        for name in sorted(set(layers)):
            layer = parse_layer(name)
            if layer:
                lengths = lengths_of(layer.words, spellings)
                here = layer.side == side and (not lengths or length in lengths)
                (self.here if here else self.elsewhere)[layer.code][layer.slot].append(layer)
        self.exceptions = [
            (exception, exception.says(length, side))
            for exception in style.exceptions
            if exception.side in (None, side) and style.applies(exception.lengths, length)
        ]
        """The style's exceptions for this length and side, with what each says of its slots."""

    def draws(self, code: str) -> bool:
        """Is there any layer for this code?"""
        return code in self.here or any(exception.code == code for exception, _ in self.exceptions)

    def stack(self, codes: Sequence[str]) -> Stack:
        """The stack of a combination, its codes in layering order.

        It holds only layers that there are, defaults, and what the exceptions name. What nothing picked shows is what
        the defaults say: no exception changes that.
        """
        slots = self.by_rule(codes)
        picked = frozenset(codes)
        holding = [(one.code, says) for one, says in self.exceptions if codes and one.holds(picked)]
        place = places(codes)
        stacks = {}
        for slot in SLOTS:
            drawn: Drawn = slots.get(slot, {})
            for said, code in [(says[slot], code) for code, says in holding if code and slot in says]:
                drawn = changed(drawn, code, said, place)
            stacks[slot] = shown(slot, drawn)
        for who, says in holding:
            stacks |= {slot: said for slot, said in says.items() if not who and not isinstance(said, Moved)}
        return tuple(name for slot in SLOTS for name in stacks[slot])

    def by_rule(self, codes: Sequence[str]) -> dict[str, Drawn]:
        """What each code draws in each slot, by the rule alone."""
        slots: dict[str, dict[str, tuple[Place, Stack]]] = defaultdict(dict)
        for slot, name in self._defaults.items():
            slots[slot][DEFAULT] = (_BELOW_ALL, _BELOW_ALL), (name,)
        place = {code: at for at, code in enumerate(codes)}
        for code, at in place.items():
            for layer in self._drawn(code, place):
                slots[layer.slot][code] = (at, at), (layer.name,)
        return dict(slots)

    def _drawn(self, code: str, place: Mapping[str, int]) -> list[LayerName]:
        """The layers that a code draws: at most one a slot."""
        slots = self.here.get(code, {}).values()
        best = [layer for candidates in slots if (layer := self._best(candidates, place))]
        for_picked = [layer for layer in best if _picked(layer, place)]
        return for_picked or [layer for layer in best if not self._only_elsewhere(layer, place)]

    def _only_elsewhere(self, drawn: LayerName, place: Mapping[str, int]) -> bool:
        """Has the code a layer for what was picked in this slot, but not in this length and side?"""
        there = self._holding(self.elsewhere.get(drawn.code, {}).get(drawn.slot, ()), place)
        return any(_picked(layer, place) for layer in there)

    def _best(self, candidates: Iterable[LayerName], place: Mapping[str, int]) -> LayerName | None:
        def order(layer: LayerName) -> tuple[int, int, int, str]:
            picked = _picked(layer, place)
            # behind these, the one with more conditions, then the first by name: a stable choice
            return -len(picked), -max(picked, default=-1), -len(layer.conditions), layer.name

        return min(self._holding(candidates, place), key=order, default=None)

    def _holding(self, candidates: Iterable[LayerName], place: Mapping[str, int]) -> list[LayerName]:
        """The layers whose conditions all hold."""
        return [
            layer
            for layer in candidates
            if all(condition in place or condition in self.standing for condition in layer.conditions)
        ]


def _picked(layer: LayerName, place: Mapping[str, int]) -> list[int]:
    """The places in the layering of the picked codes that a layer asks for."""
    return [place[condition] for condition in layer.conditions if condition in place]


def places(codes: Iterable[str]) -> dict[str, Place]:
    """The places of codes in layering order, and of whoever draws the defaults: below all of them."""
    found: dict[str, Place] = {code: (at, at) for at, code in enumerate(codes)}
    return found | {DEFAULT: (_BELOW_ALL, _BELOW_ALL)}


def changed(drawn: Drawn, code: str, said: Said, place: Mapping[str, Place]) -> Drawn:
    """What is drawn in a slot after an exception has said something of a code. `place`: those of all picked codes.

    >>> changed({"b1": ((1, 1), ("b1_belt_front",))}, "b1", Moved("after", "b2"), {"b1": (1, 1), "b2": (2, 2)})
    {'b1': ((2.5, 1), ('b1_belt_front',))}
    """
    at, layers = drawn.get(code, (place[code], ()))
    if isinstance(said, Moved):
        return {**drawn, code: ((place[said.other][0] + (0.5 if said.where == "after" else -0.5), at[1]), layers)}
    return {**drawn, code: (at, said)}


def shown(slot: str, drawn: Drawn) -> Stack:
    """What a slot shows, lowest first: the last that is drawn, or, where layers collect, all, the latest lowest.

    >>> shown("belt", {"a3": ((0, 0), ("a3_belt_front",)), "a4": ((1, 1), ())})
    ('a3_belt_front',)
    """
    latest_first = [layers for _, layers in sorted(drawn.values(), key=lambda one: one[0], reverse=True) if layers]
    if slot in COLLECTING_SLOTS:
        return tuple(name for layers in latest_first for name in layers)
    return latest_first[0] if latest_first else ()


def slots_without_default(style: Style, length: str, side: str) -> list[str]:
    """The slots that the other lengths' defaults draw and this length's do not: its pictures may show a hole there."""
    drawn = {slot for other in style.length_names for slot in style.default_layers(other, side)}
    return [slot for slot in SLOTS if slot in drawn - set(style.default_layers(length, side))]
