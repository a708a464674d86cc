"""The section of the stores: its table and its plot, docs/images/benchmark-stores.png."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import matplotlib as mpl
from rich.table import Table

from bench.page import COLOURS, MIB, OTHERS, STORES, Row, conditions, held, markdown, put_section, table
from bench.stores import AWS, DARKROOM, S5CMD, Contest, Findings

mpl.use("Agg")
from matplotlib import pyplot as plt

HEAD = ("", "", "a second", "to s5cmd", "to aws s3", "peak memory", "CPU", "server's CPU", "runs")


def rows(contests: Iterable[Contest]) -> Iterator[Row]:
    """What, client, rate, ratios with their bars, memory, CPU seconds, runs."""
    for contest in contests:
        for name, result in contest.results.items():
            yield (
                contest.title if name == DARKROOM else "",
                name,
                f"{result.rate:,.0f} {result.unit}",
                _ratio(contest, name, S5CMD),
                _ratio(contest, name, AWS),
                f"{result.peak / MIB:,.0f} MiB",
                f"{result.cpu:.1f} s",
                f"{result.server_cpu:.1f} s",
                f"{len(result.runs)}",
            )


def _ratio(contest: Contest, client: str, to: str) -> str:
    ratio = f"{contest.ratio(client, to):.2f}x"
    if client != DARKROOM or to not in contest.bars:
        return ratio
    return f"{ratio}, bar {contest.bars[to]:.1f}x {held(contest.holds(to))}"


def tables(found: Findings) -> Table:
    """For a terminal."""
    return table("Stores", HEAD, rows(found.contests))


def write(docs: Path, found: Findings, *, quick: bool) -> None:
    """Write the section of the stores, and its plot."""
    (docs / "images").mkdir(parents=True, exist_ok=True)
    plot(docs / "images" / "benchmark-stores.png", found.contests)
    put_section(docs, STORES, _lines(found, quick=quick))


def _lines(found: Findings, *, quick: bool) -> Iterator[str]:
    yield "![Objects and megabytes a second of Darkroom, s5cmd, rclone and aws s3](images/benchmark-stores.png)\n"
    yield from conditions(quick, f"radosgw {found.server} on the same cores")
    yield (
        f"put, get and list are of {found.scale.many}. The bars: at least as fast as s5cmd in everything, and at least "
        "four times as fast as aws s3 with many objects.\n"
    )
    yield from markdown(HEAD, rows(found.contests))
    yield ""
    settings = ((name, found.versions[name], text) for name, text in found.settings.items())
    yield from markdown(("", "version", "called with"), settings)
    yield _METHOD


_METHOD = """
### How the stores are measured

- The server is a radosgw with a monitor and one OSD, on loopback and on this machine's disk. It shares the cores with
  the client, so a rate says what both need together; the CPU seconds of the two are told apart.
- A run is a whole process, from its start to its end. The clients take turns, and each round begins with another one.
  Rates and CPU seconds are medians of the runs; the peak memory is the largest resident set of a process, as the kernel
  says it, in any of the runs. `aws s3` copies the many objects only once.
- **put** copies a folder of random bytes to a prefix that nobody had before, **get** copies objects that Darkroom put
  to a folder that was not there, **list** writes all names to /dev/null. All read from a warm page cache; before each
  run the disk is given the time to catch up, and the bucket is empty of others' copies. None of that is timed.
- What each client put and got is compared with the files, byte by byte, once.

### What the bars meet

- **Python's start** is part of every run of Darkroom: its first object comes after a third of a second. That is most
  of what the list of 10,000 lacks, a twentieth of the get, and nothing in the list of 100,000.
- **The server** takes most of the CPU of a put (the table's last but one column), which limits how far apart clients
  on the same cores can be: one that took no time at all would put about four times as fast as aws s3.
- **The one interpreter** is handed from thread to thread for every small object.
- **The proofs.** Darkroom hashes what it sends and gets (MD5, CRC32C, SHA-256) and lists what it wrote, which
  s5cmd does not."""


def plot(file: Path, contests: list[Contest]) -> None:
    """Each contest as bars of its own, in one picture; names stand beside the first ones that have them."""
    most = max(len(contest.results) for contest in contests)
    figure, row = plt.subplots(1, len(contests), figsize=(13, 1.0 + 0.4 * most), layout="constrained")
    named: list[str] = []
    for axes, contest in zip(row, contests, strict=True):
        names = list(contest.results)
        rates = [result.rate for result in contest.results.values()]
        colours = [COLOURS[DARKROOM] if name.startswith(DARKROOM) else OTHERS for name in names]
        drawn = axes.barh(names, rates, color=colours, height=0.62)
        axes.bar_label(drawn, [f"{rate:,.0f}" for rate in rates], padding=3, fontsize=8)
        axes.set_title(contest.title, loc="left", fontsize=9)
        axes.set_xlabel(f"{contest.results[DARKROOM].unit} a second", fontsize=8)
        axes.tick_params(labelsize=8, labelleft=names != named)
        axes.margins(x=0.25)
        axes.spines[["top", "right"]].set_visible(False)
        axes.invert_yaxis()
        named = names
    figure.savefig(file, dpi=110)
    plt.close(figure)
