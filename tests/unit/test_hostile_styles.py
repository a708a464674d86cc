"""A style file of any text is read as it looks, or refused with a sentence, in seconds: by work, not by a clock."""

from itertools import pairwise

import pytest

from darkroom import yaml_lines
from darkroom.errors import BadInput
from darkroom.sample import style_text
from darkroom.styles.exports import parse_export
from darkroom.styles.options import check_count, count_combinations
from darkroom.styles.style import MOST_CODES, Style
from darkroom.styles.style_file import load_style

GOOD = style_text()
NAME, CODES, LAYERING, OPTIONS, EXCLUDED = (
    "name: Sample Dress",
    "customizations: [",
    "layering: [",
    "options:\n",
    "incompatible:\n",
)


def refusal(text: str) -> list[str]:
    with pytest.raises(BadInput) as refused:
        load_style(text.encode(), "dress.yaml")
    return refused.value.problems


def style_of(codes: list[str], options: str, incompatible: str = "") -> Style:
    listed = ", ".join(codes)
    text = GOOD.replace(CODES, f"{CODES}{listed}, ", 1).replace(LAYERING, f"{LAYERING}{listed}, ", 1)
    text = text.replace(OPTIONS, OPTIONS + options, 1).replace(EXCLUDED, EXCLUDED + incompatible, 1)
    return load_style(text.encode(), "dress.yaml")


NESTED = {
    "3,000 brackets": "[" * 3000,
    "3,000 brackets that are closed": "style: " + "[" * 3000 + "]" * 3000,
    "3,000 braces": "{a: " * 3000,
    "3,000 lists": "- " * 3000,
    "1,000 mappings": "".join(f"{' ' * depth}a:\n" for depth in range(1000)),
    "a bracket in the options": GOOD.replace("  - [t2, t4]", f"  - {'[' * 600}{']' * 600}"),
}


@pytest.mark.parametrize("text", NESTED.values(), ids=NESTED)
def test_what_is_nested_without_end_is_refused_where_it_gets_too_deep(text):
    assert [said for said in refusal(text) if "more than 20 levels in one another; is a bracket not closed?" in said]


@pytest.mark.parametrize(
    "value",
    [
        *(
            "!!python/object:os.system ls",
            "!!python/name:os.system",
            "!!int abc",
            "!!bool maybe",
            "!!float x",
            "!own 3",
        ),
        *("!own 3", "!!timestamp 2021-13-45", "!!set {a, b}", "!!map x", "!!str 3", "! 3"),
    ],
)
def test_tags_are_not_read(value):
    assert refusal(GOOD.replace(NAME, f"name: {value}")) == [
        "dress.yaml, line 14: tags (!) are not read; write the value alone, in quotes where it is text."
    ]


@pytest.mark.parametrize("code", ["no", "on", "yes", "off", "0x1f", "010", "1_0", "1e3"])
def test_a_code_that_yaml_1_1_takes_for_another_thing_is_the_code_that_it_looks_like(code):
    assert load_style(GOOD.replace(CODES, f"{CODES}{code}, ").encode(), "x").customizations[0] == code


@pytest.mark.parametrize("name", ["2026-11-01", "2026-99-99", "1:30", "0x1F", ".nan", "9" * 5000])
def test_a_garment_may_be_called_like_a_date_or_a_number_of_another_kind(name):
    assert load_style(GOOD.replace(NAME, f"name: {name}").encode(), "x").name == name


@pytest.mark.parametrize(("code", "said"), [("12", "12"), ("true", "true"), ("FALSE", "false")])
def test_a_code_that_is_a_number_or_true_is_asked_for_in_quotes(code, said):
    problems = refusal(GOOD.replace(CODES, f"{CODES}{code}, "))
    assert problems[0].endswith(
        f"customizations.0: it must be text, and {said} is none without quotes; write '{said}'."
    )
    quoted = load_style(GOOD.replace(CODES, f"{CODES}'{code}', ").encode(), "x")
    assert quoted.customizations[0] == code.lower()


@pytest.mark.parametrize("colours", ["0x10", "010", "6.0", "yes", "true", "1:30", "'6'", "1e1", "9" * 30])
def test_a_count_is_a_whole_number_in_decimal_digits_and_nothing_else(colours):
    assert "colours: it must be a whole number, not" in refusal(GOOD.replace("colours: 6", f"colours: {colours}"))[0]


@pytest.mark.parametrize("value", ['"\\ud800"', '"\\U00110000"', "a\0b", "a\x07b"])
def test_a_character_that_is_none_is_refused(value):
    assert "correct the" in refusal(GOOD.replace(NAME, f"name: {value}"))[0]


def test_without_libyaml_the_same_is_read_and_refused(monkeypatch):
    monkeypatch.setattr(yaml_lines, "_LOADER", yaml_lines.yaml.SafeLoader)
    assert load_style(GOOD.encode(), "x").style == "sample-dress"
    assert "levels in one another" in refusal("style: " + "[" * 60)[0]
    assert "tags (!) are not read" in refusal(GOOD.replace(NAME, "name: !!int 3"))[0]
    assert load_style(GOOD.replace(CODES, f"{CODES}no, ").encode(), "x").customizations[0] == "no"
    assert "correct the" in refusal(GOOD.replace(NAME, 'name: "\\ud800"'))[0]
    assert "correct the" in refusal(GOOD.replace(NAME, 'name: "\\U00110000"'))[0]


