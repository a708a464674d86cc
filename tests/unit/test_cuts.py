"""Cuts: the old ImageMagick recipe's geometry, with one kernel and edge rule."""

import shutil
import subprocess

import numpy as np
import pytest
import pyvips

from darkroom.compositing.cuts import Painted, crop_box, crop_size
from darkroom.compositing.profiles import CROPS
from darkroom.imaging.encode import encode
from darkroom.imaging.geometry import Box
from tests import slow
from tests.renders import pixels

# what the studio's old scripts ran, cut by cut
RECIPES = {
    "142x142": ["-trim", "+repage", "-resize", "142x142"],
    "bottom-crop": ["-trim", "+repage", "-gravity", "north", "-chop", "0x33%", "+repage", "-resize", "142x"],
    "top-crop": ["-trim", "+repage", "-gravity", "south", "-chop", "0x33%", "+repage", "-resize", "142x"],
}


def garment(*layers: str) -> np.ndarray:
    images = [pixels(layer, 1, 1000) for layer in layers]
    return slow.written(slow.composite(images))


COMPOSITES = {
    "tall": ("base_knee_bottom_front", "t1_neckline_front"),
    "small": ("t1_neckline_front",),
    "wide": ("default_belt_front",),
    "layered": (
        "a5_behind_front",
        "base_knee_bottom_front",
        "default_belt_front",
        "t1_neckline_front",
        "a1_infront_front",
    ),
}


def real_imagemagick() -> str | None:
    """ImageMagick's own `convert`, and no stand-in of that name."""
    for folder in ("/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"):
        found = shutil.which("convert", path=folder)
        if found and "ImageMagick" in subprocess.run([found, "-version"], capture_output=True, text=True).stdout:
            return found
    return None


CONVERT = real_imagemagick()


@pytest.mark.skipif(CONVERT is None, reason="ImageMagick is not installed")
@pytest.mark.parametrize("cut", CROPS)
@pytest.mark.parametrize("name", COMPOSITES)
def test_a_cut_equals_imagemagicks(name, cut, tmp_path):
    composite = garment(*COMPOSITES[name])
    source, target = tmp_path / "in.png", tmp_path / "out.png"
    source.write_bytes(encode(composite))
    place = ["-background", "none", "-gravity", "center", "-extent", "142x142"]
    subprocess.run([CONVERT, source, *RECIPES[cut], *place, f"PNG32:{target}"], check=True)
    theirs = pyvips.Image.new_from_file(str(target)).numpy().astype(np.float64)
    ours = Painted(composite).cut(CROPS[cut]).astype(np.float64)
    assert np.abs(np.array(box_of(ours)) - np.array(box_of(theirs))).max() <= 1
    difference = np.abs(premultiplied(ours) - premultiplied(theirs))
    assert difference.mean() < 0.6
    assert difference.max() < 8


def premultiplied(straight: np.ndarray) -> np.ndarray:
    return np.concatenate([straight[..., :3] * straight[..., 3:] / 255, straight[..., 3:]], axis=2)


def box_of(picture: np.ndarray) -> tuple[int, int, int, int]:
    painted = np.argwhere(picture[..., 3] >= 1)
    (y0, x0), (y1, x1) = painted.min(axis=0), painted.max(axis=0) + 1
    return int(x0), int(y0), int(x1), int(y1)


@pytest.mark.parametrize("cut", CROPS)
def test_a_cut_equals_the_slow_reduction_of_its_box(cut):
    composite = garment(*COMPOSITES["layered"])
    box = crop_box(Box(*box_of(composite)), CROPS[cut])
    width, height = crop_size(box, CROPS[cut])
    part = composite[box.y0 : box.y1, box.x0 : box.x1].astype(np.float64)
    definition = np.zeros((142, 142, 4))
    reduced = slow.reduce(premultiplied(part), (width, height))
    top, left = 71 - height // 2, 71 - width // 2
    rows = slice(max(top, 0), min(top + height, 142))
    columns = slice(max(left, 0), min(left + width, 142))
    definition[rows, columns] = reduced[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    assert slow.largest_difference(Painted(composite).cut(CROPS[cut]), definition) <= 1.02


@pytest.mark.parametrize("cut", CROPS)
def test_an_empty_composite_gives_an_empty_cut(cut):
    picture = Painted(np.zeros((800, 533, 4), np.uint8)).cut(CROPS[cut])
    assert picture.shape == (142, 142, 4)
    assert not picture.any()


@pytest.mark.parametrize("cut", CROPS)
def test_a_single_pixel_is_enlarged_not_lost(cut):
    composite = np.zeros((800, 800, 4), np.uint8)
    composite[400, 300] = (10, 20, 30, 255)
    assert Painted(composite).cut(CROPS[cut])[71, 71].tolist() == [10, 20, 30, 255]


def test_a_third_of_the_painted_rows_goes():
    box = Box(10, 100, 110, 400)
    assert crop_box(box, CROPS["bottom-crop"]) == Box(10, 199, 110, 400)
    assert crop_box(box, CROPS["top-crop"]) == Box(10, 100, 110, 301)
    assert crop_size(Box(0, 0, 100, 201), CROPS["top-crop"]) == (142, 285)
