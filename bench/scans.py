"""Scans for the benchmark: drawn, with the grain that makes real ones hard to compress."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyvips

_GRAIN = 5.0  # standard deviation, of 255
MIX = (
    *[("jpg", 6000, 4500)] * 35,
    *[("jpg", 9000, 7000)] * 20,
    *[("jpg", 12000, 9000)] * 8,
    *[("jpg", 4500, 6000)] * 10,
    *[("jpg", 3000, 2200)] * 10,
    *[("cmyk", 5000, 4000)] * 3,
    *[("tif", 5000, 4000)] * 8,
    *[("png", 3500, 3000)] * 4,
    *[("jpg", 20000, 15000)] * 2,
)
"""What a library's night brings, a hundred images: kind, width, height."""


def draw(kind: str, width: int, height: int, file: Path) -> None:
    """One scan."""
    y, x = np.mgrid[0:600, 0:800]
    colours = [x * 255.0 / 799, y * 255.0 / 599, 127 + 90 * np.sin(x / 23.0) * np.cos(y / 31.0)]
    small = pyvips.Image.new_from_array(np.stack(colours, axis=-1).astype(np.uint8)).copy(interpretation="srgb")
    grain = pyvips.Image.gaussnoise(1024, 1024, sigma=_GRAIN, mean=0).copy_memory()
    grain = grain.replicate(-(-width // 1024), -(-height // 1024)).crop(0, 0, width, height)
    large = small.resize(width / 800, vscale=height / 600, kernel="linear").crop(0, 0, width, height)
    image = (large + grain).cast("uchar").copy(interpretation="srgb")
    match kind:
        case "jpg":
            image.jpegsave(str(file), Q=90)
        case "cmyk":
            image.colourspace("cmyk").jpegsave(str(file), Q=90)
        case "tif":
            image.tiffsave(str(file), compression="lzw")
        case "png":
            image.pngsave(str(file), compression=3)


def draw_mix(folder: Path, part: int) -> Iterator[Path]:
    """Every `part`th of the mix, each in a file."""
    for number, (kind, width, height) in enumerate(MIX[::part]):
        file = folder / f"{number:03}.{'jpg' if kind == 'cmyk' else kind}"
        draw(kind, width, height, file)
        yield file
