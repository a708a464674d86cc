"""Folders that refuse, are full or are none: a sentence with what to do, the right exit code, and no traceback."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

DARKROOM = (sys.executable, "-m", "darkroom", "store")


def run(*words: str) -> subprocess.CompletedProcess[str]:
    ended = subprocess.run(words, capture_output=True, text=True, timeout=120)
    assert "Traceback" not in ended.stderr
    return ended


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "place"
    (folder / "source").mkdir(parents=True)
    for number in range(10):
        (folder / f"source/{number}").write_bytes(b"1" * 100)
    yield folder
    for path in folder.rglob("*"):
        if path.is_dir():
            path.chmod(0o755)  # so that it can be removed


@pytest.fixture
def ordinary() -> tuple[str, ...]:
    """What goes before a command so that modes bite: root may read and write all, by two capabilities."""
    if os.getuid() != 0:
        return DARKROOM
    without = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
    if shutil.which("setpriv") is None or subprocess.run([*without, "true"], check=False).returncode:
        pytest.skip("root cannot give up its rights here")
    return (*without, *DARKROOM)


def mounted(options: str, place: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command where `place/target` is a file system of its own; at last it lists what lies there."""
    unshare = ["unshare", "-m"] if os.getuid() == 0 else ["unshare", "-Urm"]
    if sys.platform != "linux" or subprocess.run([*unshare, "true"], capture_output=True, check=False).returncode:
        pytest.skip("may mount nothing here")
    (place / "target").mkdir()
    script = f'mount -t tmpfs -o {options} tmpfs {place}/target && "$0" "$@"; code=$?; ls -A {place}/target; exit $code'
    return run(*unshare, "sh", "-c", script, *DARKROOM, *words)


def one_sentence(ended: subprocess.CompletedProcess[str], *words: str) -> None:
    assert ended.returncode == 2
    assert len(ended.stderr.strip().splitlines()) == 1
    for word in words:
        assert word in ended.stderr


def test_a_full_disk_takes_what_fits_and_the_rest_is_listed(place):
    for name in ("large", "larger"):
        (place / "source" / name).write_bytes(b"1" * 1_500_000)
    ended = mounted("size=1m", place, "copy", str(place / "source"), str(place / "target"))
    assert ended.returncode == 1
    assert ended.stderr.count("the disk is full") == 2
    assert "make room" in ended.stderr
    *said, names = ended.stdout.partition("copied in")[::2]
    assert "10 objects" in said[0]
    assert names.split()[-10:] == [str(number) for number in range(10)]  # and nothing half-written


def test_a_read_only_disk_is_refused_at_once(place):
    ended = mounted("ro", place, "copy", str(place / "source"), str(place / "target"))
    one_sentence(ended, "its file system is read-only", "name another place")


def test_a_folder_that_may_not_be_written_is_refused_at_once(place, ordinary):
    (place / "target").mkdir(mode=0o555)
    one_sentence(
        run(*ordinary, "copy", str(place / "source"), str(place / "target")),
        f"{place}/target/",
        "may not have it written; give the right",
    )
    one_sentence(run(*ordinary, "copy", str(place / "source"), str(place / "target/new")), "may not have it written")
    assert list((place / "target").iterdir()) == []


def test_few_objects_that_may_not_be_written_are_bad_input_too(place, ordinary):
    (place / "target").mkdir(mode=0o555)
    words = ("copy", str(place / "source"), str(place / "target"), "--include", "1")
    one_sentence(run(*ordinary, *words), "may not have it written")


def test_a_folder_that_may_not_be_read_is_said_and_not_left_out(place, ordinary):
    (place / "source/secret").mkdir(mode=0)
    one_sentence(run(*ordinary, "list", str(place / "source/secret")), "source/secret: this user may not")
    listed = run(*ordinary, "list", str(place / "source"))
    assert listed.returncode == 2
    assert "source/secret: this user may not have it read" in listed.stderr
    copied = run(*ordinary, "copy", str(place / "source"), str(place / "none"))
    assert copied.returncode == 2


def test_a_file_that_may_not_be_read_stops_no_other(place, ordinary):
    for number in range(5):
        (place / f"source/{number}").chmod(0)
    (place / "target").mkdir()
    ended = run(*ordinary, "copy", str(place / "source"), str(place / "target"))
    assert ended.returncode == 1
    assert ended.stderr.count("not copied: ") == ended.stderr.count("may not have it read") == 5
    assert len(list((place / "target").iterdir())) == 5


@pytest.mark.parametrize("below", ["", "/below", "/a/b"])
def test_a_file_in_the_place_of_a_folder_is_named(place, below):
    (place / "file").write_bytes(b"kept")
    at = f"{place}/file{below}"
    for words in (("copy", str(place / "source"), at), ("list", at), ("copy", at, str(place / "target"))):
        one_sentence(run(*DARKROOM, *words), f"{place}/file: it is no folder; name one.")
    assert (place / "file").read_bytes() == b"kept"


def test_a_place_that_is_not_there_is_bad_input(place):
    for words in (("list", "/nonexistent"), ("copy", "/nonexistent", str(place / "target"))):
        one_sentence(run(*DARKROOM, *words), "Nothing lies in /nonexistent; correct the location.")
    assert not (place / "target").exists()


def test_what_is_no_file_of_the_folders_own_is_said_once_to_be_passed_over(place):
    (place / "source/out").symlink_to("/etc/hostname")
    (place / "source/broken").symlink_to(place / "none")
    (place / "source/folder").mkdir()
    (place / "source/same").symlink_to(place / "source/folder")
    os.mkfifo(place / "source/fifo")
    listed = run(*DARKROOM, "list", str(place / "source"))
    assert listed.returncode == 0
    assert listed.stdout.split() == [str(number) for number in range(10)]
    for name, why in (("out", "leads out"), ("broken", "leads out"), ("same", "to a folder"), ("fifo", "neither")):
        (said,) = [line for line in listed.stderr.splitlines() if line.endswith(f"source/{name}")]
        assert why in said
    for number in range(1000):
        (place / f"source/{number}-out").symlink_to("/etc/hostname")
    assert len(run(*DARKROOM, "list", str(place / "source")).stderr.splitlines()) < 30
