"""A GIF's first frame at its place on the canvas: transparent where it is not, strict where it is cut short."""

import io
from pathlib import Path

import numpy as np
import pytest

from darkroom.failures import DecodeFailed
from darkroom.imaging.opening import look, prepare
from darkroom.imaging.readers.gif import first_frame
from darkroom.imaging.source import Source
from darkroom.pyramids.make import make_pyramid
from darkroom.pyramids.profiles import PROFILES
from tests.gifs import RED, gif

LIMIT = 1_000_000_000


def found(folder: Path, data: bytes) -> Source:
    (folder / "a.gif").write_bytes(data)
    return look(folder / "a.gif", LIMIT)


def right(size: tuple[int, int], frame: tuple[int, int, int, int]) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]":
    """The canvas as a viewer shows it."""
    left, top, width, height = frame
    canvas = np.zeros((size[1], size[0], 4), np.uint8)
    canvas[top : top + height, left : left + width] = (255, 0, 0, 255)
    canvas[top, left : left + width] = (0, 0, 255, 255)
    return canvas


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"interlaced": True},
        {"own_palette": True},
        {"transparent": 3},
        {"frames": 2},
        {"frames": 2, "transparent": 3, "interlaced": True, "own_palette": True},
    ],
)
@pytest.mark.parametrize("frame", [(30, 20, 20, 10), (0, 0, 20, 10), (40, 30, 20, 10), (59, 39, 1, 1)])
def test_a_frame_stands_at_its_place_and_the_rest_is_transparent(
    frame: tuple[int, int, int, int], options: dict[str, bool], tmp_path: Path
) -> None:
    source = found(tmp_path, gif((60, 40), frame, **options))  # type: ignore[arg-type]
    assert (source.width, source.height) == (60, 40)
    assert np.array_equal(prepare(source, 60, 40).numpy(), right((60, 40), frame))


def test_a_frame_that_fills_its_canvas_stays_without_alpha(tmp_path: Path) -> None:
    pixels = prepare(found(tmp_path, gif((60, 40), (0, 0, 60, 40))), 60, 40).numpy()
    assert np.array_equal(pixels, right((60, 40), (0, 0, 60, 40))[..., :3])


def test_what_is_transparent_within_a_frame_stays_so(tmp_path: Path) -> None:
    pixels = prepare(found(tmp_path, gif((60, 40), (30, 20, 20, 10), transparent=RED)), 60, 40).numpy()
    assert pixels[..., 3].sum() == 20 * 255  # the frame's uppermost row


@pytest.mark.parametrize(
    ("canvas", "frame", "size"),
    [
        ((30, 20), (0, 0, 60, 40), (60, 40)),
        ((60, 40), (50, 30, 20, 20), (70, 50)),
        ((0, 0), (10, 10, 60, 40), (70, 50)),
        ((60, 40), (100, 100, 20, 10), (120, 110)),
    ],
)
def test_a_canvas_that_is_too_small_for_its_frame_grows(
    canvas: tuple[int, int], frame: tuple[int, int, int, int], size: tuple[int, int], tmp_path: Path
) -> None:
    source = found(tmp_path, gif(canvas, frame))
    assert (source.width, source.height) == size
    pixels = prepare(source, *size).numpy()
    expected = right(size, frame)
    assert np.array_equal(pixels, expected[..., : pixels.shape[-1]])


def test_its_pyramid_is_made_smaller_with_clean_edges(tmp_path: Path) -> None:
    source = found(tmp_path, gif((600, 400), (300, 200, 200, 100)))
    made = make_pyramid(source, tmp_path / "a.tif", PROFILES["deflate"])
    assert (made.width, made.height) == (600, 400)
    small = prepare(source, 60, 40).numpy()
    assert small[25, 40].tolist() == [255, 0, 0, 255]
    assert small[2, 2].tolist() == [0, 0, 0, 0]
    half = small[(small[..., 3] > 0) & (small[..., 3] < 250)]
    assert (half[:, 1] == 0).all()  # no black and no white comes in at the edge


@pytest.mark.parametrize("frame", [(0, 0, 60, 40), (30, 20, 20, 10)])
@pytest.mark.parametrize("part", [0.3, 0.6, 0.9])
def test_a_gif_that_is_cut_short_is_refused(part: float, frame: tuple[int, int, int, int], tmp_path: Path) -> None:
    data = gif((60, 40), frame)
    with pytest.raises(DecodeFailed):
        make_pyramid(found(tmp_path, data[: int(len(data) * part)]), tmp_path / "a.tif", PROFILES["deflate"])
    assert not (tmp_path / "a.tif").exists()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"GIF89a", "cut short"),
        (gif((6, 4), (0, 0, 6, 4))[:13] + b"\x21", "cut short"),
        (b"GIF89a" + bytes(9), "without"),
    ],
)
def test_a_gif_without_a_frame_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(DecodeFailed, match=reason):
        first_frame(io.BytesIO(data))


def test_what_a_gif_takes_is_said(tmp_path: Path) -> None:
    assert found(tmp_path, gif((60, 40), (0, 0, 60, 40))).held == 4 * 60 * 40
