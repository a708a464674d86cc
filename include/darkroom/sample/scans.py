"""Six scans of a library that does not exist: maps, a plant and a page, each in another format, one of them damaged."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pyvips
from PIL import Image

from darkroom.sample.charts import coloured_map, engraving, fern, relief

DAMAGED = "maps/old-town.jpg"
"""The one whose file was cut short: a night makes the others and refuses it."""

_DPI = 300
_QUARTER_TURN = 6  # EXIF's word for: turn it to the right to look at it


def draw_scans(folder: Path, width: int = 1600) -> list[str]:
    """Write the six scans, `width` pixels wide at most; returns their keys below the folder.

    The same width gives the same pictures.
    """
    for key, scan in _SCANS.items():
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.part")
        part.write_bytes(scan(width))
        part.replace(path)
    return list(_SCANS)


def _turned(width: int) -> bytes:
    """A JPEG as a scanner that stands upright makes it: it lies, and its EXIF says so."""
    lying = np.rot90(coloured_map(width * 3 // 4, width, seed=11))
    exif = Image.Exif()
    exif[0x0112] = _QUARTER_TURN
    return _jpeg(Image.fromarray(np.ascontiguousarray(lying)), exif=exif.tobytes())


def _progressive(width: int) -> bytes:
    return _jpeg(Image.fromarray(coloured_map(width * 2 // 3, width, seed=23)), progressive=True)


def _deep(width: int) -> bytes:
    """A TIFF with 16 bits a channel."""
    heights = relief(width * 3 // 4, width, seed=31)
    deep = pyvips.Image.new_from_array((heights * 65535).astype(np.uint16), interpretation="rgb16")
    resolution = _DPI / 25.4  # libvips counts in pixels a millimetre
    return bytes(deep.tiffsave_buffer(compression="deflate", predictor="horizontal", xres=resolution, yres=resolution))


def _cut_out(width: int) -> bytes:
    """A PNG whose paper was cut away."""
    return _saved(Image.fromarray(fern(width, width * 3 // 4)), "PNG")


def _page(width: int) -> bytes:
    return _saved(Image.fromarray(engraving(width, width * 3 // 4, seed=8)), "PDF", resolution=_DPI)


def _torn(width: int) -> bytes:
    whole = _jpeg(Image.fromarray(coloured_map(width * 3 // 4, width, seed=47)))
    return whole[: len(whole) * 45 // 100]


def _jpeg(image: Image.Image, **options: object) -> bytes:
    return _saved(image, "JPEG", quality=90, **options)


def _saved(image: Image.Image, name: str, **options: object) -> bytes:
    out = BytesIO()
    image.save(out, name, **{"dpi": (_DPI, _DPI), **options})
    return out.getvalue()


_SCANS: dict[str, Callable[[int], bytes]] = {
    "maps/harbour.jpg": _turned,
    "maps/islands.jpg": _progressive,
    "maps/relief.tif": _deep,
    "plates/fern.png": _cut_out,
    "pages/frontispiece.pdf": _page,
    DAMAGED: _torn,
}
