"""HTTP/1.1 on a socket as it is: heads byte for byte, bodies in pieces with their framing."""

import contextlib
import io
import socket
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

PIECE = 1 << 16


class Ended(Exception):
    """The other side went away in the middle of a message."""


class Piece(NamedTuple):
    """Some bytes of a body; those of chunked framing are no content."""

    data: bytes
    content: bool = True


@dataclass(frozen=True, slots=True)
class Head:
    """A request's or an answer's first line and headers, as received."""

    raw: bytes

    @property
    def _first_line(self) -> list[str]:
        return self.raw.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 2)

    @property
    def method(self) -> str:
        return self._first_line[0]

    @property
    def path(self) -> str:
        return self._first_line[1]

    @property
    def status(self) -> int:
        return int(self._first_line[1])

    def header(self, name: str) -> str:
        wanted = name.lower().encode() + b":"
        for line in self.raw.split(b"\r\n")[1:]:
            if line.lower().startswith(wanted):
                return line.split(b":", 1)[1].strip().decode("latin-1")
        return ""

    def without(self, name: str) -> bytes:
        unwanted = name.lower().encode() + b":"
        return b"\r\n".join(line for line in self.raw.split(b"\r\n") if not line.lower().startswith(unwanted))

    @property
    def length(self) -> int | None:
        value = self.header("Content-Length")
        return int(value) if value else None

    @property
    def chunked(self) -> bool:
        return self.header("Transfer-Encoding").lower() == "chunked"

    @property
    def closes(self) -> bool:
        """Whether its sender wants no further message on this connection."""
        connection = self.header("Connection").lower()
        return connection == "close" or ("HTTP/1.0" in self._first_line and connection != "keep-alive")

    def bodiless(self, method: str) -> bool:
        """Whether this answer to `method` has no body, whatever its headers say."""
        return method == "HEAD" or self.status in (204, 304)

    def ends_with_connection(self, method: str) -> bool:
        return not (self.bodiless(method) or self.chunked or self.length is not None)


class Wire:
    """One side's connection."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = connection
        self._reading = io.BufferedReader(socket.SocketIO(connection, "r"), PIECE)

    def head(self) -> Head | None:
        """The next message's head; None where the other side ended the connection before it."""
        lines: list[bytes] = []
        while True:
            line = self._line(may_end=not lines)
            if not line:
                return None
            lines.append(line)
            if line == b"\r\n":
                return Head(b"".join(lines))

    def request_body(self, head: Head) -> Iterator[Piece]:
        if head.header("Expect").lower() == "100-continue":
            self.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        return self._chunks() if head.chunked else self._pieces(head.length or 0)

    def answer_body(self, head: Head, method: str) -> Iterator[Piece]:
        if head.bodiless(method):
            return iter(())
        if head.ends_with_connection(method):
            return self._to_the_end()
        return self._chunks() if head.chunked else self._pieces(head.length or 0)

    def answer(self) -> Head:
        """The next answer's head, those that only announce one left out."""
        while (head := self.head()) is not None:
            if head.status >= 200:
                return head
        raise Ended

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def idle(self) -> bool:
        """Whether the other side has neither sent anything unasked nor ended the connection."""
        self._socket.setblocking(False)
        try:
            self._socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        finally:
            self._socket.setblocking(True)
        return False

    def close(self) -> None:
        self.interrupt()
        self._reading.close()
        self._socket.close()

    def reset(self) -> None:
        """End the connection as a crash does: with RST, whatever is on its way."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._reading.close()
        self._socket.close()

    def interrupt(self) -> None:
        """Make the thread that reads or writes find the connection ended."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def _line(self, *, may_end: bool = False) -> bytes:
        try:
            line = self._reading.readline(PIECE)
        except (OSError, ValueError) as error:
            raise Ended from error
        if not line.endswith(b"\n") and not (may_end and not line):
            raise Ended
        return line

    def _pieces(self, length: int) -> Iterator[Piece]:
        while length:
            try:
                data = self._reading.read1(min(length, PIECE))
            except (OSError, ValueError) as error:
                raise Ended from error
            if not data:
                raise Ended
            length -= len(data)
            yield Piece(data)

    def _chunks(self) -> Iterator[Piece]:
        while True:
            line = self._line()
            yield Piece(line, content=False)
            size = int(line.split(b";", 1)[0], 16)
            if not size:
                break
            yield from self._pieces(size)
            yield Piece(self._line(), content=False)
        while True:  # trailers
            line = self._line()
            yield Piece(line, content=False)
            if line == b"\r\n":
                return

    def _to_the_end(self) -> Iterator[Piece]:
        while data := self._reading.read1(PIECE):
            yield Piece(data)


def flipped(pieces: Iterable[Piece], at: int) -> Iterator[Piece]:
    """The body with the content's byte `at` changed; unchanged where it is shorter."""
    for data, content in pieces:
        if content and 0 <= at < len(data):
            yield Piece(data[:at] + bytes([data[at] ^ 0x01]) + data[at + 1 :])
        else:
            yield Piece(data, content)
        at -= len(data) if content else 0


def cut(pieces: Iterable[Piece], at: int) -> Iterator[Piece]:
    """The body up to the content's byte `at`."""
    for data, content in pieces:
        if content and len(data) >= at:
            yield Piece(data[:at])
            return
        yield Piece(data, content)
        at -= len(data) if content else 0
