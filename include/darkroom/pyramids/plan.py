"""The plan of pyramids: what is to be made, what stands already, what is refused; in jobs of about the same length."""

from collections import Counter
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from darkroom import keys
from darkroom.errors import BadInput, StoreError
from darkroom.imaging.headers import Size, size_of
from darkroom.jobs import GroupPlan, JobRef, Manifest, Mode, NotDone, PlanFolder, State, dump, new_plan_id
from darkroom.progress import Progress
from darkroom.pyramids.collect import Collected, read_collected
from darkroom.pyramids.find import Candidate, Found, Refusal, find, look_at
from darkroom.pyramids.job import Claim, Claims, PyramidEntry, PyramidItem, PyramidJob, recipe_digest
from darkroom.pyramids.names import claimed_twice, copy_beside
from darkroom.pyramids.request import Request
from darkroom.pyramids.split import Todo, machine_for, split
from darkroom.pyramids.standing import FLOW, Standing, look
from darkroom.store import Store, head_object, open_store, readable

_UNKNOWN = Size(50_000_000)  # of an image on the web


@dataclass
class Comparison:
    """What a run has to do, and what is said of the rest."""

    todo: list[Todo] = field(default_factory=list)
    claims: dict[str, Claim] = field(default_factory=dict)
    refused: list[NotDone] = field(default_factory=list)
    planned: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)

    def refuse(self, one: Refusal, *, failed: bool = False) -> None:
        """Count something that is not made. Its markers stay."""
        state = State.FAILED if failed else State.REFUSED
        self.planned[one.group] += 1
        self.refused.append(
            NotDone(item=one.name, group=one.group, state=state, reason=one.reason, kind=one.kind, where=one.where)
        )
        self.claims[one.name] = Claim(state="refused", markers=one.markers, reason=one.reason)


def write_plan(request: Request, dag_id: str, run_id: str) -> Manifest:
    """Find, compare, and write the plan's folder: jobs first, the manifest last, so that it means a whole plan."""
    began = datetime.now(UTC)
    store, images = open_store(request.store), open_store(request.images)
    collected = read_collected(store, dag_id, run_id)
    found = find(request, collected, store)
    comparison = compare(request, found, images)
    _say_collected(request, collected, found, comparison)
    folder = PlanFolder(store, keys.plan_folder(dag_id, run_id, new_plan_id()))
    refs = []
    if request.mode is not Mode.PLAN:
        for number, items in enumerate(split(comparison.todo), 1):
            job = _job(request, folder, number, items)
            folder.write(keys.job(number), dump(job))
            uri = folder.uri_of(keys.job(number))
            refs.append(JobRef(uri=uri, label=job.label, machine=job.machine, items=len(items)))
    folder.write(keys.CLAIMS, dump(Claims(claims=comparison.claims)))
    manifest = _manifest(request, found, comparison, folder.uri, refs, began)
    folder.write(keys.MANIFEST, dump(manifest))
    return manifest


def compare(request: Request, found: Found, images: Store) -> Comparison:
    """What is to be made of what was found, beside what stands in the images' store."""
    comparison = Comparison()
    candidates = list(look_at(found.candidates, request.extensions, found))
    standing = look(open_store(request.store), images, candidates)
    pyramids = {one.name for one in candidates if one.place and standing.is_output(one)}
    missing = {one.name for one in candidates if one.place and one.entry is None}
    found.gone |= _gone(request, candidates)
    clashing = claimed_twice({one.name: one.target for one in candidates if one.name not in pyramids | missing})
    for one in candidates:
        if one.name in found.gone:
            continue  # settle tells the API
        if one.name in pyramids:
            # scans and pyramids in one bucket: it is listed, and its own upload may have marked it
            if one.markers:
                _leave(one, comparison)
        elif one.name in missing:
            where = readable(one.uri)
            absent = Refusal(one.name, one.group, "it is not there", "download", one.markers, where)
            comparison.refuse(absent, failed=True)
        elif reason := _refusal(one, standing, clashing):
            comparison.refuse(Refusal(one.name, one.group, reason, markers=one.markers))
        else:
            _decide(request, one, standing, comparison)
    for refusal in found.refused:
        comparison.refuse(refusal)
    sizes = _sizes([one.candidate for one in comparison.todo])
    comparison.todo = [replace(one, size=size) for one, size in zip(comparison.todo, sizes, strict=True)]
    return comparison


