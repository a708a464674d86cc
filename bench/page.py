"""The page docs/benchmarks.md, put together from sections; and the section of the pictures with its plot."""

import platform
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import matplotlib as mpl
import pyvips
from rich.console import Group
from rich.table import Table

from bench.measure import Measure
from darkroom.settings import settings

mpl.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

SECTIONS = ("Pictures", "Stores", "Pyramids", "Archive", "Sync", "Ingest", "Fitting room", "Workers")
PICTURES, STORES, PYRAMIDS, ARCHIVE, SYNC, INGEST, FITTING_ROOM, WORKERS = SECTIONS
OURS, FLOOR = "Darkroom", "the floor"
COLOURS = {OURS: "#b3262e", FLOOR: "#9aa0a6"}
OTHERS = "#4a5a6a"
MIB = 1 << 20

Row = tuple[str, ...]


@dataclass(frozen=True)
class Race:
    """The ways side by side, by name; `different` is how many different pictures there are among all names and cuts."""

    title: str
    different: int
    ways: dict[str, Measure]

    @property
    def to_floor(self) -> float:
        """How many times the floor's time Darkroom took."""
        return self.ways[FLOOR].rate / self.ways[OURS].rate


@dataclass(frozen=True)
class Growth:
    """What a run costs as one thing grows."""

    of: str
    points: list[tuple[str, Measure]]


@dataclass(frozen=True)
class Findings:
    """All of it; `again` is a second run that has nothing to do."""

    races: list[Race]
    growths: list[Growth]
    again: Measure

    @property
    def sentence(self) -> str:
        """What the second run took."""
        return (
            f"A second run of all {self.again.pictures:,} pictures in all four cuts, with nothing to do, "
            f"took {self.again.seconds:.1f} s."
        )


def race_rows(race: Race) -> Iterator[Row]:
    """Way, pictures a second, ratio, peak memory."""
    for name, measure in race.ways.items():
        if name == OURS:
            ratio = ""
        elif name == FLOOR:
            ratio = f"{race.to_floor:.2f}x its time"
        else:
            ratio = f"{race.ways[OURS].rate / measure.rate:,.0f}x as fast"
        yield name, f"{measure.rate:,.1f}", ratio, "" if name == FLOOR else f"{measure.peak / MIB:,.0f} MiB"


def growth_rows(growths: Iterable[Growth]) -> Iterator[Row]:
    """What grows, its value, pictures, seconds, pictures a second, peak memory."""
    for growth in growths:
        for value, measure in growth.points:
            yield (
                growth.of,
                value,
                f"{measure.pictures:,}",
                f"{measure.seconds:.1f}",
                f"{measure.rate:,.0f}",
                f"{measure.peak / MIB:,.0f} MiB",
            )


RACE_HEAD = ("", "pictures a second", "Darkroom", "peak memory")
GROWTH_HEAD = ("as this grows", "", "pictures", "seconds", "pictures a second", "peak memory")


def tables(found: Findings) -> Group:
    """For a terminal."""
    shown = [table(race.title, RACE_HEAD, race_rows(race)) for race in found.races]
    return Group(*shown, table("What a run costs", GROWTH_HEAD, growth_rows(found.growths)), found.sentence)


def table(title: str, head: Row, rows: Iterable[Row]) -> Table:
    """For a terminal."""
    made = Table(*head, title=title, title_justify="left")
    for row in rows:
        made.add_row(*row)
    return made


def write(docs: Path, found: Findings, *, quick: bool) -> None:
    """Write the section of the pictures, and its plot."""
    (docs / "images").mkdir(parents=True, exist_ok=True)
    plot(docs / "images" / "benchmarks.png", found.races[0], found.growths)
    put_section(docs, PICTURES, _lines(found, quick=quick))


def put_section(docs: Path, title: str, lines: Iterable[str]) -> None:
    """Put a section into the page; the others stay as the runs that made them left them."""
    page = docs / "benchmarks.md"
    docs.mkdir(parents=True, exist_ok=True)
    parts = re.split(r"^## (.+)\n", page.read_text(encoding="utf-8"), flags=re.MULTILINE) if page.exists() else [""]
    sections = dict(zip(parts[1::2], parts[2::2], strict=True))
    sections[title] = "\n".join(["", *lines])
    texts = [f"## {name}\n\n{sections[name].strip()}\n" for name in SECTIONS if name in sections]
    page.write_text("\n".join([_INTRODUCTION, *texts]), encoding="utf-8")


_INTRODUCTION = """\
# Benchmarks

Made by `make bench`; `make bench BENCH=pictures` (or `stores`, `pyramids`, `archive`, `sync`, …) makes one section anew
and leaves the others as they stand. Each section is of one run on one machine: read the ratios, not the seconds.
"""


