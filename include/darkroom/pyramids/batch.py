"""Many pyramids: while some are decoded and written, others are fetched and published, within one measure of memory."""

import hashlib
import logging
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from darkroom.errors import StoreError
from darkroom.failures import DecodeFailed, StepFailed, Taken, WriteFailed
from darkroom.imaging.formats import Format
from darkroom.imaging.opening import look
from darkroom.imaging.source import Source, said
from darkroom.ownership import NotOurs, publish
from darkroom.pyramids.fetching import Origin, Stored, fetched, place
from darkroom.pyramids.make import Made, make_pyramid
from darkroom.pyramids.names import copy_beside
from darkroom.pyramids.profiles import Cap, Profile
from darkroom.pyramids.workspace import workspace
from darkroom.store import Entry, Store

log = logging.getLogger(__name__)

_MOVING = 4  # items that are fetched or published while others are made
_WINDOW = 200 << 20  # bytes that it takes to decode and write any image, beside what its format holds


@dataclass(frozen=True, slots=True)
class Item:
    """One pyramid to be made: what it is called, where its source lies, the target's key, the largest size.

    `replaces` and `replaces_copy` are the ETags of the pyramid, and of a PDF's copy beside it, that may be replaced;
    without them there must be none.
    """

    name: str
    origin: Origin
    target: str
    cap: Cap
    replaces: str = ""
    replaces_copy: str = ""


@dataclass(frozen=True, slots=True)
class Stands:
    """A file that stands at its place: its entry, the sha256 of its bytes; `written`, or did the same stand there?"""

    entry: Entry
    sha256: str
    written: bool


@dataclass(frozen=True, slots=True)
class Result:
    """What became of an item: `made` and the `pyramid` that stands, or why it was not.

    `document` is the copy of a PDF that lies beside its pyramid, also where the pyramid failed.
    """

    item: Item
    seconds: float
    made: Made | None = None
    pyramid: Stands | None = None
    document: Stands | None = None
    failure: StepFailed | None = None

    @property
    def written(self) -> bool:
        """Was anything written, or did the same bytes stand there?"""
        return any(one.written for one in (self.pyramid, self.document) if one)


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
    with pyramid_line(target, profile, limits) as line, ThreadPoolExecutor(line.at_once, "pyramid") as pool:
        running: set[Future[Result]] = set()
        try:
            while True:
                running |= {pool.submit(line.make, item) for item in islice(rest, line.at_once - len(running))}
                if not running:
                    return
                done, running = wait(running, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in done)
        finally:
            for future in running:
                future.cancel()


@contextmanager
def pyramid_line(target: Store, profile: Profile, limits: Limits) -> Iterator["PyramidLine"]:
    """A line that makes pyramids in `target`, and the temporary folder that it needs."""
    with workspace() as folder:
        yield PyramidLine(folder, target, profile, limits)


class PyramidLine:
    """What each item passes through: fetched, looked at, made, published. Called from `at_once` threads."""

    def __init__(self, folder: Path, target: Store, profile: Profile, limits: Limits) -> None:
        self._folder, self._target, self._profile, self._limits = folder, target, profile, limits
        self._turns = _Turns(limits.workers, limits.memory)
        self.at_once = limits.workers + _MOVING

    def make(self, item: Item) -> Result:
        """Make one pyramid. A failure is the item's own."""
        began = time.monotonic()
        document: Stands | None = None
        try:
            with fetched(item.origin, self._folder) as file, place(self._folder) as pyramid:
                source = look(file, self._limits.max_pixels)
                self._require_room(source)
                with self._turns.taken(_WINDOW + source.held + source.wide):
                    made = make_pyramid(source, pyramid, self._profile, cap=item.cap)
                document = self._publish_document(item, file) if source.format is Format.PDF else None
                stands = self._publish(item, made, pyramid)
        except StepFailed as failure:
            return Result(item, time.monotonic() - began, document=document, failure=failure)
        except Exception as error:  # hostile bytes bring libraries to any error, and the other images go on
            log.warning("An error that nobody foresaw: %s", item.name, exc_info=True)
            unforeseen = DecodeFailed(f"it brought an error that nobody foresaw: {said(error)}")
            return Result(item, time.monotonic() - began, failure=unforeseen)
        return Result(item, time.monotonic() - began, made, stands, document)

    def _require_room(self, source: Source) -> None:
        """Raises `DecodeFailed` for rows that are so wide that a few hundred of them are more than the memory."""
        needed = _WINDOW + source.wide
        if source.wide and needed > self._limits.memory:
            raise DecodeFailed(
                f"it is {source.width:,} x {source.height:,} pixels, and takes {needed >> 20:,} MiB to be made "
                "smaller: more than DARKROOM_MEMORY; raise that, or cut it into parts"
            )

    def _publish_document(self, item: Item, file: Path) -> Stands | None:
        """Put a PDF beside its pyramid, unless it lies there already."""
        key = copy_beside(item.target)
        origin = item.origin
        if isinstance(origin, Stored) and origin.store.uri_of(origin.entry.key) == self._target.uri_of(key):
            return None
        return self._put("the copy beside its pyramid", key, file, item.replaces_copy, "application/pdf", {})

    def _publish(self, item: Item, made: Made, pyramid: Path) -> Stands:
        metadata = {"width": str(made.width), "height": str(made.height), "pages": str(made.pages)}
        return self._put("its pyramid", item.target, pyramid, item.replaces, "image/tiff", metadata)

    def _put(
        self, what: str, key: str, file: Path, replaces: str, content_type: str, metadata: Mapping[str, str]
    ) -> Stands:
        with file.open("rb") as data:
            digest = hashlib.file_digest(data, "sha256").hexdigest()

        def put(*, if_absent: bool = False, if_match: str | None = None) -> Entry:
            with file.open("rb") as data:
                return self._target.write(
                    key,
                    data,
                    size=file.stat().st_size,
                    content_type=content_type,
                    metadata=metadata,
                    if_absent=if_absent,
                    if_match=if_match,
                )

        try:
            published = publish(self._target, key, file, put, replaces=replaces)
            return Stands(published.entry, digest, published.written)
        except NotOurs as error:
            raise Taken(f"{what} cannot be published: {error}") from None
        except (StoreError, OSError) as error:
            raise WriteFailed(f"{what} cannot be published: {error}".rstrip(".")) from None


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
