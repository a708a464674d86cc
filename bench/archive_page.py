"""The section of the archive."""

from collections.abc import Iterator
from pathlib import Path

from rich.table import Table

from bench.archive import (
    COPIES,
    DARKROOM,
    MEMORY_BAR,
    ONCE,
    OURS,
    RATE_BAR,
    READ_BACK,
    TWICE,
    Contest,
    Copied,
    Findings,
)
from bench.page import ARCHIVE, MIB, Row, conditions, held, markdown, put_section, table

HEAD = (
    *("", "", "a second", "to rclone once", "to rclone twice", "peak memory"),
    *("CPU: own, S3's, GCS's", "asked of GCS", "read", "runs"),
)


def write(docs: Path, found: Findings, *, quick: bool) -> None:
    """Write the section."""
    put_section(docs, ARCHIVE, _lines(found, quick=quick))


def tables(found: Findings) -> Table:
    """For a terminal."""
    return table("Archive", HEAD, rows(found))


def rows(found: Findings) -> Iterator[Row]:
    """What, way, rate, ratio and memory with their bars, CPU seconds, what was asked of GCS, runs."""
    for contest in found.contests:
        for way, result in contest.results.items():
            yield (
                contest.title if way == next(iter(contest.results)) else "",
                way,
                f"{result.rate:,.0f} {result.unit}",
                _ratio(contest, way, ONCE),
                _ratio(contest, way, TWICE),
                _memory(contest, way),
                f"{result.cpu:.1f} s, {result.server_cpu:.1f} s, {result.source_cpu:.1f} s",
                f"{result.listings:,} + {result.others:,}",
                _reads(contest, result),
                f"{len(result.runs)}",
            )


def _ratio(contest: Contest, way: str, to: str) -> str:
    if to not in contest.results:
        return ""
    ratio = contest.ratio(way, to)
    bar = f", bar {RATE_BAR:.1f}x {held(ratio >= RATE_BAR)}" if contest.rivals.get(way) == to else ""
    return f"{ratio:.2f}x{bar}"


def _memory(contest: Contest, way: str) -> str:
    memory = f"{contest.results[way].peak / MIB:,.0f} MiB"
    if way not in OURS or not contest.memory_bar:
        return memory
    return f"{memory}, bar {contest.memory_bar / MIB:.0f} MiB {held(contest.small(way))}"


def _reads(contest: Contest, result: Copied) -> str:
    reads = f"{result.reads:.2f}x"
    if result.client not in OURS or not contest.memory_bar:
        return reads
    return f"{reads}, bar 1x {held(result.once)}"


def _lines(found: Findings, *, quick: bool) -> Iterator[str]:
    yield from conditions(quick, f"radosgw {found.server} on the same cores", f"rclone {found.rclone}")
    yield _BARS.format(memory=f"{MEMORY_BAR / MIB:.0f} MiB")
    yield from markdown(HEAD, rows(found))
    yield ""
    yield from markdown(("", "called with"), found.called.items())
    yield _METHOD.format(copies=COPIES, ours=DARKROOM, read_back=READ_BACK, once=ONCE, twice=TWICE)


_BARS = """
The bars: without reading back, Darkroom is at least as fast as rclone where both do the same: copy, or copy and
archive; a run over what has not changed is, too. An object takes less than {memory} of memory, however large it is, and
each of its bytes is read once. What was asked of GCS is listings and other requests; what was read is in multiples of
the objects' bytes.
"""

_METHOD = """
### How the archive is measured

- **{once}** copies to the target and proves the source's MD5 of each object; **{copies}** does the same, and
  notes it in its ledgers. **{twice}** then copies the target to the archive on the server, as **{ours}** does,
  with a version's own name. **{read_back}** shows what it costs to read everything again that was written, in
  both places.
- GCS is a server of the benchmark's own, in one process: the JSON API to read from, with real bytes, hashes and
  generations, out of the page cache. It answers an object of 50 KB in a tenth of a millisecond and keeps the pages of
  its listings, so that it takes little of the cores that all share; the table tells how much. It counts the requests
  and the bytes of each object.
- The S3 is a radosgw with a monitor and one OSD, on loopback and on this machine's disk. Each run copies to two new
  buckets (which are removed, and their garbage collected) and begins with an empty state, but for the unchanged
  objects: those Darkroom put there once, and both ways find them there.
- A run is a whole process, or two of rclone's, from start to end, once the disk has caught up. The ways take turns,
  and each round begins with another one. Rates and CPU seconds are medians of the runs; the peak memory is the largest
  resident set of a process, as the kernel says it, in any of the runs.
- The server's copy of an object above 5 GB goes in parts, and has another ETag than what it is of. This radosgw keeps
  no checksum of the whole, so that **{ours}** reads such a version back although it was asked not to; smaller ones it
  does not. It is why the huge object costs more than its share.
- After the first round of each, the MD5 of every object in the target and in the archive is compared with the source's:
  radosgw's own where it has one, else of the bytes read."""
