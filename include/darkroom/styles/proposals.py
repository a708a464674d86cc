"""What could make a slot right that is wrong: the effects that exceptions are made of."""

from collections import Counter
from collections.abc import Iterator, Mapping

from darkroom.styles.cases import Cases, Effect, State, distance
from darkroom.styles.names import COLLECTING_SLOTS, lengths_of, parse_layer
from darkroom.styles.stacks import Stack, changed, shown
from darkroom.styles.style import DEFAULT, Moved, Said


def proposed(cases: Cases, slot: str, state: State) -> Iterator[Effect]:
    """Effects that bring a wrong state nearer to what it should show: what a code draws, what the slot shows."""
    length, side = cases.places[state.at]
    spellings = cases.style.length_spellings()
    drawing = {code: layers for code, _, layers in state.drawn}
    of_codes = _collecting if slot in COLLECTING_SLOTS else _replacing
    found: list[tuple[str | None, Said]] = []
    if state.said is None:
        found += of_codes(drawing, state.shows(slot), state.wanted)
        found += _moved(cases, slot, state)
    for code, said in [*found, (None, state.wanted)]:
        for general in _general(said, length, side, spellings):
            yield Effect(code, slot, general)


def _replacing(drawing: Mapping[str, Stack], shows: Stack, wanted: Stack) -> Iterator[tuple[str, Said]]:
    """Where the last one wins: it draws nothing, or what is wanted; or the code does whose layer is wanted."""
    last = next((code for code in reversed(list(drawing)) if drawing[code]), None)
    if last:
        yield last, ()
        yield last, wanted
    yield from ((code, wanted) for code in drawing if code != last and wanted)
    yield from ((code, wanted) for code in _codes(wanted) if code not in drawing)


def _collecting(drawing: Mapping[str, Stack], shows: Stack, wanted: Stack) -> Iterator[tuple[str, Said]]:
    """Where layers collect: a code draws its layers that are wanted, those of another name, or none."""
    for code, layers in drawing.items():
        mine = tuple(name for name in wanted if name in layers or (name not in shows and code in _codes((name,))))
        if mine != layers:
            yield code, mine
    missing = tuple((Counter(wanted) - Counter(shows)).elements())
    yield from ((code, missing) for code, layers in drawing.items() if missing and not set(layers) & set(wanted))
    for code in _codes(missing):
        if code not in drawing:
            yield code, tuple(name for name in missing if code in _codes((name,)))


def _moved(cases: Cases, slot: str, state: State) -> Iterator[tuple[str, Moved]]:
    """A code that draws something is layered at another one, where that brings the slot nearer."""
    collecting = slot in COLLECTING_SLOTS
    now = distance(state.shows(slot), state.wanted, collecting)
    drawings, rank = state.drawings(), cases.ranks[state.at]
    drawing = [code for code, (_, layers) in drawings.items() if layers and code != DEFAULT]
    for code in drawing if len(drawing) > 1 else ():
        for other in cases.codes if code in cases.codes else ():
            if other == code or other not in rank:
                continue
            for moved in (Moved("after", other), Moved("before", other)):
                after = shown(slot, changed(drawings, code, moved, rank))
                if distance(after, state.wanted, collecting) < now:
                    yield code, moved


def _codes(layers: Stack) -> list[str]:
    return [layer.code for name in layers if (layer := parse_layer(name))]


def _general(said: Said, length: str, side: str, spellings: Mapping[str, str]) -> Iterator[Said]:
    """What is said, first with `<length>` and `<side>` in the names' places for them, then word for word."""
    if isinstance(said, Moved) or not said:
        yield said
        return
    of_side = tuple(_for_sides(name, side) for name in said)
    of_length = tuple(_for_lengths(name, length, spellings) for name in said)
    both = tuple(_for_sides(name, side) for name in of_length)
    yield from dict.fromkeys((both, of_side, of_length, said))


def _for_sides(name: str, side: str) -> str:
    return name.removesuffix(side) + "<side>" if name.endswith(f"_{side}") else name


def _for_lengths(name: str, length: str, spellings: Mapping[str, str]) -> str:
    layer = parse_layer(name)
    if layer is None or lengths_of(layer.words, spellings) != {length}:
        return name
    return name.replace(f"_{length}_", "_<length>_", 1)
