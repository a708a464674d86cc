"""A render's proxy: decoded once, reduced as a composite of it alone, encoded, and decoded again as a proof."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from mmap import mmap
from queue import SimpleQueue

import numpy as np

from darkroom.checks.renders import too_large
from darkroom.compositing.memory import for_layers
from darkroom.compositing.walk import Walker
from darkroom.errors import ItemError
from darkroom.failures import DecodeFailed, ValidateFailed
from darkroom.imaging.encode import encode
from darkroom.imaging.layers import Layers
from darkroom.imaging.png_header import HEADER_BYTES, png_size
from darkroom.imaging.png_rows import NotPlain, plain_png
from darkroom.imaging.reduction import Picture
from darkroom.ingest.profiles import PROXY

_WIDEST = 12_000  # pixels of a render's width that memory is set aside for
_INTERLACE = 28  # where IHDR says how (PNG specification, 11.2.1)


class Proxies:
    """Makes proxies in many threads, as many at once as there are workers."""

    def __init__(self, workers: int, memory: int, max_pixels: int) -> None:
        """`memory`: bytes of this process; `max_pixels`: a render with more is refused."""
        self._max_pixels = max_pixels
        self._interlaced = threading.Lock()
        self._free: SimpleQueue[Layers] = SimpleQueue()
        share = for_layers(memory, workers, _WIDEST) // workers
        for _ in range(workers):
            self._free.put(Layers(share))

    def make(self, data: bytes | mmap, sha256: str) -> bytes:
        """The proxy of a render, a PNG. Raises `DecodeFailed` for what is none, a broken or too large one.

        `sha256` (hex): the render's own, which whoever fetched it has.
        """
        size = png_size(data[:HEADER_BYTES])
        if size is None:
            raise DecodeFailed("it is no PNG, whatever its name says; export it again as PNG")
        if much := too_large(size, self._max_pixels):
            raise DecodeFailed("; ".join(much))
        # an interlaced PNG is decoded whole before its first row is known: only one at a time
        alone = self._interlaced if data[_INTERLACE] else nullcontext()
        with alone, self._turn() as layers:
            return _made(layers, data, sha256)

    @contextmanager
    def _turn(self) -> Iterator[Layers]:
        layers = self._free.get()
        try:
            yield layers
        finally:
            layers.clear()
            self._free.put(layers)


def _made(layers: Layers, data: bytes | mmap, sha256: str) -> bytes:
    try:
        layer = layers.decode(data, sha256)
    except ItemError as error:
        raise DecodeFailed(f"it {error}") from None
    _, picture = next(Walker(layers, {0: layer}).pictures([(0,)]))
    png = encode(picture, PROXY.encoder)
    require_shows(png, picture)
    return png


def require_shows(png: bytes, picture: Picture) -> None:
    """Raise `ValidateFailed` where a PNG, decoded by what did not write it, is not this picture pixel by pixel."""
    plain = plain_png(png)
    if plain is None:
        raise ValidateFailed("its proxy cannot be read again: it is no plain PNG of RGBA, or a chunk of it is damaged")
    try:
        shown = plain.pixels()
    except NotPlain:
        raise ValidateFailed("its proxy cannot be read again: its rows are damaged") from None
    if not np.array_equal(shown, picture):
        raise ValidateFailed("its proxy, read again, is another picture than was written")
