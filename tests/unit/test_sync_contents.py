"""Is a file what its name says? By its first bytes and by a decoder, whatever the bytes are."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import pyvips

from darkroom.imaging.formats import BEGINNING
from darkroom.sync.rules import Checker, load_rules, rules_named


@pytest.fixture(scope="module")
def stores() -> Checker:
    return Checker(rules_named("stores"))


def picture(width: int = 120, height: int = 90) -> pyvips.Image:
    noise = np.random.default_rng(7).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return pyvips.Image.new_from_array(noise).copy(interpretation="srgb")


@pytest.fixture(scope="module")
def jpeg() -> bytes:
    data: bytes = picture().jpegsave_buffer(Q=80)
    return data


def with_segments(jpeg: bytes, *, size: int, marker: int = 0xE2) -> bytes:
    """With so many bytes of segments before anything that a decoder needs."""
    full, rest = divmod(size, 65_533)
    lengths = [65_533] * full + [rest] * (rest > 0)
    fillers = [b"\xff" + bytes((marker,)) + (length + 2).to_bytes(2, "big") + b"\0" * length for length in lengths]
    return jpeg[:2] + b"".join(fillers) + jpeg[2:]


class Source:
    """A file that counts what is read of it beside its beginning."""

    def __init__(self, data: bytes) -> None:
        self.data, self.read = data, 0

    def __call__(self, start: int, length: int) -> bytes:
        assert 0 <= start < len(self.data)
        assert length > 0
        self.read += length
        return self.data[start : start + length]


def verdict(stores: Checker, data: bytes) -> str:
    """The same whether it is looked at as a whole or by its beginning."""
    said = stores.wrong_content(data, len(data))
    for beginning in (BEGINNING, 65_536):
        assert stores.wrong_content(data[:beginning], len(data), Source(data)) == said
    return said


def test_real_jpegs_are_accepted(stores: Checker, jpeg: bytes) -> None:
    grey = picture().colourspace("b-w")
    for data in (
        jpeg,
        picture().jpegsave_buffer(interlace=True),  # progressive
        picture().jpegsave_buffer(keep="none"),
        picture(1, 1).jpegsave_buffer(),
        grey.jpegsave_buffer(),
        picture().colourspace("cmyk").jpegsave_buffer(),
        picture(2000, 1500).jpegsave_buffer(interlace=True, restart_interval=8),
        jpeg + b"a camera's own data" * 5000,
        jpeg[:2] + b"\xff\xff\xff" + jpeg[2:],  # fill bytes
        with_segments(jpeg, size=10).replace(b"\xff\xe1", b"junk\xff\xe1", 1),  # which decoders skip
    ):
        assert verdict(stores, data) == ""


@pytest.mark.parametrize("marker", [0xE1, 0xE2, 0xFE])
@pytest.mark.parametrize("size", [300_000, 3_000_000])
def test_a_jpeg_with_more_before_its_picture_than_is_at_hand_is_none_the_worse(
    stores: Checker, jpeg: bytes, marker: int, size: int
) -> None:
    data = with_segments(jpeg, size=size, marker=marker)
    assert verdict(stores, data) == ""
    source = Source(data)
    assert stores.wrong_content(data[:65_536], len(data), source) == ""
    assert source.read < 200_000, "what lies between is not read"
    assert stores.wrong_content(data[:65_536], len(data)) == "", "nothing is said of what is not seen"
    cut = data[: size + 100]
    assert verdict(stores, cut) == "it is a JPEG that is cut off; copy it again"


def test_absurd_dimensions_are_no_reason(stores: Checker, jpeg: bytes) -> None:
    at = jpeg.index(b"\xff\xc0") + 5
    assert verdict(stores, jpeg[:at] + (65_500).to_bytes(2, "big") * 2 + jpeg[at + 4 :]) == ""


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "it is empty"),
        (picture().pngsave_buffer(), "it is a PNG, and no JPEG; save it as JPEG"),
        (picture().webpsave_buffer(), "it is a WebP, and no JPEG; save it as JPEG"),
        (b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf", "it is an AVIF, and no JPEG; save it as JPEG"),
        (b"\0\0\0\x1cftypheic\0\0\0\0mif1heic", "it is a HEIC, and no JPEG; save it as JPEG"),
        (b"%PDF-1.7\n", "it is a PDF, and no JPEG; save it as JPEG"),
        (b"<!DOCTYPE html><html>", "it is a web page and no image"),
        (b"\n <!doctype HTML>\n<title>404", "it is a web page and no image"),
        (b"<HTML><body>Moved", "it is a web page and no image"),
        (b"PK\x03\x04" + bytes(100), "it is a ZIP archive; unpack it"),
        (b"8BPS\0\1", "it is a Photoshop file; save it as JPEG"),
        (
            b"FUJIFILMCCD-RAW",
            "it is a camera's raw file, which holds no finished picture; develop it and save it as JPEG",
        ),
    ],
)
def test_what_only_has_the_name_of_a_jpeg_is_said_to_be_what_it_is(stores: Checker, data: bytes, said: str) -> None:
    assert stores.wrong_content(data, len(data)) == said


def test_text_and_zeros_are_no_image(stores: Checker) -> None:
    for data in (b"to do: a photo", bytes(5000), b"\xff\xd9\xff\xd8" * 300):
        assert stores.wrong_content(data, len(data)).startswith("it is no image of a kind that Darkroom reads")


def test_a_jpeg_that_is_cut_off_anywhere_is_refused(stores: Checker, jpeg: bytes) -> None:
    scan = jpeg.index(b"\xff\xda")
    for length in (3, 4, 20, scan // 2, scan - 1, scan, scan + 1, scan + 5):
        assert verdict(stores, jpeg[:length]) == "it is a JPEG that is cut off; copy it again", length
    for length in (scan + 14, scan + 500, len(jpeg) - 1):
        assert verdict(stores, jpeg[:length]) == "it is a JPEG that is cut off in its picture; copy it again", length
    large = picture(1500, 1200).jpegsave_buffer(Q=95)
    assert verdict(stores, large[: len(large) // 2]) == "it is a JPEG that is cut off in its picture; copy it again"


def test_a_header_that_no_decoder_reads_is_refused(stores: Checker, jpeg: bytes) -> None:
    damaged = "it begins as a JPEG, and its header cannot be decoded: it is damaged or cut off; save it again"
    frame = jpeg.index(b"\xff\xc0")
    for data in (
        b"\xff\xd8\xff" + b"x" * 5000,
        jpeg[:frame] + b"\xff\xc8" + jpeg[frame + 2 :],  # a kind of JPEG that there is not
        jpeg[: frame + 5] + bytes(4) + jpeg[frame + 9 :],  # 0 x 0
        jpeg[: frame + 9] + b"\xff" + jpeg[frame + 10 :],  # 255 channels
        b"\xff\xd8\xff\xd9" + bytes(100),
    ):
        assert verdict(stores, data) == damaged


def test_damage_of_any_kind_raises_nothing(stores: Checker, jpeg: bytes) -> None:
    random = np.random.default_rng(3)
    for _ in range(300):
        data = bytearray(jpeg)
        for at in random.integers(2, 700, 4):
            data[at] = random.integers(0, 256)
        assert stores.wrong_content(bytes(data), len(data)).isprintable()


@pytest.mark.parametrize(
    ("content", "data"),
    [
        ("png", picture().pngsave_buffer()),
        ("webp", picture().webpsave_buffer()),
        ("gif", picture().gifsave_buffer()),
        ("tiff", picture(600, 600).tiffsave_buffer()),  # what says where the picture is stands at its end
        ("avif", picture().heifsave_buffer(compression="av1", effort=0)),
    ],
)
def test_other_kinds_of_content_are_decoded_as_well(content: str, data: bytes) -> None:
    rules = Checker(load_rules(f"content: {content}\n".encode(), "mine.yaml", "mine"))
    assert verdict(rules, data) == ""
    assert "header cannot be decoded" in rules.wrong_content(data[:30], 30)
    assert " and no " in rules.wrong_content(picture().jpegsave_buffer(), 10_000)


def test_many_threads_get_their_own_answers(stores: Checker, jpeg: bytes) -> None:
    files = [jpeg, jpeg[:300], b"\xff\xd8\xff" + b"x" * 500, picture().jpegsave_buffer(interlace=True)] * 250
    alone = [stores.wrong_content(data, len(data)) for data in files[:4]]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda data: stores.wrong_content(data, len(data)), files))
    assert found == alone * 250


def test_what_reading_raises_goes_through(stores: Checker, jpeg: bytes) -> None:
    def read(start: int, length: int) -> bytes:
        raise OSError("the drive is gone")

    data = with_segments(jpeg, size=100_000)
    with pytest.raises(OSError, match="the drive is gone"):
        stores.wrong_content(data[:BEGINNING], len(data), read)


def test_a_file_that_shrinks_while_it_is_looked_at_is_cut_off(stores: Checker, jpeg: bytes) -> None:
    data = with_segments(jpeg, size=100_000)
    assert "cut off" in stores.wrong_content(data[:BEGINNING], len(data), lambda start, length: b"")


def test_names_alone_are_checked_without_libvips() -> None:
    code = (
        "import sys; from darkroom.sync.rules import Checker, rules_named; c = Checker(rules_named('stores'));"
        "c.wrong_name('a'); c.wrong_content(b'<html>', 6); print('pyvips' in sys.modules, 'numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == (
        "False False\n"
    )
