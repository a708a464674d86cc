"""What a style file says that cannot be: names that are none, contradictions, choices that can never be made."""

import re
from collections.abc import Iterable, Iterator, Sequence

from darkroom.styles.names import is_code, length_slug, wrong_layer
from darkroom.styles.rules import Rules
from darkroom.styles.style import MOST_CODES, Option, Style
from darkroom.styles.wrong_exceptions import wrong_exceptions
from darkroom.yaml_lines import Path

_STYLE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
_CODE_LISTS = ("customizations", "ignored_customizations", "layering", "defaults_stand_for")


def contradictions(style: Style) -> Iterator[tuple[Path, str]]:
    """What the file says that cannot be, each with its place."""
    if not _STYLE_NAME.fullmatch(style.style) or ".." in style.style:
        yield (
            ("style",),
            f"style: {style.style!r} cannot name a folder; use letters, digits, '-', '_' and '.', without '..'.",
        )
    codes = style.known_codes().union(*(option.codes for option in style.options))
    if len(codes) > MOST_CODES:
        yield (
            ("customizations",),
            f"it has {len(codes):,} codes, and a style has {MOST_CODES} at most; is this one style?",
        )
        return
    yield from _lengths(style)
    yield from _codes(style)
    yield from _defaults(style)
    found = [*_options(style), *_incompatible(style)]
    yield from found
    if not found:
        # what the options mean together can be asked only when each of them means something
        together = [said for length in style.length_names for said in _together(style, length)]
        yield from together
        if not together:
            yield from wrong_exceptions(style)


def _lengths(style: Style) -> Iterator[tuple[Path, str]]:
    if not style.lengths:
        yield ("lengths",), "lengths: a style has at least one length; add it."
    seen: dict[str, str] = {}
    for key, name in style.lengths.items():
        slug = length_slug(name)
        if not is_code(slug):
            yield ("lengths", key), f"lengths.{key}: {name!r} cannot stand in a file name; use letters, digits and '-'."
        elif slug in seen:
            yield ("lengths", key), f"lengths.{key}: {name!r} is the same length as {seen[slug]!r}; keep one."
        seen[slug] = name
    for path, names in _named_lengths(style):
        for name in names:
            if length_slug(name) not in style.length_spellings():
                yield path, f"{path[0]}: {name!r} is no length of this style; it has {', '.join(seen.values())}."


def _named_lengths(style: Style) -> Iterator[tuple[Path, Iterable[str]]]:
    for name in style.defaults:
        yield ("defaults", name), [name]
    for name in style.layering_of:
        yield ("layering_of", name), [name]
    for at, option in enumerate(style.options):
        yield ("options", at, "lengths"), option.lengths
    for at, exclusion in enumerate(style.incompatible):
        yield ("incompatible", at, "lengths"), exclusion.lengths
    for at, exception in enumerate(style.exceptions):
        yield ("exceptions", at, "lengths"), exception.lengths


def _codes(style: Style) -> Iterator[tuple[Path, str]]:
    lists: dict[Path, Sequence[str]] = {(key,): getattr(style, key) for key in _CODE_LISTS}
    lists |= {("layering_of", length): codes for length, codes in style.layering_of.items()}
    for path, codes in lists.items():
        seen: set[str] = set()
        for at, code in enumerate(codes):
            if not is_code(code):
                yield (*path, at), f"{path[-1]}: {code!r} is no customization code; use letters, digits and '_'."
            # the lists that old systems export may repeat themselves; an order that does is none
            if code in seen and path[0] not in ("customizations", "ignored_customizations"):
                yield (*path, at), f"{path[-1]}: {code!r} stands twice; keep one."
            seen.add(code)


def _defaults(style: Style) -> Iterator[tuple[Path, str]]:
    for length, sides in style.defaults.items():
        for side, slots in sides.items():
            for slot, name in slots.items():
                path = ("defaults", length, side, slot)
                if wrong := wrong_layer(name, slot):
                    yield path, f"{'.'.join(path)}: {wrong}"


