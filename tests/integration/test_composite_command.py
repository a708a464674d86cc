"""`darkroom composite` and `darkroom verify` as people run them: good days, bad input, bad renders."""

import json
from pathlib import Path

import pytest
import pyvips

from darkroom.keys import Picture
from tests import renders, slow
from tests.tiny import CUTS, PICTURES, Tiny, counts, report_of


@pytest.fixture
def tiny(tmp_path: Path) -> Tiny:
    return Tiny(tmp_path)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """A studio whose pictures are all made; only to be looked at."""
    studio = Tiny(tmp_path_factory.mktemp("made"))
    assert studio.composite("--report", str(studio.folder / "report.json")).returncode == 0
    return studio


# a good day


def test_every_picture_is_there_in_every_cut_under_the_shops_names(made):
    for cut in CUTS:
        names = made.pictures(cut)
        assert len(names) == PICTURES
        assert {"default-mini-front-0000", "a1-b1-t1-knee-back-0001", "b1-t1-mini-front-0001"} <= names.keys()


def test_the_report_counts_everything(made):
    report = json.loads((made.folder / "report.json").read_bytes())
    assert counts(report) == (PICTURES, PICTURES, 0, 0, 0)
    assert report["distinct"] <= PICTURES
    assert report["outputs"] == PICTURES * len(CUTS)
    assert report["bytes"] > 0
    assert report["seconds"] > 0
    assert report["not_done"] == []
    page = next(made.out.glob("work/composite/tiny/*/report.html")).read_text()
    assert "All fine" in page
    assert "data:image/webp" in page


@pytest.mark.parametrize("name", ["default-mini-front-0000", "a1-b1-t1-knee-back-0001", "a1-t1-mini-front-0001"])
def test_a_picture_equals_the_slow_way(made, name):
    chosen, length, side, colour = Picture.parse(name)
    stack = [
        *(["a1_behind"] if "a1" in chosen else []),
        "b1_bottom" if "b1" in chosen else f"base_{length}_bottom",
        "t1_neckline" if "t1" in chosen else "base_neckline",
        *(["a1_infront"] if "a1" in chosen else []),
    ]
    images = [renders.pixels(f"{layer}_{side}", colour, made.size) for layer in stack]
    picture = pyvips.Image.new_from_file(str(made.out / f"renders/composites/tiny/800x800/{name}.png")).numpy()
    assert slow.largest_difference(picture, slow.composite(images)) <= 1.02


def test_verify_finds_all_of_it_whole_and_current(made):
    run = made.verify()
    assert run.returncode == 0, run.stdout + run.stderr
    assert f"{PICTURES // 2}" in run.stdout


def test_a_second_run_makes_nothing(tiny):
    assert tiny.composite().returncode == 0
    before = tiny.pictures()
    code, report, _ = report_of(tiny)
    assert code == 0
    assert counts(report) == (PICTURES, 0, PICTURES, 0, 0)
    assert tiny.pictures() == before


def test_mode_all_makes_everything_again(tiny):
    tiny.composite()
    before = tiny.pictures()
    code, report, _ = report_of(tiny, "--mode", "all")
    assert code == 0
    assert counts(report) == (PICTURES, PICTURES, 0, 0, 0)
    assert not set(before.values()) & set(tiny.pictures().values())


def test_mode_plan_says_what_would_be_done_and_writes_nothing(tiny):
    code, report, output = report_of(tiny, "--mode", "plan")
    assert code == 0
    assert (report["planned"], report["todo"], report["done"]) == (PICTURES, PICTURES, 0)
    assert f"{PICTURES} left, " in output
    assert not tiny.out.exists()


def test_a_new_render_changes_only_the_pictures_that_show_it(tiny):
    tiny.composite()
    before = tiny.pictures()
    tiny.repaint("t1_neckline_front", 0)
    code, report, _ = report_of(tiny)
    changed = {name for name, identity in tiny.pictures().items() if before[name] != identity}
    assert code == 0
    assert changed == {name for name in before if "t1-" in name and name.endswith("-front-0000")}
    assert counts(report) == (PICTURES, len(changed), PICTURES - len(changed), 0, 0)
    assert tiny.verify().returncode == 0


