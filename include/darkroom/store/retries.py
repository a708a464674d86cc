"""One way to meet a transient fault: wait a random, growing while, try again, and say so."""

import logging
import threading
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from darkroom.errors import Damaged, Unavailable

if TYPE_CHECKING:
    from tenacity import RetryCallState, Retrying

log = logging.getLogger(__name__)

T = TypeVar("T")

ATTEMPTS = 8
_FIRST_WAIT, _LONGEST_WAIT = 0.2, 20.0  # seconds; each wait is random from 0 up to a bound that doubles


class Transient(Exception):
    """A fault that the next try may not meet. `name` is short and the same for all of its kind (`SlowDown`).

    `after` is how many seconds the service asks to wait; whoever raises it bounds that.
    """

    def __init__(self, name: str, detail: str, after: float = 0.0) -> None:
        super().__init__(detail)
        self.name = name
        self.after = after


class Corrupt(Transient):
    """Other bytes came than the service has hashes of. If they always do, it is what lies there that is damaged."""

    def __init__(self, differs: str) -> None:
        super().__init__("corrupt answer", f"the bytes that came have {differs}")


class Retries:
    """Repeats calls that end in `Transient`, at most `ATTEMPTS` times, and counts the repeats by the fault's name.

    The wait is "full jitter" (https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/), so
    that many workers that were turned away together do not come back together.
    """

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    @property
    def counts(self) -> dict[str, int]:
        """How many calls were repeated so far, by the name of the fault."""
        with self._lock:
            return dict(self._counts)

    def count(self, name: str) -> None:
        """Note one repeat that a library made by itself."""
        with self._lock:
            self._counts[name] += 1

    def call(self, what: str, attempt: Callable[[], T]) -> T:
        """The result of `attempt`; `what` names the call.

        Raises `Unavailable` when every try ended in `Transient`, and `Damaged` where that was `Corrupt`.
        """
        try:
            return attempt()
        except Transient as fault:
            first = fault  # the way without faults, by far the most trodden, pays nothing for the retries
        self._note(what, first)
        try:
            return self._policy(what, first)(attempt)
        except Transient as fault:
            ends = Damaged if isinstance(fault, Corrupt) else Unavailable
            raise ends(f"{what} failed {ATTEMPTS} times, at last with {fault.name}: {fault}") from fault

    def _policy(self, what: str, first: Transient) -> "Retrying":
        # imported at the first fault: most commands meet none
        from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

        def before_sleep(state: "RetryCallState") -> None:
            fault = state.outcome.exception() if state.outcome else None
            assert isinstance(fault, Transient)
            self._note(what, fault)

        jitter = wait_random_exponential(multiplier=_FIRST_WAIT, max=_LONGEST_WAIT)

        def wait(state: "RetryCallState") -> float:
            fault = state.outcome.exception() if state.outcome else first
            return max(jitter(state), fault.after if isinstance(fault, Transient) else 0.0)

        policy = Retrying(
            stop=stop_after_attempt(ATTEMPTS - 1),
            wait=wait,
            retry=retry_if_exception(lambda error: isinstance(error, Transient)),
            before_sleep=before_sleep,
            reraise=True,
        )
        policy.sleep(wait(RetryCallState(policy, None, (), {})))
        return policy

    def _note(self, what: str, fault: Transient) -> None:
        self.count(fault.name)
        log.warning("%s (%s); trying again: %s", fault.name, fault, what)


def first_line(message: object) -> str:
    """The first line of what a service or a client said, short and printable: it goes into logs and reports."""
    lines = str(message).strip().splitlines() or [type(message).__name__]
    return "".join(char if char.isprintable() else " " for char in lines[0][:300])
