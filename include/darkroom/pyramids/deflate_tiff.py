"""Pyramid TIFFs with deflate, laid out as libvips' `tiffsave` does it and compressed by ISA-L in a third of its time.

TIFF 6.0 (https://www.itu.int/itudoc/itu-t/com16/tiff-fx/docs/tiff6.pdf), sections 14 (the predictor) and 15 (tiles);
deflate is of its supplement 2, which made it a compression of TIFF (https://www.alternatiff.com/resources/TIFFphotoshop.pdf).
"""

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyvips
import tifffile
from isal import isal_zlib

_EFFORT = 2  # of 0 to 3: on photographs 3 takes half as long again for files that are no smaller (measured)
_THREADS = min(4, os.cpu_count() or 1)
_AHEAD = 2 * _THREADS  # tiles under way, of a MiB each
_ROWS = 128  # of a half that are computed at once, in the cache
_REDUCED = 1  # TIFF 6.0, NewSubfileType
_ICC = "icc-profile-data"


def save(image: pyvips.Image, target: Path, *, tile: int, dpi: int, big: bool) -> None:
    """Write an 8-bit RGB image in memory, with or without alpha, with all its levels down to one that fits in a tile.

    `big` makes it a BigTIFF. Beside the image there are its levels one by one and a few tiles in memory. Raises
    `OSError` where the file cannot be written.
    """
    profile = image.get(_ICC) if _ICC in image.get_fields() else None
    with tifffile.TiffWriter(target, bigtiff=big) as file, ThreadPoolExecutor(_THREADS, "deflate") as pool:
        for number, level in enumerate(_levels(image, tile)):
            file.write(
                _packed_tiles(level, tile, pool),
                shape=(level.height, level.width, level.bands),
                dtype=np.uint8,
                photometric="rgb",
                planarconfig="contig",
                extrasamples=["unassalpha"] * (level.bands - 3),
                tile=(tile, tile),
                compression="adobe_deflate",
                predictor="horizontal",
                subfiletype=_REDUCED if number else None,
                resolution=(dpi, dpi),
                resolutionunit="inch",
                iccprofile=profile,
                software=False,
                metadata=None,
            )


def _levels(image: pyvips.Image, tile: int) -> Iterator[pyvips.Image]:
    """The image, and each half of the one before until it fits in a tile; a side of one pixel cannot be halved."""
    yield image
    while max(image.width, image.height) > tile and min(image.width, image.height) > 1:
        image = _halved_with_alpha(image) if image.hasalpha() else _halved(image)
        yield image


def _halved(image: pyvips.Image) -> pyvips.Image:
    """The means of four pixels, without an odd edge.

    libvips' `shrink` rounds up twice, down and across, and each level would be brighter by half a step.
    """
    width, height, bands = image.width // 2, image.height // 2, image.bands
    half = np.empty((height, width, bands), np.uint8)
    for top in range(0, height, _ROWS):
        pixels = image.crop(0, 2 * top, 2 * width, 2 * min(_ROWS, height - top)).numpy()
        lines = pixels.reshape(-1, 2 * width * bands)
        sums = np.add(lines[::2], lines[1::2], dtype=np.uint16)
        sums[:, :-bands] += sums[:, bands:]  # in one sweep, of which every second one is of no use
        sums += 2
        sums >>= 2
        half[top : top + _ROWS] = sums.reshape(-1, width, 2 * bands)[..., :bands]
    return pyvips.Image.new_from_memory(half, width, height, bands, "uchar").copy(interpretation="srgb")


def _halved_with_alpha(image: pyvips.Image) -> pyvips.Image:
    """The same of colours that count as much as they are seen."""
    even = image.crop(0, 0, image.width // 2 * 2, image.height // 2 * 2)
    return even.premultiply().shrink(2, 2).unpremultiply().rint().cast("uchar").copy_memory()


def _packed_tiles(image: pyvips.Image, tile: int, pool: ThreadPoolExecutor) -> Iterator[bytes]:
    """The compressed tiles, row by row; a few are on their way in the pool."""
    under_way: deque[Future[bytes]] = deque()
    for top in range(0, image.height, tile):
        row = image.crop(0, top, image.width, min(tile, image.height - top)).numpy()
        for left in range(0, image.width, tile):
            if len(under_way) == _AHEAD:
                yield under_way.popleft().result()
            under_way.append(pool.submit(_packed, row[:, left : left + tile], tile))
    while under_way:
        yield under_way.popleft().result()


def _packed(pixels: np.ndarray[Any, Any], tile: int) -> bytes:
    """A tile's differences of neighbours, compressed. Beyond the image's edge its last column goes on, then black."""
    rows, columns, bands = pixels.shape
    differences = np.zeros((tile, tile, bands), np.uint8)
    differences[:rows, 0] = pixels[:, 0]
    np.subtract(pixels[:, 1:], pixels[:, :-1], out=differences[:rows, 1:columns])
    return isal_zlib.compress(differences, _EFFORT)
