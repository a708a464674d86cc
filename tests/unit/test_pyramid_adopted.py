"""What stands where a pyramid goes: the same image is adopted, however its tiles are packed; all else is left alone."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import pyvips
import tifffile

from darkroom.jobs import State
from darkroom.pyramids import deflate_tiff
from darkroom.pyramids.batch import Limits
from darkroom.pyramids.deflate_tiff import Pixels
from darkroom.pyramids.proof import same_image
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


def _picture() -> Pixels:
    return scans.picture(600, 500).numpy()  # type: ignore[no-any-return]


def _saved(target: Path, pixels: Pixels, *, dpi: int = 300, icc: bytes | None = None) -> Path:
    deflate_tiff.save(pixels, target, tile=512, dpi=dpi, icc=icc, big=False)
    return target


def _one_pixel_more(pixels: Pixels, row: int, column: int) -> Pixels:
    changed = pixels.copy()
    changed[row, column, 1] ^= 1
    return changed


def test_pyramids_whose_tiles_are_packed_otherwise_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = _saved(tmp_path / "mine.tif", _picture())
    monkeypatch.setattr(deflate_tiff, "_EFFORT", 0)
    theirs = _saved(tmp_path / "theirs.tif", _picture())
    assert mine.read_bytes() != theirs.read_bytes()
    assert same_image(mine, theirs)


def test_pyramids_that_differ_in_anything_that_shows_are_not_the_same(tmp_path: Path) -> None:
    mine, pixels = _saved(tmp_path / "mine.tif", _picture()), _picture()
    profile = pyvips.Image.new_from_array([[0]]).copy(interpretation="b-w").icc_export(output_profile="srgb")
    others = {
        "first-pixel": _saved(tmp_path / "a.tif", _one_pixel_more(pixels, 0, 0)),
        "last-pixel": _saved(tmp_path / "b.tif", _one_pixel_more(pixels, 499, 599)),
        "resolution": _saved(tmp_path / "c.tif", pixels, dpi=72),
        "profile": _saved(tmp_path / "d.tif", pixels, icc=profile.get("icc-profile-data")),
        "size": _saved(tmp_path / "e.tif", pixels[:-1]),
        "alpha": _saved(tmp_path / "f.tif", np.dstack([pixels, np.full((500, 600), 255, np.uint8)])),
    }
    wrong_level = bytearray(mine.read_bytes())
    with tifffile.TiffFile(mine) as file:
        tile = file.pages[1].dataoffsets[0]
    wrong_level[tile + 200] ^= 255
    others["damaged-level"] = tmp_path / "g.tif"
    others["damaged-level"].write_bytes(wrong_level)
    others["cut-short"] = tmp_path / "h.tif"
    others["cut-short"].write_bytes(mine.read_bytes()[:-100])
    others["no-pyramid"] = tmp_path / "i.tif"
    others["no-pyramid"].write_bytes(b"somebody's notes")
    assert [name for name, other in others.items() if same_image(mine, other)] == []
