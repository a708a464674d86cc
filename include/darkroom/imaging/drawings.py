"""How drawings, which have no pixels of their own, are measured: data, which forms read while DAGs are parsed."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Drawings:
    """`dpi`: at which a drawing is measured. `largest`: pixels of a side; no drawing is wanted larger."""

    dpi: int
    largest: int


DRAWINGS = Drawings(dpi=300, largest=4000)
DPI, LARGEST = DRAWINGS.dpi, DRAWINGS.largest
POINTS = 72
"""Of an inch: what PDF and SVG measure in."""
DRAWN = 3 * 4 * LARGEST**2
"""Bytes that it takes to draw the largest drawing: a bitmap, a group with alpha in it, and the copy that is kept."""
