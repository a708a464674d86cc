"""`--report FILE` is looked at before the work, replaces nothing but a file, and its loss does not lose the summary."""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tiny import Tiny, darkroom

RESOLVE = ("resolve", "--length", "Knee")


@pytest.fixture
def studio(tmp_path: Path) -> Tiny:
    return Tiny(tmp_path, 40)


def a_folder(place: Path) -> str:
    place.mkdir()
    return "is a folder, and is not replaced; name a file"


def a_pipe(place: Path) -> str:
    os.mkfifo(place)
    return "is no regular file, and is not replaced; name a file"


def a_link_to_a_device(place: Path) -> str:
    place.symlink_to("/dev/null")
    return "is no regular file, and is not replaced; name a file"


def a_link_to_a_folder(place: Path) -> str:
    (place.parent / "folder").mkdir()
    place.symlink_to(place.parent / "folder")
    return "is a folder, and is not replaced; name a file"


def a_link_to_itself(place: Path) -> str:
    place.symlink_to(place)
    return "cannot be a file"


@pytest.mark.parametrize("standing", [a_folder, a_pipe, a_link_to_a_device, a_link_to_a_folder, a_link_to_itself])
def test_what_is_no_file_is_not_replaced_and_nothing_is_made(standing: Callable[[Path], str], studio: Tiny) -> None:
    place = studio.folder / "report.json"
    said = standing(place)
    before = place.lstat().st_ino
    run = studio.composite("--report", str(place))
    assert run.returncode == 2
    assert said in run.stderr
    assert place.lstat().st_ino == before
    assert not studio.out.exists()


@pytest.mark.parametrize(
    ("report", "said"),
    [
        ("no/such/folder/report.json", "there is no folder"),
        ("dress.yaml/report.json", "there is no folder"),
        (".darkroom-report.json", "cannot be a file"),
        ("r" * 300, "cannot be a file"),
    ],
)
@pytest.mark.parametrize("command", ["check", "verify", "resolve", "composite"])
def test_every_command_says_before_its_work_that_a_report_cannot_be_written(command, report, said, studio) -> None:
    options = {
        "check": ["--renders", str(studio.renders)],
        "verify": ["--out", str(studio.out)],
        "resolve": ["--renders", str(studio.renders), "--length", "Knee"],
        "composite": ["--renders", str(studio.renders), "--out", str(studio.out)],
    }
    report = str(studio.folder / report)
    run = darkroom(command, "--style", str(studio.style), *options[command], "--report", report)
    assert (run.returncode, run.stdout) == (2, "")
    assert f"--report: {report}" in run.stderr or "--report: there is no folder" in run.stderr
    assert said in run.stderr
    assert not studio.out.exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_into_is_said_before_the_work(studio: Tiny) -> None:
    (studio.folder / "sealed").mkdir(mode=0o500)
    run = studio.composite("--report", str(studio.folder / "sealed" / "report.json"))
    assert (run.returncode, studio.out.exists()) == (2, False)
    assert "nothing can be written into" in run.stderr


def test_an_earlier_report_is_replaced_and_a_link_to_one_stays_a_link(studio: Tiny) -> None:
    report, link = studio.folder / "report.json", studio.folder / "latest.json"
    report.write_text("an earlier one")
    link.symlink_to(report)
    options = ("--style", str(studio.style), "--renders", str(studio.renders), "--report", str(link))
    assert darkroom(*RESOLVE, *options).returncode == 0
    assert link.is_symlink()
    assert json.loads(report.read_text())["stacks"] == 0


def test_a_report_that_is_lost_at_the_end_is_said_after_the_summary_and_by_the_exit_code(studio: Tiny) -> None:
    """No file may be longer than 100 bytes: as a full disk."""
    report = studio.folder / "report.json"
    options = ["--style", str(studio.style), "--renders", str(studio.renders), "--report", str(report)]
    run = subprocess.run(
        [sys.executable, "-m", "darkroom", "check", *options],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode == 70, run.stderr
    assert "renders decoded" in run.stdout
    assert f"The report is lost: {report} could not be written (" in run.stderr
    assert "Traceback" not in run.stderr
    assert sorted(path.name for path in studio.folder.iterdir()) == ["dress.yaml", "renders"]
