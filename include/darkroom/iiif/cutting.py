"""An answer: part of a pyramid, made smaller, mirrored, turned, and packed as asked."""

import pyvips

from darkroom.failures import DecodeFailed
from darkroom.iiif.geometry import Cut
from darkroom.iiif.plan import plan
from darkroom.iiif.pyramid import Pyramid
from darkroom.iiif.tiles import taken
from darkroom.imaging.source import damage

_QUALITY = 85  # of JPEG and WebP
_WHITE = [255]
_HALF = 128


def cut_of(pyramid: Pyramid, cut: Cut) -> bytes:
    """The answer as a file. Memory does not grow with the pyramid: only the tiles that are needed are read.

    Raises `DecodeFailed` for a broken pyramid, `Unservable` where too much would have to be read, and `StoreError`,
    `SourceChanged` as the store does.
    """
    image = taken(pyramid, plan(pyramid.grids, cut))
    try:
        return _packed(_shown(image, cut), cut)
    except pyvips.Error as error:
        raise DecodeFailed(f"it cannot be decoded: {damage(error)}") from None


def _shown(image: pyvips.Image, cut: Cut) -> pyvips.Image:
    if (image.width, image.height) != (cut.width, cut.height):
        image = image.thumbnail_image(cut.width, height=cut.height, size="force")
    if cut.mirrored:
        image = image.fliphor()
    if cut.turn:
        image = image.copy_memory().rot(f"d{cut.turn}")
    if cut.format == "jpg" and image.hasalpha():
        image = image.flatten(background=_WHITE)
    if cut.quality in ("gray", "bitonal"):
        image = image.colourspace("b-w")
    if cut.quality == "bitonal":
        # what can be seen through is judged as it looks on paper
        image = (image.flatten(background=_WHITE) if image.hasalpha() else image) >= _HALF
    return image


def _packed(image: pyvips.Image, cut: Cut) -> bytes:
    data: bytes
    match cut.format:
        case "png":
            depth = {"bitdepth": 1} if cut.quality == "bitonal" else {}
            data = image.pngsave_buffer(compression=4, keep="none", **depth)
        case "webp":
            data = image.webpsave_buffer(Q=_QUALITY, keep="none")
        case _:
            data = image.jpegsave_buffer(Q=_QUALITY, keep="none", optimize_coding=True)
    return data