def conditions(quick: bool, *others: str) -> Iterator[str]:
    """When and on what a section was measured."""
    if quick:
        yield "**A quick run on little: it shows that the benchmark works, and nothing else.**\n"
    cores = f"{settings().workers} cores"
    said = (f"{datetime.now(UTC):%Y-%m-%d}", platform.machine(), cores, f"Python {platform.python_version()}", *others)
    yield f"{', '.join(said)}."


def _lines(found: Findings, *, quick: bool) -> Iterator[str]:
    yield "![Pictures a second, and what a run costs as it grows](images/benchmarks.png)\n"
    libvips = ".".join(str(pyvips.version(part)) for part in range(3))
    packages = (f"{name} {version(name)}" for name in ("numba", "zlib-ng"))
    yield from conditions(quick, f"libvips {libvips}", *packages)
    yield f"`DARKROOM_MEMORY` is {settings().memory / MIB:,.0f} MiB."
    for race in found.races:
        yield f"\n### {race.title}\n"
        ours = race.ways[OURS]
        yield f"{ours.pictures:,} pictures by name; the files of their cuts are {race.different:,} different ones.\n"
        yield from markdown(RACE_HEAD, race_rows(race))
    yield "\n### What a run costs\n"
    yield "The whole command, from its start to its report: one colour, 800x800 alone.\n"
    yield from markdown(GROWTH_HEAD, growth_rows(found.growths))
    yield f"\n{found.sentence}"
    yield _METHOD


def held(holds: bool) -> str:
    """What is said of a bar."""
    return "holds" if holds else "fails"


def markdown(head: Row, rows: Iterable[Row]) -> Iterator[str]:
    """A table of the page."""
    yield f"| {' | '.join(head)} |"
    yield f"|{' --- |' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


_METHOD = """
### How the pictures are measured

- The combinations are a real studio's exports; the renders are drawn: shapes with soft edges, each in a box that fits
  its slot.
- **Darkroom** is `darkroom composite`, the whole command: its start, the plan, every file written under every name,
  the ledgers, the report. The median of three runs, in turns with the floor. The kernels are compiled before.
- **ImageMagick** is the studio's old recipe (`convert a.png b.png … -background none -flatten -resize 800x800`), a
  process a picture, as many at a time as there are cores. **pyvips** opens, composites, reduces and saves a picture at
  a time. Both draw a sample of 24 pictures, spread over all.
- **The floor** is what cannot be left out: libvips decodes each layer once (sequentially, which is its fastest way)
  and encodes each different picture with `pngsave(compression=3, filter="up", keep="none")`, on the same number of
  cores, a file a thread. Its start, the drawing and the writing are not counted. Darkroom can be below it: it decodes
  strip by strip, and has [an encoder of its own](adr/0007-our-own-png-chunks-around-zlib-ng.md) for the same deflate.
- Peak memory is the largest resident set of a process, as the kernel says it."""


def plot(file: Path, race: Race, growths: list[Growth]) -> None:
    """The first race, and beside it each growth, as bars in one picture."""
    widths = (3.4, *(1 for _ in growths))
    figure, (first, *others) = plt.subplots(
        1, len(widths), figsize=(13, 3.8), layout="constrained", width_ratios=widths
    )
    _race_bars(first, race)
    for axes, growth in zip(others, growths, strict=True):
        _growth_bars(axes, growth)
    others[0].set_ylabel("seconds of the whole command, one colour")
    figure.savefig(file, dpi=110)
    plt.close(figure)


def _race_bars(axes: Axes, race: Race) -> None:
    names = list(race.ways)
    rates = [race.ways[name].rate for name in names]
    drawn = axes.barh(names, rates, color=[COLOURS.get(name, OTHERS) for name in names], height=0.62)
    axes.bar_label(drawn, [f"{rate:,.0f}" if rate >= 10 else f"{rate:.1f}" for rate in rates], padding=5)
    axes.set_xscale("log")
    axes.set_xlim(0.5, max(rates) * 5)
    axes.set_xlabel("pictures a second (each step of the axis is ten times as fast)")
    axes.set_title(race.title, loc="left", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    axes.invert_yaxis()


def _growth_bars(axes: Axes, growth: Growth) -> None:
    values = [value.partition(" x ")[0] for value, _ in growth.points]
    seconds = [measure.seconds for _, measure in growth.points]
    axes.bar_label(axes.bar(values, seconds, color=COLOURS[OURS], width=0.62), fmt="%.1f", padding=3, fontsize=8)
    axes.set_title(f"more {growth.of}" if growth.of != "renders" else "larger renders", loc="left", fontsize=10)
    axes.tick_params(labelsize=8)
    axes.margins(y=0.12)
    axes.spines[["top", "right"]].set_visible(False)
