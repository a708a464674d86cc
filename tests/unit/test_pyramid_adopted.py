"""What stands where a pyramid goes: the same image is adopted, however its tiles are packed; all else is left alone."""

import hashlib
from pathlib import Path

import pytest

from darkroom.jobs import State
from darkroom.pyramids import deflate_tiff
from darkroom.pyramids.batch import Limits
from darkroom.store import Store, open_store
from tests import line, scans

LIMITS = Limits(workers=1, memory=1 << 30, max_pixels=10**8)


@pytest.fixture
def scanned(tmp_path: Path) -> Store:
    store = open_store(str(tmp_path / "scans"))
    store.write("a.png", scans.picture(600, 500).pngsave_buffer())
    return store


@pytest.fixture
def out(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "pyramids"))


def test_a_pyramid_whose_tiles_were_packed_otherwise_is_adopted_as_it_stands(
    scanned: Store, out: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deflate_tiff, "_EFFORT", 0)
    line.made(scanned, out, LIMITS)
    standing = out.head("a.png.tif")
    monkeypatch.undo()
    outcome = line.made(scanned, out, LIMITS)["a.png"]
    assert (outcome.state, out.head("a.png.tif")) == (State.DONE, standing)
    (output,) = outcome.outputs
    assert (output.etag, output.bytes, output.written) == (standing.etag, standing.bytes, False)
    assert output.hashes["sha256"] == hashlib.sha256(out.read("a.png.tif")).hexdigest(), "of what stands"


def test_a_pyramid_of_another_image_is_left_alone(scanned: Store, out: Store) -> None:
    line.made(scanned, out, LIMITS)
    standing = out.head("a.png.tif")
    scanned.write("a.png", (scans.picture(600, 500) + 1).cast("uchar").pngsave_buffer())
    outcome = line.made(scanned, out, LIMITS)["a.png"]
    assert outcome.state is State.REFUSED
    assert "a.png.tif stands there and is not what Darkroom made" in outcome.reason
    assert out.head("a.png.tif") == standing
