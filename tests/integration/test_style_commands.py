"""`darkroom style import`, `combinations` and `resolve` as people run them, on the sample and on a real collection."""

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from darkroom.cli import app
from darkroom.sample import layer_names, style_text
from darkroom.styles.style_file import load_style
from tests import renders
from tests.integration.test_fame import FAME
from tests.tiny import Tiny, darkroom

STYLES = sorted(path.stem for path in (FAME / "styles").glob("*.json"))


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    """The sample's style file, and beside it its layers' names."""
    path = tmp_path / "dress.yaml"
    path.write_text(style_text(), encoding="utf-8")
    (tmp_path / "layers.txt").write_text("\n".join(layer_names()))
    return path


def resolved(style: Path, *more: str) -> str:
    run = darkroom("resolve", "--style", str(style), "--layer-names", str(style.with_name("layers.txt")), *more)
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_combinations_are_printed_in_layering_order_or_only_counted(sample):
    run = darkroom("combinations", "--style", str(sample), "--length", "Micro-Mini")
    lines = run.stdout.splitlines()
    assert run.returncode == 0
    assert len(lines) == len(set(lines)) == 77
    assert "a2-t1-b1" in lines
    assert "" not in lines
    count = darkroom("combinations", "--style", str(sample), "--length", "micro", "--count")
    assert count.stdout == "77\n"


def test_what_resolve_prints_is_an_export_that_import_and_composite_take(sample, tmp_path):
    for length in ("Micro-Mini", "Knee", "Maxi"):
        (tmp_path / f"dress-{length}.csv").write_text(resolved(sample, "--length", length))
    base = load_style(sample.read_bytes(), "x").model_dump(include={"style", "name", "colours", "lengths", "defaults"})
    bare = tmp_path / "bare.json"
    bare.write_text(json.dumps(base | {"customizations": ["t1"]}))
    exports = [word for path in sorted(tmp_path.glob("*.csv")) for word in ("--combinations", str(path))]
    out = tmp_path / "imported.yaml"
    run = darkroom("style", "import", "--style", str(bare), *exports, "--out", str(out))
    assert run.returncode == 0, run.stderr
    (tmp_path / "again").mkdir()
    for length in ("Micro-Mini", "Knee", "Maxi"):
        rows = sorted(resolved(out, "--length", length).splitlines())
        wanted = sorted((tmp_path / f"dress-{length}.csv").read_text().splitlines())
        assert [row.split(",")[1:] for row in rows] == [row.split(",")[1:] for row in wanted]


def test_resolve_takes_the_layers_of_a_renders_store(tmp_path):
    tiny = Tiny(tmp_path)
    run = darkroom("resolve", "--style", str(tiny.style), "--renders", str(tiny.renders), "--length", "Mini")
    assert run.returncode == 0
    rows = {row[0]: row[1:] for row in csv.reader(run.stdout.splitlines())}
    assert rows["b1-t1"] == ["b1_bottom_front t1_neckline_front", "b1_bottom_back t1_neckline_back"]
    assert len(rows) == 7


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["combinations", "--length", "Ankle"], "'Ankle' is no length"),
        (["resolve", "--length", "Knee"], "either --renders STORE or --layer-names FILE"),
        (
            ["resolve", "--length", "Knee", "--layer-names", "none.txt"],
            "none.txt: the list of layer names cannot",
        ),
        (["style", "import", "--combinations", "x.csv", "--out", "o.yaml"], "its name says no length of the style"),
    ],
)
def test_bad_input_is_refused_with_a_sentence(sample, words, said):
    run = darkroom(*words, "--style", str(sample))
    assert run.returncode == 2
    assert said in run.stderr


def test_a_layer_list_with_a_strange_line_is_refused_by_line(sample):
    sample.with_name("layers.txt").write_text("t1_neckline_front\nt1_neckline_front_0003.png\nwhat is this\n")
    words = [
        "resolve",
        "--style",
        str(sample),
        "--length",
        "Knee",
        "--layer-names",
        str(sample.with_name("layers.txt")),
    ]
    run = darkroom(*words)
    assert run.returncode == 2
    assert "layers.txt, line 3: no layer is called 'what is this'" in run.stderr


def test_an_export_that_options_cannot_say_is_refused_and_nothing_is_written(sample, tmp_path):
    front, back = "base_knee_bottom_front", "base_knee_bottom_back"
    export = tmp_path / "x-Knee.csv"
    codes = ["t1", "b1", "a2", "t1-b1", "t1-a2", "b1-a2"]
    export.write_text("".join(f"{code},{front},{back}\n" for code in codes))
    out = tmp_path / "o.yaml"
    words = ["style", "import", "--style", str(sample), "--combinations", str(export), "--out", str(out)]
    run = darkroom(*words)
    assert run.returncode == 2
    assert "allowed but not exported: a2-b1-t1" in run.stderr
    assert not out.exists()


