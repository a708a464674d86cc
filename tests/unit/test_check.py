"""The checks before anything is spent: what is decided from names and sizes, stray pixels, colour profiles."""

import struct
from collections import Counter
from datetime import UTC, datetime

import numpy as np
import pytest
import pyvips

from darkroom.checks import findings as decide
from darkroom.checks.check import Check, look_at
from darkroom.checks.findings import KINDS, SEVERITIES, Finding, finding, worst_first
from darkroom.checks.renders import RenderIndex, index_renders
from darkroom.jobs import dump, parse
from darkroom.store import Entry, open_store
from darkroom.styles.style import Style
from darkroom.styles.style_file import load_style
from tests.renders import pixels, png
from tests.tiny import LAYERS, STYLE


def tiny(old: str = "", new: str = "") -> Style:
    assert old in STYLE
    return load_style(STYLE.replace(old, new, 1).encode(), "dress.yaml")


def delivered(*files: str) -> RenderIndex:
    entries = [Entry(file, 1, "e", datetime.now(UTC)) for file in files]
    return index_renders(entries, ["Render PNG's", "old"])


def all_but(*gone: str) -> RenderIndex:
    files = [f"{layer}_{colour:04d}.png" for layer in LAYERS for colour in (0, 1)]
    assert set(gone) <= set(files)
    return delivered(*(f"Render PNG's/{file}" for file in files if file not in gone))


def told(findings) -> list[tuple[str, str, str]]:
    return [(one.kind, one.severity, one.where) for one in findings]


# what is missing

NEEDED = dict.fromkeys(LAYERS, 8)


def missing(index: RenderIndex, needed=NEEDED, style: Style | None = None) -> list[Finding]:
    style = style or tiny()
    return list(decide.missing(needed, index, style, (0, 1), ["mini", "knee"]))


def test_where_all_is_delivered_nothing_is_missing():
    assert missing(all_but()) == []


def test_a_missing_colour_is_told_with_the_colours_and_how_many_pictures_need_them():
    (one,) = missing(all_but("t1_neckline_front_0001.png"))
    assert told([one]) == [("missing colour", "error", "t1_neckline_front")]
    assert one.sentence == ("t1_neckline_front: the colour 0001 of 2 is not there, and 8 pictures need it; deliver it.")


def test_a_default_that_is_missing_is_told_even_where_no_stack_has_it():
    index = all_but("base_neckline_back_0000.png", "base_neckline_back_0001.png")
    assert told(missing(index)) == [("missing default", "error", "base_neckline_back")]
    needed = {layer: 8 for layer in LAYERS if layer != "base_neckline_back"}
    assert told(missing(index, needed)) == [("missing default", "error", "base_neckline_back")]


def test_a_layer_that_a_stack_needs_and_nobody_delivered_is_told():
    needed = NEEDED | {"t1_for_b1_neckline_front": 3}
    (one,) = missing(all_but(), needed)
    assert told([one]) == [("missing layer", "error", "t1_for_b1_neckline_front")]
    assert "6 pictures need it" in one.what


def test_an_ignored_code_gets_no_finding_for_a_layer_or_a_colour():
    style = tiny("ignored_customizations: []", "ignored_customizations: [t9]")
    needed = NEEDED | {"t9_neckline_front": 3}
    assert missing(all_but(), needed, style) == []
    index = all_but()
    index.files["t9_neckline_front", 0] = index.files["t1_neckline_front", 0]
    assert missing(index, needed, style) == []


@pytest.mark.parametrize(("layer", "severities"), [("t1_for_b1_neckline_front", ["note"]), ("t9_neckline_front", [])])
def test_a_colour_that_no_picture_needs_yet_is_a_note_where_the_style_lists_the_code(layer, severities):
    index = all_but()
    index.files[layer, 0] = index.files["t1_neckline_front", 0]
    assert [one.severity for one in missing(index)] == severities


