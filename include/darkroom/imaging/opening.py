"""From a file of any kind to an upright sRGB image of the size that is wanted."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyvips

from darkroom.failures import DecodeFailed
from darkroom.imaging.colours import of_samples
from darkroom.imaging.formats import BEGINNING, VECTORS, Format, format_of
from darkroom.imaging.readers.bmp import look_at_bmp, read_bmp
from darkroom.imaging.readers.gif import read_gif
from darkroom.imaging.readers.jpeg import Jpeg, mapped, require_whole
from darkroom.imaging.readers.pdf import draw_pdf, look_at_pdf
from darkroom.imaging.readers.png import look_at_png, read_png
from darkroom.imaging.readers.svg import draw_svg, look_at_svg
from darkroom.imaging.readers.tiff import look_at_tiff, open_image, shown
from darkroom.imaging.segments import require_whole_segments
from darkroom.imaging.source import Decoded, Source, damage, in_memory, left_out, pixels_of, require_size, said
from darkroom.imaging.strict import listen

LOADERS = {
    Format.JPEG: ("jpegload", "uhdrload"),
    Format.PNG: ("pngload",),
    Format.WEBP: ("webpload",),
    Format.GIF: ("gifload",),
    Format.AVIF: ("heifload",),
    Format.HEIC: ("heifload",),
}
STRICT = {"fail_on": "warning"}
"""What a decoder only warns of refuses a file, too: `strict.HARMLESS` says what does not."""
_AT_ONCE = (Format.WEBP, Format.GIF, Format.AVIF, Format.HEIC)  # their libraries give whole frames
_TURNED = (5, 6, 7, 8)  # EXIF's orientations that lie on their side


def look(path: Path, max_pixels: int) -> Source:
    """Read a file's header. Raises `DecodeFailed` for what is no image, and for more pixels than `max_pixels`.

    A side has at most `LONGEST`, whatever the other has.
    """
    with path.open("rb") as file:
        kind = format_of(file.read(BEGINNING))
    match kind:
        case Format.PDF:
            source = look_at_pdf(path, max_pixels)
        case Format.SVG:
            source = look_at_svg(path, max_pixels)
        case Format.BMP:
            source = look_at_bmp(path)
        case Format.TIFF:
            source = look_at_tiff(path)
        case Format.PNG:
            source = look_at_png(_look_at_image(path, kind))
        case _:
            source = _look_at_image(path, kind)
    if kind not in VECTORS:  # a drawing is never drawn larger than it is wanted
        require_size("it", source.width, source.height, max_pixels)
    return source


def prepare(source: Source, width: int, height: int) -> pyvips.Image:
    """The image in that size: upright, 8 bit, sRGB, with its alpha if it has one.

    Decoded strictly: a damaged file raises `DecodeFailed`, or `pyvips.Error` when its pixels are asked for.
    """
    try:
        match source.format:
            case Format.PDF:
                image = draw_pdf(source.path, width, height)
            case Format.SVG:
                image = draw_svg(source, width, height)
            case Format.BMP:
                image = read_bmp(source.path)
            case Format.TIFF:
                image = _reduced_tiff(source, width, height)
            case Format.JPEG:
                return read_jpeg(source, width, height).image
            case Format.GIF:
                image = read_gif(source.path)
            case Format.PNG if (turned := read_png(source.path)) is not None:
                image = turned.thumbnail_image(width, height=height, size="force", output_profile="srgb")
            case _:
                how = _how(source, width, height)
                image = pyvips.Image.thumbnail(str(source.path), width, **how, **STRICT).colourspace("srgb")
        return _checked(_fitted(image, width, height))
    except pyvips.Error as error:
        raise DecodeFailed(f"it cannot be decoded: {damage(error)}") from None


def _how(source: Source, width: int, height: int) -> dict[str, Any]:
    """How it is reduced, turned upright and brought to sRGB, all in one stream and no larger than it has to be."""
    size = "down" if (width, height) == (source.width, source.height) else "force"
    if source.plain:  # else libvips would transform from sRGB to sRGB, which takes longer than all the rest
        return {"height": height, "size": size}
    return {"height": height, "size": size, "output_profile": "srgb"}


def read_jpeg(source: Source, width: int, height: int) -> Decoded:
    """The same of a JPEG, in memory. Raises `DecodeFailed`."""
    try:
        with mapped(source.path) as data:
            jpeg, heard = Jpeg(data), listen()
            image = pyvips.Image.thumbnail_source(jpeg.source, width, **_how(source, width, height), **STRICT)
            image = _checked(_fitted(image.colourspace("srgb"), width, height))
            pixels, icc = pixels_of(image)
            del image  # and what was opened for it is closed, and says at once what it warns of
            require_whole(jpeg, data, heard)
            jpeg.close()
        return in_memory(pixels, icc)
    except pyvips.Error as error:
        raise DecodeFailed(f"it cannot be decoded: {damage(error)}") from None


def _fitted(image: pyvips.Image, width: int, height: int) -> pyvips.Image:
    if (image.width, image.height) == (width, height):
        return image
    return image.thumbnail_image(width, height=height, size="force", output_profile="srgb")


def _reduced_tiff(source: Source, width: int, height: int) -> pyvips.Image:
    require_whole_segments(source.path)
    with shown(source.path) as (page, seen):
        image = of_samples(lambda: open_image(page, seen), page.samples)
        how = _how(replace(source, plain=_is_plain(image)), width, height)
        return image.thumbnail_image(width, **how).colourspace("srgb")


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
    return Header(width, height, _is_plain(image), _held(image, kind, "interlaced" in fields), left_out(pages))


def _is_plain(image: pyvips.Image) -> bool:
    simple = image.format == "uchar" and image.interpretation in ("srgb", "b-w")
    return simple and "icc-profile-data" not in image.get_fields()


def _look_at_image(path: Path, kind: Format) -> Source:
    try:
        image = pyvips.Image.new_from_file(str(path), access="sequential", **STRICT)
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
    if kind in (Format.AVIF, Format.HEIC):
        channel *= 4  # the decoded planes, the converted ones, the image and what is under way (measured)
    bands = 4 if kind is Format.GIF else image.bands  # what its decoder holds, used or not
    return int(image.width * image.height * bands * channel)


def _checked(image: pyvips.Image) -> pyvips.Image:
    if image.format != "uchar":
        image = image.cast("uchar")
    if image.bands not in (3, 4):
        raise DecodeFailed(f"it has {image.bands} channels, which are no picture in colour")
    return image
