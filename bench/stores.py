"""The stores: `darkroom store` beside s5cmd, rclone and the AWS CLI, against the same radosgw in one run."""

import filecmp
import os
import statistics
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

from rich.console import Console

from bench.measure import Ran, run, turns
from bench.s3 import AWS_CLI, RCLONE_CLI, Gateway, gateway, gateway_version, s5cmd_cli
from tests.servers.radosgw import available

BUCKET = "bench"
DARKROOM, S5CMD, RCLONE, AWS = "Darkroom", "s5cmd", "rclone", "aws s3"
_LARGE = 1 << 20

console = Console(stderr=True)


@dataclass(frozen=True)
class Client:
    """A command line that copies and lists; `{folder}` and `{prefix}` stand for what."""

    name: str
    settings: str
    version: tuple[str, ...]
    put: tuple[str, ...]
    get: tuple[str, ...]
    list: tuple[str, ...]

    @property
    def slug(self) -> str:
        """Its name as part of a prefix."""
        return self.name.replace(" ", "-")


def clients() -> list[Client]:
    """Ours and the peers, as people would call them."""
    ours = (sys.executable, "-m", "darkroom")
    s5cmd = str(s5cmd_cli())
    rclone = (str(RCLONE_CLI), "--config=", "--s3-provider=Ceph", "--s3-env-auth", "--s3-no-check-bucket")
    many = ("--transfers=32", "--checkers=32")
    aws = (str(AWS_CLI), "s3")
    uri, remote = f"s3://{BUCKET}/{{prefix}}", f":s3:{BUCKET}/{{prefix}}"
    return [
        Client(
            DARKROOM,
            "`store copy` and `store list`, which have no settings",
            (*ours, "--version"),
            put=(*ours, "store", "copy", "{folder}", uri),
            get=(*ours, "store", "copy", uri, "{folder}"),
            list=(*ours, "store", "list", uri),
        ),
        Client(
            S5CMD,
            "`cp` and `ls` with the defaults (256 workers); its program itself, without the Python around it",
            (s5cmd, "version"),
            put=(s5cmd, "cp", "{folder}/", f"{uri}/"),
            get=(s5cmd, "cp", f"{uri}/*", "{folder}/"),
            list=(s5cmd, "ls", f"{uri}/*"),
        ),
        Client(
            RCLONE,
            f"`copy` and `lsf -R --files-only` with `{' '.join(many)} --s3-no-check-bucket`",
            (rclone[0], "version"),
            put=(*rclone, *many, "copy", "{folder}", remote),
            get=(*rclone, *many, "copy", remote, "{folder}"),
            list=(*rclone, "lsf", "-R", "--files-only", remote),
        ),
        Client(
            AWS,
            "`cp --recursive` and `ls --recursive` of version 1, which is the one on PyPI, with the defaults "
            "(10 requests at once)",
            (aws[0], "--version"),
            put=(*aws, "cp", "--recursive", "{folder}", uri),
            get=(*aws, "cp", "--recursive", uri, "{folder}"),
            list=(*aws, "ls", "--recursive", f"{uri}/"),
        ),
    ]


@dataclass(frozen=True)
class Scale:
    """How much is measured: objects, bytes of each, objects of the long listing, bytes of the large one, rounds."""

    count: int = 10_000
    size: int = 20_000
    listed: int = 100_000
    large: int = 1 << 30
    rounds: int = 3

    @property
    def many(self) -> str:
        return f"{self.count:,} objects of {self.size / 1000:,.0f} KB"


QUICK = Scale(300, listed=3_000, large=32 << 20, rounds=1)


@dataclass
class Result:
    """All runs of one client at one thing; `amount` is in `unit`s."""

    client: str
    amount: float
    unit: str
    runs: list[Ran] = field(default_factory=list)
    server: list[float] = field(default_factory=list)  # CPU seconds that the servers had meanwhile

    @property
    def rate(self) -> float:
        """Units a second, at the median of the runs."""
        return self.amount / statistics.median(run.seconds for run in self.runs)

    @property
    def peak(self) -> int:
        return max(run.peak for run in self.runs)

    @property
    def cpu(self) -> float:
        return statistics.median(run.cpu for run in self.runs)

    @property
    def server_cpu(self) -> float:
        return statistics.median(self.server)


