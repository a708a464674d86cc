"""The pyramids of a night beside the scans that they are of, from the plan's own jobs and outcomes."""

import tempfile
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fastapi import HTTPException

from darkroom import keys
from darkroom.amounts import human_bytes
from darkroom.errors import ItemError, NotFound
from darkroom.imaging.formats import VECTORS
from darkroom.imaging.opening import look
from darkroom.jobs import MOST_JOBS, parse
from darkroom.plan_folder import PlanFolder
from darkroom.pyramids.fetching import Stored, fetched
from darkroom.pyramids.job import PyramidItem, PyramidJob
from darkroom.pyramids.make import decode
from darkroom.pyramids.profiles import Cap
from darkroom.settings import settings
from darkroom.store import Entry, Store, open_store, readable
from darkroom_airflow.pages.lightbox.images import identifier_of
from darkroom_airflow.pages.rights import SCANS_DAG

PAGE = 100
"""Images of one answer."""
_MOST_RUNS = 100
_SHOWN = Cap(1600, 1600)
_MOST_BYTES, _MOST_HELD = 512 << 20, 256 << 20  # of a scan that is shown: of its file, and of memory to decode it
_KEPT = 16  # reduced scans, of some 300 KB each
_LAST = "\U0010ffff"  # comes after whatever a key may go on with


def plans(store: Store) -> list[dict[str, str]]:
    """The runs that there are plans of, by the folders of each, as JSON: the latest plan first.

    A folder is found by the first key in it, and the next one by what comes after all of its keys: so no plan is
    listed, however many files it has.
    """
    root, found = f"{keys.WORK}{keys.segment(SCANS_DAG)}/", list[dict[str, str]]()
    for run in _folders(store, root, ""):
        found += [{"run": run, "plan": plan} for plan in _folders(store, f"{root}{run}/", "")]
        if len(found) >= 10 * _MOST_RUNS:
            break
    # a plan's name begins with its time
    return sorted(found, key=lambda one: one["plan"], reverse=True)[:_MOST_RUNS]


def _folders(store: Store, prefix: str, after: str) -> Iterator[str]:
    while entry := next(iter(store.list(prefix, after=after)), None):
        name, slash, _ = entry.key[len(prefix) :].partition("/")
        if slash:
            yield name
        after = f"{prefix}{name}{slash}{_LAST if slash else ''}"


def images(store: Store, run: str, plan: str, job: int, first: int) -> dict[str, Any]:
    """A page of the images of one of a plan's jobs, with what became of each, as JSON.

    Raises `NotFound` where there is no such plan or job, and `BadInput` for a broken one.
    """
    folder = _folder(store, run, plan)
    manifest = folder.manifest()
    answer: dict[str, Any] = {
        "run": manifest.run,
        "title": manifest.title,
        "created": manifest.created.isoformat(),
        "jobs": [{"label": one.label, "items": one.items} for one in manifest.jobs],
        "images_in": readable(manifest.output_store),
        "same_store": manifest.output_store == open_store(settings().image_store).uri,
        "first": first,
        "page": PAGE,
        "images": [],
    }
    if not manifest.jobs:
        return answer
    items, outcomes = _items(folder, job), folder.outcomes(job).latest
    for number, item in enumerate(items[first : first + PAGE], first):
        outcome = outcomes.get(item.name)
        answer["images"].append(
            {
                "number": number,
                "name": item.name,
                "state": outcome.state.value if outcome else "",
                "reason": outcome.reason if outcome else "",
                "target": item.target,
                "id": identifier_of(item.target),
                "source": readable(item.source or item.place),
                "shown": bool(item.place),
                "protected": item.protected,
                "facts": outcome.facts if outcome else {},
            }
        )
    return answer


def _folder(store: Store, run: str, plan: str) -> PlanFolder:
    folder = PlanFolder(store, keys.plan_folder(SCANS_DAG, run, plan))
    if not folder.has(keys.MANIFEST):
        raise NotFound("There is no plan of that name; its files go after 30 days. Choose another night.")
    return folder


