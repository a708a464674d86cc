"""`info.json`: what may be asked of an image (https://iiif.io/api/image/3.0/#5-image-information)."""

from typing import Any

from darkroom.iiif.geometry import LARGEST
from darkroom.iiif.pyramid import Pyramid
from darkroom.iiif.request import FORMATS, QUALITIES

CONTEXT = "http://iiif.io/api/image/3/context.json"
CONTENT_TYPE = f'application/ld+json;profile="{CONTEXT}"'
PROFILE = "http://iiif.io/api/image/3/level2.json"

_OF_LEVEL_2 = ("jpg", "png")
_BEYOND_LEVEL_2 = ("canonicalLinkHeader", "mirroring", "profileLinkHeader", "sizeUpscaling")


def information(pyramid: Pyramid, base: str) -> dict[str, Any]:
    """The document of an image whose address is `base`."""
    first = pyramid.levels[0].grid
    sizes = [
        {"type": "Size", "width": grid.width, "height": grid.height}
        for grid in reversed(pyramid.grids)
        if max(grid.width, grid.height) <= LARGEST
    ]
    return {
        "@context": CONTEXT,
        "id": base,
        "type": "ImageService3",
        "protocol": "http://iiif.io/api/image",
        "profile": "level2",
        "width": first.width,
        "height": first.height,
        "maxWidth": LARGEST,
        "maxHeight": LARGEST,
        "sizes": sizes,
        "tiles": [
            {
                "type": "Tile",
                "width": first.tile_width,
                "height": first.tile_height,
                "scaleFactors": [2**number for number in range(len(pyramid.levels))],
            }
        ],
        "preferredFormats": ["jpg"],
        "extraFormats": [one for one in FORMATS if one not in _OF_LEVEL_2],
        "extraQualities": [one for one in QUALITIES if one != "default"],
        "extraFeatures": list(_BEYOND_LEVEL_2),
    }
