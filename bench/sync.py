"""The sync: `darkroom sync` beside s5cmd, rclone and `aws s3`, from a folder to the same radosgw in one run."""

import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from bench import sync_files
from bench.listing_server import FOLDER, listing_server
from bench.measure import Ran, run
from bench.s3 import AWS_CLI, RCLONE_CLI, Gateway, gateway, gateway_version, s5cmd_cli, variables
from bench.stores import AWS, DARKROOM, RCLONE, S5CMD, Contest, Result, contest, versions

CHECKING, READING, HASHING = "Darkroom, checking", "Darkroom, no cache", "rclone, hashes"
OURS = (DARKROOM, CHECKING, READING)
NEW_BARS, UNCHANGED_BARS = {S5CMD: 1.0, AWS: 2.7}, {S5CMD: 1.0}
MEMORY_BAR = 300 << 20
_RESTED = 3  # s; a file younger than two could change once more without a sign of it, and is not kept in the cache
_FEW = 10

console = Console(stderr=True)


@dataclass(frozen=True)
class Way:
    """A way to sync; `{folder}`, `{bucket}` and `{report}` stand for what."""

    name: str
    called: str
    words: tuple[str, ...]

    @property
    def filler(self) -> str:
        """Who puts there what this way then finds unchanged."""
        return RCLONE if self.name in (RCLONE, HASHING) else DARKROOM


def ways() -> dict[str, Way]:
    """Ours and the peers, as people would call them."""
    ours = (sys.executable, "-m", "darkroom", "sync", "copy", "{folder}", "s3://{bucket}", "--report", "{report}")
    many = ("--transfers=32", "--checkers=32", "--s3-no-check-bucket")
    rclone = (str(RCLONE_CLI), "--config=", "--s3-provider=Ceph", "--s3-env-auth", "sync", *many)
    to = ("{folder}", ":s3:{bucket}")
    aws = "`sync` of version 1, which is the one on PyPI, with the defaults (10 requests at once)"
    made = (
        Way(DARKROOM, "`sync copy --rules none`", (*ours, "--rules", "none")),
        Way(CHECKING, "`sync copy --rules stores`: each file has to be a JPEG", (*ours, "--rules", "stores")),
        Way(READING, "`sync copy --rules none --no-cache`", (*ours, "--rules", "none", "--no-cache")),
        Way(
            S5CMD,
            "`sync` with the defaults (256 workers); its program itself, without the Python around it",
            (str(s5cmd_cli()), "sync", "{folder}/", "s3://{bucket}/"),
        ),
        Way(RCLONE, f"`sync {' '.join(many)}`: by size and time", (*rclone, *to)),
        Way(HASHING, "the same with `--checksum`: by size and MD5", (*rclone, "--checksum", *to)),
        Way(AWS, aws, (str(AWS_CLI), "s3", "sync", "{folder}", "s3://{bucket}")),
    )
    return {way.name: way for way in made}


@dataclass(frozen=True)
class Scale:
    """How much is measured: new and unchanged files and the bytes of each, folders of the simulated listing."""

    new: int = 10_000
    size: int = 20_000
    unchanged: int = 100_000
    unchanged_size: int = 1_000
    folders: int = 1_000
    rounds: int = 3

    @property
    def names(self) -> int:
        """How many files the simulated listing has."""
        return self.folders * FOLDER


QUICK = Scale(new=300, unchanged=3_000, folders=10, rounds=1)


@dataclass(frozen=True)
class Noticed:
    """Whether a way saw that a file had other bytes, of the same size and with the same time."""

    way: str
    noticed: bool


@dataclass(frozen=True)
class Findings:
    """All of it; `many` are two runs over the simulated listing, of which only the second one has a cache."""

    scale: Scale
    contests: list[Contest]
    noticed: list[Noticed]
    many: tuple[Ran, Ran]
    called: dict[str, str]
    versions: dict[str, str]
    server: str


def measure(folder: Path, scale: Scale) -> Findings:
    """Measure the ways from folders to a server, all in `folder`."""
    with gateway(folder / "radosgw") as server:
        course = _Course(folder, scale, server)
        contests = [course.new(), course.unchanged()]
        noticed = list(course.noticed())
    called = {way.name: way.called for way in ways().values()}
    return Findings(scale, contests, noticed, _many(folder, scale), called, versions(), gateway_version())


