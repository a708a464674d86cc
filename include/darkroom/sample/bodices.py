"""The bodices: cloth over the body, its seams and edges, and what the neck lets one see."""

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
    plane,
    stroke,
)
from darkroom.sample.fabric import lit, pillow, smooth_abs, soft_step, wobble
from darkroom.sample.figure import (
    Neck,
    Side,
    armhole,
    bodice,
    inside,
    neckline,
    torso_width,
)

SHELL = np.array((-1.0, 1.0))


def both(right: Outline) -> tuple[Outline, Outline]:
    """Return a line and its mirror."""
    return right, right * SHELL


def body_window(sheet: Sheet) -> Window:
    """Return the window that every bodice fits into."""
    return sheet.window(-260.0, 60.0, 260.0, 548.0)


def body(window: Window, side: Side) -> Plane:
    """Return the height of the body below the cloth."""
    width = torso_width(window.y)
    u = np.clip(window.x / width, -1.0, 1.0)
    z = 0.50 * width * np.sqrt(1.0 - 0.92 * u * u)
    x, y = window.x, window.y
    if side == "front":
        z = z + 25.0 * _pair(x, 76.0, 62.0) * np.exp(-(((y - 352.0) / 66.0) ** 2))
    else:
        z = z + 15.0 * _pair(x, 86.0, 60.0) * np.exp(-(((y - 260.0) / 95.0) ** 2))
        z = z - 9.0 * np.exp(-((x / 16.0) ** 2)) * soft_step(y - 200.0, window, 80)
    return plane(z)


def _pair(x: Plane, apart: float, wide: float) -> Plane:
    """Return two soft hills beside the centre line, without a crease between them."""
    hills = np.exp(-(((x - apart) / wide) ** 2)) + np.exp(-(((x + apart) / wide) ** 2))
    return plane(hills)


def wrinkles(window: Window, seed: int) -> Plane:
    """Return the small drags of fitted cloth: from the sides down to the waist."""
    slant = window.y / 19.0 + smooth_abs(window.x) / 31.0
    near = np.exp(-(((window.y - 486.0) / 46.0) ** 2)) + 0.35
    rim = np.clip(smooth_abs(window.x) / 150.0, 0.0, 1.0)
    fine = 1.9 * near * rim * wobble(slant + wobble(window.x / 40.0, seed), seed + 1)
    return plane(fine)


def edged(window: Window, mask: Plane, *lines: Outline, width: float = 6.5) -> Plane:
    """Return what a narrow binding along the lines adds to the tone."""
    rim = stroke(window, *lines, width=2.0 * width, blur=0.9) * mask
    outer = stroke(window, *lines, width=2.0 * width + 5.0, blur=1.0) * mask
    return plane(0.055 * rim - 0.17 * np.clip(outer - rim, 0.0, 1.0))


def see_inside(sheet: Sheet, neck: Neck) -> None:
    """Draw the inside of the back, with its label, where the front's neck is open."""
    window = body_window(sheet)
    mask = fill(window, inside(neck))
    fall = np.clip((window.y - 150.0) / 240.0, 0.0, 1.0)
    side = np.abs(window.x) / 100.0
    tone = (0.50 - 0.20 * fall - 0.10 * side**2).astype(np.float32)
    line = neckline(neck, "back")
    tone = tone + edged(window, mask, *both(line), width=6.0)
    sheet.put(window, tone, mask)
    top = float(line[0, 1]) + 15.0
    label = curve(((-15, top), (15, top), (15, top + 15), (-15, top + 15)), steps=1)
    tag = fill(window, label, blur=0.6)
    sheet.put(window, np.full_like(tag, 0.80), tag * 0.9)


def _seams(window: Window, side: Side) -> Plane:
    """Return the princess seams (front) or the side-back seams: 1 on the stitches."""
    if side == "front":
        line = curve(((152, 282), (112, 326), (86, 392), (70, 450), (56, 522)))
    else:
        line = curve(((132, 262), (104, 330), (82, 410), (60, 522)))
    return stroke(window, *both(line), width=1.8, blur=0.9)


def _zip(sheet: Sheet, top: float) -> None:
    """Draw the hidden zip of the back, with its little golden pull."""
    window = sheet.window(-20.0, top, 20.0, 524.0)
    line = curve(((0.0, top), (0.0, 524.0)))
    sheet.shade(window, 1.0 - 0.34 * stroke(window, line, width=2.2, blur=0.8))
    wide = stroke(window, line, width=14.0, blur=0.8) - stroke(window, line, width=11.0, blur=0.8)
    sheet.shade(window, 1.0 - 0.13 * np.clip(wide, 0.0, 1.0))
    pull = fill(window, curve(((-3, top + 6), (3, top + 6), (4, top + 26), (-4, top + 26))))
    sheet.put(window, 0.62 + 0.25 * pull, pull, gold=1.0)


