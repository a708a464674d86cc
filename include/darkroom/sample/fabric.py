"""How cloth hangs and how light falls on it: folds, pleats, and the shading of a height field."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from darkroom.sample.canvas import Plane, Sheet, Window, blurred, plane

Hang = Literal["soft", "knife"]

# Towards the lamp (upper left, in front), and half way between the lamp and the eye.
LAMP = (-0.40, -0.40, 0.825)
HALFWAY = (-0.209, -0.209, 0.955)


def wobble(t: Plane, seed: int) -> Plane:
    """Return smooth, irregular values of about -1 to 1: a sum of waves with odd phases."""
    total = np.zeros_like(t)
    for octave in range(4):
        # A hash, not a generator: the pictures must not change with a library's version.
        phase = 6.2832 * ((np.sin(seed * 12.9898 + octave * 78.233) * 43758.5453) % 1.0)
        total += np.sin(t * np.float32(1.0 + 0.83 * octave) + np.float32(phase)) / (1.0 + octave)
    return plane(total * 0.6)


def lit(z: Plane, window: Window, *, sheen: float = 0.14, gloss: int = 14) -> tuple[Plane, Plane]:
    """Return the tone of a height field under the lamp, and how much it faces the eye."""
    if min(z.shape) < 2:
        return np.full_like(z, 0.7), np.ones_like(z)
    dy, dx = np.gradient(z, np.float32(1.0 / window.scale))
    facing = 1.0 / np.sqrt(1.0 + dx * dx + dy * dy)
    lamp = (LAMP[2] - LAMP[0] * dx - LAMP[1] * dy) * facing
    shine = np.clip((HALFWAY[2] - HALFWAY[0] * dx - HALFWAY[1] * dy) * facing, 0.0, 1.0)
    # A weak second light from the right keeps the far side from going black.
    fill = np.clip((0.8 - 0.6 * dx) * facing, 0.0, 1.0)
    tone = 0.11 + 0.59 * np.clip(lamp, 0.0, 1.0) + 0.13 * fill + sheen * shine**gloss
    return tone.astype(np.float32), facing.astype(np.float32)


def sheer(density: float, facing: Plane) -> Plane:
    """Return the alpha of thin cloth: the more it turns away, the more threads are in the way."""
    thickness = 1.0 / np.clip(facing, 0.22, 1.0)
    return plane(1.0 - np.float32(1.0 - density) ** thickness)


def smooth_abs(x: Plane) -> Plane:
    """Return the distance from the centre line without a crease on it."""
    return plane(np.sqrt(x * x + 500.0))


def soft_step(distance: Plane, window: Window, units: float = 2.0) -> Plane:
    """Return 0 to 1 across an edge; a positive distance is inside."""
    width = max(units, 1.2 / window.scale)
    t = np.clip(0.5 + distance / np.float32(width), 0.0, 1.0)
    return plane(t * t * (3.0 - 2.0 * t))


def pillow(mask: Plane, window: Window, radius: float, height: float) -> Plane:
    """Return a height that swells from the edge of a shape towards its middle."""
    swollen = np.clip(2.0 * blurred(mask, window, radius) - 1.0, 0.0, 1.0)
    return plane(height * np.sqrt(swollen + 0.02))


@dataclass(frozen=True)
class Drape:
    """Cloth that hangs around the body from one height to another: a skirt, a tier, a cape."""

    top: float
    hem: float
    width: Callable[[Plane], Plane]
    seed: int
    folds: float = 15.0
    deep: float = 20.0
    hang: Hang = "soft"
    swell: float = 0.50  # how round the body is below the cloth
    sag: float = 26.0  # how much lower the hem hangs in the middle
    wave: float = 12.0  # how much the hem follows the folds
    start: float = 0.0  # how deep the folds are at the top already, 0 to 1
    gather: float = 0.0  # depth of the small gathers at the top
    density: float = 1.0  # 1 is opaque
    dim: float = 0.0  # how much darker than in full light
    lining: float = 0.0  # tone of the inside where the hem lifts; 0 shows none
    edge: float = 0.0  # depth of a stitched line above the hem
    lean: float = 0.0  # how far the hem lies beside the centre line
    scoop: float = 0.0  # how low the upper edge sinks between the shoulders


def ripple(drape: Drape, theta: Plane, v: Plane) -> Plane:
    """Return the height of the folds, 0 in the valleys to 1 on the ridges."""
    if drape.hang == "knife":
        phase = (theta * np.float32(drape.folds / np.pi)) % 1.0
        rise = np.clip(phase / 0.80, 0.0, 1.0)
        return plane(rise * np.clip((1.0 - phase) / 0.20, 0.0, 1.0))
    drift = 1.5 * wobble(theta * 1.7, drape.seed) + 0.5 * v * wobble(theta * 3.1, drape.seed + 3)
    big = 0.5 + 0.5 * np.cos(theta * drape.folds + drift)
    small = 0.5 + 0.5 * np.cos(theta * (drape.folds * 2.3) + 2.0 * drift + 1.3 * v)
    strong = 0.66 + 0.34 * wobble(theta * 2.6, drape.seed + 11)
    mixed = 0.80 * big**1.35 * strong + 0.20 * small
    return plane(np.clip(mixed, 0.0, 1.0))


@dataclass(frozen=True)
class _Fall:
    """Where each pixel lies on hanging cloth."""

    x: Plane  # beside the cloth's own middle
    width: Plane  # half the cloth's width in this row
    u: Plane  # -1 to 1 across the cloth
    v: Plane  # 0 to 1 from top to hem
    height: Plane  # of the folds

    @property
    def theta(self) -> Plane:
        """The angle around the body: what makes folds crowd together at the sides."""
        return plane(np.arcsin(0.985 * self.u))


def hang(sheet: Sheet, drape: Drape) -> None:
    """Draw hanging cloth on a sheet."""
    rows = np.linspace(drape.top, drape.hem, 60, dtype=np.float32)
    reach = float(drape.width(rows).max()) + abs(drape.lean) + 24.0
    low = drape.hem + drape.sag + drape.wave + 12.0
    window = sheet.window(-reach, drape.top - 14.0, reach, low)
    fall = _fall(drape, window)
    tone, facing = _shaded(drape, window, fall)
    sides = soft_step((fall.width - np.abs(fall.x)) / np.float32(1.06), window)
    body = sides * soft_step(window.y - _upper_edge(drape, fall), window)
    ridge = ripple(drape, _at_hem(fall), fall.v[-1:])
    round_hem = drape.sag * np.sqrt(1.0 - 0.96 * fall.u * fall.u)
    lower = plane(drape.hem + round_hem + drape.wave * (ridge - 0.5))
    if drape.lining > 0.0:
        inner = plane(drape.hem + round_hem - drape.wave * 0.30)
        inside = plane((drape.lining + 0.10 * (1.0 - ridge)) * np.ones_like(tone))
        sheet.put(window, inside, body * soft_step(inner - window.y, window))
    if drape.edge > 0.0:
        tone = tone - drape.edge * np.exp(-(((lower - 13.0 - window.y) / 1.6) ** 2))
    alpha = body * soft_step(lower - window.y, window)
    if drape.density < 1.0:
        alpha = alpha * sheer(drape.density, facing)
        # A rolled hem is several threads thick: it draws a fine line around sheer cloth.
        within = np.minimum(lower - window.y, fall.width - np.abs(fall.x))
        rim = np.exp(-(((within - 2.0) / 2.2) ** 2))
        alpha = plane(alpha + 0.35 * rim * alpha * (1.0 - alpha))
    sheet.put(window, plane(tone), alpha)


def _fall(drape: Drape, window: Window) -> _Fall:
    y = window.y
    v = np.clip((y - drape.top) / (drape.hem - drape.top), 0.0, 1.0)
    x = plane(window.x - np.float32(drape.lean) * v * v)
    # A side that wavers a little looks hung; a straight one looks cut with scissors.
    width = plane(drape.width(y) + 2.5 * v * wobble(y / 37.0, drape.seed + 5))
    u = np.clip(x / width, -1.0, 1.0)
    theta = np.arcsin(0.985 * u)
    return _Fall(x, width, u, v, ripple(drape, theta, v))


def _shaded(drape: Drape, window: Window, fall: _Fall) -> tuple[Plane, Plane]:
    """Return the tone of the cloth, and how much it faces the eye."""
    depth = drape.deep * (drape.start + (1.0 - drape.start) * fall.v**1.15)
    z = drape.swell * fall.width * np.sqrt(1.0 - 0.93 * fall.u * fall.u) + depth * fall.height
    if drape.gather > 0.0:
        theta = fall.theta
        crimp = np.cos(theta * 46.0 + 3.0 * wobble(theta * 5.0, drape.seed + 2))
        z = z + drape.gather * crimp * np.exp(-(window.y - drape.top) / np.float32(60.0))
    tone, facing = lit(plane(z), window)
    # Little light finds its way into the valleys.
    valley = 0.16 * (1.0 - fall.height) * depth / max(drape.deep, 1.0)
    return plane(np.maximum(tone - valley - drape.dim, 0.20)), facing


def _upper_edge(drape: Drape, fall: _Fall) -> Plane:
    waist = drape.top + 5.0 * (np.sqrt(1.0 - 0.9 * fall.u * fall.u) - 1.0)
    neck = drape.scoop * np.sqrt(np.clip(1.0 - (fall.x / 118.0) ** 2, 0.0, 1.0))
    return plane(waist + neck)


def _at_hem(fall: _Fall) -> Plane:
    """Return the angle that each pixel would have in the lowest row: the hem's own folds."""
    return plane(np.arcsin(0.985 * np.clip(fall.x / fall.width[-1:], -1.0, 1.0)))
