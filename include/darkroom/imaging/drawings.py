"""How drawings, which have no pixels of their own, are measured: data, which forms read while DAGs are parsed."""

DPI = 300
"""At which a drawing is measured."""
POINTS = 72
"""Of an inch: what PDF and SVG measure in."""
LARGEST = 4000
"""Pixels of a side: no drawing is wanted larger."""
DRAWN = 3 * 4 * LARGEST**2
"""Bytes that it takes to draw the largest drawing: a bitmap, a group with alpha in it, and the copy that is kept."""
