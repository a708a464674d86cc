"""What a TIFF can say of its samples, and what each becomes: `docs/pyramids.md` has the table too."""

import math
from dataclasses import dataclass

from darkroom.failures import DecodeFailed
from darkroom.imaging.readers.tiff_directory import Directory

UINT, INT, FLOAT, VOID, COMPLEX_INT, COMPLEX_FLOAT = range(1, 7)  # TIFF 6.0, SampleFormat
_SAVE = "save it as 8- or 16-bit TIFF"
_SAVE_COLOUR = "save it in RGB or CMYK"

GREY, RGB, PALETTE, CMYK, YCBCR, LAB, ICC_LAB = "grey", "RGB", "palette", "CMYK", "YCbCr", "CIELab", "ICCLab"

COLOURS = {  # by photometric interpretation: the colour space and its channels
    0: (GREY, 1),  # 0 is white
    1: (GREY, 1),
    2: (RGB, 3),
    3: (PALETTE, 1),
    5: (CMYK, 4),
    6: (YCBCR, 3),
    8: (LAB, 3),
    9: (ICC_LAB, 3),
}
NO_COLOURS = {
    10: f"its colours are ITULab, of a fax; {_SAVE_COLOUR}",
    32844: f"it is a LogL image of high dynamic range; {_SAVE}",
    32845: f"it is a LogLuv image of high dynamic range; {_SAVE}",
}

AS_IT_IS, SCALED = "as it is", "scaled"

DEPTHS = {  # by colour space: what each pair of SampleFormat and BitsPerSample becomes; any other is refused
    GREY: {
        **dict.fromkeys([(UINT, bits) for bits in (1, 2, 4, 8, 16)], AS_IT_IS),
        **dict.fromkeys([(UINT, 32), (INT, 8), (INT, 16), (INT, 32), (FLOAT, 16), (FLOAT, 32)], SCALED),
    },
    RGB: {
        **dict.fromkeys([(UINT, 8), (UINT, 16)], AS_IT_IS),
        **dict.fromkeys([(UINT, 32), (INT, 8), (INT, 16), (INT, 32), (FLOAT, 16), (FLOAT, 32)], SCALED),
    },
    PALETTE: dict.fromkeys([(UINT, bits) for bits in (1, 2, 4, 8, 16)], AS_IT_IS),
    CMYK: dict.fromkeys([(UINT, 8), (UINT, 16)], AS_IT_IS),
    YCBCR: {(UINT, 8): AS_IT_IS},
    LAB: dict.fromkeys([(UINT, 8), (UINT, 16), (INT, 8), (INT, 16), (FLOAT, 32)], AS_IT_IS),
    ICC_LAB: dict.fromkeys([(UINT, 8), (UINT, 16)], AS_IT_IS),
}
_PACKED = 8  # bits, below which samples lie several in a byte: libvips unpacks those of one channel only

ASSOCIATED, UNASSOCIATED = 1, 2  # TIFF 6.0, ExtraSamples; 0 is unspecified
_OLD_JPEG = 6  # of Compression
_CMYK_INKS = 1  # of InkSet
_HALF_FILLED = {2**bits - 1 for bits in range(9, 16)}  # the largest sample of a scanner of 9 to 15 bits, in 16

_NAMES = {UINT: "unsigned integers", INT: "signed integers", FLOAT: "floats"}


@dataclass(frozen=True, slots=True)
class Samples:
    """What becomes of a page's samples.

    `colours` are the first channels, `alpha` is the number of the one that is transparency. `declared` is the range
    that the file says, (black, white); what it does not say of that is None, and the data's own counts.
    """

    space: str
    colours: int
    channels: int
    bits: int
    format: int
    inverted: bool
    scaled: bool
    alpha: int | None
    associated: bool
    declared: tuple[float | None, float | None]
    notes: tuple[str, ...]

    @property
    def is_taken_along(self) -> bool:
        """Does libvips reduce them as they are stored, alpha too? Otherwise they are converted before."""
        straight = not self.associated and self.channels == self.colours + (self.alpha is not None)
        return straight and not self.scaled and not self.inverted and self.space in (GREY, RGB, PALETTE, YCBCR)

    @property
    def opaque(self) -> float:
        """The largest value of an alpha channel."""
        if self.format == FLOAT:
            return 1.0
        return float(2 ** (self.bits - (self.format == INT and self.scaled)) - 1)


def samples_of(page: Directory) -> Samples:
    """Raises `DecodeFailed` for what is refused, with what to do."""
    _require_compression(page)
    channels = max(1, page.number(277, 1))
    colour = page.number(262, 2 if channels >= 3 else 1)  # as libtiff takes it where it is missing
    space, colours = _colours(page, colour)
    if channels < colours:
        raise DecodeFailed(f"it has {channels} channels, which are too few for {space}")
    bits = _one(page, 258, 1, "bits")
    kind = _one(page, 339, UINT, "formats")
    kind = UINT if kind == VOID else kind
    depth = _depth(space, kind, bits)
    if bits < _PACKED and channels > 1:
        raise DecodeFailed(f"it has {channels} channels of {bits} bits; {_SAVE}")
    if (kind, bits) == (FLOAT, 16) and channels > 1 and page.number(284, 1) == 2:
        raise DecodeFailed(f"its samples are 16-bit floats in separate planes; {_SAVE}")  # libvips mixes them up
    alpha, associated, left_out = _extra(page.values(338), colours, channels)
    declared = _declared(page)
    few = (
        space in (GREY, RGB) and (kind, bits) == (UINT, 16) and declared[0] in (None, 0) and declared[1] in _HALF_FILLED
    )
    scaled = depth == SCALED or few
    notes = (_said_of_range(kind, bits, declared if scaled else (None, None)),) if scaled else ()
    return Samples(
        space,
        colours,
        channels,
        bits,
        kind,
        inverted=colour == 0 and bits >= _PACKED,  # libvips inverts the others while it unpacks them
        scaled=scaled,
        alpha=alpha,
        associated=associated,
        declared=(0.0, declared[1]) if few else declared,
        notes=(*notes, *left_out),
    )


