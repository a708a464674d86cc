"""A picture as PNG bytes."""

import numpy as np
import pyvips

from darkroom.compositing.profiles import ENCODER, Encoder
from darkroom.compositing.reduction import Picture


def encode(picture: Picture, encoder: Encoder = ENCODER) -> bytes:
    """Straight RGBA (height, width, 4) uint8 as an 8-bit RGBA PNG.

    It is not interlaced, and has its resolution and no other metadata.
    """
    height, width, _ = picture.shape
    per_millimetre = encoder.pixels_per_metre / 1000
    image = pyvips.Image.new_from_memory(np.ascontiguousarray(picture), width, height, 4, "uchar")
    image = image.copy(interpretation="srgb", xres=per_millimetre, yres=per_millimetre)
    data: bytes = image.pngsave_buffer(compression=encoder.compression, filter=encoder.filter, keep="none")
    return data
