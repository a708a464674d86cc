"""What the sample garments are drawn on: windows, smooth outlines, and the sheet of one layer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyvips
from numpy.typing import ArrayLike, NDArray

from darkroom.sample.colours import GOLD, Fabric, ramp

Plane = NDArray[np.float32]
Point = tuple[float, float]
Outline = NDArray[np.float64]


def plane(values: ArrayLike) -> Plane:
    """Return values as a plane: single precision is plenty for eight bits."""
    return np.asarray(values, dtype=np.float32)


# All measures are in units of a 1600 x 1600 picture; other sizes are scaled from it.
UNITS = 1600.0
CENTRE = 800.0


@dataclass(frozen=True)
class Window:
    """A box of the picture in units: drawing only there keeps a small thing cheap."""

    left: float
    top: float
    right: float
    bottom: float
    size: int

    @property
    def scale(self) -> float:
        """Pixels in a unit."""
        return self.size / UNITS

    @cached_property
    def box(self) -> tuple[int, int, int, int]:
        """Left, top, right and bottom in whole pixels, inside the picture."""
        low = (math.floor(max(0.0, side) * self.scale) for side in (self.left, self.top))
        high = (math.ceil(side * self.scale) for side in (self.right, self.bottom))
        left, top = (min(side, self.size - 1) for side in low)
        right, bottom = (min(side, self.size) for side in high)
        return left, top, max(right, left + 1), max(bottom, top + 1)

    @cached_property
    def x(self) -> Plane:
        """Each column's distance from the garment's centre line, shape (1, width)."""
        left, _, right, _ = self.box
        units = (np.arange(left, right) + 0.5) / self.scale - CENTRE
        return units.astype(np.float32)[None, :]

    @cached_property
    def y(self) -> Plane:
        """Each row's distance from the picture's upper edge, shape (height, 1)."""
        _, top, _, bottom = self.box
        return ((np.arange(top, bottom) + 0.5) / self.scale).astype(np.float32)[:, None]


class Sheet:
    """One layer while it is drawn: tone and gold are colours to come, alpha is the cloth."""

    def __init__(self, size: int) -> None:
        """Start with a transparent sheet of this many pixels a side."""
        self.size = size
        self.tone: Plane = np.zeros((size, size), np.float32)
        self.alpha: Plane = np.zeros((size, size), np.float32)
        self.gold: Plane = np.zeros((size, size), np.float32)

    def window(self, left: float, top: float, right: float, bottom: float) -> Window:
        """Return a window; `left` and `right` count from the garment's centre line."""
        return Window(CENTRE + left, top, CENTRE + right, bottom, self.size)

    def put(self, window: Window, tone: Plane, alpha: Plane, gold: float = 0.0) -> None:
        """Lay a piece of cloth (or of gold) over what is there."""
        left, top, right, bottom = window.box
        here = np.s_[top:bottom, left:right]
        below = self.alpha[here] * (1.0 - alpha)
        total = alpha + below
        share = np.divide(alpha, total, out=np.zeros_like(total), where=total > 1e-6)
        self.tone[here] += (np.clip(tone, 0.0, 1.0) - self.tone[here]) * share
        self.gold[here] += (gold - self.gold[here]) * share
        self.alpha[here] = total

    def shade(self, window: Window, factor: Plane) -> None:
        """Darken or lighten what is there already, without adding cloth."""
        left, top, right, bottom = window.box
        self.tone[top:bottom, left:right] *= factor

    def cut(self, window: Window, hole: Plane) -> None:
        """Take cloth away where the hole is 1."""
        left, top, right, bottom = window.box
        self.alpha[top:bottom, left:right] *= 1.0 - hole


class Drawn:
    """A finished sheet in 8 bit, ready to be dyed in any colour."""

    def __init__(self, sheet: Sheet) -> None:
        """Keep only the painted box; a speck fainter than half a step is not painted."""
        self.size = sheet.size
        alpha = np.rint(np.clip(sheet.alpha, 0.0, 1.0) * 255.0).astype(np.uint8)
        _sweep(alpha)
        rows, columns = np.flatnonzero(alpha.any(1)), np.flatnonzero(alpha.any(0))
        if rows.size == 0:
            raise ValueError("nothing was drawn on this layer")
        self.box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        self.alpha = alpha[self.box]
        self.tone = np.rint(np.clip(sheet.tone[self.box], 0.0, 1.0) * 255.0).astype(np.uint8)
        gold = sheet.gold[self.box][..., None]
        self.gold: Plane | None = gold if bool(gold.max() > 0.0) else None

    def dyed(self, fabric: Fabric) -> NDArray[np.uint8]:
        """Return the whole picture, straight RGBA, in a fabric's colour."""
        colour = ramp(fabric)[self.tone]
        if self.gold is not None:
            mixed = colour + self.gold * (ramp(GOLD)[self.tone].astype(np.float32) - colour)
            colour = np.rint(mixed).astype(np.uint8)
        picture = np.zeros((self.size, self.size, 4), np.uint8)
        painted = picture[self.box]
        np.multiply(colour, (self.alpha > 0)[..., None], out=painted[..., :3])
        painted[..., 3] = self.alpha
        return picture