def _options(style: Style) -> Iterator[tuple[Path, str]]:
    seen: dict[str, list[Option]] = {}
    for at, option in enumerate(style.options):
        path: Path = ("options", at)
        yield from ((path, said) for said in _option(option))
        for code in option.codes:
            if not is_code(code):
                yield path, f"options: {code!r} is no customization code; use letters, digits and '_'."
            for length in style.length_names:
                if style.applies(option.lengths, length) and code not in style.layering_order(length):
                    order = _order_key(style, length)
                    yield path, f"options: {code!r} is not in {order!r}, so what it lies over is unknown; add it."
                    break
            if any(_share_a_length(style, option, other) for other in seen.get(code, [])):
                yield path, f"options: {code!r} stands in two options of one length; keep one."
            seen.setdefault(code, []).append(option)
    offered = set(seen)
    for at, option in enumerate(style.options):
        for word, codes in (("under", option.under), ("requires", option.requires)):
            for code in codes:
                if code not in offered:
                    yield ("options", at), f"options: {word} names {code!r}, which stands in no option; correct it."


def _option(option: Option) -> Iterator[str]:
    if bool(option.one_of) == bool(option.any_of):
        yield "options: an option has either 'one of' or 'any of', with at least one code."
    if option.at_most is not None and option.one_of:
        yield "options: 'one of' is at most one already; drop 'at most', or write 'any of'."
    elif option.at_most is not None and option.at_most >= len(option.any_of):
        yield f"options: at most {option.at_most} of {len(option.any_of)} codes says nothing; drop 'at most'."


def _order_key(style: Style, length: str) -> str:
    if length in map(length_slug, style.layering_of):
        return f"layering_of {style.length_names[length]}"
    return "layering" if style.layering else "customizations"


def _share_a_length(style: Style, one: Option, other: Option) -> bool:
    return any(
        style.applies(one.lengths, length) and style.applies(other.lengths, length) for length in style.length_names
    )


def _incompatible(style: Style) -> Iterator[tuple[Path, str]]:
    offered = {code for option in style.options for code in option.codes}
    for at, exclusion in enumerate(style.incompatible):
        for code in (exclusion.code, *exclusion.others):
            if code not in offered:
                yield ("incompatible", at), f"incompatible: {code!r} stands in no option; correct it."
        if exclusion.code in exclusion.others:
            yield ("incompatible", at), f"incompatible: {exclusion.code!r} excludes itself; correct it."


def _together(style: Style, length: str) -> Iterator[tuple[Path, str]]:
    """Circles and dead options of one length."""
    name = style.length_names[length]
    rules = Rules.of(style, length)
    if rules.circle:
        at = _option_at(style, length, rules.circle[0])
        circle = ", ".join(rules.circle)
        yield ("options", at), f"options: in {name}, {circle} need one another in a circle; break it."
        return
    for code in style.codes_of(length):
        if not rules.can_be_picked([code]):
            at = _option_at(style, length, code)
            why = _why_dead(style.options[at], style, length)
            yield (
                ("options", at),
                f"options: in {name}, {code!r} can never be picked: {why}; correct the option or its lengths.",
            )


def _option_at(style: Style, length: str, code: str) -> int:
    return next(
        at for at, option in enumerate(style.options) if code in option.codes and style.applies(option.lengths, length)
    )


def _why_dead(option: Option, style: Style, length: str) -> str:
    offered = set(style.codes_of(length))
    lacking = [code for code in option.requires if code not in offered]
    if lacking:
        return f"it requires {', '.join(lacking)}, which {style.length_names[length]} does not offer"
    if option.under and not offered & set(option.under):
        return f"it is under {', '.join(option.under)}, none of which {style.length_names[length]} offers"
    return "what it needs is incompatible with it or with one another"
