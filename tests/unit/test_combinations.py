"""From options to combinations to stacks."""

from itertools import combinations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from darkroom.errors import BadInput
from darkroom.sample import layer_names, style_text
from darkroom.styles.options import check_count, count_combinations, enumerate_combinations
from darkroom.styles.rules import Rules
from darkroom.styles.stacks import Resolver, slots_without_default
from darkroom.styles.style import Exclusion, Option, Style
from darkroom.styles.style_file import load_style

SAMPLE = load_style(style_text().encode(), "sample-dress.yaml")


def style_of(options: list[Option], incompatible: list[Exclusion]) -> Style:
    codes = dict.fromkeys(code for option in options for code in option.codes)
    return Style(
        style="s",
        colours=1,
        lengths={"mini": "Mini", "knee": "Knee"},
        customizations=tuple(codes),
        defaults={},
        options=tuple(options),
        incompatible=tuple(incompatible),
    )


def some(draw: st.DrawFn, codes: list[str], most: int = 2) -> tuple[str, ...]:
    """None of the codes mostly, sometimes a few."""
    if not codes or draw(st.integers(0, 2)):
        return ()
    return tuple(draw(st.lists(st.sampled_from(codes), min_size=1, max_size=most, unique=True)))


@st.composite
def styles(draw: st.DrawFn) -> Style:
    """Small random styles with every kind of rule; needs may point anywhere, also nowhere or in a circle."""
    offered = [f"c{number}" for number in range(draw(st.integers(1, 7)))]
    codes, options = list(draw(st.permutations(offered))), []
    while codes:
        size = draw(st.integers(1, len(codes)))
        taken, codes = tuple(codes[:size]), codes[size:]
        one_of = draw(st.booleans())
        options.append(
            Option(
                one_of=taken if one_of else (),
                any_of=() if one_of else taken,
                at_most=None if one_of else draw(st.sampled_from([None, None, 1, 2])),
                under=some(draw, offered),
                requires=some(draw, offered),
                lengths=draw(st.sampled_from([(), (), ("Knee",), ("mini", "Knee")])),
            )
        )
    pairs = draw(st.lists(st.sampled_from(list(combinations(offered, 2)) or [("", "")]), max_size=5))
    lengths = draw(st.sampled_from([(), ("Mini",)]))
    return style_of(options, [Exclusion(code=one, others=(other,), lengths=lengths) for one, other in pairs if one])


def is_valid(style: Style, length: str, chosen: tuple[str, ...]) -> bool:
    """The meaning of a style's rules, said as directly as can be."""
    picked = set(chosen)
    for option in style.options_of(length):
        mine = picked & set(option.codes)
        if len(mine) > (1 if option.one_of else option.at_most or len(mine)):
            return False
        if mine and (not set(option.requires) <= picked or (option.under and not picked & set(option.under))):
            return False
    return not any(
        {exclusion.code, other} <= picked
        for exclusion in style.incompatible
        for other in exclusion.others
        if style.applies(exclusion.lengths, length)
    )


def brute_force(style: Style, length: str) -> set[tuple[str, ...]]:
    codes = style.codes_of(length)
    sets = (chosen for size in range(len(codes) + 1) for chosen in combinations(codes, size))
    return {chosen for chosen in sets if is_valid(style, length, chosen)}


@given(styles(), st.sampled_from(["mini", "knee"]))
@settings(max_examples=300)
def test_enumeration_equals_brute_force(style, length):
    assume(not Rules.of(style, length).circle)
    found = list(enumerate_combinations(style, length))
    assert len(found) == len(set(found))
    assert set(found) == brute_force(style, length)
    assert found[0] == ()
    assert count_combinations(style, length, 10_000) == len(found)


@given(styles(), st.sampled_from(["mini", "knee"]))
def test_a_code_is_dead_when_no_combination_has_it(style, length):
    rules = Rules.of(style, length)
    assume(not rules.circle)
    alive = {code for chosen in brute_force(style, length) for code in chosen}
    assert {code for code in rules.codes if rules.can_be_picked([code])} == alive


def big(codes: int) -> Style:
    return style_of([Option(any_of=tuple(f"c{number}" for number in range(codes)))], [])


def test_a_million_combinations_stream_and_are_counted_without_being_enumerated():
    assert count_combinations(big(60), "knee", 10_000) == 2**60
    stream = enumerate_combinations(big(60), "knee")
    assert len([next(stream) for _ in range(10_000)]) == 10_000


def test_a_style_that_allows_too_many_says_so_before_it_starts():
    with pytest.raises(BadInput, match=r"1,048,576 combinations in Knee, and the limit is 1,000,000"):
        check_count(big(20), "knee", 1_000_000, "dress.yaml")
    check_count(big(19), "knee", 1_000_000, "dress.yaml")


def test_the_sample_has_a_few_hundred_combinations():
    assert {length: sum(1 for _ in enumerate_combinations(SAMPLE, length)) for length in SAMPLE.length_names} == {
        "micro_mini": 78,
        "knee": 152,
        "maxi": 160,
    }


@pytest.mark.parametrize(
    ("codes", "stack"),
    [
        ((), "base_knee_bottom_front default_belt_front base_neckline_front"),
        (("t1",), "base_knee_bottom_front default_belt_front t1_neckline_front"),
        (("t1", "t5"), "base_knee_bottom_front default_belt_front t5_for_t1_neckline_front"),
        (("b1", "b3"), "b3_for_b1_knee_bottom_front default_belt_front base_neckline_front"),
    ],
)
def test_the_layer_with_the_most_conditions_met_is_drawn(codes, stack):
    assert " ".join(Resolver(SAMPLE, "knee", "front", layer_names()).stack(codes)) == stack


def test_behind_and_infront_collect_the_latest_code_first():
    resolver = Resolver(
        SAMPLE, "knee", "front", ["t1_behind_front", "t2_behind_front", "t3_infront_front", "t4_infront_front"]
    )
    stack = resolver.stack(("t1", "t2", "t3", "t4"))
    assert stack[:2] == ("t2_behind_front", "t1_behind_front")
    assert stack[-2:] == ("t4_infront_front", "t3_infront_front")


def test_a_code_that_draws_nothing_changes_nothing():
    resolver = Resolver(SAMPLE, "knee", "front", layer_names())
    assert resolver.stack(("zz9",)) == resolver.stack(())


def test_a_stack_never_holds_a_layer_that_is_not_there():
    present = set(layer_names())
    for length in SAMPLE.length_names:
        for side in ("front", "back"):
            resolver = Resolver(SAMPLE, length, side, present)
            for codes in enumerate_combinations(SAMPLE, length):
                assert set(resolver.stack(codes)) <= present


def test_a_slot_that_only_other_lengths_draw_is_a_finding():
    style = SAMPLE.model_copy(
        update={"defaults": {**SAMPLE.defaults, "Maxi": {"front": {"neckline": "base_neckline_front"}, "back": {}}}}
    )
    style = Style.model_validate(style.model_dump(by_alias=True))
    assert slots_without_default(style, "maxi", "front") == ["bottom", "belt"]
    assert slots_without_default(style, "knee", "front") == []
