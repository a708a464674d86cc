"""A job of the ingest: each file fetched once, its raw render written and proven, its proxy made of the same bytes."""

import hashlib
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from darkroom import keys
from darkroom.errors import StoreError
from darkroom.failures import StepFailed, Taken, ValidateFailed, WriteFailed
from darkroom.ingest.decision import Action
from darkroom.ingest.fetch import Downloads, Fetched, fetched
from darkroom.ingest.job import UNFIT, IngestItem, IngestJob
from darkroom.ingest.profiles import recipe_digest
from darkroom.ingest.proxy import Proxies
from darkroom.ingest.sources import Source, StoreSource, open_source
from darkroom.jobs import Outcome, Output, State
from darkroom.ownership import NotOurs, Published, gives_back, publish
from darkroom.settings import settings
from darkroom.store import Entry, Store
from darkroom.store.hashes import Hashes
from darkroom.store.transfer import content_type_of
from darkroom.worker import Bench

_MOVING = 4  # files that are fetched from afar, or written there, while others are decoded


def work(job: IngestJob, bench: Bench) -> None:
    """Do a job's items that have no good outcome yet."""
    store = bench.open(job.output_store)
    line = Line(
        source=open_source(job.source, store.access) if job.source else None,
        raws=StoreSource(bench.open(f"{job.output_store}/{keys.raw_renders(job.style).rstrip('/')}")),
        store=store,
        proxies=Proxies(bench.workers, settings().memory, settings().max_pixels),
        downloads=Downloads(),
    )
    # a folder is read and written by the cores that decode: more at once would take them from each other, and a tenth
    # of the time
    is_near = _is_folder(store.uri) and (not job.source or _is_folder(job.source))
    bench.each(job.items, line.do, at_once=bench.workers + (0 if is_near else _MOVING))


@dataclass(frozen=True, slots=True)
class Line:
    """What a job's items need. `do` may be called from many threads."""

    source: Source | None
    raws: Source
    store: Store
    proxies: Proxies
    downloads: Downloads

    def do(self, item: IngestItem) -> Outcome:
        """Deliver a file, and make its proxy. A failure is the item's own; what was written before it stands.

        A render that can have no proxy is refused, with its raw render as its output.
        """
        began = time.monotonic()
        outputs: list[Output] = []
        became: dict[str, object] = {}
        try:
            self._do(item, outputs)
            written = any(output.written for output in outputs)
            adopted = any(not output.written for output in outputs) and not (item.stands or item.stands_proxy)
            became["state"] = State.DONE if written or adopted else State.SKIPPED
        except StepFailed as failure:
            refused = failure.kind == UNFIT or isinstance(failure, Taken)
            became |= {"state": State.REFUSED if refused else State.FAILED, "reason": str(failure)}
            became |= {"kind": failure.kind, "where": item.source.rpartition("#")[0]}
        except StoreError as error:
            became |= {"state": State.FAILED, "reason": str(error).rstrip("."), "kind": "write"}
        size = sum(output.bytes for output in outputs if output.written)
        seconds = round(time.monotonic() - began, 3)
        return Outcome(item=item.name, group=item.group, outputs=tuple(outputs), bytes=size, seconds=seconds, **became)

    def _do(self, item: IngestItem, outputs: list[Output]) -> None:
        source = self.source if item.action is Action.DELIVER else self.raws
        assert source, "a file is delivered from somewhere"
        with fetched(source, item.found, self.downloads) as file:
            if item.source:
                outputs.append(self._raw(item, file))
            if item.proxy:
                outputs.append(self._proxy(item, file))

    def _raw(self, item: IngestItem, file: Fetched) -> Output:
        """The raw render as it stands now: written, or found to be the same."""
        stands = {"key": item.raw, "recipe": file.sha256, "hashes": {"sha256": file.sha256}, "source": item.source}
        if item.action is Action.PROXY:
            return Output(**stands, etag=item.found.etag, bytes=item.found.bytes, written=False)
        if item.stands == file.sha256:
            return Output(**stands, etag=item.replaces_raw, bytes=len(file.data), written=False)
        made = file.path or bytes(file.data)
        published = self._published(item.raw, made, file.sha256, item.replaces_raw)
        return Output(**stands, etag=published.entry.etag, bytes=published.entry.bytes, written=published.written)

    def _proxy(self, item: IngestItem, file: Fetched) -> Output:
        recipe = recipe_digest(file.sha256)
        stands = {"key": item.proxy, "recipe": recipe, "source": item.raw}
        if item.stands_proxy == recipe:
            return Output(**stands, etag=item.replaces_proxy, bytes=0, written=False)
        png = self.proxies.make(file.data, file.sha256)
        digest = hashlib.sha256(png).hexdigest()
        published = self._published(item.proxy, png, digest, item.replaces_proxy)
        entry, written = published.entry, published.written
        return Output(**stands, etag=entry.etag, bytes=entry.bytes, hashes={"sha256": digest}, written=written)

    def _published(self, key: str, made: bytes | Path, sha256: str, replaces: str) -> Published:
        """Write, over what may be replaced, and prove it by what the store vouches for or gives back."""

        def put(*, if_absent: bool = False, if_match: str | None = None) -> Entry:
            with _opened(made) as data:
                return self.store.write(
                    key,
                    data,
                    size=len(made) if isinstance(made, bytes) else made.stat().st_size,
                    content_type=content_type_of(key),
                    hashes=Hashes(sha256=sha256),
                    if_absent=if_absent,
                    if_match=if_match,
                    confirm=False,
                )

        try:
            published = publish(self.store, key, made, put, replaces=replaces)
            if published.written:
                self._prove(published.entry, made)
        except NotOurs as error:
            raise Taken(str(error)) from None
        except (StoreError, OSError) as error:
            raise WriteFailed(f"it cannot be written: {error}".rstrip(".")) from None
        return published

    def _prove(self, entry: Entry, made: bytes | Path) -> None:
        """A bucket has checked what it was sent. What a folder holds is read again."""
        if _is_folder(self.store.uri) and not gives_back(self.store, entry, made):
            raise ValidateFailed(f"{entry.key}: other bytes are read there than were written; see to its disk")


def _is_folder(uri: str) -> bool:
    return uri.startswith("file://")


def _opened(made: bytes | Path) -> AbstractContextManager[BinaryIO]:
    return BytesIO(made) if isinstance(made, bytes) else made.open("rb")
