"""`darkroom ingest` as a person meets it: exit codes, what it says, and where it stops."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ingest_world import Studio, render

T1 = "t1_neckline_front"


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    folder = tmp_path / "delivered"
    folder.mkdir()
    for colour in range(2):
        (folder / f"{T1}_{colour:04d}.png").write_bytes(render(T1, colour))
    return Studio(tmp_path, str(folder))


def run(studio: Studio, *more: str, quiet: int = 0) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "darkroom", *studio.words(*more)]
    variables = {**os.environ, "DARKROOM_INGEST_QUIET": str(quiet)}
    return subprocess.run(words, capture_output=True, text=True, timeout=120, env=variables, check=False)


def test_all_is_fine_then_nothing_is_to_do(studio: Studio, tmp_path: Path) -> None:
    plan = run(studio, "--mode", "plan")
    assert (plan.returncode, studio.raw()) == (0, {})
    report = tmp_path / "report.json"
    first = run(studio, "--report", str(report))
    assert first.returncode == 0, first.stderr
    assert json.loads(report.read_bytes())["done"] == 2
    assert len(studio.proxies()) == 2
    again = run(studio)
    assert again.returncode == 0
    assert "tiny: unchanged" in again.stdout


def test_a_broken_render_is_named_and_ends_with_1(studio: Studio) -> None:
    Path(studio.source, f"{T1}_0001.png").write_bytes(b"no PNG")
    ran = run(studio)
    assert ran.returncode == 1
    assert "it is no PNG, whatever its name says; export it again as PNG" in ran.stdout + ran.stderr
    assert len(studio.proxies()) == 1


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--from", "nowhere"], "nothing lies there; correct the place"),
        (["--from", "ftp://host/x"], "no store for ftp://"),
        (["--from", "dropbox:Studio"], "write dropbox:/path"),
        (["--style", "none.yaml"], "cannot be read"),
        (["--max-delete", "many"], "neither a number"),
    ],
)
def test_bad_input_is_said_and_nothing_is_done(studio: Studio, more: list[str], said: str) -> None:
    ran = run(studio, *more)
    assert (ran.returncode, studio.raw()) == (2, {})
    assert said in ran.stderr
    assert "Traceback" not in ran.stderr


def test_what_waits_is_said(studio: Studio) -> None:
    ran = run(studio, quiet=60)
    assert ran.returncode == 0
    assert "2 files may still be being written, and wait for the next run" in ran.stdout + ran.stderr
