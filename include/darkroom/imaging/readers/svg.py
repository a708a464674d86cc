"""SVG: a drawing, by itself."""

import zlib
from pathlib import Path

import pyvips

from darkroom.failures import DecodeFailed
from darkroom.imaging.drawings import DPI, DRAWN, POINTS
from darkroom.imaging.formats import GZIP, Format
from darkroom.imaging.readers.svg_contents import Contents, utf8
from darkroom.imaging.source import Source, said

_LARGEST = 32 << 20  # bytes; all of it is parsed in memory
_PARSED = 64  # bytes that librsvg takes for one of a drawing of many small parts, as measured
_EMBEDDED = 8  # bytes that it takes for a pixel of an embedded image


def look_at_svg(path: Path, max_pixels: int) -> Source:
    """Read its size, and prove that all of it is in the file. Raises `DecodeFailed`."""
    data = _data(path)
    contents = Contents(max_pixels)
    contents.read(data)
    drawing = _svg(data, DPI / POINTS)
    if 1 in (drawing.width, drawing.height):  # what libvips makes of a side that it cannot count, too
        raise DecodeFailed(
            f"it is an SVG that is a hair or many million pixels wide or high at {DPI} dpi; give it another size"
        )
    held = DRAWN + _PARSED * len(data) + _EMBEDDED * contents.pixels
    return Source(path, Format.SVG, drawing.width, drawing.height, held=held, notes=contents.notes)


def draw_svg(source: Source, width: int, height: int) -> pyvips.Image:
    """All of it, about that size and no larger. Raises `DecodeFailed`."""
    return _svg(_data(source.path), DPI / POINTS * min(width / source.width, height / source.height))


def _data(path: Path) -> bytes:
    """All of an SVG in UTF-8, unpacked."""
    with path.open("rb") as file:
        data = file.read(_LARGEST + 1)
    if data.startswith(GZIP):
        engine = zlib.decompressobj(zlib.MAX_WBITS | 16)
        try:
            data = engine.decompress(data, _LARGEST + 1)
        except zlib.error:
            data = b""
        if len(data) <= _LARGEST and not engine.eof:
            raise DecodeFailed("it is a gzip file that is cut short or damaged")
    if len(data) > _LARGEST:
        raise DecodeFailed(f"it is an SVG of more than {_LARGEST >> 20} MiB")
    return utf8(data)


def _svg(data: bytes, scale: float) -> pyvips.Image:
    """Read from memory, it has no place that a reference could start from."""
    try:
        return pyvips.Image.svgload_buffer(data, scale=scale, access="sequential", fail_on="error")
    except pyvips.Error as error:
        raise DecodeFailed(f"it is an SVG that cannot be drawn: {said(error)}") from None
