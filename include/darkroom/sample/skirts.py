"""Everything below the waist: the skirts, the slit, the train and the peplum."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from darkroom.sample.canvas import Plane, Sheet, curve, fill, hermite, plane, stroke
from darkroom.sample.fabric import Drape, hang, lit, soft_step, wobble
from darkroom.sample.figure import BELT_TOP, LENGTHS, Side, skirt_width

SKIRT_TOP = BELT_TOP + 4.0
# Where the slit opens: beside the centre, on the wearer's left thigh.
SLIT_AT = 74.0
SLIT_TOP = {"knee": 792.0, "maxi": 838.0}


def _under_belt(sheet: Sheet) -> None:
    """Let the waistband throw its shadow on the cloth below it."""
    window = sheet.window(-260.0, SKIRT_TOP - 20.0, 260.0, 660.0)
    dark = 1.0 - 0.30 * np.exp(-np.maximum(window.y - 546.0, 0.0) / np.float32(17.0))
    sheet.shade(window, dark.astype(np.float32))


def a_line(sheet: Sheet, length: str, side: Side) -> None:
    """Draw the plain skirt: satin, in soft deep folds."""
    hem, wide = LENGTHS[length]
    drape = Drape(
        top=SKIRT_TOP,
        hem=hem - 20.0,
        width=partial(skirt_width, length),
        seed=21 if side == "front" else 47,
        folds=12.0,
        deep=wide * 0.125,
        sag=wide * 0.085,
        wave=wide * 0.05,
        gather=1.3,
        lining=0.26,
        edge=0.07,
    )
    hang(sheet, drape)
    if side == "back":
        _seam(sheet, hem)
    _under_belt(sheet)


def pleated(sheet: Sheet, length: str, side: Side) -> None:
    """Draw the pleated skirt: sharp knife pleats from waist to hem."""
    hem, wide = LENGTHS[length]
    drape = Drape(
        top=SKIRT_TOP,
        hem=hem - 20.0,
        width=partial(skirt_width, length, flare=1.04),
        seed=5,
        folds=31.0 if side == "front" else 27.0,
        deep=wide * 0.034,
        hang="knife",
        sag=wide * 0.08,
        wave=9.0,
        start=0.22,
        lining=0.24,
    )
    hang(sheet, drape)
    _under_belt(sheet)


def tiered(sheet: Sheet, length: str, side: Side) -> None:
    """Draw the tiered skirt: gathered ruffles, each falling over the next one."""
    hem, wide = LENGTHS[length]
    count = 3 if length == "micro_mini" else 4
    step = (hem - 20.0 - 548.0) / count
    for tier in reversed(range(count)):
        foot = 548.0 + step * (tier + 1)
        top = SKIRT_TOP if tier == 0 else foot - step - 26.0
        spread = partial(_tier_width, length, top, foot)
        drape = Drape(
            top=top,
            hem=foot,
            width=spread,
            seed=60 + 9 * tier + (31 if side == "back" else 0),
            folds=21.0 + 2.0 * tier,
            deep=wide * 0.062,
            sag=14.0 + 6.0 * tier,
            wave=17.0,
            start=0.35,
            gather=2.4,
            lining=0.22,
            edge=0.06,
        )
        hang(sheet, drape)
        if tier > 0:
            window = sheet.window(-wide - 60.0, top - 20.0, wide + 60.0, foot + 60.0)
            near = np.exp(-np.maximum(window.y - top - 44.0, 0.0) / np.float32(20.0))
            sheet.shade(window, (1.0 - 0.30 * near).astype(np.float32))
    _under_belt(sheet)


def _tier_width(length: str, top: float, foot: float, y: Plane) -> Plane:
    # A ruffle stands out from the skirt more and more, then starts again with the next one.
    out = np.clip((y - top) / (foot - top), 0.0, 1.0)
    return plane(skirt_width(length, y) * (0.97 + 0.11 * out))


def slit(sheet: Sheet, length: str) -> None:
    """Cut a slit into the skirt that is on the sheet, and show the skirt's inside through it."""
    hem, wide = LENGTHS[length]
    top, low = SLIT_TOP[length], hem + 60.0
    window = sheet.window(-40.0, top - 30.0, wide, low)
    run = np.clip((window.y - top) / (hem - top), 0.0, 1.2)
    left = SLIT_AT + (hem - top) * 0.020 * np.sin(run * 5.2) * run - 26.0 * run**1.4
    right = SLIT_AT + (hem - top) * 0.30 * run**1.45
    hole = soft_step(np.minimum(window.x - left, right - window.x), window, 2.4)
    hole = (hole * soft_step(window.y - top, window, 10.0)).astype(np.float32)
    back = hem - wide * 0.030 - 9.0 * wobble(window.x / 31.0, 8)
    z = 9.0 * wobble(window.x / 17.0 + 0.7 * run, 4) + 0.0 * window.y
    tone, _ = lit(z, window, sheen=0.05)
    shadow = np.exp(-np.maximum(window.x - left, 0.0) / 34.0)
    deep = np.exp(-np.maximum(right - window.x, 0.0) / 16.0)
    tone = 0.58 * tone - 0.20 * shadow - 0.10 * deep - 0.16 * (1.0 - np.minimum(run, 1.0))
    there = soft_step(back - window.y, window)
    sheet.put(window, tone.astype(np.float32), hole * there)
    sheet.cut(window, hole * (1.0 - there))
    # The flap's edge turns towards the eye and catches the light.
    for place, shine in ((left - 5.0, 0.20), (right + 4.0, -0.13)):
        near = np.exp(-(((window.x - place) / 9.0) ** 2)) * np.clip(run * 4.0, 0.0, 1.0)
        sheet.shade(window, (1.0 + shine * near * (1.0 - hole)).astype(np.float32))


