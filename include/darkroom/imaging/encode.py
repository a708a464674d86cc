"""A picture as PNG bytes: the filter in a loop of ours, deflate by zlib-ng, five chunks around it (ADR 7)."""

import struct

import numpy as np
from zlib_ng import zlib_ng

from darkroom.imaging import kernels
from darkroom.imaging.encoders import ENCODER, Encoder
from darkroom.imaging.reduction import Picture

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_RGBA_8_BIT = (8, 6, 0, 0, 0)  # depth, colour type, and the only compression, filter method and (no) interlace
_METRE = 1


def encode(picture: Picture, encoder: Encoder = ENCODER) -> bytes:
    """Straight RGBA (height, width, 4) uint8 as an 8-bit RGBA PNG (PNG specification, third edition).

    It is not interlaced, and has its resolution and no other metadata.
    """
    height, width, _ = picture.shape
    rows = np.empty((height, 1 + width * 4), np.uint8)
    kernels.filter_up(np.ascontiguousarray(picture).reshape(height, width * 4), rows)
    density = encoder.pixels_per_metre
    return b"".join(
        (
            _SIGNATURE,
            *_chunk(b"IHDR", struct.pack(">II5B", width, height, *_RGBA_8_BIT)),
            *_chunk(b"pHYs", struct.pack(">IIB", density, density, _METRE)),
            *_chunk(b"IDAT", zlib_ng.compress(rows, encoder.compression)),
            *_chunk(b"IEND", b""),
        )
    )


def _chunk(kind: bytes, data: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    """Length, type, data and CRC (5.3)."""
    return struct.pack(">I", len(data)), kind, data, struct.pack(">I", zlib_ng.crc32(data, zlib_ng.crc32(kind)))
