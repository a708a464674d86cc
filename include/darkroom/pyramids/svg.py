"""SVG: a drawing, by itself."""

import re
from pathlib import Path

import pyvips

from darkroom.pyramids.failures import DecodeFailed
from darkroom.pyramids.formats import Format
from darkroom.pyramids.source import Source, at_dpi, said

_LARGEST_SVG = 32 << 20  # bytes; all of it is parsed in memory
# a reference that leaves the file, or a way to hide one
_SVG_OUTSIDE = re.compile(
    rb"""(?:href\s*=\s*["']\s*(?!\#|data:)[^"'\s]|url\(\s*["']?\s*(?!\#|data:)[^"')\s]|@import|<!ENTITY|<\?xml-stylesheet)""",
    re.IGNORECASE,
)


def look_at_svg(path: Path) -> Source:
    """Read its size. Raises `DecodeFailed`."""
    drawing = _svg(path)
    return Source(path, Format.SVG, at_dpi(drawing.width), at_dpi(drawing.height))


def draw_svg(path: Path, width: int) -> pyvips.Image:
    """All of it, about so many pixels wide."""
    return _svg(path, scale=width / _svg(path).width)


def _svg(path: Path, scale: float = 1.0) -> pyvips.Image:
    """An SVG by itself: read from memory, it has no place that a reference could start from."""
    if path.stat().st_size > _LARGEST_SVG:
        raise DecodeFailed(f"it is an SVG of more than {_LARGEST_SVG >> 20} MiB")
    data = path.read_bytes()
    if _SVG_OUTSIDE.search(data):
        raise DecodeFailed("it is an SVG that refers to something outside of itself; embed it")
    try:
        return pyvips.Image.svgload_buffer(data, scale=scale, access="sequential", fail_on="error")
    except pyvips.Error as error:
        raise DecodeFailed(f"it is an SVG that cannot be drawn: {said(error)}") from None
