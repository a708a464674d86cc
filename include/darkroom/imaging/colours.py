"""From a TIFF's stored samples to 8-bit sRGB or to what libvips' colour management reads."""

from collections.abc import Callable

import pyvips

from darkroom.imaging.readers.samples import CMYK, FLOAT, ICC_LAB, LAB, Samples, own_range

Open = Callable[[], pyvips.Image]
"""Opens an image anew: it is a stream, and can be gone through once."""

_ICC = "icc-profile-data"  # libvips' name for it
_LARGEST = 3.0e38  # of a float that is a number


def of_samples(opening: Open, one: Samples) -> pyvips.Image:
    """The picture of an opened TIFF's samples, and its alpha where it has one.

    Where there is alpha, in 8-bit sRGB: libvips takes it along wrongly through some conversions of colours.
    """
    image = opening()
    if one.is_taken_along and not (one.alpha is not None and _ICC in image.get_fields()):
        return image
    if one.scaled:
        low, high = _range(opening, one)
        colour, alpha = _apart(image, one)
        colour = _stretched(colour, low, high)
    else:
        colour, alpha = _apart(image, one)
    if one.inverted:
        colour = colour.invert()
    if alpha is None:
        return colour
    return _in_srgb(colour).bandjoin(_eight_bit(alpha, one)).copy(interpretation="srgb")


def _apart(image: pyvips.Image, one: Samples) -> tuple[pyvips.Image, pyvips.Image | None]:
    """The colours as they are meant, and the alpha as it is stored."""
    extra = one.channels - one.colours
    bands = image.bands - extra  # a palette's have become three
    colour = image if not extra else image.extract_band(0, n=bands)
    if one.space in (LAB, ICC_LAB):
        colour = _lab(colour, one)
    elif extra:
        colour = colour.copy(interpretation=_interpretation(one, bands, image))
    if one.alpha is None:
        return colour, None
    alpha = image.extract_band(bands + one.alpha - one.colours)
    if one.associated:
        whole = colour.bandjoin((alpha.cast("float") / one.opaque).cast("float"))  # libvips knows no large alpha
        divided = whole.unpremultiply(max_alpha=1, alpha_band=bands).extract_band(0, n=bands)
        divided = divided if colour.format == "float" else divided.rint()
        colour = divided.cast(colour.format).copy(interpretation=colour.interpretation)
    return colour, alpha


def _interpretation(one: Samples, bands: int, image: pyvips.Image) -> str:
    if one.space == CMYK:
        return "cmyk"
    sixteen = image.format == "ushort"
    if bands == 1:
        return "grey16" if sixteen else "b-w"
    return "rgb16" if sixteen else "srgb"


def _lab(image: pyvips.Image, one: Samples) -> pyvips.Image:
    """L* from 0 to 100, a* and b* as they are, of what TIFF 6.0 and ICC pack them in."""
    if one.bits < 16:
        scale, step = 255 / 100, 1
    elif one.bits == 16:
        scale, step = (65535 if one.space == LAB else 65280) / 100, 256
    else:
        return image.copy(interpretation="lab")
    light, tints = image[0] / scale, image.extract_band(1, n=2).cast("int")
    if one.space == LAB:  # in two's complement
        half = 128 * step
        tints = (tints >= half).ifthenelse(tints - 2 * half, tints)
    else:
        tints = tints - 128 * step
    return light.bandjoin(tints / step).cast("float").copy(interpretation="lab")


def _range(opening: Open, one: Samples) -> tuple[float, float]:
    """What is black and what is white. Goes through all of the image where the file does not say it."""
    black, white = one.declared
    if black is not None and white is not None:
        return black, white
    colour, _ = _apart(opening(), one)
    lowest = highest = colour
    if one.format == FLOAT:
        number = colour.abs() <= _LARGEST  # not so of what is no number, and of the infinite
        lowest, highest = number.ifthenelse(colour, _LARGEST), number.ifthenelse(colour, -_LARGEST)
    stats = lowest.bandjoin(highest).stats()
    low = min(stats(0, 1 + band)[0] for band in range(colour.bands))
    high = max(stats(1, 1 + colour.bands + band)[0] for band in range(colour.bands))
    if low > high:  # there is no number at all
        return 0.0, 1.0
    if black is not None or white is not None:
        low, high = low if black is None else black, high if white is None else white
    return own_range(low, high, one.format)


def _stretched(colour: pyvips.Image, low: float, high: float) -> pyvips.Image:
    """Samples with `low` as black and `high` as white; what is no number is black."""
    managed = _ICC in colour.get_fields()  # whose steps are not to be lost before it is done
    white = 65535 if managed else 255
    wide = colour.cast("double")
    shown = (wide - low) * (white / (high - low))
    shown = (shown == shown).ifthenelse(shown, 0)
    kind = ("ushort", "rgb16", "grey16") if managed else ("uchar", "srgb", "b-w")
    return shown.rint().cast(kind[0]).copy(interpretation=kind[1] if colour.bands == 3 else kind[2])


def _in_srgb(colour: pyvips.Image) -> pyvips.Image:
    if _ICC in colour.get_fields():
        colour = colour.icc_transform("srgb", embedded=True, depth=8).copy()
        colour.remove(_ICC)  # it is in sRGB now, and that needs none
        return colour
    return colour.colourspace("srgb")


def _eight_bit(alpha: pyvips.Image, one: Samples) -> pyvips.Image:
    shown = alpha.cast("float") * (255 / one.opaque)
    if one.format == FLOAT:
        shown = (shown == shown).ifthenelse(shown, 0)
    return shown.rint().cast("uchar")
