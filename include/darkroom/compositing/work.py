"""A compositing job's work: decode each layer once, walk the stacks, write every picture under every name it has."""

import hashlib
import logging
import threading
import time
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass

from darkroom import keys
from darkroom.approvals import is_held
from darkroom.compositing.cuts import Painted
from darkroom.compositing.job import CompositingJob, Group, Layout, Sheet
from darkroom.compositing.memory import for_layers, threads_within
from darkroom.compositing.profiles import COMPOSITE, CROPS
from darkroom.compositing.recipe import recipe_digest
from darkroom.compositing.walk import StackIndex, Walker, shares
from darkroom.errors import Conflict, ItemError, NotFound, StoreError
from darkroom.imaging.encode import encode
from darkroom.imaging.layers import Layer, Layers
from darkroom.imaging.reduction import Picture
from darkroom.jobs import InputDigest, Outcome, Output, State, again
from darkroom.keys import Picture as Name
from darkroom.ownership import NotOurs, publish
from darkroom.plan_folder import PlanFolder
from darkroom.settings import settings
from darkroom.store import Entry, readable
from darkroom.worker import Bench

log = logging.getLogger(__name__)

_WAITING = 12  # pictures, as PNGs, that wait for the writers
_SHARES = 4  # pieces of the tree for each thread: enough that no thread waits long for another's last piece


@dataclass(frozen=True)
class Broken:
    """A layer that cannot be drawn, and what that makes of the pictures that need it."""

    state: State
    reason: str
    where: str


