"""The one separable reduction of a premultiplied canvas to a straight 8-bit picture, whole or a window of it."""

import numpy as np
import numpy.typing as npt

from darkroom.compositing import kernels
from darkroom.compositing.geometry import EMPTY, Box, weights

Canvas = npt.NDArray[np.uint16]
Picture = npt.NDArray[np.uint8]


class Reducer:
    """Reduces a frame of `width` x `height`, of which the canvas holds the box `area`, to pictures of `size`.

    Keeps its scratch memory: one for each thread.
    """

    def __init__(self, width: int, height: int, area: Box, size: tuple[int, int], kernel: str) -> None:
        self.size = size
        self._area = area
        self._across, self._down = weights(width, size[0], kernel), weights(height, size[1], kernel)
        self._scratch = np.empty(0, np.float32)
        self._nothing = np.zeros(area.width * 4, np.uint16)

    def window(self, changed: Box) -> Box:
        """The part of the picture that changes with the box `changed` of the frame; nothing does with an empty one."""
        if changed.empty:
            return EMPTY
        x0, x1 = self._across.outputs(changed.x0, changed.x1)
        y0, y1 = self._down.outputs(changed.y0, changed.y1)
        return Box(x0, y0, x1, y1)

    def reduce(self, canvas: Canvas, window: Box, picture: Picture) -> None:
        """Draw the window of the picture (height, width, 4) anew from the canvas (height, width * 4)."""
        if window.empty:
            return
        first, end = self._across.inputs(window.x0, window.x1)
        left = min(max(first, self._area.x0), self._area.x1)
        right = max(min(end, self._area.x1), left)
        columns = right - left
        if self._scratch.size < window.height * columns * 4:
            self._scratch = np.empty(window.height * columns * 4, np.float32)
        rows = self._scratch[: window.height * columns * 4].reshape(window.height, columns * 4)
        down, across = self._down, self._across
        kernels.reduce_rows(
            canvas,
            self._area.y0,
            down.starts,
            down.counts,
            down.padded,
            window.y0,
            window.y1,
            left - self._area.x0,
            right - self._area.x0,
            self._nothing,
            rows,
        )
        kernels.reduce_columns(
            rows,
            left,
            across.starts,
            across.counts,
            across.padded,
            window.x0,
            window.x1,
            window.y0,
            picture,
        )
