"""The walk over the stacks as a tree: from one picture to the next only what differs is drawn again."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from darkroom.compositing.profiles import HEIGHT, KERNEL, WIDTH
from darkroom.imaging.geometry import EMPTY, Box, fitted
from darkroom.imaging.layers import Layer, Layers
from darkroom.imaging.reduction import Picture, Reducer

StackIndex = tuple[int, ...]
"""A stack as the numbers of its layers, bottom to top."""


class Walker:
    """One thread's picture, which follows a path through the tree."""

    def __init__(self, layers: Layers, numbered: Mapping[int, Layer], kernel: str = KERNEL) -> None:
        """`numbered`: the layers by number, all of one frame size, at least one; their pixels are in `layers`."""
        self._layers, self._numbered = layers, numbered
        some = next(iter(numbered.values()))
        width, height = fitted(some.width, some.height, (WIDTH, HEIGHT))
        self._reducer = Reducer(some.width, some.height, (width, height), kernel)
        self._picture: Picture = np.zeros((height, width, 4), np.uint8)

    def pictures(self, stacks: Sequence[StackIndex]) -> Iterator[tuple[StackIndex, Picture]]:
        """Each stack with its picture, in the order in which least has to be drawn.

        The picture is the walker's own: it changes with the next step.
        """
        before: StackIndex = ()
        # in sorted order neighbours share the longest beginnings: this is the depth-first walk of the tree
        for stack in sorted(stacks):
            shared = _shared(before, stack)
            changed = _around(self._numbered[number] for number in before[shared:] + stack[shared:])
            self._draw([self._numbered[number] for number in stack], self._reducer.window(changed))
            yield stack, self._picture
            before = stack

    def _draw(self, stack: Sequence[Layer], window: Box) -> None:
        if window.empty:
            return
        top, bottom = self._reducer.rows(window)
        if window.height > 1 and bottom - top > self._layers.rows_at_once(stack):
            middle = (window.y0 + window.y1) // 2
            self._draw(stack, Box(window.x0, window.y0, window.x1, middle))
            self._draw(stack, Box(window.x0, middle, window.x1, window.y1))
            return
        pixels, spans = self._layers.rows(stack, top, bottom)
        self._reducer.reduce(pixels, spans, _around(stack), window, self._picture)


def shares(stacks: Sequence[StackIndex], parts: int) -> list[list[StackIndex]]:
    """The stacks in `parts` runs of neighbours, each a piece of the tree for one thread; empty ones are left out."""
    ordered = sorted(stacks)
    size = max(1, -(-len(ordered) // parts))
    return [ordered[at : at + size] for at in range(0, len(ordered), size)]


def _around(layers: Iterable[Layer]) -> Box:
    box = EMPTY
    for layer in layers:
        box = box.union(layer.box)
    return box


def _shared(path: Sequence[int], stack: StackIndex) -> int:
    """How many layers at their beginning the two have in common."""
    count = 0
    while count < min(len(path), len(stack)) and path[count] == stack[count]:
        count += 1
    return count
