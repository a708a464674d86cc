"""Images of every kind that people deliver, and every kind of broken one, drawn when a test asks for them."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pyvips

WIDTH, HEIGHT = 900, 700


def picture(width: int = WIDTH, height: int = HEIGHT) -> pyvips.Image:
    """A picture whose colours say where one is: red grows to the right, green downwards, blue is a soft pattern."""
    y, x = np.mgrid[0:height, 0:width]
    blue = 127 + 90 * np.sin(x / 23.0) * np.cos(y / 31.0)
    pixels = np.stack([x * 255.0 / (width - 1), y * 255.0 / (height - 1), blue], axis=-1)
    return pyvips.Image.new_from_array(pixels.round().astype(np.uint8)).copy(interpretation="srgb")


def tagged(image: pyvips.Image, orientation: int) -> pyvips.Image:
    """With EXIF's orientation."""
    copy = image.copy()
    copy.set_type(pyvips.GValue.gint_type, "orientation", orientation)
    return copy


def with_profile(image: pyvips.Image, profile: bytes) -> pyvips.Image:
    """With an ICC profile, whatever that is."""
    copy = image.copy()
    copy.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
    return copy


def stacked(image: pyvips.Image, pages: int) -> pyvips.Image:
    """Several pages, one below the other as libvips has them."""
    joined = pyvips.Image.arrayjoin([image] * pages, across=1).copy()
    joined.set_type(pyvips.GValue.gint_type, "page-height", image.height)
    return joined


def pdf() -> bytes:
    """A document of one page that shows the picture."""
    into = io.BytesIO()
    _pillow(picture()).save(into, "PDF", resolution=300.0)
    return into.getvalue()


def good(folder: Path) -> dict[str, Path]:
    """One file of each kind that is read, by a word for it."""
    image = picture()
    files = {
        "jpeg": folder / "a.jpg",
        "progressive": folder / "progressive.jpg",
        "png": folder / "a.png",
        "interlaced": folder / "interlaced.png",
        "tiff": folder / "a-scan.tif",
        "webp": folder / "a.webp",
        "gif": folder / "a.gif",
        "avif": folder / "a.avif",
        "bmp": folder / "a.bmp",
        "pdf": folder / "a.pdf",
        "svg": folder / "a.svg",
        "sixteen bit": folder / "sixteen.png",
        "grey": folder / "grey.png",
        "one bit": folder / "one-bit.tif",
        "cmyk": folder / "cmyk.jpg",
        "lab": folder / "lab.tif",
    }
    image.jpegsave(str(files["jpeg"]), Q=95)
    image.jpegsave(str(files["progressive"]), Q=95, interlace=True)
    image.pngsave(str(files["png"]))
    image.pngsave(str(files["interlaced"]), interlace=True)
    image.tiffsave(str(files["tiff"]))
    image.webpsave(str(files["webp"]), Q=95)
    image.gifsave(str(files["gif"]))
    image.heifsave(str(files["avif"]), compression="av1", Q=90)
    (image.cast("ushort") * 257).cast("ushort").copy(interpretation="rgb16").pngsave(str(files["sixteen bit"]))
    image.colourspace("b-w").pngsave(str(files["grey"]))
    image.colourspace("b-w").tiffsave(str(files["one bit"]), bitdepth=1)
    image.colourspace("cmyk").jpegsave(str(files["cmyk"]), Q=95)
    image.colourspace("lab").tiffsave(str(files["lab"]))
    _pillow(image).save(files["bmp"])
    files["pdf"].write_bytes(pdf())
    files["svg"].write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH * 72 / 300}" height="{HEIGHT * 72 / 300}" '
        f'viewBox="0 0 9 7"><rect width="9" height="7" fill="#e0c080"/><circle cx="4" cy="3" r="2"/></svg>'
    )
    return files


def jpeg_cut_short(folder: Path) -> Path:
    return _cut(folder / "jpeg-cut-short.jpg", picture().jpegsave_buffer(), 0.6)


def png_cut_short(folder: Path) -> Path:
    return _cut(folder / "png-cut-short.png", picture().pngsave_buffer(), 0.6)


def tiff_cut_short(folder: Path) -> Path:
    return _cut(folder / "tiff-cut-short.tif", picture().tiffsave_buffer(tile=True), 0.9)


def bmp_cut_short(folder: Path) -> Path:
    whole = folder / "whole.bmp"
    _pillow(picture()).save(whole)
    return _cut(folder / "bmp-cut-short.bmp", whole.read_bytes(), 0.5)


def png_bomb(folder: Path) -> Path:
    """Fifty thousand pixels square, in some hundred bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    file = folder / "bomb.png"
    rows = zlib.compress(bytes(100_000))
    file.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b""))
    return file


def pdf_with_password(folder: Path) -> Path:
    """A PDF that says it is encrypted, with keys that no password gives."""
    file = folder / "locked.pdf"
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 216 168]>>",
        b"<</Filter/Standard/V 1/R 2/P -4/O<" + b"41" * 32 + b">/U<" + b"42" * 32 + b">>>",
    ]
    body, offsets = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        offsets.append(len(body))
        body += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    trailer = b"<</Size 5/Root 1 0 R/Encrypt 4 0 R/ID[<00><00>]>>"
    file.write_bytes(
        body + b"xref\n0 5\n0000000000 65535 f \n%btrailer\n%b\nstartxref\n%d\n%%%%EOF\n" % (table, trailer, len(body))
    )
    return file


def svg_that_looks_outside(folder: Path, how: str) -> Path:
    file = folder / "outside.svg"
    file.write_text(f'<svg xmlns="http://www.w3.org/2000/svg" width="90" height="70">{how}</svg>')
    return file


def half_grey_pyramid(folder: Path) -> Path:
    """What a lenient decoder makes of a scan that was cut short."""
    cut = _cut(folder / "cut.jpg", picture(1200, 1000).jpegsave_buffer(Q=80), 0.5)
    image = pyvips.Image.jpegload(str(cut), fail_on="none")
    file = folder / "half-grey.tif"
    image.tiffsave(str(file), tile=True, tile_width=256, tile_height=256, pyramid=True, compression="deflate")
    return file


def _cut(file: Path, data: bytes, part: float) -> Path:
    file.write_bytes(data[: int(len(data) * part)])
    return file


def _pillow(image: pyvips.Image):  # type: ignore[no-untyped-def]
    from PIL import Image

    return Image.fromarray(image.numpy())
