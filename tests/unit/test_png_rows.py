"""Plain PNGs are read by rows of our own, pixel by pixel as libvips reads them; everything else is left to libvips."""

import struct
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import pyvips

from darkroom.errors import ItemError
from darkroom.imaging import png_rows
from darkroom.imaging.layers import Layers
from darkroom.imaging.png_rows import NotPlain, plain_png
from tests.renders import pixels, png

Rgba = npt.NDArray[np.uint8]
Row = npt.NDArray[np.int64]
RNG = np.random.default_rng(19)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def predicted(kind: int, row: Row, above: Row) -> Row:
    """What a filter subtracts from a row, as the specification says it (9.2)."""
    left, upper = np.r_[[0] * 4, row[:-4]], np.r_[[0] * 4, above[:-4]]
    to = np.abs(np.stack([left, above, upper]) - (left + above - upper))
    nearest: Row = np.choose(to.argmin(axis=0), [left, above, upper])  # the first of the nearest
    found: list[Row] = [0 * row, left, above, (left + above) // 2, nearest]
    return found[kind]


def packed(picture: Rgba, filters: Sequence[int]) -> bytes:
    """The filtered rows, before they are deflated."""
    height, width, _ = picture.shape
    rows = picture.reshape(height, width * 4).astype(np.int64)
    above = np.zeros(width * 4, np.int64)
    out = b""
    for row, kind in zip(rows, filters, strict=True):
        out += bytes([kind]) + ((row - predicted(kind, row, above)) & 255).astype(np.uint8).tobytes()
        above = row
    return out


def file_of(width: int, height: int, stream: bytes, *, piece: int = 1000, extra: bytes = b"") -> bytes:
    head = chunk(b"IHDR", struct.pack(">II5B", width, height, 8, 6, 0, 0, 0))
    data = b"".join(chunk(b"IDAT", stream[at : at + piece]) for at in range(0, len(stream), piece))
    return b"\x89PNG\r\n\x1a\n" + head + extra + data + chunk(b"IEND", b"")


def filtered(picture: Rgba, filters: Sequence[int], **options: Any) -> bytes:
    height, width, _ = picture.shape
    return file_of(width, height, zlib.compress(packed(picture, filters)), **options)


def read(data: bytes) -> Rgba:
    """Where a row paints, its pixels; nothing elsewhere."""
    plain = plain_png(data)
    assert plain, "it is not read as a plain one"
    spans = np.zeros((plain.height, 3), np.int64)
    picture = np.zeros((plain.height, plain.width, 4), np.uint8)
    for rows, packed in plain.painted(spans):
        for row, (first, end, at) in zip(picture[rows], spans[rows], strict=True):
            row[first:end] = packed[at : at + 4 * (end - first)].reshape(-1, 4)
            if end > first:
                assert all(row[[first, end - 1], 3]), "no more than what it paints"
    return picture


def whole(data: bytes) -> Rgba:
    """All pixels, also what is transparent."""
    plain = plain_png(data)
    assert plain, "it is not read as a plain one"
    return plain.pixels()


def seen(picture: Rgba) -> Rgba:
    """Each row from its first painted pixel to its last."""
    alpha = picture[..., 3] > 0
    after = np.maximum.accumulate(alpha, axis=1) & np.maximum.accumulate(alpha[:, ::-1], axis=1)[:, ::-1]
    return np.where(after[..., None], picture, 0).astype(np.uint8)


def by_libvips(data: bytes) -> Rgba:
    values: Rgba = pyvips.Image.pngload_buffer(data).numpy()
    return values


def shape(width: int, height: int) -> Rgba:
    """Noise and a gradient amid nothing, as a render has it."""
    picture = RNG.integers(0, 256, (height, width, 4), dtype=np.uint8)
    picture[:, width // 2 :] = np.linspace(0, 255, 4, dtype=np.uint8)
    picture[:, : width // 3] = 0
    picture[:, -(width // 4) :] = 0
    picture[: height // 4] = 0
    return picture


@pytest.mark.parametrize("kind", range(5))
@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 9), (3, 7), (64, 5), (129, 40), (700, 31)])
def test_every_filter_is_undone_in_rows_of_any_length(width: int, height: int, kind: int) -> None:
    for picture in (shape(width, height), RNG.integers(0, 256, (height, width, 4), dtype=np.uint8)):
        data = filtered(picture, [kind] * height)
        assert np.array_equal(by_libvips(data), picture)
        assert np.array_equal(read(data), seen(picture))
        assert np.array_equal(whole(data), picture)


def test_filters_may_change_from_row_to_row() -> None:
    for _ in range(20):
        picture = shape(333, 30)
        data = filtered(picture, list(RNG.integers(0, 5, 30)), piece=int(RNG.integers(1, 5000)))
        assert np.array_equal(read(data), seen(picture))
        assert np.array_equal(whole(data), picture)


@pytest.mark.parametrize("kind", range(5))
def test_a_row_of_zeros_adds_nothing_to_the_row_above_whatever_that_is(kind: int) -> None:
    unseen, painted = [5, 6, 7, 0], [5, 6, 7, 255]
    rows = [[0] * 4, unseen, unseen, painted, painted, [0] * 4, [0] * 4, unseen, [0] * 4, painted]
    picture = np.repeat(np.array(rows, np.uint8)[:, None], 70, axis=1)
    for filters in ([kind] * 10, [0] * 6 + [kind] * 4, [kind] * 8 + [0, kind]):
        data = filtered(picture, filters)
        assert np.array_equal(by_libvips(data), picture)
        assert np.array_equal(read(data), seen(picture))


@pytest.mark.parametrize("kind", ["none", "sub", "up", "avg", "paeth", "all"])
def test_a_render_by_libvips_is_plain(kind: str) -> None:
    picture = pixels("t1_neckline_front", 0, 400)
    assert np.array_equal(read(png(picture, filter=kind)), seen(picture))


def test_rows_may_break_off_anywhere_in_what_is_inflated_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = shape(50, 23)
    data = filtered(picture, [0, 1, 2, 3, 4, *[4] * 18])
    for part in (1, 2, 200, 201, 202, 401, 999, 5000):
        monkeypatch.setattr(png_rows, "_PART", part)
        monkeypatch.setattr(png_rows, "_PIECE", part)
        assert np.array_equal(read(data), seen(picture)), part


def test_what_stands_beside_the_picture_changes_nothing() -> None:
    picture = shape(40, 20)
    text = chunk(b"tEXt", b"Comment\0" + b"IDAT" * 50)
    data = filtered(picture, [4] * 20, extra=text)
    assert np.array_equal(read(data), seen(picture))
    assert np.array_equal(read(data + b"behind its end"), seen(picture))


@pytest.mark.parametrize(
    "other",
    [
        lambda: png(shape(20, 20), interlace=True),
        lambda: png(shape(20, 20)[..., :3]),
        lambda: png(shape(20, 20)[..., :1]),
        lambda: png(shape(20, 20), bitdepth=16),
        lambda: png(shape(20, 20), palette=True),
        lambda: b"GIF89a" + bytes(90),
        lambda: b"",
    ],
)
def test_another_kind_of_file_is_left_to_libvips(other: Callable[[], bytes]) -> None:
    assert plain_png(other()) is None


PICTURE = shape(60, 40)
WHOLE = packed(PICTURE, [4] * 40)
STREAM = zlib.compress(WHOLE)
FAULTS: dict[str, Callable[[bytes], bytes]] = {
    "a byte of the picture is another": lambda data: data[:200] + bytes([data[200] ^ 1]) + data[201:],
    "a byte of a checksum is another": lambda data: data.replace(b"IEND", b"IEND!")[:-1],
    "cut off in the picture": lambda data: data[: len(data) // 2],
    "cut off before its end": lambda data: data[:-12],
    "cut off in its end": lambda data: data[:-2],
    "another chunk amid the picture": lambda data: _amid(data, chunk(b"tEXt", b"a\0b")),
    "an unknown critical chunk": lambda data: data[:33] + chunk(b"ABCD", b"1") + data[33:],
    "two headers": lambda data: data[:33] + data[8:33] + data[33:],
    "no picture": lambda data: data[:33] + data[-12:],
    "a chunk that claims more than there is": lambda data: data[:33] + struct.pack(">I", 1 << 31) + data[37:],
}
STREAMS = {
    "a wrong checksum": STREAM[:-1] + bytes([STREAM[-1] ^ 1]),
    "no checksum": STREAM[:-4],
    "half of the rows": zlib.compress(WHOLE[: len(WHOLE) // 2]),
    "a byte too few": zlib.compress(WHOLE[:-1]),
    "a byte too many": zlib.compress(WHOLE + b"\0"),
    "something behind its end": STREAM + b"more",
    "an unknown filter": zlib.compress(b"\5" + WHOLE[1:]),
    "no deflate": b"no deflate" * 30,
}


def _amid(data: bytes, one: bytes) -> bytes:
    at = data.rindex(b"IDAT") - 4
    return data[:at] + one + data[at:]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_file_with_a_fault_is_not_read_here(fault: str) -> None:
    broken = FAULTS[fault](filtered(PICTURE, [4] * 40))
    assert plain_png(broken) is None
    require_as_libvips(broken)


@pytest.mark.parametrize("fault", STREAMS)
def test_a_fault_that_only_the_rows_show_ends_the_reading(fault: str) -> None:
    broken = file_of(60, 40, STREAMS[fault])
    plain = plain_png(broken)
    assert plain
    with pytest.raises(NotPlain):
        list(plain.painted(np.zeros((40, 3), np.int64)))
    with pytest.raises(NotPlain):
        plain.pixels()
    require_as_libvips(broken)


def require_as_libvips(data: bytes) -> None:
    """Of what is not plain libvips decides, as it did: it is refused, or read as libvips reads it."""
    layers = Layers(1 << 20)
    try:
        image = pyvips.Image.pngload_buffer(data, access="sequential", fail_on="error").numpy()
    except pyvips.Error:
        with pytest.raises(ItemError, match="cannot be decoded"):
            layers.decode(data)
        return
    layer = layers.decode(data)
    box = layer.box
    kept = np.zeros_like(image)
    kept[box.y0 : box.y1, box.x0 : box.x1] = layers.unpacked(layer)
    assert np.array_equal(np.where(image[..., 3:] > 0, image, 0), np.where(kept[..., 3:] > 0, kept, 0))
