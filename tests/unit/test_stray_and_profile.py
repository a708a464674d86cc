"""What a render shows that it should not: stray pixels, and a colour profile other than sRGB."""

import struct
import zlib

import numpy as np
import pytest

from darkroom.checks.stray import _regions, stray_regions
from darkroom.compositing.cuts import Painted
from darkroom.compositing.profiles import CROPS
from darkroom.imaging.geometry import Box
from darkroom.imaging.layers import Layers
from darkroom.imaging.png_profile import other_profile
from tests.renders import pixels, png

# stray pixels

SIZE = 400


def canvas(*boxes: tuple[int, int, int, int], alpha: int = 255) -> np.ndarray:
    """A frame with a rectangle `(x0, y0, x1, y1)` for each box."""
    picture = np.zeros((SIZE, SIZE, 4), np.uint8)
    for x0, y0, x1, y1 in boxes:
        picture[y0:y1, x0:x1] = (90, 20, 40, alpha)
    return picture


BODY = (150, 100, 250, 300)


@pytest.mark.parametrize("alpha", [1, 255])
@pytest.mark.parametrize("box", [(390, 3, 391, 4), (5, 200, 10, 205), (200, 396, 203, 398)])
def test_a_stray_speck_is_found_with_its_place_and_its_gap(box, alpha):
    picture = canvas(BODY)
    picture[box[1] : box[3], box[0] : box[2], 3] = alpha
    (stray,) = stray_regions(picture, (SIZE, SIZE))
    assert stray.box == Box(*box)
    assert stray.pixels == (box[2] - box[0]) * (box[3] - box[1])
    clear = max(BODY[0] - box[2], box[0] - BODY[2], BODY[1] - box[3], box[1] - BODY[3])
    assert stray.gap == clear


def test_a_stray_speck_moves_the_cuts():
    clean, spoiled = canvas(BODY), canvas(BODY, (390, 3, 392, 5))
    assert stray_regions(spoiled, (SIZE, SIZE))
    for crop in CROPS.values():
        one, other = Painted(clean).cut(crop), Painted(spoiled).cut(crop)
        assert np.abs(one[..., 3].astype(int) - other[..., 3]).max() > 200


def test_every_stray_speck_is_found_the_farthest_first():
    found = stray_regions(canvas(BODY, (2, 2, 4, 4), (300, 300, 302, 301), (399, 399, 400, 400)), (SIZE, SIZE))
    assert [stray.box.x0 for stray in found] == [399, 2, 300]


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param([BODY], id="one part"),
        pytest.param([], id="nothing"),
        pytest.param([(60, 100, 100, 180), (300, 100, 340, 180)], id="flutter sleeves"),
        pytest.param([(100, 150, 104, 154), (300, 150, 304, 154)], id="a pair of earrings"),
        pytest.param([(150, 50, 153, 120), (240, 50, 243, 120), (120, 130, 280, 300)], id="straps and a bodice"),
        pytest.param([BODY, (300, 300, 310, 310)], id="a buckle beside a skirt"),
        pytest.param([BODY, (150, 95, 152, 99), (251, 200, 252, 202)], id="loose threads at the edge"),
        pytest.param([(90, 90, 99, 300), (280, 90, 290, 300), (200, 200, 201, 201)], id="a speck inside the box"),
        pytest.param([BODY, *((x, 200, x + 2, 202) for x in range(252, 380, 4))], id="a trail of sequins"),
        pytest.param([(x, y, x + 2, y + 2) for x in (9, 200, 390) for y in (9, 200, 390)], id="sequins only"),
    ],
)
def test_legitimate_parts_are_not_called_stray(parts):
    assert stray_regions(canvas(*parts), (SIZE, SIZE)) == []


def test_how_large_a_speck_is_goes_by_the_frame():
    picture = np.zeros((3000, 3000, 4), np.uint8)
    picture[800:2400, 1000:2000, 3] = 255
    picture[100:121, 100:121, 3] = 255
    assert len(stray_regions(picture, (3000, 3000))) == 1
    picture[121, 100:121, 3] = 255
    assert stray_regions(picture, (3000, 3000)) == []


def flooded(alpha: np.ndarray) -> set[tuple[int, ...]]:
    """The regions the slow and obvious way."""
    left = set(map(tuple, np.argwhere(alpha).tolist()))
    found = set()
    while left:
        region, edge = set(), {left.pop()}
        while edge:
            y, x = edge.pop()
            region.add((y, x))
            near = {(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)} & left
            left -= near
            edge |= near
        ys, xs = zip(*region, strict=True)
        found.add((len(region), min(xs), min(ys), max(xs) + 1, max(ys) + 1))
    return found


