"""Move many objects from one store to another: many at once, in memory that does not grow, each proven."""

import logging
import mimetypes
import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from queue import Queue
from typing import BinaryIO, cast

from darkroom.errors import Damaged, DarkroomError, Denied, StoreError, Unavailable
from darkroom.store.base import CONTENT_TYPE, Entry, Store
from darkroom.store.hashes import Hasher, Hashes, Kind, hash_bytes, hash_stream
from darkroom.store.room import Room
from darkroom.store.streams import PART, PassingStream

log = logging.getLogger(__name__)

_TRIES = 3  # of one object that comes through damaged
_GATHERED = 16  # results that a thread hands over together: each time wakes the other side
_BATCH = 5000  # objects that are confirmed together, by some pages of a listing


@dataclass(frozen=True, slots=True)
class Move:
    """What is to be moved where: the source's object as `entry` shows it, and no other version, to `key`.

    The conditions are those of `Store.write`: with neither, what stands at `key` is replaced.
    """

    entry: Entry
    key: str
    if_absent: bool = False
    if_match: str | None = None


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of a move: the `entry` that now stands in the target, or the `fault` why it does not.

    `hashes` are those of the bytes that were read, of the kinds that were asked for; of a copy within one store, where
    no bytes come by, those that its service vouches for. `fault` is `SourceChanged` where the source is another
    version than the move names, another `Conflict` where the condition does not hold.
    """

    move: Move
    entry: Entry | None = None
    hashes: Hashes = field(default_factory=Hashes)
    fault: DarkroomError | OSError | None = None

    @property
    def reason(self) -> str:
        """The fault's sentence; empty where there is none."""
        return str(self.fault) if self.fault else ""


def under_same_keys(entries: Iterable[Entry]) -> Iterator[Move]:
    """Moves that replace whatever has the same key in the target."""
    return (Move(entry, entry.key) for entry in entries)


def transfer(
    source: Store,
    target: Store,
    moves: Iterable[Move],
    *,
    hashes: Collection[Kind] = (),
    on_bytes: Callable[[int], None] = lambda _: None,
) -> Iterator[Moved]:
    """Move objects, each in one streaming read or, within one store, on the server; yields each once it is confirmed.

    In no order. What the source knows of an object's hashes is checked while it is read, and the target checks what
    it is sent: one that differs is not published. The kinds `hashes` are computed in the same read.

    A failure is the object's own and does not stop the others; `BadInput`, such as missing credentials, does, and so
    does `Unavailable` once it met as many objects in a row as there are threads, and `Denied` by the target, once it
    met as many and nothing was moved before. `on_bytes` is told of bytes as they are read, from several threads.
    """
    workers = max(source.concurrency, target.concurrency)
    results: Queue[list[Moved] | Exception | None] = Queue(4 * workers)
    feed = _Feed(moves)
    moving = partial(move, source, target, hashes=tuple(hashes), on_bytes=on_bytes)
    given = (moving, feed, results, workers)
    names = (f"transfer-{number}" for number in range(workers))
    threads = [threading.Thread(target=_work, args=given, name=name, daemon=True) for name in names]
    for thread in threads:
        thread.start()
    running, written = workers, list[Moved]()
    try:
        while running:
            result = results.get()
            if isinstance(result, Exception):
                raise result
            running -= result is None
            for moved in result or ():
                if moved.fault:
                    yield moved
                else:
                    written.append(moved)
            if len(written) >= _BATCH or not running:
                yield from _confirmed(target, written)
                written.clear()
    finally:
        feed.stop()
        while running:  # each still has to put its last results somewhere
            running -= results.get() is None


def _work(
    moving: Callable[[Move], Moved], feed: "_Feed", results: "Queue[list[Moved] | Exception | None]", workers: int
) -> None:
    """What each thread does: moves until there are no more; at last its results, and None."""
    gathered: list[Moved] = []
    try:
        while True:
            fault: StoreError | OSError | None = None
            with feed.one() as one:
                if one is None:
                    break
                try:
                    gathered.append(moving(one))
                except (StoreError, OSError) as error:
                    fault = error
                    gathered.append(Moved(one, fault=error))
            hopeless = feed.done(fault) >= workers
            if fault and hopeless:
                raise fault
            if len(gathered) == _GATHERED:
                results.put(gathered)
                gathered = []
    except Exception as error:  # noqa: BLE001 -- no object's fault: it is raised where the results are taken
        results.put(error)
    finally:
        results.put(gathered)
        results.put(None)


def move(
    source: Store,
    target: Store,
    one: Move,
    *,
    hashes: Collection[Kind] = (),
    on_bytes: Callable[[int], None] = lambda _: None,
) -> Moved:
    """Move one object, as `transfer` does; again from its start where it came through damaged.

    Raises what the stores raise: `SourceChanged`, another `Conflict`, `NotFound`, `Damaged` at last; `TargetDenied`
    where it is the target that refuses. What was written is not confirmed: `Store.unconfirmed` does that.
    """
    for _ in range(_TRIES - 1):
        try:
            return _once(source, target, one, hashes, on_bytes)
        except Damaged as error:
            log.warning("%s It is moved again from its start.", error)
    return _once(source, target, one, hashes, on_bytes)


