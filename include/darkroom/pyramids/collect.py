"""Before the plan: what services other than the stores know of changed images is brought into the studio's store."""

import hashlib
import tempfile
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, BinaryIO, Protocol

from pydantic import BaseModel, ConfigDict, Field

from darkroom import keys
from darkroom.errors import DarkroomError, NotFound
from darkroom.failures import DownloadFailed, Gone
from darkroom.flows import Run
from darkroom.jobs import Document, Mode, dump, parse
from darkroom.outside.appsync import FilesApi, FileToProcess, Unreadable
from darkroom.progress import in_parallel
from darkroom.pyramids.request import Request
from darkroom.pyramids.sources import queue
from darkroom.settings import settings
from darkroom.store import Store, open_store

_SHARE = "share what lies there with the connection's account. Nothing of it is removed from the list."
_NOT_SHARED = "Google Drive does not know it, and shows no other file of the list"
_AT_ONCE = 4  # files of Google Drive
_LARGEST = 8 << 30  # bytes of one file in Google Drive


class DriveFile(Protocol):
    """What Google Drive says of a file."""

    @property
    def bytes(self) -> int: ...

    @property
    def md5(self) -> str: ...


class Drive(Protocol):
    """Google Drive, as whoever has credentials for it reaches it; called from several threads."""

    def look(self, file_id: str) -> DriveFile | None:
        """A file, or None where there is none (404)."""

    def fetch(self, file_id: str, file: BinaryIO) -> None:
        """Write a file's content. Raises `Gone`, `DownloadFailed`."""


class MuseumFile(BaseModel):
    """What became of a file of Google Drive: the `key` of its copy, or that it is `gone`, or why it is not here.

    None of these in mode `plan`, which fetches nothing. `seen` is a file that Drive shows to whoever asks.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str = ""
    gone: bool = False
    reason: str = ""
    seen: bool = False


class Collected(Document):
    """What was gathered for a run. `marked` and `already` count images of the queue, `passed` its other events.

    `waiting` is about how many messages wait there, in mode `plan`, which takes none.
    """

    marked: int = 0
    already: int = 0
    passed: int = 0
    waiting: int = 0
    left: tuple[str, ...] = ()
    files: tuple[FileToProcess, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()
    museum: dict[str, MuseumFile] = Field(default_factory=dict)
    problems: tuple[str, ...] = ()


def collect(request: Request, drive: Drive, run: Run) -> Collected:
    """Drain the queue into markers, list the API's files, fetch what lies in Google Drive; write down what was found.

    A service that does not answer is a problem of the run, and the others go on. A backfill asks none of them; mode
    `plan` looks, and takes nothing. Raises `BadInput` for a request that cannot be.
    """
    store = open_store(request.store, run.access)
    found: dict[str, Any] = {}
    problems: list[str] = []
    if not request.backfill:
        for name, ask in (("the queue", _drain), ("the API", _list_files)):
            try:
                found |= ask(request, store)
            except DarkroomError as error:
                problems.append(f"{name}: {error}")
        files = found.get("files", ())
        museum = _fetch_all(drive, {file.drive_id for file in files if file.drive_id}, request.mode, store)
        found["museum"], problem = without_thin_evidence(museum)
        problems += [f"Google Drive: {problem}"] if problem else []
    collected = Collected(**found, problems=tuple(problems))
    store.write(_key(run), dump(collected), content_type="application/json", durable=True)
    return collected


def without_thin_evidence(museum: dict[str, MuseumFile]) -> tuple[dict[str, MuseumFile], str]:
    """The files of Google Drive, none of them gone on thin evidence; and the problem where there is no more than that.

    Drive says 404 also of what is not shared with whoever asks. That a file is gone is therefore believed only where
    Drive shows another one in the same round:

    | 404 of    | another is shown | then                               |
    | --------- | ---------------- | ---------------------------------- |
    | none      |                  | as they are                        |
    | some      | yes              | those are gone                     |
    | some, all | no               | none is gone: a problem of the run |
    """
    gone = {file_id for file_id, file in museum.items() if file.gone}
    if not gone or any(file.seen and not file.gone for file in museum.values()):
        return museum, ""
    if len(museum) == 1:
        what = "it does not know the only file that the API lists"
    elif len(gone) == len(museum):
        what = f"it knows none of the {len(museum):,} files that the API lists"
    else:
        what = f"it does not know {len(gone):,} of the {len(museum):,} files that the API lists, and shows none of them"
    kept = {file_id: MuseumFile(reason=_NOT_SHARED) if file_id in gone else file for file_id, file in museum.items()}
    return kept, f"{what}; {_SHARE}"


def read_collected(store: Store, run: Run) -> Collected:
    """What was gathered for a run; nothing where nobody did."""
    key = _key(run)
    try:
        return parse(Collected, store.read(key), store.uri_of(key))
    except NotFound:
        return Collected()


def _key(run: Run) -> str:
    return f"{keys.run_folder(run.dag_id, run.run_id)}{keys.COLLECTED}"


def _drain(request: Request, store: Store) -> dict[str, Any]:
    url = settings().scan_queue
    if not url:
        return {}
    if request.mode is Mode.PLAN:
        return {"waiting": queue.waiting(url, store.access)}
    # whatever sources this run is about: a message that was taken cannot be put back for another
    return asdict(queue.drain(url, settings().scan_sources, store))


def _list_files(request: Request, store: Store) -> dict[str, Any]:
    listed = list(FilesApi(request.api, store.access).files()) if request.api else []
    return {
        "files": tuple(one for one in listed if isinstance(one, FileToProcess)),
        "unreadable": tuple(one for one in listed if isinstance(one, Unreadable)),
    }


def _fetch_all(drive: Drive, file_ids: Iterable[str], mode: Mode, store: Store) -> dict[str, MuseumFile]:
    ordered = sorted(file_ids)
    found = in_parallel("fetched from Google Drive", ordered, lambda one: _fetch(drive, one, mode, store), _AT_ONCE)
    return dict(zip(ordered, found, strict=True))


def _fetch(drive: Drive, file_id: str, mode: Mode, store: Store) -> MuseumFile:
    """Bring one file here, unless this version of it is here already."""
    seen = False
    try:
        found = drive.look(file_id)
        if found is None:
            return MuseumFile(gone=True)
        seen = True
        if found.bytes > _LARGEST:
            reason = f"it has {found.bytes:,} bytes, more than are fetched from Google Drive"
            return MuseumFile(reason=reason, seen=seen)
        key = keys.museum_file(file_id, found.md5)
        if store.head(key) is None:
            if mode is Mode.PLAN:
                return MuseumFile(seen=seen)
            with tempfile.TemporaryFile(prefix="darkroom-museum-") as file:
                drive.fetch(file_id, file)
                file.seek(0)
                if hashlib.file_digest(file, "md5").hexdigest() != found.md5:
                    raise DownloadFailed("it changed while it was read; the next night takes it")
                file.seek(0)
                store.write(key, file, size=found.bytes)
        return MuseumFile(key=key, seen=seen)
    except Gone:
        return MuseumFile(gone=True)
    except (DarkroomError, OSError) as error:
        return MuseumFile(reason=f"it cannot be fetched from Google Drive: {error}".rstrip("."), seen=seen)
