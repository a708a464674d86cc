"""In what way two stacks differ, counted by kind."""

import pytest

from darkroom.sample import layer_names, style_text
from darkroom.styles.exports import Row
from darkroom.styles.resolving import compare_stacks, in_layering_order, kind_of
from darkroom.styles.style_file import load_style

SAMPLE = load_style(style_text().encode(), "sample-dress.yaml")
LAYERS = {"a_belt_front", "b_belt_front", "t1_neckline_front", "x_behind_front"}


@pytest.mark.parametrize(
    ("rule", "export", "kind"),
    [
        (("a_belt_front",), ("b_belt_front",), "another layer in belt"),
        (("a_belt_front", "x_behind_front"), ("a_belt_front",), "a layer too many in behind"),
        (("a_belt_front",), ("x_behind_front", "a_belt_front"), "a layer too few in behind"),
        (("a_belt_front", "x_behind_front"), ("x_behind_front", "a_belt_front"), "another order"),
        (("a_belt_front",), ("zz_belt_front",), "a layer that nobody delivered"),
    ],
)
def test_every_difference_has_a_kind(rule, export, kind):
    assert kind_of(rule, export, LAYERS) == kind


def test_a_comparison_holds_both_stacks_of_every_disagreement():
    front = ("base_knee_bottom_front", "default_belt_front", "t1_neckline_front")
    back = ("base_knee_bottom_back", "default_belt_back", "base_neckline_back")
    comparison = compare_stacks(SAMPLE, "knee", [Row(1, ("t1",), {"front": front, "back": back})], set(layer_names()))
    assert (comparison.stacks, comparison.agree, comparison.disagree) == (2, 1, 1)
    (one,) = comparison.disagreements
    assert (one.combination, one.side, one.export) == ("t1", "back", back)
    assert one.rule[-1] == "t1_neckline_back"
    assert comparison.kinds == {one.kind: 1}


def test_codes_are_layered_as_the_style_says_not_as_the_export_writes_them():
    assert in_layering_order(SAMPLE, "knee", ("b1", "zz", "t1", "a2")) == ("a2", "t1", "b1", "zz")
