"""A night of what the AppSync API lists: a bucket, the API, the web and the drive."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from darkroom.failures import DownloadFailed
from darkroom.jobs import Report
from darkroom.outside import web as web_source
from darkroom.pyramids.collect import Collected, collect
from darkroom.pyramids.request import request_from_params
from darkroom.settings import settings
from tests import scans as drawings
from tests.night import RUN, Library, library
from tests.servers import hostile_web
from tests.servers.appsync import AppSync, appsync
from tests.servers.hostile_web import HostileWeb

BUCKET = "scans"
IN_DRIVE = "1aB_c-2dE3f4"


@dataclass(frozen=True)
class Held:
    bytes: int
    md5: str


class Drive:
    """Files by id; the real hook has tests of its own (tests/dags)."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files, self.fetched = files, list[str]()

    def look(self, file_id: str) -> Held | None:
        data = self.files.get(file_id)
        return Held(len(data), hashlib.md5(data).hexdigest()) if data else None  # noqa: S324

    def fetch(self, file_id: str, file: BinaryIO) -> None:
        if file_id == "broken-broken":
            raise DownloadFailed("it broke off")
        self.fetched.append(file_id)
        file.write(self.files[file_id])


@dataclass
class World:
    """A library whose scans lie in a bucket, with the API, the web and the drive that it works with."""

    library: Library
    api: AppSync
    drive: Drive

    def collect(self, **params: Any) -> Collected:
        return collect(request_from_params(params), self.drive, RUN)

    def night(self, **params: Any) -> Report:
        self.collect(**params)
        return self.library.night(**params)

    def list(self, id_: str, source_type: str, file_path: str = "", **more: Any) -> None:
        """Have the API list a file."""
        self.api.items.append({"id": id_, "sourceType": source_type, "filePath": file_path or f"api/{id_}.tif", **more})


def in_bucket(world: World, key: str) -> dict[str, str]:
    place = world.library.scans.uri.removeprefix(f"s3://{BUCKET}/")
    return {"sourceBucketName": BUCKET, "sourceFilePath": f"{place}/{key}"}


@contextmanager
def api_night(folder: Path, bucket: dict[str, str]) -> Iterator[World]:
    """A library in a folder, whose scans lie in a bucket."""
    stores = (f"s3://{BUCKET}/{folder.name}", str(folder / "studio"), str(folder / "images"))
    with appsync(page=2) as api, library(*stores, **bucket, **api.environment()) as made:
        yield World(made, api, Drive({IN_DRIVE: drawings.picture(300, 200).jpegsave_buffer()}))


@contextmanager
def private_web(monkeypatch: pytest.MonkeyPatch) -> Iterator[HostileWeb]:
    """A server whose host is allowed to be a private one."""
    monkeypatch.setattr(hostile_web, "IMAGE", drawings.picture(300, 200).pngsave_buffer())
    monkeypatch.setattr(web_source, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(web_source, "LONGEST_PAUSE", 0.01)
    with HostileWeb() as server:
        monkeypatch.setenv("DARKROOM_PRIVATE_HOSTS", server.host)
        settings.cache_clear()
        yield server
    settings.cache_clear()
