"""A style's catalogue, from the style and listings: a pure function."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import product

from darkroom.catalogue.model import (
    After,
    Before,
    Candidate,
    Catalogue,
    CatalogueException,
    CatalogueLayer,
    CatalogueLength,
    CatalogueSide,
    Choice,
    Size,
)
from darkroom.imaging.geometry import fitted
from darkroom.styles.names import COLLECTING_SLOTS, SIDES, SLOTS, LayerName, lengths_of, parse_layer, parse_render
from darkroom.styles.rules import Rules, bits
from darkroom.styles.stacks import Resolver
from darkroom.styles.style import Codes, Moved, Option, RuleException, Said, Style

PROXY = (800, 800)
"""What a proxy is fitted into (width, height)."""


def build(
    style: Style, proxies: Iterable[str], sizes: Iterable[tuple[int, int]] = (), renders: Iterable[str] = ()
) -> Catalogue:
    """The catalogue of a style.

    `proxies`: their keys, relative to the style's folder of proxies (`t1/t1_neckline_front_0003.png`); what is called
    otherwise is no proxy and left out. `sizes`: width and height of renders, as far as they are known. `renders`: the
    keys of what was delivered, for a layer of which no proxy could be made is drawn in composites all the same.
    """
    unwanted = {*style.ignored_customizations} - _offered(style)
    read: dict[str, LayerName] = {}
    found: dict[str, dict[str, str]] = {}
    for key in sorted(proxies):
        proxy = _proxy(key)
        if proxy and proxy[0].code not in unwanted:
            read[proxy[0].name] = proxy[0]
            found.setdefault(proxy[0].name, {}).setdefault(f"{proxy[1]:04d}", key)
    for key in renders:
        if (shown := parse_render(key.rpartition("/")[2])) and shown[0].code not in unwanted:
            read[shown[0].name] = shown[0]
    named = {name: layer for name in _named(style) if (layer := parse_layer(name))}
    frame = next((Size(width=width, height=height) for (width, height), _ in Counter(sizes).most_common(1)), None)
    return Catalogue(
        style=style.style,
        name=style.name,
        colours=style.colours,
        frame=frame,
        proxy=_fitted(frame),
        slots=SLOTS,
        collecting=tuple(slot for slot in SLOTS if slot in COLLECTING_SLOTS),
        sides=SIDES,
        layers={name: _layer(style, layer, found.get(name, {})) for name, layer in sorted((named | read).items())},
        lengths=tuple(_length(style, length, read) for length in style.length_names),
        defaults_stand_for=style.defaults_stand_for,
        ignored=style.ignored_customizations,
    )


def _proxy(key: str) -> tuple[LayerName, int] | None:
    """What a proxy shows; None for what lies beside the proxies."""
    folder, _, name = key.rpartition("/")
    render = parse_render(name)
    return render if render and folder == render[0].code else None


def _fitted(frame: Size | None) -> Size:
    width, height = fitted(frame.width, frame.height, PROXY) if frame else PROXY
    return Size(width=width, height=height)


def _offered(style: Style) -> set[str]:
    return {code for length in style.length_names for code in style.codes_of(length)}


def _named(style: Style) -> Iterator[str]:
    """The layers that the style names itself, delivered or not."""
    for length, side in product(style.length_names, SIDES):
        resolver = Resolver(style, length, side, ())
        yield from style.default_layers(length, side).values()
        for _, says in resolver.exceptions:
            yield from (name for said in says.values() if not isinstance(said, Moved) for name in said)


def _layer(style: Style, layer: LayerName, proxies: Mapping[str, str]) -> CatalogueLayer:
    lengths = lengths_of(layer.words, style.length_spellings())
    return CatalogueLayer(
        code=layer.code,
        slot=layer.slot,
        side=layer.side,
        conditions=layer.conditions,
        lengths=tuple(slug for slug in style.length_names if slug in lengths),
        proxies=dict(sorted(proxies.items())),
    )


def _length(style: Style, length: str, layers: Collection[str]) -> CatalogueLength:
    rules = Rules.of(style, length)
    codes = style.codes_of(length)
    excluded = {code: _codes(rules, mask) for code, mask in zip(rules.codes, rules.forbidden, strict=True)}
    return CatalogueLength(
        slug=length,
        name=style.length_names[length],
        codes=codes,
        order=style.layering_order(length),
        choices=tuple(_choice(option, codes) for option in style.options_of(length)),
        excludes={code: excluded[code] for code in codes if excluded[code]},
        impossible=_codes(rules, rules.impossible),
        sides={side: _side(style, Resolver(style, length, side, layers), length, side) for side in SIDES},
    )


def _codes(rules: Rules, mask: int) -> Codes:
    """A mask's codes in layering order."""
    return tuple(sorted((rules.codes[bit.bit_length() - 1] for bit in bits(mask)), key=rules.rank.__getitem__))


def _choice(option: Option, offered: Sequence[str]) -> Choice:
    return Choice(
        kind="one of" if option.one_of else "any of",
        codes=option.codes,
        at_most=option.at_most,
        under=tuple(code for code in option.under if code in offered),
        requires=tuple(code for code in option.requires if code in offered),
    )


def _side(style: Style, resolver: Resolver, length: str, side: str) -> CatalogueSide:
    # nobody picks what only the defaults draw
    pickable = (resolver.here.keys() | resolver.elsewhere.keys()) - (resolver.standing - style.known_codes())
    here = {code: resolver.here[code] for code in sorted(pickable & resolver.here.keys())}
    return CatalogueSide(
        defaults=dict(style.default_layers(length, side)),
        standing=tuple(sorted(resolver.standing)),
        draws={
            code: {slot: _candidates(slots[slot]) for slot in SLOTS if slot in slots} for code, slots in here.items()
        },
        elsewhere={
            code: elsewhere
            for code in here
            if (elsewhere := _elsewhere(resolver.here[code], resolver.elsewhere.get(code, {})))
        },
        exceptions=tuple(_exception(exception, says) for exception, says in resolver.exceptions),
    )


def _draws(slots: Mapping[str, Iterable[LayerName]]) -> dict[str, tuple[Candidate, ...]]:
    """What a code may draw in each slot, in the order which decides on a tie."""
    return {slot: _candidates(slots[slot]) for slot in SLOTS if slot in slots}


def _candidates(layers: Iterable[LayerName]) -> tuple[Candidate, ...]:
    ordered = sorted(layers, key=lambda layer: (-len(layer.conditions), layer.name))
    return tuple(Candidate(layer=layer.name, conditions=layer.conditions) for layer in ordered)


def _elsewhere(
    here: Mapping[str, Iterable[LayerName]], elsewhere: Mapping[str, Iterable[LayerName]]
) -> dict[str, tuple[Codes, ...]]:
    """Only of the slots in which the code draws something here does it matter what it has elsewhere."""
    found = {
        slot: tuple(sorted({layer.conditions for layer in elsewhere[slot] if layer.conditions}))
        for slot in SLOTS
        if slot in here and slot in elsewhere
    }
    return {slot: conditions for slot, conditions in found.items() if conditions}


def _exception(exception: RuleException, says: Mapping[str, Said]) -> CatalogueException:
    return CatalogueException(
        code=exception.code,
        **{"with": tuple(sorted(exception.picked))},
        with_any_of=exception.any_of,
        without=exception.without,
        alone=exception.alone,
        slots={slot: _said(says[slot]) for slot in SLOTS if slot in says},
    )


def _said(said: Said) -> tuple[str, ...] | After | Before:
    if isinstance(said, Moved):
        return After(after=said.other) if said.where == "after" else Before(before=said.other)
    return said
