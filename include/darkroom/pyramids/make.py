"""One pyramid: opened, written, read back."""

from dataclasses import dataclass
from pathlib import Path

import pyvips

from darkroom.failures import DecodeFailed, ValidateFailed, WriteFailed
from darkroom.imaging.formats import Format
from darkroom.imaging.opening import prepare, read_jpeg
from darkroom.imaging.source import Decoded, Source, in_memory, pixels_of, said
from darkroom.pyramids import deflate_tiff
from darkroom.pyramids.profiles import CAP, Cap, Profile
from darkroom.pyramids.proof import unlike
from darkroom.pyramids.validate import structure


@dataclass(frozen=True, slots=True)
class Made:
    """A pyramid that was written and proven; `width` and `height` are the largest level's."""

    width: int
    height: int
    pages: int
    """Levels."""
    source: Source


def make_pyramid(source: Source, target: Path, profile: Profile, *, cap: Cap = CAP) -> Made:
    """Write a source's pyramid to `target`, and read it back.

    Raises `StepFailed`, and leaves nothing at `target` then. The reduced image is in memory (at most 64 MB with the
    largest cap); the source is not, unless its format needs all of it at once (`Source.held`).
    """
    decoded = decode(source, cap, alpha=profile.alpha, background=profile.background)
    try:
        write(decoded, target, profile)
        return Made(decoded.image.width, decoded.image.height, prove(target, profile, decoded), source)
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def decode(source: Source, cap: Cap, *, alpha: bool, background: int = 255) -> Decoded:
    """Decode a source, no larger than `cap`; without `alpha`, flattened on `background`. Raises `DecodeFailed`."""
    width, height = cap.fitted(source.width, source.height)
    read = read_jpeg(source, width, height) if source.format is Format.JPEG else None
    image = read.image if read else prepare(source, width, height)
    if image.hasalpha() and not alpha:
        image = image.flatten(background=background)
    elif read:  # it is in memory, and is not to be copied
        return read
    try:
        return in_memory(*pixels_of(image))
    except pyvips.Error as error:
        raise DecodeFailed(f"it cannot be decoded: {said(error)}") from None


def write(decoded: Decoded, target: Path, profile: Profile) -> None:
    """Write an image with all its levels. Raises `WriteFailed`."""
    height, width, bands = decoded.pixels.shape
    tile, big = profile.tile_for(width, height), profile.is_big(width, height, bands)
    try:
        if profile.compression == "deflate":
            deflate_tiff.save(decoded.pixels, target, tile=tile, dpi=profile.dpi, icc=decoded.icc, big=big)
        else:
            _save_by_libvips(decoded.image, target, profile, tile, big)
    except (pyvips.Error, OSError) as error:
        raise WriteFailed(f"its pyramid cannot be written: {said(error)}") from None


def _save_by_libvips(image: pyvips.Image, target: Path, profile: Profile, tile: int, big: bool) -> None:
    options = {"Q": profile.quality, "predictor": profile.predictor}
    image.tiffsave(
        str(target),
        compression=profile.compression,
        tile=True,
        tile_width=tile,
        tile_height=tile,
        pyramid=True,
        subifd=False,
        depth=profile.depth,
        bigtiff=big,
        xres=profile.dpi / 25.4,  # libvips counts a millimetre
        yres=profile.dpi / 25.4,
        resunit="inch",
        keep="icc",
        **{name: value for name, value in options.items() if value is not None},
    )


def prove(target: Path, profile: Profile, decoded: Decoded) -> int:
    """Read the pyramid of an image back; how many levels it has. Raises `ValidateFailed`."""
    found = structure(target)
    size = (decoded.image.width, decoded.image.height)
    tile = profile.tile_for(*size)
    wrong = list(found.problems)
    if found.levels != (due := _sizes(size, tile)):
        wrong.append(f"its levels are {_listed(found.levels)} instead of {_listed(due)}")
    if (found.compression, found.tile) != (profile.compression, (tile, tile)):
        wrong.append(f"it is in tiles of {found.tile} with {found.compression}, which is not {profile.name}")
    if found.dpi is None or abs(found.dpi - profile.dpi) > 1:
        wrong.append(f"its resolution is {found.dpi} dpi instead of {profile.dpi}")
    if not wrong:
        wrong += unlike(target, found, decoded.pixels)
    if wrong:
        raise ValidateFailed(f"its pyramid is wrong: {'; '.join(wrong)}")
    return len(found.levels)


def _sizes(size: tuple[int, int], tile: int) -> list[tuple[int, int]]:
    """The levels of an image of that size, each half of the one before until one fits in a tile.

    >>> _sizes((1029, 515), 512)
    [(1029, 515), (514, 257), (257, 128)]
    >>> _sizes((5000, 1), 512)
    [(5000, 1)]
    """
    sizes = [size]
    while max(sizes[-1]) > tile and min(sizes[-1]) > 1:
        sizes.append((sizes[-1][0] // 2, sizes[-1][1] // 2))
    return sizes


def _listed(sizes: list[tuple[int, int]]) -> str:
    return ", ".join(f"{width} x {height}" for width, height in sizes)
