"""Pictures and their cuts: data, not code. Each profile counts whole in the recipes that name it."""

from dataclasses import dataclass
from typing import Literal

from darkroom.imaging.encoders import ENCODER, Encoder

RECIPE_VERSION = 1
"""Raise it when the same inputs and profiles would give other pixels: everything is then made again."""


@dataclass(frozen=True, slots=True)
class Profile:
    """How a composite and its cuts are drawn and written: its renders' frame is fitted into `width` x `height`."""

    width: int
    height: int
    kernel: Literal["mitchell", "lanczos3"]
    encoder: Encoder


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


PICTURE = Profile(800, 800, kernel="mitchell", encoder=ENCODER)
WIDTH, HEIGHT, KERNEL = PICTURE.width, PICTURE.height, PICTURE.kernel

COMPOSITE = "800x800"
CROPS = {
    "142x142": Crop(142, 142, None),
    "top-crop": Crop(142, 142, "bottom", rows=0.33),
    "bottom-crop": Crop(142, 142, "top", rows=0.33),
}
CUTS = (COMPOSITE, *CROPS)
