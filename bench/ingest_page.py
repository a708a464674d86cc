"""The section of the ingest."""

from collections.abc import Iterator
from pathlib import Path

import pyvips
from rich.console import Group

from bench.ingest import DARKROOM, FLOOR, FLOOR_BAR, OLD, OLD_BAR, OLD_LOOP, Findings
from bench.page import INGEST, MIB, Row, conditions, held, markdown, put_section, table

HEAD = (
    "",
    "renders a second",
    "to one for each core",
    "to one after the other",
    "to the floor's seconds",
    "peak memory",
)


def write(docs: Path, found: Findings, *, quick: bool) -> None:
    """Write the section."""
    put_section(docs, INGEST, _lines(found, quick=quick))


def tables(found: Findings) -> Group:
    """For a terminal."""
    return Group(table(_title(found), HEAD, rows(found)))


def rows(found: Findings) -> Iterator[Row]:
    """Way, renders a second, how many times both ways of the old recipe, and the floor's seconds; with the bars."""
    seconds = found.seconds
    peaks = {DARKROOM: max(one.peak for one in found.ours), FLOOR: max(one.peak for one in found.floors)}
    peaks |= {way: one.peak for way, one in found.old.items()}
    for way, took in seconds.items():
        ours = way == DARKROOM
        to_old = [_times(seconds.get(old, 0.0) / took, barred=ours) for old in (OLD, OLD_LOOP)]
        to_floor = f"{took / seconds[FLOOR]:.2f}x"
        if ours:
            to_floor += f", bar {FLOOR_BAR}x {held(found.to_floor <= FLOOR_BAR)}"
        yield way, f"{found.scale.renders / took:.2f}", *to_old, to_floor, f"{peaks[way] / MIB:,.0f} MiB"


def _times(times: float, *, barred: bool) -> str:
    """How many times the old recipe; nothing where that was not measured."""
    if not times:
        return ""
    return f"{times:.1f}x" + (f", bar {OLD_BAR:.0f}x {held(times >= OLD_BAR)}" if barred else "")


def _title(found: Findings) -> str:
    size = f"{found.scale.size} x {found.scale.size}"
    return f"{found.scale.renders:,} renders of {size} ({found.bytes / 1e9:.1f} GB) to proxies"


def _lines(found: Findings, *, quick: bool) -> Iterator[str]:
    libvips = ".".join(str(pyvips.version(part)) for part in range(3))
    yield from conditions(quick, f"libvips {libvips}")
    yield f"\n### {_title(found)}\n"
    yield from markdown(HEAD, rows(found))
    yield _METHOD.format(collection=found.collection, sampled=found.scale.sampled, rounds=found.scale.rounds)


_METHOD = """
### How the ingest is measured

- The renders are those of {collection}, drawn: soft shapes, each in a box that fits its slot, in as many colours as
  it takes. **Darkroom** is `darkroom ingest` from a folder to an empty folder, the whole command with its start: each
  render is read once, copied as it is with its SHA-256, decoded strictly, reduced, encoded, decoded again and compared,
  written, read back, and known to a ledger; the catalogue is written too. The other rows copy and prove nothing.
- **The old recipe** is `convert in -resize 800x800 -density 172 out`, a process a file: one for each core, and as a
  script does it, one after the other, each with all cores. It makes {sampled} proxies from all over, and is scaled.
  The bar is held against both: which of them the studio ran is not known, and the first is the harder one. The floor
  itself is no 20 times as fast as either, so that whoever decodes as libvips does cannot meet it with these renders.
- **The floor** is libvips that decodes each render once, row after row, a file a thread on the same cores, without
  its start and without the disk: no proxy can be made without that. It takes turns with Darkroom; medians
  of {rounds}."""
