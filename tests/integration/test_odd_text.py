"""Text of any kind comes to a sentence in seconds: names that are no UTF-8, and what else people and programs write."""

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.scans import picture
from tests.tiny import PICTURES, Tiny, darkroom

LATIN_1 = b"t1_\xe9t\xe9_neckline_front_0000.png"


def put(folder: Path, name: bytes, source: Path) -> None:
    """A file whose name need not be UTF-8."""
    path = folder / os.fsdecode(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, path)


@pytest.fixture
def studio(tmp_path: Path) -> Tiny:
    """Renders, beside two whose name or folder is no UTF-8."""
    tiny = Tiny(tmp_path, 40)
    good = tiny.render("t1_neckline_front", 0)
    put(good.parent, LATIN_1, good)
    put(tiny.renders, b"caf\xe9/t1_neckline_front_0000.png", good)
    return tiny


def test_a_listing_shows_names_that_are_no_utf_8(studio):
    run = darkroom("store", "list", str(studio.renders))
    assert run.returncode == 0, run.stderr
    assert r"t1_\udce9t\udce9_neckline_front_0000.png" in run.stdout
    run = darkroom("store", "list", "--json", str(studio.renders))
    keys = [json.loads(line)["key"] for line in run.stdout.splitlines()]
    assert f"Render PNG's/{os.fsdecode(LATIN_1)}" in keys


def test_pictures_are_made_and_the_report_says_which_renders_were_left_out(studio):
    report = studio.folder / "report.json"
    run = studio.composite("--report", str(report))
    assert run.returncode == 0, run.stderr
    assert json.loads(report.read_bytes())["done"] == PICTURES
    assert "2 files left out, for a name or folder is no UTF-8, such as" in run.stdout.replace("\n", " ")


def test_a_check_names_the_render_that_no_picture_can_show(studio):
    run = darkroom("check", "--style", str(studio.style), "--renders", str(studio.renders))
    assert r"t1_\udce9t\udce9_neckline_front_0000.png" in run.stdout + run.stderr
    assert "Traceback" not in run.stderr


def test_a_scan_whose_name_is_no_utf_8_is_read_where_it_lies(tmp_path):
    picture(60, 40).pngsave(str(tmp_path / "good.png"))
    put(tmp_path / "in", b"caf\xe9.png", tmp_path / "good.png")
    run = darkroom("pyramid", str(tmp_path / "in"), str(tmp_path / "out"))
    assert run.returncode == 0, run.stderr
    assert [os.fsencode(path.name) for path in (tmp_path / "out").iterdir()] == [b"caf\xe9.tif"]


def test_an_export_with_semicolons_is_told_so_once(tmp_path):
    tiny = Tiny(tmp_path, 40)
    export = tmp_path / "Knee.csv"
    export.write_text("t1;t1_neckline_front;t1_neckline_back\n" * 20_000)
    run = tiny.composite("--combinations", str(export))
    assert (run.returncode, run.stderr) == (
        2,
        f"{export}: its columns are separated by semicolons; export it with commas.\n",
    )


def test_of_ten_thousand_wrong_lines_the_first_are_told_and_the_others_counted(tmp_path):
    tiny = Tiny(tmp_path, 40)
    export = tmp_path / "Knee.csv"
    export.write_text("t1,t1_neckline_front\n" * 10_000)
    run = tiny.composite("--combinations", str(export))
    assert run.returncode == 2
    assert len(run.stderr.splitlines()) == 21
    assert "there are 9,980 more; correct these first" in run.stderr


def test_of_many_problems_of_any_kind_a_hundred_are_told(tmp_path):
    tiny = Tiny(tmp_path, 40)
    names = tmp_path / "names.txt"
    names.write_text("no layer\n" * 1000)
    run = darkroom("resolve", "--style", str(tiny.style), "--length", "Knee", "--layer-names", str(names))
    assert run.returncode == 2
    assert len(run.stderr.splitlines()) == 101
    assert run.stderr.endswith("There are 900 more; correct these first.\n")
