"""Cuts of pyramids where they lie: the pixels that libvips has of them, in few bytes and flat memory, or a sentence."""

import os
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import pyvips
import tifffile

from darkroom.errors import SourceChanged
from darkroom.failures import DecodeFailed
from darkroom.iiif import pyramid as pyramids
from darkroom.iiif.cutting import cut_of
from darkroom.iiif.geometry import Cut, resolve
from darkroom.iiif.plan import Unservable, plan
from darkroom.iiif.pyramid import Pyramid, open_pyramid
from darkroom.iiif.request import parse
from darkroom.imaging.opening import look
from darkroom.pyramids.make import make_pyramid
from darkroom.pyramids.profiles import PROFILES, Cap, available
from darkroom.store import Store, open_store
from tests import scans

WIDTH, HEIGHT = 2301, 1703  # odd, so that each level leaves something out
REGIONS = [
    "0,0,512,512",
    "512,1024,512,512",
    "2048,1536,512,512",  # at the corner
    "0,0,1024,1024",
    "2048,0,2048,2048",
    "full",
    "square",
    "pct:10.5,20.25,33.3,40",
    "1,1,1,1",
    "701,333,999,777",
]
SIZES = ["max", "!512,512", "!37,41", "^!600,600"]


def cut(pyramid: Pyramid, address: str) -> Cut:
    return resolve(parse(*address.split("/")), pyramid.width, pyramid.height)


def answer(pyramid: Pyramid, address: str) -> pyvips.Image:
    return pyvips.Image.new_from_buffer(cut_of(pyramid, cut(pyramid, address)), "")


def pixels(image: pyvips.Image) -> npt.NDArray[np.int64]:
    return image.numpy().astype(np.int64)


