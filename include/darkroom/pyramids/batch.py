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
from darkroom.ownership import NotOurs, Published, publish
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
class Result:
    """What became of an item: `made` with the published `entry` and the sha256 of its bytes, or why it was not.

    `document` is the copy of a PDF that lies beside its pyramid, also where the pyramid failed. `written`: was anything
    written, or did the same bytes stand there?
    """

    item: Item
    seconds: float
    made: Made | None = None
    entry: Entry | None = None
    digest: str = ""
    document: Entry | None = None
    written: bool = False
    failure: StepFailed | None = None


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
        document: Published | None = None
        try:
            with fetched(item.origin, self._folder) as file, place(self._folder) as pyramid:
                source = look(file, self._limits.max_pixels)
                self._require_room(source)
                with self._turns.taken(_WINDOW + source.held + source.wide):
                    made = make_pyramid(source, pyramid, self._profile, cap=item.cap)
                document = self._publish_document(item, file) if source.format is Format.PDF else None
                published, digest = self._publish(item, made, pyramid)
        except StepFailed as failure:
            stands = document.entry if document else None
            return Result(item, time.monotonic() - began, document=stands, failure=failure)
        except Exception as error:  # hostile bytes bring libraries to any error, and the other images go on
            log.warning("An error that nobody foresaw: %s", item.name, exc_info=True)
            unforeseen = DecodeFailed(f"it brought an error that nobody foresaw: {said(error)}")
            return Result(item, time.monotonic() - began, failure=unforeseen)
        return Result(
            item,
            time.monotonic() - began,
            made,
            published.entry,
            digest,
            document.entry if document else None,
            written=published.written or bool(document and document.written),
        )

    def _require_room(self, source: Source) -> None:
        """Raises `DecodeFailed` for rows that are so wide that a few hundred of them are more than the memory."""
        needed = _WINDOW + source.wide
        if source.wide and needed > self._limits.memory:
            raise DecodeFailed(
                f"it is {source.width:,} x {source.height:,} pixels, and takes {needed >> 20:,} MiB to be made "
                "smaller: more than DARKROOM_MEMORY; raise that, or cut it into parts"
            )

    def _publish_document(self, item: Item, file: Path) -> Published | None:
        """Put a PDF beside its pyramid, unless it lies there already."""
        key = copy_beside(item.target)
        origin = item.origin
        if isinstance(origin, Stored) and origin.store.uri_of(origin.entry.key) == self._target.uri_of(key):
            return None
        return self._put("the copy beside its pyramid", key, file, item.replaces_copy, "application/pdf", {})

    def _publish(self, item: Item, made: Made, pyramid: Path) -> tuple[Published, str]:
        metadata = {"width": str(made.width), "height": str(made.height), "pages": str(made.pages)}
        with pyramid.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return self._put("its pyramid", item.target, pyramid, item.replaces, "image/tiff", metadata), digest

    def _put(
        self, what: str, key: str, file: Path, replaces: str, content_type: str, metadata: Mapping[str, str]
    ) -> Published:
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
            return publish(self._target, key, file, put, replaces=replaces)
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
