"""PDFs of one page of 144 x 72 points, written by hand: what people deliver, and every way in which it is no good."""

import hashlib
import io
import struct
import zlib
from collections.abc import Sequence

from PIL import Image

from tests import scans

WIDTH, HEIGHT = 100, 50
"""Pixels of the image in them."""

FILL = b"q 144 0 0 72 0 0 cm /Im0 Do Q"
IMAGE = b"/XObject<</Im0 5 0 R>>"
RGB = b"/ColorSpace/DeviceRGB/BitsPerComponent 8"
GREY = b"/ColorSpace/DeviceGray/BitsPerComponent 1"
PREDICTED = b"/DecodeParms<</Predictor 15/Colors 3/Columns 100>>"
G4 = b"/DecodeParms<</K -1/Columns 100/Rows 50>>"
RED_HALF = b"1 0 0 rg 0 0 72 72 re f"


def document(objects: Sequence[bytes], trailer: bytes = b"") -> bytes:
    """Objects, numbered from 1; the first is the catalogue."""
    body, offsets = b"%PDF-1.7\n", []
    for number, content in enumerate(objects, 1):
        offsets.append(len(body))
        body += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    head = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    tail = b"trailer<</Size %d/Root 1 0 R%b>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, trailer, len(body))
    return body + head + table + tail


def stream(entries: bytes, data: bytes) -> bytes:
    return b"<<%b/Length %d>>stream\n%b\nendstream" % (entries, len(data), data)


def page(
    content: bytes = b"",
    resources: bytes = b"",
    objects: Sequence[bytes] = (),
    *,
    entries: bytes = b"",
    box: bytes = b"0 0 144 72",
    catalogue: bytes = b"",
    packed: bytes = b"",
) -> bytes:
    """A page with such content; `objects` have the numbers from 5 on."""
    return document(
        [
            b"<</Type/Catalog/Pages 2 0 R%b>>" % catalogue,
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[%b]/Contents 4 0 R/Resources<<%b>>%b>>" % (box, resources, entries),
            stream(packed, content),
            *objects,
        ]
    )


def form(content: bytes, resources: bytes = b"") -> bytes:
    return stream(b"/Type/XObject/Subtype/Form/BBox[0 0 144 72]/Resources<<%b>>" % resources, content)


def image(entries: bytes, data: bytes, size: tuple[int, int] = (WIDTH, HEIGHT)) -> bytes:
    return stream(b"/Type/XObject/Subtype/Image/Width %d/Height %d%b" % (*size, entries), data)


def scan(entries: bytes, data: bytes) -> bytes:
    """A page that is one image."""
    return page(FILL, IMAGE, [image(entries, data)])


def inline(entries: bytes, data: bytes) -> bytes:
    """A page that is one image within its content."""
    return page(b"q 144 0 0 72 0 0 cm BI /W 100 /H 50 %b ID %b\nEI Q" % (entries, data))


def field(entries: bytes, *, states: bytes = b"", form: bytes = b"") -> bytes:
    """A page with one field on its left half: 6 is a red look, 7 an empty one; `form`: entries of the form."""
    look = b"/Type/XObject/Subtype/Form/BBox[0 0 72 72]"
    widget = b"<</Type/Annot/Subtype/Widget/T(a)/Rect[0 0 72 72]/P 3 0 R%b%b>>" % (entries, states)
    fonts = b"/DR<</Font<</Helv 8 0 R/ZaDb 9 0 R>>>>/DA(/Helv 0 Tf 0 g)"
    objects = [widget, stream(look, RED_HALF), stream(look, b"")]
    objects += [b"<</Type/Font/Subtype/Type1/BaseFont/%b>>" % name for name in (b"Helvetica", b"ZapfDingbats")]
    catalogue = b"/AcroForm<</Fields[5 0 R]%b%b>>" % (fonts, form)
    return page(objects=objects, entries=b"/Annots[5 0 R]", catalogue=catalogue)


def annotated(annotation: bytes, objects: Sequence[bytes] = ()) -> bytes:
    return page(objects=[b"<</Type/Annot%b>>" % annotation, *objects], entries=b"/Annots[5 0 R]")


