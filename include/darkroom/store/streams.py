"""Streams of large objects: parts fetched ahead of the reader, a few in memory, checked at the end."""

import io
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import BinaryIO

from darkroom.errors import Damaged
from darkroom.store.hashes import Hasher, Hashes

PART = 8 << 20  # bytes of one request: long enough to hide its latency, short enough to hold several
_AHEAD = 4  # parts on their way or waiting; with the one being read, 40 MiB a stream


class RangedStream(io.RawIOBase):
    """The bytes `start` to `stop` of an object, fetched by `fetch(start, stop)` from as many threads as parts ahead.

    With `hashes` (of the whole range) the bytes are hashed as they pass, and the read that reaches the end raises
    `Damaged` when they are others: then what was made of them must not be published. `name` is for that message.
    """

    def __init__(
        self,
        fetch: Callable[[int, int], bytes | memoryview],
        *,
        start: int,
        stop: int,
        name: str,
        hashes: Hashes | None = None,
    ) -> None:
        super().__init__()
        self._fetch, self._name = fetch, name
        self._hashes = hashes or Hashes()
        self._hasher = Hasher(*self._hashes.known())
        self._next, self._stop = start, stop
        self._pool = ThreadPoolExecutor(_AHEAD, thread_name_prefix="read-ahead")
        self._parts: deque[Future[bytes | memoryview]] = deque()
        self._part = memoryview(b"")
        self._checked = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        if not self._part and not self._advance():
            return 0
        with memoryview(buffer) as target:
            taken = min(len(target), len(self._part))
            target[:taken] = self._part[:taken]
        self._part = self._part[taken:]
        return taken

    def _advance(self) -> bool:
        while self._next < self._stop and len(self._parts) < _AHEAD:
            end = min(self._next + PART, self._stop)
            self._parts.append(self._pool.submit(self._fetch, self._next, end))
            self._next = end
        if not self._parts:
            self._check()
            return False
        part = self._parts.popleft().result()
        self._hasher.update(part)
        self._part = memoryview(part)
        return True

    def _check(self) -> None:
        if not self._checked and (differs := self._hasher.hashes().instead_of(self._hashes)):
            raise Damaged(f"{self._name}: the bytes that came have {differs}.")
        self._checked = True

    def close(self) -> None:
        if not self.closed:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._parts.clear()
        super().close()


def read_fully(stream: BinaryIO, length: int) -> bytes:
    """`length` bytes, or what there is before the end: a raw stream may give less at a time."""
    blocks = []
    while length > 0 and (block := stream.read(length)):
        blocks.append(block)
        length -= len(block)
    return b"".join(blocks) if len(blocks) != 1 else blocks[0]


def read_beginning(stream: BinaryIO, size: int | None) -> bytes:
    """The whole of a stream of at most `PART` bytes, or more than that of a longer one; `size` where it is known.

    Asks for no more than there should be: a read sets the memory that it is asked for aside, and 8 MiB for each small
    object are what a copy of many would spend its time on.
    """
    return read_fully(stream, min(PART, PART if size is None else size) + 1)


class PassingStream:
    """Another stream's bytes, told to `on_bytes` and hashed as they pass.

    Can only be read: there is one for each small object.
    """

    __slots__ = ("_hasher", "_on_bytes", "_stream")

    def __init__(self, stream: BinaryIO, on_bytes: Callable[[int], None], hasher: Hasher | None = None) -> None:
        self._stream, self._on_bytes, self._hasher = stream, on_bytes, hasher

    def read(self, size: int = -1) -> bytes:
        block = self._stream.read(size)
        self._on_bytes(len(block))
        if self._hasher:
            self._hasher.update(block)
        return block
