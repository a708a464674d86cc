"""Images of very long sides in very small files, named after their defect, and the long ones that are meant."""

import struct
import zlib
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image


def png(width: int, height: int) -> bytes:
    """Equal rows of RGB, deflated a few at a time: the picture is never in memory."""
    packed = zlib.compressobj(1)
    row = b"\0" + b"\x80\x70\x60" * width
    at_once = max(1, (1 << 20) // len(row))
    several = row * at_once
    data = b"".join(packed.compress(several[: (height - at) * len(row)]) for at in range(0, height, at_once))
    data += packed.flush()
    head = struct.pack(">II5B", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def row_of_20_million_pixels_as_png(file: Path) -> None:
    file.write_bytes(png(20_000_000, 1))


def column_of_2_million_pixels_as_png(file: Path) -> None:
    file.write_bytes(png(1, 2_000_000))


def row_of_20_million_pixels_as_a_tiff_of_strips(file: Path) -> None:
    row = np.full((1, 20_000_000, 3), 128, np.uint8)
    tifffile.imwrite(file, row, photometric="rgb", compression="deflate")


def column_of_2_million_pixels_as_a_tiff_of_strips(file: Path) -> None:
    column = np.full((2_000_000, 1, 3), 128, np.uint8)
    tifffile.imwrite(file, column, photometric="rgb", compression="deflate", rowsperstrip=2_000_000)


def row_of_200_thousand_pixels_as_a_tiff_of_tiles(file: Path) -> None:
    row = np.full((1, 200_000, 3), 128, np.uint8)
    tifffile.imwrite(file, row, photometric="rgb", compression="deflate", tile=(16, 8192))


def row_of_20_million_pixels_as_bmp(file: Path) -> None:
    Image.new("P", (20_000_000, 1)).save(file, "BMP")


BOMBS = (
    row_of_20_million_pixels_as_png,
    column_of_2_million_pixels_as_png,
    row_of_20_million_pixels_as_a_tiff_of_strips,
    column_of_2_million_pixels_as_a_tiff_of_strips,
    row_of_200_thousand_pixels_as_a_tiff_of_tiles,
    row_of_20_million_pixels_as_bmp,
)
