"""What covers the shoulders: sheer long sleeves, flutter sleeves, lace, and the cape."""

from __future__ import annotations

from functools import partial

import numpy as np

from darkroom.sample.bodices import body, body_window, both, buttons, fitted
from darkroom.sample.canvas import (
    Plane,
    Sheet,
    Window,
    curve,
    draw_svg,
    fill,
    hermite,
    mirrored,
    moved,
    stroke,
)
from darkroom.sample.fabric import Drape, hang, lit, pillow, sheer, soft_step, wobble
from darkroom.sample.figure import Neck, Side, armhole, bodice, neckline

# The right sleeve: its outer and its inner edge, from the shoulder to the cuff.
_OUTER = ((112, 121), (150, 126), (186, 154), (208, 206), (222, 280), (242, 380), (274, 500),
          (304, 600), (322, 680), (318, 726), (297, 748))  # fmt: skip
_INNER = ((130, 250), (152, 304), (172, 350), (186, 430), (204, 530), (220, 620), (232, 690),
          (243, 730), (256, 752))  # fmt: skip
_CUFF = ((256, 746), (297, 740), (302, 784), (262, 792))


def long_sleeves(sheet: Sheet, side: Side, *, lace: bool = False) -> None:
    """Draw both sheer bishop sleeves, gathered into cuffs."""
    for hand in (-1.0, 1.0):
        _long_sleeve(sheet, hand, side, lace)
        _cuff(sheet, hand, side)


def _long_sleeve(sheet: Sheet, hand: float, side: Side, lace: bool) -> None:
    outer, inner = curve(_OUTER), curve(_INNER)
    edges = (90.0 * hand, 345.0 * hand)
    window = sheet.window(min(edges), 100.0, max(edges), 776.0)
    x = window.x * np.float32(hand)
    shape = np.vstack([outer, inner[::-1]]) * (hand, 1.0)
    mask = fill(window, shape)
    right = np.interp(window.y, outer[:, 1], outer[:, 0])
    inside = np.vstack([(96.0, 118.0), (112.0, 190.0), inner])
    left = np.interp(window.y, inside[:, 1], inside[:, 0])
    half = np.maximum((right - left) / 2.0, 8.0)
    u = np.clip((x - (left + right) / 2.0) / half, -1.0, 1.0)
    theta = np.arcsin(0.97 * u).astype(np.float32)
    v = np.clip((window.y - 120.0) / 630.0, 0.0, 1.0)
    seed = 71 + (1 if hand > 0 else 5) + (13 if side == "back" else 0)
    drift = wobble(theta * 1.6 + 2.4 * v, seed)
    gather = 0.16 + 0.84 * np.clip((v - 0.45) / 0.5, 0.0, 1.0) ** 1.4
    folds = np.cos(theta * 9.0 + 2.2 * drift) * gather * 6.0
    cap = 1.2 * np.cos(theta * 15.0 + drift) * np.exp(-(((v - 0.02) / 0.09) ** 2))
    elbow = 3.2 * wobble(v * 34.0 + 1.4 * u, seed + 2) * np.exp(-(((v - 0.50) / 0.13) ** 2))
    z = (0.62 * half * np.sqrt(1.0 - 0.93 * u * u) + folds + elbow + cap).astype(np.float32)
    tone, facing = lit(z, window, sheen=0.10)
    alpha = mask * sheer(0.47, facing)
    # Inside the cap the cloth lies double over the seam allowance.
    cap_edge = stroke(window, outer * (hand, 1.0), width=5.0, blur=1.2) * mask
    alpha = alpha + (1.0 - alpha) * 0.28 * cap_edge
    sheet.put(window, tone + 0.02, alpha.astype(np.float32))
    if lace:
        pattern = lace_pattern(window) * mask
        faded = 0.25 + 0.75 * np.clip(1.0 - v * 1.25, 0.0, 1.0)
        sheet.put(window, tone + 0.10, (pattern * 0.80 * faded).astype(np.float32))


