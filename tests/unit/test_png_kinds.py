"""Every kind of PNG becomes the same straight 8-bit RGBA; a broken one is refused with a reason."""

import numpy as np
import pytest
import pyvips

from darkroom.errors import ItemError
from darkroom.imaging.layers import Layers
from darkroom.imaging.png_header import HEADER_BYTES, png_size
from tests.renders import pixels, png

RNG = np.random.default_rng(7)


def whole(data: bytes) -> np.ndarray:
    """The picture that a decoded layer keeps; what is of alpha 0 shows nothing, so its colour does not count."""
    layers = Layers(1 << 30)
    layer = layers.decode(data)
    picture = np.zeros((layer.height, layer.width, 4), np.uint8)
    box = layer.box
    picture[box.y0 : box.y1, box.x0 : box.x1] = layers.unpacked(layer)
    return shown(picture)


def shown(rgba: np.ndarray) -> np.ndarray:
    return np.where(rgba[..., 3:] > 0, rgba, 0)


def save(values: np.ndarray, interpretation: str, **options: object) -> bytes:
    image = pyvips.Image.new_from_array(values).copy(interpretation=interpretation)
    return image.pngsave_buffer(**options)


def test_sixteen_bit_is_rounded_by_257():
    values = RNG.integers(0, 65536, (9, 11, 4), dtype=np.uint16)
    values[..., 3] |= 0x8000
    assert np.array_equal(whole(save(values, "rgb16")), np.rint(values / 257).astype(np.uint8))


def test_grey_and_alpha_is_expanded():
    values = RNG.integers(0, 256, (9, 11, 2), dtype=np.uint8)
    values[..., 1] |= 1
    rgba = np.concatenate([values[..., :1]] * 3 + [values[..., 1:]], axis=2)
    assert np.array_equal(whole(save(values, "b-w")), rgba)


def test_grey_without_alpha_is_opaque():
    values = RNG.integers(0, 256, (9, 11), dtype=np.uint8)
    layer = whole(save(values, "b-w"))
    assert np.array_equal(layer[..., 1], values)
    assert (layer[..., 3] == 255).all()


def test_one_bit_is_black_and_white():
    values = np.where(RNG.random((9, 11)) < 0.5, 0, 255).astype(np.uint8)
    data = save(values, "b-w", bitdepth=1)
    assert data[24] == 1  # really a 1-bit file
    assert np.array_equal(whole(data)[..., 0], values)


def test_a_palette_with_transparency_is_expanded():
    rgba = np.zeros((40, 40, 4), np.uint8)
    rgba[10:30, 5:35] = (200, 30, 60, 255)
    rgba[12:20, 8:20] = (10, 30, 60, 128)
    data = save(rgba, "srgb", palette=True, Q=100, dither=0)
    assert data[25] == 3  # really a palette
    assert np.abs(whole(data).astype(int) - shown(rgba).astype(int)).max() <= 2


def test_only_what_each_row_paints_is_kept():
    rgba = pixels("t1_neckline_front", 0, 200)
    layer = Layers(1 << 30).decode(png(rgba))
    kept = 4 * int((layer.spans[:, 1] - layer.spans[:, 0]).sum())
    assert kept < rgba[layer.box.y0 : layer.box.y1, layer.box.x0 : layer.box.x1].nbytes < rgba.nbytes / 4
    assert np.array_equal(whole(png(rgba)), shown(rgba))


def test_an_interlaced_png_is_read_as_any_other():
    rgba = pixels("t1_neckline_front", 0, 100)
    assert np.array_equal(whole(png(rgba, interlace=True)), shown(rgba))


def truncated(data: bytes) -> bytes:
    return data[: len(data) * 2 // 3]


def flipped_bit(data: bytes) -> bytes:
    at = len(data) // 2
    return data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :]


def header_only(data: bytes) -> bytes:
    return data[:HEADER_BYTES]


@pytest.mark.parametrize("broken", [truncated, flipped_bit, header_only])
def test_a_broken_png_is_refused_with_a_reason_never_half_drawn(broken):
    noise = RNG.integers(0, 256, (300, 300, 4), dtype=np.uint8)
    with pytest.raises(ItemError, match="cannot be decoded"):
        Layers(1 << 30).decode(broken(png(noise)))


@pytest.mark.parametrize("data", [b"", b"GIF89a" + b"\0" * 60, b"\x89PNG\r\n\x1a\n" + b"\0" * 60])
def test_what_is_no_png_has_no_size(data):
    assert png_size(data) is None


def test_a_header_says_the_size_without_the_rest():
    assert png_size(png(np.zeros((7, 9, 4), np.uint8))[:HEADER_BYTES]) == (9, 7)
