"""What a PNG's chunks say: the image is turned by its EXIF wherever that stands, and what is not applied is said."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import pyvips
from PIL import Image

from darkroom.imaging.opening import look, prepare
from darkroom.imaging.readers.png import exif_orientation
from darkroom.imaging.source import Source
from darkroom.pyramids.make import make_pyramid
from darkroom.pyramids.profiles import PROFILES
from tests import scans

LIMIT = 1_000_000_000
WIDTH, HEIGHT = 60, 40


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(*chunks: bytes, after: bytes = b"", **options: object) -> bytes:
    """A PNG with chunks before its pixels and some `after` them."""
    data: bytes = scans.picture(WIDTH, HEIGHT).pngsave_buffer(keep="none", **options)
    return data[:33] + b"".join(chunks) + data[33:-12] + after + data[-12:]


def exif(orientation: int, order: str = ">") -> bytes:
    """EXIF that says nothing else."""
    head = b"MM\0*" if order == ">" else b"II*\0"
    return head + struct.pack(f"{order}IHHHIHHI", 8, 1, 0x112, 3, 1, orientation, 0, 0)


def text(data: bytes, name: bytes = b"exif") -> bytes:
    """A profile as ImageMagick writes it as text."""
    digits = data.hex().encode()
    lines = b"\n".join(digits[at : at + 72] for at in range(0, len(digits), 72))
    return b"\n%b\n%8d\n%b\n" % (name, len(data), lines)


def raw(data: bytes, kind: bytes = b"zTXt", name: bytes = b"exif") -> bytes:
    keyword, written = b"Raw profile type " + name + b"\0", text(data, name.lower())
    if kind == b"zTXt":
        return chunk(kind, keyword + b"\0" + zlib.compress(written))
    if kind == b"iTXt":
        return chunk(kind, keyword + b"\1\0en\0\0" + zlib.compress(written))
    return chunk(kind, keyword + written)


def found(folder: Path, data: bytes, name: str = "a.png") -> Source:
    (folder / name).write_bytes(data)
    return look(folder / name, LIMIT)


def upright(orientation: int) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]":
    return scans.tagged(scans.picture(WIDTH, HEIGHT), orientation).autorot().numpy()


PLACES = {
    "eXIf": lambda data: png(chunk(b"eXIf", data)),
    "eXIf with a prefix": lambda data: png(chunk(b"eXIf", b"Exif\0\0" + data)),
    "eXIf behind the pixels": lambda data: png(after=chunk(b"eXIf", data)),
    "zTXt": lambda data: png(raw(b"Exif\0\0" + data)),
    "zTXt behind the pixels": lambda data: png(after=raw(b"Exif\0\0" + data)),
    "zTXt of APP1": lambda data: png(raw(b"Exif\0\0" + data, name=b"APP1")),
    "tEXt": lambda data: png(raw(data, b"tEXt")),
    "iTXt": lambda data: png(raw(data, b"iTXt")),
    "interlaced": lambda data: png(raw(data), interlace=True),
    "both": lambda data: png(chunk(b"eXIf", data), raw(exif(3))),
}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("place", PLACES)
def test_an_image_is_turned_once_wherever_its_orientation_stands(place: str, orientation: int, tmp_path: Path) -> None:
    source = found(tmp_path, PLACES[place](exif(orientation, "<" if orientation % 2 else ">")))
    right = upright(orientation)
    assert (source.height, source.width) == right.shape[:2]
    assert np.array_equal(prepare(source, source.width, source.height).numpy(), right)


def test_a_turned_image_is_made_smaller_and_keeps_its_alpha(tmp_path: Path) -> None:
    image = scans.picture().bandjoin(pyvips.Image.black(scans.WIDTH, scans.HEIGHT) + 128)
    data = image.cast("uchar").copy(interpretation="srgb").pngsave_buffer(keep="none")
    source = found(tmp_path, data[:33] + raw(exif(6)) + data[33:])
    assert (source.width, source.height) == (scans.HEIGHT, scans.WIDTH)
    small = prepare(source, 70, 90).numpy()
    right = scans.tagged(scans.picture(), 6).autorot().thumbnail_image(70, height=90).numpy()
    assert np.abs(small[..., :3].astype(float) - right).mean() < 3
    assert (small[..., 3] == 128).all()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", [".webp", ".avif"])
def test_webp_and_avif_are_upright_once(ending: str, orientation: int, tmp_path: Path) -> None:
    data = scans.tagged(scans.picture(WIDTH, HEIGHT), orientation).write_to_buffer(ending, lossless=True)
    source = found(tmp_path, data, f"a{ending}")
    right = upright(orientation).astype(float)
    assert (source.height, source.width) == right.shape[:2]
    assert np.abs(prepare(source, source.width, source.height).numpy() - right).mean() < 1


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"MM\0*",
        exif(0),
        exif(9),
        exif(6)[:-8],
        b"MM\0*\xff\xff\xff\xff",
        b"MM\0*\0\0\0\x08\xff\xff",
        b"XX" + exif(6)[2:],
    ],
)
def test_exif_that_says_nothing_turns_nothing(data: bytes) -> None:
    assert exif_orientation(data) == 0


def test_a_bomb_in_a_text_is_not_unpacked(tmp_path: Path) -> None:
    bomb = zlib.compress(b"\nexif\n       9\n" + b"0" * 200_000_000, 9)
    file = found(tmp_path, png(chunk(b"zTXt", b"Raw profile type exif\0\0" + bomb)))
    assert (file.width, file.height) == (WIDTH, HEIGHT)


@pytest.mark.parametrize("broken", [b"Raw profile type exif\0\0no zlib", b"Raw profile type exif", b""])
def test_a_broken_text_turns_nothing(broken: bytes, tmp_path: Path) -> None:
    assert found(tmp_path, png(chunk(b"zTXt", broken))).width == WIDTH


SRGB_PRIMARIES = struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
ADOBE_PRIMARIES = struct.pack(">8I", 31270, 32900, 64000, 33000, 21000, 71000, 15000, 6000)
LINEAR = chunk(b"gAMA", struct.pack(">I", 100_000))


@pytest.mark.parametrize(
    ("chunks", "note"),
    [
        ([LINEAR], "gamma 1"),
        ([chunk(b"cHRM", ADOBE_PRIMARIES)], "primaries 0.3127"),
        ([chunk(b"cICP", b"\x0c\x0d\0\1")], "code points 12-13-0-1 (cICP)"),
        ([chunk(b"cICP", b"\x09\x10\0\1"), chunk(b"sRGB", b"\0")], "code points 9-16-0-1 (cICP)"),
    ],
)
def test_colours_that_are_not_applied_are_said(chunks: list[bytes], note: str, tmp_path: Path) -> None:
    source = found(tmp_path, png(*chunks))
    (said,) = make_pyramid(source, tmp_path / "a.tif", PROFILES["deflate"]).source.notes
    assert said.startswith(f"Its colours are declared by {note}")
    assert "which is not applied" in said


@pytest.mark.parametrize(
    "chunks",
    [
        [],
        [chunk(b"gAMA", struct.pack(">I", 45_455)), chunk(b"cHRM", SRGB_PRIMARIES)],
        [chunk(b"sRGB", b"\0"), LINEAR],
        [chunk(b"cICP", b"\x01\x0d\0\1"), LINEAR],
    ],
)
def test_srgb_is_nothing_to_speak_of(chunks: list[bytes], tmp_path: Path) -> None:
    assert found(tmp_path, png(*chunks)).notes == ()


def test_a_profile_is_applied_and_not_noted(tmp_path: Path) -> None:
    data = scans.picture(WIDTH, HEIGHT).icc_transform("p3", input_profile="srgb").pngsave_buffer()
    source = found(tmp_path, data[:33] + LINEAR + data[33:])
    assert source.notes == ()
    assert (
        np.abs(prepare(source, WIDTH, HEIGHT).numpy() - scans.picture(WIDTH, HEIGHT).numpy().astype(float)).mean() < 2
    )


def test_an_animation_shows_its_first_frame_and_says_so(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (WIDTH, HEIGHT), colour) for colour in ("red", "lime", "blue")]
    held = io.BytesIO()
    frames[0].save(held, "PNG", save_all=True, append_images=frames[1:])
    source = found(tmp_path, held.getvalue())
    assert source.notes == ("It has 3 frames; only the first one is shown.",)
    assert prepare(source, WIDTH, HEIGHT).numpy()[9, 9].tolist() == [255, 0, 0]