@dataclass(frozen=True)
class Contest:
    """One thing that all clients did; the bars are what Darkroom's rate has to be at least, in multiples of theirs."""

    title: str
    results: dict[str, Result]
    bars: dict[str, float]

    def ratio(self, client: str, to: str) -> float:
        """How many times as fast as another a client is."""
        return self.results[client].rate / self.results[to].rate

    def holds(self, to: str) -> bool:
        """Whether Darkroom is as fast beside another as its bar says."""
        return self.ratio(DARKROOM, to) >= self.bars[to]


@dataclass(frozen=True)
class Findings:
    """All of it."""

    scale: Scale
    contests: list[Contest]
    versions: dict[str, str]
    settings: dict[str, str]
    server: str


def missing() -> str:
    """What has to be installed before the stores can be measured, as a sentence; empty where nothing has."""
    if not available():
        return (
            "radosgw, the S3 that the stores are measured against, is not installed: "
            "apt-get install ceph-mon ceph-mgr ceph-osd radosgw ceph-common "
            "(or measure the pictures alone: make bench BENCH=pictures)."
        )
    if not AWS_CLI.exists():
        return "The AWS CLI is not in .venv-aws: run `make bench`, which installs it."
    return ""


def versions() -> dict[str, str]:
    """What each client says that it is."""
    return {client.name: _version(run(client.version).said) for client in clients()}


class Named(Protocol):
    """Who takes part in a contest."""

    @property
    def name(self) -> str: ...


N = TypeVar("N", bound=Named)
Act = Callable[[N, bool], tuple[Ran, float]]
"""Who does it once more, and whether for the first time; what it took, and the server's CPU seconds."""


def contest(
    title: str,
    results: Sequence[Result],
    rivals: Sequence[N],
    act: Act[N],
    bars: dict[str, float],
    *,
    rounds: int,
    once: Collection[str] = (),
) -> Contest:
    """All rivals in turns; those `once` only in the first round."""
    found = {result.client: result for result in results}
    for number, rival in turns(rivals, rounds):
        result = found[rival.name]
        if result.runs and rival.name in once:
            continue
        ran, server = act(rival, not result.runs)
        result.runs.append(ran)
        result.server.append(server)
        console.print(f"{title}, round {number + 1}, {rival.name}: {ran.seconds:.2f} s, {ran.cpu:.2f} s CPU")
    return Contest(title, found, bars)


def measure(folder: Path, scale: Scale) -> Findings:
    """Measure all clients against a radosgw of their own, in `folder`."""
    with gateway(folder / "radosgw") as server:
        return _Course(folder, scale, server).findings()


