"""`darkroom composite` where something is wrong: bad input, missing and vanished renders, layouts, bad renders."""

import hashlib
import json
from pathlib import Path

import pytest

from tests.tiny import CUTS, PICTURES, STYLE, Tiny, counts, darkroom, report_of


@pytest.fixture
def tiny(tmp_path: Path) -> Tiny:
    return Tiny(tmp_path)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """A studio whose pictures are all made; only to be looked at."""
    studio = Tiny(tmp_path_factory.mktemp("made"))
    assert studio.composite().returncode == 0
    return studio


# bad input: the run is refused, nothing is written


def refused(tiny: Tiny, *more: str) -> list[str]:
    run = tiny.composite(*more)
    assert run.returncode == 2, run.stdout + run.stderr
    assert not tiny.out.exists()
    return run.stderr.strip().splitlines()


def test_every_missing_render_is_named(tiny):
    tiny.render("t1_neckline_front", 1).unlink()
    tiny.render("base_neckline_back", 0).unlink()
    problems = refused(tiny)
    assert [problem.partition(" is missing for ")[0] for problem in problems] == [
        "base_neckline_back_0000.png",
        "t1_neckline_front_0001.png",
    ]
    assert all("deliver it" in problem for problem in problems)


def test_with_skip_only_the_pictures_that_need_a_missing_render_are_refused(tiny):
    tiny.render("t1_neckline_front", 1).unlink()
    code, report, output = report_of(tiny, "--on-missing", "skip")
    assert code == 1
    assert counts(report) == (PICTURES, PICTURES - 8, 0, 8, 0)
    assert "t1_neckline_front_0001.png is missing" in output
    assert len(tiny.pictures()) == PICTURES - 8
    assert report["stale"] == []


def test_pictures_of_a_render_that_vanished_are_called_stale_not_silently_kept(tiny):
    tiny.composite()
    tiny.render("t1_neckline_front", 1).unlink()
    code, report, _ = report_of(tiny, "--on-missing", "skip")
    assert code == 1
    assert len(report["stale"]) == 8 * len(CUTS)
    assert len(tiny.pictures()) == PICTURES
    run = tiny.verify()
    assert run.returncode == 1
    assert "stale" in run.stderr


def test_prune_deletes_the_pictures_of_a_vanished_render_and_no_others(tiny):
    tiny.composite()
    before = tiny.pictures()
    tiny.render("t1_neckline_front", 1).unlink()
    code, report, _ = report_of(tiny, "--on-missing", "skip", "--prune")
    assert code == 1
    assert (len(report["pruned"]), report["stale"]) == (8 * len(CUTS), [])
    gone = {key.rpartition("/")[2].removesuffix(".png") for key in report["pruned"]}
    assert all("t1" in name and "-front-0001" in name for name in gone)
    assert tiny.pictures() == {name: file for name, file in before.items() if name not in gone}
    assert report_of(tiny, "--on-missing", "skip", "--prune")[1]["pruned"] == []


def test_layout_content_keeps_each_different_picture_once_with_an_index(tiny, made):
    code, report, _ = report_of(tiny, "--layout", "content")
    assert (code, report["done"]) == (0, PICTURES)
    total = 0
    for cut in CUTS:
        folder = tiny.out / "renders" / "composites" / "tiny" / cut
        files = {path.stem: path.read_bytes() for path in folder.glob("*.png")}
        total += len(files)
        assert all(hashlib.sha256(data).hexdigest() == stem for stem, data in files.items())
        index = json.loads((folder / "index.json").read_text())
        assert set(index.values()) == files.keys()
        named = made.out / "renders" / "composites" / "tiny" / cut
        assert {name: files[digest] for name, digest in index.items()} == {
            path.stem: path.read_bytes() for path in named.glob("*.png")
        }
    assert report["outputs"] == total < PICTURES * len(CUTS)
    assert tiny.verify().returncode == 0
    assert counts(report_of(tiny, "--layout", "content")[1]) == (PICTURES, 0, PICTURES, 0, 0)


def test_layout_content_follows_a_changed_and_a_vanished_render(tiny):
    tiny.composite("--layout", "content")
    folder = tiny.out / "renders" / "composites" / "tiny" / "800x800"
    index = json.loads((folder / "index.json").read_text())
    tiny.repaint("t1_neckline_front", 0)
    _, report, _ = report_of(tiny, "--layout", "content")
    assert report["done"] == 8
    changed = json.loads((folder / "index.json").read_text())
    assert {name for name in index if index[name] != changed[name]} == {
        name for name in index if "t1" in name and name.endswith("-front-0000")
    }
    tiny.render("t1_neckline_front", 1).unlink()
    _, report, _ = report_of(tiny, "--layout", "content", "--on-missing", "skip", "--prune")
    assert len(report["pruned"]) == 8 * len(CUTS)
    left = json.loads((folder / "index.json").read_text())
    assert len(left) == PICTURES - 8
    assert all((folder / f"{digest}.png").is_file() for digest in left.values())
    assert not (folder / f"{index['t1-mini-front-0001']}.png").exists()


