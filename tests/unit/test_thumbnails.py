"""Thumbnails: which files get one, that it shows the image, and that a damaged image gets none."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import pyvips

from darkroom.failures import DecodeFailed, ValidateFailed
from darkroom.imaging.formats import BEGINNING
from darkroom.imaging.source import Pixels
from darkroom.publishing import thumbnails
from darkroom.publishing.thumbnails import is_image, thumbnail, unlike
from tests import scans

MOST = 100_000_000


def decoded(jpeg: bytes) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    return np.asarray(pyvips.Image.jpegload_buffer(jpeg, fail_on="warning").numpy(), float)


def test_every_kind_of_image_gets_one_that_shows_it(tmp_path: Path) -> None:
    due = scans.picture().thumbnail_image(300).numpy().astype(float)
    for kind, file in scans.good(tmp_path).items():
        assert is_image(file.read_bytes()[:BEGINNING]), kind
        found = decoded(thumbnail(file, 300, 85, MOST))
        assert max(found.shape[:2]) == 300, kind
        if kind not in ("svg", "grey", "one bit"):  # which are other pictures
            assert found.shape == due.shape, kind
            assert np.abs(found - due).mean() < 25, kind  # a palette or a printer's colours change it by so much


def test_it_is_the_same_whenever_it_is_made(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    scans.picture().pngsave(str(file))
    assert thumbnail(file, 200, 80, MOST) == thumbnail(file, 200, 80, MOST)
    assert len(thumbnail(file, 200, 30, MOST)) < len(thumbnail(file, 200, 80, MOST))


def test_a_small_image_is_not_enlarged(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    scans.picture(40, 30).pngsave(str(file))
    assert decoded(thumbnail(file, 300, 85, MOST)).shape == (30, 40, 3)


def test_a_narrow_image_keeps_a_pixel(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    scans.picture(3000, 2).pngsave(str(file))
    assert decoded(thumbnail(file, 100, 85, MOST)).shape == (1, 100, 3)


def test_it_is_upright_and_without_metadata(tmp_path: Path) -> None:
    file = tmp_path / "a.jpg"
    image = scans.tagged(scans.picture(600, 400), 6)
    image.set_type(pyvips.GValue.gstr_type, "exif-ifd0-Artist", "Somebody")
    image.jpegsave(str(file), Q=95)
    jpeg = thumbnail(file, 300, 90, MOST)
    found = decoded(jpeg)
    assert found.shape == (300, 200, 3)
    assert found[:, :20, 1].mean() > 200  # turned to the right: green, which grew downwards, grows to the left now
    assert found[:, -20:, 1].mean() < 50
    for marker in (b"Exif", b"ICC_PROFILE", b"Somebody", b"Photoshop", b"http://ns.adobe.com"):
        assert marker not in jpeg


def test_a_wide_gamut_is_brought_to_srgb(tmp_path: Path) -> None:
    file = tmp_path / "a.tif"
    red = pyvips.Image.new_from_array(np.full((64, 64, 3), (255, 0, 0), np.uint8)).copy(interpretation="srgb")
    red.icc_transform("p3", input_profile="srgb").tiffsave(str(file))
    assert np.abs(decoded(thumbnail(file, 64, 95, MOST)).mean((0, 1)) - [255, 0, 0]).max() < 4


def test_what_is_transparent_is_white(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    clear = scans.picture(200, 100).bandjoin(pyvips.Image.black(200, 100))
    clear.pngsave(str(file))
    assert decoded(thumbnail(file, 100, 90, MOST)).min() > 250


@pytest.mark.parametrize("damaged", [scans.jpeg_cut_short, scans.png_cut_short, scans.tiff_cut_short])
def test_a_damaged_image_gets_none(tmp_path: Path, damaged: Callable[[Path], Path]) -> None:
    with pytest.raises(DecodeFailed):
        thumbnail(damaged(tmp_path), 300, 85, MOST)


def test_an_image_of_too_many_pixels_is_not_decoded(tmp_path: Path) -> None:
    with pytest.raises(DecodeFailed, match="more than"):
        thumbnail(scans.png_bomb(tmp_path), 300, 85, 1_000_000)


@pytest.mark.parametrize(
    "beginning",
    [
        b"",
        b"{}",
        b"a text",
        b"BMW and others\nof Munich: a text",
        b"PK\x03\x04",
        b"\x00" * BEGINNING,
        b"<html><img>",
        b"GIF8",
        b"8BPS\0\1",
    ],
)
def test_what_is_no_image_is_told_by_its_first_bytes(beginning: bytes) -> None:
    assert not is_image(beginning)


QUALITIES = [30, 50, 85, 100]


def jpeg_of(pixels: Pixels, quality: int) -> bytes:
    written: bytes = pyvips.Image.new_from_array(pixels).copy(interpretation="srgb").jpegsave_buffer(Q=quality)
    return written


def hard_pictures() -> dict[str, Pixels]:
    """What a JPEG keeps worst."""
    random, (y, x) = np.random.default_rng(7), np.mgrid[:96, :160]
    blocks = random.integers(0, 2, (14, 23, 3)).repeat(7, 0).repeat(7, 1)[:96, :160]
    return {
        "noise": random.integers(0, 256, (96, 160, 3)).astype(np.uint8),
        "blocks": (blocks * 255).astype(np.uint8),
        "stripes": np.dstack([x % 2 * 255, y % 2 * 255, (x + y) % 2 * 255]).astype(np.uint8),
        "picture": scans.picture(160, 96).numpy(),
        "a pixel": np.full((1, 1, 3), 77, np.uint8),
    }


@pytest.mark.parametrize("quality", QUALITIES)
def test_a_right_thumbnail_passes_whatever_the_picture(quality: int) -> None:
    for name, pixels in hard_pictures().items():
        assert unlike(jpeg_of(pixels, quality), pixels, quality) == "", name


@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize(
    "wrong",
    [
        lambda pixels: pixels[:, ::-1],
        lambda pixels: pixels[::-1],
        lambda pixels: pixels[..., ::-1],
        lambda pixels: np.full_like(pixels, 128),
        lambda pixels: np.concatenate([pixels[:64], np.full_like(pixels[64:], 128)]),
        lambda pixels: np.roll(pixels, 40, 1),
        lambda pixels: 255 - pixels,
        lambda pixels: np.rot90(pixels),
        lambda pixels: pixels[1:],
    ],
    ids=["mirrored", "upside down", "blue for red", "grey", "grey below", "shifted", "negative", "turned", "cropped"],
)
def test_a_wrong_picture_is_seen(wrong: Callable[[Pixels], Pixels], quality: int) -> None:
    pixels = scans.picture(160, 96).numpy()
    assert unlike(jpeg_of(np.ascontiguousarray(wrong(pixels)), quality), pixels, quality)


def test_a_wrong_thumbnail_is_never_given_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.png"
    scans.picture().pngsave(str(file))
    written = thumbnails._written
    monkeypatch.setattr(thumbnails, "_written", lambda pixels, quality: written(pixels[::-1].copy(), quality))
    with pytest.raises(ValidateFailed, match="differs from the image's"):
        thumbnail(file, 300, 85, MOST)
    monkeypatch.setattr(thumbnails, "_written", lambda pixels, quality: written(pixels, quality)[:2000])
    with pytest.raises(ValidateFailed, match="cannot be decoded"):
        thumbnail(file, 300, 85, MOST)
