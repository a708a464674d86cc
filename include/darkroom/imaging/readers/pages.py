"""Which page of a TIFF is the picture. A camera's raw file looks like one, and what it shows is a preview."""

from collections.abc import Iterable

from darkroom.failures import DecodeFailed
from darkroom.imaging.formats import RAW
from darkroom.imaging.readers.tiff_directory import Directory
from darkroom.imaging.source import left_out

_WIDTH, _HEIGHT, _COMPRESSION, _PHOTOMETRIC = 256, 257, 259, 262
_NEW_SUBFILE, _OLD_SUBFILE, _PAGE_NUMBER = 254, 255, 297
_REDUCED, _PAGE, _MASK = 1, 2, 4  # bits of NewSubfileType
_OLD_REDUCED, _OLD_PAGE = 2, 3  # values of SubfileType
_MASK_COLOUR = 4  # photometric of a transparency mask
_NO_PICTURES = (51177, 52527)  # photometrics of a depth map and of a semantic mask (DNG)
_RAW_FIELDS = (50706, 50707, 50752)  # DNGVersion, DNGBackwardVersion, CR2Slice
_RAW_COLOURS = (32803, 34892)  # colour filter array, linear raw
_RAW_CODECS = (32767, 32770, 34713, 34892, 65000, 65535)  # of Sony, Samsung, Nikon, lossy DNG, Kodak, Pentax


def picture_of(pages: Iterable[Directory]) -> tuple[Directory, tuple[str, ...]]:
    """The directory of a file that is its picture, and what is left out, a sentence each. Raises `DecodeFailed`.

    | a page is | it is |
    | --- | --- |
    | marked as a reduced image (NewSubfileType bit 0, SubfileType 2) | a smaller copy, of which nothing is said |
    | a mask (NewSubfileType bit 2, a mask's or depth map's photometric) | left out, and said |
    | a raw (colour filter array, DNGVersion, a camera's own codec), wherever | the reason to refuse the file |
    | anything else | of full resolution: the largest is the picture, and the first of those that are equal |

    Of the full-resolution pages of a document (each says that it is a page of several), the first one is the picture.
    Where all are marked as reduced, the largest one is.
    """
    every = list(pages)
    if any(_is_raw(page) for page in every):
        raise DecodeFailed(RAW)
    shown = [page for page in every if not _is_mask(page)]
    if not shown:
        raise DecodeFailed("it holds a mask and no picture")
    full = [page for page in shown if not _is_reduced(page)]
    notes = ("Its mask is left out.",) if len(shown) < len(every) else ()
    if not full:
        return max(shown, key=_area), notes
    picture = full[0] if all(map(_is_page, full)) else max(full, key=_area)
    number = full.index(picture) + 1
    if number == 1:
        return picture, (*left_out(len(full)), *notes)
    return picture, (f"It has {len(full):,} pages; only number {number:,}, the largest one, is shown.", *notes)


def _area(page: Directory) -> int:
    return page.number(_WIDTH) * page.number(_HEIGHT)


def _is_raw(page: Directory) -> bool:
    return (
        any(tag in page.fields for tag in _RAW_FIELDS)
        or page.number(_PHOTOMETRIC, -1) in _RAW_COLOURS
        or page.number(_COMPRESSION) in _RAW_CODECS
    )


def _is_mask(page: Directory) -> bool:
    colour = page.number(_PHOTOMETRIC, -1)
    return bool(page.number(_NEW_SUBFILE) & _MASK) or colour == _MASK_COLOUR or colour in _NO_PICTURES


def _is_reduced(page: Directory) -> bool:
    return bool(page.number(_NEW_SUBFILE) & _REDUCED) or page.number(_OLD_SUBFILE) == _OLD_REDUCED


def _is_page(page: Directory) -> bool:
    marked = page.number(_NEW_SUBFILE) & _PAGE or page.number(_OLD_SUBFILE) == _OLD_PAGE
    return bool(marked) or _PAGE_NUMBER in page.fields