def test_a_name_and_its_content_do_not_stand_for_one_another(tiny):
    tiny.composite()
    assert report_of(tiny, "--layout", "content")[1]["done"] == PICTURES
    assert report_of(tiny)[1]["done"] == PICTURES


def test_bad_renders_are_all_named_before_anything_is_made(tiny):
    tiny.render("t1_neckline_front", 0).write_bytes(b"GIF89a, honestly")
    tiny.repaint("a1_infront_back", 1, size=121)
    copy = tiny.renders / "Render PNG's" / "copy" / "B1_bottom_front_0000.PNG"
    copy.parent.mkdir()
    copy.write_bytes(tiny.render("b1_bottom_front", 0).read_bytes())
    problems = "\n".join(refused(tiny))
    assert "t1_neckline_front_0000.png: it is no PNG" in problems
    assert "it is 121 x 121, but the layers beside it in a stack are 120 x 120" in problems
    assert "both claim b1_bottom_front in colour 0000" in problems


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--length", "Maxi"], "'Maxi' is no length"),
        (["--colours", "0-2"], "goes beyond the last colour"),
        (["--colours", "red"], "'red' is no colour"),
        (["--sides", "left"], "'left' is not known"),
        (["--cuts", "9x9"], "'9x9' is not known"),
        (["--on-missing", "ignore"], "'ignore' is not one of"),
        (["--combinations", "nowhere-Mini.csv"], "cannot be read"),
        (["--combinations", "Mini=/etc/passwd"], "an export is a .csv file"),
    ],
)
def test_an_unknown_word_is_refused_with_the_known_ones(tiny, more, said):
    assert any(said in problem for problem in refused(tiny, *more))


def test_a_broken_export_and_an_unknown_length_are_both_named(tiny):
    export = tiny.folder / "x-Mini.csv"
    export.write_text("t1,base_mini_bottom_front\nt2,../up_bottom_front,base_mini_bottom_back\n")
    problems = refused(tiny, "--combinations", str(export))
    assert any("line 1: 2 columns" in problem for problem in problems)
    assert any("line 2" in problem and "'../up_bottom_front'" in problem for problem in problems)


def test_an_export_of_another_length_is_not_taken_for_this_one(tiny):
    export = tiny.folder / "x-Knee.csv"
    export.write_text("t1,base_knee_bottom_front,base_knee_bottom_back\n")
    assert any(
        "no export for mini" in problem for problem in refused(tiny, "--combinations", str(export), "--length", "Mini")
    )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("customizations:", "custmizations:", "line 5: 'custmizations' is no key"),
        ("style: tiny", "style: ../tiny", "line 1: style: '../tiny' cannot name a folder"),
        ("options:\n  - any of: [t1, b1]\n  - one of: [a1]\n", "", "it has no options"),
    ],
)
def test_a_broken_style_file_is_refused(tiny, old, new, said):
    assert old in STYLE
    tiny.style.write_text(STYLE.replace(old, new, 1), encoding="utf-8")
    assert any(said in problem for problem in refused(tiny))


def test_an_empty_renders_folder_is_said_in_one_sentence(tiny):
    run = darkroom(
        "composite", "--style", str(tiny.style), "--renders", str(tiny.folder / "nowhere"), "--out", str(tiny.out)
    )
    assert run.returncode == 2
    assert len(run.stderr.strip().splitlines()) == 1


# a bad render among good ones


def test_a_truncated_render_refuses_only_the_pictures_that_need_it(tiny):
    path = tiny.render("t1_neckline_back", 0)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])
    code, report, output = report_of(tiny)
    assert code == 1
    assert counts(report) == (PICTURES, PICTURES - 8, 0, 8, 0)
    assert "t1_neckline_back_0000.png cannot be decoded" in output
    assert all("t1-" in item["item"] and item["item"].endswith("back-0000") for item in report["not_done"])
    tiny.repaint("t1_neckline_back", 0)
    code, report, _ = report_of(tiny)
    assert code == 0
    assert counts(report) == (PICTURES, 8, PICTURES - 8, 0, 0)


def test_a_job_file_that_is_none_is_refused(tmp_path):
    job = tmp_path / "job.json"
    for content in ("", "[]", '{"schema_version": 99}', '{"schema_version": 1, "flow": "x"}'):
        job.write_text(content)
        assert darkroom("job", "run", str(job)).returncode == 2
    assert darkroom("job", "run", str(tmp_path / "none.json")).returncode == 2


def test_an_error_that_nobody_foresaw_is_no_final_exit_code(tiny):
    tiny.composite("--cuts", "142x142")
    ledgers = tiny.out / "state/composites/tiny"
    for path in ledgers.iterdir():
        path.unlink()
        path.mkdir()  # a ledger that can neither be read nor written
    for name in tiny.pictures("142x142"):
        (tiny.out / f"renders/composites/tiny/142x142/{name}.png").unlink()
    run = tiny.composite("--cuts", "142x142")
    assert run.returncode == 70, run.stderr
    assert "run it again" in run.stderr
