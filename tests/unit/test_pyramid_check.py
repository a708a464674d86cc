"""The check that people can use on any pyramid: what is fine, and what it says of each thing that is wrong."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
import tifffile

from darkroom.pyramids.validate import inspect
from tests import scans

GOOD: dict[str, Any] = {"tile": True, "pyramid": True, "tile_width": 256, "tile_height": 256, "compression": "deflate"}


def written(file: Path, image: pyvips.Image | None = None, **options: Any) -> Path:
    (image or scans.picture()).tiffsave(str(file), **(GOOD | {"resunit": "inch", "xres": 300 / 25.4} | options))
    return file


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "a.tif"


def problems(file: Path) -> str:
    return "; ".join(inspect(file).problems)


def test_a_pyramid_of_another_program_is_fine(file: Path) -> None:
    found = inspect(written(file))
    assert (found.problems, found.notes) == ([], [])
    assert found.levels == [(900, 700), (450, 350), (225, 175)]
    assert (found.tile, found.compression, found.bands, found.dpi, found.big) == ((256, 256), "deflate", 3, 300, False)


@pytest.mark.parametrize(("unit", "dots"), [("inch", 72 / 25.4), ("cm", 300 / 25.4)])
def test_the_resolution_is_read_in_its_own_unit(file: Path, unit: str, dots: float) -> None:
    found = inspect(written(file, resunit=unit, xres=dots, yres=dots))
    assert found.problems == []
    assert found.dpi == pytest.approx(dots * 25.4, abs=0.1)


def test_a_large_pyramid_may_be_a_big_tiff(file: Path) -> None:
    found = inspect(written(file, bigtiff=True))
    assert (found.problems, found.big) == ([], True)


def test_an_image_smaller_than_a_tile_needs_no_levels(file: Path) -> None:
    assert inspect(written(file, scans.picture(200, 100))).problems == []


def test_strips_are_no_tiles(file: Path) -> None:
    assert "it is not tiled: for every tile a server has to decode whole strips" in problems(
        written(file, tile=False, pyramid=False)
    )


def test_missing_levels_are_missed(file: Path) -> None:
    assert "its smallest level is 900 x 700: those down to one tile are missing" in problems(
        written(file, pyramid=False)
    )


def test_levels_in_sub_ifds_are_named(file: Path) -> None:
    assert "its levels are in SubIFDs, where some servers do not look" in problems(written(file, subifd=True))


def test_a_level_of_the_wrong_size_is_named(file: Path) -> None:
    images = [scans.picture().numpy(), scans.picture(460, 350).numpy(), scans.picture(230, 175).numpy()]
    with tifffile.TiffWriter(file) as writer:
        for number, image in enumerate(images):
            writer.write(image, tile=(256, 256), photometric="rgb", subfiletype=min(number, 1), metadata=None)
    assert "level 1 is 460 x 350, and half of the one before is 450 x 350" in problems(file)


def test_a_level_that_shows_another_picture_is_found(file: Path) -> None:
    images = [scans.picture().numpy(), scans.picture(450, 350).numpy(), 255 - scans.picture(225, 175).numpy()]
    with tifffile.TiffWriter(file) as writer:
        for number, image in enumerate(images):
            writer.write(image, tile=(256, 256), photometric="rgb", subfiletype=min(number, 1), metadata=None)
    assert "its smallest level shows another picture than its largest" in problems(file)


@pytest.mark.parametrize("kernel", ["nearest", "lanczos3"])
def test_another_programs_way_to_reduce_is_its_own_affair(file: Path, kernel: str) -> None:
    fine = scans.picture(300, 350).replicate(6, 4)  # its pattern is finer than the small levels can show
    images = [fine.resize(1 / 2**level, kernel=kernel).numpy() for level in range(4)]
    with tifffile.TiffWriter(file) as writer:
        for number, image in enumerate(images):
            writer.write(image, tile=(256, 256), photometric="rgb", subfiletype=min(number, 1), metadata=None)
    assert problems(file) == ""


@pytest.mark.parametrize("level", [0, 1, 2])
def test_one_broken_tile_of_any_level_is_found(file: Path, level: int) -> None:
    written(file)
    with tifffile.TiffFile(file) as read:
        page: Any = read.pages[level]
        offset, length = page.dataoffsets[-1], page.databytecounts[-1]
    data = bytearray(file.read_bytes())
    data[offset + length // 3 : offset + length // 2] = bytes(length // 2 - length // 3)
    file.write_bytes(data)
    assert f"level {level} (" in problems(file)
    assert "cannot be decoded" in problems(file)


def test_a_file_that_was_cut_short_is_found(file: Path) -> None:
    data = written(file).read_bytes()
    file.write_bytes(data[: len(data) // 2])
    assert problems(file)


def test_a_half_grey_pyramid_is_found(tmp_path: Path) -> None:
    assert "are one flat grey, as of a file that was cut short" in problems(scans.half_grey_pyramid(tmp_path))


def test_a_picture_that_ends_in_white_or_another_grey_is_fine(file: Path) -> None:
    for value in (255, 0, 117):
        pixels = scans.picture().numpy()
        pixels[350:] = value
        assert inspect(written(file, pyvips.Image.new_from_array(pixels).copy(interpretation="srgb"))).problems == []


def test_a_picture_that_is_all_one_grey_is_fine(file: Path) -> None:
    grey = np.full((700, 900, 3), 128, np.uint8)
    assert inspect(written(file, pyvips.Image.new_from_array(grey).copy(interpretation="srgb"))).problems == []


@pytest.mark.parametrize("data", [b"", b"II*\0", b"II*\0\x08\0\0\0", b"no TIFF at all", b"MM\0*" + bytes(range(256))])
def test_what_is_no_tiff_is_said_to_be_none(file: Path, data: bytes) -> None:
    file.write_bytes(data)
    assert "it is no TIFF that can be read" in problems(file)