@pytest.mark.parametrize("seed", range(40))
def test_regions_are_those_of_a_flood_fill_corners_included(seed):
    rng = np.random.default_rng(seed)
    picture = np.zeros((*rng.integers(1, 24, 2), 4), np.uint8)
    picture[..., 3] = rng.random(picture.shape[:2]) < rng.random()
    assert set(map(tuple, _regions(picture).tolist())) == flooded(picture[..., 3])


# colour profiles


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def with_chunks(*chunks: bytes) -> bytes:
    """A PNG with chunks put in before its pixels."""
    data = png(pixels("t1_neckline_front", 0, 40), keep="none")
    return data[:33] + b"".join(chunks) + data[33:]


def icc(tag: bytes) -> bytes:
    """A profile that has nothing but a description."""
    return bytes(128) + struct.pack(">I4sII", 1, b"desc", 144, len(tag)) + tag


def version_2(name: str) -> bytes:
    return icc(b"desc\0\0\0\0" + struct.pack(">I", len(name) + 1) + name.encode() + b"\0")


def version_4(name: str) -> bytes:
    text = name.encode("utf-16-be")
    return icc(b"mluc\0\0\0\0" + struct.pack(">II4sII", 1, 12, b"enUS", len(text), 28) + text)


def iccp(profile: bytes, called: str = "ICC profile") -> bytes:
    return chunk(b"iCCP", called.encode("latin-1") + b"\0\0" + zlib.compress(profile))


SRGB_PRIMARIES = struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
ADOBE_PRIMARIES = struct.pack(">8I", 31270, 32900, 64000, 33000, 21000, 71000, 15000, 6000)


@pytest.mark.parametrize(
    "file",
    [
        pytest.param(with_chunks(), id="no profile"),
        pytest.param(with_chunks(chunk(b"sRGB", b"\0")), id="sRGB chunk"),
        pytest.param(with_chunks(chunk(b"sRGB", b"\0"), chunk(b"gAMA", struct.pack(">I", 100000))), id="sRGB and gAMA"),
        pytest.param(with_chunks(iccp(version_2("sRGB IEC61966-2.1"))), id="ICC 2"),
        pytest.param(with_chunks(iccp(version_4("sRGB v4 ICC preference"))), id="ICC 4"),
        pytest.param(png(pixels("t1_neckline_front", 0, 40), profile="srgb"), id="a real sRGB profile"),
        pytest.param(
            with_chunks(chunk(b"gAMA", struct.pack(">I", 45455)), chunk(b"cHRM", SRGB_PRIMARIES)), id="numbers"
        ),
        pytest.param(with_chunks(chunk(b"cICP", b"\x01\x0d\0\x01")), id="cICP"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + b"\xff" * 40, id="nonsense"),
    ],
)
def test_srgb_however_it_is_said_is_fine(file):
    assert other_profile(file) == ""


@pytest.mark.parametrize(
    ("file", "name"),
    [
        pytest.param(with_chunks(iccp(version_2("Adobe RGB (1998)"))), "Adobe RGB (1998)", id="ICC 2"),
        pytest.param(with_chunks(iccp(version_4("Display P3"))), "Display P3", id="ICC 4"),
        pytest.param(with_chunks(chunk(b"sRGB", b"\0"), iccp(version_2("ProPhoto"))), "ProPhoto", id="ICC before sRGB"),
        pytest.param(with_chunks(iccp(icc(b"none"), "eciRGB")), "eciRGB", id="without a description"),
        pytest.param(with_chunks(iccp(b"short", "sRGB")), "sRGB (broken: it cannot be read)", id="broken"),
        pytest.param(with_chunks(chunk(b"iCCP", b"x\0\0no zlib")), "x (broken: it cannot be read)", id="no zlib"),
        pytest.param(with_chunks(chunk(b"gAMA", struct.pack(">I", 100000))), "gamma 1", id="linear"),
        pytest.param(with_chunks(chunk(b"cHRM", ADOBE_PRIMARIES)), "primaries 0.3127", id="primaries"),
        pytest.param(with_chunks(chunk(b"cICP", b"\x0c\x0d\0\x01")), "code points 12-13-0-1 (cICP)", id="cICP"),
    ],
)
def test_any_other_profile_is_named(file, name):
    Layers(1 << 30).decode(file)  # it is a good file otherwise
    assert other_profile(file).startswith(name)


def test_a_real_display_p3_profile_is_named():
    assert "P3" in other_profile(png(pixels("t1_neckline_front", 0, 40), profile="p3"))


def test_a_bomb_in_a_profile_is_not_unpacked():
    bomb = with_chunks(iccp(version_2("Bomb") + bytes(50_000_000)))
    assert len(bomb) < 100_000
    assert other_profile(bomb) == "Bomb"