def test_a_render_that_was_only_touched_is_read_and_nothing_is_made(tiny):
    tiny.composite()
    before = tiny.pictures()
    tiny.render("t1_neckline_front", 0).touch()
    code, report, _ = report_of(tiny)
    assert code == 0
    assert counts(report) == (PICTURES, 0, PICTURES, 0, 0)
    assert tiny.pictures() == before


def test_a_cut_that_is_asked_for_later_is_added_without_touching_the_others(tiny):
    tiny.composite("--cuts", "800x800")
    before = tiny.pictures()
    assert not tiny.pictures("142x142")
    tiny.composite("--cuts", "800x800,142x142")
    assert tiny.pictures() == before
    assert len(tiny.pictures("142x142")) == PICTURES


def test_a_lost_picture_is_found_and_made_again_and_a_broken_one_is_left_alone(tiny):
    tiny.composite()
    folder = tiny.out / "renders/composites/tiny/800x800"
    (folder / "t1-mini-front-0000.png").unlink()
    (folder / "b1-mini-front-0000.png").unlink()  # a linked file is never written through
    (folder / "b1-mini-front-0000.png").write_bytes(b"\x89PNG half a file")
    (folder / "zz-mini-front-0000.png").write_bytes(b"whose is this?")
    run = tiny.verify("--report", str(tiny.folder / "v.json"))
    assert run.returncode == 1
    findings = {(f["kind"], Path(f["key"]).name) for f in json.loads((tiny.folder / "v.json").read_bytes())["findings"]}
    assert findings == {
        ("missing", "t1-mini-front-0000.png"),
        ("broken", "b1-mini-front-0000.png"),
        ("extra", "zz-mini-front-0000.png"),
    }
    code, report, output = report_of(tiny)
    assert (code, report["done"], report["refused"]) == (1, 1, 1)
    assert "b1-mini-front-0000.png stands there and is not what Darkroom made; move it away" in output
    assert (folder / "b1-mini-front-0000.png").read_bytes() == b"\x89PNG half a file"
    assert (folder / "zz-mini-front-0000.png").read_bytes() == b"whose is this?"
    (folder / "b1-mini-front-0000.png").unlink()
    code, report, _ = report_of(tiny)
    assert (code, report["done"]) == (0, 1)


def test_verify_calls_a_picture_stale_when_its_render_changed_since(tiny):
    tiny.composite()
    tiny.repaint("t1_neckline_front", 0)
    run = tiny.verify("--report", str(tiny.folder / "v.json"))
    verification = json.loads((tiny.folder / "v.json").read_bytes())
    assert run.returncode == 1
    assert {finding["kind"] for finding in verification["findings"]} == {"stale"}
    assert all("t1-" in finding["key"] and "front-0000" in finding["key"] for finding in verification["findings"])


def test_only_some_lengths_colours_and_sides(tiny):
    code, report, _ = report_of(tiny, "--length", "Mini", "--colours", "1", "--sides", "back", "--cuts", "142x142")
    assert code == 0
    assert counts(report)[:2] == (8, 8)
    assert all(name.endswith("-mini-back-0001") for name in tiny.pictures("142x142"))
    assert tiny.verify("--length", "Mini").returncode == 0
    assert tiny.verify("--length", "Mini", "--colours", "0-1").returncode == 1


def test_an_export_is_drawn_as_it_says(tiny):
    export = tiny.folder / "Studio's export – Mini.csv"
    export.write_text('a1, "base_mini_bottom_front t1_neckline_front" ,base_mini_bottom_back\n', encoding="utf-8")
    code, _, output = report_of(tiny, "--combinations", str(export), "--length", "Mini", "--colours", "0")
    assert code == 0, output
    assert set(tiny.pictures()) == {
        f"{codes}-mini-{side}-0000" for codes in ("a1", "default") for side in ("front", "back")
    }
    picture = pyvips.Image.new_from_file(
        str(tiny.out / "renders/composites/tiny/800x800/a1-mini-front-0000.png")
    ).numpy()
    images = [renders.pixels(layer, 0, tiny.size) for layer in ("base_mini_bottom_front", "t1_neckline_front")]
    assert slow.largest_difference(picture, slow.composite(images)) <= 1.02
