"""The check that people can use on any pyramid: what is fine, and what it says of each thing that is wrong."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
import tifffile

from darkroom.pyramids.validate import inspect
from tests import scans
from tests.pyramid_files import problems, written


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "a.tif"


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


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_grey_halves_are_found_at_every_side(file: Path, orientation: int) -> None:
    pixels = scans.picture().numpy()
    pixels[350:] = 128
    image = scans.tagged(pyvips.Image.new_from_array(pixels).copy(interpretation="srgb"), orientation).autorot()
    assert "are one flat grey, as of a file that was cut short" in problems(written(file, image))


@pytest.mark.parametrize(
    ("turn", "compression"),
    [*((turn, "deflate") for turn in ("copy", "rot90", "rot180", "rot270", "fliphor")), ("copy", "jpeg")],
)
def test_a_scan_that_was_cut_short_is_found_in_another_colour_too(file: Path, turn: str, compression: str) -> None:
    half = pyvips.Image.jpegload_buffer(scans.picture().jpegsave_buffer(Q=85)[:9000], fail_on="none")
    # as a profile of its own changes it
    brighter = (half * 0.9 + 4).cast("uchar").copy(interpretation="srgb")
    image = getattr(brighter, turn)()
    assert "are one flat colour, as of a file that was cut short" in problems(
        written(file, image, compression=compression)
    )


@pytest.mark.parametrize(("rows", "noted"), [(40, False), (100, True), (200, True)])
def test_a_smaller_grey_foot_is_at_most_a_note(file: Path, rows: int, noted: bool) -> None:
    pixels = scans.picture().numpy()
    pixels[-rows:] = 128
    found = inspect(written(file, pyvips.Image.new_from_array(pixels).copy(interpretation="srgb")))
    assert found.problems == []
    assert any("are one flat grey" in note for note in found.notes) == noted


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
    assert "it is no pyramid that can be read" in problems(file)


@cache
def _levels() -> tuple[np.ndarray[Any, Any], ...]:
    noise = pyvips.Image.gaussnoise(1800, 1400, sigma=5, seed=1)
    image = (scans.picture(1800, 1400) * 0.9 + noise).cast("uchar").copy_memory()
    made = tuple(image.shrink(2**level, 2**level).numpy() for level in range(4))
    for level in made:
        level.flags.writeable = False
    return made


def levels() -> list[np.ndarray[Any, Any]]:
    """Of a picture with something everywhere: the image, and three levels. Only to be looked at."""
    return list(_levels())


def of_levels(file: Path, images: list[np.ndarray[Any, Any]], **options: Any) -> Path:
    with tifffile.TiffWriter(file) as writer:
        for number, image in enumerate(images):
            colours = "rgb" if image.ndim == 3 else "minisblack"
            writer.write(
                np.ascontiguousarray(image),
                tile=(256, 256),
                photometric=colours,
                subfiletype=min(number, 1),
                metadata=None,
                resolution=(300, 300),
                **options,
            )
    return file


def as_it_is(image: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return image


def inverted(image: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return 255 - image


def upside_down(image: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return image[::-1]


def turned_round(image: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return image[::-1, ::-1]


def mirrored(image: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return image[:, ::-1]


def shifted_by_a_quarter(image: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.roll(image, image.shape[1] // 4, axis=1)


def bands_swapped(image: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return image[..., ::-1]


def of_another_image(image: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    height, width = image.shape[:2]
    return np.asarray(scans.picture(width * 3, height * 2).crop(width // 2, height // 3, width, height).numpy())


def black(image: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return image * 0


def grey_half(image: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    image = image.copy()
    image[image.shape[0] // 2 :] = 128
    return image


def one_tile_black(image: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    image = image.copy()
    image[:80, 64:160] = 0
    return image


def one_tile_of_another_place(image: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    image = image.copy()
    image[:80, :80] = image[-80:, -80:]
    return image


WRONG: list[Callable[[np.ndarray[Any, Any]], np.ndarray[Any, Any]]] = [
    inverted,
    upside_down,
    turned_round,
    mirrored,
    shifted_by_a_quarter,
    bands_swapped,
    of_another_image,
    black,
    grey_half,
    one_tile_black,
    one_tile_of_another_place,
]


@pytest.mark.parametrize("level", [1, 2, 3])
@pytest.mark.parametrize("defect", WRONG)
def test_a_wrong_level_is_found(
    file: Path, level: int, defect: Callable[[np.ndarray[Any, Any]], np.ndarray[Any, Any]]
) -> None:
    images = levels()
    assert problems(of_levels(file, images)) == ""
    images[level] = defect(images[level])
    assert f"level {level} " in problems(of_levels(file, images))


def test_small_levels_are_compared_down_to_8_pixels(file: Path) -> None:
    image = scans.picture(1024, 512)
    images = [image.shrink(2**level, 2**level).numpy() for level in range(7)]
    assert problems(of_levels(file, images)) == ""
    for level in range(3, 7):
        wrong = [*images[:level], images[level][:, ::-1], *images[level + 1 :]]
        assert f"level {level} shows another picture" in problems(of_levels(file, wrong))


def test_levels_in_another_order_are_named(file: Path) -> None:
    images = levels()
    assert "level 1 is 450 x 350, and half of the one before is 900 x 700" in problems(
        of_levels(file, [images[0], images[2], images[1], images[3]])
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda image: image[..., 1],
            "level 1 has 1 band of 8 bits in grey, and the first one 3 bands of 8 bits in RGB",
        ),
        (lambda image: image.astype(np.uint16) * 257, "level 1 has 3 bands of 16 bits in RGB"),
        (lambda image: image.astype(np.float32), "level 1 has 3 bands of 32 floating point bits in RGB"),
    ],
)
def test_a_level_of_other_samples_is_named(file: Path, change: Callable[[Any], Any], said: str) -> None:
    images = levels()
    images[1] = change(images[1])
    assert said in problems(of_levels(file, images))


def test_halves_that_are_rounded_up_are_a_note(file: Path) -> None:
    image = scans.picture(901, 701)
    images = [image.resize(1 / 2**level).numpy() for level in range(1)]
    for width, height in ((451, 351), (226, 176)):
        images.append(image.resize(width / 901, vscale=height / 701).numpy())
    found = inspect(of_levels(file, images))
    assert found.problems == []
    assert "level 1 is 451 x 351: halves are rounded up, where most programs round down" in found.notes


@pytest.mark.parametrize(
    "options",
    [{"Q": 30}, {"Q": 75}, {"Q": 90}, {"Q": 75, "region_shrink": "nearest"}, {"compression": "webp", "Q": 75}],
)
def test_what_a_codec_loses_is_no_defect(file: Path, options: dict[str, Any]) -> None:
    blocks = np.random.default_rng(1).choice([0, 255], (44, 57, 3)).repeat(16, 0).repeat(16, 1).astype(np.uint8)
    noise = np.random.default_rng(2).integers(0, 256, (700, 900, 3), np.uint8)
    for image in (scans.picture(), *map(pyvips.Image.new_from_array, (blocks, noise))):
        kept = image.copy(interpretation="srgb")
        assert problems(written(file, kept, **({"compression": "jpeg"} | options))) == ""


@pytest.mark.parametrize("kind", ["uint16", "float32", "int16", "one band", "two bands", "alpha"])
def test_pyramids_of_other_samples_are_fine_and_their_wrong_levels_found(file: Path, kind: str) -> None:
    images = levels()
    match kind:
        case "one band":
            images = [image[..., 1] for image in images]
        case "two bands":
            images = [image[..., :2] for image in images]
        case "alpha":
            images = [np.dstack([image, image[..., 2]]) for image in images]
        case _:
            images = [image.astype(kind) * (257 if kind == "uint16" else 1) for image in images]
    more: dict[str, Any] = {"extrasamples": ["unassalpha"]} if kind in ("alpha", "two bands") else {}
    if kind == "two bands":
        more["planarconfig"] = "contig"

    def saved(pictures: list[np.ndarray[Any, Any]]) -> str:
        with tifffile.TiffWriter(file) as writer:
            for number, picture in enumerate(pictures):
                colours = "rgb" if picture.ndim == 3 and picture.shape[2] > 2 else "minisblack"
                writer.write(
                    np.ascontiguousarray(picture),
                    tile=(256, 256),
                    photometric=colours,
                    subfiletype=min(number, 1),
                    metadata=None,
                    **more,
                )
        return problems(file)

    assert saved(images) == ""
    images[2] = images[2][::-1]
    assert "level 2 " in saved(images)
