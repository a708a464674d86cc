"""From options to combinations to stacks."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkroom.sample import layer_names, style_text
from darkroom.styles.options import enumerate_combinations
from darkroom.styles.stacks import Resolver, slots_without_default
from darkroom.styles.style import Option, Style, load_style

SAMPLE = load_style(style_text().encode(), "sample-dress.yaml")


def style_of(options: list[Option], incompatible: list[tuple[str, str]]) -> Style:
    codes = [code for option in options for code in option.codes]
    return Style(
        style="s",
        colours=1,
        lengths={"mini": "Mini", "knee": "Knee"},
        customizations=tuple(codes),
        defaults={},
        options=tuple(options),
        incompatible=tuple(incompatible),
    )


@st.composite
def styles(draw: st.DrawFn) -> Style:
    codes = [f"c{number}" for number in range(draw(st.integers(1, 8)))]
    options = []
    while codes:
        size = draw(st.integers(1, len(codes)))
        taken, codes = tuple(codes[:size]), codes[size:]
        lengths = draw(st.sampled_from([(), ("Knee",), ("Mini", "Knee")]))
        one_of = draw(st.booleans())
        options.append(Option(one_of=taken if one_of else (), any_of=() if one_of else taken, lengths=lengths))
    offered = [code for option in options for code in option.codes]
    pairs = draw(st.lists(st.sampled_from(list(combinations(offered, 2)) or [("", "")]), max_size=6))
    return style_of(options, [pair for pair in pairs if pair[0]])


@given(styles(), st.sampled_from(["mini", "knee"]))
def test_enumeration_equals_brute_force(style, length):
    codes = style.codes_of(length)

    def valid(chosen: tuple[str, ...]) -> bool:
        groups = all(len(set(option.one_of) & set(chosen)) <= 1 for option in style.options)
        return groups and not any(set(pair) <= set(chosen) for pair in style.incompatible)

    expected = {chosen for size in range(len(codes) + 1) for chosen in combinations(codes, size) if valid(chosen)}
    found = list(enumerate_combinations(style, length))
    assert len(found) == len(set(found))
    assert set(found) == expected
    assert found[0] == ()


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
