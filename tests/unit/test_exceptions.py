"""What the rule does not say becomes few exceptions, and the stacks are proven to be the exports'."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import combinations

import pytest

from darkroom.errors import BadInput
from darkroom.styles import importing
from darkroom.styles.exports import Row
from darkroom.styles.importing import compare_all_stacks, import_style
from darkroom.styles.names import SIDES, SLOTS
from darkroom.styles.resolving import in_layering_order
from darkroom.styles.stacks import Resolver, Stack
from darkroom.styles.style import Style
from darkroom.styles.style_file import load_style

LENGTHS = {"mini": "Mini", "knee": "Knee", "maxi": "Maxi"}
CODES = ("t1", "t2", "t3", "b1", "b2", "a1", "a2", "a3")
LAYERS = {
    f"{name}_{side}"
    for side in SIDES
    for name in (
        *(f"{code}_neckline" for code in ("t1", "t2", "t3")),
        *(f"{code}_{length}_bottom" for code in ("base", "b1", "b2") for length in LENGTHS),
        *(f"{code}_{slot}" for code in ("a1", "a2", "a3") for slot in ("behind", "infront")),
        *("t3_for_t1_neckline", "a2_belt", "base_belt", "base_neckline"),
    )
}
BASE = Style(
    style="dress",
    colours=1,
    lengths=LENGTHS,
    customizations=CODES,
    layering=CODES,
    defaults={
        name: {
            side: {slot: f"base_{slug}bottom_{side}" if slot == "bottom" else f"base_{slot}_{side}" for slot in slots}
            for side in SIDES
        }
        for name, slug, slots in [(name, f"{key}_", ("bottom", "belt", "neckline")) for key, name in LENGTHS.items()]
    },
)
Old = Callable[[frozenset[str], str, str, dict[str, Stack]], None]
"""What the old tool did otherwise: changes a stack's slots, by picked codes, length and side."""


def sold(*old: Old, style: Style = BASE, layers: set[str] = LAYERS) -> dict[str, list[Row]]:
    """The exports of all sets of codes without t1 and t2 together, as the rule and an old tool draw them."""
    exports: dict[str, list[Row]] = {}
    for length in LENGTHS:
        rows = exports[length] = []
        resolvers = {side: Resolver(style, length, side, layers) for side in SIDES}
        for many in range(1, len(CODES) + 1):
            for codes in combinations(CODES, many):
                if {"t1", "t2"} <= set(codes):
                    continue
                stacks = {side: drawn(resolvers[side].stack(codes), old, codes, length, side) for side in SIDES}
                rows.append(Row(len(rows) + 1, codes, stacks))
    return exports


def drawn(stack: Stack, old: tuple[Old, ...], codes: tuple[str, ...], length: str, side: str) -> Stack:
    slots = importing.in_slots(stack)
    for change in old:
        change(frozenset(codes), length, side, slots)
    return tuple(name for slot in SLOTS for name in slots.get(slot, ()))


def imported(exports: Mapping[str, list[Row]]) -> Style:
    """The imported style, whose stacks this asks again with a resolver of its own."""
    style = load_style(import_style(BASE, exports).encode(), "imported.yaml")
    layers = {name for rows in exports.values() for row in rows for stack in row.stacks.values() for name in stack}
    for length, rows in exports.items():
        for side in SIDES:
            resolver = Resolver(style, length, side, layers)
            for row in rows:
                assert resolver.stack(in_layering_order(style, length, row.codes)) == row.stacks[side]
    return style


def left_out(codes, length, side, slots):
    if {"t3", "b1"} <= codes and side == "back":
        slots["neckline"] = next(((f"{t}_neckline_back",) for t in ("t2", "t1") if t in codes), ("base_neckline_back",))


def older_default(codes, length, side, slots):
    if length == "knee" and slots["bottom"] == (f"base_knee_bottom_{side}",):
        slots["bottom"] = (f"base_mini_bottom_{side}",)


def layer_of_another_length(codes, length, side, slots):
    if length == "maxi" and slots["bottom"] == ("b2_maxi_bottom_front",):
        slots["bottom"] = ("b2_knee_bottom_front",)


def conditional_only_when_alone(codes, length, side, slots):
    if slots["neckline"] == (f"t3_for_t1_neckline_{side}",) and codes != {"t1", "t3"}:
        slots["neckline"] = (f"t3_neckline_{side}",)


def another_order(codes, length, side, slots):
    if {"a1", "a3"} <= codes and length == "mini":
        slots["infront"] = tuple(f"{a}_infront_{side}" for a in ("a1", "a3", "a2") if a in codes)


def empty_slot(codes, length, side, slots):
    if {"b1", "b2"} <= codes and side == "front":
        slots.pop("belt")


def ignored_in_one_length(codes, length, side, slots):
    if "a1" in codes and length == "knee":
        for slot in ("behind", "infront"):
            slots[slot] = tuple(name for name in slots[slot] if not name.startswith("a1_"))


