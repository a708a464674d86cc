"""One object after the other: what stands there is archived, then replaced, and all of it proven (docs/archive.md)."""

import time
from dataclasses import dataclass
from datetime import datetime

from darkroom.archive.decision import Action, Step, steps
from darkroom.archive.job import ArchiveItem, Original, source_of
from darkroom.archive.pairs import Verify
from darkroom.archive.proof import KINDS, hashes_of, prove, require
from darkroom.archive.versions import Archive
from darkroom.errors import Conflict, NotFound, SourceChanged, StoreError
from darkroom.failures import Kind, StepFailed, WriteFailed
from darkroom.jobs import Outcome, Output, State, again
from darkroom.store import Entry, Store
from darkroom.store.hashes import Hashes
from darkroom.store.room import Room
from darkroom.store.transfer import Move, move

_CHANGED = f"changed since plan: another version of it is there now; {again('plan')}"
_GONE = f"it is not there any more; {again('plan')}"


@dataclass(frozen=True, slots=True)
class Mirror:
    """A pair's stores. `do` may be called from many threads: `room` holds large objects back."""

    source: Store
    target: Store
    archive: Archive
    verify: Verify
    room: Room

    def do(self, item: ArchiveItem) -> Outcome:
        """Mirror one object, or remove the copy of one that is gone. A failure is the item's own."""
        began = time.monotonic()
        try:
            became = self._mirrored(item, item.original) if item.original else self._removed(item)
        except StepFailed as failure:
            became = self._failed(item, str(failure), failure.kind)
        except SourceChanged:
            became = self._failed(item, _CHANGED, "download")
        except NotFound:
            became = self._failed(item, _GONE, "download")
        except StoreError as error:
            became = self._failed(item, str(error).rstrip("."), "write")
        return became.model_copy(update={"seconds": round(time.monotonic() - began, 3)})

    def _mirrored(self, item: ArchiveItem, original: Original) -> Outcome:
        """Mirror an object: every step is followed by its proof, and the ledger by all of them."""
        stands = self.target.head(item.target)
        hashes = self._hashes(item, stands) if stands else Hashes()
        same = stands is not None and self._is_same(original, stands, hashes)
        if stands and not same:
            self._require_planned(item, stands)
        found = self.archive.find(item.target, hashes.md5, stands.bytes) if stands else None
        if found and item.action is Action.PROVE:
            prove(self.archive.store, found, hashes, self.verify)
        outputs = [self._output(self.archive.store, found, hashes, written=False)] if found else []
        todo = steps(stands=stands is not None, same=same, archived=found is not None)
        for step in todo:
            match step:
                case Step.ARCHIVE_STANDING:
                    assert stands
                    outputs.append(self._archived(stands, original.modified if same else stands.modified, hashes))
                case Step.WRITE:
                    stands, hashes = self._written(item, original, stands)
                case Step.ARCHIVE_NEW:
                    assert stands
                    outputs.append(self._archived(stands, original.modified, hashes))
        assert stands
        source = source_of(item.source, original.entry.version)
        copy = self._output(self.target, stands, hashes, source, written=Step.WRITE in todo)
        size = sum(output.bytes for output in (copy, *outputs) if output.written)
        return Outcome(item=item.name, group=item.group, state=State.DONE, outputs=(copy, *outputs), bytes=size)

    def _hashes(self, item: ArchiveItem, stands: Entry) -> Hashes:
        """Those of what stands: the ledger's, if that knows exactly this version; else the store's, else computed.

        What is to be proven is read, whatever anybody knows of it.
        """
        if item.action is Action.PROVE:
            with self.room.taken(stands.bytes):
                found = hashes_of(self.target, stands)
            if item.standing and item.standing.etag == stands.etag:
                require(self.target.uri_of(stands.key), found, Hashes(md5=item.standing.md5))
            return found
        if item.standing and item.standing.md5 and item.standing.etag == stands.etag:
            return Hashes(md5=item.standing.md5)
        if stands.hashes.md5:
            return stands.hashes
        with self.room.taken(stands.bytes):
            return hashes_of(self.target, stands)

    def _is_same(self, original: Original, stands: Entry, hashes: Hashes) -> bool:
        """Has what stands the content of the object? Where the source has no MD5 of it, it is computed if need be."""
        if original.md5:
            return original.md5 == hashes.md5
        entry = original.entry
        if entry.bytes != stands.bytes or entry.hashes.contradicts(hashes):
            return False
        with self.room.taken(entry.bytes):
            return hashes_of(self.source, entry).md5 == hashes.md5

    def _require_planned(self, item: ArchiveItem, stands: Entry) -> None:
        if item.standing is None or item.standing.etag != stands.etag:
            raise _elsewhere(self.target, item)

    def _written(self, item: ArchiveItem, original: Original, stands: Entry | None) -> tuple[Entry, Hashes]:
        """Write the object over what stands, or where nothing does; what then stands, proven.

        Where another worker on the same job was first, what it wrote is.
        """
        one = Move(original.entry, item.target, if_absent=stands is None, if_match=stands.etag if stands else None)
        try:
            with self.room.taken(original.bytes):
                moved = move(self.source, self.target, one, hashes=KINDS)
            assert moved.entry
            written, hashes = moved.entry, moved.hashes
        except SourceChanged:
            raise
        except Conflict:
            now = self.target.head(item.target)
            if now is None:
                raise
            written, hashes = now, hashes_of(self.target, now)
            if not self._is_same(original, now, hashes):
                raise _elsewhere(self.target, item) from None
        self._prove(self.target, written, hashes)
        return written, hashes

    def _archived(self, stands: Entry, since: datetime, hashes: Hashes) -> Output:
        with self.room.taken(stands.bytes):
            version = self.archive.add(self.target, stands, since, hashes)
        self._prove(self.archive.store, version, hashes)
        return self._output(self.archive.store, version, hashes)

    def _prove(self, store: Store, entry: Entry, hashes: Hashes) -> None:
        with self.room.taken(entry.bytes):
            prove(store, entry, hashes, self.verify)

    def _removed(self, item: ArchiveItem) -> Outcome:
        """Archive the copy of an object that is gone, and then remove it; only what the plan saw."""
        assert item.standing
        outputs: list[Output] = []
        stands = self.target.head(item.target)
        if stands:
            self._require_planned(item, stands)
            hashes = Hashes(md5=item.standing.md5)
            if self.archive.find(item.target, hashes.md5, stands.bytes) is None:
                outputs.append(self._archived(stands, stands.modified, hashes))
            self.target.delete(item.target, if_match=stands.etag)
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


def _elsewhere(target: Store, item: ArchiveItem) -> WriteFailed:
    return WriteFailed(
        f"{target.uri_of(item.target)}: somebody else wrote it since the plan, and nothing of theirs was touched; see "
        "who writes there, and run again"
    )