def _cuff(sheet: Sheet, hand: float, side: Side) -> None:
    edges = (230.0 * hand, 330.0 * hand)
    window = sheet.window(min(edges), 725.0, max(edges), 810.0)
    mask = fill(window, curve(_CUFF, steps=1) * (hand, 1.0), blur=1.2)
    u = np.clip((window.x * hand - 279.0) / 24.0, -1.0, 1.0)
    z = (16.0 * np.sqrt(1.0 - 0.9 * u * u)).astype(np.float32) + 0.0 * window.y
    tone, _ = lit(z + pillow(mask, window, 4.0, 6.0), window)
    near = np.exp(-np.maximum(window.y - 744.0, 0.0) / 5.0)
    sheet.put(window, (tone * (1.0 - 0.2 * near)).astype(np.float32), mask)
    if side == "back":
        for height in (756.0, 772.0):
            at = 268.0 * hand
            spot = np.hypot(window.x - at, window.y - height)
            sheet.put(window, 0.5 + 0.4 * soft_step(2.0 - spot, window, 4.0),
                      soft_step(4.0 - spot, window), gold=1.0)  # fmt: skip


def sleeved(sheet: Sheet, neck: Neck, side: Side) -> None:
    """Draw a bodice with the long sleeves set into its armholes (`t5`)."""
    long_sleeves(sheet, side)
    fitted(sheet, neck, side)
    armhole_seam(sheet)


def armhole_seam(sheet: Sheet) -> None:
    """Mark the seam where a sleeve is set in."""
    window = body_window(sheet)
    line = curve(((140, 128), (134, 196), (138, 256), (160, 306)))
    sheet.shade(window, 1.0 - 0.16 * stroke(window, *both(line), width=3.0, blur=1.4))


# How far the flutter sleeve reaches from the shoulder, by the angle below the horizontal.
_FLUTTER = ((0.0, 30.0), (0.2, 66.0), (0.42, 112.0), (0.68, 158.0), (1.0, 186.0), (1.4, 198.0),
            (1.7, 192.0))  # fmt: skip


def flutter(sheet: Sheet, side: Side) -> None:
    """Draw the flutter sleeves (`t4`): two layers of a light ruffle from each shoulder."""
    for hand in (-1.0, 1.0):
        edges = (80.0 * hand, 300.0 * hand)
        window = sheet.window(min(edges), 100.0, max(edges), 360.0)
        seed = 33 + int(hand) * 4 + (17 if side == "back" else 0)
        for scale, density in ((1.0, 0.74), (0.76, 0.74)):
            _flounce(sheet, window, hand, scale, density, seed + int(scale * 10))


def _flounce(sheet: Sheet, window: Window, hand: float, scale: float, density: float, seed: int) -> None:
    x, y = window.x * np.float32(hand) - 122.0, window.y - 122.0
    ray = np.arctan2(y, np.maximum(x, 0.5)).astype(np.float32)
    far = np.hypot(x, y)
    out = np.clip(far / 200.0, 0.0, 1.0)
    drift = wobble(ray * 4.0, seed)
    height = np.cos(ray * 19.0 + 2.4 * drift)
    z = 10.0 * height * out**1.5 + 44.0 * np.sqrt(np.clip(1.0 - (x / 185.0) ** 2, 0.02, 1.0))
    tone, facing = lit(z.astype(np.float32), window)
    tone = tone - 0.08 * (1.0 - height) * out
    reach = hermite(_FLUTTER, ray) * scale + 7.0 * height + 4.0 * drift
    sewn = armhole("base")
    seam = np.interp(window.y, sewn[:, 1], sewn[:, 0], left=136.0) - 9.0
    inside = soft_step((x + 122.0 - seam).astype(np.float32), window, 3.0)
    edge = (reach - far).astype(np.float32)
    shoulder = soft_step(y + 2.0 - 0.3 * np.maximum(x - 10.0, 0.0), window)
    mask = soft_step(edge, window) * inside * shoulder
    alpha = mask * sheer(density, facing)
    hem = np.exp(-(((edge - 3.0) / 2.4) ** 2)) * mask
    alpha = alpha + 0.30 * hem * (1.0 - alpha)
    sheet.put(window, (tone - 0.05 * hem).astype(np.float32), alpha.astype(np.float32))


