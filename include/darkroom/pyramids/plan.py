"""The plan of pyramids: what is to be made, what stands already, what is refused; in jobs of about the same length."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Any

from darkroom import keys
from darkroom.errors import BadInput, StoreError
from darkroom.figures import REFERENCE, Figures
from darkroom.flows import Costed, Draft, Run
from darkroom.imaging.headers import Size, size_of
from darkroom.jobs import State
from darkroom.progress import in_parallel
from darkroom.pyramids.collect import Collected, read_collected
from darkroom.pyramids.cost import ENOUGH, LEDGERS, kind_of, seconds_of, spends_of
from darkroom.pyramids.find import Candidate, Found, Refusal, find, look_at, stores_of
from darkroom.pyramids.given import given_images, identity
from darkroom.pyramids.job import Claim, Claims, PyramidItem, PyramidJob, recipe_digest
from darkroom.pyramids.names import claimed_twice, copy_beside
from darkroom.pyramids.request import Request
from darkroom.pyramids.standing import Standing, look
from darkroom.standing import is_current
from darkroom.store import Store, head_object, open_store, readable
from darkroom.store.access import Access

_UNKNOWN = Size(50_000_000)  # of an image on the web
_TITLE = "Pyramids"
_OVERHEAD = 1 << 30  # bytes of a worker beside what the one image holds that needs most


@dataclass(frozen=True, slots=True)
class Todo:
    """An image to make a pyramid of, and how large it is; `stands`: something lies where the pyramid goes."""

    candidate: Candidate
    item: PyramidItem
    size: Size = _UNKNOWN
    stands: bool = False


@dataclass
class Night:
    """A draft while it is made: what is to be made, before its size is known, and who waits for what."""

    drafted: Draft[Todo]
    todo: list[Todo] = field(default_factory=list)
    claims: dict[str, Claim] = field(default_factory=dict)

    def refuse(self, one: Refusal, state: State = State.REFUSED) -> None:
        """Count something that is not made. Its markers stay."""
        self.drafted.refuse(one.name, one.group, one.reason, state, kind=one.kind, where=one.where)
        self.claims[one.name] = Claim(state="refused", markers=one.markers, reason=one.reason)

    def leave(self, one: Candidate) -> None:
        """Count an image that has its pyramid; its markers may go."""
        self.drafted.leave(one.group)
        self.claims[one.name] = Claim(state="standing", markers=one.markers)


def draft(request: Request, run: Run) -> Draft[Todo]:
    """What a request wants made."""
    store, images = open_store(request.store, run.access), open_store(request.images, run.access)
    collected = read_collected(store, run)
    found = Found(given_images(request)) if request.given else find(request, collected, store)
    interval = ""
    if request.since and request.until:
        interval = f" · {request.since:%Y-%m-%d %H:%M} to {request.until:%Y-%m-%d %H:%M} UTC"
    drafted: Draft[Todo] = Draft(
        title=f"{_TITLE} · {', '.join(request.given or request.sources) or 'no sources'}{interval}",
        output_store=images.uri,
        stores=tuple(filter(None, (*request.places, request.api))),
        problems=found.problems,
        enough=ENOUGH,
        ledgers=LEDGERS,
        label=_label,
        job=lambda head, todo: _job(request, head, todo),
    )
    night = Night(drafted)
    compare(request, found, images, run.made, night, run.figures)
    drafted.findings += _collected(request, collected, found)
    if not request.given:
        drafted.documents = {keys.CLAIMS: Claims(claims=night.claims)}
    return drafted


def compare(
    request: Request, found: Found, images: Store, made: Set[str], night: Night, figures: Figures = REFERENCE
) -> None:
    """Decide what is to be made of what was found, beside what stands in the images' store."""
    # what was given was looked at when it was found, and what lies beside it is nobody's wish
    candidates = found.candidates if request.given else list(look_at(found, request.extensions, images.access))
    standing = look(request, images, candidates)
    pyramids = {one.name for one in candidates if one.place and standing.is_output(one)}
    missing = {one.name for one in candidates if one.place and one.entry is None}
    found.gone |= _gone(request, candidates, images.access)
    clashing = claimed_twice({one.name: one.target for one in candidates if one.name not in pyramids | missing})
    for one in candidates:
        if one.name in found.gone:
            continue  # settle tells the API
        if one.name in made:
            night.leave(one)
        elif one.name in pyramids:
            # scans and pyramids in one bucket: it is listed, and its own upload may have marked it
            if one.markers:
                night.leave(one)
        elif one.name in missing:
            where = readable(one.uri)
            absent = Refusal(one.name, one.group, "it is not there", "download", one.markers, where)
            night.refuse(absent, State.FAILED)
        elif reason := _refusal(one, standing, clashing):
            night.refuse(Refusal(one.name, one.group, reason, markers=one.markers))
        else:
            _decide(request, one, standing, night)
    for refusal in found.refused:
        night.refuse(refusal)
    # a command's jobs have one worker, whatever they take
    sizes = (
        [_UNKNOWN] * len(night.todo) if request.given else _sizes([one.candidate for one in night.todo], images.access)
    )
    night.drafted.todo = [
        costed(replace(todo, size=size), figures) for todo, size in zip(night.todo, sizes, strict=True)
    ]
    for name, file_ids in found.gone.items():
        night.claims[name] = Claim(state="gone", file_ids=file_ids)