class SheetWork:
    """One sheet being worked on by several threads."""

    def __init__(
        self,
        job: CompositingJob,
        sheet: Sheet,
        bench: Bench,
        layers: Layers,
    ) -> None:
        """`layers`: empty, for the sheet's own."""
        self._job, self._sheet, self._bench, self._layers = job, sheet, bench, layers
        self._renders, self._store = bench.open(job.renders), bench.open(job.output_store)
        self._stop = threading.Event()

    def run(self, groups: list[Group], workers: int) -> None:
        """Make the groups' pictures. An interruption stops the threads at their next picture."""
        layers = self._decode(groups, workers)
        if self._layers.spilled:
            log.info("The layers take more than DARKROOM_MEMORY allows: they are read from a temporary file.")
        todo: dict[tuple[int, int], dict[StackIndex, list[Group]]] = defaultdict(lambda: defaultdict(list))
        for group in groups:
            broken = next((layer for number in group.stack if isinstance(layer := layers[number], Broken)), None)
            if broken:
                self._record(group.names, broken.state, broken.reason, broken.where)
                continue
            stack = [layer for number in group.stack if isinstance(layer := layers[number], Layer)]
            todo[stack[0].width, stack[0].height][group.stack].append(group)
        whole = {number: layer for number, layer in layers.items() if isinstance(layer, Layer)}
        for size, stacks in todo.items():
            sized = {number: layer for number, layer in whole.items() if (layer.width, layer.height) == size}
            self._walk(sized, self._changed(sized, stacks), workers)

    def _decode(self, groups: Iterable[Group], workers: int) -> dict[int, Layer | Broken]:
        numbers = sorted({number for group in groups for number in group.stack})
        with ThreadPoolExecutor(workers) as pool:
            return dict(zip(numbers, pool.map(self._layer, numbers), strict=True))

    def _layer(self, number: int) -> Layer | Broken:
        pinned = self._sheet.layers[number]
        uri, name = self._renders.uri_of(pinned.key), pinned.key.rpartition("/")[2]
        where = readable(uri)
        try:
            with self._renders.open(pinned.key) as reading:
                if reading.entry.etag != pinned.etag:
                    return Broken(State.FAILED, f"changed since plan: {name}; {again('plan')}", where)
                layer, version = self._layers.decode(reading.stream.read()), reading.entry.version
        except NotFound:
            return Broken(State.FAILED, f"changed since plan: {name} is gone; {again('plan')}", where)
        except (StoreError, OSError) as error:
            return Broken(State.FAILED, f"{name} cannot be read ({error}); {again('run')}", where)
        except ItemError as error:
            return Broken(State.REFUSED, f"{name} {error}", where)
        self._bench.learned(InputDigest(uri=uri, etag=version, digest=layer.digest))
        return layer

    def _changed(
        self, layers: dict[int, Layer], stacks: dict[StackIndex, list[Group]]
    ) -> dict[StackIndex, list[Group]]:
        """The stacks of which something is to be made; pictures whose recipe stands already are recorded as skipped."""
        changed: dict[StackIndex, list[Group]] = defaultdict(list)
        for stack, groups in stacks.items():
            digests = [layers[number].digest for number in stack]
            for group in groups:
                if all(standing == recipe_digest(digests, cut) for cut, standing in group.cuts.items()):
                    self._record(group.names, State.SKIPPED, "its layers' content is the same")
                else:
                    changed[stack].append(group)
        return changed

    def _walk(self, layers: dict[int, Layer], stacks: dict[StackIndex, list[Group]], workers: int) -> None:
        ahead = (self._store.concurrency + _WAITING) // workers
        with ThreadPoolExecutor(self._store.concurrency) as writers, ThreadPoolExecutor(workers) as pool:
            futures = [
                pool.submit(self._walk_share, layers, share, stacks, writers, ahead)
                for share in shares(list(stacks), workers * _SHARES)
            ]
            try:
                for future in as_completed(futures):
                    future.result()
            except BaseException:
                self._stop.set()
                raise

    def _walk_share(
        self,
        layers: dict[int, Layer],
        share: list[StackIndex],
        stacks: dict[StackIndex, list[Group]],
        writers: Executor,
        ahead: int,
    ) -> None:
        """Draw and encode a share's pictures, while the writers write those before, at most `ahead` of them."""
        writing: deque[Future[None]] = deque()
        began = time.monotonic()
        for stack, picture in Walker(self._layers, layers).pictures(share):
            if self._stop.is_set():
                return
            made = _Made(picture, [layers[number].digest for number in stack])
            for group in stacks[stack]:
                made.encode(group)
                writing.append(writers.submit(self._finish, group, made, time.monotonic() - began))
                began = time.monotonic()
            while len(writing) > ahead:
                writing.popleft().result()
        for rest in writing:
            rest.result()

    def _finish(self, group: Group, made: "_Made", drawing: float) -> None:
        """Write a group's pictures and record them; `drawing` are the seconds that they took until now."""
        began = time.monotonic()
        outcomes = list(self._write(group, made))
        seconds = round((drawing + time.monotonic() - began) / len(outcomes), 6)
        self._bench.record([outcome.model_copy(update={"seconds": seconds}) for outcome in outcomes])

    def _write(self, group: Group, made: "_Made") -> Iterator[Outcome]:
        """Write a group's wanted cuts: the first name's object, and copies of it for the other names.

        In layout `content` each object is written once, for all names. Of a picture that fails, the cuts that were
        written before stand, and are its outputs.
        """
        wanted = made.wanted(group)
        written: dict[str, Entry] = {}
        for name in group.names:
            outputs: list[Output] = []
            state, reason = State.DONE, ""
            try:
                for cut in wanted:
                    replaces = group.replaces.get(name, {}).get(cut, "")
                    entry = self._put(name, cut, made, written, replaces)
                    key = keys.picture(self._job.style, cut, name)
                    outputs.append(
                        Output(
                            key=key,
                            recipe=made.recipe(cut),
                            etag=entry.etag,
                            bytes=entry.bytes,
                            hashes={"sha256": made.digest(cut)},
                            stored=entry.key if self._job.layout is Layout.CONTENT else "",
                        )
                    )
            except NotOurs as error:
                state, reason = State.REFUSED, str(error)
            except (StoreError, OSError) as error:
                state, reason = State.FAILED, f"cannot be written: {error}"
            yield self._outcome(name, state, reason).model_copy(
                update={"outputs": tuple(outputs), "bytes": sum(output.bytes for output in outputs)}
            )

    def _put(self, name: str, cut: str, made: "_Made", written: dict[str, Entry], replaces: str) -> Entry:
        """Write a cut of a picture where it belongs, over the version `replaces`; returns what stands there then.

        Not confirmed by a look at each: settle proves them all by a listing, before it says that they are made.
        """
        by_content, first = self._job.layout is Layout.CONTENT, written.get(cut)
        if by_content and first:
            return first
        style, png = self._job.style, made.png(cut)
        key = keys.content(style, cut, made.digest(cut)) if by_content else keys.picture(style, cut, name)

        def put(*, if_absent: bool = False, if_match: str | None = None) -> Entry:
            if first:  # pinned to what was written: somebody else may have been there since
                with suppress(Conflict, NotFound):
                    return self._store.copy(
                        first.key, key, if_absent=if_absent, if_match=if_match, if_source_match=first.etag
                    )
            return self._store.write(
                key, png, content_type="image/png", if_absent=if_absent, if_match=if_match, confirm=False
            )

        entry = publish(self._store, key, png, put, replaces=replaces).entry
        written.setdefault(cut, entry)
        return entry

    def _record(self, names: Iterable[str], state: State, reason: str, where: str = "") -> None:
        self._bench.record([self._outcome(name, state, reason, where) for name in names])

    def _outcome(self, name: str, state: State, reason: str, where: str = "") -> Outcome:
        picture = Name.parse(name)
        group = picture.group if picture else ""
        return Outcome(item=name, group=group, state=state, reason=reason, where=where)


