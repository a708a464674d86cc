"""A delivered file's bytes: small ones in memory, large ones in a file that a later try goes on from."""

import fcntl
import hashlib
import mmap
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from darkroom.errors import Damaged, NotFound, SourceChanged, StoreError
from darkroom.failures import DownloadFailed
from darkroom.ingest.sources import Found, Source
from darkroom.jobs import again
from darkroom.store.hashes import Hasher
from darkroom.store.streams import PART

SMALL = PART
"""Bytes of a file that is fetched into memory: fetched again, if need be, in a second."""
_BLOCK = 1 << 20
_TRIES = 3  # of a large one whose bytes come damaged, or break off
_OLD = 24 * 3600.0  # seconds after which what a killed worker left is nobody's


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file's bytes, proven by what its source says of them, with their sha256 (hex). `path`: the file they lie in."""

    data: bytes | mmap.mmap
    sha256: str
    path: Path | None = None


class Downloads:
    """The folder of large files that are on their way: one for each user of a machine, beside other temporary files.

    A file lies there under a hash of its place and version, so that whoever is asked for it next goes on where a killed
    worker ended.
    """

    def __init__(self) -> None:
        self.folder = Path(tempfile.gettempdir()) / f"darkroom-ingest-{os.getuid()}"
        self.folder.mkdir(mode=0o700, exist_ok=True)
        if self.folder.lstat().st_uid != os.getuid() or self.folder.is_symlink():
            raise StoreError(f"{self.folder} is somebody else's; set TMPDIR to another folder.")
        for left in self.folder.iterdir():
            _sweep(left)

    @contextmanager
    def file(self, name: str) -> Iterator[BinaryIO]:
        """The file of a name, with what came of it already; gone after the block, but not after a kill.

        Of two that ask for one at the same time, the second gets another file.
        """
        digest = hashlib.sha256(name.encode(errors="surrogateescape")).hexdigest()[:32]
        for path in (self.folder / digest, self.folder / f"{digest}-{os.getpid()}-{time.monotonic_ns()}"):
            with open(path, "r+b", opener=_opener) as handle:
                if not _is_locked(handle, path):
                    continue
                try:
                    yield handle
                finally:
                    path.unlink(missing_ok=True)
                return
        raise StoreError(f"{self.folder} changes while it is used; try again.")


def _opener(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CREAT | os.O_NOFOLLOW, 0o600)


def _is_locked(handle: BinaryIO, path: Path) -> bool:
    """Is the file this process's from now on, and still the one of that name?"""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.fstat(handle.fileno()).st_ino == path.stat().st_ino
    except OSError:
        return False


def _sweep(path: Path) -> None:
    """Remove what nobody holds and nobody has asked for in a day."""
    with suppress(OSError):
        if time.time() - path.stat().st_mtime < _OLD:
            return
        with path.open("r+b") as handle:
            if _is_locked(handle, path):
                path.unlink()


@contextmanager
def fetched(source: Source, found: Found, downloads: Downloads) -> Iterator[Fetched]:
    """A file's bytes, of exactly this version, for as long as the block.

    Raises `DownloadFailed` where another version is there now or none, and where it cannot be fetched.
    """
    if found.bytes <= SMALL:
        with _pinned():
            small = _small(source, found)
        yield small
        return
    with downloads.file(f"{source.uri_of(found.path)}\n{found.version}") as handle:
        with _pinned():
            digest = _large(source, found, handle)
        with mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as data:
            yield Fetched(data, digest, Path(handle.name))


@contextmanager
def _pinned() -> Iterator[None]:
    try:
        yield
    except (NotFound, SourceChanged):
        raise DownloadFailed(f"changed since plan: another version is there now, or none; {again('plan')}") from None


def _small(source: Source, found: Found) -> Fetched:
    for number in range(_TRIES):
        try:
            with source.open(found) as stream:
                data = bytes(stream.read())
            break
        except Damaged as error:
            if number == _TRIES - 1:
                raise DownloadFailed(str(error).rstrip(".")) from None
    _require_size(found, len(data))
    return Fetched(data, hashlib.sha256(data).hexdigest())


def _large(source: Source, found: Found, handle: BinaryIO) -> str:
    """Bring a file's bytes into `handle`, from where it ends on; returns their sha256 once they are proven."""
    for number in range(_TRIES):
        at = min(handle.seek(0, os.SEEK_END), found.bytes)
        try:
            _go_on(source, found, handle, at)
            return _proven(found, handle)
        except (NotFound, SourceChanged):
            raise
        except Damaged as error:
            handle.truncate(0)  # what came is not to be trusted
            if number == _TRIES - 1:
                raise DownloadFailed(str(error).rstrip(".")) from None
        except StoreError as error:
            if number == _TRIES - 1:
                raise DownloadFailed(f"it cannot be fetched: {error}".rstrip(".")) from None
    raise AssertionError("the last try returns or raises")


def _go_on(source: Source, found: Found, handle: BinaryIO, at: int) -> None:
    handle.seek(at)
    if at == found.bytes:
        return
    with source.open(found, at) as stream:
        while block := stream.read(_BLOCK):
            handle.write(block)
            handle.flush()  # a kill loses nothing that came


def _proven(found: Found, handle: BinaryIO) -> str:
    """The sha256 of what came. Raises `Damaged` where its hashes are not what the source says."""
    known = found.hashes
    hasher = Hasher("sha256", *(kind for kind in known.proof() if kind != "sha256"))
    size = handle.seek(0, os.SEEK_END)
    handle.seek(0)
    while block := handle.read(_BLOCK):
        hasher.update(block)
    hashes = hasher.hashes()
    if size != found.bytes or (differs := hashes.instead_of(known)):
        what = f"{size:,} bytes instead of {found.bytes:,}" if size != found.bytes else differs
        raise Damaged(f"{found.path}: what came has {what}.")
    return hashes.sha256


def _require_size(found: Found, size: int) -> None:
    if size != found.bytes:
        raise DownloadFailed(f"changed since plan: it has {size:,} bytes instead of {found.bytes:,}; {again('plan')}")
