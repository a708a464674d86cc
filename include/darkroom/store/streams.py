"""Streams of large objects: parts fetched ahead of the reader, a few in memory, checked at the end."""

import io
import sys
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import BinaryIO

from typing_extensions import Buffer

from darkroom.errors import Damaged
from darkroom.store.hashes import Hasher, Hashes

PART = 8 << 20  # bytes; an object of no more goes in one request, and lies in memory
BLOCK = 256 << 10  # bytes of an answer that are copied at a time, while they are in the processor's cache
STEP = PART  # bytes of one request for a larger one, to or fro; two of Ceph's stripes, which takes 5 MiB no quicker
_AHEAD = 2  # steps on their way or waiting; with the one being read, 24 MiB a stream


def fill(into: memoryview, blocks: Iterable[Buffer]) -> int:
    """Copy blocks into memory, as far as they fit; returns how many bytes came."""
    done = 0
    for block in blocks:
        piece = memoryview(block)
        done += len(piece)
        if done <= len(into):
            into[done - len(piece) : done] = piece
    return done


class RangedStream(io.BufferedIOBase):
    """The bytes `start` to `stop` of an object, in steps that `fetch(start, into)` fills in, several at once ahead.

    With `hashes` (of the whole range) the bytes are hashed as they pass, and the read that reaches the end raises
    `Damaged` when they are others: then what was made of them must not be published. `name` is for that message.
    """

    def __init__(
        self,
        fetch: Callable[[int, memoryview], None],
        *,
        start: int,
        stop: int,
        name: str,
        hashes: Hashes | None = None,
    ) -> None:
        super().__init__()
        self._fetch, self._name = fetch, name
        self._hashes = hashes or Hashes()
        self._hasher = Hasher(*self._hashes.proof())
        self._next, self._stop = start, stop
        self._pool = ThreadPoolExecutor(_AHEAD, thread_name_prefix="read-ahead")
        self._steps: deque[tuple[bytearray, Future[None]]] = deque()
        self._step = bytearray()
        self._read = 0  # bytes of the step that were read
        self._spare: list[bytearray] = []
        self._checked = False

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        wanted = sys.maxsize if size is None or size < 0 else size
        pieces = []
        while wanted and (self._read < len(self._step) or self._advance()):
            piece = memoryview(self._step)[self._read : self._read + wanted]
            pieces.append(piece)
            self._read += len(piece)
            wanted -= len(piece)
        return b"".join(pieces)

    def read1(self, size: int = -1, /) -> bytes:
        return self.read(STEP if size < 0 else min(size, STEP))

    def take(self, size: int) -> bytes | bytearray:
        """Some of the next bytes, at most `size`; a whole step as it is, since a copy takes as long as its hash."""
        if self._read == len(self._step) and not self._advance():
            return b""
        if self._read or len(self._step) > size:
            return self.read(size)
        step, self._step = self._step, bytearray()
        self._read = 0
        return step

    def give_back(self, block: bytes | bytearray) -> None:
        """Take back what `take` gave, once it is used up, to be filled again: new memory takes as long as a copy."""
        if len(block) == STEP and isinstance(block, bytearray):
            self._spare.append(block)

    def _advance(self) -> bool:
        self._step, self._read = bytearray(), 0  # before more memory is taken
        while self._next < self._stop and len(self._steps) < _AHEAD:
            # all of them by one thread: each thread that takes memory keeps what it gives back to itself
            size = min(STEP, self._stop - self._next)
            step = self._spare.pop() if self._spare and size == STEP else bytearray(size)
            self._steps.append((step, self._pool.submit(self._fetch, self._next, memoryview(step))))
            self._next += len(step)
        if not self._steps:
            self._check()
            return False
        step, fetched = self._steps.popleft()
        fetched.result()
        self._hasher.update(step)
        self._step = step
        return True

    def _check(self) -> None:
        if not self._checked and (differs := self._hasher.hashes().instead_of(self._hashes)):
            raise Damaged(f"{self._name}: the bytes that came have {differs}.")
        self._checked = True

    def close(self) -> None:
        if not self.closed:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._steps.clear()
        super().close()


def take(stream: BinaryIO, size: int) -> bytes | bytearray:
    """Some of the next bytes of a stream, at most `size`, none at its end; not copied where the stream knows how."""
    some: bytes | bytearray = getattr(stream, "take", stream.read)(size)
    return some


def give_back(stream: BinaryIO, block: bytes | bytearray) -> None:
    """Let a stream use the memory again that `take` gave, where it knows how; who does so has no more use of it."""
    if again := getattr(stream, "give_back", None):
        again(block)


def read_fully(stream: BinaryIO, length: int) -> bytes | bytearray:
    """`length` bytes, or what there is before the end: a raw stream may give less at a time."""
    blocks = []
    while length > 0 and (block := take(stream, length)):
        blocks.append(block)
        length -= len(block)
    return b"".join(blocks) if len(blocks) != 1 else blocks[0]


def read_small(stream: BinaryIO, size: int | None) -> tuple[bytes | bytearray, bool]:
    """The beginning of a stream, and whether that is all of it, of at most `PART` bytes; `size` where it is known.

    Asks for no more than there should be: a read sets the memory that it is asked for aside, and 8 MiB for each small
    object are what a copy of many would spend its time on.
    """
    if size is not None and size > PART:
        return b"", False
    beginning = read_fully(stream, (PART if size is None else size) + 1)
    return beginning, len(beginning) <= PART


class PassingStream:
    """Another stream's bytes, told to `on_bytes` and hashed as they pass.

    Can only be read: there is one for each small object.
    """

    __slots__ = ("_hasher", "_on_bytes", "_stream")

    def __init__(self, stream: BinaryIO, on_bytes: Callable[[int], None], hasher: Hasher | None = None) -> None:
        self._stream, self._on_bytes, self._hasher = stream, on_bytes, hasher

    def read(self, size: int = -1) -> bytes:
        block = self._stream.read(size)
        self._note(block)
        return block

    def take(self, size: int) -> bytes | bytearray:
        """As the function `take`."""
        block = take(self._stream, size)
        self._note(block)
        return block

    def give_back(self, block: bytes | bytearray) -> None:
        """As the function `give_back`."""
        give_back(self._stream, block)

    def _note(self, block: bytes | bytearray) -> None:
        self._on_bytes(len(block))
        if self._hasher:
            self._hasher.update(block)