def test_a_colour_missing_in_another_length_than_those_asked_for_is_not_told():
    index = all_but()
    index.files["b1_for_t1_mini_bottom_front", 0] = index.files["b1_bottom_front", 0]
    needed = {name: 8 for name in LAYERS if "mini" not in name}
    assert told(decide.missing(needed, index, tiny(), (0, 1), ["mini"])) != []
    assert told(decide.missing(needed, index, tiny(), (0, 1), ["knee"])) == []


# names


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("t1_nekline_front_0000.png", "'nekline' is no slot (did you mean 'neckline'?)"),
        ("t1_neckline_frnt_0000.png", "'frnt' is no side (did you mean 'front'?)"),
        ("t1_neckline_front_00.png", "'00' is no colour of four digits"),
        ("t1_neckline_front.png", "'front' is no colour of four digits"),
        ("t1_neckline_front_0000.tif", "does not end in .png"),
        ("t1_neckline_front_0000", "does not end in .png"),
        ("neckline_front_0000.png", "no code before the slot"),
    ],
)
def test_a_name_that_no_rule_reads_is_told_with_the_part_that_is_wrong(name, why):
    (one,) = decide.unread_names([f"Render PNG's/{name}"])
    assert one.kind == "unread name"
    assert one.where == f"Render PNG's/{name}"
    assert why in one.what


def test_a_good_name_is_not_told():
    assert list(decide.unread_names(["Render PNG's/T1_Neckline_Front_0000.PNG"])) == []


@pytest.mark.parametrize(
    ("name", "litter"),
    [
        (".DS_Store", True),
        ("._t1_neckline_front_0000.png", True),
        ("Thumbs.db", True),
        ("t1_neckline_front_0000.png", False),
    ],
)
def test_what_a_computer_leaves_behind_by_itself_is_known(name, litter):
    assert decide.is_litter(f"Render PNG's/{name}") is litter


def test_a_name_that_no_terminal_or_json_can_hold_is_written_with_escapes():
    (one,) = decide.unread_names(["\x1b[31m\udce9t\n.png"])
    assert one.where == "\\x1b[31m\\udce9t\\n.png"
    dump(one)


def test_two_files_in_one_folder_claim_a_layer_and_one_in_another_is_shadowed():
    index = delivered(
        "Render PNG's/t1_neckline_front_0000.png",
        "Render PNG's/copy/T1_Neckline_front_0000.png",
        "old/t1_neckline_front_0000.png",
    )
    (claim,) = decide.claims(index, {"t1_neckline_front"}, (0, 1))
    assert claim.severity == "error"
    assert claim.where == "Render PNG's/copy/T1_Neckline_front_0000.png"
    assert "Render PNG's/t1_neckline_front_0000.png both claim t1_neckline_front in colour 0000" in claim.what
    (shadow,) = decide.shadowed(index)
    assert told([shadow]) == [("shadowed", "note", "old/t1_neckline_front_0000.png")]
    assert [one.severity for one in decide.claims(index, set(), (0, 1))] == ["note"]


# codes and slots

PICKED = {length: Counter(t1=4, b1=4, a1=4) for length in ("mini", "knee")}


def codes(layers, style: Style | None = None, picked=PICKED, colours=(0, 1)) -> list[Finding]:
    return list(decide.codes(style or tiny(), layers, picked, colours))


def test_where_style_and_renders_agree_about_the_codes_nothing_is_told():
    assert codes(LAYERS) == []


def test_a_code_that_the_style_does_not_list_is_told_once_with_all_that_is_known_of_it():
    picked = PICKED | {"knee": PICKED["knee"] + Counter(z9=5)}
    (one,) = codes([*LAYERS, "z9_belt_front", "z9_belt_back"], picked=picked)
    assert told([one]) == [("unlisted code", "warning", "z9")]
    assert "2 layers delivered, it stands in 5 combinations" in one.what


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("customizations: [t1, b1, a1]", "customizations: [t1, b1, a1, z9]"),
        ("ignored_customizations: []", "ignored_customizations: [z9]"),
        ("layering: [b1, t1, a1]", "layering: [b1, t1, a1, z9]"),
        ("{bottom: base_mini_bottom_front,", "{belt: z9_belt_front, bottom: base_mini_bottom_front,"),
    ],
)
def test_a_code_that_is_listed_ignored_layered_or_drawn_by_a_default_is_not_unlisted(old, new):
    assert codes([*LAYERS, "z9_belt_front"], tiny(old, new)) == []


