"""The contact sheet of a plan: so many of its stacks that every layer is to be seen, the worst findings first.

Which ones is chosen while planning, which reads no picture; it is drawn from the proxies once a person is to look.
"""

import hashlib
from collections.abc import Iterable, Mapping

from pydantic import BaseModel, ConfigDict

from darkroom import keys
from darkroom.compositing.job import Sheet
from darkroom.jobs import Count, Document, Manifest
from darkroom.plan_folder import PlanFolder
from darkroom.styles.names import parse_render
from darkroom.styles.stacks import Stack

MOST_TILES = 24
"""What a person can look at before lunch, and a task can draw in seconds."""


class Tile(BaseModel):
    """A stack in one colour: the name of a picture that it is, its proxies' keys, bottom to top; `odd` has findings."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    proxies: tuple[str, ...]
    odd: tuple[str, ...] = ()


class ContactSheet(Document):
    """What a plan's contact sheet shows; `beyond` counts the layers that are in none of its tiles."""

    tiles: tuple[Tile, ...]
    beyond: Count = 0


def choose(stacks: Iterable[Stack], odd: Mapping[str, int], most: int = MOST_TILES) -> tuple[list[Stack], int]:
    """Which of the stacks are shown, and how many layers are in none of these.

    `odd`: how bad the worst finding of a layer is, 0 the worst. Each time the stack with the most layers that have the
    worst findings and were not shown yet; of equals the one with the most of the next worst, and so on; of equals the
    one with the most other layers that were not; of equals the first. So every layer is shown, until there are `most`.
    """
    layers = {stack: frozenset(stack) for stack in stacks}
    left = frozenset[str]().union(*layers.values())
    wanted = [*(frozenset(layer for layer in left if odd.get(layer) == bad) for bad in sorted(set(odd.values()))), left]
    chosen: list[Stack] = []
    while wanted[-1] and len(chosen) < most:
        best = max(layers, key=lambda stack: [len(layers[stack] & some) for some in wanted])
        chosen.append(best)
        wanted = [some - layers[best] for some in wanted]
    return chosen, len(wanted[-1])


def contact_sheet(style: str, sheets: Iterable[Sheet], odd: Mapping[str, int]) -> ContactSheet:
    """The contact sheet of what is to be made. `odd`: the layers with findings, see `choose`."""
    files: dict[tuple[str, int], str] = {}
    names: dict[Stack, dict[int, str]] = {}
    for sheet in sheets:
        layers = [_layer_of(layer.key) for layer in sheet.layers]
        for layer, file in zip(layers, sheet.layers, strict=True):
            files[layer, sheet.colour] = _proxy(style, file.key)
        for group in sheet.groups:
            stack = tuple(layers[number] for number in group.stack)
            names.setdefault(stack, {}).setdefault(sheet.colour, group.names[0])
    chosen, beyond = choose(names, odd)
    tiles: list[Tile] = []
    for at, stack in enumerate(chosen):
        colour = sorted(names[stack])[at % len(names[stack])]  # of the colours, too, as many as there are tiles
        proxies = tuple(files[layer, colour] for layer in stack)
        marked = tuple(layer for layer in stack if layer in odd)
        tiles.append(Tile(name=names[stack][colour], proxies=proxies, odd=marked))
    return ContactSheet(tiles=tuple(tiles), beyond=beyond)


def _layer_of(key: str) -> str:
    read = parse_render(key.rpartition("/")[2])
    assert read, key
    return read[0].name


def _proxy(style: str, key: str) -> str:
    name = key.rpartition("/")[2]
    read = parse_render(name)
    assert read, key
    return keys.proxy(style, read[0].code, name)


def illustrate(folder: PlanFolder, manifest: Manifest) -> str:
    """Draw a plan's contact sheet beside it; returns its sha256, empty where there is none. Raises `StoreError`."""
    from darkroom.compositing.sheet_drawing import draw  # Pillow, which no worker and no command needs

    sheet = folder.document(keys.TILES, ContactSheet)
    if sheet is None or not sheet.tiles:
        return ""
    drawn = draw(sheet, folder.open(manifest.store))
    folder.write(keys.CONTACT_SHEET, drawn, "image/jpeg")
    return hashlib.sha256(drawn).hexdigest()
