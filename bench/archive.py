"""The archive: `darkroom archive` beside rclone, from a GCS that costs little to one radosgw, in one run."""

import os
import shutil
import statistics
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from bench.gcs_objects import Bucket, Served
from bench.gcs_server import GcsServer, gcs_server
from bench.measure import Ran, run, turns
from bench.s3 import RCLONE_CLI, Gateway, gateway, gateway_version
from bench.stores import RCLONE, Result, versions

COPIES, DARKROOM, READ_BACK = "Darkroom, no archive", "Darkroom", "Darkroom, read back"
ONCE, TWICE = "rclone once", "rclone twice"
OURS = (COPIES, DARKROOM, READ_BACK)
RIVALS = {COPIES: ONCE, DARKROOM: TWICE}
"""Who does the same as which of ours, and is to be no faster."""
RATE_BAR, MEMORY_BAR = 1.0, 150 << 20
_WARM, _MANY, _LARGE, _SAME, _HUGE = "warm", "many", "large", "same", "huge"

console = Console(stderr=True)


@dataclass(frozen=True)
class Way:
    """A way to copy: commands, in which `{source}`, `{target}` and `{archive}` stand for buckets."""

    name: str
    called: str
    commands: tuple[tuple[str, ...], ...]


def ways() -> list[Way]:
    """Ours and the peer, as people would call them."""
    trusting = ("--verify", "store's checksum")
    copies = (sys.executable, "-m", "darkroom", "archive", "--from", "gs://{source}", "--to", "s3://{target}")
    ours = (*copies, "--archive", "s3://{archive}")
    many = ("--checksum", "--fast-list", "--transfers=32", "--checkers=32", "--s3-no-check-bucket")
    rclone = (str(RCLONE_CLI), "--config=", "--gcs-anonymous", "--s3-provider=Ceph", "--s3-env-auth", "copy", *many)
    once = (*rclone, ":gcs:{source}", ":s3:{target}")
    said = f"`copy {' '.join(many)}`"
    return [
        Way(COPIES, """`archive --verify "store's checksum"` without `--archive`""", ((*copies, *trusting),)),
        Way(DARKROOM, """`archive --verify "store's checksum"`: target and archive""", ((*ours, *trusting),)),
        Way(READ_BACK, "`archive`: the same, and all of it read again", (ours,)),
        Way(ONCE, f"{said}: the target alone", (once,)),
        Way(TWICE, "the same, then from the target to the archive", (once, (*rclone, ":s3:{target}", ":s3:{archive}"))),
    ]


@dataclass(frozen=True)
class Scale:
    """How much is measured: objects and bytes of each, bytes of the large one, unchanged objects, bytes of the huge."""

    count: int = 5_000
    size: int = 50_000
    large: int = 2 << 30
    unchanged: int = 100_000
    unchanged_size: int = 1_000
    huge: int = 5 << 30
    rounds: int = 3

    @property
    def many(self) -> str:
        return f"{self.count:,} objects of {self.size / 1000:,.0f} KB"

    @property
    def buckets(self) -> list[Bucket]:
        """What there is to copy."""
        return [
            Bucket(_WARM, 50, self.size),
            Bucket(_MANY, self.count, self.size),
            Bucket(_LARGE, 1, self.large),
            Bucket(_SAME, self.unchanged, self.unchanged_size),
            Bucket(_HUGE, 1, self.huge),
        ]


QUICK = Scale(count=300, large=64 << 20, unchanged=3_000, huge=256 << 20, rounds=1)