def _decide(request: Request, one: Candidate, standing: Standing, comparison: Comparison) -> None:
    """Make it, leave it, or refuse it. What the API lists is made: only it knows why it asks."""
    entry = standing.known.get(one.target)
    # an upload's marker does not say whose image it is: what was protected stays so until somebody says otherwise
    protected = bool(entry and entry.protected) if one.protected is None else one.protected
    recipe = recipe_digest(one.uri, one.entry.etag if one.entry else "", request.profile, protected)
    if up_to_date(request.mode, entry, recipe, stands=standing.is_whole(one.target)) and not one.file_ids:
        _leave(one, comparison)
        return
    replaces = standing.replaceable(one)
    if isinstance(replaces, str):
        comparison.refuse(Refusal(one.name, one.group, replaces, markers=one.markers))
        return
    comparison.planned[one.group] += 1
    comparison.todo.append(Todo(one, recipe, protected, _UNKNOWN, *replaces))
    comparison.claims[one.name] = Claim(
        state="todo", markers=one.markers, file_ids=one.file_ids, source=one.uri, protected=protected
    )


def _leave(one: Candidate, comparison: Comparison) -> None:
    """Count an image that has its pyramid; its markers may go."""
    comparison.planned[one.group] += 1
    comparison.skipped[one.group] += 1
    comparison.claims[one.name] = Claim(state="standing", markers=one.markers)


def up_to_date(mode: Mode, known: PyramidEntry | None, recipe: str, *, stands: bool) -> bool:
    """May a pyramid be left as it is?

    | mode | the ledger knows it | it stands as written | recipe is the same | left |
    | --- | --- | --- | --- | --- |
    | all | | | | no |
    | changed, plan | no | | | no |
    | changed, plan | yes | no | | no |
    | changed, plan | yes | yes | no | no |
    | changed, plan | yes | yes | yes | yes |
    """
    return mode is not Mode.ALL and known is not None and stands and known.recipe == recipe and not known.stale


def _refusal(one: Candidate, standing: Standing, clashing: Mapping[str, str]) -> str:
    entry = standing.known.get(one.target)
    if reason := standing.reasons.get(one.target) or standing.reasons.get(copy_beside(one.target)):
        return reason
    own = standing.outputs_of(one)
    rivals = [rival for rival in one.rivals if open_store(one.place).uri_of(rival) not in own]
    if rivals:
        return f"{', '.join(rivals)} beside it would have the same pyramid, {one.target}"
    if one.name in clashing:
        return clashing[one.name]
    if one.place and one.uri == standing.images.uri_of(one.target):
        return "its pyramid would take its place; give the source or the images another bucket or folder"
    if entry and not one.file_ids and entry.source != one.uri and _is_there(entry.source):
        return f"{readable(entry.source)} has the same pyramid, {one.target}, and is still there; give one another path"
    return ""


def _is_there(source: str) -> bool:
    """Does the image of a pyramid still exist? One of the web is its API's affair."""
    if source.startswith(("https://", "http://")):
        return False
    try:
        return head_object(source) is not None
    except (StoreError, BadInput):  # of a place that is none any more
        return False


def _gone(request: Request, candidates: Iterable[Candidate]) -> dict[str, tuple[str, ...]]:
    """The files that only the API asks for and that their bucket does not have, with their ids.

    A place in which nothing lies at all is rather not what it was, and then none of its files counts as gone.
    """
    absent = [one for one in candidates if one.file_ids and not one.markers and one.entry is None]
    places = {one.place for one in absent} & set(request.api_places)
    alive = {place for place in places if _holds_something(place)}
    return {one.name: one.file_ids for one in absent if one.place in alive}


