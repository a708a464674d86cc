"""What is measured: an export of combinations, and renders drawn for it."""

import csv
import random
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

from darkroom.compositing.prepare import pictures_of
from darkroom.compositing.request import Request, check_scope
from darkroom.sample import layer_names, style_text
from darkroom.styles.style_file import read_style
from tests import renders

FAME = Path(__file__).resolve().parents[2] / "shared" / "data" / "fame"
"""A real studio's styles and exports, where they lie beside the project."""

Row = tuple[str, str, str]
"""A line of an export: combination, front stack, back stack."""


@dataclass(frozen=True)
class Collection:
    """One length of a style: its combinations as an export, and a folder of renders, drawn `size` x `size`."""

    name: str
    style: Path
    length: str
    export: Path
    renders: Path
    size: int
    colours: int

    @property
    def rows(self) -> list[Row]:
        with self.export.open(encoding="utf-8", newline="") as lines:
            return [(row[0], row[1], row[2]) for row in csv.reader(lines) if row]

    @property
    def stacks(self) -> list[list[str]]:
        """Every picture's layers, bottom to top, in one colour."""
        return [row[side].split() for row in self.rows for side in (1, 2)]

    def files(self, stack: Iterable[str], colour: int = 0) -> list[Path]:
        return [self.renders / f"{layer}_{colour:04d}.png" for layer in stack]

    def layer_files(self) -> list[Path]:
        """Every render that the pictures need."""
        layers = sorted({layer for stack in self.stacks for layer in stack})
        return [file for colour in range(self.colours) for file in self.files(layers, colour)]

    def draw(self) -> None:
        """Draw the renders: shapes with soft edges, of which each fills a box that fits its slot."""
        layers = {layer for stack in self.stacks for layer in stack}
        # in a process of its own: a child's peak memory begins at its parent's
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            pool.submit(renders.draw, self.renders, layers, range(self.colours), self.size).result()

    def sample(self, count: int) -> list[list[str]]:
        """Some of the stacks, spread over all of them."""
        stacks = self.stacks
        return stacks[:: max(1, len(stacks) // count)][:count]

    def part(self, folder: Path, divisor: int) -> "Collection":
        """One colour of it, with every so-many-th of the shuffled combinations."""
        rows = self.rows
        random.Random(1).shuffle(rows)  # noqa: S311
        export = write(folder / f"part-{divisor}-{self.length}.csv", rows[::divisor])
        return replace(self, export=export, colours=1)


def real(style: str, length: str, folder: Path, *, size: int = 3000, colours: int = 4) -> Collection:
    """A real style's length, with renders of our own: there are no pictures in that data."""
    export = FAME / "combinations" / f"{style}-{length}.csv"
    name = f"{style.split('-')[1]} {length}"
    where = folder / f"{style}-{length}-{size}"
    return Collection(name, FAME / "styles" / f"{style.lower()}.json", length, export, where, size, colours)


def sample(folder: Path, *, size: int = 3000, colours: int = 4) -> Collection:
    """The sample dress, for where the real data is not at hand: its options, written down as an export."""
    style, length = folder / "sample-dress.yaml", "Knee"
    style.write_text(style_text(), encoding="utf-8")
    request = Request(style_file=str(style), store=str(folder), lengths=(length,))
    read = read_style(str(style))
    scope = check_scope(request, read)
    stacks, _ = pictures_of(request, read, scope, set(layer_names()))
    front, back = (dict(pairs) for pairs in stacks.values())
    rows = [("-".join(codes), " ".join(front[codes]), " ".join(back[codes])) for codes in front if codes]
    where = folder / f"sample-{size}"
    return Collection(
        f"Sample dress {length}", style, length, write(folder / f"{length}.csv", rows), where, size, colours
    )


def write(export: Path, rows: Iterable[Row]) -> Path:
    """Write an export."""
    with export.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    return export
