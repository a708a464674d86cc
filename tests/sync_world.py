"""A folder and the bucket that it goes to, for the tests of the sync."""

import io
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from typer.testing import CliRunner

from darkroom.cli import app
from darkroom.errors import BadInput
from darkroom.flows import Run
from darkroom.guards import Guards
from darkroom.jobs import Manifest, Report
from darkroom.plan_folder import PlanFolder
from darkroom.planning import plan
from darkroom.runs import finish, run_here
from darkroom.settings import settings
from darkroom.store import Store, open_store
from darkroom.sync import cache as caching
from darkroom.sync.flow import FLOW
from darkroom.sync.look import SteadyFile
from darkroom.sync.profiles import Profile
from darkroom.sync.request import Request, SyncMode, request_of

COMMAND = "sync"


def photo(shade: int = 0) -> bytes:
    """A small JPEG; another one for each shade."""
    data = io.BytesIO()
    Image.new("RGB", (16, 16), (shade * 20 % 256, 90, 40)).save(data, "JPEG")
    return data.getvalue()


@dataclass
class World:
    """A folder, its target, and the bucket that the target is or lies in; the state lies in a folder."""

    root: Path
    bucket: Store
    target: Store
    profile: Profile

    @property
    def folder(self) -> Path:
        return self.root / "shops"

    def set(self, **fields: object) -> None:
        """Change the profile."""
        self.profile = self.profile.model_copy(update=fields)

    def put(self, key: str, data: bytes | str = b"some bytes") -> Path:
        """A file of the folder, by its key."""
        file = self.folder / key
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data.encode() if isinstance(data, str) else data)
        return file

    def fill(self, count: int) -> None:
        """So many files."""
        for number in range(count):
            self.put(f"files/{number:03}", f"file {number}")

    def request(self, mode: str = "copy", **more: object) -> Request:
        settings.cache_clear()
        return request_of([self.profile], mode=SyncMode(mode), **more)  # type: ignore[arg-type]

    def run(self, mode: str = "copy", **more: object) -> Report:
        """A whole run in this process."""
        return run_here(FLOW, self.request(mode, **more), command=COMMAND, subject=self.profile.name, workers=2)

    def planned(self, mode: str = "copy", **more: object) -> Manifest:
        """A plan, to be finished later."""
        return plan(FLOW, self.request(mode, **more), Run(COMMAND, self.profile.name, here=True))

    def finished(self, manifest: Manifest) -> Report:
        return finish(manifest, workers=2)

    def command(self, verb: str = "copy", *more: str) -> subprocess.Popen[str]:
        """The same as a command of its own, between the folder and the target."""
        places = [str(self.folder), self.target.uri, "--rules", self.profile.rules]
        return subprocess.Popen(
            [sys.executable, "-m", "darkroom", "sync", verb, *places, "--report", str(self.root / "report"), *more],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def uploaded(self) -> dict[str, bytes]:
        """What stands in the target, but for what was set aside."""
        return {key: data for key, data in contents(self.target).items() if not key.startswith("removed/")}

    def aside(self) -> dict[str, bytes]:
        """What was set aside today of this target, by the key that it had: a second one has its hash behind it."""
        below = self.target.uri.removeprefix(self.bucket.uri).strip("/")
        prefix = f"removed/{today()}/{below}/" if below else f"removed/{today()}/"
        return {entry.key.removeprefix(prefix): self.bucket.read(entry.key) for entry in self.bucket.list(prefix)}

    def accepted(self, report: Report) -> list[str]:
        """The names that a run found nothing wrong with."""
        from darkroom.sync.release import accepted_of

        return [name.partition("/")[2] for name in accepted_of(PlanFolder.at(report.plan))]


def contents(store: Store) -> dict[str, bytes]:
    """Every object's bytes."""
    return {entry.key: store.read(entry.key) for entry in store.list()}


def today() -> str:
    return f"{datetime.now(UTC):%Y-%m-%d}"


def reasons(report: Report) -> dict[str, str]:
    """Why which file was not done, by its key."""
    return {one.item.partition("/")[2]: one.reason for one in report.not_done}


def counts(report: Report) -> dict[str, int]:
    """Those counts of a report that are not 0."""
    names = ("done", "skipped", "refused", "failed", "todo")
    return {name: getattr(report, name) for name in names if getattr(report, name)}


def set_up(root: Path, patch: pytest.MonkeyPatch) -> None:
    """Let a deployment lie in a folder."""
    for name, path in (("STUDIO_STORE", "studio"), ("SYNC_CACHE", "cache"), ("PROFILES_DIR", "profiles")):
        patch.setenv(f"DARKROOM_{name}", str(root / path))
    patch.setenv("COLUMNS", "200")
    patch.setattr(caching, "_FRESH", 0)  # files of tests are all new
    settings.cache_clear()


def world_of(bucket: Store, root: Path, patch: pytest.MonkeyPatch) -> World:
    """A world whose target is a bucket. Every file goes."""
    set_up(root, patch)
    (root / "shops").mkdir()
    guards = Guards(objects=1000, percent=90)
    profile = Profile(name="shops", source=str(root / "shops"), target=bucket.uri, rules="none", guards=guards)
    return World(root, bucket, bucket, profile)


def new_bucket(backend: str, open_backend: Callable[[str], Store]) -> Store:
    """An empty bucket of its own on a server, or a folder."""
    opened = open_backend(backend)
    if backend == "folder":
        return opened
    from boto3.session import Session  # of its own: boto3's keeps the keys of the server before

    name = f"shops-{secrets.token_hex(6)}"
    Session().client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL"]).create_bucket(Bucket=name)
    return open_store(f"s3://{name}")


def unreadable(patch: pytest.MonkeyPatch, folder: Path, error: OSError | None = None) -> None:
    """Let a folder be one that cannot be read: for root there is none."""
    really = os.scandir

    def scandir(path: Any = ".") -> Any:
        if str(path) == str(folder):
            raise error or PermissionError(13, "Permission denied")
        return really(path)

    patch.setattr(os, "scandir", scandir)


@contextmanager
def meanwhile(patch: pytest.MonkeyPatch, at: str, do: Callable[[], object], after: int = 0) -> Any:
    """Do something once, before an open file is read (`at` is `read`) or gone back in (`seek`); `after` so many."""
    really = getattr(SteadyFile, at)
    left = [after, 1]

    def hooked(file: SteadyFile, *given: int) -> Any:
        if left[0]:
            left[0] -= 1
        elif left[1]:
            left[1] = 0
            do()
        return really(file, *given)

    with patch.context() as inner:
        inner.setattr(SteadyFile, at, hooked)
        yield
    assert not left[1], "it was never come to"


def read_of(patch: pytest.MonkeyPatch) -> list[int]:
    """How many bytes of files are read, from now on."""
    read: list[int] = []
    really = SteadyFile.read

    def counted(file: SteadyFile, size: int = -1) -> bytes:
        block = really(file, size)
        read.append(len(block))
        return block

    patch.setattr(SteadyFile, "read", counted)
    return read


GOOD = {f"stores/corner/photos/{number}.jpg": photo(number) for number in range(1, 9)}
"""Photos as the shipped rules want them."""


def darkroom(folder: Path, *words: str, answers: str | None = None) -> subprocess.CompletedProcess[str]:
    """`darkroom sync` as a command of its own."""
    command = [sys.executable, "-m", "darkroom", "sync", *words]
    return subprocess.run(
        command, cwd=folder, env=os.environ, capture_output=True, text=True, timeout=60,
        input=answers, stdin=subprocess.DEVNULL if answers is None else None,
    )  # fmt: skip


def typed(*words: str, answers: str | None = None) -> subprocess.CompletedProcess[str]:
    """The same in this process and folder, in a fraction of the time."""
    ran = CliRunner().invoke(app, ["sync", *words], input=answers)
    code, said = ran.exit_code, ran.stderr
    if isinstance(ran.exception, BadInput):
        code, said = 2, said + "".join(f"{problem}\n" for problem in ran.exception.problems)
    elif ran.exception and not isinstance(ran.exception, SystemExit):
        raise ran.exception
    return subprocess.CompletedProcess(words, code, ran.stdout, said)


def put(folder: Path, files: dict[str, bytes]) -> None:
    for key, data in files.items():
        file = folder / key
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)


def files(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def said_by(folder: Path) -> dict[str, Any]:
    """The report.json in a folder."""
    said: dict[str, Any] = json.loads((folder / "report.json").read_bytes())
    return said
