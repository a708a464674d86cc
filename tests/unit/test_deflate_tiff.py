"""The pyramids that Darkroom writes itself: the very pixels, read by libvips, and the tags that servers go by."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
import tifffile

from darkroom.pyramids import deflate_tiff
from darkroom.pyramids.validate import inspect
from tests import scans


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "a.tif"


def noise(width: int, height: int, bands: int = 3) -> pyvips.Image:
    pixels = np.random.default_rng(1).integers(0, 256, (height, width, bands), np.uint8)
    return pyvips.Image.new_from_array(pixels).copy(interpretation="srgb")


def save(image: pyvips.Image, file: Path, tile: int = 64, *, big: bool = False) -> None:
    icc = image.get("icc-profile-data") if "icc-profile-data" in image.get_fields() else None
    deflate_tiff.save(image.numpy(), file, tile=tile, dpi=300, icc=icc, big=big)


def level(file: Path, page: int = 0) -> deflate_tiff.Pixels:
    return pyvips.Image.tiffload(str(file), page=page, fail_on="warning").numpy()  # type: ignore[no-any-return]


def tags(file: Path, page: int = 0) -> dict[str, Any]:
    with tifffile.TiffFile(file) as read:
        return {tag.name: tag.value for tag in read.pages[page].tags}  # type: ignore[union-attr]


@pytest.mark.parametrize("bands", [3, 4])
@pytest.mark.parametrize(("width", "height"), [(1, 1), (64, 64), (65, 63), (129, 200), (1, 500), (500, 1), (3, 700)])
def test_libvips_reads_the_very_pixels(file: Path, width: int, height: int, bands: int) -> None:
    image = noise(width, height, bands)
    save(image, file)
    assert (level(file) == image.numpy()).all()
    assert inspect(file).problems == []


def test_an_image_of_more_tiles_than_are_under_way_keeps_their_order(file: Path) -> None:
    image = scans.picture(1000, 900)
    save(image, file, tile=16)
    assert (level(file) == image.numpy()).all()


def test_every_level_is_what_libvips_makes_of_the_image(file: Path, tmp_path: Path) -> None:
    image = noise(1029, 515)
    save(image, file)
    image.tiffsave(str(tmp_path / "b.tif"), tile=True, tile_width=64, tile_height=64, pyramid=True)
    assert inspect(file).levels == [(1029, 515), (514, 257), (257, 128), (128, 64), (64, 32)]
    for number in range(5):
        assert (level(file, number) == level(tmp_path / "b.tif", number)).all()


@pytest.mark.parametrize(("width", "height", "sizes"), [(2, 500, [(2, 500), (1, 250)]), (500, 1, [(500, 1)])])
def test_a_side_of_one_pixel_ends_the_levels_as_with_libvips(
    file: Path, tmp_path: Path, width: int, height: int, sizes: list[tuple[int, int]]
) -> None:
    save(noise(width, height), file)
    noise(width, height).tiffsave(str(tmp_path / "b.tif"), tile=True, tile_width=64, tile_height=64, pyramid=True)
    assert inspect(file).levels == inspect(tmp_path / "b.tif").levels == sizes


def test_what_is_transparent_gives_no_colour_to_the_smaller_levels(file: Path) -> None:
    pixels = np.zeros((128, 128, 4), np.uint8)
    pixels[:, ::2] = (200, 10, 10, 255)
    pixels[:, 1::2] = (0, 255, 0, 0)
    save(pyvips.Image.new_from_array(pixels).copy(interpretation="srgb"), file)
    assert (level(file, 1)[..., :3] == (200, 10, 10)).all()
    assert np.abs(level(file, 1)[..., 3] - 127.5).max() <= 0.5


def test_the_tags_are_those_of_libvips(file: Path, tmp_path: Path) -> None:
    image = scans.with_profile(noise(300, 200, 4), pyvips.Image.profile_load("srgb"))
    options = {"tile": True, "tile_width": 64, "tile_height": 64, "pyramid": True, "predictor": "horizontal"}
    dots = {"resunit": "inch", "xres": 300 / 25.4, "yres": 300 / 25.4}
    image.tiffsave(str(tmp_path / "b.tif"), compression="deflate", **options, **dots)
    save(image, file)
    said_by_default, of_each = {"Orientation", "SampleFormat"}, {"TileOffsets", "TileByteCounts"}
    for page in range(4):
        ours, theirs = tags(file, page), tags(tmp_path / "b.tif", page)
        assert set(theirs) - set(ours) == said_by_default
        assert {name: ours[name] for name in set(ours) - of_each} == {
            name: theirs[name] for name in set(ours) - of_each
        }


@pytest.mark.parametrize("big", [False, True])
def test_a_large_one_is_a_big_tiff(file: Path, big: bool) -> None:
    image = noise(100, 100)
    save(image, file, big=big)
    assert (inspect(file).big, inspect(file).problems) == (big, [])
    assert (level(file) == image.numpy()).all()


def test_what_lies_beyond_the_edge_takes_no_room(file: Path, tmp_path: Path) -> None:
    save(noise(512, 512), file, tile=512)
    save(noise(513, 513), tmp_path / "b.tif", tile=512)
    assert (tmp_path / "b.tif").stat().st_size < file.stat().st_size * 1.3


def test_a_place_that_cannot_be_written_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        save(noise(10, 10), tmp_path / "nowhere" / "a.tif")