_FLOWER = "".join(
    f'<ellipse cx="0" cy="-6.4" rx="3.3" ry="5.4" transform="rotate({turn})"/>' for turn in range(0, 360, 60)
)
_LEAVES = "".join(f'<ellipse cx="0" cy="-15" rx="2.2" ry="5" transform="rotate({turn})"/>' for turn in (30, 150, 270))


def lace_pattern(window: Window) -> Plane:
    """Return lace: flowers and leaves on a fine net."""
    motif = f'<g id="m">{_FLOWER}{_LEAVES}</g>'
    places = ((0, 0), (48, 0), (24, 21), (0, 42), (48, 42))
    flowers = "".join(
        f'<g transform="translate({x} {y}) rotate({17 * x + 31 * (y % 42)})">{motif}</g>' for x, y in places
    )
    net = '<path d="M0 0L48 42M48 0L0 42M0 21L24 0M24 0L48 21M0 21L24 42M24 42L48 21" '
    net += 'stroke="#fff" stroke-width="1.1" stroke-opacity="0.75" fill="none"/>'
    tile = f'<pattern id="p" width="48" height="42" patternUnits="userSpaceOnUse" x="-24">{net}'
    tile += f'<g fill="#fff">{flowers}</g></pattern>'
    area = '<rect x="-800" y="0" width="1600" height="1600" fill="url(#p)"/>'
    return draw_svg(window, f"<defs>{tile}</defs>{area}", 0.5)


_JEWEL: dict[Side, tuple[tuple[float, float], ...]] = {
    "front": ((0, 158), (34, 152), (60, 132), (72, 110)),
    "back": ((0, 128), (36, 126), (60, 119), (72, 108)),
}


def lace(sheet: Sheet, neck: Neck, side: Side, *, sleeves: bool) -> None:
    """Draw a bodice in lace (`t6`), which also fills its neck up to the collarbones."""
    if sleeves:
        long_sleeves(sheet, side, lace=True)
    _yoke(sheet, neck, side)
    fitted(sheet, neck, side)
    window = body_window(sheet)
    mask = fill(window, bodice(neck, side))
    pattern = lace_pattern(window)
    relief = pattern * 2.4 + body(window, side)
    tone, _ = lit(relief.astype(np.float32), window)
    fade = 0.30 + 0.70 * np.clip((430.0 - window.y) / 150.0, 0.0, 1.0)
    sheet.put(window, tone + 0.07, (0.72 * pattern * mask * fade).astype(np.float32))
    if sleeves:
        armhole_seam(sheet)
    _yoke(sheet, neck, side, over=True)
    if side == "back":
        low = int(neckline(neck, side)[0, 1]) + 24
        buttons(sheet, tuple(float(y) for y in range(146, low, 22)), 5.0)


def _yoke(sheet: Sheet, neck: Neck, side: Side, *, over: bool = False) -> None:
    """Draw the lace between the neck's edge and the throat, then (`over`) its scalloped rim."""
    window = body_window(sheet)
    throat = curve(_JEWEL[side])
    shoulder = curve(((72, 110), (110, 118), (143, 130)))
    mask = fill(window, mirrored(throat, shoulder, armhole(neck), curve(((150, 330), (0, 400)))))
    if not over:
        return
    open_part = mask * (1.0 - fill(window, bodice(neck, side)))
    tone, _ = lit(body(window, side) + 1.5 * lace_pattern(window), window)
    veil = 0.26 + 0.66 * lace_pattern(window)
    sheet.put(window, tone + 0.05, (open_part * veil).astype(np.float32))
    dots = "0 8"
    rim = stroke(window, *both(throat), width=10.0, blur=0.7, dash=dots)
    holes = stroke(window, *both(throat), width=3.0, blur=0.6, dash=dots)
    sheet.put(window, np.full_like(rim, 0.80), rim * 0.95)
    sheet.shade(window, 1.0 - 0.25 * holes)


