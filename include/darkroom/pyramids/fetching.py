"""From where an image lies to a file that it can be decoded from."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from darkroom.amounts import human_bytes
from darkroom.errors import NotFound, StoreError
from darkroom.failures import DownloadFailed, Gone, StepFailed
from darkroom.jobs import again
from darkroom.settings import settings
from darkroom.store import Entry, Store, path_of
from darkroom.styles.names import is_text
from darkroom.workspace import place

_ROOM = 256 << 20  # bytes of disk that have to be left beside what an item needs: its pyramid, and others' files
_LARGEST_DOWNLOAD = 8 << 30  # bytes; nobody knows beforehand how long an answer of the web is


@dataclass(frozen=True, slots=True)
class Stored:
    """An image in a store, pinned to the version of its entry."""

    store: Store
    entry: Entry


@dataclass(frozen=True, slots=True)
class Address:
    """An image on the web. Its URL may be signed: whoever reads it can fetch what it leads to."""

    url: str = field(repr=False)


Origin = Stored | Address


@contextmanager
def fetched(origin: Origin, folder: Path) -> Iterator[Path]:
    """An image as a file: itself where it is one, otherwise a copy in `folder`, for as long as the block.

    Raises `Gone` for what is not there, and `DownloadFailed`: also for another version than the pinned one.
    """
    if isinstance(origin, Stored):
        uri = origin.store.uri_of(origin.entry.key)
        if uri.startswith("file://"):
            _require_version(origin, origin.store.head(origin.entry.key))
            local = path_of(uri)
            if is_text(str(local)):
                yield local
            else:  # libvips takes no other names
                with place(folder) as link:
                    link.symlink_to(local)
                    yield link
            return
    with place(folder) as file:
        if isinstance(origin, Stored):
            _require_room(folder, origin.entry.bytes)
            _copy(origin, file)
        else:
            from darkroom.outside import web  # what copies from stores shall not load it

            room = shutil.disk_usage(folder).free - _ROOM
            allowed = web.hosts(settings().private_hosts)
            try:
                web.download(origin.url, file, most=max(0, min(_LARGEST_DOWNLOAD, room)), private_hosts=allowed)
            except StepFailed:
                raise
            except Exception as error:  # noqa: BLE001 -- its text and its trace may quote the URL, whose query is a secret
                kind = type(error).__name__
                raise DownloadFailed(f"it brought an error that nobody foresaw while it was fetched: {kind}") from None
        yield file


def _copy(origin: Stored, file: Path) -> None:
    try:
        with origin.store.open(origin.entry.key) as reading, file.open("wb") as copy:
            _require_version(origin, reading.entry)
            shutil.copyfileobj(reading.stream, copy, 1 << 20)
    except NotFound:
        raise Gone("it is not there any more") from None
    except (StoreError, OSError) as error:
        raise DownloadFailed(f"it cannot be fetched: {error}".rstrip(".")) from None


def _require_version(origin: Stored, found: Entry | None) -> None:
    if found is None:
        raise Gone("it is not there any more")
    if found.etag != origin.entry.etag:
        raise DownloadFailed(f"changed since plan: another version of it is there now; {again('plan')}")


def _require_room(folder: Path, size: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < size + _ROOM:
        raise DownloadFailed(
            f"there is no room for it: it needs {human_bytes(size + _ROOM)} in {folder.parent} (TMPDIR), "
            f"which has {human_bytes(free)}"
        )