@pytest.fixture(scope="module", params=sorted(available()))
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pyramid of each profile, with alpha where it keeps that."""
    folder = tmp_path_factory.mktemp(request.param)
    picture = scans.picture(WIDTH, HEIGHT)
    picture.bandjoin(255 - picture[0] / 3).cast("uchar").copy(interpretation="srgb").pngsave(str(folder / "scan.png"))
    make_pyramid(look(folder / "scan.png", 10**9), folder / "scan.tif", PROFILES[request.param])
    return folder / "scan.tif"


def opened(store: Store, path: Path) -> Pyramid:
    return open_pyramid(store, store.write(path.name, path.read_bytes()))


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["folder", "moto"])
def test_a_cut_is_what_libvips_makes_of_the_same_level(
    backend: str, made: Path, open_backend: Callable[[str], Store]
) -> None:
    pyramid = opened(open_backend(backend), made)
    assert [grid.factor for grid in pyramid.grids] == [2**number for number in range(len(pyramid.levels))]
    levels = [pyvips.Image.tiffload(str(made), page=page) for page in range(len(pyramid.levels))]
    for region in REGIONS:
        for size in SIZES:
            wanted = cut(pyramid, f"{region}/{size}/0/default.png")
            take = plan(pyramid.grids, wanted)
            grid, box = pyramid.grids[take.level], take.box
            corner = take.columns.start * grid.tile_width + box.x, take.rows.start * grid.tile_height + box.y
            due = levels[take.level].crop(*corner, box.width, box.height)
            due = due.thumbnail_image(wanted.width, height=wanted.height, size="force")
            found = pyvips.Image.new_from_buffer(cut_of(pyramid, wanted), "")
            assert (found.width, found.height, found.bands) == (wanted.width, wanted.height, due.bands)
            assert np.abs(pixels(found) - pixels(due)).max() <= 2, (region, size)


def test_a_cut_shows_the_part_of_the_image_that_was_asked_for(tmp_path: Path) -> None:
    """A gradient says of each pixel where it is from, so that no cut may be a pixel off, from whichever level."""
    down, across = np.mgrid[0:4096, 0:4096]
    gradient = np.stack([across / 16, down / 16, np.zeros_like(down)], axis=2).astype(np.uint8)
    pyvips.Image.new_from_array(gradient).copy(interpretation="srgb").pngsave(str(tmp_path / "a.png"))
    make_pyramid(look(tmp_path / "a.png", 10**9), tmp_path / "a.tif", PROFILES["deflate"], cap=Cap(4096, 4096))
    pyramid = opened(open_store(str(tmp_path / "store")), tmp_path / "a.tif")
    for address in (
        "1000,500,2000,1000/250,",
        "0,0,4096,4096/100,",
        "3001,77,999,4000/,333",
        "10,3000,128,64/^!500,500",
    ):
        wanted = cut(pyramid, f"{address}/0/default.png")
        found = pixels(answer(pyramid, f"{address}/0/default.png"))
        box, step = wanted.box, wanted.box.width / wanted.width
        x = (box.x + (np.arange(wanted.width) + 0.5) * step - 0.5) / 16
        y = (box.y + (np.arange(wanted.height) + 0.5) * (box.height / wanted.height) - 0.5) / 16
        assert np.abs(found[..., 0] - x[None, :]).max() <= 2
        assert np.abs(found[..., 1] - y[:, None]).max() <= 2


@pytest.mark.parametrize("made", ["deflate"], indirect=True)
def test_what_becomes_of_a_cut_is_what_libvips_makes_of_it(made: Path, tmp_path: Path) -> None:
    pyramid = opened(open_store(str(tmp_path)), made)
    part = pyvips.Image.tiffload(str(made)).crop(600, 400, 300, 200)
    white = part.flatten(background=[255])
    cases = {
        "0/default.png": part,
        "0/color.png": part,
        "0/default.webp": part,
        "0/default.jpg": white,
        "90/default.png": part.rot90(),
        "180/default.png": part.rot180(),
        "270/default.png": part.rot270(),
        "!0/default.png": part.fliphor(),
        "!90/default.png": part.fliphor().rot90(),
        "!180/default.png": part.fliphor().rot180(),
        "0/gray.png": part.colourspace("b-w"),
        "0/gray.jpg": white.colourspace("b-w"),
        "0/bitonal.png": white.colourspace("b-w") >= 128,
    }
    for asked, due in cases.items():
        found = answer(pyramid, f"600,400,300,200/max/{asked}")
        kind = asked.rpartition(".")[2]
        off = np.abs(pixels(found.colourspace("srgb")) - pixels(due.colourspace("srgb")))
        if kind == "png":
            assert off.max() <= 2, asked
        else:
            assert off.mean() <= 6, asked
        assert (
            found.get("vips-loader")
            == {"png": "pngload_buffer", "jpg": "jpegload_buffer", "webp": "webpload_buffer"}[kind]
        )


def test_a_tile_takes_one_request_of_its_own_bytes(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pyramid, tile = opened(open_store(str(tmp_path)), made), 256
    asked: list[int] = []
    fetch = pyramids.RangedFile.fetch
    monkeypatch.setattr(
        pyramids.RangedFile, "fetch", lambda file, offset, size: asked.append(size) or fetch(file, offset, size)
    )
    tile = pyramid.grids[0].tile_width
    cut_of(pyramid, cut(pyramid, f"{tile},{tile},{tile},{tile}/max/0/default.jpg"))
    cut_of(pyramid, cut(pyramid, f"0,0,{2 * tile},{2 * tile}/{tile},/0/default.jpg"))
    # where a file's directories lie, their blocks may be asked for once
    sizes = [one for one in asked if one != 64 << 10 and one != pyramid.file.entry.bytes % (64 << 10)]
    assert len(sizes) == 2
    assert max(sizes) <= tile * tile * 4


@pytest.fixture(scope="module")
def huge(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """30,000 x 20,000 pixels, and all levels of it."""
    path = tmp_path_factory.mktemp("huge") / "huge.tif"
    noise = pyvips.Image.gaussnoise(750, 500, sigma=60, mean=128).bandjoin(pyvips.Image.xyz(750, 500) / 3)
    image = noise.cast("uchar").copy(interpretation="srgb").resize(40, kernel="nearest")
    image.tiffsave(
        str(path), tile=True, tile_width=512, tile_height=512, pyramid=True, compression="jpeg", Q=80, depth="onetile"
    )
    return path


@pytest.mark.slow
@pytest.mark.alone
def test_memory_and_bytes_read_stay_flat_however_large_the_image_is(
    huge: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(str(huge.parent))
    entry = store.head("huge.tif")
    assert entry
    pyramid = open_pyramid(store, entry)
    assert (pyramid.width, pyramid.height) == (30_000, 20_000)
    read = [0]
    fetch = pyramids.RangedFile.fetch

    def counting(file: pyramids.RangedFile, offset: int, size: int) -> bytes:
        read[0] += size
        return fetch(file, offset, size)

    monkeypatch.setattr(pyramids.RangedFile, "fetch", counting)
    cut_of(pyramid, cut(pyramid, "full/max/0/default.jpg"))
    before, most = resident(), 0
    for number in range(60):
        step = 512 << (number % 6)
        x, y = number * 467 % (30_000 - 511), number * 331 % (20_000 - 511)
        read[0] = 0
        cut_of(pyramid, cut(pyramid, f"{x},{y},{step},{step}/!512,512/0/default.jpg"))
        most = max(most, read[0])
    for address in ("full/max/90/default.png", "full/!100,100/0/gray.jpg", "square/2048,/0/default.webp"):
        cut_of(pyramid, cut(pyramid, address))
    assert most < 6 << 20  # bytes, of a file of some hundred million
    assert resident() - before < 250 << 20  # 1,800 million bytes of pixels


def resident() -> int:
    """Bytes of this process that are in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_a_pyramid_that_is_replaced_while_it_is_looked_at_is_not_mixed(made: Path, tmp_path: Path) -> None:
    store = open_store(str(tmp_path))
    pyramid = opened(store, made)
    store.write(made.name, made.read_bytes() + b"\0")
    with pytest.raises(SourceChanged):
        answer(pyramid, "full/max/0/default.jpg")


