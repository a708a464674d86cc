"""A layer as cloth that is not dyed yet, in any size, and in any fabric.

`layers/<layer>.webp` is a picture of it in grey, with what is gold in yellow: red and green are the tone, from shadow
(0) to sheen (255); blue is the tone as well, but less where there is gold (0: all of it); alpha is the cloth.
"""

from __future__ import annotations

from importlib import resources

import numpy as np
import pyvips
from numpy.typing import NDArray

from darkroom.sample.colours import GOLD, Fabric, ramp

LAYERS = resources.files("darkroom.sample").joinpath("layers")


class Cloth:
    """One layer in a size, undyed."""

    def __init__(self, layer: str, size: int) -> None:
        """Open a layer's picture, `size` pixels wide and high; a name without one raises FileNotFoundError."""
        picture = pyvips.Image.new_from_buffer(LAYERS.joinpath(f"{layer}.webp").read_bytes(), "")
        if size != picture.width:
            # a kernel without negative weights: nothing rings, and no stray pixel lies beside the cloth
            scaled = picture.premultiply().resize(size / picture.width, kernel="linear")
            picture = scaled.unpremultiply().rint().cast("uchar")
        pixels = picture.numpy()
        self._shape = pixels.shape
        rows, columns = (np.flatnonzero(pixels[..., 3].any(axis)) for axis in (1, 0))
        self._box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        self._tone, _, blue, alpha = np.moveaxis(pixels[self._box], 2, 0)
        self._gold = (self._tone - blue)[..., None] / np.maximum(self._tone, 1, dtype=np.float32)[..., None]
        self._alpha = _swept(alpha, size * size / 64000)

    def dyed(self, fabric: Fabric) -> pyvips.Image:
        """Return the picture in a fabric's colour: straight RGBA, 8 bit, 0 where there is no cloth."""
        colour = ramp(fabric)[self._tone]
        if self._gold.any():
            colour = np.rint(colour + self._gold * (ramp(GOLD)[self._tone].astype(np.float32) - colour))
        picture = np.zeros(self._shape, np.uint8)
        np.multiply(colour, (self._alpha > 0)[..., None], out=picture[self._box][..., :3], casting="unsafe")
        picture[self._box][..., 3] = self._alpha
        return pyvips.Image.new_from_array(picture, interpretation="srgb")


def _swept(alpha: NDArray[np.uint8], least: float) -> NDArray[np.uint8]:
    """Clear specks of less than so many pixels that lie apart from the cloth: a stray pixel would move every cut."""
    regions = pyvips.Image.new_from_array((alpha > 0).astype(np.uint8)).labelregions().numpy()
    return np.where((np.bincount(regions.ravel()) < least)[regions], np.uint8(0), alpha)
