"""A composite's cuts, from its pixels as written: the geometry of the old ImageMagick recipe (DESIGN 6)."""

import numpy as np

from darkroom.compositing import kernels
from darkroom.compositing.geometry import Box, crop_box, crop_size
from darkroom.compositing.profiles import KERNEL, Crop
from darkroom.compositing.reduction import Picture, Reducer


def make_cut(composite: Picture, crop: Crop, kernel: str = KERNEL) -> Picture:
    """The cut of a straight RGBA composite (height, width, 4). An empty composite gives an empty cut."""
    canvas = np.zeros((crop.height, crop.width, 4), np.uint8)
    painted = Box(*kernels.painted_box(composite))
    if painted.empty:
        return canvas
    box = crop_box(painted, crop)
    part = np.empty((box.height, box.width * 4), np.uint16)
    kernels.premultiply(composite[box.y0 : box.y1, box.x0 : box.x1], part.reshape(box.height, box.width, 4))
    width, height = crop_size(box, crop)
    whole = Box(0, 0, box.width, box.height)
    reduced = np.empty((height, width, 4), np.uint8)
    Reducer(box.width, box.height, whole, (width, height), kernel).reduce(part, Box(0, 0, width, height), reduced)
    _place(reduced, canvas)
    return canvas


def _place(picture: Picture, canvas: Picture) -> None:
    """Lay the picture in the middle of the canvas; what hangs over is cut."""
    height, width, _ = picture.shape
    rows, columns, _ = canvas.shape
    top, left = rows // 2 - height // 2, columns // 2 - width // 2
    y, x = max(top, 0), max(left, 0)
    part = picture[y - top : y - top + rows - y, x - left : x - left + columns - x]
    canvas[y : y + part.shape[0], x : x + part.shape[1]] = part
