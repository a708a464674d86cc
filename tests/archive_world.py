"""A pair of stores to archive, for the tests of that flow."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from darkroom.archive.flow import FLOW
from darkroom.archive.names import parse_version
from darkroom.archive.pairs import Pair
from darkroom.archive.request import Params, Request, request_of
from darkroom.jobs import Mode, Report
from darkroom.runs import run_here
from darkroom.settings import settings
from darkroom.store import Store, open_store, retries
from tests.servers.fault_proxy import FaultProxy


@dataclass
class World:
    """A source, its mirror, and the archive; the state lies in a folder."""

    source: Store
    mirror: Store
    versions: Store
    studio: Path
    pair: Pair

    def set(self, **fields: object) -> None:
        """Change the pair."""
        self.pair = self.pair.model_copy(update=fields)

    def request(self, mode: Mode = Mode.CHANGED, **params: object) -> Request:
        settings.cache_clear()
        return request_of([self.pair], Params(mode=mode, **params))  # type: ignore[arg-type]

    def archive(self, mode: Mode = Mode.CHANGED, **params: object) -> Report:
        """A whole run in this process."""
        return run_here(FLOW, self.request(mode, **params), command="archive", subject="maps", workers=2)

    def command(self, *more: str) -> subprocess.Popen[str]:
        """The same as a command of its own."""
        places = {"from": self.source.uri, "to": self.mirror.uri, "archive": self.versions.uri}
        words = [word for name, uri in places.items() for word in (f"--{name}", uri)]
        return subprocess.Popen(
            [sys.executable, "-m", "darkroom", "archive", *words, *more],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def mirrored(self) -> dict[str, bytes]:
        return contents(self.mirror)

    def kept(self, key: str) -> list[bytes]:
        """The content of every version of an object, the oldest second first, within it by their hashes."""
        names = {one.key: parse_version(key, one.key) for one in self.versions.list()}
        mine = sorted((name.time, archived) for archived, name in names.items() if name)
        return [self.versions.read(archived) for _, archived in mine]


def contents(store: Store) -> dict[str, bytes]:
    """Every object's bytes."""
    return {entry.key: store.read(entry.key) for entry in store.list()}


@contextmanager
def faults_before(variable: str, *stores: Store) -> Iterator[FaultProxy]:
    """Faults between Darkroom and the service whose address a variable has, repeated without the usual waits.

    The test's own `stores`, which look at what stands, keep the connections that they have.
    """
    for store in stores:
        contents(store)
    with FaultProxy(os.environ[variable]) as proxy, pytest.MonkeyPatch.context() as patch:
        patch.setenv(variable, proxy.endpoint)
        patch.setattr(retries, "_LONGEST_WAIT", 0.02)
        yield proxy


def world_of(source: Store, clouds: Store, studio: Path) -> World:
    """A world whose mirror and archive lie below two prefixes of `clouds`."""
    mirror, versions = open_store(f"{clouds.uri}/mirror"), open_store(f"{clouds.uri}/versions")
    pair = Pair(name="maps", source=source.uri, target=mirror.uri, archive=versions.uri)
    return World(source, mirror, versions, studio, pair)


def elsewhere(world: World, mirror: Store, versions: Store) -> World:
    """The same with other places."""
    pair = world.pair.model_copy(update={"target": mirror.uri, "archive": versions.uri})
    return replace(world, mirror=mirror, versions=versions, pair=pair)