KINDS = [
    left_out,
    older_default,
    layer_of_another_length,
    conditional_only_when_alone,
    another_order,
    empty_slot,
    ignored_in_one_length,
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_each_regular_drift_is_one_exception(kind):
    assert len(imported(sold(kind)).exceptions) <= 2, kind


def test_all_drifts_at_once_are_about_as_many_exceptions():
    style = imported(sold(*KINDS))
    assert len(style.exceptions) <= len(KINDS) + 2


def test_the_same_exports_give_the_same_exceptions():
    exports = sold(left_out, empty_slot)
    assert import_style(BASE, exports) == import_style(BASE, exports)


def test_where_the_rule_says_it_all_there_is_no_exception():
    assert imported(sold()).exceptions == ()


def test_one_stack_that_follows_no_rule_is_still_said_exactly():
    exports = sold()
    row = exports["knee"][100]
    exports["knee"][100] = replace(row, stacks={**row.stacks, "back": ("b1_maxi_bottom_back", "t2_neckline_back")})
    assert 1 <= len(imported(exports).exceptions) <= 4


def test_a_stack_against_the_order_of_slots_is_refused_with_its_name():
    exports = sold()
    row = exports["knee"][5]
    exports["knee"][5] = replace(row, stacks={**row.stacks, "back": tuple(reversed(row.stacks["back"]))})
    with pytest.raises(BadInput) as refused:
        import_style(BASE, exports)
    assert f"1 stacks go against it ({'-'.join(row.codes)}, back)" in refused.value.problems[0]


def test_a_default_row_other_than_the_styles_defaults_is_refused():
    exports = sold()
    exports["mini"].append(Row(999, (), {side: (f"t1_neckline_{side}",) for side in SIDES}))
    with pytest.raises(BadInput, match="line 999, front: with nothing picked"):
        import_style(BASE, exports)


def test_what_the_search_did_not_find_is_refused_by_the_proof(monkeypatch):
    monkeypatch.setattr(importing, "find_exceptions", lambda *_: ())
    with pytest.raises(BadInput, match="stacks are not the export's"):
        import_style(BASE, sold(left_out))


def test_the_rule_alone_is_what_the_style_says_without_its_exceptions():
    exports = sold(left_out)
    style = imported(exports)
    assert list(compare_all_stacks(style, exports)) == []
    assert list(compare_all_stacks(style.without_exceptions(), exports)) != []


# the rule


def stack(codes: tuple[str, ...], layers: set[str], side: str = "front") -> Stack:
    return Resolver(BASE, "mini", side, layers).stack(codes)


def test_a_code_with_a_layer_for_a_picked_one_only_on_the_other_side_leaves_the_others():
    layers = {"t1_neckline_front", "t3_neckline_front", "t3_for_t1_neckline_back"}
    assert "t1_neckline_front" in stack(("t1", "t3"), layers)
    assert "t3_neckline_front" in stack(("t3",), layers)


def test_a_code_with_a_layer_for_a_picked_one_only_in_another_length_leaves_the_others():
    layers = {"t1_neckline_front", "t3_neckline_front", "t3_for_t1_knee_neckline_front"}
    assert "t1_neckline_front" in stack(("t1", "t3"), layers)


def test_a_layer_for_a_picked_code_leaves_out_the_codes_other_layers_in_all_slots():
    layers = {"t1_neckline_front", "t3_infront_front", "t3_for_t1_neckline_front"}
    assert "t3_infront_front" not in stack(("t1", "t3"), layers)
    assert "t3_infront_front" in stack(("t3",), layers)


# exceptions in a style file

SAID = """
exceptions:
  - code: b2
    with: [t1]
    lengths: [Maxi]
    side: front
    bottom: nothing
  - with any of: [a1, a2]
    without: [a3]
    alone: no
    belt: a2_belt_<side>
  - code: a1
    infront: after a2
"""


def style_text() -> str:
    exports = sold()
    return import_style(BASE, exports) + SAID


def test_exceptions_are_applied_after_the_rule():
    style = load_style(style_text().encode(), "x")
    maxi, mini = (Resolver(style, length, "front", LAYERS) for length in ("maxi", "mini"))
    assert "base_maxi_bottom_front" in maxi.stack(("t1", "b2"))
    assert "b2_mini_bottom_front" in mini.stack(("t1", "b2"))
    assert "a2_belt_front" in mini.stack(("t1", "a1"))
    assert "base_belt_front" in mini.stack(("a1",))
    assert mini.stack(("a1", "a2"))[-2:] == ("a1_infront_front", "a2_infront_front")
    assert mini.stack(()) == ("base_mini_bottom_front", "base_belt_front", "base_neckline_front")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("with: [t1]", "with: [t77]", "with names 't77', which stands in no option"),
        ("lengths: [Maxi]", "lengths: [Ankle]", "'Ankle' is no length"),
        ("bottom: nothing", "bottom: b2_belt_front", "is a layer of the slot 'belt', not 'bottom'"),
        ("bottom: nothing", "bottom: what", "no file can be called 'what'"),
        ("bottom: nothing", "botom: nothing", "did you mean 'bottom'?"),
        ("infront: after a2", "infront: after a77", "names 'a77', which the style does not list"),
        ("belt: a2_belt_<side>", "belt: after a2", "add the 'code'"),
        ("without: [a3]", "without: [a2]", "'a2' cannot be picked and not picked"),
        ("code: b2\n    with: [t1]", "code: b2\n    with: [t1, t2]", "can never apply"),
        ("    belt: a2_belt_<side>\n", "", "it says nothing of any slot"),
    ],
)
def test_an_exception_that_cannot_be_names_its_line(old, new, said):
    text = style_text()
    assert old in text
    first = text[: text.index("exceptions:")].count("\n") + 1
    with pytest.raises(BadInput) as refused:
        load_style(text.replace(old, new, 1).encode(), "dress.yaml")
    (problem,) = [one for one in refused.value.problems if said in one]
    assert int(problem.split("line ")[1].split(":")[0]) > first
