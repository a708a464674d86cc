"""Move many objects from one store to another: many at once, in memory that does not grow, each proven."""

import logging
import mimetypes
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from queue import Queue
from typing import BinaryIO, cast

from darkroom.errors import Damaged, Denied, StoreError, Unavailable
from darkroom.store.base import CONTENT_TYPE, Entry, Reading, Store
from darkroom.store.streams import CountedStream

log = logging.getLogger(__name__)

_TRIES = 3  # of one object that comes through damaged
_BUDGET = 48 << 20  # bytes of objects in memory at once; one larger than that, which streams, moves alone
_GATHERED = 16  # results that a thread hands over together: each time wakes the other side
_BATCH = 5000  # objects that are confirmed together, by some pages of a listing


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of one object: `bytes` that now stand in the target, or the reason why they do not."""

    key: str
    bytes: int
    reason: str = ""
    denied: bool = False
    """Is the reason that the target may not be written there?"""


def transfer(
    source: Store, target: Store, entries: Iterable[Entry], *, on_bytes: Callable[[int], None] = lambda _: None
) -> Iterator[Moved]:
    """Copy the objects that `entries` names, under the same keys; yields each once it is confirmed, in no order.

    What the source knows of an object's hashes is checked while it is read, and the target checks what it is sent: one
    that differs is not published. A failure is the object's own and does not stop the others; `BadInput`, such as
    missing credentials, does, and so does `Unavailable` once it met as many objects in a row as there are threads, and
    `Denied` by the target, once it met as many and nothing was moved before.
    `on_bytes` is told of bytes as they are read, from several threads.
    """
    workers = max(source.concurrency, target.concurrency)
    results: Queue[list[Entry | Moved] | Exception | None] = Queue(4 * workers)
    feed = _Feed(entries)

    def work() -> None:
        gathered: list[Entry | Moved] = []
        try:
            while entry := feed.take():
                fault: Exception | None = None
                try:
                    gathered.append(_move_again(source, target, entry.key, on_bytes))
                except (StoreError, OSError) as error:
                    fault = error
                    gathered.append(Moved(entry.key, 0, str(error), isinstance(error, _Shut)))
                finally:
                    hopeless = feed.done(entry, fault) >= workers
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

    threads = [threading.Thread(target=work, name=f"transfer-{number}", daemon=True) for number in range(workers)]
    for thread in threads:
        thread.start()
    running, written = workers, list[Entry]()
    try:
        while running:
            result = results.get()
            if isinstance(result, Exception):
                raise result
            running -= result is None
            for moved in result or ():
                if isinstance(moved, Moved):
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


def _confirmed(target: Store, written: list[Entry]) -> Iterator[Moved]:
    reasons = target.unconfirmed(written)
    for entry in written:
        reason = reasons.get(entry.key, "")
        yield Moved(entry.key, 0 if reason else entry.bytes, reason and f"{entry.key}: {reason}.")


def _move_again(source: Store, target: Store, key: str, on_bytes: Callable[[int], None]) -> Entry:
    for _ in range(_TRIES - 1):
        try:
            return _move(source, target, key, on_bytes)
        except Damaged as error:
            log.warning("%s It is moved again from its start.", error)
    return _move(source, target, key, on_bytes)


def _move(source: Store, target: Store, key: str, on_bytes: Callable[[int], None]) -> Entry:
    with source.open(key) as reading:
        try:
            return target.write(
                key,
                cast(BinaryIO, CountedStream(reading.stream, on_bytes)),
                size=reading.entry.bytes,
                content_type=_content_type(reading),
                metadata=reading.entry.metadata,
                confirm=False,
            )
        except Denied as error:
            raise _Shut(str(error)) from error


def _content_type(reading: Reading) -> str:
    return reading.entry.content_type or mimetypes.guess_type(reading.entry.key)[0] or CONTENT_TYPE


class _Shut(Denied):
    """The target may not be written: unlike a source that may not be read, that is hardly one object's fault."""


class _Feed:
    """Hands out the entries one after the other, as long as the objects under way fit into memory."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._entries = iter(entries)
        self._turn = threading.Lock()  # a listing is not for several threads, and a large object waits in line
        self._left = _BUDGET
        self._freed = threading.Condition()
        self._stopped = False
        self._row = 0
        self._any = False

    def take(self) -> Entry | None:
        """The next entry, once there is room for it; None at the end."""
        with self._turn:
            entry = None if self._stopped else next(self._entries, None)
            if entry is not None:
                with self._freed:
                    self._freed.wait_for(lambda: self._left >= _cost(entry))
                    self._left -= _cost(entry)
            return entry

    def done(self, entry: Entry, fault: Exception | None) -> int:
        """Give back the room of an entry; returns how many in a row met a fault that the next ones will meet."""
        with self._freed:
            self._left += _cost(entry)
            self._freed.notify()
            self._any = self._any or fault is None
            hopeless = isinstance(fault, Unavailable) or (isinstance(fault, _Shut) and not self._any)
            self._row = self._row + 1 if hopeless else 0
            return self._row

    def stop(self) -> None:
        """Hand out nothing more."""
        self._stopped = True


def _cost(entry: Entry) -> int:
    return min(entry.bytes, _BUDGET)
