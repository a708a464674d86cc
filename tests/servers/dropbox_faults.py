"""What a request to the fake Dropbox can meet."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """Instead of what the service would say."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Busy:
    """429; `after` are the seconds that it asks to wait."""

    after: int = 0


@dataclass(frozen=True, slots=True)
class Cut:
    """The connection ends after so many bytes of the answer's body."""

    at: int = 0


@dataclass(frozen=True, slots=True)
class Hang:
    """Nothing comes for that time, and then the answer."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Meanwhile:
    """Something is done when half of the body has been sent."""

    do: Callable[[], object]


@dataclass(frozen=True, slots=True)
class Twisted:
    """The answer as it would be, changed: its JSON, or for a download its bytes."""

    how: Callable[[Any], Any]


Fault = Answer | Busy | Cut | Hang | Meanwhile | Twisted
