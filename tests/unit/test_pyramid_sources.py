"""From any file to a pyramid: every format, and every way in which a file is no good."""

import resource
from pathlib import Path

import numpy as np
import pytest
import pyvips

from darkroom.failures import DecodeFailed, StepFailed, WriteFailed
from darkroom.imaging.opening import look
from darkroom.pyramids.make import Made, make_pyramid
from darkroom.pyramids.profiles import CAP, COPYRIGHT_CAP, PROFILES, Cap, available
from darkroom.pyramids.validate import inspect
from tests import scans

LIMIT = 1_000_000_000


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return scans.good(tmp_path_factory.mktemp("scans"))


def make(file: Path, target: Path, profile: str = "deflate", cap: Cap = CAP) -> Made:
    return make_pyramid(look(file, LIMIT), target, PROFILES[profile], cap=cap)


def pixels(file: Path, page: int = 0) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    return pyvips.Image.tiffload(str(file), page=page).numpy().astype(float)


# how far the mean of a kind may be from the picture: what its own coding or colours cost
KINDS = {
    "jpeg": 2,
    "progressive": 2,
    "png": 0.1,
    "interlaced": 0.1,
    "tiff": 0.1,
    "webp": 3,
    "gif": 10,
    "avif": 3,
    "bmp": 0.1,
    "pdf": 4,
    "sixteen bit": 0.6,
    "lab": 1,
    "cmyk": 40,
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_image_becomes_the_same_picture(kind: str, files: dict[str, Path], tmp_path: Path) -> None:
    target = tmp_path / "a.tif"
    made = make(files[kind], target)
    assert (made.width, made.height, made.pages) == (scans.WIDTH, scans.HEIGHT, 2)
    difference = np.abs(pixels(target)[..., :3] - scans.picture().numpy())
    assert difference.mean() < KINDS[kind]


def test_a_drawing_is_drawn_at_300_dots_an_inch(files: dict[str, Path], tmp_path: Path) -> None:
    made = make(files["svg"], tmp_path / "a.tif")
    assert (made.width, made.height) == (scans.WIDTH, scans.HEIGHT)
    assert pixels(tmp_path / "a.tif")[10, 10].tolist()[:3] == [0xE0, 0xC0, 0x80]


@pytest.mark.parametrize("kind", ["grey", "one bit"])
def test_what_has_no_colour_stays_grey_in_three_channels(kind: str, files: dict[str, Path], tmp_path: Path) -> None:
    make(files[kind], tmp_path / "a.tif")
    found = pixels(tmp_path / "a.tif")
    assert found.shape == (scans.HEIGHT, scans.WIDTH, 3)
    assert np.ptp(found, axis=-1).max() <= 1


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_image_is_upright(orientation: int, tmp_path: Path) -> None:
    scans.tagged(scans.picture(), orientation).jpegsave(str(tmp_path / "turned.jpg"), Q=98)
    upright = pyvips.Image.new_from_file(str(tmp_path / "turned.jpg")).autorot()
    made = make(tmp_path / "turned.jpg", tmp_path / "a.tif")
    assert (made.width, made.height) == (upright.width, upright.height)
    assert np.abs(pixels(tmp_path / "a.tif") - upright.numpy()).mean() < 1


def test_another_colour_space_is_brought_to_srgb(tmp_path: Path) -> None:
    wide = scans.picture().icc_transform("p3", input_profile="srgb")
    wide.pngsave(str(tmp_path / "p3.png"))
    make(tmp_path / "p3.png", tmp_path / "a.tif")
    assert np.abs(wide.numpy().astype(float) - scans.picture().numpy()).mean() > 2
    assert np.abs(pixels(tmp_path / "a.tif") - scans.picture().numpy()).mean() < 2


def test_a_broken_colour_profile_counts_as_none(tmp_path: Path) -> None:
    scans.with_profile(scans.picture(), b"no profile at all" * 20).pngsave(str(tmp_path / "broken-icc.png"))
    make(tmp_path / "broken-icc.png", tmp_path / "a.tif")
    assert np.abs(pixels(tmp_path / "a.tif") - scans.picture().numpy()).mean() < 0.1


def test_transparency_is_kept_or_laid_on_white(tmp_path: Path) -> None:
    alpha = pyvips.Image.black(scans.WIDTH, scans.HEIGHT)
    scans.picture().bandjoin(alpha).pngsave(str(tmp_path / "clear.png"))
    make(tmp_path / "clear.png", tmp_path / "kept.tif")
    assert pixels(tmp_path / "kept.tif").shape[-1] == 4
    make(tmp_path / "clear.png", tmp_path / "white.tif", "jpeg")
    white = pixels(tmp_path / "white.tif")
    assert white.min() >= 245  # JPEG's blocks go over the edge, where there is none
    assert white.mean() > 254.9


def test_only_the_first_page_is_shown_and_that_is_said(tmp_path: Path) -> None:
    scans.stacked(scans.picture(), 3).tiffsave(str(tmp_path / "three.tif"))
    made = make(tmp_path / "three.tif", tmp_path / "a.tif")
    assert made.height == scans.HEIGHT
    assert made.source.notes == ("It has 3 pages; only the first one is shown.",)


@pytest.mark.parametrize(
    ("kind", "bytes_a_pixel"),
    [("jpeg", 0), ("png", 0), ("tiff", 0), ("progressive", 6), ("interlaced", 3), ("webp", 3)],
)
def test_memory_is_asked_for_where_a_format_needs_all_of_an_image(
    kind: str, bytes_a_pixel: int, files: dict[str, Path]
) -> None:
    assert look(files[kind], LIMIT).held == bytes_a_pixel * scans.WIDTH * scans.HEIGHT


def test_the_name_says_nothing_and_the_bytes_everything(files: dict[str, Path], tmp_path: Path) -> None:
    wrong = tmp_path / "really-a-jpeg.png"
    wrong.write_bytes(files["jpeg"].read_bytes())
    assert look(wrong, LIMIT).format == "JPEG"
    make(wrong, tmp_path / "a.tif")


@pytest.mark.parametrize("profile", available())
def test_every_profile_is_written_as_it_says(profile: str, files: dict[str, Path], tmp_path: Path) -> None:
    make(files["png"], tmp_path / "a.tif", profile)
    found = inspect(tmp_path / "a.tif")
    assert (found.problems, found.notes) == ([], [])
    assert found.compression == profile
    assert found.tile == (PROFILES[profile].tile,) * 2
    assert found.dpi == 300
    assert found.levels[-1] <= found.tile


@pytest.mark.parametrize("profile", available())
@pytest.mark.parametrize("size", [(1, 1), (16, 16), (38, 29), (200, 20), (1, 700), (513, 2), (512, 512)])
def test_an_image_may_be_as_small_as_it_likes(profile: str, size: tuple[int, int], tmp_path: Path) -> None:
    scans.picture(600, 700).crop(0, 0, *size).pngsave(str(tmp_path / "small.png"))
    made = make(tmp_path / "small.png", tmp_path / "a.tif", profile)
    assert (made.width, made.height) == size
    assert inspect(tmp_path / "a.tif").problems == []


def test_a_profile_that_this_libvips_cannot_write_is_not_offered() -> None:
    assert {"deflate", "jpeg"} <= set(available())
    for name in set(PROFILES) - set(available()):
        with pytest.raises(pyvips.Error):
            scans.picture(32, 32).tiffsave_buffer(compression=PROFILES[name].compression)


@pytest.mark.parametrize(("cap", "size"), [(CAP, (4000, 3111)), (COPYRIGHT_CAP, (720, 560))])
def test_a_large_image_is_made_smaller_and_keeps_its_shape(cap: Cap, size: tuple[int, int], tmp_path: Path) -> None:
    scans.picture().resize(5).jpegsave(str(tmp_path / "large.jpg"), Q=90)
    made = make(tmp_path / "large.jpg", tmp_path / "a.tif", cap=cap)
    assert (made.source.width, made.source.height) == (4500, 3500)
    assert (made.width, made.height) == size
    small = scans.picture().thumbnail_image(size[0], height=size[1], size="force").numpy()
    assert np.abs(pixels(tmp_path / "a.tif") - small).mean() < 2


BROKEN = {
    "jpeg_cut_short": "cannot be decoded: VipsJpeg: premature end of JPEG image",
    "png_cut_short": "cannot be decoded",
    "tiff_cut_short": "it is a TIFF that cannot be opened",
    "bmp_cut_short": "cannot be decoded: image file is truncated",
    "png_bomb": "50,000 x 50,000 pixels, more than DARKROOM_MAX_SCAN_PIXELS allows",
    "pdf_with_password": "it needs a password",
}


@pytest.mark.parametrize("defect", BROKEN)
def test_a_broken_file_is_refused_with_a_reason_and_nothing_is_left(defect: str, tmp_path: Path) -> None:
    file: Path = getattr(scans, defect)(tmp_path)
    with pytest.raises(DecodeFailed, match=BROKEN[defect]) as caught:
        make(file, tmp_path / "out.tif")
    assert str(tmp_path) not in str(caught.value)
    assert not (tmp_path / "out.tif").exists()


@pytest.mark.parametrize(
    ("beginning", "reason"),
    [
        (b"", "it is empty"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "it is an EPS or PostScript file"),
        (b"\xc5\xd0\xd3\xc6\x1e\0\0\0", "it is an EPS file"),
        (b"\0\0\0\x0cjP  \r\n\x87\n\0\0\0\x14ftypjp2 ", "it is a JPEG 2000 file; save it as TIFF"),
        (b"\xff\x4f\xff\x51\0\x2f", "it is a JPEG 2000 codestream"),
        (b"8BPS\0\1", "it is a Photoshop file"),
        (b"<!DOCTYPE html><html>", "it is a web page"),
        (b'{"key": 1}', "it is a text file"),
        (b"MATLAB 5.0 MAT-file", "it is no image of a kind that Darkroom reads"),
        (b"P6 9 9 255\n", "it is no image of a kind that Darkroom reads"),
    ],
)
def test_what_is_not_read_is_named(beginning: bytes, reason: str, tmp_path: Path) -> None:
    (tmp_path / "scan.jpg").write_bytes(beginning)
    with pytest.raises(DecodeFailed, match=reason):
        look(tmp_path / "scan.jpg", LIMIT)


@pytest.mark.parametrize(
    "how",
    [
        '<image href="http://169.254.169.254/latest" width="9" height="7"/>',
        '<image xlink:href="file:///etc/passwd" width="9" height="7"/>',
        "<image href = 'other.png' width='9' height='7'/>",
        "<style>@import url(https://x.example/a.css);</style>",
        '<rect fill="url(other.svg#paint)" width="9" height="7"/>',
    ],
)
def test_a_drawing_that_looks_outside_is_refused(how: str, tmp_path: Path) -> None:
    with pytest.raises(DecodeFailed, match="refers to something outside of itself"):
        look(scans.svg_that_looks_outside(tmp_path, how), LIMIT)


def test_a_drawing_with_entities_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.svg").write_text('<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg>&x;</svg>')
    with pytest.raises(DecodeFailed, match="outside of itself"):
        look(tmp_path / "a.svg", LIMIT)


def test_a_drawing_may_refer_to_itself(tmp_path: Path) -> None:
    inner = '<defs><path id="p" d="M0 0h9v7z"/></defs><use href="#p"/><rect fill="url(#p)" width="9" height="7"/>'
    assert look(scans.svg_that_looks_outside(tmp_path, inner), LIMIT).format == "SVG"


def test_a_disk_that_takes_no_more_is_a_fault_of_the_writing(files: dict[str, Path], tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
    try:
        with pytest.raises(WriteFailed, match="its pyramid cannot be written"):
            make(files["png"], tmp_path / "a.tif")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not (tmp_path / "a.tif").exists()


def test_a_pattern_finer_than_the_levels_is_no_fault(tmp_path: Path) -> None:
    scans.picture(100, 130).replicate(30, 20).jpegsave(str(tmp_path / "fine.jpg"), Q=75)
    assert make(tmp_path / "fine.jpg", tmp_path / "a.tif").pages == 4


def test_no_failure_is_of_no_kind() -> None:
    assert {kind.kind for kind in StepFailed.__subclasses__()} == {
        *("download", "decode", "write", "validate", "mismatch")
    }