def _seam(sheet: Sheet, hem: float) -> None:
    """Draw the seam in the middle of the back."""
    window = sheet.window(-14.0, SKIRT_TOP, 14.0, hem)
    line = curve(((0.0, SKIRT_TOP), (1.5, 640.0), (0.0, 720.0)))
    sheet.shade(window, 1.0 - 0.22 * stroke(window, line, width=2.0, blur=0.9))


def train_behind(sheet: Sheet) -> None:
    """Draw the train as the front shows it: lying on the floor, behind the hem."""
    upper = curve(((-300, 1300), (-380, 1380), (-470, 1448), (-560, 1490), (-612, 1524)))
    hem = curve(((-612, 1524), (-560, 1548), (-470, 1540), (-380, 1562), (-250, 1556), (-90, 1574),
                 (90, 1566), (260, 1578), (400, 1560), (520, 1570), (620, 1548), (684, 1540),
                 (712, 1512)))  # fmt: skip
    back = curve(((712, 1512), (640, 1474), (540, 1436), (420, 1370), (300, 1300)))
    window = sheet.window(-720.0, 1290.0, 740.0, 1595.0)
    mask = fill(window, np.vstack([upper, hem, back]), blur=1.4)
    x, y = window.x, window.y
    # The folds lie on rays from a point high above: the train was pulled out on the floor.
    ray = (x / (y - 1150.0)).astype(np.float32)
    phase = 7.5 * ray + 1.3 * wobble(ray * 2.2, 15)
    height = (0.5 + 0.5 * np.cos(phase * 2.0)) ** 1.4
    rise = np.clip((1592.0 - y) / 235.0, 0.0, 1.0)
    z = 26.0 * height * (0.25 + 0.75 * rise) - 46.0 * rise
    tone, _ = lit(z.astype(np.float32), window)
    under = np.exp(-(((np.abs(x) - 300.0).clip(0.0) / 120.0) ** 2))
    tone = plane(tone - 0.12 * (1.0 - height) - 0.16 * under - 0.02)
    rim = stroke(window, hem, width=3.0, blur=1.0)
    sheet.put(window, tone + 0.10 * rim, mask)


_TRAIN: tuple[tuple[float, float], ...] = (
    (556.0, 46.0), (640.0, 78.0), (760.0, 118.0), (980.0, 190.0), (1240.0, 310.0),
    (1430.0, 452.0), (1540.0, 560.0),
)  # fmt: skip


def train_over(sheet: Sheet) -> None:
    """Draw the train as the back shows it: falling from the waist, over the skirt."""
    drape = Drape(
        top=556.0,
        hem=1488.0,
        width=partial(hermite, _TRAIN),
        seed=83,
        folds=11.0,
        deep=30.0,
        swell=0.30,
        sag=80.0,
        wave=22.0,
        start=0.12,
        gather=2.0,
        lining=0.27,
        edge=0.07,
        lean=18.0,
    )
    hang(sheet, drape)
    window = sheet.window(-120.0, 545.0, 120.0, 640.0)
    dark = 1.0 - 0.28 * np.exp(-np.maximum(window.y - 556.0, 0.0) / np.float32(16.0))
    sheet.shade(window, dark.astype(np.float32))


_PEPLUM: tuple[tuple[float, float], ...] = (
    (516.0, 127.0), (545.0, 138.0), (600.0, 178.0), (660.0, 220.0), (720.0, 252.0),
)  # fmt: skip


def peplum(sheet: Sheet, side: Side) -> None:
    """Draw the peplum: two flounces of organza around the hips, below the belt."""
    drape = Drape(
        top=520.0,
        hem=690.0,
        width=partial(hermite, _PEPLUM),
        seed=91 if side == "front" else 97,
        folds=14.0,
        deep=25.0,
        sag=20.0,
        wave=26.0,
        start=0.12,
        gather=1.6,
        density=0.62,
        dim=-0.03,
    )
    _cast_shadow(sheet)
    hang(sheet, drape)
    window = sheet.window(-270.0, 516.0, 270.0, 700.0)
    near = np.exp(-(((window.y - 652.0) / 17.0) ** 2))
    sheet.shade(window, (1.0 - 0.20 * near).astype(np.float32))
    upper = replace(drape, hem=634.0, seed=drape.seed + 40, folds=16.0, wave=20.0, deep=21.0)
    hang(sheet, upper)
    _under_belt(sheet)


def _cast_shadow(sheet: Sheet) -> None:
    """Lay the peplum's shadow on the skirt, well inside of the skirt's own outline."""
    window = sheet.window(-240.0, 520.0, 240.0, 790.0)
    width = skirt_width("maxi", window.y) - 14.0
    inside = soft_step(width - np.abs(window.x), window, 26.0)
    hem = 716.0 + 18.0 * np.sqrt(np.clip(1.0 - (window.x / 260.0) ** 2, 0.0, 1.0))
    dark = inside * soft_step(hem - window.y, window, 44.0) * soft_step(window.y - 540.0, window)
    sheet.put(window, np.full_like(dark, 0.16), (0.34 * dark).astype(np.float32))
