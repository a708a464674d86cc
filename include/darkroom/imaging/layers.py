"""Decoding renders: strict PNG to straight 8-bit RGBA, of which only what each row paints is kept."""

import hashlib
import os
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from mmap import mmap
from typing import IO, Self

import numpy as np
import pyvips

from darkroom.errors import ItemError, StoreError
from darkroom.imaging import kernels
from darkroom.imaging.geometry import EMPTY, Box
from darkroom.imaging.kernels import I64, U8, U16
from darkroom.imaging.png_rows import NotPlain, plain_png

# every thread of ours works on a picture of its own; libvips' own threads and cache would only get in their way
pyvips.cache_set_max(0)
pyvips.concurrency_set(1)

_STRIP = 1 << 18  # samples decoded at a time: more would leave a core's own cache, and take fresh pages each time
_STAGED = 16 << 20  # bytes read back from the file at a time

_INTERLACE = 28  # where IHDR says how (11.2.1)


Painted = Callable[[I64], Iterator[tuple[slice, U8]]]
"""Reads a file's rows, some at a time: fills in their spans, and gives which they are and what they paint."""


@dataclass(frozen=True)
class Layer:
    """A decoded layer: its frame's size, its painted box, the file's sha256, and where `Layers` keeps its pixels.

    Row y of the frame is painted in `[spans[y, 0], spans[y, 1])`; these pixels begin at byte `spans[y, 2]`.
    """

    width: int
    height: int
    box: Box
    spans: I64
    digest: str


