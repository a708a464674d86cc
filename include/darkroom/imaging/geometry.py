"""Sizes, boxes and reduction weights: pure arithmetic, the numbers that the definition fixes (DESIGN 6)."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Box:
    """Pixels `[x0, x1) x [y0, y1)`."""

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def width(self) -> int:
        return self.x1 - self.x0

    @property
    def height(self) -> int:
        return self.y1 - self.y0

    @property
    def empty(self) -> bool:
        return self.x1 <= self.x0 or self.y1 <= self.y0

    def union(self, other: "Box") -> "Box":
        """The smallest box around both; an empty one adds nothing."""
        if self.empty or other.empty:
            return other if self.empty else self
        return Box(min(self.x0, other.x0), min(self.y0, other.y0), max(self.x1, other.x1), max(self.y1, other.y1))


EMPTY = Box(0, 0, 0, 0)

Curve = npt.NDArray[np.float64]


def rounded(x: float) -> int:
    """A size in pixels: the nearest, halves up, and at least one."""
    return max(1, math.floor(x + 0.5))


def fitted(width: int, height: int, within: tuple[int, int]) -> tuple[int, int]:
    """A size fitted into another (width, height), enlarged if smaller.

    >>> fitted(3000, 2000, (800, 800))
    (800, 533)
    """
    scale = min(within[0] / width, within[1] / height)
    return rounded(width * scale), rounded(height * scale)


def mitchell(x: Curve) -> Curve:
    """The cubic of Mitchell and Netravali (Reconstruction filters in computer graphics, 1988) with B = C = 1/3."""
    x = np.abs(x)
    inner = (7 * x**3 - 12 * x**2 + 16 / 3) / 6
    outer = (-7 / 3 * x**3 + 12 * x**2 - 20 * x + 32 / 3) / 6
    return np.where(x < 1, inner, np.where(x < 2, outer, 0.0))


def lanczos3(x: Curve) -> Curve:
    """The sinc windowed by its own middle lobe (Duchon 1979), three lobes."""
    return np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0.0)


KERNELS: dict[str, tuple[Callable[[Curve], Curve], float]] = {"mitchell": (mitchell, 2.0), "lanczos3": (lanczos3, 3.0)}
"""Each kernel with its support: the distance from which on it is zero."""


@dataclass(frozen=True)
class Weights:
    """One axis of a reduction from `size` pixels to `starts.size`.

    Output i is the sum of `taps[i, k] * input[starts[i] + k]` over k < counts[i]. `taps` is float64, each row
    sums to 1.
    """

    size: int
    reach: float
    starts: npt.NDArray[np.int64]
    counts: npt.NDArray[np.int64]
    taps: npt.NDArray[np.float64]

    @cached_property
    def padded(self) -> npt.NDArray[np.float32]:
        """The taps in float32, each row padded with zeros to a multiple of four."""
        padded = np.zeros((self.taps.shape[0], -(-self.taps.shape[1] // 4) * 4), np.float32)
        padded[:, : self.taps.shape[1]] = self.taps
        return padded

    def outputs(self, first: int, end: int) -> tuple[int, int]:
        """The outputs `[lo, hi)` that change when the inputs `[first, end)` do."""
        scale = self.size / self.starts.size
        lo = math.ceil((first + 0.5 - self.reach) / scale - 0.5)
        hi = math.floor((end - 0.5 + self.reach) / scale - 0.5)
        return max(lo, 0), min(hi + 1, self.starts.size)

    def inputs(self, lo: int, hi: int) -> tuple[int, int]:
        """The inputs `[first, end)` that the outputs `[lo, hi)` read."""
        return int(self.starts[lo]), int(self.starts[hi - 1] + self.counts[hi - 1])


@lru_cache(maxsize=4096)
def weights(size: int, outputs: int, kernel: str) -> Weights:
    """The weights of one axis, exact in phase, normalised over the pixels inside the frame."""
    curve, support = KERNELS[kernel]
    scale = size / outputs
    stretch = max(scale, 1.0)
    reach = support * stretch
    centres = (np.arange(outputs) + 0.5) * scale - 0.5
    starts = np.maximum(np.ceil(centres - reach), 0).astype(np.int64)
    counts = np.minimum(np.floor(centres + reach), size - 1).astype(np.int64) - starts + 1
    offsets = np.arange(counts.max())
    taps = curve((starts[:, None] + offsets - centres[:, None]) / stretch)
    taps[offsets >= counts[:, None]] = 0
    taps /= taps.sum(axis=1, keepdims=True)
    return Weights(size, reach, starts, counts, taps)
