"""How large a PNG is, from its first bytes: what a plan asks of a render, and a page of a proxy."""

import struct

HEADER_BYTES = 33
"""The PNG signature and the whole IHDR chunk."""

_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def png_size(header: bytes) -> tuple[int, int] | None:
    """Width and height from a PNG's first bytes (PNG specification, 5.2 and 11.2.1), or None where it is no PNG."""
    if len(header) < HEADER_BYTES or not header.startswith(_SIGNATURE) or header[12:16] != b"IHDR":
        return None
    width, height = struct.unpack(">II", header[16:24])
    return (width, height) if width and height else None
