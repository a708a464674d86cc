"""Cuts, kernels and encoders by name: data, not code. A change here is a change of every recipe that names it."""

from dataclasses import dataclass
from typing import Literal

RECIPE_VERSION = 1
"""Raise it when the same inputs and parameters would give other pixels: everything is then made again."""


@dataclass(frozen=True, slots=True)
class Crop:
    """A part of the painted box T of a composite, `width` wide, placed in the middle of a transparent canvas.

    `without` names the rows that go first, the share `rows` of T (a third as ImageMagick's recipe had it) from its top
    or bottom; None: T whole, fitted into the canvas.
    """

    width: int
    height: int
    without: Literal["top", "bottom"] | None
    rows: float = 0.0


WIDTH, HEIGHT = 800, 800
"""A composite is its renders' frame, fitted into this."""

KERNEL: Literal["mitchell", "lanczos3"] = "mitchell"

COMPOSITE = "800x800"
CROPS = {
    "142x142": Crop(142, 142, None),
    "top-crop": Crop(142, 142, "bottom", rows=0.33),
    "bottom-crop": Crop(142, 142, "top", rows=0.33),
}
CUTS = (COMPOSITE, *CROPS)
