"""The sample studio: what it delivers is complete, repeatable, and what its style file needs."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
import yaml

from darkroom.progress import Progress
from darkroom.sample import COLOURS, draw_renders, layer_names, style_text
from darkroom.sample.cloth import LAYERS, Cloth
from darkroom.sample.scans import DAMAGED, draw_scans

SIZE = 200
SLOTS = ("behind", "bottom", "behindbelt", "belt", "neckline", "infront")
NAME = re.compile(
    r"(?P<code>[tba]\d+|base|default)(?:_for_(?P<needs>(?:(?:[tba]\d+|base)_)+))?_?"
    r"(?:(?P<length>micro_mini|knee|maxi)_)?(?P<slot>[a-z]+)_(?P<side>front|back)"
)


@pytest.fixture(scope="module")
def renders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    draw_renders(folder, size=SIZE, colours=[3])
    return folder


@pytest.fixture(scope="module")
def style() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(style_text())
    return loaded


def read(path: Path) -> np.ndarray[Any, np.dtype[np.uint8]]:
    pixels: np.ndarray[Any, np.dtype[np.uint8]] = pyvips.Image.new_from_file(str(path)).numpy()
    return pixels


def picks(style: dict[str, Any], length: str) -> list[frozenset[str]]:
    """Every valid combination, the slow and obvious way."""
    offered: list[str] = []
    apart = {frozenset(pair) for pair in style["incompatible"]}
    for option in style["options"]:
        if length in option.get("lengths", style["lengths"].values()):
            offered += option.get("one of", []) + option.get("any of", [])
        apart |= {frozenset(pair) for pair in combinations(option.get("one of", []), 2)}
    found = [frozenset[str]()]
    for code in offered:
        found += [pick | {code} for pick in found if not any({code, o} in apart for o in pick)]
    return found


def stack(style: dict[str, Any], pick: frozenset[str], length: str, side: str) -> dict[str, Any]:
    """The layers of one picture by slot, by the rule of the design, written down naively."""
    slots: dict[str, Any] = dict(style["defaults"][length][side])
    cut = length.lower().replace("-", "_")
    for code in [code for code in style["layering"] if code in pick]:
        best: dict[str, tuple[int, str]] = {}
        for layer in layer_names():
            match = NAME.fullmatch(layer)
            assert match is not None
            if match["code"] != code or match["side"] != side or match["length"] not in (None, cut):
                continue
            needs = set((match["needs"] or "").strip("_").split("_")) - {"", "base"}
            if needs <= pick:
                best[match["slot"]] = max(best.get(match["slot"], (-1, "")), (len(needs), layer))
        for slot, (_, layer) in best.items():
            if slot in ("behind", "infront"):
                slots[slot] = [layer, *slots.get(slot, [])]
            else:
                slots[slot] = layer
    return slots


def every_stack(style: dict[str, Any]) -> list[tuple[frozenset[str], str, str, dict[str, Any]]]:
    return [
        (pick, length, side, stack(style, pick, length, side))
        for length in style["lengths"].values()
        for pick in picks(style, length)
        for side in ("front", "back")
    ]


def used(stacks: list[tuple[frozenset[str], str, str, dict[str, Any]]]) -> set[str]:
    names: set[str] = set()
    for *_, slots in stacks:
        for layers in slots.values():
            names.update([layers] if isinstance(layers, str) else layers)
    return names


def test_every_layer_is_written_in_every_colour_and_nothing_else_is(tmp_path: Path) -> None:
    progress = Progress("drawing", None)
    count = draw_renders(tmp_path, size=64, progress=progress)
    expected = {f"{n}_{c:04d}.png" for n in layer_names() for c in range(len(COLOURS))}
    assert {path.name for path in tmp_path.iterdir()} == expected
    assert count == progress.done == len(expected)


def test_every_name_keeps_the_layer_grammar() -> None:
    for layer in layer_names():
        match = NAME.fullmatch(layer)
        assert match is not None, layer
        assert match["slot"] in SLOTS, layer


def test_the_same_call_gives_the_same_bytes(renders: Path, tmp_path: Path) -> None:
    draw_renders(tmp_path, size=SIZE, colours=[3], workers=1)
    for path in renders.iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes(), path.name


def test_renders_are_straight_rgba_with_soft_edges_and_clear_borders(renders: Path) -> None:
    for path in renders.iterdir():
        pixels = read(path)
        assert pixels.shape == (SIZE, SIZE, 4)
        alpha = pixels[..., 3]
        assert ((alpha > 0) & (alpha < 255)).any(), path.name
        assert not pixels[alpha == 0].any(), path.name
        border = (alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1])
        assert not any(side.any() for side in border), f"{path.name} is cut off by the frame"


def test_front_and_back_are_different_pictures(renders: Path) -> None:
    for front in renders.glob("*_front_0003.png"):
        back = front.with_name(front.name.replace("_front_", "_back_"))
        if back.exists():
            assert (read(front) != read(back)).any(), front.name


def test_colours_change_the_cloth_and_not_its_shape(tmp_path: Path) -> None:
    draw_renders(tmp_path, size=64, colours=[0, 5])
    ivory, midnight = (read(tmp_path / f"base_neckline_front_{c:04d}.png") for c in (0, 5))
    assert (ivory[..., 3] == midnight[..., 3]).all()
    assert ivory[..., :3].sum() > 2 * midnight[..., :3].sum()


def test_an_unknown_colour_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="colours 0 to 5"):
        draw_renders(tmp_path / "new", size=64, colours=[6])
    assert not (tmp_path / "new").exists()


def test_the_style_agrees_with_the_studio(style: dict[str, Any]) -> None:
    assert style["colours"] == len(COLOURS)
    assert sorted(style["layering"]) == sorted(style["customizations"])
    offered = [c for o in style["options"] for c in o.get("one of", []) + o.get("any of", [])]
    assert sorted(offered) == sorted(style["customizations"]), "each code is in exactly one option"
    assert all(set(pair) <= set(offered) for pair in style["incompatible"])


def test_there_are_a_few_hundred_combinations(style: dict[str, Any]) -> None:
    counts = {length: len(picks(style, length)) for length in style["lengths"].values()}
    assert counts == {"Micro-Mini": 78, "Knee": 152, "Maxi": 160}


def test_every_combination_is_drawn_from_delivered_layers(style: dict[str, Any]) -> None:
    stacks = every_stack(style)
    assert used(stacks) <= set(layer_names())
    for pick, length, side, slots in stacks:
        assert {"bottom", "belt", "neckline"} <= set(slots), (pick, length, side)


def test_every_code_shows_on_the_front_wherever_it_is_offered(style: dict[str, Any]) -> None:
    for pick, length, side, slots in every_stack(style):
        if side == "front":
            for code in pick:
                less = stack(style, pick - {code}, length, side)
                assert less != slots, f"{code} changes nothing in {sorted(pick)}, {length}"


def test_no_layer_is_drawn_in_vain(style: dict[str, Any]) -> None:
    assert used(every_stack(style)) == set(layer_names())


def test_every_slot_is_used(style: dict[str, Any]) -> None:
    slots = {slot for *_, slots in every_stack(style) for slot in slots}
    assert slots == set(SLOTS)


def test_ruffles_leave_no_specks_beside_the_cloth() -> None:
    painted = Cloth("b2_micro_mini_bottom_front", 1600).dyed(COLOURS[0])[3] > 0
    regions = painted.labelregions().numpy()
    assert len(np.unique(regions[painted.numpy() > 0])) == 1


def test_the_pictures_of_the_layers_are_square_and_in_grey_with_yellow_for_gold() -> None:
    for layer in layer_names():
        picture = pyvips.Image.new_from_buffer(LAYERS.joinpath(f"{layer}.webp").read_bytes(), "").numpy()
        red, green, blue, alpha = np.moveaxis(picture, 2, 0)
        assert picture.shape == (1600, 1600, 4), layer
        assert (red == green).all(), layer
        assert (blue <= red).all(), layer
        assert not red[alpha == 0].any(), layer


def test_gold_stays_gold_whatever_the_dress_is_dyed() -> None:
    ivory, midnight = (Cloth("a3_infront_front", 400).dyed(COLOURS[of]).numpy() for of in (0, 5))
    full = ivory[..., 3] == 255
    apart = np.abs(ivory.astype(int) - midnight)[full].max(1)
    assert np.median(apart) <= 1
    sleeve = Cloth("t4_infront_front", SIZE)
    assert (sleeve.dyed(COLOURS[0]).numpy() != sleeve.dyed(COLOURS[5]).numpy()).any()


@pytest.mark.parametrize("size", [50, 64, 3000])
@pytest.mark.parametrize("layer", ["a1_behind_front", "t6_for_t1_t5_neckline_back"])
def test_a_layer_has_the_same_shape_in_every_size(layer: str, size: int) -> None:
    drawn, scaled = (Cloth(layer, at).dyed(COLOURS[1]).numpy() for at in (1600, size))
    assert scaled.shape == (size, size, 4)
    alpha = scaled[..., 3]
    assert abs(alpha.mean() - drawn[..., 3].mean()) < 0.5
    assert not any(side.any() for side in (alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1]))
    assert not scaled[alpha == 0].any()
    lightest, darkest = (limit(scaled[alpha > 0][:, :3], axis=0) for limit in (np.max, np.min))
    assert (lightest <= drawn[drawn[..., 3] > 0][:, :3].max(0)).all(), "a ring of light around the cloth"
    assert (darkest >= drawn[drawn[..., 3] > 0][:, :3].min(0)).all(), "a ring of shadow around the cloth"


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scans")
    draw_scans(folder, width=400)
    return folder


def test_the_scans_are_six_of_different_kinds_and_one_of_them_is_damaged(scans: Path) -> None:
    found = {str(path.relative_to(scans)) for path in scans.rglob("*.*")}
    assert len(found) == 6
    assert DAMAGED in found
    turned = pyvips.Image.new_from_file(str(scans / "maps/harbour.jpg"))
    assert (turned.width, turned.height, turned.get("orientation")) == (300, 400, 6)
    assert pyvips.Image.new_from_file(str(scans / "maps/relief.tif")).format == "ushort"
    assert pyvips.Image.new_from_file(str(scans / "plates/fern.png")).hasalpha()
    assert b"\xff\xc2" in (scans / "maps/islands.jpg").read_bytes(), "a progressive JPEG has that mark"
    assert (scans / "pages/frontispiece.pdf").read_bytes().startswith(b"%PDF")


def test_the_same_width_gives_the_same_scans(scans: Path, tmp_path: Path) -> None:
    draw_scans(tmp_path, width=400)
    for path in scans.rglob("*.jpg"):
        assert (tmp_path / path.relative_to(scans)).read_bytes() == path.read_bytes(), path.name
