"""The section of the pyramids."""

from collections.abc import Iterator
from pathlib import Path

import pyvips
from rich.console import Group

from bench.page import MIB, PYRAMIDS, Row, conditions, held, markdown, put_section, table
from bench.pyramids import BARE, DARKROOM, LOOP, MEMORY_BAR, MIX_BAR, SINGLE_BAR, Findings

SINGLE_HEAD = ("", "", "seconds", "to libvips alone", "peak memory", "CPU")
MIX_HEAD = ("", "images a second", "to the old loop", "peak memory", "CPU")


def write(docs: Path, found: Findings, *, quick: bool) -> None:
    """Write the section."""
    put_section(docs, PYRAMIDS, _lines(found, quick=quick))


def tables(found: Findings) -> Group:
    """For a terminal."""
    return Group(
        table("One pyramid", SINGLE_HEAD, single_rows(found)),
        table(f"{found.images} mixed images", MIX_HEAD, mix_rows(found)),
    )


def single_rows(found: Findings) -> Iterator[Row]:
    """What, way, seconds, ratio with its bar, memory, CPU seconds."""
    for single in found.singles:
        for way in (DARKROOM, BARE):
            peak = max(one.peak for one in single.runs[way])
            ratio = "1.00x"
            if way == DARKROOM:
                ratio = f"{single.ratio:.2f}x, bar {SINGLE_BAR}x {held(single.ratio <= SINGLE_BAR)}"
            memory = f"{peak / MIB:,.0f} MiB"
            if way == DARKROOM and "map" in single.title:
                memory += f", bar {MEMORY_BAR / MIB:.0f} MiB {held(peak <= MEMORY_BAR)}"
            yield (
                single.title if way == DARKROOM else "",
                way,
                f"{single.seconds(way):.2f} s",
                ratio,
                memory,
                f"{min(one.cpu for one in single.runs[way]):.1f} s",
            )
        yield ("", "of Darkroom's, the proof", f"{single.proof:.2f} s", "", "", "")


def mix_rows(found: Findings) -> Iterator[Row]:
    """Way, images a second, ratio with its bar, memory, CPU seconds."""
    for way, ran in found.mix.items():
        ratio = f"{found.mix_ratio:.2f}x, bar {MIX_BAR:.0f}x {held(found.mix_ratio >= MIX_BAR)}"
        yield (
            way,
            f"{found.images / ran.seconds:.2f}",
            ratio if way == DARKROOM else "1.00x",
            f"{ran.peak / MIB:,.0f} MiB",
            f"{ran.cpu:.0f} s",
        )


def _lines(found: Findings, *, quick: bool) -> Iterator[str]:
    libvips = ".".join(str(pyvips.version(part)) for part in range(3))
    yield from conditions(quick, f"libvips {libvips}")
    yield "\n### One pyramid\n"
    yield from markdown(SINGLE_HEAD, single_rows(found))
    yield f"\n### {found.images} mixed images\n"
    yield from markdown(MIX_HEAD, mix_rows(found))
    yield _METHOD.format(loop=LOOP)


_METHOD = """
### How the pyramids are measured

- The scans are drawn, with a grain that makes them as hard to compress as real ones. **Darkroom** is
  `darkroom pyramid`, the whole command: its start, strict decoding, the pyramid (deflate), its proof, the publishing in
  a folder. **libvips alone** is a process that does nothing but `thumbnail` and `tiffsave`, with libvips' own deflate
  (zlib-ng's level 6, where Darkroom has ISA-L). The ways take turns; medians.
- The mix is what a library's night may bring: JPEGs of 6 to 300 megapixels, CMYK, TIFF (LZW), PNG. What is called
  **{loop}** has three threads, each with one image after the other: download, open, `shrink`, `tiffsave`, upload,
  with boto3 and the same settings. It decodes leniently and proves nothing. Both get the images from a radosgw on the
  same two cores and put the pyramids there."""
