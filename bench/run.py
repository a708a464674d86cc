"""`make bench`: pictures a second, Darkroom beside its peers and the floor, on the same renders in one run.

The peers draw a sample of the pictures, one after the other, as they would draw all: ImageMagick with the studio's
old recipe (a process a picture, where it is installed), and libvips through pyvips, a picture at a time. Read the
ratios, not the seconds.
"""

import subprocess
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyvips
from rich.console import Console
from rich.table import Table

from darkroom.cli.composite import composite_run
from darkroom.compositing.prepare import Prepared, prepare
from darkroom.compositing.request import Request
from darkroom.sample import draw_renders, style_text
from darkroom.settings import settings
from darkroom.styles.stacks import Stack

LENGTH, SIZE, COLOURS, SAMPLE = "Knee", 1600, 4, 24
CONVERT = "/usr/bin/convert"


def main() -> None:
    """Draw the sample's renders, time each way, print the table."""
    workers = settings().workers
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "dress.yaml").write_text(style_text(), encoding="utf-8")
        draw_renders(root / "renders", size=SIZE, colours=range(COLOURS), workers=workers)
        request = Request(
            style_file=str(root / "dress.yaml"),
            renders=str(root / "renders"),
            store=str(root / "out"),
            lengths=(LENGTH,),
            colours=f"0-{COLOURS - 1}",
            cuts=("800x800",),
        )
        # the first run compiles the kernels and warms the disk's cache
        composite_run(prepare(request.model_copy(update={"store": str(root / "warm"), "colours": "0"})), workers)
        prepared = prepare(request)
        began = time.perf_counter()
        report = composite_run(prepared, workers)
        seconds = time.perf_counter() - began
        rates = {"Darkroom": report.done / seconds, "the floor": report.done / floor(root, prepared, workers)}
        stacks = [stack for pairs in prepared.stacks.values() for _, stack in pairs]
        sample = stacks[:: max(1, len(stacks) // SAMPLE)]
        rates["pyvips, a picture at a time"] = rate(sample, root, with_pyvips)
        if is_imagemagick():
            rates["ImageMagick, a process a picture"] = rate(sample, root, with_imagemagick)
        show(rates, f"{report.done} pictures ({report.distinct} different) of the sample's {LENGTH} at {SIZE}x{SIZE}")


def floor(root: Path, prepared: Prepared, workers: int) -> float:
    """Seconds in which libvips decodes each layer once and encodes each different picture, and nothing else is done."""
    layers = {layer for pairs in prepared.stacks.values() for _, stack in pairs for layer in stack}
    files = [root / "renders" / f"{layer}_{colour:04d}.png" for layer in layers for colour in range(COLOURS)]
    different = {path.stat().st_ino: path for path in (root / "out").glob("renders/composites/*/800x800/*.png")}
    pictures = list(different.values())

    def decode(path: Path) -> None:
        pyvips.Image.pngload(str(path)).copy_memory()

    def encode(picture: pyvips.Image) -> None:
        picture.pngsave_buffer(compression=3, filter="up", keep="none")

    # in memory beforehand, a part at a time: the floor encodes only
    seconds = 0.0
    with ThreadPoolExecutor(workers) as pool:
        began = time.perf_counter()
        list(pool.map(decode, files))
        seconds += time.perf_counter() - began
        for at in range(0, len(pictures), 200):
            part = [pyvips.Image.new_from_file(str(path)).copy_memory() for path in pictures[at : at + 200]]
            began = time.perf_counter()
            list(pool.map(encode, part))
            seconds += time.perf_counter() - began
    return seconds


Way = Callable[[list[Path], Path], None]


def rate(stacks: list[Stack], root: Path, draw: Way) -> float:
    """Pictures a second of one way."""
    target = root / "peer.png"
    began = time.perf_counter()
    for stack in stacks:
        draw([root / "renders" / f"{layer}_0000.png" for layer in stack], target)
    return len(stacks) / (time.perf_counter() - began)


def with_pyvips(layers: list[Path], target: Path) -> None:
    """Decode, composite, reduce and save one picture."""
    images = [pyvips.Image.new_from_file(str(layer)) for layer in layers]
    picture = images[0].composite(images[1:], "over") if len(images) > 1 else images[0]
    picture.thumbnail_image(800).pngsave(str(target), compression=3, filter="up")


def with_imagemagick(layers: list[Path], target: Path) -> None:
    """The studio's old recipe for one picture."""
    words = [CONVERT, *map(str, layers), "-background", "none", "-flatten", "-resize", "800x800", str(target)]
    subprocess.run(words, check=True)


def is_imagemagick() -> bool:
    """Is it the real one, and no stand-in of that name?"""
    try:
        said = subprocess.run([CONVERT, "-version"], capture_output=True, text=True, check=False).stdout
    except OSError:
        return False
    return "ImageMagick" in said


def show(rates: dict[str, float], title: str) -> None:
    """The table: pictures a second, and how many times as fast Darkroom is."""
    table = Table(title=title, title_justify="left")
    for column in ("", "pictures a second", "Darkroom is"):
        table.add_column(column, justify="right" if column else "left")
    for name, value in rates.items():
        table.add_row(name, f"{value:.1f}", f"{rates['Darkroom'] / value:.1f}x as fast" if name != "Darkroom" else "")
    Console().print(table)


if __name__ == "__main__":
    main()
