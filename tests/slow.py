"""The slow way, in float64: the definition that the engine is held to (DESIGN 6)."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from darkroom.compositing.profiles import HEIGHT, KERNEL, WIDTH
from darkroom.imaging.geometry import Weights, fitted, weights

Image = npt.NDArray[np.float64]


def composite(layers: Sequence[npt.NDArray[np.uint8]], kernel: str = KERNEL) -> Image:
    """The unrounded premultiplied picture (height, width, 4), values 0 to 255, of straight RGBA layers, bottom to top.

    All layers have one shape (H, W, 4); the result is fitted into 800 x 800.
    """
    height, width, _ = layers[0].shape
    below = np.zeros((4, height, width))  # by bands, which numpy calculates with several times faster
    for layer in layers:
        *colour, alpha = np.moveaxis(layer, 2, 0)
        below *= 1 - alpha / 255
        for band, values in zip(below[:3], colour, strict=True):
            band += values * (alpha / 255)
        below[3] += alpha
    return reduce(np.ascontiguousarray(np.moveaxis(below, 0, 2)), fitted(width, height, (WIDTH, HEIGHT)), kernel)


def reduce(premultiplied: Image, size: tuple[int, int], kernel: str = KERNEL) -> Image:
    """Reduce or enlarge a premultiplied image (H, W, 4) to `size` (width, height); clip it to what a picture holds."""
    height, width, _ = premultiplied.shape
    lower = _along_rows(premultiplied, weights(height, size[1], kernel))
    out: Image = _along_rows(lower.swapaxes(0, 1), weights(width, size[0], kernel)).swapaxes(0, 1)
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


def _along_rows(image: Image, table: Weights) -> Image:
    """Each output row is the weighted sum of the rows that it is made of."""
    taps = [own[:count] for own, count in zip(table.taps, table.counts, strict=True)]
    rows = [image[start : start + count] for start, count in zip(table.starts, table.counts, strict=True)]
    return np.stack([np.tensordot(weight, of, 1) for weight, of in zip(taps, rows, strict=True)])