class _Made:
    """A picture's cuts as PNGs. They are encoded while the picture is there: the next one is drawn into its place."""

    def __init__(self, picture: Picture, digests: list[str]) -> None:
        self._picture, self._digests = picture, digests
        self._painted: Painted | None = None
        self._pngs: dict[str, bytes] = {}
        self._recipes: dict[str, str] = {}
        self._sha256: dict[str, str] = {}

    def encode(self, group: Group) -> None:
        """Make the cuts that the group wants and that are not made yet."""
        for cut in self.wanted(group):
            if cut not in self._pngs:
                self._pngs[cut] = encode(self._picture if cut == COMPOSITE else self._cropped(cut))

    def wanted(self, group: Group) -> list[str]:
        """The group's cuts that do not stand already."""
        return [cut for cut, standing in group.cuts.items() if standing != self.recipe(cut)]

    def png(self, cut: str) -> bytes:
        return self._pngs[cut]

    def recipe(self, cut: str) -> str:
        if cut not in self._recipes:
            self._recipes[cut] = recipe_digest(self._digests, cut)
        return self._recipes[cut]

    def digest(self, cut: str) -> str:
        """The sha256 of a cut's PNG: computed once, however many names it has."""
        if cut not in self._sha256:
            self._sha256[cut] = hashlib.sha256(self._pngs[cut]).hexdigest()
        return self._sha256[cut]

    def _cropped(self, cut: str) -> Picture:
        if self._painted is None:
            self._painted = Painted(self._picture)
        return self._painted.cut(CROPS[cut])


def work(job: CompositingJob, bench: Bench) -> None:
    """Make a job's pictures that have no good outcome yet. None, where nobody approved what the plan asks for."""
    if is_held(PlanFolder(bench.open(job.plan), "")):
        log.info("The plan asks for a yes that it has not got: none of its pictures is made.")
        return
    workers = threads_within(settings().memory, bench.workers, job.width)
    memory = for_layers(settings().memory, workers, job.width)
    with Layers(memory) as layers:
        for sheet in job.sheets:
            groups = [
                group.model_copy(update={"names": tuple(left)})
                for group in sheet.groups
                if (left := bench.left(group.names))
            ]
            if groups:
                SheetWork(job, sheet, bench, layers).run(groups, workers)
                layers.clear()