_CAPE: tuple[tuple[float, float], ...] = (
    (104.0, 100.0), (118.0, 128.0), (142.0, 158.0), (190.0, 184.0), (300.0, 222.0), (600.0, 312.0),
    (1000.0, 432.0), (1480.0, 590.0),
)  # fmt: skip


def _cape_drape(seed: int, scoop: float) -> Drape:
    return Drape(
        scoop=scoop,
        top=125.0,
        hem=1440.0,
        width=partial(hermite, _CAPE),
        seed=seed,
        folds=17.0,
        deep=27.0,
        swell=0.30,
        sag=34.0,
        wave=24.0,
        start=0.16,
        density=0.40,
        dim=-0.02,
    )


def cape_behind(sheet: Sheet) -> None:
    """Draw the cape (`a1`) as the front shows it: behind the dress."""
    hang(sheet, _cape_drape(103, 112.0))


def cape_over(sheet: Sheet) -> None:
    """Draw the cape as the back shows it: over the dress, with a rolled upper edge."""
    hang(sheet, _cape_drape(111, 34.0))
    window = sheet.window(-190.0, 90.0, 190.0, 330.0)
    for drop, low in ((0.0, 168.0), (1.0, 214.0), (2.0, 262.0)):
        upper = curve(((0, low), (60, low - 10), (112, low - 42), (138 + 8 * drop, 122 + 4 * drop)))
        rim = stroke(window, *both(upper), width=9.0 - 2.0 * drop, blur=2.2)
        sheet.shade(window, 1.0 + 0.10 * rim)
        under = stroke(window, *both(moved(upper, 0.0, 8.0)), width=7.0, blur=3.0)
        sheet.shade(window, 1.0 - 0.12 * under)


# The inner edge of what the cape lays over the shoulder, from the clasp down to the arm.
_FOLD_BACK = ((98, 121), (122, 156), (152, 210), (188, 290), (222, 380), (262, 500))


def cape_shoulders(sheet: Sheet) -> None:
    """Draw the parts of the cape that lie over the shoulders, seen from the front."""
    for hand in (-1.0, 1.0):
        edges = (70.0 * hand, 300.0 * hand)
        window = sheet.window(min(edges), 95.0, max(edges), 500.0)
        x, y = window.x * np.float32(hand), window.y
        fold = curve(_FOLD_BACK)
        inner = np.interp(y, fold[:, 1], fold[:, 0], left=98.0)
        outer = hermite(_CAPE, y)
        mask = soft_step((x - inner).astype(np.float32), window, 2.6)
        shoulder = soft_step(y - 119.0 - 0.20 * (x - 98.0), window)
        mask = mask * soft_step(outer - x, window) * shoulder
        flow = (x - inner) / (outer - inner + 16.0)
        folds = np.cos(9.0 * flow + wobble((flow * 2.0 + y / 260.0).astype(np.float32), 6))
        z = 4.5 * folds + 40.0 * np.sqrt(np.clip(1.0 - ((x - 70.0) / 190.0) ** 2, 0.05, 1.0))
        tone, facing = lit(z.astype(np.float32), window)
        fade = np.clip((500.0 - y) / 260.0, 0.0, 1.0)
        rim = np.exp(-(((x - inner - 2.5) / 2.4) ** 2)) * mask * fade
        alpha = mask * sheer(0.52, facing) * fade
        alpha = alpha + 0.4 * rim * (1.0 - alpha)
        sheet.put(window, tone, alpha.astype(np.float32))
        _clasp(sheet, hand)


def _clasp(sheet: Sheet, hand: float) -> None:
    window = sheet.window(104.0 * hand - 16.0, 116.0, 104.0 * hand + 16.0, 150.0)
    spot = np.hypot(window.x - 104.0 * hand, window.y - 132.0)
    z = np.sqrt(np.clip(81.0 - spot * spot, 0.0, None)).astype(np.float32)
    tone, _ = lit(z, window, sheen=0.3)
    sheet.put(window, tone, soft_step(9.0 - spot, window), gold=1.0)
