"""A sample studio: one dress, the project's own, so that every flow can be tried.

The style file says what a shopper may combine; `draw_renders` makes what the studio would
have delivered: each layer (a picture in `layers/`) dyed in each colour, as a straight RGBA PNG.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from pathlib import Path

from darkroom.progress import Progress
from darkroom.sample.cloth import LAYERS, Cloth
from darkroom.sample.colours import COLOURS
from darkroom.store import open_store

__all__ = ["COLOURS", "draw_renders", "layer_names", "style_text"]


def layer_names() -> list[str]:
    """Return the names of all layers that the sample studio delivers, sorted."""
    return sorted(file.name.removesuffix(".webp") for file in LAYERS.iterdir() if file.name.endswith(".webp"))


def style_text() -> str:
    """Return the sample style's YAML, also where only the installed package is."""
    return resources.files(__name__).joinpath("style.yaml").read_text(encoding="utf-8")


def draw_renders(
    folder: Path,
    *,
    size: int = 1600,
    colours: Sequence[int] | None = None,
    workers: int = 2,
    progress: Progress | None = None,
) -> int:
    """Write every layer in every colour as `<layer>_<colour>.png`; return how many files.

    The same arguments give the same bytes. `progress` is told of each file.
    """
    wanted = list(range(len(COLOURS))) if colours is None else sorted(set(colours))
    unknown = [colour for colour in wanted if not 0 <= colour < len(COLOURS)]
    if unknown:
        raise ValueError(f"the sample style has colours 0 to {len(COLOURS) - 1}, not {unknown}")
    layers, store = layer_names(), open_store(str(folder))

    def one(layer: str) -> None:
        cloth = Cloth(layer, size)
        for colour in wanted:
            png = cloth.dyed(COLOURS[colour]).pngsave_buffer(compression=3, keep="none")
            store.write(f"{layer}_{colour:04d}.png", png, confirm=False)
            if progress:
                progress.advance()

    with ThreadPoolExecutor(max_workers=max(1, workers)) as pool:
        # Listing the results raises the first failure, once all threads have ended.
        list(pool.map(one, layers))
    return len(layers) * len(wanted)
