"""Pyramids as any program may write them."""

from pathlib import Path
from typing import Any

import pyvips

from darkroom.pyramids.validate import inspect
from tests import scans

GOOD: dict[str, Any] = {"tile": True, "pyramid": True, "tile_width": 256, "tile_height": 256, "compression": "deflate"}


def written(file: Path, image: pyvips.Image | None = None, **options: Any) -> Path:
    (image or scans.picture()).tiffsave(str(file), **(GOOD | {"resunit": "inch", "xres": 300 / 25.4} | options))
    return file


def problems(file: Path) -> str:
    return "; ".join(inspect(file).problems)
