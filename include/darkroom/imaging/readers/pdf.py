"""PDF: its first page, drawn by PDFium."""

import logging
import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyvips

from darkroom.failures import DecodeFailed
from darkroom.imaging.drawings import DRAWN, LARGEST
from darkroom.imaging.formats import Format
from darkroom.imaging.source import Source, at_dpi, left_out, of_pixels, require_size, said

_LONGEST = 300.0  # seconds of drawing
_GROUP = 4 * LARGEST**2  # bytes of a form that is drawn by itself

_pdfium = threading.Lock()  # it is not for several threads (https://pypdfium2.readthedocs.io)


def look_at_pdf(path: Path, max_pixels: int) -> Source:
    """Read its first page's size, and what the page shows. Raises `DecodeFailed` where some of it is not there."""
    from darkroom.imaging.readers.pdf_streams import first_page  # pikepdf takes 0.2 s to be imported, for few commands

    with _pdfium, _document(path) as document, first_page(document) as page:
        pages, notes = len(document), _form_notes(document)
        unit = _unit(page)
        held = _held(page, max_pixels) + path.stat().st_size
        width, height = document.get_page_size(0)
    if not 0 < width * unit < math.inf or not 0 < height * unit < math.inf:
        raise DecodeFailed("its first page has no size")
    return Source(
        path, Format.PDF, at_dpi(width * unit), at_dpi(height * unit), held=held, notes=left_out(pages) + notes
    )


def draw_pdf(path: Path, width: int, height: int) -> pyvips.Image:
    """Its first page in that size, on white, with what stands in its forms.

    Raises `DecodeFailed` where any of its images is not whole.
    """
    import pypdfium2
    from pypdfium2 import raw

    from darkroom.imaging.readers.pdf_images import prove_whole
    from darkroom.imaging.readers.pdf_streams import first_page
    from darkroom.imaging.readers.pdf_walk import drawn_by

    with _pdfium, _document(path) as document:
        with first_page(document) as shown:
            for image in drawn_by(shown).images:
                prove_whole(image)
        logging.getLogger("pypdfium2").setLevel(logging.ERROR)  # what XFA would add, `look_at_pdf` has noted
        document.init_forms()
        page = document[0]
        _prove_known(page)
        bitmap = pypdfium2.PdfBitmap.new_native(width, height, raw.FPDFBitmap_BGR, rev_byteorder=True)
        bitmap.fill_rect((255, 255, 255, 255), 0, 0, width, height)
        how = raw.FPDF_ANNOT | raw.FPDF_REVERSE_BYTE_ORDER | raw.FPDF_RENDER_LIMITEDIMAGECACHE
        where = (bitmap, page, 0, 0, width, height, 0, how)
        _render(page, where)
        if document.formenv:
            raw.FPDF_FFLDraw(document.formenv, *where)
        pixels = np.ascontiguousarray(bitmap.to_numpy()[..., :3])
        bitmap.close()
    return of_pixels(pixels)


def _render(page: Any, where: tuple[Any, ...]) -> None:
    """Draw, but not for ever. Raises `DecodeFailed`."""
    from pypdfium2 import internal, raw

    ends = time.monotonic() + _LONGEST
    pause = raw.IFSDK_PAUSE(version=1)
    internal.set_callback(pause, "NeedToPauseNow", lambda _: time.monotonic() > ends)
    state = raw.FPDF_RenderPageBitmap_Start(*where, pause)
    raw.FPDF_RenderPage_Close(page)
    if state == raw.FPDF_RENDER_TOBECONTINUED:
        raise DecodeFailed(f"its first page takes more than {_LONGEST:.0f} seconds to draw; save it as TIFF")
    if state != raw.FPDF_RENDER_DONE:
        raise DecodeFailed("its first page cannot be drawn")


def _held(page: Any, max_pixels: int) -> int:
    """The bytes that it takes to draw the page. Raises `DecodeFailed` for what takes too much, or is not there."""
    from darkroom.imaging.readers.pdf_images import held_by
    from darkroom.imaging.readers.pdf_walk import drawn_by

    if _degenerate(page.get_list("/MediaBox", [])):
        raise DecodeFailed("its first page has no size")
    drawn = drawn_by(page)
    largest = 0
    for image in drawn.images:
        require_size("an image on its first page", *image.size, max_pixels)
        largest = max(largest, held_by(image))
    return DRAWN + largest + max(0, drawn.depth - 1) * _GROUP


def _degenerate(box: Any) -> bool:
    return len(box) == 4 and (box[0] == box[2] or box[1] == box[3])


def _prove_known(page: Any) -> None:
    """Can PDFium decode each of the page's images? Raises `DecodeFailed`: it would leave it out without a word."""
    import pypdfium2
    from pypdfium2 import raw

    for image in page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE], max_depth=40):
        try:
            known = image.get_metadata().bits_per_pixel > 0
            if known and "JBIG2Decode" in image.get_filters():  # of which nothing is decoded for its metadata
                image.get_bitmap()
        except pypdfium2.PdfiumError:
            known = False
        if not known:
            filters = ", ".join(image.get_filters()) or "nothing"
            raise DecodeFailed(f"an image on its first page cannot be decoded (packed by {filters}); save it as TIFF")


def _unit(page: Any) -> float:
    """Its unit in points (ISO 32000-1, 7.7.3.3), which PDFium leaves out of a page's size."""
    unit = page.get_float("/UserUnit", 1.0)
    return unit if unit > 0 else 1.0


def _form_notes(document: Any) -> tuple[str, ...]:
    from pypdfium2 import raw

    match document.get_formtype():
        case raw.FORMTYPE_XFA_FULL:
            raise DecodeFailed("it is an XFA form, which only Adobe's programs draw; print it to a PDF")
        case raw.FORMTYPE_XFA_FOREGROUND:
            return ("Its form is drawn without what XFA adds to it.",)
    return ()


@contextmanager
def _document(path: Path) -> Iterator[Any]:
    """The document, while it is open. Raises `DecodeFailed`."""
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise DecodeFailed("it needs a password; save it without one") from None
        raise DecodeFailed(f"it is a PDF that cannot be opened: {said(error)}") from None
    try:
        yield document
    except pypdfium2.PdfiumError as error:
        raise DecodeFailed(f"its first page cannot be drawn: {said(error)}") from None
    finally:
        document.close()
