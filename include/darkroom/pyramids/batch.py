"""Many pyramids: while some are decoded and written, others are fetched and published, within one measure of memory."""

import hashlib
import logging
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath

from darkroom.errors import StoreError
from darkroom.pyramids.failures import DecodeFailed, PyramidFailed, WriteFailed
from darkroom.pyramids.fetching import Origin, Stored, fetched, place
from darkroom.pyramids.formats import Format
from darkroom.pyramids.make import Made, make_pyramid
from darkroom.pyramids.opening import look, said
from darkroom.pyramids.profiles import Cap, Profile
from darkroom.pyramids.workspace import workspace
from darkroom.store import Entry, Store

log = logging.getLogger(__name__)

_MOVING = 4  # items that are fetched or published while others are made
_WINDOW = 200 << 20  # bytes that it takes to decode and write any image, beside what its format holds


@dataclass(frozen=True, slots=True)
class Item:
    """One pyramid to be made: what it is called, where its source lies, the target's key, the largest size."""

    name: str
    origin: Origin
    target: str
    cap: Cap


@dataclass(frozen=True, slots=True)
class Result:
    """What became of an item: `made` with the published `entry` and the sha256 of its bytes, or why it was not.

    `document` is the copy of a PDF that lies beside its pyramid.
    """

    item: Item
    seconds: float
    made: Made | None = None
    entry: Entry | None = None
    digest: str = ""
    document: Entry | None = None
    failure: PyramidFailed | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """What a batch may use: cores, bytes of memory for decoding, pixels of one source."""

    workers: int
    memory: int
    max_pixels: int


def make_pyramids(items: Iterable[Item], target: Store, profile: Profile, limits: Limits) -> Iterator[Result]:
    """Make the pyramids of `items` in `target`; yields each when it is published or has failed, in no order.

    A failure is the item's own. What is fetched lies in a temporary folder, a few items at a time.
    """
    rest = iter(items)
    with workspace() as folder, ThreadPoolExecutor(limits.workers + _MOVING, "pyramid") as pool:
        line = _Line(folder, target, profile, limits)
        running: set[Future[Result]] = set()
        try:
            while True:
                room = limits.workers + _MOVING - len(running)
                running |= {pool.submit(line.make, item) for item in islice(rest, room)}
                if not running:
                    return
                done, running = wait(running, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in done)
        finally:
            for future in running:
                future.cancel()


class _Line:
    """What each item passes through: fetched, looked at, made, published."""

    def __init__(self, folder: Path, target: Store, profile: Profile, limits: Limits) -> None:
        self._folder, self._target, self._profile, self._limits = folder, target, profile, limits
        self._turns = _Turns(limits.workers, limits.memory)

    def make(self, item: Item) -> Result:
        began = time.monotonic()
        try:
            with fetched(item.origin, self._folder) as file, place(self._folder) as pyramid:
                source = look(file, self._limits.max_pixels)
                with self._turns.taken(_WINDOW + source.held):
                    made = make_pyramid(source, pyramid, self._profile, cap=item.cap)
                document = self._publish_document(item, file) if source.format is Format.PDF else None
                entry, digest = self._publish(item, made, pyramid)
        except PyramidFailed as failure:
            return Result(item, time.monotonic() - began, failure=failure)
        except Exception as error:  # hostile bytes bring libraries to any error, and the other images go on
            log.warning("An error that nobody foresaw: %s", item.name, exc_info=True)
            unforeseen = DecodeFailed(f"it brought an error that nobody foresaw: {said(error)}")
            return Result(item, time.monotonic() - began, failure=unforeseen)
        return Result(item, time.monotonic() - began, made, entry, digest, document)

    def _publish_document(self, item: Item, file: Path) -> Entry | None:
        """Put a PDF beside its pyramid, unless it lies there already."""
        key = str(PurePosixPath(item.target).with_suffix(".pdf"))
        origin = item.origin
        if isinstance(origin, Stored) and origin.store.uri_of(origin.entry.key) == self._target.uri_of(key):
            return None
        try:
            with file.open("rb") as data:
                return self._target.write(key, data, size=file.stat().st_size, content_type="application/pdf")
        except (StoreError, OSError) as error:
            raise WriteFailed(f"the copy beside its pyramid cannot be published: {error}".rstrip(".")) from None

    def _publish(self, item: Item, made: Made, pyramid: Path) -> tuple[Entry, str]:
        metadata = {"width": str(made.width), "height": str(made.height), "pages": str(made.pages)}
        try:
            with pyramid.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
                file.seek(0)
                size = pyramid.stat().st_size
                entry = self._target.write(item.target, file, size=size, content_type="image/tiff", metadata=metadata)
        except (StoreError, OSError) as error:
            raise WriteFailed(f"its pyramid cannot be published: {error}".rstrip(".")) from None
        return entry, digest


class _Turns:
    """Lets as many at once decode as there are cores, and as fit into memory; one that never fits goes alone."""

    def __init__(self, workers: int, memory: int) -> None:
        self._workers, self._memory, self._all = workers, memory, memory
        self._changed = threading.Condition()

    @contextmanager
    def taken(self, cost: int) -> Iterator[None]:
        cost = min(cost, self._all)
        with self._changed:
            self._changed.wait_for(lambda: self._workers > 0 and self._memory >= cost)
            self._workers, self._memory = self._workers - 1, self._memory - cost
        try:
            yield
        finally:
            with self._changed:
                self._workers, self._memory = self._workers + 1, self._memory + cost
                self._changed.notify_all()
