"""Draws renders for tests: any layer name, a soft-edged translucent shape in a box that fits its slot."""

import hashlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyvips

from darkroom.styles.names import parse_layer

# x0, y0, x1, y1 of each slot, as parts of the frame
_BOXES = {
    "behind": (0.30, 0.15, 0.70, 0.80),
    "bottom": (0.28, 0.40, 0.72, 0.95),
    "behindbelt": (0.35, 0.36, 0.65, 0.45),
    "belt": (0.36, 0.38, 0.64, 0.43),
    "neckline": (0.33, 0.12, 0.67, 0.42),
    "infront": (0.38, 0.30, 0.66, 0.70),
}


def pixels(layer: str, colour: int, size: int) -> npt.NDArray[np.uint8]:
    """The straight RGBA of a layer: an ellipse whose alpha falls off softly, in a colour of its own."""
    read = parse_layer(layer)
    assert read is not None
    seed = hashlib.sha256(f"{layer} {colour}".encode()).digest()
    x0, y0, x1, y1 = (round((part + (seed[at] - 128) / 6000) * size) for at, part in enumerate(_BOXES[read.slot]))
    y = np.linspace(-1, 1, y1 - y0, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, x1 - x0, dtype=np.float32)[None, :]
    distance = np.sqrt(x * x + y * y)
    alpha = np.clip((1 - distance) * 8, 0, 1) * (0.6 + 0.4 * seed[4] / 255)
    shade = 0.75 + 0.25 * np.sin(x * (3 + seed[5] % 9) * 3)
    picture = np.zeros((size, size, 4), np.uint8)
    box = picture[y0:y1, x0:x1]
    for band in range(3):
        box[..., band] = (shade * seed[6 + band]).astype(np.uint8) * (alpha > 0)
    box[..., 3] = np.rint(alpha * 255).astype(np.uint8)
    return picture


def png(values: npt.NDArray[np.uint8], **options: object) -> bytes:
    """An image array as a PNG file's bytes."""
    height, width, bands = values.shape
    image = pyvips.Image.new_from_memory(np.ascontiguousarray(values), width, height, bands, "uchar")
    interpretation = "srgb" if bands > 2 else "b-w"
    data: bytes = image.copy(interpretation=interpretation).pngsave_buffer(compression=1, **options)
    return data


def draw(folder: Path, layers: Iterable[str], colours: Iterable[int], size: int) -> None:
    """Draw each layer in each colour as `<layer>_<colour>.png`."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [(layer, colour) for layer in sorted(set(layers)) for colour in colours]

    def one(layer_and_colour: tuple[str, int]) -> None:
        layer, colour = layer_and_colour
        (folder / f"{layer}_{colour:04d}.png").write_bytes(png(pixels(layer, colour, size)))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(one, wanted))
