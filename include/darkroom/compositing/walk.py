"""The walk over the stacks as a tree: each shared beginning is blended once, each blend undone in its box only."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from darkroom.compositing import kernels
from darkroom.compositing.geometry import EMPTY, Box, composite_size
from darkroom.compositing.layers import Layer
from darkroom.compositing.profiles import KERNEL
from darkroom.compositing.reduction import Canvas, Picture, Reducer

StackIndex = tuple[int, ...]
"""A stack as the numbers of its layers, bottom to top."""


class Walker:
    """One thread's canvas: layers are pushed and popped, and the picture follows."""

    def __init__(self, layers: Mapping[int, Layer], kernel: str = KERNEL) -> None:
        """`layers` by number; all of one frame size, at least one."""
        self._layers = layers
        some = next(iter(layers.values()))
        self._area = EMPTY
        for layer in layers.values():
            self._area = self._area.union(layer.box)
        size = composite_size(some.width, some.height)
        self._reducer = Reducer(some.width, some.height, self._area, size, kernel)
        self._canvas: Canvas = np.zeros((self._area.height, self._area.width * 4), np.uint16)
        self._picture: Picture = np.zeros((size[1], size[0], 4), np.uint8)
        self._path: list[int] = []
        # what each layer of the path lies over; the memory is kept, for fresh pages cost more than the copying
        self._undo: list[npt.NDArray[np.uint16]] = []
        self._changed = EMPTY

    def pictures(self, stacks: Sequence[StackIndex]) -> Iterator[tuple[StackIndex, Picture]]:
        """Each stack with its picture, in the order in which the fewest blends are needed.

        The picture is the walker's own: it changes with the next step.
        """
        # in sorted order neighbours share the longest beginnings: this is the depth-first walk of the tree
        for stack in sorted(stacks):
            shared = _shared(self._path, stack)
            while len(self._path) > shared:
                self._pop()
            for number in stack[shared:]:
                self._push(number)
            self._reducer.reduce(self._canvas, self._reducer.window(self._changed), self._picture)
            self._changed = EMPTY
            yield stack, self._picture

    def _push(self, number: int) -> None:
        layer = self._layers[number]
        pixels = layer.pixels.reshape(layer.box.height, -1) if not layer.box.empty else np.empty((0, 0), np.uint8)
        depth = len(self._path)
        if len(self._undo) == depth:
            self._undo.append(np.empty(0, np.uint16))
        if self._undo[depth].size < pixels.size:
            self._undo[depth] = np.empty(pixels.size, np.uint16)
        undo = self._undo[depth][: pixels.size].reshape(pixels.shape)
        kernels.blend(self._canvas, layer.box.y0 - self._area.y0, layer.box.x0 - self._area.x0, pixels, undo)
        self._path.append(number)
        self._changed = self._changed.union(layer.box)

    def _pop(self) -> None:
        box = self._layers[self._path.pop()].box
        part = self._part(box)
        np.copyto(part, self._undo[len(self._path)][: part.size].reshape(part.shape))
        self._changed = self._changed.union(box)

    def _part(self, box: Box) -> Canvas:
        if box.empty:
            return self._canvas[:0, :0]
        x, y = self._area.x0, self._area.y0
        return self._canvas[box.y0 - y : box.y1 - y, (box.x0 - x) * 4 : (box.x1 - x) * 4]


def shares(stacks: Sequence[StackIndex], parts: int) -> list[list[StackIndex]]:
    """The stacks in `parts` runs of neighbours, each a piece of the tree for one thread; empty ones are left out."""
    ordered = sorted(stacks)
    size = max(1, -(-len(ordered) // parts))
    return [ordered[at : at + size] for at in range(0, len(ordered), size)]


def _shared(path: Sequence[int], stack: StackIndex) -> int:
    """How many layers at their beginning the two have in common."""
    count = 0
    while count < min(len(path), len(stack)) and path[count] == stack[count]:
        count += 1
    return count
