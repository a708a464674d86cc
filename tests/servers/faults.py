"""What a `FaultProxy` can do to a request."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Delay:
    """The request waits before it goes on."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Hang:
    """Nothing is answered for that time; then the connection ends."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Status:
    """The server sees nothing; this is the answer."""

    code: int
    reason: str
    body: bytes = b""
    content_type: str = "application/xml"


@dataclass(frozen=True, slots=True)
class Reset:
    """The connection breaks: before the server sees anything, in the middle of the request's body (without one:
    before), or when the server has done it but its answer is lost.
    """

    when: Literal["before", "request", "response"]


@dataclass(frozen=True, slots=True)
class Truncate:
    """The answer's body ends after `at` bytes, and with it the connection."""

    at: int


@dataclass(frozen=True, slots=True)
class Corrupt:
    """The answer's byte `at` is changed."""

    at: int


@dataclass(frozen=True, slots=True)
class CorruptUpload:
    """The request's byte `at` is changed."""

    at: int


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The server gets the request twice; the client sees the second answer."""


@dataclass(frozen=True, slots=True)
class Twice:
    """The client gets the answer twice; then the connection ends."""


Fault = Delay | Hang | Status | Reset | Truncate | Corrupt | CorruptUpload | Duplicate | Twice


def slow_down() -> Status:
    """S3's wish for fewer requests."""
    body = b"<?xml version='1.0' encoding='UTF-8'?>\n<Error><Code>SlowDown</Code><Message>Slow down.</Message></Error>"
    return Status(503, "Slow Down", body)