def _require_compression(page: Directory) -> None:
    if page.number(259, 1) == _OLD_JPEG:
        raise DecodeFailed("its compression is the old JPEG in TIFF, which programs read differently; save it anew")


def _colours(page: Directory, colour: int) -> tuple[str, int]:
    if colour in NO_COLOURS:
        raise DecodeFailed(NO_COLOURS[colour])
    if colour not in COLOURS:
        raise DecodeFailed(f"its colours are of an unknown kind (photometric interpretation {colour}); {_SAVE_COLOUR}")
    space, colours = COLOURS[colour]
    if space == CMYK and page.number(332, _CMYK_INKS) != _CMYK_INKS:
        raise DecodeFailed(f"its inks are not cyan, magenta, yellow and black; {_SAVE_COLOUR}")
    return space, colours


def _one(page: Directory, tag: int, default: int, name: str) -> int:
    found = {int(value) for value in page.values(tag)} or {default}
    if len(found) > 1:
        raise DecodeFailed(f"its channels have different {name} ({', '.join(map(str, sorted(found)))}); {_SAVE}")
    return found.pop()


def _depth(space: str, kind: int, bits: int) -> str:
    """What becomes of samples of that kind. Raises `DecodeFailed`."""
    if (kind, bits) in DEPTHS[space]:
        return DEPTHS[space][kind, bits]
    if kind in (COMPLEX_INT, COMPLEX_FLOAT):
        raise DecodeFailed(f"its samples are complex numbers, which are no picture; {_SAVE}")
    raise DecodeFailed(
        f"its samples are {bits}-bit {_NAMES.get(kind, 'numbers of an unknown kind')} in {space}; {_SAVE}"
    )


def _extra(kinds: tuple[int, ...], colours: int, channels: int) -> tuple[int | None, bool, tuple[str, ...]]:
    """Which channel is alpha, whether it is associated, and what is left out.

    >>> _extra((2,), 3, 4)
    (3, False, ())
    >>> _extra((0, 1), 3, 5)
    (4, True, ('Its 1 extra channel, which is no transparency, is left out.',))
    >>> _extra((), 3, 4)  # TIFF wants it said, and what is not said is unspecified
    (None, False, ('Its 1 extra channel, which is no transparency, is left out.',))
    """
    extra = channels - colours
    kinds = (*kinds[:extra], *(0,) * (extra - len(kinds)))
    found = next((at for at, kind in enumerate(kinds) if kind in (ASSOCIATED, UNASSOCIATED)), None)
    others = extra - (found is not None)
    plural = "s, which are no transparency, are" if others > 1 else ", which is no transparency, is"
    notes = (f"Its {others} extra channel{plural} left out.",) if others else ()
    return (None if found is None else colours + found), found is not None and kinds[found] == ASSOCIATED, notes


def _declared(page: Directory) -> tuple[float | None, float | None]:
    """The range that a file says: SMinSampleValue and SMaxSampleValue, or MinSampleValue and MaxSampleValue."""
    for lowest, highest in ((340, 341), (280, 281)):
        low = [float(value) for value in page.values(lowest) if _is_number(value)]
        high = [float(value) for value in page.values(highest) if _is_number(value)]
        black, white = (min(low) if low else None), (max(high) if high else None)
        if (black is not None or white is not None) and not (
            black is not None and white is not None and black >= white
        ):
            return black, white
    return None, None


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)


def _said_of_range(kind: int, bits: int, declared: tuple[float | None, float | None]) -> str:
    what = f"Its samples are {bits}-bit {_NAMES[kind]}"
    black, white = declared
    declares = "" if black is None else f"from {black:g}"
    if white is not None:
        declares += f" to {white:g}" if declares else f"up to {white:g}"
    if declares:
        return f"{what}; {declares}, as it says, they are shown from black to white."
    if kind == FLOAT:
        return f"{what}; those from 0 to 1 are shown from black to white, others from the smallest to the largest."
    return f"{what}; they are shown from the smallest, black, to the largest, white."


def own_range(low: float, high: float, kind: int) -> tuple[float, float]:
    """What is black and what is white where a file does not say it: of samples between `low` and `high`.

    >>> own_range(0.2, 0.8, FLOAT), own_range(0.0, 1000.0, FLOAT), own_range(-200, 900, INT), own_range(7, 7, UINT)
    ((0.0, 1.0), (0.0, 1000.0), (-200, 900), (0.0, 7))
    """
    if kind == FLOAT and low >= 0 and high <= 1:
        return 0.0, 1.0
    if low < high:
        return low, high
    return min(low, 0.0), max(high, 0.0) if low else 1.0
