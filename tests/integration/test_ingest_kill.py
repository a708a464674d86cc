"""`kill -9` at each step of an ingest, and again: no render lost, none twice, the cursor never ahead of what stands."""

import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from darkroom.ingest import fetch
from tests.ingest_world import Studio, render
from tests.servers.dropbox import FakeDropbox

T1 = "t1_neckline_front"
STEPS = {
    "planned": ("darkroom.runs", "plan"),
    "fetched": ("darkroom.ingest.work.Line", "_raw"),
    "raw written": ("darkroom.ingest.work.Line", "_proxy"),
    "item recorded": ("darkroom.plan_folder.Recorder", "_flush"),
    "before settling": ("darkroom.runs", "settle"),
    "ledgers written": ("darkroom.ingest.release.IngestRelease", "end"),
    "set aside": ("darkroom.ingest.release.IngestRelease", "_is_deleted"),
    "ledgers cleared": ("darkroom.ingest.release", "publish"),
    "catalogue written": ("darkroom.ingest.release", "move_cursor"),
    "cursor moved": ("darkroom.runs", "make_report"),
}
"""Where a run dies, by what has just happened: before (or for the plan, after) that function's work."""

_DIE = """
import os, signal, sys
from importlib import import_module

place, name, number = sys.argv[1], sys.argv[2], int(sys.argv[3])
try:
    owner = import_module(place)
except ModuleNotFoundError:
    module, _, of = place.rpartition(".")
    owner = getattr(import_module(module), of)
real, count = getattr(owner, name), 0

def dying(*args, **more):
    global count
    count += 1
    if name == "plan":
        real(*args, **more)
    if count == number:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*args, **more)

setattr(owner, name, dying)
sys.argv[1:] = sys.argv[4:]
from darkroom.cli import main
main()
"""


@pytest.fixture
def dropbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeDropbox]:
    with FakeDropbox(tmp_path, page=50) as server:
        for name, value in {**server.environment(), "DARKROOM_INGEST_QUIET": "0", "TMPDIR": str(tmp_path)}.items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture
def studio(tmp_path: Path, dropbox: FakeDropbox) -> Studio:
    return Studio(tmp_path, "dropbox:/Tiny")


def run(studio: Studio, *prefix: str) -> int:
    words = [sys.executable, *(prefix or ("-m", "darkroom")), *studio.words()]
    return subprocess.run(words, capture_output=True, timeout=120, check=False).returncode


def killed_at(studio: Studio, step: str, number: int = 1) -> int:
    """A run that dies the `number`-th time that it comes to a step; its exit code."""
    return run(studio, "-c", textwrap.dedent(_DIE), *STEPS[step], str(number))


def there(dropbox: FakeDropbox) -> dict[str, bytes]:
    """What lies in the folder, by path."""
    files = [node for node in dropbox.files.nodes.values() if node.rev and not node.removed]
    return {node.path.removeprefix("/Tiny/"): node.content for node in files}


def assert_not_ahead(studio: Studio, dropbox: FakeDropbox, before: str) -> None:
    """Where the cursor has moved, all that it has told of stands."""
    if studio.cursor() != before:
        assert studio.raw() == there(dropbox)


def change(dropbox: FakeDropbox, number: int) -> None:
    """New, changed, renamed and removed files."""
    for colour in range(3):
        dropbox.put(f"/Tiny/{T1}_{10 * number + colour:04d}.png", render(T1, 10 * number + colour))
    if number > 1:
        before = 10 * (number - 1)
        dropbox.put(f"/Tiny/{T1}_{before:04d}.png", render(T1, 1000 + number))
        dropbox.rename(f"/Tiny/{T1}_{before + 1:04d}.png", f"/Tiny/{T1}_{before + 8:04d}.png")
        dropbox.remove(f"/Tiny/{T1}_{before + 2:04d}.png")


def assert_all_there(studio: Studio, dropbox: FakeDropbox) -> None:
    """Every delivered file stands once, with its proxy, and what is gone is gone from there."""
    assert studio.raw() == there(dropbox)
    assert set(studio.proxies()) == {f"t1/{path}" for path in there(dropbox)} == studio.catalogued()
    assert set(studio.known()) == {
        *(f"renders/raw/tiny/{path}" for path in studio.raw()),
        *(f"renders/caddy/tiny/{path}" for path in studio.proxies()),
    }


_SHORT = ("raw written", "set aside", "cursor moved")


@pytest.mark.parametrize(
    "step", [step if step in _SHORT else pytest.param(step, marks=pytest.mark.long) for step in STEPS]
)
def test_a_kill_at_any_step_loses_nothing_and_does_nothing_twice(
    studio: Studio, dropbox: FakeDropbox, step: str
) -> None:
    change(dropbox, 1)
    assert run(studio) == 0
    before = studio.cursor()
    change(dropbox, 2)
    assert killed_at(studio, step) == -signal.SIGKILL
    moved = studio.cursor() != before
    assert moved == (step == "cursor moved")
    if moved:
        assert studio.raw() == there(dropbox)
    free_lease(studio)
    assert killed_at(studio, step) in (-signal.SIGKILL, 0, 1)  # and again, where it comes so far
    free_lease(studio)
    assert run(studio) == 0
    assert_all_there(studio, dropbox)
    aside = {path.rpartition("/")[2] for path in studio.aside()}
    assert aside == {f"{T1}_0011.png", f"{T1}_0012.png"}, "each once"


def free_lease(studio: Studio) -> None:
    """A killed command's lease ends by itself, in a minute that no test waits."""
    for entry in list(studio.store.list("state/leases/")):
        studio.store.delete(entry.key)


def test_after_a_kill_a_large_file_goes_on_where_it_was(studio: Studio, dropbox: FakeDropbox, tmp_path: Path) -> None:
    data = os.urandom(fetch.SMALL + 3_000_000)
    dropbox.put("/Tiny/scene.blend", data)
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(_DIE), "darkroom.ingest.fetch", "_proven", "1", *studio.words()],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    assert process.wait(timeout=60) == -signal.SIGKILL
    (part,) = [path for path in (tmp_path / f"darkroom-ingest-{os.getuid()}").iterdir() if path.is_file()]
    with part.open("r+b") as file:
        file.truncate(5_000_000)  # as if it had died earlier
    free_lease(studio)
    asked = len(dropbox.asked("files/download"))
    assert run(studio) == 0
    assert studio.raw()["scene.blend"] == data
    ranges = [one.range for one in dropbox.asked("files/download")[asked:]]
    assert ranges == ["bytes=5000000-"]
    assert not part.exists()


@pytest.mark.long
def test_kills_at_any_moment_while_somebody_delivers(studio: Studio, dropbox: FakeDropbox) -> None:
    dice = random.Random(19)  # noqa: S311
    for number in range(1, 9):
        change(dropbox, number)
        for _ in range(2):
            before = studio.cursor()
            words = [sys.executable, "-m", "darkroom", *studio.words()]
            process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(1.0 + 2.0 * dice.random())
            process.kill()
            process.wait()
            free_lease(studio)
            assert_not_ahead(studio, dropbox, before)
    assert run(studio) == 0
    assert_all_there(studio, dropbox)
