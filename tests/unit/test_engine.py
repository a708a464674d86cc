"""The engine against its definition: every picture equals the slow way, and patches equal the whole bit for bit."""

import errno

import numpy as np
import pytest

from darkroom.compositing.memory import for_layers
from darkroom.compositing.walk import Walker, shares
from darkroom.errors import StoreError
from darkroom.imaging import geometry
from darkroom.imaging.encode import encode
from darkroom.imaging.layers import Layer, Layers
from tests import slow
from tests.renders import png

LIMIT = 1.02
RNG = np.random.default_rng(20261121)


def painted(width: int, height: int, box: tuple[int, int, int, int], alpha: str) -> np.ndarray:
    """A layer of noise in a box: the hardest content, for every pixel differs from its neighbours."""
    x0, y0, x1, y1 = box
    picture = np.zeros((height, width, 4), np.uint8)
    part = RNG.integers(0, 256, (y1 - y0, x1 - x0, 4), dtype=np.uint8)
    if alpha == "low":
        part[..., 3] = RNG.integers(0, 4, part.shape[:2], dtype=np.uint8)
    elif alpha == "opaque":
        part[..., 3] = 255
    elif alpha == "edges":
        part[..., 3] = np.where(RNG.random(part.shape[:2]) < 0.5, 0, 255)
    picture[y0:y1, x0:x1] = part
    return picture


def random_box(width: int, height: int) -> tuple[int, int, int, int]:
    x0, x1 = sorted(RNG.choice(width + 1, 2, replace=False))
    y0, y1 = sorted(RNG.choice(height + 1, 2, replace=False))
    return int(x0), int(y0), int(x1), int(y1)


