"""What a TIFF says of its samples, and the colours that come of it: the right ones, or a refusal with what to do."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips

from darkroom.failures import DecodeFailed
from darkroom.imaging.opening import look
from darkroom.imaging.readers import samples
from darkroom.pyramids.make import decode
from darkroom.pyramids.profiles import CAP
from tests import tiffs

RAMP = [0, 64, 128, 191, 255]
Colours = "np.ndarray[Any, np.dtype[np.float64]]"


def shown(file: Path, patches: int = 5) -> "tuple[np.ndarray[Any, Any], tuple[str, ...]]":
    """The colours of the patches' middles, and what is noted."""
    source = look(file, 10**9)
    pixels = decode(source, CAP, alpha=True).pixels
    middles = [int((number + 0.5) * pixels.shape[1] / patches) for number in range(patches)]
    return pixels[pixels.shape[0] // 2, middles].astype(float), source.notes


def grey(file: Path) -> "np.ndarray[Any, Any]":
    colours, _ = shown(file)
    assert np.ptp(colours[:, :3], axis=1).max() <= 1
    return colours[:, 0]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "a.tif"


LARGEST = {"uint8": 255, "uint16": 65535, "uint32": 2**32 - 1, "int8": 127, "int16": 32767, "int32": 2**31 - 1}
KINDS = {**LARGEST, "float16": 1, "float32": 1}


@pytest.mark.parametrize("channels", ["grey", "white is zero", "RGB", "planes"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_ramp_of_any_samples_becomes_that_ramp(kind: str, channels: str, file: Path) -> None:
    ramp = tiffs.ramp(KINDS[kind], kind)
    match channels:
        case "grey":
            tiffs.written(file, ramp)
        case "white is zero":
            tiffs.written(file, ramp, "miniswhite")
        case "RGB":
            tiffs.written(file, tiffs.rgb(ramp), "rgb")
        case _:
            tiffs.written(file, np.stack([ramp] * 3), "rgb", planarconfig="separate")
    if (kind, channels) == ("float16", "planes"):
        with pytest.raises(DecodeFailed, match="16-bit floats in separate planes; save it as 8- or 16-bit TIFF"):
            shown(file)
        return
    found = grey(file)
    assert found == pytest.approx(RAMP[::-1] if channels == "white is zero" else RAMP, abs=2)


@pytest.mark.parametrize(
    ("black", "white", "said"),
    [
        (0.0, 1000.0, "others from the smallest to the largest"),
        (-5.0, 5.0, "others from the smallest to the largest"),
        (1000.0, 1010.0, "others from the smallest to the largest"),
    ],
)
def test_floats_beyond_one_are_shown_from_their_smallest_to_their_largest(
    black: float, white: float, said: str, file: Path
) -> None:
    colours, notes = shown(tiffs.written(file, (tiffs.ramp(white - black, "float32") + black).astype("float32")))
    assert colours[:, 0] == pytest.approx(RAMP, abs=1)
    assert said in notes[0]


def test_floats_between_0_and_1_keep_their_contrast(file: Path) -> None:
    assert grey(tiffs.written(file, tiffs.ramp(0.5, "float32") + np.float32(0.2))) == pytest.approx(
        [51, 83, 115, 147, 179], abs=1
    )


def test_a_declared_range_beats_the_datas_own(file: Path) -> None:
    declared = [(340, 11, 1, -10.0, True), (341, 11, 1, 10.0, True)]
    colours, notes = shown(tiffs.written(file, tiffs.ramp(10, "float32") - np.float32(5), extratags=declared))
    assert colours[:, 0] == pytest.approx([64, 96, 128, 159, 191], abs=1)
    assert "from -10 to 10, as it says" in notes[0]


@pytest.mark.parametrize("tags", [[(280, 3, 1, 0, True), (281, 3, 1, 500, True)], [(281, 3, 1, 500, True)]])
def test_the_older_fields_declare_a_range_too(tags: list[Any], file: Path) -> None:
    ramp = tiffs.ramp(1000, "uint32")
    assert grey(tiffs.written(file, ramp, extratags=tags)) == pytest.approx([0, 128, 255, 255, 255], abs=1)


def test_a_range_that_is_none_is_not_believed(file: Path) -> None:
    tags = [(340, 11, 1, float("nan"), True), (341, 11, 1, float("inf"), True)]
    assert grey(tiffs.written(file, tiffs.ramp(1000, "float32"), extratags=tags)) == pytest.approx(RAMP, abs=1)


def test_channels_of_floats_share_one_range(file: Path) -> None:
    ramp = tiffs.ramp(10, "float32")
    colours, _ = shown(tiffs.written(file, np.stack([ramp, ramp / 2, ramp * 0], -1), "rgb"))
    assert colours[-1] == pytest.approx([255, 128, 0], abs=1)


def test_what_is_no_number_counts_for_nothing_and_is_black(file: Path) -> None:
    pixels = tiffs.ramp(1000, "float32")
    pixels[0, :3] = np.nan, np.inf, -np.inf
    colours, _ = shown(tiffs.written(file, pixels))
    assert colours[:, 0] == pytest.approx(RAMP, abs=1)
    corner = decode(look(file, 10**9), CAP, alpha=True).pixels[0, :3, 0]
    assert corner.tolist() == [0, 255, 0]


@pytest.mark.parametrize("value", [0, 5, np.nan])
def test_an_image_of_one_value_divides_by_nothing(value: float, file: Path) -> None:
    pixels = np.full((40, 100), value, "float32")
    assert set(grey(tiffs.written(file, pixels))) == {255.0 if value == 5 else 0.0}


@pytest.mark.parametrize("largest", [1023, 4095, 16383])
def test_16_bit_of_a_scanner_that_has_fewer_are_filled_as_it_says(largest: int, file: Path) -> None:
    ramp = tiffs.ramp(largest, "uint16")
    assert grey(tiffs.written(file, ramp, extratags=[(281, 3, 1, largest, True)])) == pytest.approx(RAMP, abs=1)


def test_16_bit_are_not_stretched_by_what_is_only_a_statistic(file: Path) -> None:
    ramp = tiffs.ramp(30000, "uint16")
    assert grey(tiffs.written(file, ramp, extratags=[(281, 3, 1, 30000, True)]))[-1] == pytest.approx(117, abs=1)


@pytest.mark.parametrize(
    ("bits", "expected"), [(1, [0, 0, 0, 255, 255]), (2, [0, 0, 85, 170, 255]), (4, [0, 51, 119, 187, 255])]
)
def test_few_bits_are_spread_over_eight(bits: int, expected: list[int], file: Path) -> None:
    image = pyvips.Image.new_from_array(tiffs.ramp(255, "uint8"))
    image.tiffsave(str(file), bitdepth=bits)
    assert grey(file) == pytest.approx(expected, abs=1)


def test_a_palettes_colours_are_shown(file: Path) -> None:
    levels = np.arange(256, dtype=np.uint16) * 257
    colours, _ = shown(
        tiffs.written(file, tiffs.ramp(255, "uint8"), "palette", colormap=[levels, levels[::-1], levels])
    )
    assert colours[:, 0] == pytest.approx(RAMP, abs=1)
    assert colours[:, 1] == pytest.approx(RAMP[::-1], abs=1)


@pytest.mark.parametrize("space", [8, 9])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("extra", [None, 2, 0])
def test_lab_keeps_its_colours_and_its_alpha(space: int, bits: int, extra: int | None, file: Path) -> None:
    light = tiffs.STEPS * 100
    tints = np.array([[0, 40, -40, 0, 0], [0, 0, 0, 50, 0]])
    step, full = (1, 255) if bits == 8 else (256, 65535 if space == 8 else 65280)
    offset = 0 if space == 8 else 128 * step
    stored = np.stack([light * full / 100, *((tints * step + offset) % 2**bits)], -1)
    pixels = tiffs.patches(stored.round().astype(f"uint{bits}"))
    if extra is not None:
        pixels = tiffs.with_alpha(pixels, 2**bits - 1 if extra else 0)
    tiffs.written(file, pixels, space, extrasamples=None if extra is None else [extra])
    lab = pyvips.Image.new_from_array(np.stack([light, *tints], -1)[None].astype("float32"))
    expected = lab.copy(interpretation="lab").colourspace("srgb").numpy()[0]
    colours, _ = shown(file)
    assert np.abs(colours[:, :3] - expected).max() <= 2
    assert colours.shape[1] == (4 if extra == 2 else 3)
    assert (colours[:, 3:] == 255).all()


SPACES: dict[str, tuple[Any, str]] = {
    "grey": (tiffs.STEPS[:, None], "minisblack"),
    "RGB": (np.stack([tiffs.STEPS] * 3, -1), "rgb"),
    "CMYK": (np.array([[0, 0, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]]), "separated"),
}


@pytest.mark.parametrize("kind", ["uint8", "uint16", "float32", "uint32", "int16"])
@pytest.mark.parametrize("space", SPACES)
def test_the_alpha_that_is_written_is_the_one_that_is_stored(space: str, kind: str, file: Path) -> None:
    if (space == "CMYK" and not kind.startswith("uint")) or (space, kind) == ("CMYK", "uint32"):
        pytest.skip("is refused")
    colours, photometric = SPACES[space]
    full = KINDS[kind]
    plain, _ = shown(tiffs.written(file, tiffs.patches((colours * full).astype(kind)), photometric))
    for alpha in (1.0, 0.5):
        for extra in (2, 1):  # the second is associated: the colours are stored multiplied by it
            stored = (colours * full * (alpha if extra == 1 else 1)).astype(kind)
            pixels = tiffs.with_alpha(tiffs.patches(stored), alpha * full)
            found, _ = shown(tiffs.written(file, pixels, photometric, extrasamples=[extra], planarconfig="contig"))
            assert found[:, 3] == pytest.approx([255 * alpha] * 5, abs=1)
            assert np.abs(found[:, :3] - plain).max() <= 3


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("kind", ["uint8", "uint16"])
def test_a_saved_selection_is_no_alpha(space: str, kind: str, file: Path) -> None:
    colours, photometric = SPACES[space]
    pixels = tiffs.patches((colours * KINDS[kind]).astype(kind))
    plain, _ = shown(tiffs.written(file, pixels, photometric))
    more = tiffs.with_alpha(pixels, 0)
    found, notes = shown(tiffs.written(file, more, photometric, extrasamples=[0], planarconfig="contig"))
    assert np.abs(found - plain).max() <= 1
    assert notes == ("Its 1 extra channel, which is no transparency, is left out.",)


def test_alpha_may_be_the_second_extra_channel_or_the_sixth(file: Path) -> None:
    pixels = tiffs.patches((SPACES["RGB"][0] * 255).astype("uint8"))
    two = tiffs.with_alpha(tiffs.with_alpha(pixels, 0), 100)
    found, notes = shown(tiffs.written(file, two, "rgb", extrasamples=[0, 2]))
    assert set(found[:, 3]) == {100.0}
    assert "1 extra channel" in notes[0]
    six = tiffs.with_alpha(np.concatenate([pixels, np.zeros((*pixels.shape[:2], 5), "uint8")], -1), 100)
    found, notes = shown(tiffs.written(file, six, "rgb", extrasamples=[0, 0, 0, 0, 0, 2]))
    assert set(found[:, 3]) == {100.0}
    assert "5 extra channels, which are no transparency, are left out" in notes[0]


def test_extra_channels_that_nothing_is_said_of_are_left_out(file: Path) -> None:
    pixels = tiffs.with_alpha(tiffs.patches((SPACES["RGB"][0] * 255).astype("uint8")), 0)
    tiffs.renamed(tiffs.written(file, pixels, "rgb", extrasamples=[0]), 338, 65000)
    found, notes = shown(file)
    assert found.shape == (5, 3)
    assert "1 extra channel" in notes[0]


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("float64", "its samples are 64-bit floats in grey"),
        ("uint64", "its samples are 64-bit unsigned integers in grey"),
        ("int64", "its samples are 64-bit signed integers in grey"),
        ("complex64", "its samples are complex numbers, which are no picture"),
    ],
)
def test_samples_that_are_not_read_are_refused_with_what_to_do(kind: str, reason: str, file: Path) -> None:
    with pytest.raises(DecodeFailed, match=f"^{re.escape(reason)}; save it as 8- or 16-bit TIFF$"):
        look(tiffs.written(file, tiffs.ramp(1, kind)), 10**9)


@pytest.mark.parametrize("bits", [3, 6, 10, 12, 14, 24])
def test_odd_depths_are_refused_with_what_to_do(bits: int, file: Path) -> None:
    tiffs.overwritten(tiffs.written(file, tiffs.ramp(255, "uint8")), 258, bits)
    with pytest.raises(
        DecodeFailed, match=f"its samples are {bits}-bit unsigned integers in grey; save it as 8- or 16"
    ):
        look(file, 10**9)


@pytest.mark.parametrize(
    ("tag", "value", "reason"),
    [
        (262, 10, "ITULab"),
        (262, 32844, "LogL image of high dynamic range; save it as 8- or 16-bit TIFF"),
        (262, 32845, "LogLuv image of high dynamic range"),
        (262, 99, "unknown kind"),
        (262, 32803, "a camera's raw file"),
        (262, 34892, "a camera's raw file"),
        (262, 4, "a mask and no picture"),
        (259, 6, "the old JPEG in TIFF"),
    ],
)
def test_what_is_no_picture_in_colour_is_refused(tag: int, value: int, reason: str, file: Path) -> None:
    tiffs.overwritten(tiffs.written(file, tiffs.rgb(tiffs.ramp(255, "uint8")), "rgb"), tag, value)
    with pytest.raises(DecodeFailed, match=reason):
        look(file, 10**9)


def test_inks_that_are_not_those_of_cmyk_are_refused(file: Path) -> None:
    five = tiffs.patches(np.zeros((5, 5), "uint8"))
    tiffs.written(file, five, "separated", extrasamples=[0], extratags=[(332, 3, 1, 2, True)])
    with pytest.raises(DecodeFailed, match="its inks are not cyan, magenta, yellow and black; save it in RGB or CMYK"):
        look(file, 10**9)


def test_channels_of_different_depths_are_refused(file: Path) -> None:
    tiffs.overwritten(tiffs.written(file, tiffs.rgb(tiffs.ramp(255, "uint8")), "rgb"), 258, (5, 6, 5))  # type: ignore[arg-type]
    with pytest.raises(DecodeFailed, match=r"different bits \(5, 6\); save it as 8- or 16-bit TIFF"):
        look(file, 10**9)


def test_the_page_of_the_docs_says_what_the_code_does() -> None:
    page = (Path(__file__).parents[2] / "docs" / "pyramids.md").read_text(encoding="utf-8")
    for space, depths in samples.DEPTHS.items():
        for (kind, bits), what in depths.items():
            name = {samples.UINT: "unsigned", samples.INT: "signed", samples.FLOAT: "float"}[kind]
            assert f"{space}, {bits} bit {name}: {what}" in {f"{row}: {said}" for row, said in _depth_rows(page)}


def _depth_rows(page: str) -> list[tuple[str, str]]:
    """Each depth of the docs' table by itself: `grey, RGB | 8, 16 | unsigned | as it is`."""
    found = []
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 4 and cells[2] in ("unsigned", "signed", "float"):
            for space in cells[0].split(", "):
                found += [(f"{space}, {bits} bit {cells[2]}", cells[3].split(";")[0]) for bits in cells[1].split(", ")]
    return found
