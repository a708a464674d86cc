"""The slow way, in float64: the definition that the engine is held to (DESIGN 6)."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from darkroom.compositing.profiles import HEIGHT, KERNEL, WIDTH
from darkroom.imaging.geometry import fitted, weights

Image = npt.NDArray[np.float64]


def composite(layers: Sequence[npt.NDArray[np.uint8]], kernel: str = KERNEL) -> Image:
    """The unrounded premultiplied picture (height, width, 4), values 0 to 255, of straight RGBA layers, bottom to top.

    All layers have one shape (H, W, 4); the result is fitted into 800 x 800.
    """
    height, width, _ = layers[0].shape
    below = np.zeros((height, width, 4))
    for layer in layers:
        straight = layer.astype(np.float64)
        alpha = straight[..., 3:]
        own = np.concatenate([straight[..., :3] * alpha / 255, alpha], axis=2)
        below = own + below * (1 - alpha / 255)
    return reduce(below, fitted(width, height, (WIDTH, HEIGHT)), kernel)


def reduce(premultiplied: Image, size: tuple[int, int], kernel: str = KERNEL) -> Image:
    """Reduce or enlarge a premultiplied image (H, W, 4) to `size` (width, height); clip it to what a picture holds."""
    height, width, _ = premultiplied.shape
    down, across = _matrix(height, size[1], kernel), _matrix(width, size[0], kernel)
    out: Image = np.einsum("ij,jkc->ikc", down, premultiplied, optimize=True)
    out = np.einsum("ij,kjc->kic", across, out, optimize=True)
    out[..., 3] = np.clip(out[..., 3], 0, 255)
    out[..., :3] = np.clip(out[..., :3], 0, out[..., 3:])
    return out


def written(premultiplied: Image) -> npt.NDArray[np.uint8]:
    """The straight 8-bit RGBA that stands in the file."""
    alpha = premultiplied[..., 3:]
    straight = np.divide(
        255 * premultiplied[..., :3], alpha, out=np.zeros_like(premultiplied[..., :3]), where=alpha > 0
    )
    out: npt.NDArray[np.uint8] = np.rint(np.concatenate([straight, alpha], axis=2)).astype(np.uint8)
    out[out[..., 3] == 0] = 0
    return out


def largest_difference(picture: npt.NDArray[np.uint8], definition: Image) -> float:
    """How far a written picture is from the definition: the largest difference of `(R * A / 255, A)`.

    At most 1.02 is equal. Infinite where a pixel of alpha 0 is not 0, 0, 0, 0.
    """
    straight = picture.astype(np.float64)
    if straight[picture[..., 3] == 0].any():
        return float("inf")
    alpha = straight[..., 3:]
    return float(np.abs(np.concatenate([straight[..., :3] * alpha / 255, alpha], axis=2) - definition).max())


def _matrix(size: int, outputs: int, kernel: str) -> npt.NDArray[np.float64]:
    table = weights(size, outputs, kernel)
    matrix = np.zeros((outputs, size))
    for i in range(outputs):
        matrix[i, table.starts[i] : table.starts[i] + table.counts[i]] = table.taps[i, : table.counts[i]]
    return matrix
