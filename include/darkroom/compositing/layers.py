"""Decoding a render: strict PNG to straight 8-bit RGBA, of which only the painted box is kept."""

import hashlib
import struct
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyvips

from darkroom.compositing import kernels
from darkroom.compositing.geometry import Box
from darkroom.errors import ItemError

# every thread of ours works on a picture of its own; libvips' own threads and cache would only get in their way
pyvips.cache_set_max(0)
pyvips.concurrency_set(1)

HEADER_BYTES = 33
"""The PNG signature and the whole IHDR chunk."""

_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def png_size(header: bytes) -> tuple[int, int] | None:
    """Width and height from a PNG's first bytes (PNG specification, 5.2 and 11.2.1), or None where it is no PNG."""
    if len(header) < HEADER_BYTES or not header.startswith(_SIGNATURE) or header[12:16] != b"IHDR":
        return None
    width, height = struct.unpack(">II", header[16:24])
    return (width, height) if width and height else None


@dataclass(frozen=True)
class Layer:
    """A decoded layer: its frame's size, the painted box, the box's straight RGBA pixels, the file's sha256."""

    width: int
    height: int
    box: Box
    pixels: npt.NDArray[np.uint8]
    digest: str


def digest(data: bytes) -> str:
    """A render's content digest."""
    return hashlib.sha256(data).hexdigest()


def decode(data: bytes) -> Layer:
    """Decode a PNG. Raises `ItemError` where a part of it is missing or broken.

    Grey, palette and tRNS are expanded, 16 bit becomes round(v / 257); values are taken as encoded.
    """
    try:
        pixels = _rgba(pyvips.Image.pngload_buffer(data, fail_on="error"))
    except pyvips.Error as error:
        reason = next((line for line in error.detail.splitlines() if line.strip()), str(error.message))
        raise ItemError(f"cannot be decoded ({reason.strip()}); deliver it again") from None
    box = Box(*kernels.painted_box(pixels))
    height, width, _ = pixels.shape
    return Layer(width, height, box, pixels[box.y0 : box.y1, box.x0 : box.x1].copy(), digest(data))


def _rgba(image: pyvips.Image) -> npt.NDArray[np.uint8]:
    kind = {"uchar": np.uint8, "ushort": np.uint16}[image.format]
    values = np.frombuffer(image.write_to_memory(), kind).reshape(image.height, image.width, image.bands)
    if kind is np.uint16:
        values = ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)
    if image.bands == 4:
        return values
    out = np.full((image.height, image.width, 4), 255, np.uint8)
    if image.bands == 2:
        out[..., 3] = values[..., -1]
    out[..., :3] = values[..., :3] if image.bands >= 3 else values[..., :1]
    return out
