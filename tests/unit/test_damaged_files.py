"""No damaged file becomes a pyramid, as far as its codec can tell, and no harmless oddity stops a good one."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
import tifffile
from PIL import Image

from darkroom.failures import DecodeFailed
from darkroom.imaging.opening import look
from darkroom.pyramids.make import decode
from darkroom.pyramids.profiles import CAP, Cap
from tests import damage, scans


def noisy() -> pyvips.Image:
    """A picture that is not so smooth that its data are nothing."""
    noise = np.random.default_rng(7).integers(-12, 13, (scans.HEIGHT, scans.WIDTH, 3))
    pixels = np.clip(scans.picture().numpy().astype(int) + noise, 0, 255).astype(np.uint8)
    return pyvips.Image.new_from_array(pixels).copy(interpretation="srgb")


def decoded(folder: Path, data: bytes, cap: Cap = CAP) -> Any:
    file = folder / "scan"
    file.write_bytes(data)
    return decode(look(file, 10**9), cap, alpha=True).pixels


def wide(image: pyvips.Image) -> pyvips.Image:
    return image.icc_transform("p3", input_profile="srgb")


JPEGS: dict[str, Callable[[], bytes]] = {
    "plain": lambda: scans.picture().jpegsave_buffer(Q=90),
    "noisy": lambda: noisy().jpegsave_buffer(Q=90),
    "not subsampled": lambda: noisy().jpegsave_buffer(Q=95, subsample_mode="off"),
    "with a wide profile": lambda: wide(noisy()).jpegsave_buffer(Q=90),
    "CMYK": lambda: noisy().colourspace("cmyk").jpegsave_buffer(Q=90),
    "grey": lambda: noisy().colourspace("b-w").jpegsave_buffer(Q=90),
    "progressive": lambda: noisy().jpegsave_buffer(Q=90, interlace=True),
    "restarting": lambda: noisy().jpegsave_buffer(Q=90, restart_interval=8),
    "turned by 180": lambda: scans.tagged(noisy(), 3).jpegsave_buffer(Q=90),
    "turned right": lambda: scans.tagged(noisy(), 6).jpegsave_buffer(Q=90),
    "turned left": lambda: scans.tagged(noisy(), 8).jpegsave_buffer(Q=90),
}
SMALL = Cap(100, 100)


@pytest.mark.parametrize("cap", [CAP, SMALL])
@pytest.mark.parametrize("kind", JPEGS)
def test_a_jpeg_that_ends_early_is_refused_with_its_end_mark_and_without(kind: str, cap: Cap, tmp_path: Path) -> None:
    jpeg = JPEGS[kind]()
    assert decoded(tmp_path, jpeg, cap).size
    for part in (0.05, 0.45, 0.9, 0.98):
        for data in (damage.cut(jpeg, part), damage.cut(jpeg, part).removesuffix(damage.END)):
            with pytest.raises(DecodeFailed):
                decoded(tmp_path, data, cap)


@pytest.mark.parametrize("part", [0.3, 0.5, 0.7, 0.85])
@pytest.mark.parametrize("kind", JPEGS)
def test_a_jpeg_with_zeros_in_it_is_refused(kind: str, part: float, tmp_path: Path) -> None:
    jpeg = JPEGS[kind]()
    start = damage.scan_of(jpeg)
    with pytest.raises(DecodeFailed):
        decoded(tmp_path, jpeg[:start] + damage.zeroed(jpeg[start:], part))


HARMLESS = {
    "bad scan parameters": damage.with_bad_scan_parameters,
    "junk in the header": damage.with_junk_in_the_header,
    "odd JFIF": damage.with_odd_jfif,
    "another picture behind": lambda jpeg: jpeg + jpeg,
    "a trailer behind": lambda jpeg: jpeg + b"trailer" * 3000,
    "fill before the end": lambda jpeg: jpeg[:-2] + b"\xff" * 9 + damage.END,
    "all at once": lambda jpeg: (
        damage.with_junk_in_the_header(damage.with_odd_jfif(damage.with_bad_scan_parameters(jpeg))) + jpeg
    ),
}


@pytest.mark.parametrize("kind", HARMLESS)
def test_what_is_harmless_in_a_jpeg_changes_nothing_and_hides_nothing(kind: str, tmp_path: Path) -> None:
    jpeg = JPEGS["noisy"]()
    right = decoded(tmp_path, jpeg)
    assert (decoded(tmp_path, HARMLESS[kind](jpeg)) == right).all()
    for broken in (damage.cut(jpeg, 0.45), damage.cut(jpeg, 0.98), damage.zeroed(jpeg, 0.5), damage.zeroed(jpeg, 0.8)):
        with pytest.raises(DecodeFailed):
            decoded(tmp_path, HARMLESS[kind](broken))


def test_a_jpeg_in_several_scans_may_have_bad_parameters_in_each(tmp_path: Path) -> None:
    from darkroom.imaging.readers.jpeg import Jpeg

    head = bytes.fromhex("ffd8ffc00011080008000803011100021100031100")
    scan = bytes.fromhex("ffda0008010100000000") + b"\x12\x34"
    data = head + scan * 3 + damage.END
    read = Jpeg(data)._read(len(data))
    assert read.count(bytes.fromhex("003f00")) == 3


@pytest.mark.parametrize("level", ["ERROR", "CRITICAL"])
def test_silent_logs_do_not_make_it_deaf(level: str, tmp_path: Path) -> None:
    import logging

    logging.getLogger("pyvips").setLevel(level)
    with pytest.raises(DecodeFailed, match="premature end"):
        decoded(tmp_path, damage.cut(JPEGS["plain"](), 0.98), SMALL)


def pillow(image: pyvips.Image, **options: Any) -> bytes:
    target = io.BytesIO()
    Image.fromarray(image.numpy()).save(target, "TIFF", **options)
    return target.getvalue()


def two_colours() -> Any:
    y, x = np.mgrid[:480, :640]
    dots = np.random.default_rng(7).integers(0, 2, (480, 640))
    return Image.fromarray(((x + y) // 7 + dots) % 5 < 2).convert("1")


def fax(compression: str) -> bytes:
    target = io.BytesIO()
    two_colours().save(target, "TIFF", compression=compression)
    return target.getvalue()


def of_tifffile(planes: bool = False, **options: Any) -> bytes:
    target = io.BytesIO()
    pixels = noisy().numpy()
    if planes:
        pixels, options = np.ascontiguousarray(np.moveaxis(pixels, -1, 0)), {"planarconfig": "separate", **options}
    tifffile.imwrite(target, pixels, photometric="rgb", metadata=None, **options)
    return target.getvalue()


TIFFS: dict[str, Callable[[], bytes]] = {
    "lzw": lambda: noisy().tiffsave_buffer(compression="lzw"),
    "lzw, tiled": lambda: noisy().tiffsave_buffer(compression="lzw", tile=True),
    "deflate": lambda: noisy().tiffsave_buffer(compression="deflate"),
    "deflate, tiled": lambda: noisy().tiffsave_buffer(compression="deflate", tile=True),
    "deflate, one strip": lambda: of_tifffile(compression="deflate", rowsperstrip=scans.HEIGHT),
    "deflate, planes": lambda: of_tifffile(True, compression="deflate", rowsperstrip=scans.HEIGHT),
    "packbits": lambda: noisy().tiffsave_buffer(compression="packbits"),
    "jpeg": lambda: pillow(noisy(), compression="jpeg"),
    "jpeg, tiled": lambda: noisy().tiffsave_buffer(compression="jpeg", tile=True, Q=90),
    "G4": lambda: fax("group4"),
    "G3": lambda: fax("group3"),
    "G4, tiled": lambda: noisy().colourspace("b-w").tiffsave_buffer(compression="ccittfax4", bitdepth=1, tile=True),
}


def broken_tiff(data: bytes, how: str) -> bytes:
    """One strip or tile in the middle ends early or is zeroed in part; or all of the pixels end early."""
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        first: Any = file.pages[0]
        number = len(first.dataoffsets) // 2
        offset, length = first.dataoffsets[number], first.databytecounts[number]
    broken = bytearray(data)
    third = offset + length // 3
    if how == "zeroed":
        end = third + max(length // 10, 16)
        broken[third:end] = bytes(end - third)
    elif how == "end mark":
        broken[third : offset + length] = damage.END + bytes(offset + length - third - 2)
    else:
        broken = broken[:third]
    return bytes(broken)


@pytest.mark.parametrize("how", ["zeroed", "end mark", "cut"])
@pytest.mark.parametrize("kind", TIFFS)
def test_a_damaged_strip_or_tile_of_a_tiff_is_found(kind: str, how: str, tmp_path: Path) -> None:
    tiff = TIFFS[kind]()
    assert decoded(tmp_path, tiff).size
    with pytest.raises(DecodeFailed):
        decoded(tmp_path, broken_tiff(tiff, how))


@pytest.mark.parametrize("kind", ["deflate", "deflate, tiled", "deflate, one strip", "deflate, planes"])
def test_one_byte_that_a_checksum_knows_is_missed(kind: str, tmp_path: Path) -> None:
    data = bytearray(TIFFS[kind]())
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        first: Any = file.pages[0]
        data[first.dataoffsets[-1] + first.databytecounts[-1] // 2] ^= 0x10
    with pytest.raises(DecodeFailed, match="its deflated data are damaged"):
        decoded(tmp_path, bytes(data))


def test_fields_that_libtiff_does_not_know_are_harmless_and_hide_nothing(tmp_path: Path) -> None:
    odd = [(65000, 2, 5, "mine", True), (33723, 3, 2, (1, 2), True), (34377, 2, 3, "ab", True), (296, 3, 1, 9, True)]
    tiff = of_tifffile(compression="deflate", rowsperstrip=8, extratags=odd)
    assert decoded(tmp_path, tiff).size
    with pytest.raises(DecodeFailed):
        decoded(tmp_path, broken_tiff(tiff, "zeroed"))


def test_png_checksums_count(tmp_path: Path) -> None:
    for interlace in (False, True):
        png = bytearray(noisy().pngsave_buffer(interlace=interlace))
        png[len(png) // 2] ^= 0x10
        with pytest.raises(DecodeFailed):
            decoded(tmp_path, bytes(png))


@pytest.mark.parametrize("part", [0.45, 0.9])
def test_a_gif_that_ends_early_in_good_order_is_refused(part: float, tmp_path: Path) -> None:
    with pytest.raises(DecodeFailed, match="its data are damaged"):
        decoded(tmp_path, damage.gif_that_ends_early(part))


def test_a_gif_with_zeros_in_it_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DecodeFailed):
        decoded(tmp_path, damage.zeroed(noisy().gifsave_buffer(), 0.5))


@pytest.mark.parametrize("lossless", [False, True])
@pytest.mark.parametrize("part", [0.45, 0.95])
def test_a_webp_that_ends_early_in_good_order_is_refused(lossless: bool, part: float, tmp_path: Path) -> None:
    webp = noisy().webpsave_buffer(lossless=lossless, effort=0)
    with pytest.raises(DecodeFailed, match="cannot be decoded"):
        decoded(tmp_path, damage.webp_that_ends_early(webp, part))


def test_an_avif_that_is_damaged_is_refused_with_a_reason(tmp_path: Path) -> None:
    avif = noisy().heifsave_buffer(compression="av1", Q=80, effort=0)
    with pytest.raises(DecodeFailed, match="Corrupt frame"):
        decoded(tmp_path, damage.zeroed(avif, 0.5))
    with pytest.raises(DecodeFailed, match="Unexpected end of file"):
        decoded(tmp_path, avif[: len(avif) // 2])