@dataclass(kw_only=True)
class Copied(Result):
    """All runs of one way at one bucket, and what they were to the GCS: its CPU seconds, its requests."""

    bucket: Bucket
    source: list[float] = field(default_factory=list)
    served: list[Served] = field(default_factory=list)

    @property
    def source_cpu(self) -> float:
        return statistics.median(self.source)

    @property
    def reads(self) -> float:
        """How many times every byte was read, at the run that read most."""
        return max(served.bytes for served in self.served) / self.bucket.bytes

    @property
    def once(self) -> bool:
        """Whether every object was read once in every run, not one twice and another not at all."""
        return all(served.least == served.most and served.bytes == self.bucket.bytes for served in self.served)

    @property
    def listings(self) -> int:
        return max(served.listings for served in self.served)

    @property
    def others(self) -> int:
        """Requests to GCS that were no listings, at most."""
        return max(served.requests - served.listings for served in self.served)


@dataclass(frozen=True)
class Contest:
    """One thing that the ways did; `rivals` are those that ours are to be as fast as, `memory_bar` bytes at most."""

    title: str
    results: dict[str, Copied]
    rivals: Mapping[str, str] = field(default_factory=dict)
    memory_bar: int = 0

    def ratio(self, way: str, to: str) -> float:
        """How many times as fast as another a way is."""
        return self.results[way].rate / self.results[to].rate

    def small(self, way: str) -> bool:
        """Whether a way takes no more memory than the bar says."""
        return self.results[way].peak < self.memory_bar


@dataclass(frozen=True)
class Findings:
    """All of it."""

    scale: Scale
    contests: list[Contest]
    called: dict[str, str]
    rclone: str
    server: str


def measure(folder: Path, scale: Scale) -> Findings:
    """Measure the ways from one server to another, both in `folder`."""
    console.print(f"Making {sum(bucket.count for bucket in scale.buckets):,} objects to copy ...")
    with gcs_server(folder / "gcs", scale.buckets) as source, gateway(folder / "radosgw") as target:
        course = _Course(folder, scale, source, target)
        contests = list(course.contests())
    return Findings(
        scale,
        contests,
        {way.name: way.called for way in ways()},
        versions()[RCLONE],
        gateway_version(),
    )


