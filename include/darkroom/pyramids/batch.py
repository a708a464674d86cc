"""Many pyramids: while some are decoded and written, others are fetched and published, within one measure of memory."""

import hashlib
import logging
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from darkroom.errors import BadInput, StoreError
from darkroom.failures import DecodeFailed, Gone, StepFailed, Taken, WriteFailed
from darkroom.imaging.formats import Format
from darkroom.imaging.opening import look
from darkroom.imaging.source import Source, said
from darkroom.jobs import Outcome, Output, State
from darkroom.ownership import NotOurs, publish
from darkroom.pyramids import job
from darkroom.pyramids.fetching import Origin, Stored, fetched
from darkroom.pyramids.make import make_pyramid
from darkroom.pyramids.names import copy_beside
from darkroom.pyramids.profiles import Profile
from darkroom.pyramids.proof import same_image
from darkroom.store import Entry, Store
from darkroom.workspace import place, workspace

log = logging.getLogger(__name__)

_MOVING = 4  # items that are fetched or published while others are made
_WINDOW = 200 << 20  # bytes that it takes to decode and write any image, beside what its format holds


@dataclass(frozen=True, slots=True)
class Limits:
    """What a line may use: cores, bytes of memory for decoding, pixels of one source."""

    workers: int
    memory: int
    max_pixels: int


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

    def make(self, item: job.PyramidItem, origin: Origin) -> Outcome:
        """Make the pyramid of an item whose image lies at `origin`. A failure is the item's own.

        Of a PDF, the copy beside it is the last of the outputs, and stands also where its pyramid failed.
        """
        began = time.monotonic()
        outputs: list[Output] = []
        try:
            became = self._made(item, origin, outputs)
        except StepFailed as failure:
            became = _not_made(item, failure)
        except Exception as error:  # hostile bytes bring libraries to any error, and the other images go on
            log.warning("An error that nobody foresaw: %s", item.name, exc_info=True)
            became = _not_made(item, DecodeFailed(f"it brought an error that nobody foresaw: {said(error)}"))
        seconds = round(time.monotonic() - began, 3)
        return Outcome(item=item.name, group=item.group, outputs=tuple(reversed(outputs)), seconds=seconds, **became)

    def _made(self, item: job.PyramidItem, origin: Origin, outputs: list[Output]) -> dict[str, Any]:
        """Make and publish; adds to `outputs` what stands. Returns what its outcome says of it."""
        with fetched(origin, self._folder) as file, place(self._folder) as pyramid:
            source = look(file, self._limits.max_pixels)
            self._require_room(source)
            with self._turns.taken(_WINDOW + source.held + source.wide):
                made = make_pyramid(source, pyramid, self._profile, cap=item.cap)
            written, copy = False, copy_beside(item.target)
            itself = isinstance(origin, Stored) and origin.store.uri_of(origin.entry.key) == self._target.uri_of(copy)
            if source.format is Format.PDF and not itself:
                written = self._publish(item, copy, file, outputs, item.replaces_copy, "application/pdf", {})
            metadata = {"width": str(made.width), "height": str(made.height), "pages": str(made.pages)}
            written |= self._publish(item, item.target, pyramid, outputs, item.replaces, "image/tiff", metadata)
        facts = {job.WIDTH: made.width, job.HEIGHT: made.height, job.LEVELS: made.pages, job.WRITTEN: int(written)}
        facts |= {job.SOURCE_WIDTH: made.source.width, job.SOURCE_HEIGHT: made.source.height, **item.facts}
        size = sum(output.bytes for output in outputs)
        return {"state": State.DONE, "notes": made.source.notes, "bytes": size, "facts": facts}

    def _require_room(self, source: Source) -> None:
        """Raises `DecodeFailed` for rows that are so wide that a few hundred of them are more than the memory."""
        needed = _WINDOW + source.wide
        if source.wide and needed > self._limits.memory:
            raise DecodeFailed(
                f"it is {source.width:,} x {source.height:,} pixels, and takes {needed >> 20:,} MiB to be made "
                "smaller: more than DARKROOM_MEMORY; raise that, or cut it into parts"
            )

    def _publish(
        self,
        item: job.PyramidItem,
        key: str,
        file: Path,
        outputs: list[Output],
        replaces: str,
        content_type: str,
        metadata: Mapping[str, str],
    ) -> bool:
        """Add what stands at `key` now to the outputs. Was it written, or did the same bytes stand there?"""
        hashes = {"sha256": _sha256(file)}

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

        def alike(standing: Entry) -> bool:
            # ISA-L does not promise its bytes (ADR 13): two streams of one tile are both right
            if key != item.target or standing.bytes > 2 * file.stat().st_size:
                return False
            try:
                with fetched(Stored(self._target, standing), self._folder) as theirs:
                    same = same_image(file, theirs)
                    hashes["sha256"] = _sha256(theirs)
            except StepFailed:  # it is another one by now
                return False
            return same

        what = "its pyramid" if key == item.target else "the copy beside its pyramid"
        try:
            published = publish(self._target, key, file, put, replaces=replaces, alike=alike)
        except NotOurs as error:
            raise Taken(f"{what} cannot be published: {error}") from None
        except (BadInput, StoreError, OSError) as error:  # where it goes may be no folder
            raise WriteFailed(f"{what} cannot be published: {error}".rstrip(".")) from None
        stands = {"key": published.entry.key, "etag": published.entry.etag, "bytes": published.entry.bytes}
        written = published.written
        outputs.append(Output(**stands, recipe=item.recipe, hashes=hashes, source=item.source, written=written))
        return written


def _sha256(file: Path) -> str:
    with file.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()


def _not_made(item: job.PyramidItem, failure: StepFailed) -> dict[str, Any]:
    gone = isinstance(failure, Gone) and not item.place
    # what is wrong with an image, or stands in its way, is no fault of ours, and no later try mends it
    refused = failure.kind == "decode" or isinstance(failure, Taken)
    state = State.SKIPPED if gone else State.REFUSED if refused else State.FAILED
    facts = {job.GONE: 1} if gone else item.facts
    return {"state": state, "reason": str(failure), "kind": failure.kind, "facts": facts}


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
