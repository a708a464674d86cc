"""PNG: what its chunks say and libvips does not heed, wherever they stand (PNG specification, 11.3)."""

import re
import struct
import zlib
from dataclasses import replace
from pathlib import Path

import pyvips

from darkroom.imaging.png_profile import by_cicp, by_numbers
from darkroom.imaging.source import Source

_SIGNATURE = 8  # bytes
_MOST = 1 << 20  # bytes of a chunk, and of what it unpacks to: more is no EXIF of a camera, and may be a bomb
_COLOURS = (b"cICP", b"iCCP", b"sRGB", b"gAMA", b"cHRM")
_RAW = re.compile(rb"\s*\w+\s+\d+\s+([0-9A-Fa-f\s]+)")  # a profile as text, as ImageMagick writes it
_KEYWORDS = (b"Raw profile type exif", b"Raw profile type APP1")
_ORIENTATION, _SHORT = 0x112, 3  # of EXIF
_TURNED = (5, 6, 7, 8)  # on their side


def look_at_png(source: Source) -> Source:
    """What libvips has found, with the size of the upright image and the notes that only the chunks give."""
    chunks = _chunks(source.path)
    head = chunks.get(b"IHDR", b"")
    if len(head) < 8:
        return source
    width, height = struct.unpack_from(">II", head)
    if orientation_of(chunks) in _TURNED:
        width, height = height, width
    return replace(source, width=width, height=height, notes=source.notes + notes_of(chunks))


def read_png(path: Path) -> pyvips.Image | None:
    """The image with its orientation, where libvips alone would not turn it; None where it does right by itself."""
    orientation = orientation_of(_chunks(path))
    if not orientation:
        return None
    image = pyvips.Image.pngload(str(path), access="sequential", fail_on="warning")
    if "orientation" in image.get_fields():
        return None
    image = image.copy()
    image.set_type(pyvips.GValue.gint_type, "orientation", orientation)
    return image


def notes_of(chunks: dict[bytes, bytes]) -> tuple[str, ...]:
    """What is not shown of a PNG, a sentence each."""
    notes = []
    if declared := by_cicp(chunks) or by_numbers(chunks):
        notes.append(f"Its colours are declared by {declared}, which is not applied: they are shown as sRGB's.")
    frames = int.from_bytes(chunks.get(b"acTL", b"")[:4], "big")
    if frames > 1:
        notes.append(f"It has {frames:,} frames; only the first one is shown.")
    return tuple(notes)


def orientation_of(chunks: dict[bytes, bytes]) -> int:
    """EXIF's orientation, 1 to 8; 0 where none is said."""
    return exif_orientation(chunks.get(b"eXIf", b"")) or exif_orientation(chunks.get(b"raw", b""))


def exif_orientation(exif: bytes) -> int:
    """The orientation in the first directory of an EXIF block, 0 where it says none."""
    exif = exif.removeprefix(b"Exif\0\0")
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(exif[:4])
    if not order:
        return 0
    try:
        (at,) = struct.unpack_from(f"{order}I", exif, 4)
        (count,) = struct.unpack_from(f"{order}H", exif, at)
        for number in range(count):
            tag, kind, _, value = struct.unpack_from(f"{order}HHIH", exif, at + 2 + 12 * number)
            if (tag, kind) == (_ORIENTATION, _SHORT):
                return int(value) if 1 <= value <= 8 else 0
    except struct.error:
        pass
    return 0


def _chunks(path: Path) -> dict[bytes, bytes]:
    """The first chunk of each kind that says something, wherever it stands; `raw`: EXIF that stands in a text."""
    found: dict[bytes, bytes] = {}
    with path.open("rb") as file:
        file.seek(_SIGNATURE)
        while len(head := file.read(8)) == 8:
            length, kind = struct.unpack(">I4s", head)
            wanted = kind in (b"IHDR", b"eXIf", b"acTL", *_COLOURS, b"tEXt", b"zTXt", b"iTXt")
            data = file.read(min(length, _MOST)) if wanted else b""
            file.seek(length - len(data) + 4, 1)
            if kind in (b"tEXt", b"zTXt", b"iTXt"):
                kind, data = b"raw", _raw_exif(kind, data)
            if data and wanted:
                found.setdefault(kind, data)
    return found


def _raw_exif(kind: bytes, chunk: bytes) -> bytes:
    """The EXIF that a text chunk holds in hexadecimal, if it does."""
    keyword, _, rest = chunk.partition(b"\0")
    if keyword not in _KEYWORDS:
        return b""
    packed = kind == b"zTXt"
    if kind == b"iTXt":
        packed, rest = rest[:1] == b"\1", rest[2:].split(b"\0", 2)[-1]
    elif packed:
        rest = rest[1:]
    try:
        text = zlib.decompressobj().decompress(rest, _MOST) if packed else rest
    except zlib.error:
        return b""
    digits = re.sub(rb"\s", b"", found[1]) if (found := _RAW.match(text)) else b""
    return bytes.fromhex(digits[: len(digits) // 2 * 2].decode())
