"""The contact sheet: which stacks it shows, in how many tiles, and what it draws of the proxies that there are."""

import io
import random
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from darkroom.compositing.contact_sheet import MOST_TILES, ContactSheet, Tile, choose, contact_sheet
from darkroom.compositing.job import Group, LayerFile, Sheet
from darkroom.compositing.sheet_drawing import TILE, draw
from darkroom.store import Store, open_store

A, B, C, D = "t1_neckline_front", "t2_neckline_front", "base_bottom_front", "b1_bottom_front"


def test_every_layer_is_in_a_tile_and_no_tile_is_more_than_needed() -> None:
    stacks = [(C, A), (C, B), (D, A), (D, B)]
    chosen, beyond = choose(stacks, {})
    assert chosen == [(C, A), (D, B)]
    assert beyond == 0


def test_a_layer_with_findings_comes_first() -> None:
    stacks = [(C, A), (C, B), (D, A), (D, B)]
    assert choose(stacks, {B: 0})[0][0] == (C, B)
    assert choose(stacks, {B: 1, D: 1})[0][0] == (D, B)
    assert choose(stacks, {"no_such_belt_front": 0})[0] == choose(stacks, {})[0]


def test_the_worst_findings_come_first_however_many_lesser_ones_another_stack_shows() -> None:
    stacks = [(C, A, D), (C, B), (D, A)]
    odd = {A: 2, C: 2, D: 2, B: 0}
    assert choose(stacks, odd)[0] == [(C, B), (C, A, D)]
    assert choose(stacks, {**odd, B: 2})[0][0] == (C, A, D)


def test_where_there_are_too_many_layers_it_is_said_how_many_are_not_shown() -> None:
    stacks = [(f"t{number}_neckline_front",) for number in range(MOST_TILES + 7)]
    odd = {f"t{MOST_TILES + 5}_neckline_front": 1}
    chosen, beyond = choose(stacks, odd)
    assert (len(chosen), beyond) == (MOST_TILES, 7)
    assert set(chosen[0]) == odd.keys()


