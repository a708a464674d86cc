"""Move many objects from one store to another: many at once, in memory that does not grow, each proven."""

import logging
import mimetypes
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue
from typing import BinaryIO, cast

from darkroom.errors import Damaged, StoreError
from darkroom.store.base import CONTENT_TYPE, Entry, Reading, Store
from darkroom.store.streams import CountedStream

log = logging.getLogger(__name__)

_TRIES = 3  # of one object that comes through damaged
_BUDGET = 48 << 20  # bytes of objects in memory at once; one larger than that, which streams, moves alone
_BATCH = 1000  # objects that are confirmed together: a page of a listing


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of one object: `bytes` that now stand in the target, or the reason why they do not."""

    key: str
    bytes: int
    reason: str = ""


def transfer(
    source: Store, target: Store, entries: Iterable[Entry], *, on_bytes: Callable[[int], None] = lambda _: None
) -> Iterator[Moved]:
    """Copy the objects that `entries` names, under the same keys; yields each once it is confirmed, in no order.

    What the source knows of an object's hashes is checked while it is read, and the target checks what it is sent: one
    that differs is not published. A failure is the object's own and does not stop the others; `BadInput`,
    such as missing credentials, does. `on_bytes` is told of
    bytes as they are read, from several threads.
    """
    workers = max(source.concurrency, target.concurrency)
    budget = _Budget(_BUDGET)
    results: SimpleQueue[Entry | Moved | Exception] = SimpleQueue()
    written: list[Entry] = []

    def move(entry: Entry, cost: int) -> None:
        try:
            results.put(_move_again(source, target, entry.key, on_bytes))
        except (StoreError, OSError) as error:
            results.put(Moved(entry.key, 0, str(error)))
        except Exception as error:  # noqa: BLE001 -- not this object's fault: it is raised where the results are taken
            results.put(error)
        finally:
            budget.release(cost)

    def settle() -> Iterator[Moved]:
        result = results.get()
        if isinstance(result, Exception):
            raise result
        if isinstance(result, Moved):
            yield result
            return
        written.append(result)
        if len(written) == _BATCH:
            yield from _confirmed(target, written)
            written.clear()

    pool = ThreadPoolExecutor(workers, thread_name_prefix="transfer")
    try:
        under_way = 0
        for entry in entries:
            cost = min(entry.bytes, _BUDGET)
            budget.acquire(cost)
            pool.submit(move, entry, cost)
            under_way += 1
            if under_way == 2 * workers:
                yield from settle()
                under_way -= 1
        for _ in range(under_way):
            yield from settle()
        yield from _confirmed(target, written)
    finally:
        pool.shutdown(cancel_futures=True)


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
        return target.write(
            key,
            cast(BinaryIO, CountedStream(reading.stream, on_bytes)),
            size=reading.entry.bytes,
            content_type=_content_type(reading),
            metadata=reading.entry.metadata,
            confirm=False,
        )


def _content_type(reading: Reading) -> str:
    return reading.entry.content_type or mimetypes.guess_type(reading.entry.key)[0] or CONTENT_TYPE


class _Budget:
    """Bytes that may be in memory; who asks for more than is left waits, first come, first served."""

    def __init__(self, total: int) -> None:
        self._left = total
        self._freed = threading.Condition()

    def acquire(self, cost: int) -> None:
        with self._freed:
            self._freed.wait_for(lambda: self._left >= cost)
            self._left -= cost

    def release(self, cost: int) -> None:
        with self._freed:
            self._left += cost
            self._freed.notify()
