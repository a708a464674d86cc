"""A style file says what it means, or which line is wrong and what to do."""

import json

import pytest

from darkroom.errors import BadInput
from darkroom.sample import style_text
from darkroom.styles.style_file import load_style

GOOD = style_text()


def refusal(text: str) -> list[str]:
    with pytest.raises(BadInput) as refused:
        load_style(text.encode(), "dress.yaml")
    return refused.value.problems


def test_the_sample_style_is_read():
    style = load_style(GOOD.encode(), "sample-dress.yaml")
    assert list(style.length_names) == ["micro_mini", "knee", "maxi"]
    assert style.default_layers("knee", "front")["bottom"] == "base_knee_bottom_front"


def test_json_is_yaml():
    document = {
        "style": "fp-1",
        "name": None,
        "colours": 2,
        "lengths": {"mini": "Mini"},
        "customizations": ["t1"],
        "ignored_customizations": [],
        "source_folders": ["a b/c's"],
        "defaults": {"Mini": {"front": {"neckline": "base_neckline_front"}}},
    }
    assert load_style(json.dumps(document, indent="\t").encode(), "x.json").style == "fp-1"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "customizations: [t1",
            "custmizations: [t1",
            "'custmizations' is no key of a style file; did you mean 'customizations'?",
        ),
        ("colours: 6", "colours: many", "colours: it must be a whole number"),
        ("style: sample-dress", "style: ../dress", "cannot name a folder"),
        ("  knee: Knee", "  knee: Kn/ee", "cannot stand in a file name"),
        ("  knee: Knee", "  knee: Maxi", "is the same length as"),
        ("      neckline: base_neckline_front", "      neckline: ../x_neckline_front", "no file can be called"),
        ("      neckline: base_neckline_front", "      neckline: base_belt_front", "is a layer of the slot 'belt'"),
        (
            "      neckline: base_neckline_front",
            "      collar: base_neckline_front",
            "defaults.Micro-Mini.front.collar",
        ),
        ("  - one of: [t1, t2, t3]", "  - one off: [t1, t2, t3]", "did you mean 'one of'?"),
        ("  - one of: [t1, t2, t3]", "  - one of: [t1, t2, t77]", "'t77' is not in 'layering'"),
        ("  - [t2, t4]", "  - [t2, t78]", "'t78' stands in no option"),
        ("    lengths: [Maxi]", "    lengths: [Ankle]", "'Ankle' is no length of this style"),
        ("  - one of: [t1, t2, t3]", "  - one of: [t1, t2, t3]\n    at most: 1", "is at most one already"),
        ("  - any of: [t6, b4, a1]", "  - any of: [t6, b4, a1]\n    at most: 3", "at most 3 of 3 codes says nothing"),
        ("  - any of: [t6, b4, a1]", "  - any of: [t6, b4, a1]\n    at most: 0", "it must be 1 or more"),
        (
            "  - any of: [t6, b4, a1]",
            "  - any of: [t6, b4, a1]\n    under: [t77]",
            "under names 't77', which stands in no",
        ),
        (
            "  - any of: [t6, b4, a1]",
            "  - any of: [t6, b4, a1]\n    requires: [a4]",
            "requires a4, which Maxi does not offer",
        ),
        ("  - any of: [t6, b4, a1]", "  - any of: [t6, b4, a1]\n    under: [t4, a4]", "none of which Maxi offers"),
        ("  - any of: [t6, b4, a1]", "  - any of: [t6, b4, a1]\n    under: [t6]", "need one another in a circle"),
        ("  - any of: [t6, b4, a1]", "  - any of: [t6, b4, a1]\n    requires: [t2]", "'t6' can never be picked"),
        ("  - [t2, t4]", "  - [t2, t4, t5]", "a pair has two codes"),
        ("  - [t2, t4]", "  - {t2: [t4], t3: [t4]}", "write one code and those that it excludes"),
        ("  - [t2, t4]", "  - t2: [t2]", "'t2' excludes itself"),
        ("layering: [a1,", "layering_of: {Ankle: [a1]}\nlayering: [a1,", "'Ankle' is no length of this style"),
        ("name: Sample Dress", "style: again", "'style' stands twice"),
        ("name: Sample Dress", "name: ]", "correct the YAML"),
    ],
)
def test_a_broken_style_file_names_the_line_and_what_to_do(old, new, said):
    assert old in GOOD
    broken = GOOD.replace(old, new, 1)
    problems = refusal(broken)
    assert any(said in problem for problem in problems), problems
    first = new.strip().splitlines()[0]
    lines = [index for index, line in enumerate(broken.splitlines(), 1) if first in line]
    assert any(f"dress.yaml, line {line}" in problem for line in (*lines, lines[0] + 1) for problem in problems), (
        problems
    )


@pytest.mark.parametrize(
    ("old", "new", "line_says", "said"),
    [
        ("  - one of: [t1, t2, t3]", "  - one of: [t1, t2, t3, b1]", "  - any of: [b1]", "'b1' stands in two options"),
        (
            "layering: [a1,",
            "layering_of: {Knee: [a2]}\nlayering: [a1,",
            "  - one of: [t1, t2, t3]",
            "'t1' is not in 'layering_of Knee'",
        ),
    ],
)
def test_a_contradiction_is_named_where_the_second_word_stands(old, new, line_says, said):
    broken = GOOD.replace(old, new, 1)
    line = broken.splitlines().index(line_says) + 1
    assert any(problem.startswith(f"dress.yaml, line {line}:") and said in problem for problem in refusal(broken))


def test_every_problem_is_named_not_only_the_first():
    broken = GOOD.replace("colours: 6", "colours: 0").replace("name: Sample Dress", "nmae: Sample Dress")
    assert len(refusal(broken)) == 2


def test_aliases_that_could_grow_without_end_are_refused():
    assert "aliases" in refusal("a: &a [x]\nb: *a\n")[0]


def test_what_old_systems_write_is_read_as_it_is_meant():
    text = GOOD.replace("customizations: [t1,", "customizations: [t1, t1, T1,", 1)
    text = text.replace("      belt: default_belt_front", "      behind_belt: default_behind_belt_front", 1)
    style = load_style(text.encode(), "dress.yaml")
    assert style.default_layers("micro_mini", "front")["behindbelt"] == "default_behindbelt_front"
    assert style.codes_of("knee").count("t1") == 1


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "\x00"])
def test_what_is_no_mapping_is_refused(text):
    assert refusal(text)


def test_bytes_that_are_no_utf8_are_refused():
    with pytest.raises(BadInput, match="no UTF-8"):
        load_style(b"style: \xff\xfe", "dress.yaml")