def _items(folder: PlanFolder, job: int) -> tuple[PyramidItem, ...]:
    key = folder.prefix + keys.job(job)
    if not 0 < job <= MOST_JOBS or folder.store.head(key) is None:
        raise NotFound("That night has no such job; choose one that it has.")
    return parse(PyramidJob, folder.store.read(key), readable(folder.store.uri_of(key))).items


def number_of(store: Store, run: str, plan: str, job: int, item: str) -> int:
    """Which of a job's images an item is. Raises `NotFound`."""
    for number, one in enumerate(_items(_folder(store, run, plan), job)):
        if one.name == item:
            return number
    raise NotFound("That job has no such image; load the page again.")


def source_of(store: Store, run: str, plan: str, job: int, number: int) -> tuple[str, str, str]:
    """Where a scan of a job lies: the deployment's own location of it, its key there, and the ETag that was planned.

    Raises `NotFound` for a place that no setting names: what a job file says leads nowhere else.
    """
    items = _items(_folder(store, run, plan), job)
    if not 0 <= number < len(items):
        raise NotFound("That job has no such image; load the page again.")
    item = items[number]
    if not item.place:
        raise NotFound("This scan lies on the web, and is not fetched to be shown.")
    for location in (settings().studio_store, *settings().scan_sources.values()):
        if open_store(location).uri == item.place:
            return location, item.key, item.etag
    raise NotFound(f"{readable(item.place)} is no place of scans any more (DARKROOM_SCAN_SOURCES).")


_reduced: OrderedDict[tuple[str, str, str], bytes] = OrderedDict()


def scan(store: Store, key: str) -> tuple[Entry, bytes]:
    """A scan as a JPEG of at most 1600 x 1600, with the entry of what was read.

    Raises `NotFound`, and `HTTPException` (422) with a sentence where it is damaged, or too much for this server.
    """
    entry = store.head(key)
    if entry is None:
        raise NotFound("The scan is not there any more.")
    name = store.uri, key, entry.version
    if name not in _reduced:
        _reduced[name] = _decoded(store, entry)
        while len(_reduced) > _KEPT:
            _reduced.popitem(last=False)
    return entry, _reduced[name]


def _decoded(store: Store, entry: Entry) -> bytes:
    if entry.bytes > _MOST_BYTES:
        raise _too_much(f"its file has {human_bytes(entry.bytes)}")
    try:
        with (
            tempfile.TemporaryDirectory(prefix="darkroom-lightbox-") as folder,
            fetched(Stored(store, entry), Path(folder)) as path,
        ):
            source = look(path, settings().max_scan_pixels)
            if source.format in VECTORS:
                raise _too_much(f"a {source.format} has to be drawn; its pyramid shows how it is drawn")
            if source.held + source.wide > _MOST_HELD:
                raise _too_much(f"to decode it takes {human_bytes(source.held + source.wide)} of memory")
            image = decode(source, _SHOWN, alpha=False).image
            data: bytes = image.jpegsave_buffer(Q=85, keep="none")
            return data
    except ItemError as error:
        raise HTTPException(422, f"The scan cannot be shown: {error}.") from None


def _too_much(why: str) -> HTTPException:
    return HTTPException(422, f"The scan is not shown here: {why}.")


def pyramids(store: Store, prefix: str, after: str) -> dict[str, Any]:
    """A page of the pyramids below a prefix, in the order of the store's listing, as JSON; `next`: after which more.

    At most so many keys are looked at as an answer may hold ten times over: of a prefix with few pyramids among many
    other files, some answers are short.
    """
    found, seen, last = list[dict[str, Any]](), 0, ""
    for entry in store.list(prefix, after=after):
        seen, last = seen + 1, entry.key
        if entry.key.lower().endswith((".tif", ".tiff")):
            found.append({"key": entry.key, "id": identifier_of(entry.key), "bytes": entry.bytes})
        if len(found) >= PAGE or seen >= 10 * PAGE:
            return {"pyramids": found, "next": last}
    return {"pyramids": found, "next": ""}