class _Course:
    """The clients, what they copy, and the server that they copy to."""

    def __init__(self, folder: Path, scale: Scale, server: Gateway) -> None:
        self._folder, self._scale, self._server = folder, scale, server
        self._clients = clients()
        self._fetches = 0
        self._s5cmd = next(client for client in self._clients if client.name == S5CMD)

    def findings(self) -> Findings:
        self._server.client.create_bucket(Bucket=BUCKET)
        scale = self._scale
        _write(self._folder / "warm", 50, scale.size)
        for client in self._clients:
            self._put(client, "warm", client.slug)
            self._list(client, client.slug)
            self._get(client, client.slug)
        console.print(f"Writing {scale.count:,} files of {scale.size:,} bytes and one of {scale.large:,} ...")
        _write(self._folder / "many", scale.count, scale.size)
        _write(self._folder / "tiny", scale.listed, 1)
        _write(self._folder / "large", 1, scale.large)
        settings = {client.name: client.settings for client in self._clients}
        return Findings(scale, list(self._contests()), versions(), settings, gateway_version())

    def _contests(self) -> Iterator[Contest]:
        large = _amount(self._scale.large)
        objects, megabytes = (self._scale.count, "objects"), (self._scale.large / 1e6, "MB")
        bars = {S5CMD: 1.0, AWS: 4.0}
        yield self._contest("put", *objects, self._putting("many"), bars, once=AWS)
        self._put(self._clients[0], "many", "many")
        yield self._contest("get", *objects, self._getting("many"), bars, once=AWS)
        lists = lambda client, _: self._list(client, "many")  # noqa: E731
        yield self._contest("list", *objects, lists, bars, rounds=3 * self._scale.rounds)
        self._remove("many")
        self._put(self._s5cmd, "tiny", "tiny")
        lists = lambda client, _: self._list(client, "tiny")  # noqa: E731
        yield self._contest(f"list {self._scale.listed:,}", self._scale.listed, "objects", lists, bars)
        self._remove("tiny")
        yield self._contest(f"put {large}", *megabytes, self._putting("large"), {S5CMD: 1.0})
        self._put(self._clients[0], "large", "large")
        yield self._contest(f"get {large}", *megabytes, self._getting("large"), {S5CMD: 1.0})
        self._remove("large")

    def _contest(
        self,
        title: str,
        amount: float,
        unit: str,
        act: "Act[Client]",
        bars: dict[str, float],
        *,
        rounds: int = 0,
        once: str = "",
    ) -> Contest:
        results = [Result(client.name, amount, unit) for client in self._clients]
        return contest(title, results, self._clients, act, bars, rounds=rounds or self._scale.rounds, once=(once,))

    def _putting(self, what: str) -> "Act[Client]":
        """Copy to a prefix that nobody had before; the first time what stands there is looked at."""

        def act(client: Client, first: bool) -> tuple[Ran, float]:
            prefix = f"{what}-{client.slug}-{os.urandom(4).hex()}"
            took = self._put(client, what, prefix)
            if first:
                with self._fetched(self._clients[0], prefix) as (_, target):
                    _compare(self._folder / what, target, f"what {client.name} put")
            self._remove(prefix)
            return took

        return act

    def _getting(self, what: str) -> "Act[Client]":
        """Copy to a folder that was not there; the first time what came is looked at.

        Many small files stay until all is done: a file system without a journal slows down who makes files where others
        were just deleted.
        """

        def act(client: Client, first: bool) -> tuple[Ran, float]:
            with self._fetched(client, what) as (took, target):
                if first:
                    _compare(self._folder / what, target, f"what {client.name} got")
            return took

        return act

    def _put(self, client: Client, what: str, prefix: str) -> tuple[Ran, float]:
        return self._timed(client.put, folder=str(self._folder / what), prefix=prefix)

    def _list(self, client: Client, prefix: str) -> tuple[Ran, float]:
        return self._timed(client.list, folder="", prefix=prefix)

    def _get(self, client: Client, prefix: str) -> None:
        with self._fetched(client, prefix):
            pass

    @contextmanager
    def _fetched(self, client: Client, prefix: str) -> Iterator[tuple[tuple[Ran, float], Path]]:
        self._fetches += 1
        target = self._folder / f"got-{self._fetches}"
        yield self._timed(client.get, folder=str(target), prefix=prefix), target
        for file in target.rglob("*"):
            if file.is_file() and file.stat().st_size > _LARGE:
                file.unlink()

    def _timed(self, template: Iterable[str], **what: str) -> tuple[Ran, float]:
        return self._server.timed([word.format(**what) for word in template])

    def _remove(self, prefix: str) -> None:
        self._server.remove(f"s3://{BUCKET}/{prefix}/*")
        self._server.forget()


def _write(folder: Path, count: int, size: int) -> None:
    """So many files of random bytes, in ten folders."""
    for number in range(count):
        file = folder / f"{number % 10}" / f"picture-{number:05d}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("wb") as handle:
            for start in range(0, size, 1 << 20):
                handle.write(os.urandom(min(1 << 20, size - start)))


def _compare(source: Path, target: Path, what: str) -> None:
    """End the benchmark when two folders differ: who copies wrongly is not measured."""
    names = {str(file.relative_to(source)) for file in source.rglob("*") if file.is_file()}
    came = {str(file.relative_to(target)) for file in target.rglob("*") if file.is_file()}
    _, other, unread = filecmp.cmpfiles(source, target, names, shallow=False)
    if names != came or other or unread:
        raise SystemExit(
            f"The files differ from {what}: {len(names ^ came)} names, {len(other) + len(unread)} contents."
        )


def _amount(size: int) -> str:
    return f"{size >> 30} GiB" if size % (1 << 30) == 0 else f"{size >> 20} MiB"


def _version(text: str) -> str:
    """What a program calls itself, short."""
    words = text.splitlines()[0].replace("/", " ").split()
    return next(word for word in words if any(sign.isdigit() for sign in word)).removeprefix("v").partition("-")[0]
