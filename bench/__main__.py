"""`python -m bench`: measure, print the tables, and write docs/benchmarks.md with its plots."""

import argparse
import json
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from rich.console import Console

from bench import (
    archive,
    archive_page,
    fitting_room,
    fitting_room_page,
    ingest,
    ingest_page,
    page,
    pyramids,
    pyramids_page,
    stores,
    stores_page,
    sync,
    sync_page,
    workers,
    workers_page,
)
from bench.collection import FAME, Collection, real, sample
from bench.measure import Measure, run, run_peer
from bench.page import Findings, Growth, Race
from bench.peers import is_imagemagick
from darkroom.compositing.profiles import CUTS
from darkroom.settings import settings

ROUNDS, SAMPLE = 3, 24
DOCS = Path(__file__).resolve().parents[1] / "docs"
console = Console(stderr=True)


def main() -> None:
    """Measure what is asked for, each thing in one run."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("what", nargs="?", choices=tuple(_SECTIONS), help="only this, not all")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="little of all, one round, and the page in a folder of its own: does the benchmark itself work?",
    )
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often the ways take turns (%(default)s)")
    parser.add_argument("--docs", type=Path, help="the folder for benchmarks.md and images/ (docs)")
    asked = parser.parse_args()
    if asked.what not in _WITHOUT_STORES and (sentence := stores.missing()):
        console.print(sentence, soft_wrap=True)
        sys.exit(2)
    rounds = 1 if asked.quick else asked.rounds
    docs = asked.docs or (Path(tempfile.mkdtemp(prefix="darkroom-bench-docs-")) if asked.quick else DOCS)
    for name, (measure, section) in _SECTIONS.items():
        if asked.what in (None, name):
            # an engine's or a server's leftovers that cannot be removed are no reason to lose what was measured
            with tempfile.TemporaryDirectory(prefix="darkroom-bench-", ignore_cleanup_errors=True) as folder:
                found = measure(Path(folder), rounds, asked.quick)
            section.write(docs, found, quick=asked.quick)
            Console().print(section.tables(found))
    console.print(f"The page is {docs / 'benchmarks.md'}.", soft_wrap=True)


def _pictures(folder: Path, rounds: int, quick: bool) -> Findings:
    bench = Bench(folder, rounds, quick=quick)
    return Findings(list(bench.races()), list(bench.growths()), bench.again())


def _pyramids(folder: Path, rounds: int, quick: bool) -> pyramids.Findings:
    return pyramids.measure(folder, rounds=rounds, quick=quick)


def _stores(folder: Path, rounds: int, quick: bool) -> stores.Findings:
    return stores.measure(folder, stores.QUICK if quick else stores.Scale(rounds=rounds))


def _archive(folder: Path, rounds: int, quick: bool) -> archive.Findings:
    return archive.measure(folder, archive.QUICK if quick else archive.Scale(rounds=rounds))


def _sync(folder: Path, rounds: int, quick: bool) -> sync.Findings:
    return sync.measure(folder, sync.QUICK if quick else sync.Scale(rounds=rounds))


def _ingest(folder: Path, rounds: int, quick: bool) -> ingest.Findings:
    return ingest.measure(folder, ingest.QUICK if quick else ingest.Scale(rounds=rounds))


def _fitting_room(folder: Path, rounds: int, quick: bool) -> fitting_room.Findings:
    if sentence := fitting_room.missing():
        console.print(sentence, soft_wrap=True)
        sys.exit(2)
    return fitting_room.measure(folder, fitting_room.QUICK if quick else fitting_room.Scale())


def _workers(folder: Path, rounds: int, quick: bool) -> workers.Findings:
    if sentence := workers.missing():
        console.print(sentence, soft_wrap=True)
        sys.exit(2)
    return workers.measure(folder, workers.QUICK if quick else workers.Scale())


_WITHOUT_STORES = ("pictures", "ingest", "fitting_room", "workers")
"""What needs no tools of stores."""
_SECTIONS: dict[str, tuple[Callable[[Path, int, bool], Any], ModuleType]] = {
    "pictures": (_pictures, page),
    "pyramids": (_pyramids, pyramids_page),
    "stores": (_stores, stores_page),
    "archive": (_archive, archive_page),
    "sync": (_sync, sync_page),
    "ingest": (_ingest, ingest_page),
    "fitting_room": (_fitting_room, fitting_room_page),
    "workers": (_workers, workers_page),
}
"""What can be measured, in which order: who measures it in a folder of its own, and the module of its section."""


class Bench:
    """One run of the pictures' benchmark, in a folder of its own."""

    def __init__(self, folder: Path, rounds: int, *, quick: bool) -> None:
        self._folder, self._rounds = folder, rounds
        self._size = 600 if quick else 3000
        self._workers = settings().workers
        self._runs = 0

    def collection(self, style: str, **options: int) -> Collection:
        """Ankle of a real style, drawn; the sample dress where that data is not at hand."""
        options = {"size": self._size, **options}
        made = real(style, "Ankle", self._folder, **options) if FAME.is_dir() else sample(self._folder, **options)
        if not made.renders.is_dir():
            console.print(f"Drawing {made.name}, {made.size} x {made.size}, {made.colours} colours ...")
            made.draw()
        return made

    def races(self) -> Iterator[Race]:
        """Darkroom beside its peers and the floor."""
        main_one = self.collection("FP-DR1003-102")
        self.darkroom(main_one, (CUTS[0],))  # compiles the kernels
        yield self._race(main_one, (CUTS[0],), self._rounds, self._one_by_one(main_one))
        yield self._race(main_one, CUTS, self._rounds, {})
        if FAME.is_dir():
            hard_one = self.collection("FP-DR1010-102")
            yield self._race(hard_one, (CUTS[0],), 1, self._one_by_one(hard_one))
            shutil.rmtree(hard_one.renders)

    def _race(self, of: Collection, cuts: tuple[str, ...], rounds: int, others: dict[str, Measure]) -> Race:
        """Darkroom and the floor in turns; of each the median."""
        ours, floors = [], []
        different = 0
        for _ in range(rounds):
            measure, out = self.darkroom(of, cuts)
            files = list(
                {file.stat().st_ino: str(file) for cut in cuts for file in out.glob(f"**/{cut}/*.png")}.values()
            )
            different = len(files)
            ours.append(measure)
            floors.append(self.floor(of, files, measure.pictures))
            shutil.rmtree(out)
        return Race(
            f"{of.name}, {of.size} x {of.size}, {'all four cuts' if len(cuts) > 1 else cuts[0]}",
            different,
            {**others, "Darkroom": _median(ours), "the floor": _median(floors)},
        )

    def _one_by_one(self, of: Collection) -> dict[str, Measure]:
        stacks = [[str(file) for file in of.files(stack)] for stack in of.sample(SAMPLE)]
        target = str(self._folder / "peer.png")
        console.print(f"{of.name}: {len(stacks)} pictures, one at a time ...")
        measures = {}
        if is_imagemagick():
            request = {"stacks": stacks, "target": target, "workers": self._workers}
            measures["ImageMagick, a process a picture"] = run_peer("imagemagick", request)
        measures["pyvips, a picture at a time"] = run_peer("pyvips", {"stacks": stacks, "target": target})
        return measures

    def growths(self) -> Iterator[Growth]:
        """What a run costs as one thing grows: seconds of the whole command, one colour."""
        of = self.collection("FP-DR1003-102")
        parts = [of.part(self._folder, divisor) for divisor in (16, 4, 1)]
        yield Growth("combinations", [(f"{len(part.rows):,}", self.darkroom(part, (CUTS[0],))[0]) for part in parts])
        sizes = [size * self._size // 3000 for size in (1500, 3000, 6000)]
        drawn = [self.collection("FP-DR1003-102", size=size, colours=4 if size == self._size else 1) for size in sizes]
        alike = [one.part(self._folder, 1) for one in drawn]
        yield Growth("renders", [(f"{one.size} x {one.size}", self.darkroom(one, (CUTS[0],))[0]) for one in alike])
        counts = [2**power for power in range(self._workers.bit_length())]
        yield Growth("workers", [(str(count), self.darkroom(parts[-1], (CUTS[0],), count)[0]) for count in counts])

    def again(self) -> Measure:
        """A second run of the same command, with nothing to do."""
        of = self.collection("FP-DR1003-102")
        _, out = self.darkroom(of, CUTS)
        return self.darkroom(of, CUTS, out=out)[0]

    def darkroom(
        self, of: Collection, cuts: tuple[str, ...], workers: int = 0, out: Path | None = None
    ) -> tuple[Measure, Path]:
        """The whole command, from its start to its report; and where its pictures are."""
        self._runs += 1
        out = out or self._folder / f"out-{self._runs}"
        words = [sys.executable, "-m", "darkroom", "composite", "--style", str(of.style), "--length", of.length]
        words += ["--combinations", str(of.export), "--renders", str(of.renders), "--out", str(out)]
        words += [
            "--colours",
            f"0-{of.colours - 1}",
            "--cuts",
            ",".join(cuts),
            "--workers",
            str(workers or self._workers),
        ]
        words += ["--report", str(out.with_suffix(".json"))]
        console.print(f"{of.name}, {of.size} x {of.size}, {len(cuts)} cuts, {workers or self._workers} workers ...")
        ran = run(words)
        return Measure(json.loads(out.with_suffix(".json").read_text())["planned"], ran.seconds, ran.peak), out

    def floor(self, of: Collection, files: list[str], pictures: int) -> Measure:
        """The floor of the pictures in `files`, counted as the pictures (names) that they are."""
        layers = [str(file) for file in of.layer_files()]
        found = run_peer("floor", {"layers": layers, "pictures": files, "workers": self._workers})
        return Measure(pictures, found.seconds, found.peak)


def _median(measures: list[Measure]) -> Measure:
    seconds = statistics.median(measure.seconds for measure in measures)
    return Measure(measures[0].pictures, seconds, max(measure.peak for measure in measures))


if __name__ == "__main__":
    main()