class _Course:
    """The ways, and the server that they sync to."""

    def __init__(self, folder: Path, scale: Scale, server: Gateway) -> None:
        self._folder, self._scale, self._server = folder, scale, server
        self._ways = ways()
        self._runs = 0

    def new(self) -> Contest:
        """All files from nothing to a new bucket; after the first time what arrived is looked at."""
        scale = self._scale
        title = f"{scale.new:,} new files of {scale.size / 1000:,.0f} KB"
        console.print(f"{title}: making them ...")
        sync_files.photos(self._folder / "warm", 50, scale.size)
        source = self._folder / "new"
        sync_files.photos(source, scale.new, scale.size)
        expected = sync_files.hashes(source)

        def act(way: Way, first: bool) -> tuple[Ran, float]:
            with self._bucket() as bucket, self._state() as state:
                took = self._sync(way, source, bucket, state)
                if first and self._server.hashes(bucket) != expected:
                    raise SystemExit(f"{way.name}: the bucket holds other objects than the folder has files.")
            return took

        rivals = self._some(DARKROOM, CHECKING, S5CMD, RCLONE, AWS)
        for way in rivals:
            with self._bucket() as bucket, self._state() as state:
                self._sync(way, self._folder / "warm", bucket, state)
        results = _results(rivals, scale.new)
        found = contest(title, results, rivals, act, NEW_BARS, rounds=scale.rounds, once=(AWS,))
        shutil.rmtree(source)
        return found

    def unchanged(self) -> Contest:
        """Nothing to do: each way meets a bucket that it holds for unchanged, and has been over it once."""
        scale = self._scale
        title = f"{scale.unchanged:,} unchanged files"
        console.print(f"{title}: making them ...")
        source = self._folder / "unchanged"
        sync_files.small(source, scale.unchanged, scale.unchanged_size)
        time.sleep(_RESTED)
        rivals = self._some(DARKROOM, READING, S5CMD, RCLONE, HASHING, AWS)
        buckets = {DARKROOM: "by-darkroom", RCLONE: "by-rclone"}
        with self._server.buckets(*buckets.values()), self._state() as state:
            for filler, bucket in buckets.items():
                ran, _ = self._sync(self._ways[filler], source, bucket, state)
                console.print(f"{title}: {filler} put them there in {ran.seconds:.0f} s")
            for way in rivals:
                self._proved_unchanged(way, source, buckets[way.filler], state)

            def act(way: Way, _: bool) -> tuple[Ran, float]:
                return self._sync(way, source, buckets[way.filler], state)

            results = _results(rivals, scale.unchanged)
            found = contest(title, results, rivals, act, UNCHANGED_BARS, rounds=scale.rounds, once=(AWS, RCLONE))
        shutil.rmtree(source)
        return found

    def noticed(self) -> Iterator[Noticed]:
        """Who sees a file's other bytes, where its size and its time are the old ones."""
        for way in self._some(DARKROOM, READING, S5CMD, RCLONE, HASHING, AWS):
            with self._bucket() as bucket, self._state() as state:
                source = state / "few"
                sync_files.small(source, _FEW, self._scale.unchanged_size)
                time.sleep(_RESTED)
                self._sync(way, source, bucket, state)
                self._proved_unchanged(way, source, bucket, state)
                before = sync_files.hashes(source)
                changed = sorted(before)[_FEW // 2]
                sync_files.change(source / changed)
                after = sync_files.hashes(source)
                self._sync(way, source, bucket, state)
                stands = {key: self._server.read(bucket, key) for key in before}
            if stands not in (before, after) or before == after:
                raise SystemExit(f"{way.name}: the bucket holds neither what was there nor what is.")
            console.print(f"{way.name}: other bytes {'seen' if stands == after else 'not seen'}")
            yield Noticed(way.name, stands == after)

    def _some(self, *names: str) -> list[Way]:
        return [self._ways[name] for name in names]

    def _proved_unchanged(self, way: Way, source: Path, bucket: str, state: Path) -> None:
        """End the benchmark when a way writes anew what it should hold for unchanged."""
        before = self._server.standing(bucket)
        self._sync(way, source, bucket, state)
        if not before or self._server.standing(bucket) != before:
            raise SystemExit(f"{way.name}: it wrote what was there already.")

    def _sync(self, way: Way, source: Path, bucket: str, state: Path) -> tuple[Ran, float]:
        names = {"folder": str(source), "bucket": bucket, "report": str(state / "report")}
        return self._server.timed([word.format(**names) for word in way.words], _variables(state))

    @contextmanager
    def _bucket(self) -> Iterator[str]:
        """A new bucket."""
        self._runs += 1
        name = f"to-{self._runs}"
        with self._server.buckets(name):
            yield name

    @contextmanager
    def _state(self) -> Iterator[Path]:
        """A folder for what Darkroom knows of earlier runs, which is nothing yet."""
        state = self._folder / f"state-{self._runs}"
        state.mkdir()
        yield state
        shutil.rmtree(state)


def _results(rivals: Sequence[Way], files: int) -> list[Result]:
    return [Result(way.name, files, "files") for way in rivals]


def _variables(state: Path) -> dict[str, str]:
    """Where Darkroom keeps what it knows: its cache, and a studio's store."""
    for name in ("cache", "studio", "report"):
        (state / name).mkdir(exist_ok=True)
    return {"DARKROOM_SYNC_CACHE": str(state / "cache"), "DARKROOM_STUDIO_STORE": str(state / "studio")}


def _many(folder: Path, scale: Scale) -> tuple[Ran, Ran]:
    """Two runs over the simulated listing, in which nothing is to be done."""
    console.print(f"{scale.names:,} files: making them ...")
    source, state = folder / "many", folder / "state-many"
    sync_files.linked(source, scale.folders)
    state.mkdir()
    time.sleep(_RESTED)
    words = [word.format(folder=source, bucket="simulated", report=state / "report") for word in ways()[DARKROOM].words]
    with listing_server(folder / "listing", scale.folders) as server:
        runs = [run(words, {**variables(server), **_variables(state)}, silent=True) for _ in range(2)]
    for ran in runs:
        console.print(f"{scale.names:,} files: {ran.seconds:.1f} s, {ran.cpu:.1f} s CPU, {ran.peak >> 20} MiB")
    return runs[0], runs[1]
