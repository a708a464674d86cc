"""Which page of a TIFF becomes the pyramid, and which files only look like a picture."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from darkroom.failures import DecodeFailed
from darkroom.imaging.formats import RAW
from darkroom.imaging.headers import Size, size_of
from darkroom.imaging.opening import look
from darkroom.pyramids.make import decode
from darkroom.pyramids.profiles import CAP
from darkroom.store import open_store
from tests import scans, tiffs

Page = "tuple[np.ndarray[Any, Any], dict[str, Any]]"


def page(width: int, height: int, shade: int, **options: Any) -> Any:
    return np.full((height, width, 3), shade, np.uint8), options


SMALL, LARGE = page(64, 48, 10, subfiletype=1), page(640, 480, 200, subfiletype=0)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "a.tif"


def shown(file: Path) -> tuple[tuple[int, int], int, tuple[str, ...]]:
    """Size, shade and notes of what becomes of a file; and the plan knows it."""
    source = look(file, 10**9)
    pixels = decode(source, CAP, alpha=True).pixels
    store = open_store(str(file.parent))
    entry = store.head(file.name)
    assert entry
    assert size_of(store, entry) == Size(source.width * source.height, source.held)
    return (pixels.shape[1], pixels.shape[0]), int(pixels[5, 5, 0]), source.notes


def test_a_thumbnail_before_the_picture_is_not_the_picture(file: Path) -> None:
    assert shown(tiffs.of_pages(file, SMALL, LARGE)) == ((640, 480), 200, ())


def test_the_older_mark_of_a_reduced_image_counts_too(file: Path) -> None:
    old = [(255, 3, 1, 2, True)]
    tiffs.of_pages(file, page(1000, 900, 10, extratags=old), page(640, 480, 200, extratags=[(255, 3, 1, 1, True)]))
    assert shown(file) == ((640, 480), 200, ())


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("bigtiff", [False, True])
def test_any_way_to_write_a_tiff_is_read(byteorder: Any, bigtiff: bool, file: Path) -> None:
    with tifffile.TiffWriter(file, byteorder=byteorder, bigtiff=bigtiff) as writer:
        for pixels, options in (SMALL, LARGE):
            writer.write(pixels, photometric="rgb", metadata=None, **options)
    assert shown(file) == ((640, 480), 200, ())


def test_of_pages_that_say_nothing_the_largest_is_the_picture(file: Path) -> None:
    tiffs.of_pages(file, page(64, 48, 10), page(640, 480, 200), page(300, 200, 90))
    size, shade, notes = shown(file)
    assert (size, shade) == ((640, 480), 200)
    assert notes == ("It has 3 pages; only number 2, the largest one, is shown.",)


def test_of_a_document_the_first_page_is_the_picture(file: Path) -> None:
    tiffs.of_pages(file, page(300, 200, 10, subfiletype=2), page(301, 200, 20, subfiletype=2))
    assert shown(file) == ((300, 200), 10, ("It has 2 pages; only the first one is shown.",))


def test_a_mask_is_no_picture_and_that_is_said(file: Path) -> None:
    tiffs.of_pages(file, page(640, 480, 10, subfiletype=1), page(300, 200, 200))
    tiffs.overwritten(file, 254, 4)
    assert shown(file) == ((300, 200), 200, ("Its mask is left out.",))


def test_a_pyramid_gives_its_largest_level(file: Path) -> None:
    scans.picture(1800, 1400).tiffsave(str(file), tile=True, pyramid=True, compression="deflate")
    source = look(file, 10**9)
    assert (source.width, source.height, source.notes) == (1800, 1400, ())
    found = decode(source, CAP, alpha=True).pixels
    assert np.abs(found.astype(int) - scans.picture(1800, 1400).numpy()).max() == 0


@pytest.mark.parametrize("scale", [1, 2])
def test_no_level_of_a_pyramid_stands_for_the_picture_even_where_one_would_do(scale: int, file: Path) -> None:
    levels = [page(1600 // 2**n, 1200 // 2**n, 200 if n == 0 else 10, subfiletype=min(n, 1)) for n in range(3)]
    source = look(tiffs.of_pages(file, *levels), 10**9)
    assert decode(source, type(CAP)(800 // scale, 600 // scale), alpha=True).pixels.mean() == pytest.approx(200, abs=1)


def test_where_all_pages_are_marked_as_reduced_the_largest_is_the_picture(file: Path) -> None:
    assert shown(tiffs.of_pages(file, SMALL, page(640, 480, 200, subfiletype=1)))[:2] == ((640, 480), 200)


def test_a_picture_in_a_sub_ifd_is_found(file: Path) -> None:
    with tifffile.TiffWriter(file) as writer:
        writer.write(SMALL[0], photometric="rgb", metadata=None, subifds=1, subfiletype=1)
        writer.write(LARGE[0], photometric="rgb", metadata=None, subfiletype=0)
    assert shown(file) == ((640, 480), 200, ())


def test_pages_that_lead_back_to_the_first_are_refused(file: Path) -> None:
    tiffs.of_pages(file, SMALL, LARGE)
    with tifffile.TiffFile(file) as tiff:
        first, last = tiff.pages[0].offset, tiff.pages[1]
        count = len(last.tags)  # type: ignore[union-attr]
    data = bytearray(file.read_bytes())
    at = last.offset + 2 + 12 * count
    data[at : at + 4] = first.to_bytes(4, "little")
    file.write_bytes(data)
    with pytest.raises(DecodeFailed, match="a directory leads back to an earlier one"):
        look(file, 10**9)


def raw_in_sub_ifd(file: Path) -> None:
    with tifffile.TiffWriter(file) as writer:
        writer.write(SMALL[0], photometric="rgb", metadata=None, subifds=1, subfiletype=1)
        writer.write(np.zeros((480, 640), np.uint16), photometric="minisblack", metadata=None, extratags=CFA)
    with tifffile.TiffFile(file, mode="r+b") as tiff:
        inner: Any = tiff.pages[0].pages[0]  # type: ignore[union-attr, index]
        inner.tags[262].overwrite(32803)


CFA = [(33421, 3, 2, (2, 2), True), (33422, 1, 4, bytes((0, 1, 1, 2)), True)]


def dng(file: Path) -> None:
    tiffs.of_pages(file, page(64, 48, 10, subfiletype=1, extratags=[(50706, 1, 4, bytes((1, 4, 0, 0)), True)]))


def cr2(file: Path) -> None:
    data = bytearray(tiffs.of_pages(file, SMALL).read_bytes())
    file.write_bytes(
        data[:4] + (int.from_bytes(data[4:8], "little") + 8).to_bytes(4, "little") + b"CR\2\0\0\0\0\0" + data[8:]
    )


def a_cameras_codec(file: Path) -> None:
    tiffs.of_pages(file, SMALL, LARGE)
    with tifffile.TiffFile(file, mode="r+b") as tiff:
        tiff.pages[1].tags[259].overwrite(34713)  # type: ignore[union-attr]


@pytest.mark.parametrize("raw", [raw_in_sub_ifd, dng, cr2, a_cameras_codec])
def test_a_cameras_raw_file_is_refused_and_not_shown_as_its_preview(raw: Any, file: Path) -> None:
    raw(file)
    with pytest.raises(DecodeFailed, match=RAW):
        look(file, 10**9)


@pytest.mark.parametrize(
    "beginning",
    [b"IIRO\x08\0\0\0", b"IIU\0\x18\0\0\0", b"FUJIFILMCCD-RAW 0201", b"\0\0\0\x18ftypcrx \0\0\0\1", b"FOVb"],
)
def test_raw_files_that_are_no_tiff_are_refused_too(beginning: bytes, file: Path) -> None:
    file.write_bytes(beginning + bytes(100))
    with pytest.raises(DecodeFailed, match=RAW):
        look(file, 10**9)


def test_a_scan_that_names_a_camera_is_no_raw(file: Path) -> None:
    tiffs.of_pages(file, page(64, 48, 200, extratags=[(271, 2, 6, "NIKON", True)]))
    assert shown(file)[1] == 200
