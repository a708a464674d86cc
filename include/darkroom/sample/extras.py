"""What is worn at the waist: the waistband, the sash with its bow, the belt, the corsage."""

from __future__ import annotations

import numpy as np

from darkroom.sample.canvas import (
    Outline,
    Plane,
    Sheet,
    Window,
    blurred,
    curve,
    fill,
    mirrored,
    moved,
    plane,
    stroke,
)
from darkroom.sample.fabric import lit, pillow, soft_step, wobble
from darkroom.sample.figure import BELT_FOOT, BELT_TOP, Side, torso_width

# The buckle sits in the middle, the corsage on the wearer's left hip.
CORSAGE = (86.0, 546.0)


def _band(sheet: Sheet, top: float, foot: float) -> tuple[Window, Outline]:
    """Return the window and the outline of a band around the waist."""
    high, low = 130.0, 131.0
    upper = curve(((0, top + 7), (high * 0.6, top + 4), (high - 2.0, top - 3)))
    ends = curve(((high - 2.0, top - 3), (high + 1.5, top + 8), (low + 1.0, foot - 9)))
    lower = curve(((low + 1.0, foot - 9), (low - 4.0, foot - 3), (low * 0.6, foot + 4),
                   (0, foot + 8)))  # fmt: skip
    return sheet.window(-170.0, top - 20.0, 170.0, foot + 24.0), mirrored(upper, ends, lower)


def _round(window: Window, depth: float) -> Plane:
    u = np.clip(window.x / 136.0, -1.0, 1.0)
    return plane(depth * np.sqrt(1.0 - 0.92 * u * u) + 0.0 * window.y)


def waistband(sheet: Sheet, side: Side) -> None:
    """Draw the plain waistband that every dress has when no belt is chosen."""
    window, outline = _band(sheet, BELT_TOP, BELT_FOOT - 10.0)
    mask = fill(window, outline)
    tone, _ = lit(_round(window, 60.0) + pillow(mask, window, 5.0, 7.0), window)
    piping = stroke(window, outline, width=8.0) - stroke(window, outline, width=5.0)
    tone = plane(tone - 0.10 * np.clip(piping, 0.0, 1.0))
    if side == "back":
        middle = curve(((0.0, BELT_TOP), (0.0, BELT_FOOT)))
        tone = tone - 0.20 * stroke(window, middle, width=2.0, blur=0.8)
    sheet.put(window, tone, mask)


def sash(sheet: Sheet, side: Side) -> None:
    """Draw the satin sash (`a2`): a wide band in soft cross folds."""
    window, outline = _band(sheet, BELT_TOP - 2.0, BELT_FOOT + 10.0)
    mask = fill(window, outline)
    v = (window.y - BELT_TOP) / 54.0 - 0.14 * np.sqrt(1.0 - (window.x / 190.0) ** 2)
    drift = wobble((window.x / 55.0).astype(np.float32), 8 if side == "front" else 19)
    folds = 2.6 * np.cos(15.0 * v + 1.3 * drift)
    z = _round(window, 62.0) + folds.astype(np.float32) + pillow(mask, window, 5.0, 8.0)
    tone, _ = lit(z, window, sheen=0.20)
    sheet.put(window, tone, mask)


_LOOP = ((0, 4), (30, -34), (78, -60), (118, -52), (128, -10), (112, 34), (70, 40), (28, 22))
# The ribbon's end is cut at a slant, so its two long edges are curves of their own.
_TAIL_IN = ((-6, 4), (14, 60), (24, 140), (44, 232), (62, 322))
# One tail is a little longer than the other.
_TAILS = ((-1.0, 0.92), (1.0, 1.06))
_TAIL_OUT = ((122, 286), (98, 210), (74, 120), (48, 46), (18, 0))


def bow(sheet: Sheet, side: Side) -> None:
    """Draw the sash's bow: small at the front, large with broad tails at the back."""
    # The tails end above the shortest hem: one bow serves all lengths.
    size, tail, y = (0.78, 0.80, 534.0) if side == "front" else (1.22, 0.86, 536.0)
    reach = 150.0 * size
    window = sheet.window(-reach, y - 90.0 * size, reach, y + 390.0 * tail)
    _bow_shadow(sheet, window, size, tail, y)
    for hand, stretch in _TAILS:
        _ribbon(sheet, window, hand * size, tail * stretch, y)
    for hand in (-1.0, 1.0):
        _loop(sheet, window, hand * size, size, y)
    knot = curve(((-17, -18), (0, -22), (17, -18), (20, 2), (16, 24), (0, 27), (-16, 24), (-20, 2)),
                 closed=True) * size + (0.0, y)  # fmt: skip
    mask = fill(window, knot)
    pleats = 1.8 * np.cos(window.x / (3.4 * size) + (window.y - y) / 30.0)
    z = pillow(mask, window, 11.0 * size, 26.0 * size) + pleats.astype(np.float32)
    tone, _ = lit(z, window, sheen=0.2)
    sheet.put(window, tone, mask)


