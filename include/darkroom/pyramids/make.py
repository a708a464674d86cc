"""One pyramid: opened, written, read back."""

import errno
from dataclasses import dataclass
from pathlib import Path

import pyvips

from darkroom.pyramids.failures import DecodeFailed, ValidateFailed, WriteFailed
from darkroom.pyramids.opening import Source, prepare, said
from darkroom.pyramids.profiles import CAP, DPI, Cap, Profile, is_big
from darkroom.pyramids.validate import inspect, unlike

_OF_THE_DISK = ("no space left", "disk quota", "unable to write", "write error", "file too large")


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

    Raises `PyramidFailed`, and leaves nothing at `target` then. Memory does not grow with the source, unless its
    format needs all of it at once (`Source.whole`).
    """
    width, height = cap.fitted(source.width, source.height)
    try:
        _write(prepare(source, width, height), target, profile)
        return Made(width, height, _proven(source, target, profile, (width, height)), source)
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def _write(image: pyvips.Image, target: Path, profile: Profile) -> None:
    if image.hasalpha() and not profile.alpha:
        image = image.flatten(background=255)
    options = {"Q": profile.quality, "predictor": profile.predictor}
    try:
        image.tiffsave(
            str(target),
            compression=profile.compression,
            tile=True,
            tile_width=profile.tile,
            tile_height=profile.tile,
            pyramid=True,
            subifd=False,
            depth="onetile",
            bigtiff=is_big(image.width, image.height, image.bands),
            xres=DPI / 25.4,  # libvips counts a millimetre
            yres=DPI / 25.4,
            resunit="inch",
            keep="icc",
            **{name: value for name, value in options.items() if value is not None},
        )
    except pyvips.Error as error:
        text = str(error).lower()
        if any(sign in text for sign in _OF_THE_DISK):
            raise WriteFailed(f"its pyramid cannot be written: {said(error)}") from None
        raise DecodeFailed(f"it cannot be decoded: {said(error)}") from None
    except OSError as error:
        raise WriteFailed(f"its pyramid cannot be written: {errno.errorcode.get(error.errno or 0, error)}") from None


def _proven(source: Source, target: Path, profile: Profile, size: tuple[int, int]) -> int:
    """Read the pyramid back; how many levels it has. Raises `ValidateFailed`."""
    found = inspect(target)
    wrong = list(found.problems)
    if found.levels and found.levels[0] != size:
        wrong.append(f"it is {found.levels[0][0]} x {found.levels[0][1]} instead of {size[0]} x {size[1]}")
    if (found.compression, found.tile) != (profile.compression, (profile.tile, profile.tile)):
        wrong.append(f"it is in tiles of {found.tile} with {found.compression}, which is not {profile.name}")
    if found.dpi is None or abs(found.dpi - DPI) > 1:
        wrong.append(f"its resolution is {found.dpi} dpi instead of {DPI}")
    if not wrong:
        wrong += unlike(target, found, prepare(source, *size))
    if wrong:
        raise ValidateFailed(f"its pyramid is wrong: {'; '.join(wrong)}")
    return len(found.levels)
