"""`darkroom check` as people run it: each defect in an otherwise good studio, all of them at once, bad input."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from darkroom.checks.findings import KINDS, SEVERITIES
from darkroom.sample import draw_renders, style_text
from tests import renders
from tests.tiny import STYLE, Tiny, darkroom


@pytest.fixture
def tiny(tmp_path: Path) -> Tiny:
    return Tiny(tmp_path)


def check(studio: Tiny, *more: str) -> tuple[int, dict, str]:
    """The command's exit code, its report, and what it printed."""
    path = studio.folder / "check.json"
    path.unlink(missing_ok=True)
    run = check_run(studio.style, studio.renders, "--report", str(path), *more)
    assert "Traceback" not in run.stderr
    return run.returncode, json.loads(path.read_bytes()) if path.exists() else {}, run.stdout


def check_run(style: Path, where: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return darkroom("check", "--style", str(style), "--renders", str(where), *more)


# defects, named after what is wrong


def missing_default(tiny: Tiny) -> str:
    tiny.render("base_neckline_back", 0).unlink()
    tiny.render("base_neckline_back", 1).unlink()
    return "base_neckline_back: no render of it is there, and 16 pictures need it; deliver it."


def missing_colour(tiny: Tiny) -> str:
    tiny.render("t1_neckline_front", 1).unlink()
    return "t1_neckline_front: the colour 0001 of 2 is not there, and 8 pictures need it; deliver it."


def double_claim(tiny: Tiny) -> str:
    copy = tiny.render("b1_bottom_front", 0).parent / "copy" / "B1_Bottom_Front_0000.PNG"
    copy.parent.mkdir()
    copy.write_bytes(tiny.render("b1_bottom_front", 0).read_bytes())
    return "both claim b1_bottom_front in colour 0000; remove all but one."


def truncated_file(tiny: Tiny) -> str:
    path = tiny.render("b1_bottom_back", 0)
    path.write_bytes(path.read_bytes()[:-400])
    return "Render PNG's/b1_bottom_back_0000.png: it cannot be decoded ("


def no_png(tiny: Tiny) -> str:
    tiny.render("b1_bottom_back", 1).write_bytes(b"GIF89a, honestly")
    return "Render PNG's/b1_bottom_back_0001.png: it is no PNG, whatever its name says; export it again as PNG."


def other_size(tiny: Tiny) -> str:
    tiny.repaint("a1_infront_back", 1, size=121)
    return (
        "Render PNG's/a1_infront_back_0001.png: it is 121 x 121, but the layers beside it in a stack are 120 x 120; "
        "render it in that size."
    )


def stray_pixels(tiny: Tiny) -> str:
    picture = renders.pixels("a1_behind_front", 0, tiny.size)
    picture[2, 117:119] = (1, 2, 3, 4)
    tiny.render("a1_behind_front", 0).write_bytes(renders.png(picture))
    return "Render PNG's/a1_behind_front_0000.png: 2 stray pixels in 1 speck, the farthest at x 117, y 2, "


def opaque_layer(tiny: Tiny) -> str:
    picture = renders.pixels("b1_bottom_front", 1, tiny.size)
    picture[..., 3] = 255
    tiny.render("b1_bottom_front", 1).write_bytes(renders.png(picture[..., :3]))
    return (
        "Render PNG's/b1_bottom_front_0001.png: b1_bottom_front has no transparency in colour 0001: in 8 pictures it "
        "fills the whole frame, and hides all that lies below it in 4 of them; render it without a background"
    )


def colour_profile(tiny: Tiny) -> str:
    picture = renders.pixels("a1_behind_front", 1, tiny.size)
    tiny.render("a1_behind_front", 1).write_bytes(renders.png(picture, profile="p3"))
    return "Render PNG's/a1_behind_front_0001.png: its colour profile is "


def unread_name(tiny: Tiny) -> str:
    tiny.render("t1_nekline_front", 0).write_bytes(b"x")
    return "Render PNG's/t1_nekline_front_0000.png: no picture can show it, for 'nekline' is no slot (did you mean"


def unlisted_code(tiny: Tiny) -> str:
    tiny.render("z9_belt_front", 0).write_bytes(tiny.render("t1_neckline_back", 0).read_bytes())
    return (
        "z9: the style does not list it (1 layer delivered); list it in customizations, or in ignored_customizations."
    )


def unlisted_colour(tiny: Tiny) -> str:
    tiny.render("t1_neckline_back", 2).write_bytes(tiny.render("t1_neckline_back", 0).read_bytes())
    return "0002: 1 render in this colour, and the style's last is 0001; correct the style's colours, or remove them."


def undrawn_code(tiny: Tiny) -> str:
    change(tiny, "customizations: [t1, b1, a1]", "customizations: [t1, b1, a1, a7]")
    return "a7: the style lists it, but no render draws it; deliver it, or strike it off the style."


def slot_without_default(tiny: Tiny) -> str:
    change(tiny, "front: {bottom: base_knee_bottom_front, ", "front: {")
    return "Knee, front: nothing is drawn in the slot bottom unless a code draws it, so that there may be a hole; add"


def shadowed(tiny: Tiny) -> str:
    old = tiny.renders / "old" / "t1_neckline_back_0000.png"
    old.parent.mkdir()
    old.write_bytes(b"x")
    return "old/t1_neckline_back_0000.png: Render PNG's/t1_neckline_back_0000.png of an earlier source folder is drawn"


def change(tiny: Tiny, old: str, new: str) -> None:
    text = tiny.style.read_text(encoding="utf-8")
    assert old in text
    tiny.style.write_text(text.replace(old, new, 1), encoding="utf-8")


DEFECTS: dict[Callable[[Tiny], str], str] = {
    missing_default: "missing default",
    missing_colour: "missing colour",
    double_claim: "double claim",
    truncated_file: "broken file",
    no_png: "broken file",
    other_size: "other size",
    opaque_layer: "opaque layer",
    stray_pixels: "stray pixels",
    colour_profile: "colour profile",
    unread_name: "unread name",
    undrawn_code: "undrawn code",
    slot_without_default: "slot without default",
    unlisted_code: "unlisted code",
    unlisted_colour: "unlisted colour",
    shadowed: "shadowed",
}


def test_where_nothing_is_wrong_nothing_is_found(tiny):
    for litter in (".DS_Store", "._t1_neckline_front_0000.png", "Thumbs.db"):
        (tiny.renders / "Render PNG's" / litter).write_bytes(b"x")
    code, report, output = check(tiny)
    assert (code, report["findings"], set(report["counts"].values())) == (0, [], {0})
    assert (report["schema_version"], report["style"], report["needed"], report["decoded"]) == (1, "tiny", 28, 28)
    assert "28 of 28 renders decoded: all fine" in output


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.__name__)
def test_each_defect_alone_is_found_and_nothing_else(tiny, defect):
    sentence = defect(tiny)
    code, report, output = check(tiny)
    assert code == 1
    assert [finding["kind"] for finding in report["findings"]] == [DEFECTS[defect]], output
    line = next(line for line in output.splitlines() if sentence in line)
    assert line.startswith(f"{KINDS[DEFECTS[defect]][0]}: ")
    assert line.endswith(".")


