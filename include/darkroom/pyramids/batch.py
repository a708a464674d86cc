"""Many pyramids: while some are decoded and written, others are fetched and published, within one measure of memory."""

import hashlib
import shutil
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from urllib.parse import unquote, urlsplit

from darkroom.amounts import human_bytes
from darkroom.errors import StoreError
from darkroom.pyramids.failures import DownloadFailed, PyramidFailed, WriteFailed
from darkroom.pyramids.make import Made, make_pyramid
from darkroom.pyramids.opening import look
from darkroom.pyramids.profiles import Cap, Profile
from darkroom.pyramids.workspace import workspace
from darkroom.store import Entry, Store

_MOVING = 4  # items that are fetched or published while others are made
_ROOM = 256 << 20  # bytes of disk that have to be left beside what an item needs: its pyramid, and others' files
_WINDOW = 200 << 20  # bytes that it takes to decode and write any image, beside what its format holds


@dataclass(frozen=True, slots=True)
class Item:
    """One pyramid to be made: a source in a store, the target's key in another, the largest size."""

    store: Store
    source: Entry
    target: str
    cap: Cap


@dataclass(frozen=True, slots=True)
class Result:
    """What became of an item: `made` with the published `entry` and the sha256 of its bytes, or why it was not."""

    item: Item
    seconds: float
    made: Made | None = None
    entry: Entry | None = None
    digest: str = ""
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
            with self._fetched(item) as file, self._place() as pyramid:
                source = look(file, self._limits.max_pixels)
                with self._turns.taken(_WINDOW + source.held):
                    made = make_pyramid(source, pyramid, self._profile, cap=item.cap)
                entry, digest = self._publish(item, made, pyramid)
        except PyramidFailed as failure:
            return Result(item, time.monotonic() - began, failure=failure)
        return Result(item, time.monotonic() - began, made, entry, digest)

    @contextmanager
    def _fetched(self, item: Item) -> Iterator[Path]:
        """The source as a file: itself where it is one, otherwise a temporary copy."""
        uri = item.store.uri_of(item.source.key)
        if uri.startswith("file://"):
            yield Path(unquote(urlsplit(uri).path))
            return
        self._require_room(item.source.bytes)
        with self._place() as file:
            try:
                with item.store.open(item.source.key) as reading, file.open("wb") as copy:
                    shutil.copyfileobj(reading.stream, copy, 1 << 20)
            except (StoreError, OSError) as error:
                raise DownloadFailed(f"it cannot be fetched: {error}".rstrip(".")) from None
            yield file

    def _require_room(self, size: int) -> None:
        free = shutil.disk_usage(self._folder).free
        if free < size + _ROOM:
            raise DownloadFailed(
                f"there is no room for it: it needs {human_bytes(size + _ROOM)} in {self._folder.parent} (TMPDIR), "
                f"which has {human_bytes(free)}"
            )

    @contextmanager
    def _place(self) -> Iterator[Path]:
        """A free name in the workspace; what lies there is gone afterwards."""
        path = self._folder / f"{threading.get_ident()}-{time.monotonic_ns()}"
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)

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