def _decide(request: Request, one: Candidate, standing: Standing, night: Night) -> None:
    """Make it, leave it, or refuse it. What the API lists is made: only it knows why it asks."""
    entry = standing.known.get(one.target)
    # an upload's marker does not say whose image it is: what was protected stays so until somebody says otherwise
    protected = bool(entry and entry.protected) if one.protected is None else one.protected
    recipe = recipe_digest(one.uri, one.entry.etag if one.entry else "", request.profile, protected)
    if is_current(request.mode, entry, recipe, stands=standing.is_whole(one.target)) and not one.file_ids:
        night.leave(one)
        return
    replaces = standing.may_replace(one)
    if isinstance(replaces, str):
        night.refuse(Refusal(one.name, one.group, replaces, markers=one.markers))
        return
    item = PyramidItem(
        name=one.name,
        group=one.group,
        place=one.place,
        key=one.key,
        etag=one.entry.etag if one.entry else "",
        bytes=one.entry.bytes if one.entry else 0,
        source=one.uri,
        target=one.target,
        protected=protected,
        recipe=recipe,
        replaces=replaces[0],
        replaces_copy=replaces[1],
    )
    night.drafted.planned[one.group] += 1
    night.todo.append(Todo(one, item, stands=standing.etags.get(one.target) is not None))
    night.claims[one.name] = Claim(state="todo", markers=one.markers, file_ids=one.file_ids)


def _refusal(one: Candidate, standing: Standing, clashing: Mapping[str, str]) -> str:
    entry = standing.known.get(one.target)
    if standing.given and (place := identity(standing.images.uri_of(one.target))) in standing.given:
        its_own = place == identity(one.uri)
        what = "its pyramid would take its place" if its_own else f"{one.target} is one of the images"
        return f"{what}; name another DEST"
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
    another = entry and not one.file_ids and entry.source != one.uri
    if entry and another and _is_there(entry.source, standing.images.access):
        return f"{readable(entry.source)} has the same pyramid, {one.target}, and is still there; give one another path"
    return ""


def _is_there(source: str, access: Access) -> bool:
    """Does the image of a pyramid still exist? One of the web is its API's affair."""
    if source.startswith(("https://", "http://")):
        return False
    try:
        return head_object(source, access) is not None
    except (StoreError, BadInput):  # of a place that is none any more
        return False


def _gone(request: Request, candidates: Iterable[Candidate], access: Access) -> dict[str, tuple[str, ...]]:
    """The files that only the API asks for and that their bucket does not have, with their ids.

    A place in which nothing lies at all is rather not what it was, and then none of its files counts as gone.
    """
    absent = [one for one in candidates if one.file_ids and not one.markers and one.entry is None]
    places = {one.place for one in absent} & set(request.api_places)
    alive = {place for place in places if _holds_something(place, access)}
    return {one.name: one.file_ids for one in absent if one.place in alive}


def _holds_something(place: str, access: Access) -> bool:
    try:
        return next(iter(open_store(place, access).list()), None) is not None
    except StoreError:
        return False


def _sizes(candidates: list[Candidate], access: Access) -> list[Size]:
    """The sizes of images, many headers at once."""
    stores = stores_of(candidates, access)
    most = max((store.concurrency for store in stores.values()), default=1)

    def read(one: Candidate) -> Size:
        return size_of(stores[one.place], one.entry) if one.entry else _UNKNOWN

    return list(in_parallel("headers read", candidates, read, most))


def costed(todo: Todo, figures: Figures = REFERENCE) -> Costed[Todo]:
    """What an image costs, roughly."""
    item, pixels = todo.item, todo.size.pixels
    return Costed(
        todo,
        seconds_of(figures, kind_of(item.key), pixels, item.bytes, item.cap),
        memory=todo.size.held + _OVERHEAD,
        spends=spends_of(figures, pixels, item.bytes, item.cap, marked=bool(todo.candidate.markers)),
    )


def _label(todo: Sequence[Todo]) -> str:
    groups = Counter(one.item.group for one in todo)
    counts = ", ".join(f"{group}: {count:,}" for group, count in groups.items())
    return f"{counts} · {sum(one.size.pixels for one in todo) / 1e6:,.0f} megapixels"


def _job(request: Request, head: Mapping[str, Any], todo: Sequence[Todo]) -> PyramidJob:
    places = tuple(sorted({one.item.place for one in todo} - {""}))
    return PyramidJob(**{**head, "stores": places}, profile=request.profile, items=tuple(one.item for one in todo))


def _collected(request: Request, collected: Collected, found: Found) -> Iterator[str]:
    """What is to be said of where the images come from."""
    if not (request.sources or request.given):
        yield "There is no source of images: set DARKROOM_SCAN_SOURCES or DARKROOM_APPSYNC_URL."
    yield from (f"queue: {sentence}" for sentence in collected.left)
    if collected.waiting:
        yield f"queue: about {collected.waiting:,} messages wait; mode plan takes none."
    if collected.files:
        yield f"API: it lists {len(collected.files):,} files."
    for name in found.gone:
        yield f"{name}: there is no such image any more (404), so settle tells the API to forget it."
    if found.left:
        yield f"{found.left:,} more images wait for the next run (limit)."