def _holds_something(place: str) -> bool:
    try:
        return next(iter(open_store(place).list()), None) is not None
    except StoreError:
        return False


def _sizes(candidates: list[Candidate]) -> list[Size]:
    """The sizes of images, many headers at once."""
    stores = {place: open_store(place) for place in {one.place for one in candidates} if place}
    most = max((store.concurrency for store in stores.values()), default=1)
    with ThreadPoolExecutor(most, "headers") as pool, Progress("headers read", len(candidates)) as progress:

        def read(one: Candidate) -> Size:
            size = size_of(stores[one.place], one.entry) if one.entry else _UNKNOWN
            progress.advance()
            return size

        return list(pool.map(read, candidates))


def _job(request: Request, folder: PlanFolder, number: int, todo: list[Todo]) -> PyramidJob:
    places = sorted({one.candidate.place for one in todo} - {""})
    groups = Counter(one.candidate.group for one in todo)
    label = ", ".join(f"{group}: {count:,}" for group, count in groups.items())
    return PyramidJob(
        flow=FLOW,
        number=number,
        label=f"{label} · {sum(one.size.pixels for one in todo) / 1e6:,.0f} megapixels",
        machine=machine_for(max((one.size for one in todo), key=lambda size: size.held)),
        plan=folder.uri,
        store=request.images,
        profile=request.profile,
        places=tuple(places),
        items=tuple(_item(one, places) for one in todo),
    )


def _item(todo: Todo, places: list[str]) -> PyramidItem:
    one = todo.candidate
    return PyramidItem(
        name=one.name,
        group=one.group,
        place=places.index(one.place) if one.place else None,
        key=one.key,
        etag=one.entry.etag if one.entry else "",
        bytes=one.entry.bytes if one.entry else 0,
        target=one.target,
        protected=todo.protected,
        recipe=todo.recipe,
        replaces=todo.replaces,
        replaces_copy=todo.replaces_copy,
    )


def _say_collected(request: Request, collected: Collected, found: Found, comparison: Comparison) -> None:
    say = comparison.findings.append
    if not request.sources:
        say("There is no source of images: set DARKROOM_SCAN_SOURCES or DARKROOM_APPSYNC_URL.")
    for sentence in collected.left:
        say(f"queue: {sentence}")
    if collected.waiting:
        say(f"queue: about {collected.waiting:,} messages wait; mode plan takes none.")
    if collected.files:
        say(f"API: it lists {len(collected.files):,} files.")
    for name, file_ids in found.gone.items():
        comparison.claims[name] = Claim(state="gone", file_ids=file_ids)
        say(f"{name}: there is no such image any more (404), so settle tells the API to forget it.")
    if found.left:
        say(f"{found.left:,} more images wait for the next run (limit).")


def _manifest(
    request: Request, found: Found, comparison: Comparison, uri: str, refs: list[JobRef], began: datetime
) -> Manifest:
    interval = ""
    if request.since and request.until:
        interval = f" · {request.since:%Y-%m-%d %H:%M} to {request.until:%Y-%m-%d %H:%M} UTC"
    return Manifest(
        flow=FLOW,
        uri=uri,
        store=request.images,
        mode=request.mode,
        created=began,
        subject=FLOW,
        title=f"Pyramids · {', '.join(request.sources) or 'no sources'}{interval}",
        request=request.model_dump(mode="json"),
        planned=comparison.planned.total(),
        skipped=comparison.skipped.total(),
        todo=len(comparison.todo),
        distinct=len(comparison.todo),
        refused=tuple(comparison.refused),
        findings=tuple(comparison.findings),
        problems=tuple(found.problems),
        groups={
            group: GroupPlan(planned=planned, skipped=comparison.skipped[group])
            for group, planned in comparison.planned.items()
        },
        jobs=tuple(refs),
    )