def test_all_of_them_are_listed_the_worst_first(tiny):
    sentences = [defect(tiny) for defect in DEFECTS]
    code, report, output = check(tiny)
    assert code == 1
    kinds = [finding["kind"] for finding in report["findings"]]
    assert sorted(kinds) == sorted(DEFECTS.values())
    assert report["counts"] == {kind: kinds.count(kind) for kind in KINDS}
    assert kinds == sorted(kinds, key=list(KINDS).index)
    ranks = [SEVERITIES.index(finding["severity"]) for finding in report["findings"]]
    assert ranks == sorted(ranks)
    lines = [line for line in output.splitlines() if line.startswith(tuple(f"{severity}: " for severity in SEVERITIES))]
    assert len(lines) == len(DEFECTS)
    assert all(any(sentence in line for line in lines) for sentence in sentences)
    for line, finding in zip(lines, report["findings"], strict=True):
        assert line == f"{finding['severity']}: {finding['where']}: {finding['what']}; {finding['to_do']}."
    assert "6 errors, 7 warnings, 2 notes" in output


def test_a_layer_that_an_export_needs_and_nobody_delivered_is_found_unless_its_code_is_ignored(tiny):
    export = tiny.folder / "tiny-Knee.csv"
    export.write_text("t1-z9,base_knee_bottom_front t1_neckline_front z9_infront_front,base_knee_bottom_back\n")
    more = ("--combinations", str(export), "--length", "Knee")
    code, report, _ = check(tiny, *more)
    assert code == 1
    assert [(f["kind"], f["where"]) for f in report["findings"]] == [
        ("missing layer", "z9_infront_front"),
        ("unlisted code", "z9"),
    ]
    change(tiny, "ignored_customizations: []", "ignored_customizations: [z9]")
    assert check(tiny, *more)[:1] == (0,)


def test_a_default_is_checked_even_where_an_export_draws_something_else(tiny):
    export = tiny.folder / "tiny-Knee.csv"
    export.write_text(",base_knee_bottom_front t1_neckline_front,base_knee_bottom_back\n")
    tiny.render("base_neckline_front", 0).write_bytes(b"GIF89a, honestly")
    tiny.render("base_neckline_front", 1).unlink()
    code, report, _ = check(tiny, "--combinations", str(export), "--length", "Knee")
    assert code == 1
    found = [(f["severity"], f["kind"]) for f in report["findings"]]
    assert found == [("error", "missing colour"), ("error", "broken file")]


def test_a_length_without_any_default_is_found_and_the_others_are_checked_all_the_same(tiny):
    change(tiny, "    back: {bottom: base_knee_bottom_back, neckline: base_neckline_back}\n", "")
    missing_colour(tiny)
    code, report, _ = check(tiny)
    assert code == 1
    found = {(finding["kind"], finding["where"]) for finding in report["findings"]}
    assert found == {("missing default", "Knee, back"), ("missing colour", "t1_neckline_front")}


