"""What people hear of every command: a mistyped word, a place where nothing is, an interruption, a help, JSON."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from darkroom.cli import app
from tests import scans
from tests.tiny import PICTURES, Tiny, darkroom

COMMANDS = [
    *(
        "",
        "composite",
        "verify",
        "check",
        "catalogue",
        "sample",
        "combinations",
        "resolve",
        "style",
        "style import",
        "pyramid",
    ),
    *(
        "pyramid make",
        "pyramid check",
        "mark",
        "alerts",
        "alerts silence",
        "alerts list",
        "alerts lift",
        "estimate",
        "store",
        "store list",
        "store copy",
        "job",
        "job run",
    ),
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    studio = Tiny(tmp_path_factory.mktemp("made"))
    assert studio.composite("--length", "Knee").returncode == 0
    return studio


def lines(run: subprocess.CompletedProcess[str]) -> list[dict[str, object]]:
    """The standard output as JSON, line by line."""
    return [json.loads(line) for line in run.stdout.splitlines()]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["composit"], "Did you mean 'composite'?"),
        (["verfy"], "Did you mean 'verify'?"),
        (["store", "lst"], "Did you mean 'list'?"),
        (["style", "imprt"], "Did you mean 'import'?"),
        (["pyramid", "chek", "a.tif"], "Did you mean 'check'?"),
        (["composite", "--lenght", "Knee"], "--length"),
    ],
)
def test_a_mistyped_word_hears_what_was_perhaps_meant(words: list[str], said: str) -> None:
    run = darkroom(*words)
    assert run.returncode == 2
    assert said in run.stderr


@pytest.mark.parametrize("words", COMMANDS)
def test_no_help_shows_a_python_type(words: str) -> None:
    run = CliRunner().invoke(app, [*words.split(), "--help"], prog_name="darkroom")
    assert run.exit_code == 0
    for jargon in ("<bool>", "<str>", "<int>", "list[", "Path]", "{SRC", "{FILE"):
        assert jargon not in run.stdout, jargon
    assert "Show this message" in run.stdout


def test_nothing_where_something_was_named_is_exit_2_and_one_sentence(made: Tiny, tmp_path: Path) -> None:
    style, empty, nowhere = str(made.style), tmp_path / "empty", str(tmp_path / "no where")
    empty.mkdir()
    (tmp_path / "none.txt").write_text("\n")
    renders = ["--renders", str(made.renders)]
    for words in (
        ["store", "list", nowhere],
        ["store", "list", str(made.renders), "--include", "*.gif"],
        ["store", "list", str(made.style)],
        ["store", "copy", nowhere, str(tmp_path / "to")],
        ["store", "copy", str(empty), str(tmp_path / "to")],
        ["store", "copy", str(made.renders), str(tmp_path / "to"), "--exclude", "*", "--dry-run"],
        ["pyramid", str(empty), str(tmp_path / "to")],
        ["pyramid", nowhere, str(tmp_path / "to"), "--dry-run"],
        ["pyramid", "check", nowhere],
        ["verify", "--style", style, "--out", nowhere],
        ["check", "--style", style, "--renders", nowhere],
        ["composite", "--style", style, "--renders", nowhere, "--out", str(tmp_path / "to")],
        ["composite", "--style", style, *renders, "--out", str(tmp_path / "to"), "--length", ""],
        ["composite", "--style", style, *renders, "--out", str(tmp_path / "to"), "--colours", " "],
        ["composite", "--style", style, *renders, "--out", str(tmp_path / "to"), "--sides", ","],
        ["composite", "--style", style, *renders, "--out", str(tmp_path / "to"), "--cuts", ""],
        ["resolve", "--style", style, "--length", "Knee", "--renders", nowhere],
        ["resolve", "--style", style, "--length", "Knee", "--layer-names", str(tmp_path / "none.txt")],
        ["job", "run", nowhere],
    ):
        run = darkroom(*words)
        assert run.returncode == 2, (words, run.stderr)
        assert len(run.stderr.strip().splitlines()) == 1, (words, run.stderr)
        assert "file://" not in run.stderr
    assert not (tmp_path / "to").exists()
    assert darkroom("store", "list", str(empty)).returncode == 0, "a folder that is there, and holds nothing"


def test_json_is_a_line_an_object_and_nothing_else_on_the_standard_output(made: Tiny, tmp_path: Path) -> None:
    style = ["--style", str(made.style)]
    combinations = darkroom("combinations", *style, "--length", "Knee", "--json")
    assert lines(combinations)[0].keys() == {"codes"}
    plain = darkroom("combinations", *style, "--length", "Knee").stdout.splitlines()
    assert ["-".join(one["codes"]) for one in lines(combinations)] == plain  # type: ignore[arg-type]
    assert lines(darkroom("combinations", *style, "--length", "Knee", "--count", "--json")) == [{"count": len(plain)}]
    for words in (["check", *style, "--renders", str(made.renders)], ["verify", *style, "--out", str(made.out)]):
        report = tmp_path / "report.json"
        run = darkroom(*words, "--length", "Knee", "--json", "--report", str(report))
        assert lines(run) == [json.loads(report.read_bytes())], "the document that --report writes"
        assert "Knee" in run.stderr or "knee" in run.stderr or "decoded" in run.stderr


def test_json_of_stores_and_of_pyramids(tmp_path: Path) -> None:
    place = tmp_path / "scans"
    (place / "b").mkdir(parents=True)
    scans.picture().pngsave(str(place / "a.png"))
    (place / "b" / "empty.jpg").touch()
    (found,) = lines(darkroom("store", "list", str(place), "--json", "--exclude", "b/"))
    assert (found["key"], found["bytes"]) == ("a.png", (place / "a.png").stat().st_size)
    assert {"modified", "etag", "hashes"} < found.keys()
    run = darkroom("pyramid", str(place), str(tmp_path / "out"), "--json")
    assert run.returncode == 1
    told = {one["image"]: one for one in lines(run)}
    assert (told["a.png"]["state"], told["a.png"]["target"], told["a.png"]["width"]) == ("done", "a.tif", 900)
    assert (told["b/empty.jpg"]["state"], told["b/empty.jpg"]["reason"]) == ("failed", "it is empty")
    run = darkroom("pyramid", "check", str(tmp_path / "out/a.tif"), str(place / "a.png"), "--json")
    assert [one["fine"] for one in lines(run)] == [True, False]


def test_a_dry_run_says_what_would_be_done_and_writes_nothing(tmp_path: Path) -> None:
    place, out = tmp_path / "scans", tmp_path / "out"
    place.mkdir()
    for name in ("a.png", "b.png"):
        scans.picture().pngsave(str(place / name))
    run = darkroom("pyramid", str(place), str(out), "--dry-run")
    assert run.stdout.splitlines() == ["make     a.png -> a.tif", "make     b.png -> b.tif"]
    assert "2 pyramids would be made: nothing was written" in run.stderr
    assert not out.exists()
    assert darkroom("pyramid", str(place / "a.png"), str(out)).returncode == 0
    before = (out / "a.tif").stat()
    assert "stands   a.png -> a.tif" in darkroom("pyramid", str(place), str(out), "--dry-run").stdout
    assert "replace  a.png -> a.tif" in darkroom("pyramid", str(place), str(out), "--dry-run", "--replace").stdout
    run = darkroom("store", "copy", str(place), str(out), "--dry-run", "--include", "a.*")
    assert run.stdout.splitlines()[0].startswith("copy     a.png  ")
    assert run.stdout.splitlines()[1].startswith("1 object and ")
    assert (out / "a.tif").stat() == before
    assert [path.name for path in out.iterdir()] == ["a.tif"]
    assert darkroom("store", "copy", str(place), str(out), "--include", "a.*").returncode == 0
    assert sorted(path.name for path in out.iterdir()) == ["a.png", "a.tif"]
    assert "replace  a.png" in darkroom("store", "copy", str(place), str(out), "--dry-run").stdout


def test_several_images_of_one_cause_are_named_behind_it_once(tmp_path: Path) -> None:
    place = tmp_path / "scans"
    place.mkdir()
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        (place / name).touch()
    run = darkroom("pyramid", str(place), str(tmp_path / "out"))
    assert run.returncode == 1
    (said,) = re.findall("^failed: it is empty: 3 images: (.*)[.]$", run.stderr, re.MULTILINE)
    assert said == "a.jpg, b.jpg, c.jpg", "not in the order in which threads came to their ends"
    assert run.stderr.count("it is empty") == 1


def test_one_torn_render_is_one_line_whatever_it_costs(tmp_path: Path) -> None:
    (tmp_path / "a studio").mkdir()
    tiny = Tiny(tmp_path / "a studio")
    torn = tiny.render("b1_bottom_front", 0)
    torn.write_bytes(torn.read_bytes()[:-60])
    report = tmp_path / "report.json"
    run = tiny.composite("--report", str(report))
    assert run.returncode == 1
    said = [line for line in run.stderr.splitlines() if "b1_bottom_front_0000.png" in line]
    (cause,) = json.loads(report.read_bytes())["causes"]
    assert len(said) == 1
    assert said[0].startswith("- b1_bottom_front_0000.png cannot be decoded")
    assert f": {cause['count']} pictures, such as " in said[0]
    assert said[0].endswith(f"(refused; {torn})"), "the place comes last, as a person would type it"
    assert "file://" not in run.stderr
    assert "VIPS" not in run.stderr


def interruptible(words: list[str]) -> "subprocess.Popen[str]":
    """A command that Ctrl-C reaches, as on a terminal: also where the tests themselves run in a shell's background."""
    return subprocess.Popen(
        words,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def test_an_interruption_says_what_is_kept_and_how_to_go_on(tmp_path: Path) -> None:
    tiny = Tiny(tmp_path, size=1600)
    words = ["composite", "--style", tiny.style, "--renders", tiny.renders, "--out", tiny.out]
    process = interruptible([sys.executable, "-m", "darkroom", *map(str, words)])
    while len(tiny.pictures()) < 10 and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 130, said
    assert said.splitlines()[-1].startswith("Interrupted. ")
    assert f"of {PICTURES} pictures are finished and kept; the same command goes on with the rest." in said
    assert "Traceback" not in said
    assert tiny.composite().returncode == 0
    assert len(tiny.pictures()) == PICTURES


def test_interrupted_pyramids_are_kept_and_counted_and_nothing_else_lies_there(tmp_path: Path) -> None:
    place, out = tmp_path / "scans", tmp_path / "out"
    place.mkdir()
    scans.picture(1500, 1500).jpegsave(str(place / "0.jpg"))
    for number in range(1, 40):
        shutil.copy(place / "0.jpg", place / f"{number}.jpg")
    process = interruptible([sys.executable, "-m", "darkroom", "pyramid", str(place), str(out)])
    while not list(out.glob("*.tif")) and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    told, said = process.communicate(timeout=120)
    assert process.returncode == 130, said
    made = told.count(" -> ")
    kept = f"{made} pyramid{'' if made == 1 else 's'} of 40 made, and kept in {out}"
    again = "The same command goes through all of them again; name only the images that are left."
    assert said.splitlines()[-1] == f"Interrupted. {kept}. {again}"
    assert {path.suffix for path in out.iterdir()} == {".tif"}


def test_a_command_that_writes_nothing_says_so_when_it_is_interrupted(tmp_path: Path) -> None:
    fifo = tmp_path / "style.yaml"
    os.mkfifo(fifo)  # reading it waits
    words = [sys.executable, "-m", "darkroom", "combinations", "--style", str(fifo), "--length", "Knee"]
    process = interruptible(words)
    writing = os.open(fifo, os.O_WRONLY)  # as soon as the command reads
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    os.close(writing)
    assert (process.returncode, said) == (130, "Interrupted. Nothing was written; run the command again.\n")