def _once(source: Store, target: Store, one: Move, kinds: Collection[Kind], on_bytes: Callable[[int], None]) -> Moved:
    if source.uri == target.uri:
        return _copied(target, one, kinds, on_bytes)
    with source.open(one.entry.key, version=one.entry) as reading:
        seen = reading.entry
        # a stream that was read to its end has the hashes that its entry knows
        rest = [kind for kind in kinds if kind not in seen.hashes.known()]
        hasher = Hasher(*rest) if rest else None
        try:
            entry = target.write(
                one.key,
                cast(BinaryIO, PassingStream(reading.stream, on_bytes, hasher)),
                size=seen.bytes,
                hashes=seen.hashes,
                content_type=_content_type(seen),
                metadata=seen.metadata,
                headers=seen.headers,
                if_absent=one.if_absent,
                if_match=one.if_match,
                confirm=False,
            )
        except Denied as error:
            raise TargetDenied(str(error)) from error
    known = seen.hashes.only(kinds)
    return Moved(one, entry, known.joined(hasher.hashes()) if hasher else known)


SMALL = PART
"""Bytes of an object that may be in memory as a whole."""


@dataclass(frozen=True, slots=True)
class Small:
    """The bytes of a small object, and their hashes of the kinds that were asked for."""

    data: bytes
    hashes: Hashes


def read_small(source: Store, entry: Entry, hashes: Collection[Kind]) -> Small | None:
    """Exactly this version, where it is `SMALL`; checked as `Store.open` does. Raises `SourceChanged`."""
    if entry.bytes > SMALL:
        return None
    with source.open(entry.key, version=entry) as reading:
        data, checked = reading.stream.read(), reading.entry.hashes.only(hashes)
    rest = [kind for kind in hashes if not getattr(checked, kind)]
    return Small(data, checked.joined(hash_bytes(data, *rest)) if rest else checked)


def write_small(target: Store, one: Move, small: Small) -> Entry:
    """Write a small object as `move` would. Raises `Conflict`, and `TargetDenied`."""
    try:
        return target.write(
            one.key,
            small.data,
            hashes=small.hashes,
            content_type=_content_type(one.entry),
            metadata=one.entry.metadata,
            headers=one.entry.headers,
            if_absent=one.if_absent,
            if_match=one.if_match,
            confirm=False,
        )
    except Denied as error:
        raise TargetDenied(str(error)) from error


def _copied(store: Store, one: Move, kinds: Collection[Kind], on_bytes: Callable[[int], None]) -> Moved:
    key, etag = one.entry.key, one.entry.etag
    entry = store.copy(key, one.key, if_absent=one.if_absent, if_match=one.if_match, if_source_match=etag)
    on_bytes(entry.bytes)
    seen = store.head(key) if kinds and not one.entry.hashes.known() else None
    return Moved(one, entry, seen.hashes if seen and seen.etag == etag else one.entry.hashes)


def _content_type(entry: Entry) -> str:
    return entry.content_type or content_type_of(entry.key)


def content_type_of(key: str) -> str:
    """What an object is by its name, where nobody says."""
    return mimetypes.guess_type(key)[0] or CONTENT_TYPE


def hashes_of(store: Store, entry: Entry, *kinds: Kind) -> Hashes:
    """The asked hashes of an object, computed from its bytes: to compare with those of `Moved`.

    Raises `NotFound`, `SourceChanged` where another version stands there, and `Damaged` where its bytes are not those
    that its store has hashes of, each time that they are read.
    """
    tries = _TRIES if entry.bytes > SMALL else 1  # a small one is read again by its store itself
    for number in range(1, tries + 1):
        try:
            with store.open(entry.key, version=entry) as reading:
                return hash_stream(reading.stream, *kinds)
        except Damaged as error:
            if number == tries:
                raise
            log.warning("%s It is read again from its start.", error)
    raise AssertionError("the last try returns or raises")


def _confirmed(target: Store, written: list[Moved]) -> Iterator[Moved]:
    reasons = target.unconfirmed(moved.entry for moved in written if moved.entry)
    for moved in written:
        reason = reasons.get(moved.move.key)
        yield Moved(moved.move, fault=StoreError(f"{moved.move.key}: {reason}.")) if reason else moved


class TargetDenied(Denied):
    """The target may not be written: unlike a source that may not be read, that is hardly one object's fault."""


class _Feed:
    """Hands out the moves one after the other, as long as the objects under way fit into memory."""

    def __init__(self, moves: Iterable[Move]) -> None:
        self._moves = iter(moves)
        self._turn = threading.Lock()  # a listing is not for several threads
        self._room = Room()
        self._stopped = False
        self._counting = threading.Lock()
        self._row = 0
        self._any = False

    @contextmanager
    def one(self) -> Iterator[Move | None]:
        """The next move, with room for it until the block ends; None at the end."""
        with ExitStack() as taken:
            with self._turn:
                one = None if self._stopped else next(self._moves, None)
                if one is not None:
                    taken.enter_context(self._room.taken(one.entry.bytes))
            yield one

    def done(self, fault: Exception | None) -> int:
        """Note what became of a move; returns how many in a row met a fault that the next ones will meet."""
        with self._counting:
            self._any = self._any or fault is None
            hopeless = isinstance(fault, Unavailable) or (isinstance(fault, TargetDenied) and not self._any)
            self._row = self._row + 1 if hopeless else 0
            return self._row

    def stop(self) -> None:
        """Hand out nothing more."""
        self._stopped = True
