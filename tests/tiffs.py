"""TIFFs that say odd things of their samples and pages, written when a test asks for them."""

import struct
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

STEPS = np.array([0, 0.25, 0.5, 0.75, 1.0])
PATCH = 20  # pixels of a patch, and twice as many down


def ramp(largest: float, kind: str) -> "np.ndarray[Any, Any]":
    """Five patches from 0 to `largest`."""
    return patches((STEPS * largest).astype(kind))


def patches(colours: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    """A row of patches, one of each colour."""
    return np.repeat(np.repeat(np.asarray(colours)[None], 2 * PATCH, 0), PATCH, 1)


def with_alpha(pixels: "np.ndarray[Any, Any]", alpha: float) -> "np.ndarray[Any, Any]":
    """One channel more, the same all over."""
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    return np.concatenate([pixels, np.full((*pixels.shape[:2], 1), alpha, pixels.dtype)], -1)


def rgb(grey: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    return np.stack([grey] * 3, -1)


def written(file: Path, pixels: "np.ndarray[Any, Any]", photometric: str | int = "minisblack", **options: Any) -> Path:
    """A TIFF of one page; `photometric` may be any number that stands there then."""
    pixels = pixels[..., 0] if pixels.shape[-1] == 1 else pixels
    number = photometric if isinstance(photometric, int) else None
    if number is not None:
        photometric = "rgb" if pixels.ndim == 3 and pixels.shape[-1] >= 3 else "minisblack"
    tifffile.imwrite(file, pixels, photometric=photometric, metadata=None, **options)
    if number is not None:
        overwritten(file, 262, number)
    return file


def overwritten(file: Path, tag: int, value: int) -> None:
    """Another number in a field of the first page."""
    with tifffile.TiffFile(file, mode="r+b") as tiff:
        page: Any = tiff.pages[0]
        page.tags[tag].overwrite(value)


def renamed(file: Path, tag: int, other: int) -> None:
    """A field of the first page of another name."""
    with tifffile.TiffFile(file) as tiff:
        page: Any = tiff.pages[0]
        at = page.tags[tag].offset
    data = bytearray(file.read_bytes())
    struct.pack_into("<H", data, at, other)
    file.write_bytes(data)


def of_pages(file: Path, *pages: "tuple[np.ndarray[Any, Any], dict[str, Any]]") -> Path:
    """Each page with its options."""
    with tifffile.TiffWriter(file) as writer:
        for pixels, options in pages:
            writer.write(pixels, photometric="rgb", metadata=None, **options)
    return file
