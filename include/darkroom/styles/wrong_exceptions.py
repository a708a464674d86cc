"""What a style file's exceptions say that cannot be."""

from collections.abc import Iterator, Mapping

from darkroom.styles.names import fill_in, wrong_layer
from darkroom.styles.rules import Rules
from darkroom.styles.style import DEFAULT, Moved, RuleException, Style
from darkroom.yaml_lines import Path


def wrong_exceptions(style: Style) -> Iterator[tuple[Path, str]]:
    """What the exceptions say that cannot be, each with its place."""
    rules = {length: Rules.of(style, length) for length in style.length_names} if style.exceptions else {}
    for at, exception in enumerate(style.exceptions):
        path: Path = ("exceptions", at)
        found = [*_words(style, exception), *_slots(style, exception)]
        yield from (((*path, *key), f"exceptions: {said}") for key, said in found)
        if not found and not _can_apply(style, exception, rules):
            yield path, "exceptions: this one can never apply: no length offers such a combination; correct or drop it."


def _words(style: Style, exception: RuleException) -> Iterator[tuple[Path, str]]:
    known = {code for option in style.options for code in option.codes} or style.known_codes()
    lists = {"with": exception.with_, "with any of": exception.any_of, "without": exception.without}
    if exception.code and exception.code != DEFAULT:
        lists["code"] = (exception.code,)
    for key, codes in lists.items():
        for code in codes:
            if code not in known:
                yield (key,), f"{key} names {code!r}, which stands in no option; correct it."
    for code in exception.without:
        if code in exception.picked or code in exception.any_of:
            yield ("without",), f"{code!r} cannot be picked and not picked; drop one of the two."


def _slots(style: Style, exception: RuleException) -> Iterator[tuple[Path, str]]:
    if not exception.slots:
        yield (), "it says nothing of any slot; add one, such as 'belt: nothing'."
    lengths = [length for length in style.length_names if style.applies(exception.lengths, length)]
    for slot, said in exception.slots.items():
        if isinstance(said, Moved):
            if not exception.code or exception.code == DEFAULT:
                yield (slot,), f"'{said.where} {said.other}' says where a code is layered; add the 'code'."
            elif said.other not in style.known_codes():
                yield (slot,), f"{slot} names {said.other!r}, which the style does not list; correct it."
            elif said.other == exception.code:
                yield (slot,), f"{said.other!r} cannot be layered {said.where} itself; correct it."
            continue
        for name in dict.fromkeys(said):
            file = fill_in(name, lengths[0] if lengths else "", exception.side or "front")
            if wrong := wrong_layer(name, slot, file):
                yield (slot,), wrong


def _can_apply(style: Style, exception: RuleException, rules: Mapping[str, Rules]) -> bool:
    """Is there a combination for which it holds?"""
    if not style.options:
        return True
    for length, of_length in rules.items():
        if style.applies(exception.lengths, length):
            for one in exception.any_of or ("",):
                codes = exception.picked | ({one} if one else set())
                if codes <= set(of_length.codes) and of_length.can_be_picked(codes, exception.without):
                    return True
    return False
