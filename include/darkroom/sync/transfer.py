"""One file after the other: read once, checked, uploaded; what stands in its way goes aside first."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from darkroom.aside import Aside
from darkroom.errors import Conflict, ItemError, NotFound, SourceChanged, StoreError
from darkroom.failures import StepFailed, WriteFailed
from darkroom.jobs import Outcome, Output, State, again
from darkroom.store import Entry, Store
from darkroom.store.folder_paths import Paths
from darkroom.store.hashes import Hashes
from darkroom.store.room import Room
from darkroom.store.transfer import content_type_of, hashes_of
from darkroom.sync.cache import Known
from darkroom.sync.decision import Action, is_same
from darkroom.sync.job import SyncItem
from darkroom.sync.look import SMALL, Looked, SteadyFile, look, opened
from darkroom.sync.rules import Checker
from darkroom.sync.scan import is_there

_CHANGED = f"changed since plan; {again('plan')}"
_HELD = "It stays in the bucket: it was not approved that it be removed."


@dataclass(frozen=True, slots=True)
class Line:
    """What a job's items need. `do` may be called from many threads: `room` holds large files back.

    `aside` is None where what is replaced or removed is not kept. `note` is told what a file was found to be.
    """

    folder: Paths
    target: Store
    aside: Aside | None
    checker: Checker
    room: Room
    note: Callable[[Known], None]
    approved: Callable[[], bool]

    def do(self, item: SyncItem) -> Outcome:
        """Upload a file, or remove the object of one that is gone. A failure is the item's own."""
        began = time.monotonic()
        try:
            if item.action is Action.REMOVE:
                became = self._removed(item)
            else:
                with self.room.taken(item.bytes):
                    became = self._uploaded(item)
        except StepFailed as failure:
            became = self._failed(item, str(failure), failure.kind)
        except SourceChanged as error:
            became = self._failed(item, str(error).rstrip("."), "download")
        except Conflict:
            became = self._failed(item, str(_elsewhere(self.target, item)), "write")
        except StoreError as error:
            became = self._failed(item, str(error).rstrip("."), "write")
        return became.model_copy(update={"seconds": round(time.monotonic() - began, 3)})

    def _uploaded(self, item: SyncItem) -> Outcome:
        with opened(self.folder.of(item.key), item.version) as file:
            found = self._looked(item, file)
            if found.reason:
                raise ItemError(found.reason)
            if item.standing and found.md5 in (item.standing.etag, item.standing.md5):  # which the plan could not know
                return Outcome(item=item.name, group=item.group, state=State.SKIPPED)
            stands = self.target.head(item.key) if item.standing else None
            if stands and self._is_same(item, stands, found.md5):
                return self._kept(item, stands, found.md5)
            if stands:
                self._require_planned(item, stands)
            aside = (self.aside.set_aside(stands),) if stands and self.aside else ()
            try:
                written = self._written(item, found, file, stands)
            except Conflict:
                now = self.target.head(item.key)
                if now is None or not self._is_same(item, now, found.md5):
                    raise
                return self._kept(item, now, found.md5)
        if written.hashes.contradicts(Hashes(md5=found.md5)):
            raise WriteFailed("the bucket has other bytes than were sent")
        notes = (f"It was replaced; what stood there is {aside[0].key}.",) if aside else ()
        return Outcome(
            item=item.name,
            group=item.group,
            state=State.DONE,
            outputs=(self._output(written, found.md5), *aside),
            bytes=item.bytes,
            notes=notes,
        )

    def _looked(self, item: SyncItem, file: SteadyFile) -> Looked:
        """What a file is. A large one of which all is known is not read for that alone."""
        if item.md5 and not item.check and item.bytes > SMALL:
            return Looked(item.md5)
        found = look(file, item.bytes, self.checker if item.check else None)
        checked = self.checker.digest if item.check or not self.checker.needs_content else ""
        if checked or not item.md5:
            self.note(Known(item.key, item.version, found.md5, checked, found.reason))
        return found

    def _require_planned(self, item: SyncItem, stands: Entry) -> None:
        """Raise `WriteFailed` where something else stands than the plan saw."""
        if not _is_planned(item, stands):
            raise _elsewhere(self.target, item)

    def _kept(self, item: SyncItem, stands: Entry, md5: str) -> Outcome:
        """What stands has the file's bytes: as when it was planned, or a try before or a worker beside wrote it."""
        state = State.SKIPPED if _is_planned(item, stands) else State.DONE
        kept = self._output(stands, md5, written=False)
        return Outcome(item=item.name, group=item.group, state=state, outputs=(kept,))

    def _is_same(self, item: SyncItem, stands: Entry, md5: str) -> bool:
        """By what is known of exactly this object; where nobody vouches for it, it is read."""
        known = item.standing.md5 if item.standing and _is_planned(item, stands) else ""
        same = is_same(item.bytes, md5, stands, known)
        return hashes_of(self.target, stands, "md5").md5 == md5 if same is None else same

    def _written(self, item: SyncItem, found: Looked, file: SteadyFile, stands: Entry | None) -> Entry:
        body: bytes | BinaryIO
        if found.data is None:
            file.seek(0)
            body = cast(BinaryIO, file)
        else:
            body = found.data
        return self.target.write(
            item.key,
            body,
            size=item.bytes,
            content_type=content_type_of(item.key),
            hashes=Hashes(md5=found.md5),
            if_absent=stands is None,
            if_match=stands.etag if stands else None,
            confirm=False,
        )

    def _removed(self, item: SyncItem) -> Outcome:
        """Put the object of a file that is gone aside, and then remove it; only what the plan saw."""
        if item.held and not self.approved():
            return Outcome(item=item.name, group=item.group, state=State.SKIPPED, reason=_HELD)
        assert item.standing
        outputs: list[Output] = []
        self._require_gone(item)
        try:
            if stands := self.target.head(item.key):
                self._require_planned(item, stands)
                if self.aside:
                    outputs.append(self.aside.set_aside(stands))
                self.target.delete(item.key, if_match=stands.etag)
        except (Conflict, NotFound):
            if self.target.head(item.key):
                raise
            # somebody else removed it in the meantime: gone is what was wanted
        removed = {"recipe": item.standing.etag, "etag": item.standing.etag, "bytes": 0, "removed": True}
        outputs.append(Output(key=item.key, store=self.target.uri, **removed))
        notes = tuple(f"It was removed; what stood there is {one.key}." for one in outputs if not one.removed)
        return Outcome(item=item.name, group=item.group, state=State.DONE, outputs=tuple(outputs), notes=notes)

    def _require_gone(self, item: SyncItem) -> None:
        """Raise `_Back` where there is such a file again, and `WriteFailed` where nobody can say."""
        with suppress(StoreError):  # a key that a folder cannot hold
            path = Path(self.folder.of(item.key))
            if path.exists() and not path.is_dir() and is_there(self.folder.root, item.key):  # a folder is no file
                raise _Back(f"there is such a file again; {again('plan')}")
        if not Path(self.folder.root).is_dir():
            raise WriteFailed(f"{self.folder.root} is not there any more: nothing is removed; is the drive mounted?")

    def _output(self, entry: Entry, md5: str, *, written: bool = True) -> Output:
        stands = {"key": entry.key, "etag": entry.etag, "bytes": entry.bytes, "hashes": {"md5": md5}}
        return Output(**stands, recipe=md5, store=self.target.uri, written=written)

    def _failed(self, item: SyncItem, reason: str, kind: str) -> Outcome:
        return Outcome(
            item=item.name, group=item.group, state=State.FAILED, reason=reason, kind=kind, where=self._where(item)
        )

    def _where(self, item: SyncItem) -> str:
        return f"{self.folder.root}/{item.key}"


class _Back(StepFailed):
    """A file is there again."""

    kind = "download"


def _is_planned(item: SyncItem, stands: Entry) -> bool:
    """Is it what the plan saw?"""
    return item.standing is not None and item.standing.etag == stands.etag


def _elsewhere(target: Store, item: SyncItem) -> WriteFailed:
    return WriteFailed(
        f"{target.uri_of(item.key)}: somebody else wrote it since the plan, and nothing of theirs was touched; see who "
        "writes there, and run again"
    )