def test_a_listed_code_that_no_render_draws_is_told_once():
    layers = [layer for layer in LAYERS if not layer.startswith("a1_")]
    assert told(codes(layers)) == [("undrawn code", "warning", "a1")]
    assert codes(layers, tiny("ignored_customizations: []", "ignored_customizations: [a1]")) == []


def test_a_code_that_only_is_a_condition_changes_pictures_too():
    layers = [layer for layer in LAYERS if not layer.startswith("a1_")]
    assert codes([*layers, "t1_for_a1_neckline_front"]) == []


def test_a_code_that_can_be_picked_where_no_render_draws_it_is_told_with_the_lengths():
    layers = [layer.replace("b1_bottom", "b1_mini_bottom") for layer in LAYERS]
    (one,) = codes(layers)
    assert told([one]) == [("undrawn code", "warning", "b1")]
    assert "in Knee, but" in one.what
    assert codes(layers, picked=PICKED | {"knee": Counter(t1=4)}) == []


def test_a_colour_that_the_style_does_not_have_is_told_once():
    (one,) = codes(LAYERS, colours=[0, 1, 7, 7, 7])
    assert told([one]) == [("unlisted colour", "note", "0007")]
    assert "3 renders" in one.what


def test_a_slot_without_a_default_and_a_side_without_any_are_told():
    assert list(decide.slots(tiny(), ["mini", "knee"])) == []
    hole = tiny("{bottom: base_knee_bottom_back, neckline: base_neckline_back}", "{neckline: base_neckline_back}")
    (one,) = decide.slots(hole, ["mini", "knee"])
    assert told([one]) == [("slot without default", "warning", "Knee, back")]
    assert "the slot bottom" in one.what
    bare = tiny("    back: {bottom: base_knee_bottom_back, neckline: base_neckline_back}\n")
    assert told(decide.slots(bare, ["mini", "knee"])) == [("missing default", "error", "Knee, back")]


# sizes


def test_only_the_render_whose_size_differs_from_its_stacks_is_told():
    files = {(layer, 0): layer for layer in "abcd"}
    sizes = {"a": (9, 9), "b": (9, 9), "c": (8, 9), "d": (7, 7)}
    (one,) = decide.other_sizes([("a", "b"), ("a", "b", "c"), ("d",)], files, sizes)
    assert told([one]) == [("other size", "error", "c")]
    assert "it is 8 x 9, but the layers beside it in a stack are 9 x 9" in one.what


def test_the_worst_comes_first():
    kinds = [finding(kind, where, "x", "y") for where in "ba" for kind in reversed(KINDS)]
    kinds.append(finding("double claim", "c", "x", "y", "note"))
    found = worst_first(kinds)
    assert [SEVERITIES.index(one.severity) for one in found] == sorted(SEVERITIES.index(one.severity) for one in found)
    assert told(found[:3]) == [
        ("missing default", "error", "a"),
        ("missing default", "error", "b"),
        ("missing layer", "error", "a"),
    ]
    assert told(found)[-5:][0] == ("double claim", "note", "c")


def test_the_report_is_a_document_that_reads_back():
    found = (finding("shadowed", "é", "x", "y"),)
    check = Check(style="s", renders="file:///r", lengths=("mini",), needed=2, decoded=1, counts={}, findings=found)
    assert parse(Check, dump(check), "check.json") == check
    assert not check.ok


# layers without transparency


