"""A front end of its own: decides and draws from catalogue.json alone, as docs/catalogue.md says. Imports nothing."""

from itertools import combinations


class Reader:
    """One length of a catalogue, as `json.loads` gives it."""

    def __init__(self, catalogue, slug):
        self.slots, self.collecting = catalogue["slots"], catalogue["collecting"]
        self.length = next(one for one in catalogue["lengths"] if one["slug"] == slug)

    def is_valid(self, codes):
        """May these be picked together?"""
        picked, length = set(codes), self.length
        if not picked <= set(length["codes"]) or picked & set(length["impossible"]):
            return False
        if any(other in picked for code in picked for other in length["excludes"].get(code, [])):
            return False
        for choice in length["choices"]:
            mine = picked & set(choice["codes"])
            most = 1 if choice["kind"] == "one of" else choice["at_most"]
            if most is not None and len(mine) > most:
                return False
            if mine and (
                not set(choice["requires"]) <= picked or (choice["under"] and not set(choice["under"]) & picked)
            ):
                return False
        return True

    def combinations(self):
        """Every valid set, by trying all."""
        codes = self.length["codes"]
        return {
            frozenset(one) for many in range(len(codes) + 1) for one in combinations(codes, many) if self.is_valid(one)
        }

    def stack(self, side, codes):
        """The layers that draw these codes, bottom to top."""
        here = self.length["sides"][side]
        order = [code for code in self.length["order"] if code in codes]
        place = {code: at for at, code in enumerate(order)}
        drawn = {slot: {} for slot in self.slots}  # by code: its place, and its layers there
        for slot, layer in here["defaults"].items():
            drawn[slot]["default"] = (-1, -1), [layer]
        for code in order:
            for slot, layer in self._drawn(here, code, place).items():
                drawn[slot][code] = (place[code], place[code]), [layer]
        holding = [one for one in here["exceptions"] if order and self._holds(one, set(order))]
        for one in holding:
            for slot, said in one["slots"].items():
                if one["code"]:
                    self._change(drawn[slot], one["code"], said, place | {"default": -1})
        shown = {}
        for slot in self.slots:
            ranked = sorted(drawn[slot].values(), key=lambda one: one[0], reverse=True)
            latest = [layers for _, layers in ranked if layers]
            shown[slot] = [layer for layers in (latest if slot in self.collecting else latest[:1]) for layer in layers]
        for one in holding:
            if not one["code"]:
                shown |= one["slots"]
        return [layer for slot in self.slots for layer in shown[slot]]

    @staticmethod
    def _drawn(here, code, place):
        """What a code draws by the rule: slot to layer."""

        def holds(conditions):
            return all(word in place or word in here["standing"] for word in conditions)

        def picked(conditions):
            return [place[word] for word in conditions if word in place]

        best = {}
        for slot, candidates in here["draws"].get(code, {}).items():
            for one in candidates:
                met = picked(one["conditions"])
                rank = len(met), max(met, default=-1)
                if holds(one["conditions"]) and (slot not in best or rank > best[slot][0]):
                    best[slot] = rank, one["layer"]
        if any(rank[0] for rank, _ in best.values()):
            return {slot: layer for slot, (rank, layer) in best.items() if rank[0]}
        elsewhere = here["elsewhere"].get(code, {})
        return {
            slot: layer
            for slot, (_, layer) in best.items()
            if not any(holds(words) and picked(words) for words in elsewhere.get(slot, []))
        }

    @staticmethod
    def _holds(exception, picked):
        named = {*exception["with"], *exception["with_any_of"]}
        return (
            set(exception["with"]) <= picked
            and (not exception["with_any_of"] or bool(set(exception["with_any_of"]) & picked))
            and not set(exception["without"]) & picked
            and exception["alone"] in (None, picked <= named)
        )

    @staticmethod
    def _change(drawn, code, said, place):
        at, layers = drawn.get(code, ((place[code], place[code]), []))
        if isinstance(said, list):
            drawn[code] = at, said
        elif "after" in said:
            drawn[code] = (place[said["after"]] + 0.5, at[1]), layers
        else:
            drawn[code] = (place[said["before"]] - 0.5, at[1]), layers