class _Course:
    """The ways, and the servers that they copy from and to."""

    def __init__(self, folder: Path, scale: Scale, source: GcsServer, target: Gateway) -> None:
        self._folder, self._scale, self._source, self._target = folder, scale, source, target
        self._environment = {
            **target.environment,
            "STORAGE_EMULATOR_HOST": source.endpoint,
            "RCLONE_GCS_ENDPOINT": f"{source.endpoint}/storage/v1/",
        }
        self._ways = ways()
        self._runs = 0

    def contests(self) -> Iterator[Contest]:
        """All that is measured, one thing after the other."""
        scale = self._scale
        for way in self._ways:
            with self._targets() as (target, archive), self._state() as state:
                self._timed(way, _WARM, target, archive, state)
        yield self._contest(scale.many, _MANY, self._ways, "objects", rivals=RIVALS)
        yield self._contest(_amount(scale.large), _LARGE, self._ways, "MB", rivals=RIVALS)
        yield self._unchanged()
        some = [way for way in self._ways if way.name in (DARKROOM, READ_BACK, ONCE)]
        yield self._contest(_amount(scale.huge), _HUGE, some, "MB", rounds=1, memory_bar=MEMORY_BAR)

    def _contest(
        self,
        title: str,
        bucket: str,
        ways: Sequence[Way],
        unit: str,
        *,
        rounds: int = 0,
        rivals: Mapping[str, str] | None = None,
        memory_bar: int = 0,
    ) -> Contest:
        """Copy a whole bucket from nothing, in turns; after the first time what arrived is looked at."""
        results = self._results(bucket, ways, unit)
        for number, way in turns(ways, rounds or self._scale.rounds):
            with self._targets() as (target, archive), self._state() as state:
                self._note(results[way.name], way, f"{title}, round {number + 1}", target, archive, state)
                if number == 0:
                    self._compare(bucket, way, target, archive)
        return Contest(title, results, rivals or {}, memory_bar)

    def _unchanged(self) -> Contest:
        """Copy nothing, as all of it is there: Darkroom put it there, and knows it; rclone finds it in the target."""
        rivals = [way for way in self._ways if way.name in (COPIES, ONCE)]
        title = f"{self._scale.unchanged:,} unchanged objects"
        results = self._results(_SAME, rivals, "objects")
        with self._targets() as (target, archive), self._state() as state:
            filled, _, _ = self._timed(rivals[0], _SAME, target, archive, state)
            console.print(f"{title}: copying them took {filled.seconds:.0f} s")
            self._compare(_SAME, rivals[0], target, archive)
            for way in rivals:
                self._timed(way, _SAME, target, archive, state)  # GCS keeps the pages that each way asks for
            for number, way in turns(rivals, self._scale.rounds):
                self._note(results[way.name], way, f"{title}, round {number + 1}", target, archive, state)
        return Contest(title, results, {COPIES: ONCE})

    def _results(self, bucket: str, rivals: Sequence[Way], unit: str) -> dict[str, Copied]:
        source = next(one for one in self._scale.buckets if one.name == bucket)
        amount = source.count if unit == "objects" else source.bytes / 1e6
        return {way.name: Copied(way.name, amount, unit, bucket=source) for way in rivals}

    def _note(self, result: Copied, way: Way, what: str, target: str, archive: str, state: Path) -> None:
        """Run a way once more, and keep what it took."""
        bucket = result.bucket.name
        self._source.served(bucket)
        ran, server, source = self._timed(way, bucket, target, archive, state)
        result.runs.append(ran)
        result.server.append(server)
        result.source.append(source)
        result.served.append(self._source.served(bucket))
        console.print(
            f"{what}, {way.name}: {ran.seconds:.2f} s, {ran.cpu:.2f} s CPU (radosgw's {server:.2f} s, "
            f"GCS's {source:.2f} s), {ran.peak >> 20} MiB, {result.served[-1].requests:,} requests to GCS"
        )

    def _timed(self, way: Way, source: str, target: str, archive: str, state: Path) -> tuple[Ran, float, float]:
        """The whole processes, once what was written before is on the disk; and the CPU seconds of both servers."""
        os.sync()
        names = {"source": source, "target": target, "archive": archive}
        environment = {**self._environment, "DARKROOM_STUDIO_STORE": str(state)}
        server, reading = self._target.cpu, self._source.cpu
        rans = [run([word.format(**names) for word in words], environment, silent=True) for words in way.commands]
        ran = Ran(sum(one.seconds for one in rans), max(one.peak for one in rans), sum(one.cpu for one in rans), "")
        return ran, self._target.cpu - server, self._source.cpu - reading

    @contextmanager
    def _state(self) -> Iterator[Path]:
        """A studio's store that knows nothing yet."""
        self._runs += 1
        state = self._folder / f"studio-{self._runs}"
        state.mkdir()
        yield state
        shutil.rmtree(state)

    @contextmanager
    def _targets(self) -> Iterator[tuple[str, str]]:
        """Two new buckets; afterwards the server forgets what they held."""
        target, archive = f"to-{self._runs}", f"archive-{self._runs}"
        with self._target.buckets(target, archive):
            yield target, archive

    def _compare(self, bucket: str, way: Way, target: str, archive: str) -> None:
        """End the benchmark when other bytes arrived than were served: who copies wrongly is not measured."""
        served = self._source.hashes(bucket)
        if self._target.hashes(target) != served:
            raise SystemExit(f"{way.name}: the target holds other objects than {bucket}.")
        if way.name in (ONCE, COPIES):
            return
        if Counter(self._target.hashes(archive).values()) != Counter(served.values()):
            raise SystemExit(f"{way.name}: the archive holds other contents than {bucket}.")


def _amount(size: int) -> str:
    return f"an object of {size >> 30} GiB" if size % (1 << 30) == 0 else f"an object of {size >> 20} MiB"
