"""Whose is what stands at a target: nothing of others is overwritten, in any flow (DESIGN 3).

A plan decides which version a write may replace, and pins it in the item. The worker's write carries it as a condition,
so that the look and the write are one.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Protocol

from darkroom.errors import Conflict, ItemError, NotFound
from darkroom.store import Entry, Store

_BLOCK = 1 << 20


class NotOurs(ItemError):
    """Something else than what was made stands at a target. Nothing was written."""


@dataclass(frozen=True, slots=True)
class Unsettled:
    """What plans name of which no ledger knows yet what became of it: their targets, and the ETags of what was made."""

    targets: frozenset[str] = frozenset()
    made: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Published:
    """What stands at a target now: `written` by this call, or it had the same bytes before."""

    entry: Entry
    written: bool


class Put(Protocol):
    """Writes an output under a condition, as `Store.write` and `Store.copy` take it. May be called again."""

    def __call__(self, *, if_absent: bool = False, if_match: str | None = None) -> Entry: ...


def replaceable(stands: str | None, known: str | None, *, planned: bool) -> str | None:
    """The ETag that a write may replace at its target; empty: none, it writes only where nothing is; None: refused.

    `stands` and `known` are the ETags of what stands there and of what the ledger says was written; `planned`: an
    unsettled plan names the target.

    | something stands | the ledger knows the target | its ETag is the ledger's | planned | |
    | --- | --- | --- | --- | --- |
    | no | | | | empty |
    | yes | yes | yes | | the ledger's ETag |
    | yes | yes | no | | empty |
    | yes | no | | yes | empty |
    | yes | no | | no | None |

    Where something stands and the answer is empty, the worker makes the output all the same, and `publish` adopts what
    stands if it is the same: it was written by a worker that was killed before it could say so, or came
    back from a backup. Other bytes stay, and refuse the item.
    """
    if stands is None:
        return ""
    if known is None:
        return "" if planned else None
    return known if known == stands else ""


class Targets:
    """A flow's targets: the ledgers' ETags of those that they know, and what `unsettled` finds, if it must be asked.

    `damaged`: a ledger of theirs was lost, so that what stands may be ours although nothing knows it: it is made again,
    as if a plan named it, and adopted where it is the same.
    """

    def __init__(self, known: Mapping[str, str], unsettled: Callable[[], Unsettled], *, damaged: bool = False) -> None:
        self._known, self._find, self.damaged = known, unsettled, damaged

    @cached_property
    def _unsettled(self) -> Unsettled:
        return self._find()

    def replaceable(self, key: str, stands: str | None) -> str | None:
        """As the function of that name says. Looks for unsettled plans only where something unknown stands."""
        known = self._known.get(key)
        if stands is None or known == stands:
            return replaceable(stands, known, planned=False)
        if self._unsettled.made.get(key) == stands:
            known = stands  # as good as in the ledger: a worker said that it wrote this
        return replaceable(stands, known, planned=self.damaged or key in self._unsettled.targets)


def refusal(key: str) -> str:
    """Why a plan refuses an item whose target is taken."""
    return f"{key} stands there already and Darkroom did not make it; move it away"


def _never(_: Entry) -> bool:
    return False


def publish(
    store: Store,
    key: str,
    made: bytes | Path,
    put: Put,
    *,
    replaces: str,
    alike: Callable[[Entry], bool] = _never,
) -> Published:
    """Have `put` write `made` at `key`: over the version `replaces`, or where nothing is.

    What stands there instead is left alone, and adopted where it has the same bytes, or where `alike` says that it is
    the same all the same: of what need not be packed alike twice. Raises `NotOurs` where it is not, and what `put` and
    `alike` raise.
    """
    for replaced in (replaces, ""):
        try:
            return Published(put(if_match=replaced) if replaced else put(if_absent=True), written=True)
        except Conflict:
            # what is gone when it is looked at was in nobody's way but the condition's: once more, where nothing is
            with suppress(NotFound):
                return Published(_same(store, key, made, alike), written=False)
    raise NotOurs(f"{key} comes and goes while it is written; see who else writes there, and make it again")


def _same(store: Store, key: str, made: bytes | Path, alike: Callable[[Entry], bool]) -> Entry:
    """What stands at `key`, if it has the bytes of `made` or is alike."""
    try:
        with store.open(key) as reading, _opened(made) as mine:
            standing, size = reading.entry, len(made) if isinstance(made, bytes) else made.stat().st_size
            same = standing.bytes == size and _equal(reading.stream, mine)
        if same or alike(standing):
            return standing
    except Conflict:
        pass  # it changes while it is read
    raise NotOurs(f"{key} stands there and is not what Darkroom made; move it away, then it is made again")


def gives_back(store: Store, entry: Entry, made: bytes | Path) -> bool:
    """Are these the bytes that are read of that version? Raises `Conflict` where another one stands there."""
    with store.open(entry.key, version=entry) as reading, _opened(made) as mine:
        return _equal(reading.stream, mine)


def _opened(made: bytes | Path) -> AbstractContextManager[BinaryIO]:
    return BytesIO(made) if isinstance(made, bytes) else made.open("rb")


def _equal(one: BinaryIO, other: BinaryIO) -> bool:
    while block := one.read(_BLOCK):
        if block != other.read(len(block)):
            return False
    return not other.read(1)
