"""PDF: its first page, drawn by PDFium."""

import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pyvips

from darkroom.pyramids.failures import DecodeFailed
from darkroom.pyramids.formats import Format
from darkroom.pyramids.source import Source, at_dpi, left_out, of_pixels, said

_pdfium = threading.Lock()  # it is not for several threads (https://pypdfium2.readthedocs.io)


def look_at_pdf(path: Path) -> Source:
    """Read its first page's size. Raises `DecodeFailed`."""
    with _pdfium, _pdf(path) as document:
        pages = len(document)
        width, height = document[0].get_size() if pages else (0, 0)
    if width < 1 or height < 1:
        raise DecodeFailed("its first page has no size")
    return Source(path, Format.PDF, at_dpi(width), at_dpi(height), notes=left_out(pages))


def draw_pdf(path: Path, width: int) -> pyvips.Image:
    """Its first page, so many pixels wide, on white."""
    with _pdfium, _pdf(path) as document:
        page = document[0]
        bitmap = page.render(scale=width / page.get_size()[0], rev_byteorder=True)
        pixels = np.ascontiguousarray(bitmap.to_numpy()[..., :3])
    return of_pixels(pixels)


def _pdf(path: Path) -> Any:
    """The document, to be closed by `with`."""
    import pypdfium2

    try:
        return closing(pypdfium2.PdfDocument(path))
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise DecodeFailed("it needs a password; save it without one") from None
        raise DecodeFailed(f"it is a PDF that cannot be opened: {said(error)}") from None
