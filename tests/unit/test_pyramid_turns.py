"""What is planned to be in memory is waited for: images that do not fit together are never decoded at once."""

import threading
from pathlib import Path
from typing import Any

import pytest

from darkroom.jobs import State
from darkroom.pyramids import batch
from darkroom.pyramids.batch import Limits
from darkroom.store import open_store
from tests import line, scans

HELD = scans.WIDTH * scans.HEIGHT * 3 * 2  # of a progressive JPEG
TWO = 2 * batch._WINDOW


def met(monkeypatch: pytest.MonkeyPatch, folder: Path, memory: int, *, interlace: bool, patience: float) -> bool:
    """Whether two images are in the making at once, when each waits there for the other."""
    scans_there, gate, seen = folder / "scans", threading.Barrier(2), list[bool]()
    scans_there.mkdir()
    for name in ("a.jpg", "b.jpg"):
        scans.picture().jpegsave(str(scans_there / name), interlace=interlace)
    make = batch.make_pyramid

    def waiting_for_the_other(*words: Any, **more: Any) -> Any:
        try:
            gate.wait(patience)
            seen.append(True)
        except threading.BrokenBarrierError:
            seen.append(False)
        return make(*words, **more)

    monkeypatch.setattr(batch, "make_pyramid", waiting_for_the_other)
    outcomes = line.made(open_store(str(scans_there)), open_store(str(folder / "out")), Limits(2, memory, 10**9))
    assert [outcome.state for outcome in outcomes.values()] == [State.DONE, State.DONE]
    assert len(seen) == 2
    return all(seen)


def test_images_that_fit_together_are_made_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert met(monkeypatch, tmp_path, TWO + 2 * HELD, interlace=True, patience=30)


def test_images_that_have_to_be_in_memory_and_do_not_fit_together_take_turns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not met(monkeypatch, tmp_path, TWO + 2 * HELD - 1, interlace=True, patience=0.5)


def test_what_a_stream_takes_is_counted_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not met(monkeypatch, tmp_path, TWO - 1, interlace=False, patience=0.5)


def test_one_that_never_fits_goes_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not met(monkeypatch, tmp_path, 1, interlace=True, patience=0.5)
