"""What the sample scans show, drawn from smooth noise: maps, a relief, an engraving, a fern.

Pictures are arrays of height x width x bands, uint8 unless it is said otherwise.
"""

import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]
Plane = npt.NDArray[np.float64]

_PAPER = np.array([238, 226, 199.0])
_INK = np.array([58, 44, 34.0])


def coloured_map(height: int, width: int, seed: int) -> Picture:
    """An old map: tinted land and sea with contour lines, a grid of degrees, a frame, on paper that has aged."""
    ground = _noise(height, width, seed, roughness=2.1)
    land = ground > 0.52
    shades = np.stack([np.interp(ground, [0.0, 0.5, 0.53, 0.75, 1.0], tint) for tint in _TINTS], axis=2)
    picture = _aged(shades, seed + 1)
    _draw(picture, _contours(ground, 0.035) & land, 0.45)
    _draw(picture, _contours(ground, 0.012) & ~land & (ground > 0.44), 0.25)
    _draw(picture, _edge(land), 0.9)
    _draw(picture, _grid(height, width, 8), 0.3)
    _draw(picture, _frame(height, width), 0.85)
    return _bytes(picture)


def relief(height: int, width: int, seed: int) -> Plane:
    """Mountains lit from the north-west, as three equal bands of 0 to 1."""
    ground = _noise(height, width, seed, roughness=2.4)
    down, right = np.gradient(ground * width / 3)
    light = (1.0 - 0.7 * right - 0.7 * down) / np.sqrt(1.0 + right**2 + down**2) / 1.73
    shaded = np.clip(0.25 + 0.7 * light, 0, 1)
    return np.stack([shaded, shaded * 0.97, shaded * 0.9], axis=2)


def engraving(height: int, width: int, seed: int) -> Picture:
    """A page with a framed engraving: hills of lines that swell where it is dark."""
    picture = _aged(np.broadcast_to(_PAPER, (height, width, 3)).copy(), seed)
    ground = _noise(height, width, seed, roughness=2.2)
    rows = np.arange(height)[:, None] + 60 * ground
    strength = np.cos(rows * (2 * np.pi * 90 / height)) * 0.5 + 0.5
    inside = np.zeros((height, width), dtype=bool)
    inside[height // 12 : -height // 12, width // 10 : -width // 10] = True
    _draw(picture, (strength > 0.35 + 0.55 * ground) & inside, 0.8)
    _draw(picture, _edge(inside), 0.9)
    _draw(picture, _frame(height, width), 0.7)
    return _bytes(picture)


def fern(height: int, width: int) -> Picture:
    """A pressed fern with nothing around it: four bands, the last its alpha."""
    rows, columns = np.mgrid[0:height, 0:width] / height
    along = np.clip((0.95 - rows) / 0.9, 0.0, 1.0)  # 0 at its foot, 1 at its tip
    middle = width / height / 2 + 0.08 * np.sin(2.5 * along)
    aside = np.abs(columns - middle)
    reach = 0.3 * np.sin(np.pi * along**0.7) ** 0.8
    # leaves grow upwards, hence a phase that falls with the distance from the stem
    leaf = np.cos(2 * np.pi * (along * 22 - aside * 26)) * 0.5 + 0.5
    shape = (aside < reach) & (leaf > 0.25 + 0.6 * aside / np.maximum(reach, 0.001)) & (along > 0.03)
    shape |= (aside < 0.006 + 0.004 * (1 - along)) & (rows > 0.06) & (rows < 0.97)
    shade = 0.65 + 0.35 * leaf - 0.25 * _noise(height, width, 3, roughness=1.6)
    colour = np.array([96, 118, 62.0]) * shade[:, :, None]
    return np.dstack([_bytes(colour), np.where(shape, 255, 0).astype(np.uint8)])


# sea, shallow, shore, meadow, mountain: red, green and blue of each
_TINTS = (
    (126, 178, 226, 206, 158),
    (164, 200, 216, 204, 130),
    (178, 196, 176, 148, 104),
)


def _noise(height: int, width: int, seed: int, roughness: float) -> Plane:
    """Smooth noise of 0 to 1: the higher its roughness, the calmer it is (an exponent of the spectrum)."""
    spectrum = np.fft.rfft2(np.random.default_rng(seed).standard_normal((height, width)))
    down, across = np.fft.fftfreq(height)[:, None] * height, np.fft.rfftfreq(width)[None, :] * height
    frequency = np.hypot(down, across)
    frequency[0, 0] = 1.0
    field = np.fft.irfft2(spectrum / frequency**roughness, s=(height, width))
    low, high = field.min(), field.max()
    return np.asarray((field - low) / (high - low))


def _aged(picture: Plane, seed: int) -> Plane:
    """Paper yellows in spots, and has a grain."""
    height, width, _ = picture.shape
    stains = 1.0 - 0.16 * _noise(height, width, seed, roughness=1.8)[:, :, None]
    grain = np.random.default_rng(seed).normal(0.0, 2.0, (height, width, 1))
    return picture * stains + grain


def _draw(picture: Plane, where: npt.NDArray[np.bool_], strength: float) -> None:
    picture[where] = picture[where] * (1 - strength) + _INK * strength


def _contours(ground: Plane, step: float) -> npt.NDArray[np.bool_]:
    return _edge(np.floor(ground / step))


def _edge(areas: npt.NDArray[np.generic]) -> npt.NDArray[np.bool_]:
    """Where an area's neighbour on the right or below is another one: two pixels wide."""
    edge = np.zeros(areas.shape, dtype=bool)
    edge[:, 1:] |= areas[:, 1:] != areas[:, :-1]
    edge[1:] |= areas[1:] != areas[:-1]
    edge[:, :-1] |= edge[:, 1:]
    return edge


def _grid(height: int, width: int, count: int) -> npt.NDArray[np.bool_]:
    step = width // count
    rows, columns = np.arange(height)[:, None] % step, np.arange(width)[None, :] % step
    return (rows < 2) | (columns < 2)


def _frame(height: int, width: int) -> npt.NDArray[np.bool_]:
    """Two lines around, a thin one inside of a thick one."""
    rows, columns = np.arange(height)[:, None], np.arange(width)[None, :]
    inset = np.minimum(np.minimum(rows, height - 1 - rows), np.minimum(columns, width - 1 - columns)) / width
    return ((inset > 0.012) & (inset < 0.02)) | ((inset > 0.025) & (inset < 0.027))


def _bytes(picture: Plane) -> Picture:
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)
