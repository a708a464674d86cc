"""What becomes of files on bad disks and broken lines: cut short, their end mark put back or not, zeroed."""

import struct

from tests import scans

END = b"\xff\xd9"  # of a JPEG


def scan_of(jpeg: bytes) -> int:
    """Where the first scan of a JPEG begins."""
    at = 2
    while jpeg[at + 1] != 0xDA:
        at += 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
    return at


def cut(jpeg: bytes, part: float) -> bytes:
    """So much of its scan, and its end mark."""
    start = scan_of(jpeg)
    return jpeg[: start + int((len(jpeg) - start) * part)] + END


def zeroed(data: bytes, part: float) -> bytes:
    """A twentieth of zeros from there on."""
    start, length = int(len(data) * part), len(data) // 20
    return data[:start] + bytes(length) + data[start + length :]


def with_bad_scan_parameters(jpeg: bytes) -> bytes:
    """As Samsung's cameras write them."""
    data, at = bytearray(jpeg), scan_of(jpeg)
    end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    data[end - 3 : end] = bytes(3)
    return bytes(data)


def with_junk_in_the_header(jpeg: bytes) -> bytes:
    """Bytes between two segments that belong to neither."""
    first = 4 + int.from_bytes(jpeg[4:6], "big")
    return jpeg[:first] + b"\x11\xff\x00\x22" + jpeg[first:]


def with_odd_jfif(jpeg: bytes) -> bytes:
    """A revision of JFIF that nobody knows."""
    return jpeg[:2] + b"\xff\xe0\x00\x10JFIF\0\7\7\0\0\1\0\1\0\0" + jpeg[2:]


def gif_that_ends_early(part: float) -> bytes:
    """With its blocks and its trailer in order."""
    gif = scans.picture().gifsave_buffer()
    at = 13 + 3 * (2 << (gif[10] & 7)) if gif[10] & 0x80 else 13
    while gif[at] != 0x2C:
        at += 2
        while gif[at]:
            at += gif[at] + 1
        at += 1
    table = gif[at + 9]
    at += 11 + (3 * (2 << (table & 7)) if table & 0x80 else 0)
    while at < len(gif) * part:
        at += gif[at] + 1
    return gif[:at] + b"\0;"


def webp_that_ends_early(webp: bytes, part: float) -> bytes:
    """With the lengths of its chunks in order."""
    at = max(webp.find(b"VP8 "), webp.find(b"VP8L"))
    kept = int(struct.unpack_from("<I", webp, at + 4)[0] * part) // 2 * 2
    data = bytearray(webp[: at + 8 + kept])
    struct.pack_into("<I", data, at + 4, kept)
    struct.pack_into("<I", data, 4, len(data) - 8)
    return bytes(data)
