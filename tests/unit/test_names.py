"""Names are read and written in one way only."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkroom import keys
from darkroom.keys import Picture
from darkroom.styles.names import SIDES, SLOTS, is_code, lengths_of, parse_layer, parse_render

WORDS = st.from_regex(r"[a-z][a-z0-9]{0,6}", fullmatch=True).filter(lambda word: word not in {*SLOTS, *SIDES, "for"})


@given(
    st.from_regex(r"[a-z]\d{1,2}", fullmatch=True),
    st.lists(st.from_regex(r"[a-z]\d{1,2}|base|default", fullmatch=True), max_size=2),
    st.lists(st.sampled_from(["ankle", "knee", "flared"]), max_size=2),
    st.sampled_from(SLOTS),
    st.sampled_from(SIDES),
    st.integers(0, 9999),
)
def test_a_name_put_together_is_read_back_in_its_parts(code, conditions, words, slot, side, colour):
    condition = ["for", *conditions] if conditions else []
    name = "_".join([code, *condition, *words, slot, side])
    read = parse_render(f"{name}_{colour:04d}.png")
    assert read is not None
    layer, read_colour = read
    assert (layer.name, layer.code, layer.conditions, layer.words) == (name, code, tuple(conditions), tuple(words))
    assert (layer.slot, layer.side, read_colour) == (slot, side, colour)


def test_behind_belt_and_behindbelt_are_one_slot():
    assert parse_layer("a5_behind_belt_front") == parse_layer("a5_behindbelt_front")


def test_names_are_compared_without_case_and_in_composed_unicode():
    assert parse_layer("É1_Neckline_Front") == parse_layer("e\u03011_neckline_front")


@pytest.mark.parametrize(
    "name",
    [
        "",
        "front",
        "t1_neckline",
        "._t1_neckline_front",
        "t1_sleeve_front",
        "../t1_neckline_front",
        "a/t1_neckline_front",
        "t1_\0_neckline_front",
    ],
)
def test_no_rule_reads_what_no_file_can_be_called(name):
    assert parse_layer(name) is None


@pytest.mark.parametrize("name", ["t1_neckline_front_1.png", "t1_neckline_front_0001.jpg", "readme.txt"])
def test_other_files_are_no_renders(name):
    assert parse_render(name) is None


def test_micro_mini_is_not_read_as_mini():
    slugs = {"micro": "micro_mini", "mini": "mini", "micro_mini": "micro_mini"}
    assert lengths_of(("micro", "mini"), slugs) == {"micro_mini"}
    assert lengths_of(("mini",), slugs) == {"mini"}


@pytest.mark.parametrize("code", ["../x", "t1/b2", "t1-b2", "", "t 1"])
def test_a_code_that_would_change_a_key_is_no_code(code):
    assert not is_code(code)


@given(st.text(min_size=1, max_size=200))
def test_no_segment_leaves_its_prefix(value):
    segment = keys.segment(value)
    assert "/" not in segment
    assert ".." not in segment
    assert segment not in ("", ".")
    assert len(segment) < 130


@given(st.text(max_size=20), st.text(max_size=20))
def test_two_run_ids_never_share_a_folder(one, other):
    assert (keys.segment(one) == keys.segment(other)) == (one == other)


def test_a_picture_is_called_as_the_shop_asks_for_it():
    assert Picture(("t1", "b4", "a2"), "micro_mini", "front", 3).name == "a2-b4-t1-micro_mini-front-0003"
    assert Picture((), "knee", "back", 17).name == "default-knee-back-0017"
    # sorted as plain strings, not by number
    assert Picture(("t9", "t10"), "knee", "back", 0).name.startswith("t10-t9-")


@given(
    st.sets(st.from_regex(r"[a-z_]\w{0,39}", fullmatch=True).filter(lambda code: code != "default"), max_size=6),
    st.sampled_from(["knee", "micro_mini", "7", "front", "été"]),
    st.sampled_from(SIDES),
    st.integers(0, 9999),
    st.sampled_from(["", ".png"]),
)
def test_a_pictures_name_is_read_back_in_its_parts(codes, length, side, colour, ending):
    picture = Picture(tuple(sorted(codes)), length, side, colour)
    assert Picture.parse(picture.name + ending) == picture
    assert picture.group == f"{length} {side}"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "knee-front-0003",  # no codes, not even `default`
        "-knee-front-0003",
        "a2--b4-knee-front-0003",
        "a2-b4--front-0003",
        "b4-a2-knee-front-0003",  # not in order: the shop never asks for it
        "a2-default-knee-side-0003",
        "a2-knee-front-003",
        "a2-knee-front-00003",
        "a2-knee-front-٠٠٠٣",  # decimal digits, but of another script
        "a2-knee-front-0003.PNG",
        "a2-knee-front-0003.png.png",
        "a2-knee-front-0003\n",
        "../a2-knee-front-0003",
        "a2-kn/ee-front-0003",
        f"{'a' * 41}-knee-front-0003",
    ],
)
def test_no_other_name_is_a_picture(name):
    assert Picture.parse(name) is None
