"""GIF: its first frame at its place on the canvas, which libvips leaves black where the frame is not."""

import struct
from pathlib import Path
from typing import IO

import pyvips

from darkroom.failures import DecodeFailed

_HEADER, _SCREEN, _FRAME = 6, 7, 9  # bytes (GIF89a, 18 and 20)
_EXTENSION, _IMAGE = b"\x21", b"\x2c"


def read_gif(path: Path) -> pyvips.Image:
    """Its canvas with the first frame, transparent elsewhere. Decoded strictly, when its pixels are asked for.

    libvips makes the canvas larger where a frame would not fit. Raises `DecodeFailed` for a frame without a size, and
    `pyvips.Error` for a file that cannot be opened.
    """
    _require_whole(path)
    image = pyvips.Image.gifload(str(path), access="sequential", fail_on="warning").colourspace("srgb")
    with path.open("rb") as file:
        frame = first_frame(file)
    part = on_canvas(frame, image.width, image.height)
    if part == (0, 0, image.width, image.height):
        return image
    left, top, width, height = part
    shown = image.crop(left, top, width, height)
    if not shown.hasalpha():
        shown = shown.addalpha()
    return shown.embed(left, top, image.width, image.height, extend="background", background=[0, 0, 0, 0])


def first_frame(file: IO[bytes]) -> tuple[int, int, int, int]:
    """The left, top, width and height of a GIF's first frame, as the file says. Raises `DecodeFailed`."""
    screen = _taken(file, _HEADER + _SCREEN)[_HEADER:]
    if screen[4] & 0x80:
        _taken(file, 3 << (screen[4] & 7) + 1)  # its palette
    while (kind := _taken(file, 1)) == _EXTENSION:
        _taken(file, 1)
        while length := _taken(file, 1)[0]:
            _taken(file, length)
    if kind != _IMAGE:
        raise DecodeFailed("it is a GIF without a frame")
    left, top, width, height = struct.unpack_from("<4H", _taken(file, _FRAME))
    return left, top, width, height


def on_canvas(frame: tuple[int, int, int, int], width: int, height: int) -> tuple[int, int, int, int]:
    """The part of a frame that lies on a canvas. Raises `DecodeFailed` where none does.

    >>> on_canvas((30, 20, 20, 10), 60, 40)
    (30, 20, 20, 10)
    >>> on_canvas((30, 20, 99, 99), 60, 40)
    (30, 20, 30, 20)
    """
    left, top, across, down = frame
    across, down = min(across, width - left), min(down, height - top)
    if across < 1 or down < 1:
        raise DecodeFailed("the first frame of this GIF shows nothing of its canvas")
    return left, top, across, down


def _taken(file: IO[bytes], length: int) -> bytes:
    data = file.read(length)
    if len(data) < length:
        raise DecodeFailed("it is a GIF that is cut short before its first frame")
    return data


def _require_whole(path: Path) -> None:
    """Decode the first frame by Pillow, a byte a pixel: libvips leaves what is missing clear, without a word."""
    from PIL import Image, UnidentifiedImageError

    Image.MAX_IMAGE_PIXELS = None  # ours is the limit, and it was looked at
    try:
        with Image.open(path, formats=["GIF"]) as image:
            image.load()
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError) as error:
        raise DecodeFailed(f"it cannot be decoded: its data are damaged ({error})".replace(str(path), "it")) from None
