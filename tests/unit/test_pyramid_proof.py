"""What is proven of a pyramid before it counts: good ones of every kind pass, and each wrong one is refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
import tifffile

from darkroom.failures import ValidateFailed
from darkroom.pyramids import deflate_tiff
from darkroom.pyramids.deflate_tiff import Pixels
from darkroom.pyramids.make import Decoded, prove, write
from darkroom.pyramids.profiles import PROFILES
from darkroom.pyramids.proof import farthest
from tests import scans

WIDTH, HEIGHT = 1400, 1100  # three levels of deflate, four of jpeg
SMALLEST = 2


def decoded(pixels: Pixels) -> Decoded:
    height, width, bands = pixels.shape
    image = pyvips.Image.new_from_memory(np.ascontiguousarray(pixels), width, height, bands, "uchar")
    return Decoded(pixels, image.copy(interpretation="srgb"), None)


def picture() -> Pixels:
    return scans.picture(WIDTH, HEIGHT).numpy()  # type: ignore[no-any-return]


def with_alpha(alpha: np.ndarray[Any, Any], colours: Pixels | None = None) -> Pixels:
    return np.dstack([picture() if colours is None else colours, alpha.astype(np.uint8)])


def every_second_row() -> Pixels:
    alpha = np.zeros((HEIGHT, WIDTH))
    alpha[::2] = 255
    return with_alpha(alpha)


def hidden_green() -> Pixels:
    pixels = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    pixels[:, ::2], pixels[:, 1::2] = (255, 0, 0, 255), (0, 255, 0, 0)
    return pixels


def white_hair() -> Pixels:
    return with_alpha(np.random.default_rng(1).random((HEIGHT, WIDTH)) < 0.1, np.full((HEIGHT, WIDTH, 3), 255)) * (
        1,
        1,
        1,
        255,
    )


def foliage() -> Pixels:
    leaves = np.random.default_rng(2).choice([0, 255], (HEIGHT // 5, WIDTH // 5)).repeat(5, 0).repeat(5, 1)
    return with_alpha(leaves)


def checkerboard() -> Pixels:
    return with_alpha(np.indices((HEIGHT, WIDTH)).sum(0) % 2 * 255)


def hardly_there() -> Pixels:
    return with_alpha(np.random.default_rng(3).integers(0, 3, (HEIGHT, WIDTH)))


def any_alpha() -> Pixels:
    noise = np.random.default_rng(4).integers(0, 256, (HEIGHT, WIDTH, 4))
    return noise.astype(np.uint8)


def halftone() -> Pixels:
    y, x = np.indices((HEIGHT, WIDTH))
    dots = (np.sin(x * 1.2) * np.sin(y * 1.2) + 1) / 2 < x / WIDTH
    return (dots[..., None] * np.full(3, 255)).astype(np.uint8)  # type: ignore[no-any-return]


def grey_foot() -> Pixels:
    pixels = picture()
    pixels[-60:] = 128
    return pixels


def saturated_blocks() -> Pixels:
    colours = np.random.default_rng(5).choice([0, 255], (HEIGHT // 11, WIDTH // 14, 3))
    return colours.repeat(11, 0).repeat(14, 1).astype(np.uint8)  # type: ignore[no-any-return]


def noise() -> Pixels:
    return any_alpha()[..., :3]


KINDS: list[Callable[[], Pixels]] = [
    picture,
    every_second_row,
    hidden_green,
    white_hair,
    foliage,
    checkerboard,
    hardly_there,
    any_alpha,
    halftone,
    grey_foot,
    saturated_blocks,
    noise,
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("profile", ["deflate", "jpeg", "webp"])
def test_a_good_pyramid_of_any_picture_is_proven(tmp_path: Path, kind: Callable[[], Pixels], profile: str) -> None:
    image = decoded(kind().astype(np.uint8))
    if not PROFILES[profile].alpha and image.image.hasalpha():
        image = decoded(image.image.flatten(background=255).numpy())
    write(image, tmp_path / "a.tif", PROFILES[profile])
    assert prove(tmp_path / "a.tif", PROFILES[profile], image) == (4 if profile == "jpeg" else 3)


@pytest.mark.parametrize("size", [(1, 1), (7, 7), (2, 600), (600, 2), (520, 9), (513, 513)])
@pytest.mark.parametrize("profile", ["deflate", "jpeg", "webp"])
def test_a_pyramid_of_any_size_is_proven(tmp_path: Path, size: tuple[int, int], profile: str) -> None:
    image = decoded(np.ascontiguousarray(noise()[: size[1], : size[0]]))
    write(image, tmp_path / "a.tif", PROFILES[profile])
    prove(tmp_path / "a.tif", PROFILES[profile], image)


Change = Callable[[list[Pixels]], object]


def rewritten(file: Path, pixels: Pixels, change: Change, **options: Any) -> Decoded:
    """A pyramid of an image as it would be written, but for a change to its levels, or to how they are written."""
    levels = [level.copy() for level in deflate_tiff._levels(pixels, 512)]
    changed = change(levels)
    given = {"tile": (512, 512), "compression": "adobe_deflate", "resolution": (300, 300), "resolutionunit": "inch"}
    with tifffile.TiffWriter(file) as writer:
        for number, level in enumerate(changed if isinstance(changed, list) else levels):
            extra = {"extrasamples": ["unassalpha"]} if level.ndim == 3 and level.shape[2] == 4 else {}
            writer.write(
                np.ascontiguousarray(level),
                photometric="rgb" if level.ndim == 3 else "minisblack",
                subfiletype=min(number, 1),
                metadata=None,
                **(given | extra | options),
            )
    return decoded(pixels)


def refused(file: Path, image: Decoded) -> str:
    with pytest.raises(ValidateFailed) as failed:
        prove(file, PROFILES["deflate"], image)
    return str(failed.value)


def test_what_is_only_rewritten_is_proven(tmp_path: Path) -> None:
    for pixels in (picture(), every_second_row()):
        image = rewritten(tmp_path / "a.tif", pixels, lambda levels: levels)
        assert prove(tmp_path / "a.tif", PROFILES["deflate"], image) == 3


def one_pixel_block(level: int) -> Change:
    def change(levels: list[Pixels]) -> None:
        levels[level][40:48, 56:64] ^= 0x20

    return change


def brighter(level: int) -> Change:
    def change(levels: list[Pixels]) -> None:
        levels[level] = np.minimum(levels[level].astype(int) + 3, 255).astype(np.uint8)

    return change


def inverted(level: int) -> Change:
    def change(levels: list[Pixels]) -> None:
        levels[level] = 255 - levels[level]

    return change


def shifted(level: int) -> Change:
    def change(levels: list[Pixels]) -> None:
        levels[level] = np.roll(levels[level], 1, axis=1)

    return change


def cut_short_in_the_middle(levels: list[Pixels]) -> None:
    levels[1][400:] = 128


def levels_of_another_image(levels: list[Pixels]) -> list[Pixels]:
    return list(deflate_tiff._levels(np.ascontiguousarray(picture()[::-1]), 512))


@pytest.mark.parametrize("level", [0, 1, SMALLEST])
@pytest.mark.parametrize("defect", [one_pixel_block, brighter, inverted, shifted])
def test_a_level_that_is_not_the_image_is_refused(tmp_path: Path, level: int, defect: Callable[[int], Change]) -> None:
    said = refused(tmp_path / "a.tif", rewritten(tmp_path / "a.tif", picture(), defect(level)))
    assert f"its pyramid is wrong: level {level} " in said


@pytest.mark.parametrize("defect", [cut_short_in_the_middle, levels_of_another_image])
def test_levels_that_agree_with_themselves_only_are_refused(tmp_path: Path, defect: Change) -> None:
    assert "its pyramid is wrong: level " in refused(
        tmp_path / "a.tif", rewritten(tmp_path / "a.tif", picture(), defect)
    )


def hidden_colour_that_bled(levels: list[Pixels]) -> None:
    fours = levels[0][:1100, :1400].astype(int).reshape(550, 2, 700, 2, 4).mean((1, 3))
    levels[1] = fours.round().astype(np.uint8)


def alpha_inverted(levels: list[Pixels]) -> None:
    levels[1][..., 3] = 255 - levels[1][..., 3]


def alpha_opaque(levels: list[Pixels]) -> None:
    levels[1][..., 3] = 255


def alpha_gone(levels: list[Pixels]) -> None:
    levels[1][..., 3] = 0


def multiplied_by_alpha_once_more(levels: list[Pixels]) -> None:
    levels[1][..., :3] = levels[1][..., :3].astype(int) * levels[1][..., 3:] // 255


def alpha_lost(levels: list[Pixels]) -> list[Pixels]:
    return [level[..., :3] for level in levels]


def alpha_lost_in_the_smaller(levels: list[Pixels]) -> list[Pixels]:
    return [levels[0], *(level[..., :3] for level in levels[1:])]


@pytest.mark.parametrize(
    "defect",
    [
        hidden_colour_that_bled,
        alpha_inverted,
        alpha_opaque,
        alpha_gone,
        multiplied_by_alpha_once_more,
        alpha_lost,
        alpha_lost_in_the_smaller,
    ],
)
@pytest.mark.parametrize("kind", [hidden_green, foliage])
def test_a_wrong_alpha_is_refused(tmp_path: Path, kind: Callable[[], Pixels], defect: Change) -> None:
    pixels = kind()
    pixels[pixels[..., 3] == 0] = (0, 255, 0, 0)
    pixels[..., 3] = np.where(pixels[..., 3] > 0, 200, 0)
    assert "level " in refused(tmp_path / "a.tif", rewritten(tmp_path / "a.tif", pixels, defect))


def test_white_on_nothing_is_compared_as_well(tmp_path: Path) -> None:
    pixels = white_hair().astype(np.uint8)

    def lost(levels: list[Pixels]) -> None:
        levels[1][100:300, :, 3] = 0

    assert "level 1 differs" in refused(tmp_path / "a.tif", rewritten(tmp_path / "a.tif", pixels, lost))


def levels_shuffled(levels: list[Pixels]) -> list[Pixels]:
    return [levels[0], levels[2], levels[1]]


def level_missing(levels: list[Pixels]) -> list[Pixels]:
    return levels[:2]


def one_level_too_many(levels: list[Pixels]) -> list[Pixels]:
    return [*levels, levels[2][::2, ::2]]


def halves_rounded_up(levels: list[Pixels]) -> list[Pixels]:
    return [levels[0], levels[1], np.pad(levels[2], ((0, 0), (0, 1), (0, 0)), mode="edge")]


def grey_among_colours(levels: list[Pixels]) -> list[Pixels]:
    return [levels[0], levels[1][..., 1], levels[2]]


@pytest.mark.parametrize(
    ("defect", "said"),
    [
        (levels_shuffled, "its levels are 1400 x 1100, 350 x 275, 700 x 550 instead of"),
        (level_missing, "its levels are 1400 x 1100, 700 x 550 instead of"),
        (one_level_too_many, "350 x 275, 175 x 138 instead of"),
        (halves_rounded_up, "700 x 550, 351 x 275 instead of"),
        (grey_among_colours, "level 1 has 1 band of 8 bits in grey, and the first one 3 bands of 8 bits in RGB"),
    ],
)
def test_levels_of_other_sizes_or_samples_are_refused(tmp_path: Path, defect: Change, said: str) -> None:
    assert said in refused(tmp_path / "a.tif", rewritten(tmp_path / "a.tif", picture(), defect))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"resolution": (72, 72)}, "its resolution is 72.0 dpi instead of 300"),
        ({"resolutionunit": "centimeter"}, "its resolution is 762.0 dpi instead of 300"),
        ({"resolution": (0, 0)}, "its resolution is None dpi instead of 300"),
        ({"tile": (256, 256)}, "it is in tiles of (256, 256) with deflate, which is not deflate"),
        ({"compression": None}, "it is in tiles of (512, 512) with none, which is not deflate"),
    ],
)
def test_what_is_not_written_as_the_profile_says_is_refused(tmp_path: Path, options: dict[str, Any], said: str) -> None:
    image = rewritten(tmp_path / "a.tif", picture(), lambda levels: levels, **options)
    assert said in refused(tmp_path / "a.tif", image)


def test_a_pyramid_of_another_size_is_refused(tmp_path: Path) -> None:
    rewritten(tmp_path / "a.tif", picture(), lambda levels: levels)
    other = decoded(np.ascontiguousarray(picture()[:-2]))
    assert "its levels are 1400 x 1100, 700 x 550, 350 x 275 instead of 1400 x 1098" in refused(
        tmp_path / "a.tif", other
    )


@pytest.mark.parametrize("level", [0, 1, SMALLEST])
def test_a_tile_that_cannot_be_decoded_is_refused(tmp_path: Path, level: int) -> None:
    file = tmp_path / "a.tif"
    image = rewritten(file, picture(), lambda levels: levels)
    with tifffile.TiffFile(file) as read:
        page: Any = read.pages[level]
        offset, length = page.dataoffsets[-1], page.databytecounts[-1]
    data = bytearray(file.read_bytes())
    data[offset + length // 3 : offset + length // 2] = bytes(length // 2 - length // 3)
    file.write_bytes(data)
    assert f"level {level} cannot be decoded: " in refused(file, image)


@pytest.mark.parametrize("profile", ["jpeg", "webp"])
@pytest.mark.parametrize("defect", ["another picture", "a black tile", "inverted"])
def test_a_lossy_pyramid_of_something_else_is_refused(tmp_path: Path, profile: str, defect: str) -> None:
    wrong = picture()
    if defect == "a black tile":
        wrong[512:768, 512:768] = 0
    else:
        wrong = 255 - wrong if defect == "inverted" else np.ascontiguousarray(wrong[:, ::-1])
    write(decoded(wrong), tmp_path / "a.tif", PROFILES[profile])
    with pytest.raises(ValidateFailed, match="level 0 differs from the image by"):
        prove(tmp_path / "a.tif", PROFILES[profile], decoded(picture()))


@pytest.mark.parametrize("band", [0, 1, 2])
def test_an_error_in_one_band_alone_is_seen(band: int) -> None:
    above = np.zeros((4, 6, 3), np.uint8)
    half = np.zeros((2, 3, 3), np.uint8)
    half[1, 2, band] = 9
    assert farthest(above, half) == 9
