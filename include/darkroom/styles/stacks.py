"""From a combination to the stack that draws it: the rule of DESIGN 5, without I/O."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from darkroom.styles.names import COLLECTING_SLOTS, SLOTS, LayerName, lengths_of, parse_layer
from darkroom.styles.style import Style

Stack = tuple[str, ...]
"""Layer names in drawing order."""


class Resolver:
    """Resolves the combinations of one length and side of a style against the layers that there are.

    The rule, for each code in layering order: of its layers in a slot whose conditions all hold, the one with the most
    conditions met by picked codes; on a tie, the one whose condition was layered last, for that is what lies on top.
    A condition also holds for the code that the defaults draw, for what the style says they stand for, and for `base`
    and `default`; but where a code has a layer for what was picked, its layers for the defaults' look are not drawn.
    """

    def __init__(self, style: Style, length: str, side: str, layers: Iterable[str]) -> None:
        self._defaults = style.default_layers(length, side)
        drawn = {layer.code for name in self._defaults.values() if (layer := parse_layer(name))}
        self._standing = frozenset(drawn | {"base", "default", *style.defaults_stand_for})
        self._by_code: dict[str, dict[str, list[LayerName]]] = defaultdict(lambda: defaultdict(list))
        spellings = style.length_spellings()
        for name in sorted(set(layers)):
            layer = parse_layer(name)
            if layer and layer.side == side:
                lengths = lengths_of(layer.words, spellings)
                if not lengths or length in lengths:
                    self._by_code[layer.code][layer.slot].append(layer)

    def draws(self, code: str) -> bool:
        """Is there any layer for this code?"""
        return code in self._by_code

    def stack(self, codes: Sequence[str]) -> Stack:
        """The stack of a combination, its codes in layering order. It holds only layers that there are, or defaults."""
        place = {code: at for at, code in enumerate(codes)}
        slots: dict[str, list[str]] = {slot: [name] for slot, name in self._defaults.items()}
        for code in codes:
            for layer in self._drawn(code, place):
                if layer.slot in COLLECTING_SLOTS:
                    slots[layer.slot] = [layer.name, *slots.get(layer.slot, [])]
                else:
                    slots[layer.slot] = [layer.name]
        return tuple(name for slot in SLOTS for name in slots.get(slot, ()))

    def _drawn(self, code: str, place: Mapping[str, int]) -> list[LayerName]:
        """The layers that a code draws: at most one a slot."""
        slots = self._by_code.get(code, {}).values()
        best = [layer for candidates in slots if (layer := self._best(candidates, place))]
        for_picked = any(_picked(layer, place) for layer in best)
        return [layer for layer in best if _picked(layer, place) or not (for_picked and layer.conditions)]

    def _best(self, candidates: Iterable[LayerName], place: Mapping[str, int]) -> LayerName | None:
        holding = [
            layer
            for layer in candidates
            if all(condition in place or condition in self._standing for condition in layer.conditions)
        ]

        def order(layer: LayerName) -> tuple[int, int, int, str]:
            picked = _picked(layer, place)
            # behind these, the one with more conditions, then the first by name: a stable choice
            return -len(picked), -max(picked, default=-1), -len(layer.conditions), layer.name

        return min(holding, key=order, default=None)


def _picked(layer: LayerName, place: Mapping[str, int]) -> list[int]:
    """The places in the layering of the picked codes that a layer asks for."""
    return [place[condition] for condition in layer.conditions if condition in place]


def slots_without_default(style: Style, length: str, side: str) -> list[str]:
    """The slots that the other lengths' defaults draw and this length's do not: its pictures may show a hole there."""
    drawn = {slot for other in style.length_names for slot in style.default_layers(other, side)}
    return [slot for slot in SLOTS if slot in drawn - set(style.default_layers(length, side))]
