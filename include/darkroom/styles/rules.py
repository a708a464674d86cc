"""The options of one length, compiled: which codes exclude, need and limit one another, as bit masks."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import combinations as pairs_of

from darkroom.errors import DarkroomError
from darkroom.styles.style import Codes, Style

_MOST_STEPS = 2_000
"""Of one question; those of real styles take some ten."""


class TooTangled(DarkroomError):
    """It would take too long to tell what options mean together. Its text says of which."""


@dataclass(frozen=True)
class Rules:
    """What one length allows. Bit i of a mask stands for `codes[i]`.

    `codes` are in layering order, but for this: what a code needs comes before it. So a set that grows code by code
    in this order is valid at every step.
    """

    codes: Codes
    forbidden: tuple[int, ...]
    requires: tuple[int, ...]
    under: tuple[int, ...]
    """For each code the codes of which it needs one; 0: none."""
    impossible: int
    """The codes that need something which this length does not offer."""
    limits: tuple[tuple[int, int], ...]
    """Groups of which at most so many can be picked (more than one: `one of` is in `forbidden`)."""
    circle: Codes
    """Codes that need one another; empty where all is well."""
    rank: dict[str, int]
    """Each code's place in layering order."""

    @classmethod
    def of(cls, style: Style, length: str) -> "Rules":
        """Compile a style's options for a length."""
        layered = style.codes_of(length)
        options = style.options_of(length)
        needs = {code: {*option.requires, *option.under} & set(layered) for option in options for code in option.codes}
        codes, circle = _needs_first(layered, needs)
        bit = {code: 1 << at for at, code in enumerate(codes)}

        def mask(of: Codes) -> int:
            return sum(bit.get(code, 0) for code in set(of))

        requires, under, impossible = dict.fromkeys(codes, 0), dict.fromkeys(codes, 0), 0
        for option in options:
            lacking = any(code not in bit for code in option.requires) or (option.under and not mask(option.under))
            for code in option.codes:
                requires[code], under[code] = mask(option.requires), mask(option.under)
                impossible |= bit[code] if lacking else 0
        forbidden = dict.fromkeys(codes, 0)
        for one, other in _excluded_pairs(style, length):
            if one in bit and other in bit:
                forbidden[one] |= bit[other]
                forbidden[other] |= bit[one]
        return cls(
            codes=codes,
            forbidden=tuple(forbidden[code] for code in codes),
            requires=tuple(requires[code] for code in codes),
            under=tuple(under[code] for code in codes),
            impossible=impossible,
            limits=tuple((mask(option.any_of), option.at_most) for option in options if option.at_most is not None),
            circle=circle,
            rank={code: at for at, code in enumerate(layered)},
        )

    def fits(self, at: int, chosen: int) -> bool:
        """Can `codes[at]` be added to a valid set that does not exclude it: has it what it needs, is there room?"""
        if self.requires[at] & ~chosen or (self.under[at] and not self.under[at] & chosen):
            return False
        bit = 1 << at
        return all(not group & bit or (group & chosen).bit_count() < most for group, most in self.limits)

    def can_be_picked(self, codes: Collection[str], without: Collection[str] = ()) -> bool:
        """Is there any valid set with these codes and without those? Raises `TooTangled`."""
        chosen = sum(1 << self.codes.index(code) for code in codes)
        never = sum(1 << at for at, code in enumerate(self.codes) if code in without)
        steps = 0
        # sets that lack what their codes need, each with the codes that may still be added to it
        waiting = [(chosen, ~(never | self.impossible))]
        while waiting:
            chosen, allowed = waiting.pop()
            steps += 1
            if steps > _MOST_STEPS:
                raise TooTangled(
                    f"options: whether {' and '.join(sorted(codes))} can be picked takes too long to tell, for codes "
                    "need one another in too many ways; write fewer 'under', 'requires' and 'incompatible'."
                )
            allowed = self._available(chosen, allowed)
            needed, choices = self._needed(chosen, allowed)
            if needed & ~allowed:
                continue
            if needed != chosen:
                waiting.append((needed, allowed))
                continue
            if not choices:
                return True
            for bit in bits(choices):
                waiting.append((chosen | bit, allowed))
                allowed &= ~bit  # what it gives is asked already
        return False

    def _needed(self, chosen: int, allowed: int) -> tuple[int, int]:
        """The set with all that it needs in any case, and the codes of which it needs one; 0: it lacks nothing."""
        choices = 0
        for at in reversed(range(len(self.codes))):  # what a code needs stands before it
            if not chosen >> at & 1:
                continue
            chosen |= self.requires[at]
            if self.under[at] and not self.under[at] & chosen:
                choices = self.under[at] & allowed
                if choices.bit_count() == 1:
                    chosen, choices = chosen | choices, 0
        return chosen, choices

    def _available(self, chosen: int, allowed: int) -> int:
        """The codes that may be in a set with these: not excluded, with room in their groups, with what they need."""
        for low in bits(chosen):
            allowed &= ~self.forbidden[low.bit_length() - 1]
        for group, most in self.limits:
            full = (group & chosen).bit_count() - most
            if full >= 0:
                allowed &= ~group | (chosen if full == 0 else 0)
        allowed &= (1 << len(self.codes)) - 1
        # codes stand behind what they need: one sweep takes out all that hangs on what is out
        for at in range(len(self.codes)):
            if self.requires[at] & ~allowed or (self.under[at] and not self.under[at] & allowed):
                allowed &= ~(1 << at)
        return allowed


def bits(mask: int) -> Iterator[int]:
    """The single bits of a mask, lowest first."""
    while mask:
        low = mask & -mask
        yield low
        mask ^= low


def _needs_first(layered: Codes, needs: dict[str, set[str]]) -> tuple[Codes, Codes]:
    """The codes in layering order but what a code needs before it, and those that only wait for one another."""
    placed: dict[str, None] = {}
    waiting = list(layered)
    while waiting:
        ready = next((code for code in waiting if needs[code] <= placed.keys()), None)
        if ready is None:
            return (*placed, *waiting), tuple(waiting)
        placed[ready] = None
        waiting.remove(ready)
    return tuple(placed), ()


def _excluded_pairs(style: Style, length: str) -> Iterator[tuple[str, str]]:
    for option in style.options_of(length):
        yield from pairs_of(option.one_of, 2)
    for exclusion in style.incompatible:
        if style.applies(exclusion.lengths, length):
            yield from ((exclusion.code, other) for other in exclusion.others)
