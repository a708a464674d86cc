"""A revision's bytes as a stream that goes on where a connection broke."""

import io
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from urllib3.exceptions import HTTPError

from darkroom.errors import Damaged, Unavailable
from darkroom.outside.content_hash import ContentHash
from darkroom.outside.dropbox_errors import misread
from darkroom.store.retries import Retries, Transient, first_line

if TYPE_CHECKING:
    from requests import Response

    from darkroom.outside.dropbox import DropboxFile

_PIECE = 1 << 18
_BREAKS = 100  # of one stream: a server that breaks after each byte holds no worker
_PATIENCE, _RATE = 60.0, 10_000  # seconds, and bytes that give one more each: nor does one that drips


class Revision(io.RawIOBase):
    """The bytes of a file from an offset on. `proof` is the hash of what came before, if the whole is to be proven.

    `ask` opens an answer at a position, tried once: it raises `Transient`, `SourceChanged` and what is final. The first
    answer is there when this is.
    """

    def __init__(
        self,
        ask: Callable[[int], "Response"],
        file: "DropboxFile",
        offset: int,
        proof: ContentHash | None,
        retries: Retries,
    ) -> None:
        super().__init__()
        self._ask, self._file, self._at, self._proof, self._retries = ask, file, offset, proof, retries
        self._answer: Response | None = None
        self._breaks = 0
        self._seconds, self._taken = 0.0, 0
        if offset < file.size:
            self._retries.call(self._what, self._open)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        into = memoryview(buffer).cast("B")
        wanted = min(len(into), self._file.size - self._at, _PIECE)
        data = self._retries.call(self._what, lambda: self._piece(wanted)) if wanted > 0 else b""
        self._at += len(data)
        if self._proof:
            self._proof.update(data)
            if self._at == self._file.size and self._proof.hexdigest() != self._file.content_hash:
                raise Damaged(f"{self._file.path}: the bytes that came from Dropbox have another hash than the file.")
        into[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._drop()
        super().close()

    @property
    def _what(self) -> str:
        return f"reading {first_line(self._file.path)} from Dropbox"

    def _open(self) -> None:
        answer = self._ask(self._at)
        self._answer = answer
        if (self._at > 0) != (answer.status_code == 206):
            raise misread("it is not the part of the file that was asked for")
        span = answer.headers.get("Content-Range", "")
        if self._at and not span.startswith(f"bytes {self._at}-"):
            raise misread("it is not the part of the file that was asked for")

    def _piece(self, wanted: int) -> bytes:
        """Some of the next bytes, at least one."""
        if self._answer is None:
            self._open()
        assert self._answer is not None
        began = time.monotonic()
        try:
            data: bytes = self._answer.raw.read1(wanted, decode_content=False)
        except (HTTPError, OSError) as error:
            raise self._broken(type(error).__name__) from None
        self._seconds += time.monotonic() - began
        self._taken += len(data)
        if not data:
            raise self._broken("it ended too early")
        if self._seconds > _PATIENCE + self._taken / _RATE:
            raise Unavailable(f"{self._what}: it comes too slowly; try again later.")
        return data

    def _broken(self, why: str) -> Exception:
        self._drop()
        self._breaks += 1
        if self._breaks > _BREAKS:
            return Unavailable(f"{self._what}: the connection broke {_BREAKS} times; try again later.")
        return Transient("broken connection", f"after {self._at:,} of {self._file.size:,} bytes: {why}")

    def _drop(self) -> None:
        if self._answer is not None:
            self._answer.close()
            self._answer = None
