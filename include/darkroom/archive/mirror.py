"""One object after the other: what stands there is archived, then replaced, and all of it proven (docs/archive.md)."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime

from darkroom.archive.decision import NOT_REPLACED, Action, Step, steps
from darkroom.archive.job import ArchiveItem, Original, source_of
from darkroom.archive.versions import Archive
from darkroom.errors import Conflict, Damaged, ItemError, NotFound, SourceChanged, StoreError
from darkroom.failures import Kind, Mismatch, StepFailed, WriteFailed
from darkroom.jobs import Outcome, Output, State, again
from darkroom.proof import KINDS, Verify, prove, require
from darkroom.store import Entry, Store
from darkroom.store.hashes import Hashes
from darkroom.store.room import Room
from darkroom.store.transfer import Move, Small, hashes_of, move, read_small, write_small

_CHANGED = f"changed since plan: another version of it is there now; {again('plan')}"
_OF_A_NEW_ONE = 2  # outputs: the copy and its version
_LOOKS = 2  # at what stands in an object's way
_GONE = f"it is not there any more; {again('plan')}"


class _Stands(StoreError):
    """Something else stands in the target than what may be written over: it is to be looked at."""


@dataclass(frozen=True, slots=True)
class Mirror:
    """A pair's stores. `do` may be called from many threads: `room` holds large objects back."""

    source: Store
    target: Store
    archive: Archive | None
    verify: Verify
    room: Room

    def do(self, item: ArchiveItem) -> Outcome:
        """Mirror one object, or remove the copy of one that is gone. A failure is the item's own."""
        began = time.monotonic()
        try:
            with self.room.taken(item.bytes):
                became = self._mirrored(item, item.original) if item.original else self._removed(item)
        except StepFailed as failure:
            became = self._failed(item, str(failure), failure.kind)
        except Damaged as damage:
            became = self._failed(item, str(damage).rstrip("."), Mismatch.kind)
        except _Stands:
            became = self._failed(item, str(_elsewhere(self.target, item)), "write")
        except SourceChanged:
            became = self._failed(item, _CHANGED, "download")
        except NotFound:
            became = self._failed(item, _GONE, "download")
        except StoreError as error:
            became = self._failed(item, str(error).rstrip("."), "write")
        return became.model_copy(update={"seconds": round(time.monotonic() - began, 3)})

    def _mirrored(self, item: ArchiveItem, original: Original) -> Outcome:
        """Mirror an object. What stands in its way is looked at: another worker may have written it."""
        if item.action is Action.COPY:  # the plan saw nothing there
            with suppress(_Stands):
                return self._done(item, self._copied(item, original, None))
        for _ in range(_LOOKS - 1):
            with suppress(_Stands):
                return self._done(item, self._looked(item, original, self.target.head(item.target)))
        return self._done(item, self._looked(item, original, self.target.head(item.target)))

    def _looked(self, item: ArchiveItem, original: Original, stands: Entry | None) -> list[Output]:
        """The steps that `decision.steps` says, each followed by its proof; the ledger comes after all of them."""
        if stands is None:
            return self._copied(item, original, None)
        with _standing_still():
            hashes, proven = self._hashes(item, stands)
        same = self._is_same(original, stands, hashes)
        if not same and (item.standing is None or item.standing.etag != stands.etag):
            raise _elsewhere(self.target, item)
        if same and not proven:
            with _standing_still():
                prove(self.target, stands, hashes, self.verify)
        copy = self._output(self.target, stands, hashes, source_of(item.source, original.entry.version), written=False)
        if self.archive is None:
            if not same:
                raise ItemError(NOT_REPLACED)
            return [copy]
        found = self._found(self.archive, item, hashes, stands)
        versions = [self._output(self.archive.store, found, hashes, written=False)] if found else []
        todo = steps(stands=True, same=same, archived=found is not None)
        if Step.ARCHIVE_STANDING in todo:
            since = original.modified if same else stands.modified
            versions.append(self._archived(self.archive, stands, since, hashes))
        if Step.WRITE in todo:
            return [*self._copied(item, original, stands), *versions]  # the last one is what stood there before
        return [copy, *versions]

    def _done(self, item: ArchiveItem, outputs: Sequence[Output]) -> Outcome:
        size = sum(output.bytes for output in outputs if output.written)
        notes = (f"It was replaced; what stood there is {outputs[-1].key}.",) if len(outputs) > _OF_A_NEW_ONE else ()
        return Outcome(
            item=item.name, group=item.group, state=State.DONE, outputs=tuple(outputs), bytes=size, notes=notes
        )

    def _hashes(self, item: ArchiveItem, stands: Entry) -> tuple[Hashes, bool]:
        """Those of what stands: the ledger's, if that knows exactly this version; else the store's, else computed.

        What is to be proven is read, whatever anybody knows of it. Are they proven? The store's word is not enough: a
        run that was killed, or that found other bytes than it wrote, leaves an object behind which says the same of
        itself as a good one.
        """
        if item.action is Action.PROVE:
            found = hashes_of(self.target, stands, *KINDS)
            if item.standing and item.standing.etag == stands.etag:
                require(self.target.uri_of(stands.key), found, Hashes(md5=item.standing.md5))
            return found, True
        if item.standing and item.standing.md5 and item.standing.etag == stands.etag:
            return Hashes(md5=item.standing.md5), True
        if stands.hashes.md5:
            return stands.hashes, False
        return hashes_of(self.target, stands, *KINDS), True

    def _found(self, archive: Archive, item: ArchiveItem, hashes: Hashes, stands: Entry) -> Entry | None:
        """The archive's version of what stands, proven: before it is relied upon, or anew. Raises `Mismatch`."""
        held = archive.find(item.target, hashes.md5, stands.bytes)
        if held and (item.action is Action.PROVE or not held.proven):
            prove(archive.store, held.entry, hashes, self.verify)
        return held.entry if held else None

    def _is_same(self, original: Original, stands: Entry, hashes: Hashes) -> bool:
        """Has what stands the content of the object? Where the source has no MD5 of it, it is computed if need be."""
        if original.md5:
            return original.md5 == hashes.md5
        entry = original.entry
        if entry.bytes != stands.bytes or entry.hashes.contradicts(hashes):
            return False
        return hashes_of(self.source, entry, *KINDS).md5 == hashes.md5

    def _copied(self, item: ArchiveItem, original: Original, stands: Entry | None) -> list[Output]:
        """Write the object over what stands, or where nothing does, and then archive what was written; both proven.

        It is read once: of a small one the bytes are at hand for the archive, a large one is copied on the server.
        Raises `_Stands` where something else stands there.
        """
        one = Move(original.entry, item.target, if_absent=stands is None, if_match=stands.etag if stands else None)
        small = read_small(self.source, original.entry, KINDS)
        try:
            if small is None:
                moved = move(self.source, self.target, one, hashes=KINDS)
                assert moved.entry
                written, hashes = moved.entry, moved.hashes
                self._require_unchanged(original)
            else:
                self._require_unchanged(original)
                written, hashes = write_small(self.target, one, small), small.hashes
        except SourceChanged:
            raise
        except Conflict as error:
            raise _Stands(str(error)) from error
        with _standing_still():
            prove(self.target, written, hashes, self.verify)
        copy = self._output(self.target, written, hashes, source_of(item.source, original.entry.version))
        if self.archive is None:
            return [copy]
        return [copy, self._archived(self.archive, written, original.modified, hashes, small)]

    def _require_unchanged(self, original: Original) -> None:
        """A folder has no hashes that would tell of a file which was written to while it was read: its time does."""
        if original.md5 or original.crc32c:
            return
        seen = self.source.head(original.key)
        if seen is None or seen.version != original.entry.version:
            raise SourceChanged(f"{self.source.uri_of(original.key)}: it was written to while it was read.")

    def _archived(
        self, archive: Archive, stands: Entry, since: datetime, hashes: Hashes, small: Small | None = None
    ) -> Output:
        with _standing_still():
            version, written = archive.add(self.target, stands, since, hashes, small)
        try:
            prove(archive.store, version, hashes, self.verify)
        except (Mismatch, Damaged):
            if written:  # nobody shall take it for that version
                with suppress(StoreError):
                    archive.store.delete(version.key, if_match=version.etag)
            seen = self.target.head(stands.key)
            # a copy that heeds no condition is of what came there meanwhile
            if seen is None or seen.etag != stands.etag:
                raise _Stands(f"{stands.key}: another object stands there now.") from None
            raise
        return self._output(archive.store, version, hashes, written=written)

    def _removed(self, item: ArchiveItem) -> Outcome:
        """Archive the copy of an object that is gone, and then remove it; only what the plan saw."""
        assert item.standing
        assert self.archive, "a pair that removes has an archive"
        outputs: list[Output] = []
        stands = self.target.head(item.target)
        if stands:
            if stands.etag != item.standing.etag:
                raise _elsewhere(self.target, item)
            hashes = Hashes(md5=item.standing.md5)
            if self._found(self.archive, item, hashes, stands) is None:
                outputs.append(self._archived(self.archive, stands, stands.modified, hashes))
            try:
                self.target.delete(item.target, if_match=stands.etag)
            except Conflict as error:
                raise _elsewhere(self.target, item) from error
        removed = {"recipe": item.standing.md5, "etag": item.standing.etag, "bytes": 0, "removed": True}
        outputs.append(Output(key=item.target, store=self.target.uri, source=source_of(item.source, ""), **removed))
        return Outcome(item=item.name, group=item.group, state=State.DONE, outputs=tuple(outputs))

    def _output(self, store: Store, entry: Entry, hashes: Hashes, source: str = "", *, written: bool = True) -> Output:
        stands = {"key": entry.key, "etag": entry.etag, "bytes": entry.bytes, "hashes": hashes.known()}
        return Output(**stands, recipe=hashes.md5, store=store.uri, source=source, written=written)

    def _failed(self, item: ArchiveItem, reason: str, kind: Kind) -> Outcome:
        return Outcome(
            item=item.name, group=item.group, state=State.FAILED, reason=reason, kind=kind, where=item.source
        )


@contextmanager
def _standing_still() -> Iterator[None]:
    """What is at work on an object of the target: somebody else's write or deletion makes it look again."""
    try:
        yield
    except (SourceChanged, NotFound) as error:
        raise _Stands(str(error)) from error


def _elsewhere(target: Store, item: ArchiveItem) -> WriteFailed:
    return WriteFailed(
        f"{target.uri_of(item.target)}: somebody else wrote it since the plan, and nothing of theirs was touched; see "
        "who writes there, and run again"
    )
