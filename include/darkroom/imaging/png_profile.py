"""Which colour profile a PNG says it is in, from the chunks before its pixels (PNG specification, 11.3.2)."""

import struct
import zlib
from collections.abc import Iterator, Mapping

_SIGNATURE = 8  # bytes that a PNG begins with
_MOST_PROFILE = 1 << 22  # a description stands near a profile's beginning; more may be a bomb

_SRGB_GAMMA = (45_000, 46_000)  # 1/2.2, which the specification gives as sRGB's, with what writers round it to
_SRGB_PRIMARIES = (31_270, 32_900, 64_000, 33_000, 30_000, 60_000, 15_000, 6_000)
_NEAR = 100  # of 100,000: what writers round the primaries to


def other_profile(png: bytes) -> str:
    """The name of the colour profile that a PNG is in, or nothing where that is sRGB or is not said.

    The chunks count in the specification's order: cICP, iCCP, sRGB, then gAMA and cHRM.
    """
    chunks: dict[bytes, bytes] = {}
    for kind, data in _chunks(png):
        chunks.setdefault(kind, data)
    return by_cicp(chunks) or _by_icc_or_numbers(chunks)


def by_cicp(chunks: Mapping[bytes, bytes]) -> str:
    """What cICP says, where that is not sRGB."""
    data = chunks.get(b"cICP", b"\x01\x0d")
    return "" if data[:2] == b"\x01\x0d" else f"code points {'-'.join(map(str, data))} (cICP)"


def by_numbers(chunks: Mapping[bytes, bytes]) -> str:
    """What gAMA and cHRM say, where they count and that is not what sRGB is."""
    if chunks.keys() & {b"cICP", b"iCCP", b"sRGB"}:
        return ""
    return _by_numbers(chunks.get(b"gAMA"), chunks.get(b"cHRM"))


def _by_icc_or_numbers(chunks: Mapping[bytes, bytes]) -> str:
    if b"iCCP" in chunks and b"cICP" not in chunks:
        return _other_icc(chunks[b"iCCP"])
    return by_numbers(chunks)


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The chunks before the first of pixels."""
    at = _SIGNATURE
    while at + 8 <= len(png):
        length, kind = struct.unpack_from(">I4s", png, at)
        if kind == b"IDAT":
            return
        yield kind, png[at + 8 : at + 8 + length]
        at += 12 + length


def _other_icc(chunk: bytes) -> str:
    """The description of an iCCP chunk's profile, or nothing where it says sRGB."""
    keyword, _, rest = chunk.partition(b"\0")
    called = keyword.decode("latin-1").strip() or "a profile without a name"
    try:
        description = _description(zlib.decompressobj().decompress(rest[1:], _MOST_PROFILE)) or called
    except (zlib.error, struct.error, UnicodeDecodeError):
        return f"{called} (broken: it cannot be read)"
    return "" if "srgb" in description.lower() else description


def _description(profile: bytes) -> str:
    """The text of an ICC profile's `desc` tag (ICC.1, 7.3 and 9.2.41), as version 2 and version 4 write it."""
    (tags,) = struct.unpack_from(">I", profile, 128)
    for number in range(min(tags, 200)):
        name, offset, size = struct.unpack_from(">4sII", profile, 132 + 12 * number)
        if name == b"desc":
            return _text(profile[offset : offset + size])
    return ""


def _text(tag: bytes) -> str:
    if tag[:4] == b"desc":  # version 2: a count, then ASCII
        (count,) = struct.unpack_from(">I", tag, 8)
        return tag[12 : 12 + count].split(b"\0")[0].decode("latin-1").strip()
    if tag[:4] == b"mluc":  # version 4: a table of languages, of which the first does
        length, offset = struct.unpack_from(">II", tag, 20)
        return tag[offset : offset + length].decode("utf-16-be").strip("\0 ")
    return ""


def _by_numbers(gamma: bytes | None, primaries: bytes | None) -> str:
    """What gAMA and cHRM say, where that is not what sRGB is."""
    said = []
    if gamma is not None and len(gamma) == 4:
        (value,) = struct.unpack(">I", gamma)
        if not _SRGB_GAMMA[0] <= value <= _SRGB_GAMMA[1]:
            said.append(f"gamma {value / 100_000:g}")
    if primaries is not None and len(primaries) == 32:
        values = struct.unpack(">8I", primaries)
        if any(abs(value - srgb) > _NEAR for value, srgb in zip(values, _SRGB_PRIMARIES, strict=True)):
            said.append("primaries " + " ".join(f"{value / 100_000:g}" for value in values))
    return ", ".join(said)
