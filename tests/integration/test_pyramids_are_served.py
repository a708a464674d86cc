"""The pyramids in a real IIIF server: every tile of every level shows what the source shows there."""

from collections.abc import Iterator

import numpy as np
import pytest
import pyvips

from darkroom.imaging.opening import look
from darkroom.pyramids.make import make_pyramid
from darkroom.pyramids.profiles import CAP, PROFILES
from tests import scans
from tests.servers import iip

pytestmark = pytest.mark.skipif(not iip.PROGRAM.exists(), reason="iipimage-server is not installed")

WIDTH, HEIGHT = 2300, 1700


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> pyvips.Image:
    return scans.picture(WIDTH, HEIGHT).copy_memory()


@pytest.fixture(scope="module")
def server(source: pyvips.Image, tmp_path_factory: pytest.TempPathFactory) -> Iterator[iip.ImageServer]:
    folder, logs = tmp_path_factory.mktemp("pyramids"), tmp_path_factory.mktemp("logs")
    source.jpegsave(str(logs / "scan.jpg"), Q=98)
    for profile in ("deflate", "jpeg"):
        make_pyramid(look(logs / "scan.jpg", 10**9), folder / f"{profile} & co.tif", PROFILES[profile], cap=CAP)
    with iip.image_server(folder, logs) as running:
        yield running


@pytest.mark.parametrize("profile", ["deflate", "jpeg"])
def test_every_tile_of_every_level_shows_its_part_of_the_source(
    profile: str, server: iip.ImageServer, source: pyvips.Image
) -> None:
    name = f"{profile} & co.tif"
    info = server.info(name)
    (tiles,) = info["tiles"]
    assert (info["width"], info["height"]) == (WIDTH, HEIGHT)
    assert tiles["width"] == PROFILES[profile].tile
    assert len(tiles["scaleFactors"]) == (4 if profile == "deflate" else 5)
    for factor in tiles["scaleFactors"]:
        step = tiles["width"] * factor
        for top in range(0, HEIGHT, step):
            for left in range(0, WIDTH, step):
                _compare(server, name, source, (left, top, min(step, WIDTH - left), min(step, HEIGHT - top)), factor)


def _compare(
    server: iip.ImageServer, name: str, source: pyvips.Image, region: tuple[int, int, int, int], factor: int
) -> None:
    width, height = max(1, region[2] // factor), max(1, region[3] // factor)
    tile = pyvips.Image.new_from_buffer(server.region(name, region, width, height), "")
    # each level leaves out the last row and column of one that is odd
    part = source.crop(region[0], region[1], width * factor, height * factor)
    due = part.shrink(factor, factor)
    assert (tile.width, tile.height) == (width, height)
    difference = np.abs(tile.numpy().astype(float) - due.numpy()).mean()
    assert difference < 5, (region, factor, difference)  # the server's own JPEG keeps half of the colours' detail