def layers_of(width: int, height: int) -> list[np.ndarray]:
    """Eight layers: whole frame, borders, a single pixel, nothing at all, and random boxes."""
    boxes = [
        (0, 0, width, height),
        (0, 0, 1, height),
        (width - 1, 0, width, height),
        (width // 2, height // 3, width // 2 + 1, height // 3 + 1),
        (0, 0, 0, 0),
        *(random_box(width, height) for _ in range(3)),
    ]
    alphas = ["opaque", "noise", "low", "opaque", "noise", "noise", "edges", "low"]
    return [painted(width, height, box, alpha) for box, alpha in zip(boxes, alphas, strict=True)]


def random_tree(count: int, stacks: int) -> list[tuple[int, ...]]:
    found = {tuple(range(count))}
    while len(found) < stacks:
        size = int(RNG.integers(1, count + 1))
        found.add(tuple(int(number) for number in RNG.permutation(count)[:size]))
    return list(found)


def decoded(images: list[np.ndarray], memory: int = 1 << 30) -> tuple[Layers, dict[int, Layer]]:
    layers = Layers(memory)
    numbered = {number: layers.decode(png(image)) for number, image in enumerate(images)}
    return layers, numbered


def walker(images: list[np.ndarray], memory: int = 1 << 30) -> Walker:
    return Walker(*decoded(images, memory))


SMALL = [(800, 800), (999, 999), (1600, 1600), (2001, 1333), (640, 1500), (37, 90)]
LARGE = [(2001, 2001), (3000, 3000), (3000, 4500), (6000, 6000), (6000, 2500)]


@pytest.mark.parametrize("size", [*SMALL, *(pytest.param(size, marks=pytest.mark.slow) for size in LARGE)])
def test_every_picture_of_a_random_tree_equals_the_slow_way_and_the_whole(size):
    images = layers_of(*size)
    layers = decoded(images)
    for stack, picture in Walker(*layers).pictures(random_tree(len(images), 7 if size in SMALL else 3)):
        definition = slow.composite([images[number] for number in stack])
        assert slow.largest_difference(picture, definition) <= LIMIT
        ((_, whole),) = Walker(*layers).pictures([stack])
        assert np.array_equal(picture, whole), f"patched {stack} differs from the whole"


@pytest.mark.parametrize("memory", [0, 1, 1 << 20, 3 << 20])
@pytest.mark.parametrize("size", [(999, 999), (2001, 1333)])
def test_layers_that_do_not_fit_into_memory_are_drawn_from_a_file(size, memory):
    images = layers_of(*size)
    stacks = random_tree(len(images), 7)
    layers = decoded(images, memory)
    assert layers[0].spilled
    from_file = Walker(*layers).pictures(stacks)
    for (stack, picture), (same, other) in zip(walker(images).pictures(stacks), from_file, strict=True):
        assert stack == same
        assert np.array_equal(picture, other)


def test_layers_that_end_where_the_memory_ends_are_read_from_both_sides(monkeypatch):
    images = [painted(300, 300, (0, 0, 300, 300), "opaque") for _ in range(2)]
    monkeypatch.setattr("darkroom.imaging.layers._STRIP", 300 * 4 * 100)  # strips of 100 rows
    whole = [picture.copy() for _, picture in walker(images).pictures([(0, 1), (1,)])]
    for strips in range(6):
        parts = [picture.copy() for _, picture in walker(images, strips * 300 * 4 * 100).pictures([(0, 1), (1,)])]
        assert np.array_equal(whole, parts)


def test_a_full_disk_is_said_in_one_sentence(monkeypatch):
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.pwrite", full)
    with pytest.raises(StoreError, match=r"nor into .* \(No space left on device\); make room there, set TMPDIR"):
        decoded([painted(300, 300, (0, 0, 300, 300), "opaque")], memory=0)


@pytest.mark.parametrize(("memory", "workers", "width"), [(512 << 20, 64, 3000), (1 << 20, 1, 100)])
def test_where_no_memory_is_left_all_layers_go_to_the_file(memory, workers, width):
    assert for_layers(memory, workers, width) == 0


def test_wider_renders_and_more_threads_leave_less_for_layers(monkeypatch):
    monkeypatch.setattr("darkroom.compositing.memory._taken", lambda: 300 << 20)  # whatever ran here before
    plenty = for_layers(8 << 30, 2, 3000)
    assert 7 << 30 < plenty < 8 << 30
    assert for_layers(8 << 30, 2, 12000) < plenty - (200 << 20)
    assert for_layers(8 << 30, 8, 3000) < plenty - (200 << 20)


def test_a_margin_one_pixel_too_small_would_be_seen(monkeypatch):
    """The half of the equality that a wrong window would break: proves that the test above can fail."""
    images = [painted(1600, 1600, (0, 0, 1600, 1600), "opaque"), painted(1600, 1600, (401, 403, 800, 807), "opaque")]
    right = geometry.Weights.outputs

    def narrow(self: geometry.Weights, first: int, end: int) -> tuple[int, int]:
        lo, hi = right(self, first, end)
        return lo + 1, hi - 1

    def pictures() -> list[np.ndarray]:
        return [picture.copy() for _, picture in walker(images).pictures([(0,), (0, 1)])]

    whole = pictures()
    monkeypatch.setattr(geometry.Weights, "outputs", narrow)
    assert any(not np.array_equal(one, other) for one, other in zip(whole, pictures(), strict=True))


@pytest.mark.parametrize("axis", [0, 1])
def test_a_wrong_phase_would_be_seen(axis):
    image = painted(2001, 2001, (500, 500, 1500, 1500), "opaque")
    ((_, picture),) = walker([np.roll(image, 1, axis)]).pictures([(0,)])
    assert slow.largest_difference(picture, slow.composite([image])) > LIMIT


def test_threads_share_the_tree_without_losing_a_stack():
    stacks = random_tree(6, 40)
    parts = shares(stacks, 7)
    assert sorted(stack for part in parts for stack in part) == sorted(stacks)
    assert len(parts) <= 7


def test_a_picture_that_shows_nothing_is_transparent():
    ((_, picture),) = walker([np.zeros((50, 60, 4), np.uint8)]).pictures([(0,)])
    assert picture.shape == (667, 800, 4)
    assert not picture.any()


def test_a_picture_is_written_as_the_contract_says():
    pyvips = pytest.importorskip("pyvips")
    picture = RNG.integers(0, 256, (20, 30, 4), dtype=np.uint8)
    data = encode(picture)
    chunks, at = [], 8
    while at < len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        chunks.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    assert [name for name, _ in chunks if name != b"IDAT"] == [b"IHDR", b"pHYs", b"IEND"]
    header = dict(chunks)[b"IHDR"]
    assert tuple(header[8:13]) == (8, 6, 0, 0, 0)  # 8 bit, RGBA, deflate, adaptive filters, not interlaced
    assert dict(chunks)[b"pHYs"] == (6772).to_bytes(4, "big") * 2 + b"\x01"
    back = pyvips.Image.new_from_buffer(data, "").numpy()
    assert np.array_equal(back, picture)


@pytest.mark.parametrize(
    ("frame", "size"), [((3000, 3000), (800, 800)), ((2001, 1333), (800, 533)), ((3, 4000), (1, 800))]
)
def test_a_composite_is_the_frame_fitted_into_800(frame, size):
    assert geometry.fitted(*frame, (800, 800)) == size


@pytest.mark.parametrize("kernel", ["mitchell", "lanczos3"])
def test_weights_are_normalised_inside_the_frame(kernel):
    for size, outputs in [(3000, 800), (2001, 800), (100, 800), (1, 5)]:
        table = geometry.weights(size, outputs, kernel)
        assert np.allclose(table.taps.sum(axis=1), 1)
        assert table.starts.min() == 0
        assert (table.starts + table.counts).max() == size