@pytest.mark.parametrize("seed", range(20))
def test_whatever_the_stacks_all_of_their_layers_are_shown(seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311
    layers = [f"t{number}_neckline_front" for number in range(dice.randint(1, 40))]
    stacks = [tuple(dice.sample(layers, dice.randint(1, min(6, len(layers))))) for _ in range(dice.randint(1, 200))]
    chosen, beyond = choose(stacks, dict.fromkeys(dice.sample(layers, len(layers) // 3), 0), most=1000)
    assert beyond == 0
    assert {layer for stack in chosen for layer in stack} == {layer for stack in stacks for layer in stack}
    assert len(chosen) == len(set(chosen))


def test_of_nothing_there_is_nothing_to_show() -> None:
    assert choose([], {A: 0}) == ([], 0)


def sheet(colour: int, *groups: tuple[tuple[int, ...], str]) -> Sheet:
    layers = tuple(LayerFile(key=f"Render PNG's/{layer}_{colour:04d}.png", etag="e") for layer in (A, B, C))
    made = tuple(Group(stack=stack, names=(name, f"{name}-too"), cuts={"800x800": ""}) for stack, name in groups)
    return Sheet(colour=colour, side="front", layers=layers, groups=made)


def test_tiles_are_named_after_a_picture_that_is_to_be_made_and_know_their_proxies_and_findings() -> None:
    first = sheet(0, ((2, 0), "t1-knee-front-0000"), ((2, 1), "t2-knee-front-0000"))
    second = sheet(1, ((2, 0), "t1-knee-front-0001"), ((2, 1), "t2-knee-front-0001"))
    found = contact_sheet("dress", [first, second], {B: 0})
    assert found == ContactSheet(
        tiles=(
            Tile(name="t2-knee-front-0000", proxies=(proxy(C, 0), proxy(B, 0)), odd=(B,)),
            # another colour in each tile, as long as there are some
            Tile(name="t1-knee-front-0001", proxies=(proxy(C, 1), proxy(A, 1))),
        )
    )


def proxy(layer: str, colour: int) -> str:
    return f"renders/caddy/dress/{layer.partition('_')[0]}/{layer}_{colour:04d}.png"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path))


def png(colour: tuple[int, int, int, int], size: tuple[int, int] = (80, 80)) -> bytes:
    data = io.BytesIO()
    Image.new("RGBA", size, colour).save(data, "PNG")
    return data.getvalue()


def drawn(store: Store, *tiles: Tile, beyond: int = 0) -> np.ndarray:
    with Image.open(io.BytesIO(draw(ContactSheet(tiles=tiles, beyond=beyond), store))) as image:
        assert image.format == "JPEG"
        return np.asarray(image.convert("RGB")).astype(int)


def middle(picture: np.ndarray, column: int = 0) -> np.ndarray:
    return picture[8 + TILE // 2, 8 + column * (TILE + 8) + TILE // 2]


def test_a_tile_is_its_proxies_over_one_another(store: Store) -> None:
    store.write("a.png", png((200, 0, 0, 255)))
    store.write("b.png", png((0, 0, 200, 128)))
    picture = drawn(store, Tile(name="t1-knee-front-0000", proxies=("a.png", "b.png")))
    assert np.abs(middle(picture) - (100, 0, 100)).max() < 8
    upside_down = drawn(store, Tile(name="t1-knee-front-0000", proxies=("b.png", "a.png")))
    assert np.abs(middle(upside_down) - (200, 0, 0)).max() < 8


def test_what_paints_nothing_shows_the_paper(store: Store) -> None:
    store.write("a.png", png((200, 0, 0, 0)))
    assert middle(drawn(store, Tile(name="x-knee-front-0000", proxies=("a.png",)))).min() > 250


@pytest.mark.parametrize(
    "data", [None, b"", b"GIF89a", b"\x89PNG\r\n\x1a\n torn", png((1, 2, 3, 255), (3000, 1)), png((9, 9, 9, 255))[:-40]]
)
def test_a_tile_whose_proxy_is_missing_or_none_says_so_and_the_others_are_drawn(
    store: Store, data: bytes | None
) -> None:
    store.write("good.png", png((0, 160, 0, 255)))
    if data is not None:
        store.write("bad.png", data)
    whole = Tile(name="t1-knee-front-0000", proxies=("good.png",))
    torn = Tile(name="t2-knee-front-0000", proxies=("good.png", "bad.png"))
    picture = drawn(store, torn, whole)
    assert np.abs(middle(picture, 1) - (0, 160, 0)).max() < 8
    assert picture[8:TILE, 8:TILE].mean() > 200, "no picture"
    assert picture[8:40, 8:TILE].min() < 150, "but words"


def test_a_tile_with_findings_has_a_red_frame(store: Store) -> None:
    store.write("a.png", png((0, 160, 0, 255)))
    plain = drawn(store, Tile(name="t1-knee-front-0000", proxies=("a.png",)))
    odd = drawn(store, Tile(name="t1-knee-front-0000", proxies=("a.png",), odd=(A,)))
    assert redness(plain) < 20 < 60 < redness(odd)
    assert odd[8 + TILE + 16 :].min() < 150 < plain[8 + TILE + 16 :].min(), "the layer's name stands below"


def redness(picture: np.ndarray) -> int:
    """Of the upper edge of the first tile."""
    red, green, _ = picture[8, 100]
    return int(red - green)


def test_names_of_any_length_and_script_fit(store: Store) -> None:
    store.write("a.png", png((0, 160, 0, 255)))
    name = "-".join(f"t{number}" for number in range(80)) + "-ロング-front-0000"
    picture = drawn(store, Tile(name=name, proxies=("a.png",), odd=("x" * 300,)))
    assert picture.shape[1] == TILE + 3 * 8 - 8


def test_what_is_not_shown_is_said_below(store: Store) -> None:
    store.write("a.png", png((0, 160, 0, 255)))
    tile = Tile(name="t1-knee-front-0000", proxies=("a.png",))
    assert drawn(store, tile, beyond=3).shape[0] > drawn(store, tile).shape[0]
