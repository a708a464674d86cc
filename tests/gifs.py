"""GIFs written by hand: a canvas, and a frame somewhere on it."""

import struct

RED, WHITE, BLUE = 1, 0, 2
"""Colours of the palette."""


def gif(
    canvas: tuple[int, int],
    frame: tuple[int, int, int, int],
    *,
    colour: int = RED,
    transparent: int | None = None,
    interlaced: bool = False,
    own_palette: bool = False,
    frames: int = 1,
) -> bytes:
    """A canvas (width, height) with a frame (left, top, width, height) of one colour; its uppermost row is blue."""
    palette = bytes([255, 255, 255, 255, 0, 0, 0, 0, 255, 0, 255, 0])
    screen = 0x11 if own_palette else 0x91
    data = b"GIF89a" + struct.pack("<HHBBB", *canvas, screen, 0, 0) + (b"" if own_palette else palette)
    for _ in range(frames):
        if transparent is not None:
            data += b"\x21\xf9\x04\x01\0\0" + bytes([transparent]) + b"\0"
        data += b"\x21\xfe\x05hello\0"
        flags = (0x40 if interlaced else 0) | (0x81 if own_palette else 0)
        data += b"\x2c" + struct.pack("<HHHHB", *frame, flags) + (palette if own_palette else b"")
        width, height = frame[2:]
        data += b"\x02" + _blocks(_lzw([BLUE] * width + [colour] * width * (height - 1)))
    return data + b"\x3b"


def _lzw(pixels: list[int]) -> bytes:
    """Codes of three bits, with a clear code in time."""
    codes = [code for at in range(0, len(pixels), 2) for code in (4, *pixels[at : at + 2])] + [5]
    bits = sum(code << 3 * at for at, code in enumerate(codes))
    return bits.to_bytes(-(-3 * len(codes) // 8), "little")


def _blocks(data: bytes) -> bytes:
    return b"".join(bytes([len(data[at : at + 255])]) + data[at : at + 255] for at in range(0, len(data), 255)) + b"\0"