def alpha_of(kind: str) -> bytes:
    """A render without transparency, in each way that a PNG can have none."""
    grey = np.full((40, 40), 128, np.uint8)
    rgba = np.dstack([grey, grey, grey, np.full_like(grey, 255)])
    nearly = rgba.copy()
    nearly[:5, :5, 3] = 0
    lossy = rgba.copy()
    lossy[::2, :, 3] = 252
    images = {
        "RGB": rgba[..., :3],
        "RGBA": rgba,
        "grey": grey[..., None],
        "grey and alpha": rgba[..., 2:],
        "a few clear pixels": nearly,
        "a lossy export": lossy,
    }
    if kind in images:
        return png(images[kind])
    wide = rgba.astype(np.uint16) * 257
    if kind == "16 bit":
        image = pyvips.Image.new_from_array(wide, interpretation="rgb16")
        return image.pngsave_buffer(bitdepth=16)
    return pyvips.Image.new_from_array(rgba[..., :3], interpretation="srgb").pngsave_buffer(palette=True)


@pytest.mark.parametrize(
    "kind",
    ["RGB", "RGBA", "grey", "grey and alpha", "a few clear pixels", "a lossy export", "16 bit", "palette"],
)
def test_a_layer_without_transparency_is_told_however_it_is_written(tmp_path, kind):
    (tmp_path / "x.png").write_bytes(alpha_of(kind))
    assert look_at(open_store(str(tmp_path)), "x.png", 1_000_000).opaque


def test_a_layer_that_lets_something_through_is_not_told(tmp_path):
    picture = np.full((40, 40, 4), 255, np.uint8)
    picture[:, :2] = 0  # a twentieth of the frame is clear
    (tmp_path / "cut out.png").write_bytes(png(picture))
    picture[:] = 240  # a veil over all of it
    (tmp_path / "veil.png").write_bytes(png(picture))
    for key in ("cut out.png", "veil.png"):
        assert not look_at(open_store(str(tmp_path)), key, 1_000_000).opaque


def test_the_lowest_layer_too_is_told_for_it_fills_the_frame():
    (one,) = decide.hiding([("base_bottom_front", 3, "a/b.png")], {"base_bottom_front": 8}, {})
    assert told([one]) == [("opaque layer", "warning", "a/b.png")]
    assert "in 8 pictures it fills the whole frame;" in one.sentence


# one render


@pytest.fixture
def folder(tmp_path):
    picture = pixels("t1_neckline_front", 0, 400)
    good = png(picture)
    spoiled = picture.copy()
    spoiled[4:6, 390:393, 3] = 3
    files = {
        "good.png": good,
        "no_png.png": b"GIF89a, honestly, and some more bytes to read",
        "empty.png": b"",
        "truncated.png": good[: len(good) * 2 // 3],
        "bomb.png": good[:16] + struct.pack(">II", 60_000, 60_000) + good[24:],
        "stray_pixels.png": png(spoiled),
        "display_p3.png": png(picture, profile="p3"),
        "display_p3_with_stray_pixels.png": png(spoiled, profile="p3"),
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    return open_store(str(tmp_path))


@pytest.mark.parametrize(
    ("key", "kinds", "said"),
    [
        ("good.png", [], ""),
        ("no_png.png", ["broken file"], "it is no PNG, whatever its name says; export it again as PNG"),
        ("empty.png", ["broken file"], "it is no PNG"),
        ("truncated.png", ["broken file"], "it cannot be decoded ("),
        ("bomb.png", ["broken file"], "60000 x 60000 is more than 1,000,000 pixels"),
        ("not_there.png", ["broken file"], "it cannot be read ("),
        ("stray_pixels.png", ["stray pixels"], "6 stray pixels in 1 speck, the farthest at x 390, y 4, "),
        ("display_p3.png", ["colour profile"], "P3"),
        ("display_p3_with_stray_pixels.png", ["colour profile", "stray pixels"], "x 390"),
    ],
)
def test_a_render_is_told_by_its_defect(folder, key, kinds, said):
    looked = look_at(folder, key, 1_000_000)
    assert [one.kind for one in looked.findings] == kinds
    assert said in "\n".join(one.sentence for one in looked.findings)
    assert looked.whole == ("broken file" not in kinds)
    assert all(one.where == key for one in looked.findings)
