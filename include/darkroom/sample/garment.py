"""The sample dress as a table: each layer's name, and how it is drawn."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from darkroom.sample import bodices, extras, skirts, sleeves
from darkroom.sample.canvas import Drawn, Sheet
from darkroom.sample.figure import LENGTHS, Side

Painter = Callable[[Sheet], None]

SIDES: tuple[Side, Side] = ("front", "back")


def _with_slit(skirt: Callable[[Sheet, str, Side], None], length: str, sheet: Sheet) -> None:
    skirt(sheet, length, "front")
    skirts.slit(sheet, length)


def _skirts() -> dict[str, Painter]:
    table: dict[str, Painter] = {}
    for length in LENGTHS:
        for side in SIDES:
            where = f"{length}_bottom_{side}"
            table[f"base_{where}"] = partial(skirts.a_line, length=length, side=side)
            table[f"b1_{where}"] = partial(skirts.pleated, length=length, side=side)
            if length != "maxi":
                table[f"b2_{where}"] = partial(skirts.tiered, length=length, side=side)
    # The slit is at the front only: at the back, b3 draws nothing and the skirt stays.
    for length in ("knee", "maxi"):
        where = f"{length}_bottom_front"
        table[f"b3_{where}"] = partial(_with_slit, skirts.a_line, length)
        table[f"b3_for_b1_{where}"] = partial(_with_slit, skirts.pleated, length)
    table["b4_maxi_behind_front"] = skirts.train_behind
    table["b4_maxi_infront_back"] = skirts.train_over
    return table


def _tops() -> dict[str, Painter]:
    table: dict[str, Painter] = {}
    for side in SIDES:
        slot = f"neckline_{side}"
        table[f"base_{slot}"] = partial(bodices.fitted, neck="base", side=side)
        table[f"t1_{slot}"] = partial(bodices.fitted, neck="t1", side=side)
        table[f"t2_{slot}"] = partial(bodices.halter, side=side)
        table[f"t3_{slot}"] = partial(bodices.bardot, side=side)
        table[f"t4_infront_{side}"] = partial(sleeves.flutter, side=side)
        table[f"t5_for_base_{slot}"] = partial(sleeves.sleeved, neck="base", side=side)
        table[f"t5_for_t1_{slot}"] = partial(sleeves.sleeved, neck="t1", side=side)
        lace = partial(sleeves.lace, side=side)
        table[f"t6_for_base_{slot}"] = partial(lace, neck="base", sleeves=False)
        table[f"t6_for_t1_{slot}"] = partial(lace, neck="t1", sleeves=False)
        table[f"t6_for_t5_{slot}"] = partial(lace, neck="base", sleeves=True)
        table[f"t6_for_t1_t5_{slot}"] = partial(lace, neck="t1", sleeves=True)
    return table


def _accessories() -> dict[str, Painter]:
    table: dict[str, Painter] = {
        "a1_behind_front": sleeves.cape_behind,
        "a1_infront_front": sleeves.cape_shoulders,
        "a1_infront_back": sleeves.cape_over,
        "a3_infront_front": extras.buckle,
        "a5_infront_front": extras.corsage,
    }
    for side in SIDES:
        table[f"default_belt_{side}"] = partial(extras.waistband, side=side)
        table[f"a2_belt_{side}"] = partial(extras.sash, side=side)
        table[f"a2_infront_{side}"] = partial(extras.bow, side=side)
        table[f"a3_belt_{side}"] = partial(extras.belt, side=side)
        table[f"a4_behindbelt_{side}"] = partial(skirts.peplum, side=side)
    return table


PAINTERS: dict[str, Painter] = {**_tops(), **_skirts(), **_accessories()}


def draw(layer: str, size: int) -> Drawn:
    """Draw one layer, without a colour."""
    sheet = Sheet(size)
    PAINTERS[layer](sheet)
    return Drawn(sheet)