def _finish(sheet: Sheet, window: Window, z: Plane, mask: Plane, trim: Plane) -> None:
    """Light a bodice, tuck its foot under the belt, and lay it on the sheet."""
    tone, _ = lit(z + pillow(mask, window, 4.0, 4.0), window, sheen=0.10, gloss=9)
    tuck = 1.0 - 0.34 * np.exp(-np.maximum(520.0 - window.y, 0.0) / np.float32(7.0))
    sheet.put(window, ((tone + trim) * tuck).astype(np.float32), mask)


def fitted(sheet: Sheet, neck: Neck, side: Side) -> None:
    """Draw the bodice with a scoop (`base`) or a V (`t1`)."""
    if side == "front":
        see_inside(sheet, neck)
    window = body_window(sheet)
    mask = fill(window, bodice(neck, side))
    z = body(window, side) + wrinkles(window, 3 if side == "front" else 9)
    trim = edged(window, mask, *both(neckline(neck, side)))
    trim = trim + edged(window, mask, *both(armhole(neck)), width=5.0)
    if neck == "t1" and side == "front":
        z = z + _crossing(window)
    else:
        trim = trim - 0.17 * _seams(window, side) * mask
    _finish(sheet, window, z, mask, trim)
    if side == "back":
        _zip(sheet, float(neckline(neck, side)[0, 1]) + 3.0)


def _crossing(window: Window) -> Plane:
    """Return the folds of a surplice: cloth gathered from each strap to the waist."""
    x, y = smooth_abs(window.x), window.y
    along = np.clip((y - 120.0) / 400.0, 0.0, 1.0)
    middle = 120.0 - 92.0 * along**0.9
    across = (x - middle) / (16.0 + 74.0 * np.sin(np.pi * np.clip(along, 0.05, 0.97)) ** 0.8)
    folds = np.cos(6.5 * across + 1.2 * wobble(across * 1.4 + along, 31))
    return plane(3.4 * folds * np.clip(1.3 - along, 0.25, 1.0))


def halter(sheet: Sheet, side: Side) -> None:
    """Draw the high-necked halter (`t2`), gathered into a collar; its back has a keyhole."""
    window = body_window(sheet)
    mask = fill(window, bodice("t2", side))
    along = np.clip((window.y - 100.0) / 260.0, 0.0, 1.0)
    fan = window.x / (58.0 + 105.0 * along)
    folds = np.cos(26.0 * fan + 2.0 * wobble(fan * 3.0, 12)) * np.exp(-along * 2.1)
    z = body(window, side) + wrinkles(window, 14) + (3.0 * folds).astype(np.float32)
    trim = edged(window, mask, *both(armhole("t2")), width=5.0)
    trim = trim - 0.13 * _seams(window, side) * mask * soft_step(window.y - 330.0, window, 120.0)
    if side == "back":
        hole = curve(((0, 128), (34, 170), (52, 236), (36, 306), (0, 338)))
        keyhole = mirrored(hole)
        opened = fill(window, keyhole)
        deep = (0.40 - 0.12 * np.abs(window.x) / 50.0 - 0.0005 * (window.y - 130.0)) * mask
        sheet.put(window, deep.astype(np.float32), opened * mask)
        mask = mask * (1.0 - opened)
        trim = trim + edged(window, mask, keyhole, width=5.0)
    _finish(sheet, window, z, mask, trim)
    if side == "back":
        _zip(sheet, 352.0)
    _collar(sheet, side)


def _collar(sheet: Sheet, side: Side) -> None:
    window = sheet.window(-90.0, 60.0, 90.0, 160.0)
    if side == "front":
        # The far side of the collar, seen through the neck.
        far = fill(window, mirrored(curve(((0, 92), (30, 90), (57, 84))),
                                    curve(((58, 96), (30, 112), (0, 116)))))  # fmt: skip
        sheet.put(window, np.full_like(far, 0.34), far)
        low = 6.0
    else:
        low = -8.0
    upper = curve(((0, 104 + low), (30, 101 + low * 0.7), (52, 90 + low * 0.3), (59, 82)))
    lower = curve(((63, 108), (54, 118 + low * 0.3), (32, 130 + low * 0.7), (0, 134 + low)))
    mask = fill(window, mirrored(upper, lower))
    z = 46.0 * np.sqrt(1.0 - 0.9 * np.clip(window.x / 63.0, -1, 1) ** 2)
    tone, _ = lit(z.astype(np.float32) + pillow(mask, window, 5.0, 9.0), window)
    sheet.put(window, tone, mask)
    if side == "back":
        buttons(sheet, (112.0,), 6.0)