def _sweep(alpha: NDArray[np.uint8]) -> None:
    """Clear specks that lie apart from the cloth: a stray pixel would move every cut."""
    painted = pyvips.Image.new_from_array((alpha > 0).astype(np.uint8) * 255)
    regions = painted.labelregions().numpy()
    small = np.bincount(regions.ravel()) < alpha.size / 64000
    alpha[small[regions]] = 0


def hermite(knots: Sequence[Point], at: Plane) -> Plane:
    """Return the smooth value at each place, through (place, value) knots in rising order."""
    place = np.array([k[0] for k in knots], np.float64)
    value = np.array([k[1] for k in knots], np.float64)
    slope = np.gradient(value, place)
    where = np.clip(at.astype(np.float64), place[0], place[-1])
    i = np.clip(np.searchsorted(place, where, side="right") - 1, 0, len(place) - 2)
    step = place[i + 1] - place[i]
    t = (where - place[i]) / step
    rise = value[i + 1] - value[i]
    curve = (slope[i] * step - rise) * (1 - t) - (slope[i + 1] * step - rise) * t
    return (value[i] + rise * t + t * (1 - t) * curve).astype(np.float32)


def curve(points: Sequence[Point], *, closed: bool = False, steps: int = 12) -> Outline:
    """Return a smooth line through the points (Catmull-Rom), as many short straight ones."""
    p = np.array(points, np.float64)
    p = np.vstack([p[-1], p, p[:2]]) if closed else np.vstack([p[0], p, p[-1]])
    t = np.linspace(0.0, 1.0, steps, endpoint=False)[None, :, None]
    a, b, c, d = (p[i : len(p) - 3 + i, None, :] for i in range(4))
    line = b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
    dense: Outline = line.reshape(-1, 2)
    return dense if closed else np.vstack([dense, p[-2]])


def moved(outline: Outline, right: float, down: float) -> Outline:
    """Return the outline shifted to the right and down."""
    shifted: Outline = outline + np.array((right, down))
    return shifted


def mirrored(*parts: Outline) -> Outline:
    """Join the parts of a right half, from centre to centre, and close it with its mirror."""
    half = np.vstack(parts)
    return np.vstack([half, half[::-1] * (-1.0, 1.0)])


def fill(window: Window, *outlines: Outline, blur: float = 0.8) -> Plane:
    """Return how much of each pixel the outlines cover, with a soft edge of `blur` units."""
    d = " ".join(_path(outline) + "Z" for outline in outlines)
    return draw_svg(window, f'<path d="{d}" fill="#fff" fill-rule="evenodd"/>', blur)


def stroke(window: Window, *outlines: Outline, width: float, blur: float = 0.8, dash: str = "none") -> Plane:
    """Return how much of each pixel a line along the outlines covers."""
    d = " ".join(_path(outline) for outline in outlines)
    style = f'stroke-width="{width}" stroke-dasharray="{dash}" stroke-linejoin="round"'
    line = f'<path d="{d}" fill="none" stroke="#fff" stroke-linecap="round" {style}/>'
    return draw_svg(window, line, blur)


def draw_svg(window: Window, body: str, blur: float) -> Plane:
    """Return the coverage of a drawing in SVG whose origin is the top of the centre line."""
    left, top, right, bottom = window.box
    width, height, unit = right - left, bottom - top, 1.0 / window.scale
    view = f"{left * unit - CENTRE} {top * unit} {width * unit} {height * unit}"
    size = f'width="{width}" height="{height}" viewBox="{view}" preserveAspectRatio="none"'
    text = f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{body}</svg>'
    image = pyvips.Image.svgload_buffer(text.encode())[3]
    if blur * window.scale > 0.3:
        image = soften(image, blur * window.scale)
    covered: Plane = image.numpy().astype(np.float32) * np.float32(1.0 / 255.0)
    return covered


def soften(image: pyvips.Image, sigma: float) -> pyvips.Image:
    """Blur a one-band image, treating what lies outside of it as a copy of its edge."""
    return image.gaussblur(sigma, precision="float" if sigma < 2.0 else "approximate")


def blurred(plane: Plane, window: Window, units: float) -> Plane:
    """Return the plane blurred over so many units."""
    image = pyvips.Image.new_from_array(np.ascontiguousarray(plane))
    sigma = units * window.scale
    if sigma <= 0.3:
        return plane
    # A wide blur is done at a quarter of the size: nobody can tell, and it is far quicker.
    if sigma > 8.0:
        small = soften(image.resize(0.25, kernel="linear"), sigma / 4.0)
        sides = (plane.shape[1] / small.width, plane.shape[0] / small.height)
        image = small.resize(sides[0], vscale=sides[1], kernel="cubic")
        image = image.crop(0, 0, plane.shape[1], plane.shape[0])
    else:
        image = soften(image, sigma)
    result: Plane = image.numpy().astype(np.float32)
    return result


def _path(outline: Outline) -> str:
    return "M" + "L".join(f"{x:.2f} {y:.2f}" for x, y in outline)
