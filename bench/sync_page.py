"""The section of the sync: its tables and its plot, docs/images/benchmark-sync.png."""

from collections.abc import Iterator
from pathlib import Path

from rich.console import Group

from bench.page import MIB, SYNC, Row, conditions, held, markdown, put_section, table
from bench.stores import AWS, DARKROOM, RCLONE, S5CMD, Contest
from bench.stores_page import HEAD, plot, rows
from bench.sync import CHECKING, HASHING, MEMORY_BAR, NEW_BARS, OURS, READING, Findings
from darkroom.settings import settings

NOTICED_HEAD = ("", "sees it")
MANY_HEAD = ("", "seconds", "files a second", "peak memory", "CPU")


def write(docs: Path, found: Findings, *, quick: bool) -> None:
    """Write the section, and its plot."""
    (docs / "images").mkdir(parents=True, exist_ok=True)
    plot(docs / "images" / "benchmark-sync.png", found.contests)
    put_section(docs, SYNC, _lines(found, quick=quick))


def tables(found: Findings) -> Group:
    """For a terminal."""
    return Group(
        table("Sync", HEAD, rows(found.contests)),
        table("Other bytes, the same size and time", NOTICED_HEAD, noticed_rows(found)),
        table(f"{found.scale.names:,} unchanged files", MANY_HEAD, many_rows(found)),
    )


def noticed_rows(found: Findings) -> Iterator[Row]:
    """Way, whether it saw the other bytes; ours have to."""
    for one in found.noticed:
        seen = "yes" if one.noticed else "no"
        yield one.way, f"{seen}, bar {held(one.noticed)}" if one.way in OURS else seen


def many_rows(found: Findings) -> Iterator[Row]:
    """Run, seconds, rate, memory with the bar, CPU seconds."""
    for name, ran in zip(("without a cache yet", "cache warm"), found.many, strict=True):
        memory = f"{ran.peak / MIB:,.0f} MiB"
        if ran is found.many[-1]:
            memory += f", bar {MEMORY_BAR / MIB:.0f} MiB {held(ran.peak < MEMORY_BAR)}"
        yield name, f"{ran.seconds:.1f} s", f"{found.scale.names / ran.seconds:,.0f}", memory, f"{ran.cpu:.1f} s"


def _at_most(new: Contest) -> float:
    """How many times as fast as aws s3 it is where the server alone is busy, on all cores, with what Darkroom asks."""
    asked, aws = new.results[DARKROOM], new.results[AWS]
    return (aws.amount / aws.rate) / (asked.server_cpu / settings().workers)


def _lines(found: Findings, *, quick: bool) -> Iterator[str]:
    yield "![Files a second of Darkroom, s5cmd, rclone and aws s3](images/benchmark-sync.png)\n"
    peers = (f"{name} {found.versions[name]}" for name in (S5CMD, RCLONE, AWS))
    yield from conditions(quick, f"radosgw {found.server} on the same cores", *peers)
    yield _BARS.format(aws=NEW_BARS[AWS], most=_at_most(found.contests[0]))
    yield from markdown(HEAD, rows(found.contests))
    yield ""
    yield from markdown(("", "called with"), found.called.items())
    yield _NOTICED
    yield from markdown(NOTICED_HEAD, noticed_rows(found))
    yield f"\n### {found.scale.names:,} unchanged files, the listing simulated\n"
    yield from markdown(MANY_HEAD, many_rows(found))
    names = {"ours": DARKROOM, "checking": CHECKING, "reading": READING, "hashing": HASHING}
    yield _METHOD.format(**names, memory=f"{MEMORY_BAR / MIB:.0f} MiB", size=f"{found.scale.unchanged_size:,}")


_BARS = """
The bars: with new files and with unchanged ones, Darkroom is at least as fast as s5cmd; with new ones at least
{aws} times as fast as aws s3. The server's share of the cores allows {most:.1f} times at most: what a client would have
that costs nothing itself.
"""

_NOTICED = """
### Other bytes, the same size and time

A file gets other bytes in place, as many as before, and then its old time back; then each way syncs once more, and the
object is read.
"""

_METHOD = """
### How the sync is measured

- The S3 is a radosgw with a monitor and one OSD, on loopback and on this machine's disk. It shares the cores with the
  client, so a rate says what both need together; the CPU seconds of the two are told apart.
- A run is a whole process, from its start to its end, once the disk has caught up. The ways take turns, and each round
  begins with another one. Rates and CPU seconds are medians of the runs; the peak memory is the largest resident set
  of a process, as the kernel says it, in any of the runs. `aws s3` runs once, and rclone once over the unchanged files.
- **New files** are JPEGs by the names that the rules `stores` want, each padded with a comment of its own random bytes.
  Each run has a new bucket (which is removed, and its garbage collected), and Darkroom an empty state and an empty
  cache. **{ours}** does what the peers do: everything is uploaded; **{checking}** looks whether each file
  really is a JPEG, which is the price of its rules. After the first round of each, the MD5 of every object is compared
  with its file's.
- **Unchanged files** have {size} random bytes each, a thousand in a folder. Darkroom filled one bucket, in which
  s5cmd and aws s3 find everything unchanged as well (the same size, and no file younger than its object). rclone filled
  one of its own: by size and time it wants the time that it wrote itself into the metadata of each object, and asks for
  each of them; **{hashing}** reads every file instead, and compares with the listing. Each way went over its
  bucket once before, and no object had another ETag or time afterwards, so that what is measured is looking, not
  writing. Darkroom's cache is warm by that; **{reading}** does not look into it, and reads every file.
- **Other bytes** are seen by who reads the file, or looks at its ctime: it changes with every write, and no program
  can set it back. So Darkroom sees them with its cache on every file system that keeps a ctime, as this one does. Each
  way has a folder and a bucket of its own, and twice synced it before.
- **The simulated listing** is a server of the benchmark's own, which answers ListObjectsV2 with a thousand keys a page
  and computes each page when it is asked. The files of a folder are hard links to one byte, so that a million of them
  fit on this disk. It refuses every write. The bar is {memory} with the cache warm."""