def test_a_style_of_300_000_codes_is_another_file():
    codes = ", ".join(f"c{number}" for number in range(300_000))
    assert refusal(GOOD.replace(CODES, f"{CODES}{codes}, ")) == [
        "dress.yaml: it has more than 1,048,576 characters, which no style file needs; is it another file?"
    ]


@pytest.mark.parametrize("place", [CODES, LAYERING, "  - any of: [t6, "])
def test_a_style_of_20_000_codes_is_refused_wherever_they_stand(place):
    codes = ", ".join(f"c{number}" for number in range(20_000))
    assert [said.partition(": ")[2] for said in refusal(GOOD.replace(place, f"{place}{codes}, ", 1))] == [
        "it has 20,015 codes, and a style has 500 at most; is this one style?"
    ]


def test_of_many_problems_the_first_are_told_and_the_others_counted():
    keys = "".join(f"k{number}: 1\n" for number in range(5000))
    problems = refusal(f"{GOOD}\n{keys}")
    assert len(problems) == 51
    assert problems[-1] == "dress.yaml: there are 4,950 more; correct these first."
    twice = refusal(GOOD.replace(LAYERING, f"{LAYERING}{'a1, ' * 5000}", 1))
    assert len(twice) == 51


def test_a_chain_of_choices_that_can_never_be_made_is_told_without_going_through_them_all():
    pairs = [[f"x{at}a", f"x{at}b"] for at in range(60)]
    options = f"  - any of: [{', '.join(pairs[0])}]\n" + "".join(
        f"  - any of: [{', '.join(pair)}]\n    under: [{', '.join(above)}]\n" for above, pair in pairwise(pairs)
    )
    excluded = "".join(f"  - [{last}, {first}]\n" for last in pairs[-1] for first in pairs[0])
    with pytest.raises(BadInput, match="'x59a' can never be picked"):
        style_of([code for pair in pairs for code in pair], options, excluded)
    assert style_of([code for pair in pairs for code in pair], options)


@pytest.mark.parametrize("turned", [False, True])
def test_a_chain_of_requirements_as_long_as_it_can_be_is_read_and_counted(turned):
    codes = [f"c{number}" for number in range(MOST_CODES - 20)]
    order = codes[::-1] if turned else codes
    options = f"  - any of: [{order[0]}]\n" + "".join(
        f"  - any of: [{code}]\n    requires: [{before}]\n" for before, code in pairwise(order)
    )
    style = style_of(codes, options)
    without = count_combinations(load_style(GOOD.encode(), "x"), "knee", 10_000)
    assert count_combinations(style, "knee", 5_000_000) == without * (len(codes) + 1)


def test_more_pigeons_than_holes_are_too_tangled_to_tell():
    holes = [[f"h{pigeon}_{hole}" for hole in range(9)] for pigeon in range(10)]
    pigeons = [f"p{number}" for number in range(10)]
    options = "".join(f"  - any of: [{', '.join(of_one)}]\n" for of_one in holes)
    options += "".join(
        f"  - any of: [{pigeon}]\n    under: [{', '.join(of_one)}]\n"
        for pigeon, of_one in zip(pigeons, holes, strict=True)
    )
    options += f"  - any of: [z1]\n    requires: [{', '.join(pigeons)}]\n"
    excluded = "".join(
        f"  - [{one[hole]}, {other[hole]}]\n"
        for hole in range(9)
        for at, one in enumerate(holes)
        for other in holes[:at]
    )
    with pytest.raises(BadInput, match=r"dress\.yaml: options: whether z1 can be picked takes too long to tell"):
        style_of([*(code for of_one in holes for code in of_one), *pigeons, "z1"], options, excluded)


@pytest.mark.parametrize("interleaved", [False, True])
def test_options_without_end_are_said_to_be_too_many(interleaved):
    codes = [f"c{number}" for number in range(60 if interleaved else MOST_CODES - 20)]
    pairs = zip(codes[:30], codes[30:], strict=True) if interleaved else ()
    style = style_of(codes, f"  - any of: [{', '.join(codes)}]\n", "".join(f"  - [{a}, {b}]\n" for a, b in pairs))
    with pytest.raises(BadInput, match="the options allow more than 5,000,000 combinations in Knee"):
        check_count(style, "knee", 5_000_000, "dress.yaml")


@pytest.mark.parametrize(("sign", "name"), [(";", "semicolons"), ("\t", "tabs"), ("|", "bars")])
def test_an_export_with_another_separator_is_told_so_once(sign, name):
    rows = "".join(f"t{number}{sign}t1_neckline_front{sign}t1_neckline_back\n" for number in range(20_000))
    assert parse_export(rows.encode(), "Knee.csv") == (
        [],
        [f"Knee.csv: its columns are separated by {name}; export it with commas."],
    )
