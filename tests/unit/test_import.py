"""From exports back to the rules that made them."""

from itertools import combinations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from darkroom.errors import BadInput
from darkroom.styles.exports import Row
from darkroom.styles.importing import import_style
from darkroom.styles.inference import infer
from darkroom.styles.options import enumerate_combinations
from darkroom.styles.style import Exclusion, Option, Style
from darkroom.styles.style_file import load_style

LENGTHS = {"mini": "Mini", "knee": "Knee", "maxi": "Maxi"}
STACK = ("base_neckline_front",)


def style_of(codes: tuple[str, ...], **more: object) -> Style:
    return Style(
        style="dress",
        name='Dress "Zoë\'s": #1',
        colours=2,
        lengths=LENGTHS,
        customizations=codes,
        source_folders=("Studio/Render PNG's", "no"),
        defaults={
            length: {side: {"neckline": "base_neckline_front"} for side in ("front", "back")}
            for length in LENGTHS.values()
        },
        **more,
    )


def export(*combinations: str, stack: tuple[str, ...] = STACK) -> list[Row]:
    return [
        Row(line, tuple(combination.split("-")), {"front": stack, "back": stack})
        for line, combination in enumerate(combinations, 1)
    ]


def sold(style: Style, length: str) -> list[Row]:
    return export(*("-".join(codes) for codes in enumerate_combinations(style, length) if codes))


@st.composite
def styles(draw: st.DrawFn) -> Style:
    """Styles of groups and pairs, which is all that exports can show; also codes that YAML would misread."""
    names = ["t1", "t2", "t10", "b1", "b2", "no", "n", "1e3", "a1", "0x1f"]
    codes = draw(st.lists(st.sampled_from(names), min_size=1, max_size=8, unique=True))
    rest, options = list(codes), []
    while rest:
        size = draw(st.integers(1, len(rest)))
        taken, rest = tuple(rest[:size]), rest[size:]
        lengths = draw(st.sampled_from([(), (), ("Knee",), ("Mini", "Maxi")]))
        one_of = draw(st.booleans())
        options.append(Option(one_of=taken if one_of else (), any_of=() if one_of else taken, lengths=lengths))
    pairs = draw(st.lists(st.sampled_from(list(combinations(codes, 2)) or [("", "")]), max_size=6))
    where = st.sampled_from([(), ("Knee",)])
    exclusions = [Exclusion(code=one, others=(other,), lengths=draw(where)) for one, other in pairs if one]
    return style_of(tuple(codes), options=tuple(options), incompatible=tuple(exclusions), layering=tuple(codes))


@given(styles())
@settings(max_examples=300, deadline=None)
def test_import_of_an_enumeration_gives_back_an_equivalent_style(style):
    exports = {length: rows for length in style.length_names if (rows := sold(style, length))}
    assume(exports)
    base = style_of(style.customizations)
    imported = load_style(import_style(base, exports).encode(), "imported.yaml")
    for length in exports:
        assert set(enumerate_combinations(imported, length)) == set(enumerate_combinations(style, length))
    for key in ("style", "name", "colours", "lengths", "customizations", "source_folders", "defaults"):
        assert getattr(imported, key) == getattr(base, key)


def test_codes_that_exclude_each_other_become_groups_and_the_rest_is_said_in_few_lines():
    codes = ("t1", "t2", "t3", "b1", "a1")
    style = style_of(
        codes,
        options=(Option(one_of=("t1", "t2", "t3")), Option(any_of=("b1",), lengths=("Knee",)), Option(any_of=("a1",))),
        incompatible=(Exclusion(code="a1", others=("t2", "t3")),),
    )
    found = infer(style_of(codes), {length: sold(style, length) for length in style.length_names})
    assert [(option.one_of, option.any_of, option.lengths) for option in found.options] == [
        (("t1", "t2", "t3"), (), ()),
        ((), ("b1",), ("Knee",)),
        ((), ("a1",), ()),
    ]
    assert [(exclusion.code, exclusion.others) for exclusion in found.incompatible] == [("a1", ("t2", "t3"))]


def test_an_export_that_pairs_cannot_explain_is_refused_with_the_combinations_that_differ():
    with pytest.raises(BadInput) as refused:
        import_style(style_of(("t1", "b1", "a1")), {"knee": export("t1", "b1", "a1", "t1-b1", "t1-a1", "b1-a1")})
    assert "Knee" in refused.value.problems[0]
    assert "allowed but not exported: a1-b1-t1" in refused.value.problems[0]


def test_a_length_that_contradicts_the_others_has_an_order_of_its_own():
    usual, odd = export("t1", "b1", "t1-b1"), export("t1", "b1", "b1-t1")
    found = infer(style_of(("b1", "t1")), {"mini": usual, "knee": odd, "maxi": usual})
    assert found.layering == ("t1", "b1")
    assert found.layering_of == {"Knee": ("b1", "t1")}
    imported = load_style(
        import_style(style_of(("b1", "t1")), {"mini": usual, "knee": odd, "maxi": usual}).encode(), "x"
    )
    assert imported.layering_order("knee") == ("b1", "t1")
    assert imported.layering_order("maxi") == ("t1", "b1")


def test_what_the_defaults_look_like_is_read_off_the_stacks():
    rows = [
        Row(1, ("t1",), {"front": ("t1_neckline_front",), "back": ("t1_neckline_front",)}),
        Row(2, ("t5",), {"front": ("t5_for_t1_neckline_front",), "back": ("base_neckline_front",)}),
        Row(3, ("t1", "t5"), {"front": ("t5_for_t1_neckline_front",), "back": ("base_neckline_front",)}),
    ]
    assert infer(style_of(("t1", "t5")), {"mini": rows}).defaults_stand_for == ("t1",)
    assert infer(style_of(("t1", "t5")), {"mini": rows[:1]}).defaults_stand_for == ()
