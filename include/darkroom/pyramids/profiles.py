"""How a pyramid is written, and how large it may be: data, not code. Each profile counts whole in its recipes."""

from dataclasses import dataclass, field
from functools import cache
from typing import Literal

from darkroom.imaging.drawings import LARGEST
from darkroom.recipes import PROSE


@dataclass(frozen=True, slots=True)
class Profile:
    """A way of writing. Where `alpha` is not kept, it is flattened: its codec would drop it silently."""

    name: str
    compression: str
    tile: int
    """Width and height of a tile, in pixels, of an image that is not smaller."""
    alpha: bool
    note: str = field(metadata=PROSE)
    """Who reads it, in a sentence."""
    quality: int | None = None
    predictor: Literal["horizontal"] | None = None
    background: int = 255
    """What is below alpha that is not kept, of 255 in each channel: white."""
    dpi: int = 300
    """What a pyramid says of its resolution."""
    depth: Literal["onetile"] = "onetile"
    """The last level is the first that fits in a tile."""
    smallest_tile: int = 16
    """TIFF 6.0: a multiple of 16."""
    big_from: float = 3.5e9
    """Bytes of 8-bit samples with all levels from which it is a BigTIFF: 32-bit offsets may not do."""

    def tile_for(self, width: int, height: int) -> int:
        """The tile of an image: the smallest power of two that holds all of it, where that is smaller than `tile`.

        libvips opens no TIFF whose tiles are many times larger than its image.
        """
        tile = self.smallest_tile
        while tile < self.tile and tile < max(width, height):
            tile *= 2
        return tile

    def is_big(self, width: int, height: int, bands: int) -> bool:
        """Is a pyramid of 8-bit samples a BigTIFF?"""
        return width * height * bands * 4 / 3 > self.big_from


PROFILES = {
    profile.name: profile
    for profile in (
        Profile("deflate", "deflate", 512, alpha=True, predictor="horizontal", note="Every image server reads it."),
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


def wrong_profile(name: str) -> str:
    """Why nothing can be written by a profile of that name; empty where it can."""
    if name not in PROFILES:
        return f"there is no {name!r}; the profiles are: {', '.join(PROFILES)}."
    return "" if name in available() else f"this libvips cannot write {name}; it can: {', '.join(available())}."
