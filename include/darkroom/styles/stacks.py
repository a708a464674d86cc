"""From a combination to the stack that draws it: the rule of DESIGN 5, without I/O."""

from collections import defaultdict
from collections.abc import Iterable

from darkroom.styles.names import COLLECTING_SLOTS, SLOTS, LayerName, lengths_of, parse_layer
from darkroom.styles.style import Style

Stack = tuple[str, ...]
"""Layer names in drawing order."""


class Resolver:
    """Resolves the combinations of one length and side of a style against the layers that there are."""

    def __init__(self, style: Style, length: str, side: str, layers: Iterable[str]) -> None:
        self._defaults = style.default_layers(length, side)
        default_codes = {layer.code for name in self._defaults.values() if (layer := parse_layer(name))}
        self._standing = frozenset(default_codes | {"base", "default"})
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

    def stack(self, codes: Iterable[str]) -> Stack:
        """The stack of a combination whose codes are given in layering order.

        It holds only layers that there are, or defaults.
        """
        chosen = list(codes)
        slots: dict[str, list[str]] = {slot: [name] for slot, name in self._defaults.items()}
        for code in chosen:
            for slot, candidates in self._by_code.get(code, {}).items():
                layer = self._best(candidates, frozenset(chosen))
                if layer is None:
                    continue
                if slot in COLLECTING_SLOTS:
                    slots[slot] = [layer.name, *slots.get(slot, [])]
                else:
                    slots[slot] = [layer.name]
        return tuple(name for slot in SLOTS for name in slots.get(slot, ()))

    def _best(self, candidates: Iterable[LayerName], chosen: frozenset[str]) -> LayerName | None:
        """Of the layers whose conditions all hold, the one with the most conditions met by selected codes."""
        holding = [
            layer
            for layer in candidates
            if all(condition in chosen or condition in self._standing for condition in layer.conditions)
        ]
        # on a tie the more special one, then the first by name: a stable choice
        return min(
            holding,
            key=lambda layer: (
                -sum(condition in chosen for condition in layer.conditions),
                -len(layer.conditions),
                layer.name,
            ),
            default=None,
        )


def slots_without_default(style: Style, length: str, side: str) -> list[str]:
    """The slots that the other lengths' defaults draw and this length's do not: its pictures may show a hole there."""
    drawn = {slot for other in style.length_names for slot in style.default_layers(other, side)}
    return [slot for slot in SLOTS if slot in drawn - set(style.default_layers(length, side))]
