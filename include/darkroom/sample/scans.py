"""Six scans of a library that does not exist: maps, a plant and a page, each in another format, one of them damaged.

`library/` has the pictures (ADR 18); here they become what scanners and cameras deliver.
"""

from collections.abc import Callable
from importlib import resources
from io import BytesIO
from pathlib import Path

import numpy as np
import pyvips
from PIL import Image

from darkroom.store import open_store

DAMAGED = "maps/old-town.jpg"
"""The one whose file was cut short: a night makes the others and refuses it."""

_LIBRARY = resources.files("darkroom.sample").joinpath("library")
_DPI = 300
_QUARTER_TURN = 6  # EXIF's word for: turn it to the right to look at it


def draw_scans(folder: Path, width: int = 1600) -> list[str]:
    """Write the six scans, their longer side `width` pixels; returns their keys below the folder.

    The same width gives the same pictures.
    """
    store = open_store(str(folder))
    for key, scan in _SCANS.items():
        picture = pyvips.Image.new_from_buffer(_LIBRARY.joinpath(f"{Path(key).stem}.webp").read_bytes(), "")
        store.write(key, scan(picture.resize(width / max(picture.width, picture.height))))
    return list(_SCANS)


def _turned(picture: pyvips.Image) -> bytes:
    """A JPEG as a scanner that stands upright makes it: it lies, and its EXIF says so."""
    exif = Image.Exif()
    exif[0x0112] = _QUARTER_TURN
    return _saved(picture.rot270(), "JPEG", quality=90, exif=exif.tobytes())


def _deep(picture: pyvips.Image) -> bytes:
    """A TIFF with 16 bits a channel."""
    deep = (picture.cast("ushort") * 257).cast("ushort").copy(interpretation="rgb16")
    resolution = _DPI / 25.4  # libvips counts in pixels a millimetre
    return bytes(deep.tiffsave_buffer(compression="deflate", predictor="horizontal", xres=resolution, yres=resolution))


def _torn(picture: pyvips.Image) -> bytes:
    whole = _saved(picture, "JPEG", quality=90)
    return whole[: len(whole) * 45 // 100]


def _saved(picture: pyvips.Image, name: str, **options: object) -> bytes:
    out = BytesIO()
    Image.fromarray(np.ascontiguousarray(picture.numpy())).save(out, name, **{"dpi": (_DPI, _DPI), **options})
    return out.getvalue()


_SCANS: dict[str, Callable[[pyvips.Image], bytes]] = {
    "maps/harbour.jpg": _turned,
    "maps/islands.jpg": lambda picture: _saved(picture, "JPEG", quality=90, progressive=True),
    "maps/relief.tif": _deep,
    "plates/fern.png": lambda picture: _saved(picture, "PNG"),  # whose paper was cut away
    "pages/frontispiece.pdf": lambda picture: _saved(picture, "PDF", resolution=_DPI),
    DAMAGED: _torn,
}