class Layers:
    """The painted pixels of a sheet's layers: straight RGBA, in one piece of memory, and in a file what is beyond it.

    Threads decode together, and afterwards draw together. The file has no name: it is gone when the process is.
    """

    def __init__(self, memory: int) -> None:
        """`memory`: how many bytes of pixels are kept without a file. The system gives each when it is first used."""
        self._pixels = np.empty(memory, np.uint8)
        self._used, self._from_file = 0, memory  # what lies behind the latter is in the file
        self._file: IO[bytes] | None = None
        self._lock, self._interlaced = threading.Lock(), threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget all layers, for those of another sheet. The memory is kept: fresh pages cost as much as decoding."""
        self._used, self._from_file = 0, self._pixels.size
        if self._file:
            self._file.close()
        self._file = None

    @property
    def spilled(self) -> bool:
        """Are there pixels in a file?"""
        return self._file is not None

    def decode(self, data: bytes | mmap, sha256: str = "") -> Layer:
        """Decode a PNG, before any layer is drawn. Raises `ItemError` where a part of it is missing or broken.

        Grey, palette and tRNS are expanded, 16 bit becomes round(v / 257); values are taken as encoded. A strip at a
        time: what is transparent never takes memory. `sha256` (hex): the file's, where it is known.
        """
        # an interlaced PNG is decoded whole before its first row is known: only one at a time
        with self._interlaced if data[_INTERLACE : _INTERLACE + 1] == b"\1" else nullcontext():
            return self._decode(data, sha256)

    def _decode(self, data: bytes | mmap, sha256: str) -> Layer:
        if plain := plain_png(data):
            with suppress(NotPlain):  # then libvips says what is wrong with it
                return self._kept(plain.width, plain.height, plain.painted, sha256 or digest(data))
        try:
            image = pyvips.Image.pngload_buffer(data, access="sequential", fail_on="error")
            return self._kept(image.width, image.height, partial(_painted, image), sha256 or digest(data))
        except pyvips.Error as error:
            reason = next((line for line in error.detail.splitlines() if line.strip()), str(error.message))
            raise ItemError(f"cannot be decoded ({reason.strip()}); deliver it again") from None

    def _kept(self, width: int, height: int, painted: Painted, content: str) -> Layer:
        spans = np.zeros((height, 3), np.int64)
        for rows, pixels in painted(spans):
            spans[rows, 2] += self._put(pixels)
        return Layer(width, height, _box(spans), spans, content)

    def rows(self, stack: Sequence[Layer], top: int, bottom: int) -> tuple[U8, I64]:
        """The layers' pixels in rows `[top, bottom)` of the frame, and their spans (layers, rows, 3) in them."""
        spans = np.stack([layer.spans[top:bottom] for layer in stack])
        if not self._file:
            return self._pixels, spans
        sizes = (spans[..., 1] - spans[..., 0]).ravel() * 4
        offsets = spans[..., 2].ravel()
        pixels = np.empty(sizes.sum(), np.uint8)
        begins = np.cumsum(sizes) - sizes
        # neighbouring rows lie beside each other: one read for each run of them
        painted = np.flatnonzero(sizes)
        apart = np.diff(offsets[painted]) != sizes[painted[:-1]]
        apart |= np.diff(offsets[painted] >= self._from_file)
        for run in np.split(painted, np.flatnonzero(apart) + 1):
            if run.size:
                begin, end = begins[run[0]], begins[run[-1]] + sizes[run[-1]]
                self._get(int(offsets[run[0]]), pixels[begin:end], self._file)
        spans[..., 2] = begins.reshape(spans.shape[:2])
        return pixels, spans

    def rows_at_once(self, stack: Sequence[Layer]) -> int:
        """How many rows of these layers may be asked for at once."""
        if not self._file:
            return stack[0].height
        return max(1, _STAGED // (4 * max(1, sum(layer.box.width for layer in stack))))

    def unpacked(self, layer: Layer) -> U8:
        """The pixels of the layer's painted box, (height, width, 4)."""
        box = layer.box
        pixels, spans = self.rows([layer], box.y0, box.y1)
        out = np.zeros((box.height, box.width, 4), np.uint8)
        kernels.spread(pixels, spans[0], box.x0, out.reshape(box.height, box.width * 4))
        return out

    def _put(self, pixels: U8) -> int:
        """Keep pixels; returns where."""
        with self._lock:
            at, self._used = self._used, self._used + pixels.size
            if self._used > self._pixels.size and not self._file:
                self._file = tempfile.TemporaryFile(prefix="darkroom-layers-")  # noqa: SIM115
                self._from_file = at
        if self._file and at >= self._from_file:
            _write(self._file, pixels, at)  # the file begins with a hole, which takes no room
        else:
            self._pixels[at : at + pixels.size] = pixels
        return at

    def _get(self, at: int, pixels: U8, file: IO[bytes]) -> None:
        """Read back what lies from `at` on."""
        if at < self._from_file:
            pixels[:] = self._pixels[at : at + pixels.size]
        else:
            _read(file, pixels, at)


def _read(file: IO[bytes], pixels: U8, at: int) -> None:
    view = pixels.data
    while view:
        count = os.preadv(file.fileno(), [view], at)
        if not count:
            raise StoreError(f"the temporary file of layers ends at byte {at}.")
        view, at = view[count:], at + count


def _write(file: IO[bytes], pixels: U8, at: int) -> None:
    view = pixels.data
    try:
        while view:
            written = os.pwrite(file.fileno(), view, at)
            view, at = view[written:], at + written
    except OSError as error:
        raise StoreError(
            f"its layers do not fit into memory, nor into {tempfile.gettempdir()} ({error.strerror}); make room there, "
            "set TMPDIR to another folder, or raise DARKROOM_MEMORY"
        ) from None


def _box(spans: I64) -> Box:
    """The box around the spans."""
    painted = np.flatnonzero(spans[:, 1])
    if not painted.size:
        return EMPTY
    of_painted = spans[painted]
    return Box(int(of_painted[:, 0].min()), int(painted[0]), int(of_painted[:, 1].max()), int(painted[-1]) + 1)


def _painted(image: pyvips.Image, spans: I64) -> Iterator[tuple[slice, U8]]:
    """What the rows of an image that libvips reads paint, some at a time, as `PlainPng.painted`."""
    region, width, height, bands = pyvips.Region.new(image), image.width, image.height, image.bands
    kind = {"uchar": np.uint8, "ushort": np.uint16}[image.format]
    count = max(1, _STRIP // (width * bands))
    packed = np.empty(count * width * 4, np.uint8)
    for top in range(0, height, count):
        rows = slice(top, min(top + count, height))
        strip = np.frombuffer(region.fetch(0, top, width, rows.stop - top), kind)
        pixels = _rgba(strip.reshape(rows.stop - top, width, bands))
        yield rows, packed[: kernels.painted_spans(pixels, spans[rows], packed)]


def digest(data: bytes | mmap) -> str:
    """A render's content digest."""
    return hashlib.sha256(data).hexdigest()


def _rgba(values: U8 | U16) -> U8:
    if values.dtype == np.uint16:
        values = ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)
    height, width, bands = values.shape
    if bands == 4:
        return values.astype(np.uint8, copy=False)
    out = np.full((height, width, 4), 255, np.uint8)
    if bands == 2:
        out[..., 3] = values[..., -1]
    out[..., :3] = values[..., :3] if bands >= 3 else values[..., :1]
    return out
