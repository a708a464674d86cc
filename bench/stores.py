"""The stores: `darkroom store` beside s5cmd, rclone and the AWS CLI, against the same radosgw in one run."""

import filecmp
import os
import statistics
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import distribution
from pathlib import Path
from typing import Protocol

import psutil
from rich.console import Console

from bench.measure import Ran, run
from tests.servers.radosgw import available, radosgw

BUCKET = "bench"
DARKROOM, S5CMD, RCLONE, AWS = "Darkroom", "s5cmd", "rclone", "aws s3"
_LARGE = 1 << 20
SERVERS = ("ceph-mon", "ceph-osd", "radosgw")
_BIN = Path(sys.executable).parent
_AWS_CLI = Path(__file__).resolve().parents[1] / ".venv-aws" / "bin" / "aws"

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
    s5cmd = str(next(file.locate() for file in distribution("s5cmd").files or () if file.match("s5cmd/bin/s5cmd")))
    rclone = (str(_BIN / "rclone"), "--config=", "--s3-provider=Ceph", "--s3-env-auth", "--s3-no-check-bucket")
    many = ("--transfers=32", "--checkers=32")
    aws = (str(_AWS_CLI), "s3")
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
    if not _AWS_CLI.exists():
        return "The AWS CLI is not in .venv-aws: run `make bench`, which installs it."
    return ""


def measure(folder: Path, scale: Scale) -> Findings:
    """Measure all clients against a radosgw of their own, in `folder`."""
    with radosgw(folder / "radosgw") as server:
        environment = {
            **server.environment(),
            "AWS_REGION": "us-east-1",
            "S3_ENDPOINT_URL": server.endpoint,  # s5cmd's
            "RCLONE_S3_ENDPOINT": server.endpoint,
            # nobody's own settings, and no search for credentials beyond these
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
        }
        return _Course(folder, scale, environment, folder / "radosgw" / "ceph.conf").findings()


class _Course:
    """The clients, what they copy, and the server that they copy to."""

    def __init__(self, folder: Path, scale: Scale, environment: dict[str, str], ceph: Path) -> None:
        self._folder, self._scale, self._environment, self._ceph = folder, scale, environment, ceph
        self._clients = clients()
        self._fetches = 0
        self._servers = [one for one in psutil.Process().children(recursive=True) if one.name() in SERVERS]
        self._s5cmd = next(client for client in self._clients if client.name == S5CMD)

    def findings(self) -> Findings:
        run([self._s5cmd.version[0], "mb", f"s3://{BUCKET}"], self._environment)
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
        contests = list(self._contests())
        said = {client.name: run(client.version, self._environment).said for client in self._clients}
        return Findings(
            scale,
            contests,
            {name: _version(text) for name, text in said.items()},
            {client.name: client.settings for client in self._clients},
            _version(run(["radosgw", "--version"]).said),
        )

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
        act: "_Act",
        bars: dict[str, float],
        *,
        rounds: int = 0,
        once: str = "",
    ) -> Contest:
        """All clients in turns, each round begun by another; the client `once` only in the first."""
        results = {client.name: Result(client.name, amount, unit) for client in self._clients}
        for number in range(rounds or self._scale.rounds):
            turn = number % len(self._clients)
            for client in self._clients[turn:] + self._clients[:turn]:
                result = results[client.name]
                if result.runs and client.name == once:
                    continue
                ran, server = act(client, not result.runs)
                result.runs.append(ran)
                result.server.append(server)
                console.print(f"{title}, round {number + 1}, {client.name}: {ran.seconds:.2f} s, {ran.cpu:.2f} s CPU")
        return Contest(title, results, bars)

    def _putting(self, what: str) -> "_Act":
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

    def _getting(self, what: str) -> "_Act":
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
        """The whole process, once what was written before has gone to the disk; and the servers' CPU seconds."""
        os.sync()
        before = self._server_cpu()
        ran = run([word.format(**what) for word in template], self._environment, silent=True)
        return ran, self._server_cpu() - before

    def _server_cpu(self) -> float:
        return sum(times.user + times.system for times in (server.cpu_times() for server in self._servers))

    def _remove(self, prefix: str) -> None:
        """Remove objects, and have the server forget the parts of large ones now, not in some hours."""
        run([self._s5cmd.version[0], "rm", f"s3://{BUCKET}/{prefix}/*"], self._environment, silent=True)
        words = ["radosgw-admin", "-c", str(self._ceph), "gc", "process", "--include-all"]
        subprocess.run(words, check=True, capture_output=True)


class _Act(Protocol):
    def __call__(self, client: Client, first: bool, /) -> tuple[Ran, float]: ...


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