def _bow_shadow(sheet: Sheet, window: Window, size: float, tail: float, y: float) -> None:
    loop = curve(_LOOP, closed=True)
    shapes = [loop * (hand * size * 0.9, size) + (5.0, y + 13.0) for hand in (-1.0, 1.0)]
    ribbon = np.vstack([curve(_TAIL_IN), curve(_TAIL_OUT)])
    tails = [ribbon * (hand * size, tail * high) + (7.0, y + 8.0) for hand, high in _TAILS]
    mask = np.maximum(fill(window, shapes[0]), fill(window, shapes[1]))
    for shape in tails:
        mask = np.maximum(mask, fill(window, shape))
    # Only cloth can catch a shadow: keep it on the waist and the upper skirt.
    waist = torso_width(window.y) + np.clip(window.y - 540.0, 0.0, 190.0) * 0.30
    on_cloth = soft_step(waist - 12.0 - np.abs(window.x), window, 18.0)
    dark = 0.42 * blurred(mask, window, 6.0) * on_cloth
    sheet.put(window, np.full_like(dark, 0.12), dark.astype(np.float32))


def _loop(sheet: Sheet, window: Window, across: float, down: float, y: float) -> None:
    outline = curve(_LOOP, closed=True) * (across, down) + (0.0, y)
    mask = fill(window, outline)
    x, high = window.x / np.float32(across), (window.y - y) / np.float32(down)
    ray = np.arctan2(high, np.maximum(x, 2.0)).astype(np.float32)
    far = np.hypot(x, high)
    folds = np.cos(ray * 13.0 + 0.8) * np.exp(-far / 95.0) * 10.0 * np.clip(far / 22.0, 0.0, 1.0)
    z = (pillow(mask, window, 17.0 * down, 30.0 * down) + folds * down).astype(np.float32)
    tone, _ = lit(z, window, sheen=0.20)
    hollow = ((75, -26), (104, -34), (118, -8), (106, 20), (84, 18), (96, -6))
    opened = fill(window, curve(hollow, closed=True) * (across, down) + (0.0, y), blur=2.2)
    near = np.exp(-far / 26.0)
    tone = tone * (1.0 - 0.32 * near) - 0.20 * opened
    sheet.put(window, tone.astype(np.float32), mask)


def _ribbon(sheet: Sheet, window: Window, across: float, down: float, y: float) -> None:
    outline = np.vstack([curve(_TAIL_IN), curve(_TAIL_OUT)]) * (across, down) + (0.0, y)
    mask = fill(window, outline)
    x, high = window.x / np.float32(across), (window.y - y) / np.float32(down)
    middle = 0.29 * high
    folds = 3.5 * np.cos((x - middle) / 7.0 + high / 60.0)
    curl = 9.0 * np.sin(high / 46.0)
    z = pillow(mask, window, 9.0, 12.0) + (folds + curl).astype(np.float32)
    tone, _ = lit(z, window, sheen=0.20)
    near = np.exp(-np.maximum(high, 0.0) / 30.0)
    sheet.put(window, (tone * (1.0 - 0.30 * near)).astype(np.float32), mask)


def belt(sheet: Sheet, side: Side) -> None:
    """Draw the narrow belt (`a3`): dark leather in the dress's hue, and a golden buckle."""
    window, outline = _band(sheet, BELT_TOP + 2.0, BELT_FOOT - 4.0)
    mask = fill(window, outline)
    tone, _ = lit(_round(window, 62.0) + pillow(mask, window, 4.0, 8.0), window, sheen=0.26)
    stitched = stroke(window, outline * (0.99, 1.0), width=11.0, blur=0.5, dash="5 5")
    inner = stroke(window, outline, width=7.0, blur=0.5)
    stitches = (stitched - inner).clip(0.0)
    sheet.put(window, (0.52 * tone + 0.20 * stitches).astype(np.float32), mask)
    if side == "back":
        _loops(sheet, window)


