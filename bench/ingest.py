"""The ingest: `darkroom ingest` beside the studio's old recipe and beside libvips that only decodes each render."""

import shutil
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from bench.collection import FAME, Collection, real, sample
from bench.measure import Measure, Ran, run, run_peer, turns
from bench.peers import is_imagemagick
from darkroom.settings import settings

DARKROOM, FLOOR = "Darkroom", "the floor"
OLD, OLD_LOOP = "ImageMagick, a process a file, one for each core", "ImageMagick, one file after the other"
OLD_BAR, FLOOR_BAR = 20.0, 1.3
console = Console(stderr=True)


@dataclass(frozen=True)
class Scale:
    """How much is measured: renders, pixels of a side, of how many the old recipe makes proxies, rounds."""

    renders: int = 2_000
    size: int = 3000
    sampled: int = 40
    rounds: int = 3


QUICK = Scale(renders=100, size=600, sampled=10, rounds=1)


@dataclass(frozen=True)
class Findings:
    """The runs of ours and of the floor over all renders, and the old recipe's over some, scaled."""

    scale: Scale
    collection: str
    bytes: int
    ours: list[Ran]
    floors: list[Measure]
    old: dict[str, Measure]

    @property
    def seconds(self) -> dict[str, float]:
        """The seconds of each way for all renders: medians."""
        found = {DARKROOM: statistics.median(one.seconds for one in self.ours)}
        found |= {way: self.scale.renders / one.rate for way, one in self.old.items()}
        return found | {FLOOR: statistics.median(one.seconds for one in self.floors)}

    @property
    def to_floor(self) -> float:
        """How many times the floor's seconds, which took turns with ours."""
        return self.seconds[DARKROOM] / self.seconds[FLOOR]


def measure(folder: Path, scale: Scale) -> Findings:
    """Measure all of it, in `folder`."""
    drawn = _drawn(folder, scale)
    files = sorted(str(file) for file in drawn.renders.iterdir())
    workers = settings().workers
    _ingest(drawn, folder / "warm")  # compiles the kernels
    ours: list[Ran] = []
    floors: list[Measure] = []
    for number, way in turns((DARKROOM, FLOOR), scale.rounds):
        if way == DARKROOM:
            ours.append(_ingest(drawn, folder / "studio"))
            said = f"{ours[-1].seconds:.1f} s, {ours[-1].cpu:.1f} s CPU"
        else:
            floors.append(run_peer("decoding", {"renders": files, "workers": workers}))
            said = f"{floors[-1].seconds:.1f} s"
        console.print(f"{len(files):,} renders, round {number + 1}, {way}: {said}")
    old: dict[str, Measure] = {}
    some = files[:: max(1, len(files) // scale.sampled)][: scale.sampled]
    for way, at_once in {OLD: workers, OLD_LOOP: 1}.items() if is_imagemagick() else ():
        old[way] = run_peer("old-proxies", {"renders": some, "target": str(folder / "old"), "workers": at_once})
        console.print(f"{len(some)} renders, {way}: {old[way].seconds:.1f} s")
    size = sum(Path(file).stat().st_size for file in files)
    return Findings(scale, drawn.name, size, ours, floors, old)


def _drawn(folder: Path, scale: Scale) -> Collection:
    """So many renders of a real style, in as many colours as it takes."""

    def collection(colours: int) -> Collection:
        options = {"size": scale.size, "colours": colours}
        return real("FP-DR1003-102", "Ankle", folder, **options) if FAME.is_dir() else sample(folder, **options)

    drawn = collection(-(-scale.renders // len(collection(1).layer_files())))
    console.print(f"Drawing {scale.renders:,} renders of {drawn.name}, {drawn.size} x {drawn.size} ...")
    drawn.draw()
    for file in sorted(drawn.renders.iterdir())[scale.renders :]:
        file.unlink()
    return drawn


def _ingest(of: Collection, studio: Path) -> Ran:
    """The whole command, from its start to its report, into an empty studio's store."""
    words = (sys.executable, "-m", "darkroom", "ingest", "--style", str(of.style))
    places = ("--from", str(of.renders), "--to", str(studio))
    ran = run((*words, *places), {"DARKROOM_INGEST_QUIET": "0"})
    shutil.rmtree(studio)
    return ran
