"""From a file of any kind to an upright sRGB image of the size that is wanted."""

import re
import threading
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyvips

from darkroom.pyramids.failures import DecodeFailed
from darkroom.pyramids.formats import BEGINNING, VECTORS, Format, format_of
from darkroom.pyramids.profiles import DPI

# each file is opened for one purpose: libvips would keep it open, and take a new file of the same name for the old one
pyvips.cache_set_max(0)

_POINTS = 72  # of an inch, in which PDF and SVG measure
LOADERS = {
    Format.JPEG: ("jpegload", "uhdrload"),
    Format.PNG: ("pngload",),
    Format.TIFF: ("tiffload",),
    Format.WEBP: ("webpload",),
    Format.GIF: ("gifload",),
    Format.AVIF: ("heifload",),
    Format.HEIC: ("heifload",),
}
_AT_ONCE = (Format.WEBP, Format.GIF, Format.AVIF, Format.HEIC)  # their libraries give whole frames
_TURNED = (5, 6, 7, 8)  # EXIF's orientations that lie on their side
_LARGEST_SVG = 32 << 20  # bytes; all of it is parsed in memory
# a reference that leaves the file, or a way to hide one
_SVG_OUTSIDE = re.compile(
    rb"""(?:href\s*=\s*["']\s*(?!\#|data:)[^"'\s]|url\(\s*["']?\s*(?!\#|data:)[^"')\s]|@import|<!ENTITY|<\?xml-stylesheet)""",
    re.IGNORECASE,
)
_PATH = re.compile(r'"/[^"]*"|(?<!\S)/\S+')
_pdfium = threading.Lock()  # it is not for several threads (https://pypdfium2.readthedocs.io)


@dataclass(frozen=True, slots=True)
class Source:
    """A file that can be opened; `width` and `height` are those of the upright image, of a drawing at 300 dpi."""

    path: Path
    format: Format
    width: int
    height: int
    plain: bool = False
    """Is it in 8-bit sRGB or grey without a profile of its own, so that no colour has to be managed?"""
    held: int = 0
    """Bytes that are in memory at once to decode it, beside a stream's: for a format that cannot be decoded as one."""
    notes: tuple[str, ...] = field(default=())
    """What is not taken over, a sentence each."""


def look(path: Path, max_pixels: int) -> Source:
    """Read a file's header. Raises `DecodeFailed` for what is no image, and for more pixels than `max_pixels`."""
    with path.open("rb") as file:
        kind = format_of(file.read(BEGINNING))
    match kind:
        case Format.PDF:
            source = _look_at_pdf(path)
        case Format.SVG:
            width, height = _svg(path).width, _svg(path).height
            source = Source(path, kind, _at_dpi(width), _at_dpi(height))
        case Format.BMP:
            with _bmp(path) as image:
                source = Source(path, kind, image.width, image.height, held=2 * 4 * image.width * image.height)
        case _:
            source = _look_at_image(path, kind)
    # a drawing is never drawn larger than it is wanted
    if source.width * source.height > max_pixels and kind not in VECTORS:
        raise DecodeFailed(
            f"it has {source.width:,} x {source.height:,} pixels, more than DARKROOM_MAX_SCAN_PIXELS allows "
            f"({max_pixels:,})"
        )
    return source


def prepare(source: Source, width: int, height: int) -> pyvips.Image:
    """The image in that size: upright, 8 bit, sRGB, with its alpha if it has one.

    Decoded only when its pixels are asked for, and strictly: then a damaged file raises `pyvips.Error`.
    """
    try:
        match source.format:
            case Format.PDF:
                image = _draw_pdf(source.path, width)
            case Format.SVG:
                image = _svg(source.path, scale=width / _svg(source.path).width)
            case Format.BMP:
                image = _read_bmp(source.path)
            case _:
                image = _reduced(source, width, height)
        if (image.width, image.height) != (width, height):
            image = image.thumbnail_image(width, height=height, size="force", output_profile="srgb")
        return _checked(image)
    except pyvips.Error as error:
        raise DecodeFailed(f"it cannot be decoded: {said(error)}") from None


def _reduced(source: Source, width: int, height: int) -> pyvips.Image:
    """Decoded no larger than it has to be, turned upright, reduced and brought to sRGB, all in one stream."""
    options: dict[str, Any] = {"size": "down" if (width, height) == (source.width, source.height) else "force"}
    if not source.plain:  # else libvips would transform from sRGB to sRGB, which takes longer than all the rest
        options["output_profile"] = "srgb"
    image = pyvips.Image.thumbnail(str(source.path), width, height=height, fail_on="error", **options)
    return image.colourspace("srgb")