def test_a_style_that_allows_too_many_says_so_before_it_starts(sample, monkeypatch):
    monkeypatch.setenv("DARKROOM_MAX_COMBINATIONS", "100")
    run = darkroom("combinations", "--style", str(sample), "--length", "Knee")
    assert run.returncode == 2
    assert "152 combinations in Knee, and the limit is 100" in run.stderr
    assert run.stdout == ""


# a real collection: eighty commands in this process, as those above prove what a process of its own says


def said(*words: str) -> str:
    run = CliRunner().invoke(app, words, catch_exceptions=False)
    assert run.exit_code == 0, run.output
    return run.stdout


@pytest.fixture(scope="module", params=STYLES or ["none"])
def imported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real style, imported from all of its exports; its layers' names beside it."""
    if not STYLES:
        pytest.skip("shared/data/fame is not beside the project")
    out = tmp_path_factory.mktemp("imported") / f"{request.param}.yaml"
    files = exports_of(request.param)
    base = FAME / "styles" / f"{request.param}.json"
    run = darkroom("style", "import", "--style", str(base), "--out", str(out), "--combinations", *map(str, files))
    assert run.returncode == 0, run.stderr
    assert "the same as the exports', without an exception" in run.stdout
    layers = {
        layer for path in files for row in csv.reader(path.open()) for stack in row[1:] for layer in stack.split()
    }
    out.with_name("layers.txt").write_text("\n".join(sorted(layers)))
    return out


def exports_of(style: str) -> list[Path]:
    return sorted((FAME / "combinations").glob(f"{style.upper()}*.csv"))


def length_of(path: Path, style: str) -> str:
    return path.stem.removeprefix(f"{style.upper()}-")


def test_every_export_is_said_exactly_by_the_imported_style(imported):
    for path in exports_of(imported.stem):
        offered = said("combinations", "--style", str(imported), "--length", length_of(path, imported.stem))
        exported = [row[0] for row in csv.reader(path.open())]
        assert sorted(offered.splitlines()) == sorted(exported), path.name


def test_the_imported_style_and_the_layers_names_rebuild_the_stacks(imported, tmp_path):
    agree = total = 0
    for path in exports_of(imported.stem):
        report = tmp_path / "report.json"
        of = ["--style", str(imported), "--layer-names", str(imported.with_name("layers.txt"))]
        more = ["--combinations", str(path), "--length", length_of(path, imported.stem), "--report", str(report)]
        said("resolve", *of, *more)
        found = json.loads(report.read_bytes())
        assert found["stacks"] == found["agree"] + found["disagree"] == 2 * len(path.read_text().splitlines())
        assert len(found["disagreements"]) == found["disagree"]
        agree, total = agree + found["agree"], total + found["stacks"]
    assert agree == total


def test_a_person_can_read_an_imported_style_file(imported):
    text = imported.read_text()
    assert "any of" in text
    assert "one of" in text
    assert max(len(line) for line in text.splitlines() if "/" not in line) <= 120
    assert len(text.splitlines()) < 120


@pytest.mark.skipif(not STYLES, reason="shared/data/fame is not beside the project")
def test_an_imported_style_alone_makes_the_pictures_of_its_export(tmp_path):
    export = FAME / "combinations" / "FP-DR1010-102-Micro-Mini.csv"
    base, imported = FAME / "styles" / "fp-dr1010-102.json", tmp_path / "imported.yaml"
    words = ["--style", str(base), "--combinations", *map(str, exports_of("fp-dr1010-102")), "--out", str(imported)]
    assert darkroom("style", "import", *words).returncode == 0
    layers = {layer for row in csv.reader(export.open()) for stack in row[1:] for layer in stack.split()}
    renders.draw(tmp_path / "renders", layers, [0], 64)
    common = ["--renders", str(tmp_path / "renders"), "--length", "Micro-Mini", "--colours", "0", "--cuts", "142x142"]
    by_export = ["--style", str(base), "--combinations", str(export), "--out", str(tmp_path / "a")]
    assert darkroom("composite", *by_export, *common).returncode == 0
    assert darkroom("composite", "--style", str(imported), "--out", str(tmp_path / "b"), *common).returncode == 0
    pictures = [
        {path.name: path.read_bytes() for path in (tmp_path / out).glob("renders/composites/*/142x142/*.png")}
        for out in ("a", "b")
    ]
    assert len(pictures[0]) == 2 * 224
    assert pictures[0] == pictures[1]
