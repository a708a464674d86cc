"""The hashes that services and Darkroom know objects by, several of them computed in one pass."""

import hashlib
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import BinaryIO, Literal, Protocol

import google_crc32c

Kind = Literal["md5", "crc32c", "sha256", "dropbox"]
KINDS: tuple[Kind, ...] = ("md5", "crc32c", "sha256", "dropbox")

_BEST_FIRST: tuple[Kind, ...] = ("sha256", "dropbox", "md5", "crc32c")

_DROPBOX_BLOCK = 4 << 20  # bytes, fixed by Dropbox
_PIECE = 64 << 10


@dataclass(frozen=True, slots=True)
class Hashes:
    """What is known of a content's hashes, each in lower-case hex; an empty text is "not known".

    `crc32c` is the Castagnoli CRC in big-endian order, as GCS and S3 write it. `dropbox` is Dropbox's content hash:
    the SHA-256 of the joined SHA-256s of every 4 MiB (https://www.dropbox.com/developers/reference/content-hash).
    """

    md5: str = ""
    crc32c: str = ""
    sha256: str = ""
    dropbox: str = ""

    def known(self) -> dict[Kind, str]:
        """Only the hashes that are known, by kind."""
        return {kind: value for kind in KINDS if (value := getattr(self, kind))}

    def proof(self) -> list[Kind]:
        """The kind that says most of a content, of those that are known; none where none is.

        >>> Hashes(md5="92eb", crc32c="c1d0").proof(), Hashes(crc32c="c1d0").proof(), Hashes().proof()
        (['md5'], ['crc32c'], [])
        """
        return [kind for kind in _BEST_FIRST if getattr(self, kind)][:1]

    def only(self, kinds: Collection[Kind]) -> "Hashes":
        """Those of these kinds."""
        return Hashes(**{kind: value for kind, value in self.known().items() if kind in kinds})

    def joined(self, other: "Hashes") -> "Hashes":
        """What either knows, of one content."""
        return Hashes(**{**self.known(), **other.known()})

    def shared(self, other: "Hashes") -> list[Kind]:
        """The kinds that both know: only these can prove or disprove that two contents are the same."""
        return [kind for kind in KINDS if getattr(self, kind) and getattr(other, kind)]

    def instead_of(self, wanted: "Hashes") -> str:
        """Which hash these have instead of the wanted one, both told; empty where none that both know differs.

        >>> Hashes(md5="0cc1").instead_of(Hashes(md5="92eb", crc32c="c1d0"))
        'the MD5 0cc1 instead of 92eb'
        """
        for kind in self.shared(wanted):
            mine, theirs = getattr(self, kind), getattr(wanted, kind)
            if mine != theirs:
                return f"the {kind.upper()} {mine} instead of {theirs}"
        return ""

    def contradicts(self, other: "Hashes") -> bool:
        """Do the two certainly belong to different contents? False where they share no kind."""
        return any(getattr(self, kind) != getattr(other, kind) for kind in self.shared(other))


class _Running(Protocol):
    def update(self, data: bytes | bytearray | memoryview, /) -> None: ...
    def hexdigest(self) -> str: ...


class _Crc32c:
    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes | bytearray | memoryview) -> None:
        if isinstance(data, bytes):
            self._value = google_crc32c.extend(self._value, data)
            return
        view = memoryview(data)  # it takes nothing but bytes, which are copied a little at a time, in the cache
        for start in range(0, len(view), _PIECE):
            self._value = google_crc32c.extend(self._value, bytes(view[start : start + _PIECE]))

    def hexdigest(self) -> str:
        return f"{self._value:08x}"


class _DropboxHash:
    def __init__(self) -> None:
        self._blocks = hashlib.sha256()
        self._block = hashlib.sha256()
        self._filled = 0

    def update(self, data: bytes | bytearray | memoryview) -> None:
        view = memoryview(data)
        while view:
            taken = view[: _DROPBOX_BLOCK - self._filled]
            self._block.update(taken)
            self._filled += len(taken)
            view = view[len(taken) :]
            if self._filled == _DROPBOX_BLOCK:
                self._blocks.update(self._block.digest())
                self._block, self._filled = hashlib.sha256(), 0

    def hexdigest(self) -> str:
        whole = self._blocks.copy()
        if self._filled:
            whole.update(self._block.digest())
        return whole.hexdigest()


_NEW: dict[Kind, Callable[[], _Running]] = {
    # MD5 here says "the same bytes as the service's", it guards against no attacker
    "md5": lambda: hashlib.md5(usedforsecurity=False),
    "crc32c": _Crc32c,
    "sha256": hashlib.sha256,
    "dropbox": _DropboxHash,
}


class Hasher:
    """Computes the asked kinds of hash in one pass over the bytes."""

    def __init__(self, *kinds: Kind) -> None:
        self._running = {kind: _NEW[kind]() for kind in kinds}

    def update(self, data: bytes | bytearray | memoryview) -> None:
        """Take the next bytes."""
        for running in self._running.values():
            running.update(data)

    def hashes(self) -> Hashes:
        """The hashes of all bytes so far."""
        return Hashes(**{kind: running.hexdigest() for kind, running in self._running.items()})


def hash_bytes(data: bytes | bytearray, *kinds: Kind) -> Hashes:
    """The asked hashes of bytes in memory."""
    found = {}
    for kind in kinds:
        running = _NEW[kind]()
        running.update(data)
        found[kind] = running.hexdigest()
    return Hashes(**found)


def hash_stream(stream: BinaryIO, *kinds: Kind) -> Hashes:
    """The asked hashes of the rest of a stream, read a MiB at a time."""
    hasher = Hasher(*kinds)
    while block := stream.read(1 << 20):
        hasher.update(block)
    return hasher.hashes()