def said(error: Exception) -> str:
    """What a library says is wrong: one printable line, without this machine's paths and without a full stop."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    # libvips' own summary says only what it could not do, and not why
    telling = [line for line in lines if not line.startswith("unable to ")] or lines
    line = telling[-1] if telling else type(error).__name__
    line = "".join(char if char.isprintable() else " " for char in line[:400])
    return _PATH.sub("it", line).rstrip(".")


@dataclass(frozen=True, slots=True)
class Header:
    """What an image's header says, as `Source` has it."""

    width: int
    height: int
    plain: bool
    held: int
    notes: tuple[str, ...]


def header_of(image: pyvips.Image, kind: Format) -> Header:
    """What a just opened image says of itself. Raises `DecodeFailed` where another loader has opened it."""
    fields: set[str] = set(image.get_fields())
    if image.get("vips-loader").removesuffix("_source") not in LOADERS[kind]:
        raise DecodeFailed(f"it begins as a {kind} and is something else ({image.get('vips-loader')})")
    pages = image.get("n-pages") if "n-pages" in fields else 1
    width, height = image.width, image.height
    if "orientation" in fields and image.get("orientation") in _TURNED:
        width, height = height, width
    plain = image.format == "uchar" and image.interpretation in ("srgb", "b-w") and "icc-profile-data" not in fields
    return Header(width, height, plain, _held(image, kind, "interlaced" in fields), _left_out(pages))


def _look_at_image(path: Path, kind: Format) -> Source:
    try:
        image = pyvips.Image.new_from_file(str(path), access="sequential", fail_on="error")
    except pyvips.Error as error:
        raise DecodeFailed(f"it is a {kind} that cannot be opened: {said(error)}") from None
    found = header_of(image, kind)
    return Source(path, kind, found.width, found.height, found.plain, found.held, found.notes)


def _held(image: pyvips.Image, kind: Format, interlaced: bool) -> int:
    channel = 0
    if kind is Format.JPEG and interlaced:
        channel = 2  # bytes of a coefficient, and none is final before the last scan
    elif kind in _AT_ONCE or (kind is Format.PNG and interlaced):
        channel = 2 if image.format == "ushort" else 1
    return int(image.width * image.height * image.bands * channel)


def _look_at_pdf(path: Path) -> Source:
    with _pdfium, _pdf(path) as document:
        pages = len(document)
        width, height = document[0].get_size() if pages else (0, 0)
    if width < 1 or height < 1:
        raise DecodeFailed("its first page has no size")
    return Source(path, Format.PDF, _at_dpi(width), _at_dpi(height), notes=_left_out(pages))


def _left_out(pages: int) -> tuple[str, ...]:
    return (f"It has {pages:,} pages; only the first one is shown.",) if pages > 1 else ()


def _at_dpi(points: float) -> int:
    return max(1, round(points * DPI / _POINTS))


def _draw_pdf(path: Path, width: int) -> pyvips.Image:
    with _pdfium, _pdf(path) as document:
        page = document[0]
        bitmap = page.render(scale=width / page.get_size()[0], rev_byteorder=True)
        pixels = np.ascontiguousarray(bitmap.to_numpy()[..., :3])
    return _of_pixels(pixels)


def _pdf(path: Path) -> Any:
    """The document, to be closed by `with`."""
    import pypdfium2

    try:
        return closing(pypdfium2.PdfDocument(path))
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise DecodeFailed("it needs a password; save it without one") from None
        raise DecodeFailed(f"it is a PDF that cannot be opened: {said(error)}") from None


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


def _bmp(path: Path) -> Any:
    from PIL import Image, UnidentifiedImageError

    Image.MAX_IMAGE_PIXELS = None  # ours is the limit, and only BMPs are opened
    try:
        return Image.open(path, formats=["BMP"])
    except (UnidentifiedImageError, OSError, ValueError) as error:
        raise DecodeFailed(f"it is a BMP that cannot be opened: {said(error)}") from None


def _read_bmp(path: Path) -> pyvips.Image:
    with _bmp(path) as image:
        try:
            pixels = np.asarray(image.convert("RGBA" if "A" in image.getbands() else "RGB"))
        except (OSError, ValueError, SyntaxError) as error:
            raise DecodeFailed(f"it cannot be decoded: {said(error)}") from None
    return _of_pixels(pixels)


def _of_pixels(pixels: np.ndarray[Any, Any]) -> pyvips.Image:
    return pyvips.Image.new_from_array(pixels).copy(interpretation="srgb")


def _checked(image: pyvips.Image) -> pyvips.Image:
    if image.format != "uchar":
        image = image.cast("uchar")
    if image.bands not in (3, 4):
        raise DecodeFailed(f"it has {image.bands} channels, which are no picture in colour")
    return image
