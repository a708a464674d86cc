"""The one separable reduction of a stack's layers to a straight 8-bit picture, whole or a window of it."""

import numpy as np
import numpy.typing as npt

from darkroom.imaging.geometry import EMPTY, Box, Weights, weights
from darkroom.imaging.kernels import I64
from darkroom.imaging.reduction_kernels import Axis, reduce_window

Picture = npt.NDArray[np.uint8]


class Reducer:
    """Reduces a frame of `width` x `height` to pictures of `size` (width, height)."""

    def __init__(self, width: int, height: int, size: tuple[int, int], kernel: str) -> None:
        self._across, self._down = weights(width, size[0], kernel), weights(height, size[1], kernel)

    def window(self, changed: Box) -> Box:
        """The part of the picture that changes with the box `changed` of the frame; nothing does with an empty one."""
        if changed.empty:
            return EMPTY
        x0, x1 = self._across.outputs(changed.x0, changed.x1)
        y0, y1 = self._down.outputs(changed.y0, changed.y1)
        return Box(x0, y0, x1, y1)

    def rows(self, window: Box) -> tuple[int, int]:
        """The rows `[top, bottom)` of the frame that the window reads."""
        return self._down.inputs(window.y0, window.y1)

    def reduce(self, pixels: Picture, spans: I64, painted: Box, window: Box, picture: Picture) -> None:
        """Draw the window of the picture (height, width, 4) anew; it is not empty.

        `spans` (layers, rows, 3) says of each row that the window reads which pixels each layer paints, bottom to
        top, and where in `pixels` (flat, straight RGBA) they lie; all of that within the box `painted`.
        """
        reduce_window(
            pixels,
            spans,
            self.rows(window)[0],
            (painted.x0, painted.x1),
            _axis(self._down),
            _axis(self._across),
            (window.x0, window.y0, window.x1, window.y1),
            picture.view(np.uint32)[..., 0],
        )


def _axis(table: Weights) -> Axis:
    return table.starts, table.counts, table.padded