def locked(user: bytes) -> bytes:
    """A page whose left half is red, encrypted for a user's password (ISO 32000-1, 7.6.3, revision 2)."""
    padding = bytes.fromhex("28BF4E5E4E758A4164004E56FFFA01082E2E00B6D0683E802F0CA9FE6453697A")
    owner = _rc4(hashlib.md5(padding).digest()[:5], (user + padding)[:32])  # noqa: S324 - the standard's
    key = hashlib.md5((user + padding)[:32] + owner + struct.pack("<i", -4) + b"id").digest()[:5]  # noqa: S324
    own = hashlib.md5(key + struct.pack("<I", 4)[:3] + b"\0\0").digest()[:10]  # noqa: S324
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 144 72]/Contents 4 0 R>>",
        stream(b"", _rc4(own, RED_HALF)),
        b"<</Filter/Standard/V 1/R 2/P -4/O<%b>/U<%b>>>" % (owner.hex().encode(), _rc4(key, padding).hex().encode()),
    ]
    return document(objects, b"/Encrypt 5 0 R/ID[<6964><6964>]")


def _rc4(key: bytes, data: bytes) -> bytes:
    state, at = list(range(256)), 0
    for number in range(256):
        at = (at + state[number] + key[number % len(key)]) % 256
        state[number], state[at] = state[at], state[number]
    found, one, two = bytearray(), 0, 0
    for byte in data:
        one = (one + 1) % 256
        two = (two + state[one]) % 256
        state[one], state[two] = state[two], state[one]
        found.append(byte ^ state[(state[one] + state[two]) % 256])
    return bytes(found)


def samples() -> bytes:
    return scans.picture(WIDTH, HEIGHT).numpy().tobytes()


def flate() -> bytes:
    return zlib.compress(samples())


def jpeg() -> bytes:
    data: bytes = scans.picture(WIDTH, HEIGHT).jpegsave_buffer(Q=90)
    return data


def jpeg_2000() -> bytes:
    held = io.BytesIO()
    Image.fromarray(scans.picture(WIDTH, HEIGHT).numpy()).save(held, "JPEG2000")
    return held.getvalue()


def fax(compression: str = "group4") -> bytes:
    """The strip of a TIFF: white where the picture's red is more than half."""
    held = io.BytesIO()
    Image.fromarray(scans.picture(WIDTH, HEIGHT).numpy()[..., 0] > 128).save(held, "TIFF", compression=compression)
    tags = Image.open(held).tag_v2  # type: ignore[attr-defined]
    return held.getvalue()[tags[273][0] : tags[273][0] + tags[279][0]]


def jbig2() -> bytes:
    """A page with one region, which is coded as a fax is."""

    def segment(number: int, kind: int, data: bytes) -> bytes:
        return struct.pack(">IBBBI", number, kind, 0, 1, len(data)) + data

    size = struct.pack(">II", WIDTH, HEIGHT)
    region = size + bytes(9) + b"\1" + fax()
    return segment(0, 48, size + bytes(11)) + segment(1, 38, region) + segment(2, 49, b"")


def lzw(data: bytes) -> bytes:
    """Coded without ever using what it has learnt: a clear code after each 200 bytes."""
    bits = []
    for number in range(0, len(data), 200):
        bits += [256, *data[number : number + 200]]
    text = "".join(f"{code:09b}" for code in [*bits, 257])
    return int(text.ljust(-(-len(text) // 8) * 8, "0"), 2).to_bytes(-(-len(text) // 8), "big")


def runs(data: bytes) -> bytes:
    """Coded as run lengths, without a run: each hundred bytes as they are."""
    parts = [data[at : at + 100] for at in range(0, len(data), 100)]
    return b"".join(bytes([len(part) - 1]) + part for part in parts) + b"\x80"


def predicted() -> bytes:
    """Each row with a byte before it, that says that it is as it is."""
    row = 3 * WIDTH
    return b"".join(b"\0" + samples()[at : at + row] for at in range(0, HEIGHT * row, row))


def zeroed(data: bytes) -> bytes:
    """With a tenth of its bytes lost in its middle."""
    begin, length = len(data) * 2 // 5, len(data) // 10
    return data[:begin] + bytes(length) + data[begin + length :]


def half(data: bytes) -> bytes:
    return data[: len(data) // 2]
