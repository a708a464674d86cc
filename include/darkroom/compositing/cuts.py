"""A composite's cuts, from its pixels as written: the geometry of the old ImageMagick recipe (DESIGN 6)."""

import math

import numpy as np

from darkroom.compositing.profiles import KERNEL, Crop
from darkroom.imaging import kernels
from darkroom.imaging.geometry import Box, fitted, rounded
from darkroom.imaging.kernels import I64
from darkroom.imaging.reduction import Picture, Reducer


class Painted:
    """What a composite shows, from which each of its cuts is made."""

    def __init__(self, composite: Picture) -> None:
        """`composite` is straight RGBA (height, width, 4)."""
        self._composite = np.ascontiguousarray(composite)
        self._box = Box(*kernels.painted_box(self._composite))

    def cut(self, crop: Crop, kernel: str = KERNEL) -> Picture:
        """The cut as straight RGBA (height, width, 4). An empty composite gives an empty cut."""
        canvas = np.zeros((crop.height, crop.width, 4), np.uint8)
        if self._box.empty:
            return canvas
        box = crop_box(self._box, crop)
        width, height = crop_size(box, crop)
        cut = np.empty((height, width, 4), np.uint8)
        whole = Box(0, 0, box.width, box.height)
        reducer = Reducer(box.width, box.height, (width, height), kernel)
        reducer.reduce(self._composite.ravel(), self._spans(box), whole, Box(0, 0, width, height), cut)
        _place(cut, canvas)
        return canvas

    def _spans(self, box: Box) -> I64:
        """The box as a single layer whose frame it is."""
        spans = np.zeros((1, box.height, 3), np.int64)
        spans[..., 1] = box.width
        spans[..., 2] = (np.arange(box.y0, box.y1) * self._composite.shape[1] + box.x0) * 4
        return spans


def crop_box(painted: Box, crop: Crop) -> Box:
    """The part of the painted box that a crop shows."""
    rows = math.floor(crop.rows * painted.height + 0.5)
    top = painted.y0 + (rows if crop.without == "top" else 0)
    bottom = painted.y1 - (rows if crop.without == "bottom" else 0)
    return Box(painted.x0, top, painted.x1, bottom)


def crop_size(box: Box, crop: Crop) -> tuple[int, int]:
    """The size to which the box is reduced or enlarged: fitted into the crop's canvas, or as wide as it."""
    if crop.without is None:
        return fitted(box.width, box.height, (crop.width, crop.height))
    return crop.width, rounded(box.height * crop.width / box.width)


def _place(picture: Picture, canvas: Picture) -> None:
    """Lay the picture in the middle of the canvas; what hangs over is cut."""
    height, width, _ = picture.shape
    rows, columns, _ = canvas.shape
    top, left = rows // 2 - height // 2, columns // 2 - width // 2
    y, x = max(top, 0), max(left, 0)
    part = picture[y - top : y - top + rows - y, x - left : x - left + columns - x]
    canvas[y : y + part.shape[0], x : x + part.shape[1]] = part
