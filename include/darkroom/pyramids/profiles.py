"""How a pyramid is written, and how large it may be: data, not code."""

from dataclasses import dataclass
from functools import cache

from darkroom.imaging.drawings import LARGEST

DPI = 300
"""What a pyramid says of its resolution."""
_SMALLEST_TILE = 16  # TIFF 6.0: a multiple of 16
_BIG_TIFF = 3.5e9  # bytes of pixels with all levels, from which 32-bit offsets may not do


@dataclass(frozen=True, slots=True)
class Profile:
    """A way of writing. Where `alpha` is not kept, it is flattened on white: its codec would drop it silently."""

    name: str
    compression: str
    tile: int
    """Width and height of a tile, in pixels, of an image that is not smaller."""
    alpha: bool
    note: str
    """Who reads it, in a sentence."""
    quality: int | None = None
    predictor: str | None = None

    def tile_for(self, width: int, height: int) -> int:
        """The tile of an image: the smallest power of two that holds all of it, where that is smaller than `tile`.

        libvips opens no TIFF whose tiles are many times larger than its image.
        """
        tile = _SMALLEST_TILE
        while tile < self.tile and tile < max(width, height):
            tile *= 2
        return tile


PROFILES = {
    profile.name: profile
    for profile in (
        Profile(
            "deflate",
            "deflate",
            512,
            alpha=True,
            predictor="horizontal",
            note="Every image server reads it.",
        ),
        Profile("jpeg", "jpeg", 256, alpha=False, quality=90, note="Every image server reads it; it loses detail."),
        Profile(
            "webp",
            "webp",
            512,
            alpha=True,
            quality=90,
            note="Servers on libvips or libtiff with WebP read it; Cantaloupe's Java reader does not.",
        ),
        Profile(
            "zstd",
            "zstd",
            512,
            alpha=True,
            predictor="horizontal",
            note="Servers on libvips or libtiff with Zstandard read it; Cantaloupe's Java reader does not.",
        ),
    )
}
DEFAULT = "deflate"


@dataclass(frozen=True, slots=True)
class Cap:
    """The largest size of a pyramid, in pixels."""

    width: int
    height: int

    def fitted(self, width: int, height: int) -> tuple[int, int]:
        """A size, made to fit; never larger than it is.

        >>> Cap(4000, 4000).fitted(30000, 26000)
        (4000, 3467)
        >>> Cap(843, 560).fitted(20000, 3)
        (843, 1)
        """
        scale = min(1.0, self.width / width, self.height / height)
        return max(1, round(width * scale)), max(1, round(height * scale))


CAP = Cap(LARGEST, LARGEST)
COPYRIGHT_CAP = Cap(843, 560)
"""What may be shown of an image that somebody else owns."""


@cache
def available() -> dict[str, Profile]:
    """The profiles that this libvips can write, found out by writing a small image with each."""
    import pyvips  # forms read this file while DAGs are parsed

    trial = pyvips.Image.black(16, 16, bands=3).copy(interpretation="srgb")
    found = {}
    for name, profile in PROFILES.items():
        try:
            trial.tiffsave_buffer(compression=profile.compression, tile=True)
        except pyvips.Error:
            continue
        found[name] = profile
    return found


def is_big(width: int, height: int, bands: int) -> bool:
    """Does a pyramid of 8-bit samples need BigTIFF?"""
    return width * height * bands * 4 / 3 > _BIG_TIFF