def buckle(sheet: Sheet) -> None:
    """Draw the belt's golden buckle, which lies over the bodice's lower edge."""
    y = (BELT_TOP + BELT_FOOT) / 2.0 + 6.5
    window = sheet.window(-50.0, y - 44.0, 60.0, y + 44.0)
    frame = [(-30.0, y - 30.0), (30.0, y - 30.0), (30.0, y + 30.0), (-30.0, y + 30.0)]
    outer = curve([(a * 1.0, b) for a, b in frame], closed=True, steps=10)
    hole = outer * (0.66, 0.66) + (0.0, 0.34 * y)
    mask = fill(window, outer, hole)
    shadow = blurred(fill(window, moved(outer, 4.0, 6.0), hole), window, 3.5) * 0.45
    on_belt = soft_step(30.0 - np.abs(window.y - y), window, 8.0)
    sheet.put(window, np.full_like(mask, 0.1), (shadow * on_belt).astype(np.float32))
    prong = stroke(window, curve(((-26.0, y), (24.0, y - 1.0))), width=6.0, blur=0.6)
    mask = np.maximum(mask, prong)
    tone, _ = lit(pillow(mask, window, 3.2, 13.0), window, sheen=0.34, gloss=10)
    sheet.put(window, tone, mask, gold=1.0)


def _loops(sheet: Sheet, window: Window) -> None:
    for x in (-62.0, 62.0):
        line = curve(((x, BELT_TOP + 2.0), (x, BELT_FOOT + 2.0)))
        strap = stroke(window, line, width=9.0, blur=0.7)
        dark = stroke(window, moved(line, 3.0, 0.0), width=11.0, blur=1.5)
        sheet.shade(window, 1.0 - 0.28 * dark)
        sheet.put(window, np.full_like(strap, 0.47), strap)


def corsage(sheet: Sheet) -> None:
    """Draw the corsage (`a5`): a silk flower with golden stamens and two leaves."""
    across, y = CORSAGE
    window = sheet.window(across - 110.0, y - 110.0, across + 110.0, y + 110.0)
    for turn in (35.0, 160.0, 205.0):
        _petal(sheet, window, turn, 88.0, 22.0, -0.20)
    rings = ((7, 68.0, 31.0), (6, 48.0, 24.0), (5, 30.0, 17.0))
    for ring, (count, reach, broad) in enumerate(rings):
        for petal in range(count):
            turn = 360.0 / count * petal + 25.0 * ring
            _petal(sheet, window, turn, reach, broad, 0.03 * ring - 0.02)
    for bead in range(7):
        angle = 0.9 * bead
        far = 0.0 if bead == 0 else 8.0
        spot = np.hypot(window.x - across - far * np.cos(angle), window.y - y - far * np.sin(angle))
        tone = 0.55 + 0.4 * soft_step(1.0 - spot, window, 5.0)
        sheet.put(window, tone, soft_step(4.2 - spot, window), gold=1.0)


def _petal(sheet: Sheet, window: Window, turn: float, reach: float, broad: float, lift: float) -> None:
    shape = curve(((0, 0), (-broad * 0.62, -reach * 0.38), (-broad, -reach * 0.78),
                   (-broad * 0.4, -reach), (0, -reach * 0.93), (broad * 0.45, -reach),
                   (broad, -reach * 0.74), (broad * 0.6, -reach * 0.36)), closed=True)  # fmt: skip
    angle = np.deg2rad(turn)
    spin = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    placed = shape @ spin + CORSAGE
    mask = fill(window, placed)
    shadow = blurred(fill(window, moved(placed, 2.0, 4.0)), window, 4.0)
    sheet.put(window, np.full_like(mask, 0.10), 0.30 * shadow * _cloth_below(sheet, window))
    far = np.hypot(window.x - CORSAGE[0], window.y - CORSAGE[1])
    along = np.clip(far / reach, 0.0, 1.0)
    across = np.sin(np.arctan2(window.y - CORSAGE[1], window.x - CORSAGE[0]) - angle - 1.5708)
    cup = 16.0 * along**2 - 30.0 * across**2 * far / reach + 1.2 * np.cos(across * 34.0)
    tone, _ = lit((cup + pillow(mask, window, 3.0, 4.0)).astype(np.float32), window, sheen=0.10)
    tone = tone * (0.50 + 0.55 * along**0.8) + lift
    sheet.put(window, tone.astype(np.float32), mask)


def _cloth_below(sheet: Sheet, window: Window) -> Plane:
    """Say where the dress surely is, so that no shadow falls on the air beside it."""
    side = torso_width(window.y) + np.clip(window.y - 545.0, 0.0, 100.0) * 0.25
    return soft_step(side - 10.0 - np.abs(window.x), window, 16.0)
