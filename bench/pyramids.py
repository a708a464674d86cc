"""The pyramids: `darkroom pyramid` beside libvips alone, and many images beside the loop that it takes the place of."""

import statistics
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from bench.measure import Ran, run
from bench.s3 import client_of
from bench.scans import MIX, draw, draw_mix
from tests.servers.radosgw import radosgw
from tests.servers.s3 import S3Server

DARKROOM, BARE, LOOP = "Darkroom", "libvips alone", "the old loop"
SINGLES = {
    "a JPEG of 12,000 x 10,000": ("jpg", 12000, 10000),
    "a map of 30,000 x 26,000, a JPEG": ("jpg", 30000, 26000),
    "a PNG of 6,000 x 5,000": ("png", 6000, 5000),
    "a CMYK JPEG of 6,000 x 5,000": ("cmyk", 6000, 5000),
    "a TIFF of 12,000 x 10,000": ("tif", 12000, 10000),
}
SINGLE_BAR, MIX_BAR, MEMORY_BAR = 1.1, 3.0, 500 << 20
_BUCKET = "pyramids"
_PEERS = (sys.executable, "-m", "bench.pyramid_peers")
_DARKROOM = (sys.executable, "-m", "darkroom", "pyramid")
console = Console(stderr=True)


@dataclass(frozen=True)
class Single:
    """One image: each way's runs, and the seconds of Darkroom's that its proof takes."""

    title: str
    runs: dict[str, list[Ran]]
    proof: float

    def seconds(self, way: str) -> float:
        """The median of a way's runs."""
        return statistics.median(one.seconds for one in self.runs[way])

    @property
    def ratio(self) -> float:
        """How many times the seconds of libvips alone Darkroom takes, with its start and its proof."""
        return self.seconds(DARKROOM) / self.seconds(BARE)


@dataclass(frozen=True)
class Findings:
    """All of it."""

    singles: list[Single]
    images: int
    mix: dict[str, Ran] = field(default_factory=dict)

    @property
    def mix_ratio(self) -> float:
        """How many times as fast as the old loop."""
        return self.mix[LOOP].seconds / self.mix[DARKROOM].seconds


def measure(folder: Path, *, rounds: int, quick: bool) -> Findings:
    """Measure all of it, in `folder`."""
    singles = list(_singles(folder, rounds, 10 if quick else 1))
    part = 20 if quick else 1
    with radosgw(folder / "radosgw") as server:
        environment = server.environment()
        _put(folder, part, server)
        found = {
            DARKROOM: run((*_DARKROOM, f"s3://{_BUCKET}/in", f"s3://{_BUCKET}/darkroom"), environment),
            LOOP: run((*_PEERS, "loop", _BUCKET, "in/", "loop"), environment),
        }
    for way, ran in found.items():
        console.print(f"{len(MIX[::part])} images, {way}: {ran.seconds:.1f} s, {ran.cpu:.1f} s CPU")
    return Findings(singles, len(MIX[::part]), found)


def _singles(folder: Path, rounds: int, smaller: int) -> Iterator[Single]:
    for title, (kind, width, height) in SINGLES.items():
        source, target = folder / f"single.{'jpg' if kind == 'cmyk' else kind}", folder / "out"
        draw(kind, width // smaller, height // smaller, source)
        runs: dict[str, list[Ran]] = {DARKROOM: [], BARE: []}
        for number in range(rounds):
            turns = [
                (DARKROOM, (*_DARKROOM, str(source), str(target), "--replace")),
                (BARE, (*_PEERS, "bare", str(source), str(folder / "bare.tif"))),
            ]
            for way, words in turns if number % 2 else turns[::-1]:
                ran = run(words)
                runs[way].append(ran)
                console.print(f"{title}, round {number + 1}, {way}: {ran.seconds:.2f} s, {ran.cpu:.2f} s CPU")
        proofs = [float(run((*_PEERS, "proof", str(source), str(folder / "proof.tif"))).said) for _ in range(rounds)]
        source.unlink()
        yield Single(title, runs, statistics.median(proofs))


def _put(folder: Path, part: int, server: S3Server) -> None:
    console.print(f"Drawing {len(MIX[::part])} scans ...")
    client = client_of(server)
    client.create_bucket(Bucket=_BUCKET)
    for file in draw_mix(folder, part):
        client.upload_file(str(file), _BUCKET, f"in/{file.name}")
        file.unlink()