@pytest.mark.parametrize("subifd", [False, True], ids=["pages", "SubIFDs"])
def test_levels_are_found_as_pages_and_in_subifds(subifd: bool, tmp_path: Path) -> None:
    scans.picture(1500, 1100).tiffsave(str(tmp_path / "a.tif"), tile=True, pyramid=True, subifd=subifd, bigtiff=subifd)
    pyramid = opened(open_store(str(tmp_path / "store")), tmp_path / "a.tif")
    assert [(grid.width, grid.height) for grid in pyramid.grids][:3] == [(1500, 1100), (750, 550), (375, 275)]
    assert answer(pyramid, "full/375,/0/default.png").width == 375


def patched(path: Path, tag: int, value: int) -> bytes:
    """The file with a field of its first directory set to one number."""
    data = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as file:
        at = file.pages[0].tags[tag].offset
    struct.pack_into("<HI", data, at + 2, 4, 1)
    struct.pack_into("<I", data, at + 8, value)
    return bytes(data)


def lists(path: Path, tag: int, values: list[int]) -> bytes:
    """The file with the first values of a list of its first directory replaced."""
    data = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as file:
        found = file.pages[0].tags[tag]
        code = {3: "H", 4: "I", 16: "Q"}[int(found.dtype)]
        struct.pack_into(f"<{len(values)}{code}", data, found.valueoffset, *values)
    return bytes(data)


@pytest.mark.parametrize("made", ["deflate"], indirect=True)
@pytest.mark.parametrize(
    ("broken", "kind", "sentence"),
    [
        ("no-tiff", DecodeFailed, "is none"),
        ("empty", DecodeFailed, "cut short"),
        ("cut-short", DecodeFailed, "cut short|ends at byte|never ends|cannot be opened"),
        ("width-of-4-billion", DecodeFailed, "4,294,967,295"),
        ("tiles-of-4-billion", Unservable, "tiles have"),
        ("tiles-of-none", Unservable, "tiles have"),
        ("width-beyond-its-tiles", DecodeFailed, "not all of its tiles"),
        ("tile-of-4-gigabytes", DecodeFailed, "a tile of its level"),
        ("tile-beyond-the-end", DecodeFailed, "ends at byte"),
        ("tile-of-nothing", DecodeFailed, "a tile of its level"),
        ("tile-of-noise", DecodeFailed, "cannot be decoded"),
        ("sixteen-bits", Unservable, "channels of 8 bits"),
        ("in-strips", Unservable, "not in tiles"),
        ("a-thousand-channels", Unservable, "channels of 8 bits"),
        ("circle-of-directories", DecodeFailed, "never ends"),
    ],
)
def test_a_hostile_tiff_gets_a_sentence(broken: str, kind: type, sentence: str, made: Path, tmp_path: Path) -> None:
    whole = made.read_bytes()
    with tifffile.TiffFile(made) as file:
        first = file.pages[0]
        offset, size = first.dataoffsets[0], first.databytecounts[0]
        next_at = first.offset + 2 + 12 * len(first.tags)
    scans.picture(600, 400).cast("ushort").tiffsave(str(tmp_path / "16.tif"), tile=True)
    scans.picture(600, 400).tiffsave(str(tmp_path / "strips.tif"))
    circle = bytearray(whole)
    struct.pack_into("<I", circle, next_at, first.offset)
    noise = bytearray(whole)
    noise[offset : offset + size] = os.urandom(size)
    data = {
        "no-tiff": b"\x89PNG" + bytes(1000),
        "empty": b"",
        "cut-short": whole[: len(whole) // 3],
        "width-of-4-billion": patched(made, 256, 0xFFFFFFFF),
        "tiles-of-4-billion": patched(made, 322, 0xFFFFFFFF),
        "tiles-of-none": patched(made, 322, 0),
        "width-beyond-its-tiles": patched(made, 256, 1 << 20),
        "tile-of-4-gigabytes": lists(made, 325, [0xFFFFFFFF]),
        "tile-beyond-the-end": lists(made, 324, [0xFFFFFF00]),
        "tile-of-nothing": lists(made, 325, [0]),
        "tile-of-noise": bytes(noise),
        "sixteen-bits": (tmp_path / "16.tif").read_bytes(),
        "in-strips": (tmp_path / "strips.tif").read_bytes(),
        "a-thousand-channels": patched(made, 277, 1000),
        "circle-of-directories": bytes(circle),
    }[broken]
    store = open_store(str(tmp_path / "store"))
    entry = store.write("a.tif", data)
    before = resident()
    with pytest.raises(kind, match=sentence):
        answer(open_pyramid(store, entry), "0,0,512,512/max/0/default.png")
    assert resident() - before < 150 << 20