def test_two_hundred_findings_are_printed_and_all_of_them_are_in_the_report(tiny):
    for number in range(250):
        (tiny.renders / f"scan {number:03d}.png").write_bytes(b"x")
    code, report, output = check(tiny)
    assert code == 1
    assert len(report["findings"]) == 250
    assert output.count("warning: scan ") == 200
    assert "... and 50 warnings; --report FILE lists everything." in output


def test_names_that_no_terminal_should_see_are_written_with_escapes(tiny):
    (tiny.renders / "\x1b[31m[bold]red.png").write_bytes(b"x")
    with open(bytes(tiny.renders) + b"/\xe9t\xe9.png", "wb"):  # noqa: PTH123 - a path that is no Unicode
        pass
    code, report, output = check(tiny)
    assert code == 1
    assert len(report["findings"]) == 2
    assert "\x1b" not in output
    assert "warning: \\x1b[31m[bold]red.png: " in output


@pytest.mark.parametrize("workers", ["1", "4"])
def test_what_is_found_does_not_hang_on_the_number_of_threads(tiny, workers, monkeypatch):
    monkeypatch.setenv("DARKROOM_WORKERS", workers)
    for defect in (stray_pixels, truncated_file, other_size, colour_profile):
        defect(tiny)
    _, report, _ = check(tiny)
    kinds = [finding["kind"] for finding in report["findings"]]
    assert kinds == ["broken file", "other size", "stray pixels", "colour profile"]


def test_the_sample_studio_is_fine(tmp_path):
    style = tmp_path / "sample-dress.yaml"
    style.write_text(style_text(), encoding="utf-8")
    draw_renders(tmp_path / "renders", size=400)
    run = check_run(style, tmp_path / "renders")
    assert run.returncode == 0, run.stdout
    assert "all fine" in run.stdout


def test_a_page_with_pictures_is_written_beside_what_is_printed(tiny):
    stray_pixels(tiny)
    double_claim(tiny)
    place = tiny.folder / "check.html"
    place.write_text("an older one")
    code, report, _ = check(tiny, "--html", str(place))
    page = place.read_text(encoding="utf-8")
    assert code == 1
    assert page.count('<img src="data:image/png;base64,') == 4
    assert all(f"&#39;s/{one['where'].rpartition('/')[2]}" in page for one in report["findings"])
    assert "<circle" in page


def test_a_page_that_cannot_be_written_ends_the_command_before_anything_is_read(tiny):
    (tiny.folder / "check.html").mkdir()
    run = check_run(tiny.style, tiny.renders, "--html", str(tiny.folder / "check.html"))
    assert run.returncode == 2
    assert "--html: " in run.stderr
    assert "is a folder, and is not replaced; name a file." in run.stderr
    assert run.stdout == ""


# bad input


@pytest.mark.parametrize(
    ("old", "new", "more", "said"),
    [
        ("customizations:", "custmizations:", [], "line 5: 'custmizations' is no key"),
        ("colours: 2", "colours: many", [], "line 3"),
        ("", "", ["--length", "Maxi"], "'Maxi' is no length"),
        ("", "", ["--combinations", "nowhere-Mini.csv", "--length", "Mini"], "cannot be read"),
    ],
)
def test_bad_input_is_refused_in_sentences(tiny, old, new, more, said):
    tiny.style.write_text(STYLE.replace(old, new, 1), encoding="utf-8")
    run = check_run(tiny.style, tiny.renders, *more)
    assert run.returncode == 2, run.stdout
    assert said in run.stderr
    assert run.stdout == ""


def test_a_style_file_or_renders_that_are_not_there_are_refused_in_one_sentence(tiny):
    (tiny.folder / "empty").mkdir()
    for style, where in [
        (tiny.folder / "none.yaml", tiny.renders),
        (tiny.style, tiny.folder / "none"),
        (tiny.style, tiny.folder / "empty"),
    ]:
        run = check_run(style, where)
        assert run.returncode == 2
        assert len(run.stderr.strip().splitlines()) == 1


def test_nothing_is_written_but_the_report(tiny):
    before = {path: path.read_bytes() for path in tiny.folder.rglob("*") if path.is_file()}
    assert check(tiny)[0] == 0
    after = {path: path.read_bytes() for path in tiny.folder.rglob("*") if path.is_file()}
    assert after.keys() - before.keys() == {tiny.folder / "check.json"}
    assert before.items() <= after.items()


def test_a_style_without_options_yet_has_its_renders_looked_over_all_the_same(tiny):
    text = tiny.style.read_text(encoding="utf-8")
    tiny.style.write_text(text[: text.index("options:")], encoding="utf-8")
    path = tiny.render("a1_behind_back", 1)
    path.write_bytes(path.read_bytes()[:-100])
    tiny.render("t1_neckline_front", 0).unlink()
    run = darkroom("check", "--style", str(tiny.style), "--renders", str(tiny.renders))
    assert run.returncode == 1
    said = " ".join(run.stderr.split()) + " ".join(run.stdout.split())
    assert "a1_behind_back_0001.png" in said
    assert "t1_neckline_front" in said