def buttons(sheet: Sheet, heights: tuple[float, ...], radius: float) -> None:
    """Draw a row of small golden buttons down the middle of the back."""
    for height in heights:
        window = sheet.window(-14.0, height - 14.0, 14.0, height + 14.0)
        far = np.hypot(window.x, window.y - height)
        alpha = soft_step(radius - far, window)
        z = np.sqrt(np.clip(radius * radius - far * far, 0.0, None)).astype(np.float32)
        tone, _ = lit(z, window, sheen=0.3)
        sheet.put(window, tone, alpha, gold=1.0)


def bardot(sheet: Sheet, side: Side) -> None:
    """Draw the off-the-shoulder bodice (`t3`): a draped band over a fitted heart shape."""
    window = body_window(sheet)
    mask = fill(window, bodice("t3", side))
    z = body(window, side) + wrinkles(window, 18)
    trim = edged(window, mask, *both(neckline("t3", side)), width=5.0)
    trim = trim - 0.16 * _seams(window, side) * mask
    _finish(sheet, window, z, mask, trim)
    if side == "back":
        _zip(sheet, 366.0)
    _band(sheet, side)


_BAND_TOP: dict[Side, tuple[tuple[float, float], ...]] = {
    "front": ((0, 312), (60, 291), (120, 270), (180, 252), (226, 244), (246, 254)),
    "back": ((0, 296), (70, 290), (130, 274), (184, 254), (226, 245), (244, 255)),
}
_BAND_FOOT: dict[Side, tuple[tuple[float, float], ...]] = {
    "front": ((0, 386), (70, 376), (140, 362), (195, 354), (238, 342), (252, 330)),
    "back": ((0, 372), (70, 370), (140, 362), (195, 354), (238, 342), (250, 330)),
}


def _band(sheet: Sheet, side: Side) -> None:
    """Draw the band that lies over the bust and falls around both arms."""
    window = body_window(sheet)
    upper, lower = curve(_BAND_TOP[side]), curve(_BAND_FOOT[side])
    mask = fill(window, mirrored(upper, lower[::-1]))
    x = np.abs(window.x)
    high = np.interp(x, upper[:, 0], upper[:, 1])
    low = np.interp(x, lower[:, 0], lower[:, 1])
    v = np.clip((window.y - high) / np.maximum(low - high, 1.0), 0.0, 1.0)
    drift = wobble((window.x / 75.0).astype(np.float32), 22)
    folds = np.cos(15.0 * v + 1.5 * drift + 2.0 * np.abs(drift) * v)
    pinch = 1.0 - 0.75 * np.exp(-((x / 26.0) ** 2)) * (1.0 if side == "front" else 0.0)
    round_body = 88.0 * np.sqrt(1.0 - 0.93 * np.clip(window.x / 254.0, -1.0, 1.0) ** 2)
    bust = _pair(window.x, 76.0, 62.0) * (11.0 if side == "front" else 0.0)
    z = round_body + bust + 3.6 * folds * pinch + 15.0 * np.sin(np.pi * v) ** 0.6
    tone, _ = lit(z.astype(np.float32), window)
    shadow = blurred(mask, window, 11.0) * fill(window, bodice("t3", side)) * (1.0 - mask)
    sheet.put(window, np.full_like(mask, 0.14), (0.5 * shadow).astype(np.float32))
    sheet.put(window, plane(tone - 0.05 * (1.0 - folds)), mask)
    if side == "front":
        _knot(sheet)


def _knot(sheet: Sheet) -> None:
    window = sheet.window(-40.0, 296.0, 40.0, 400.0)
    knot = curve(((-13, 312), (13, 312), (16, 348), (12, 388), (-12, 388), (-16, 348)), closed=True)
    mask = fill(window, knot)
    folds = 2.0 * np.cos(window.x / 3.3)
    tone, _ = lit(pillow(mask, window, 8.0, 22.0) + folds.astype(np.float32), window)
    sheet.put(window, tone, mask)
