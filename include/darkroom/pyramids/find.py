"""Which images a run is about: those that are marked, that the API lists, or that lie in the sources."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from darkroom import keys
from darkroom.errors import StoreError
from darkroom.jobs import Mode
from darkroom.outside.appsync import FileToProcess
from darkroom.outside.urls import without_secrets
from darkroom.progress import in_parallel
from darkroom.pyramids.collect import Collected
from darkroom.pyramids.job import MarkerRef
from darkroom.pyramids.names import IMAGES, beside, pyramid_in, target_of, unsafe
from darkroom.pyramids.request import APPSYNC, Request
from darkroom.pyramids.sources.markers import Marker, chosen, has_extension, read_markers
from darkroom.pyramids.sources.places import closest_place
from darkroom.settings import settings
from darkroom.store import Entry, Store, open_store, readable
from darkroom.store.access import Access


@dataclass(frozen=True, slots=True)
class Candidate:
    """An image that may be made a pyramid of: `key` in the store of `place`, or a URL where there is no place.

    `protected` is None where nobody says whose image it is. `uri` and `entry` say what stands there now; a URL's
    query may be a secret, and is in `key` only.
    """

    name: str
    group: str
    place: str
    key: str = field(repr=False)
    target: str
    protected: bool | None = None
    uri: str = ""
    entry: Entry | None = None
    rivals: tuple[str, ...] = ()
    """Keys of images beside it that would have the same pyramid."""
    markers: tuple[MarkerRef, ...] = ()
    file_ids: tuple[str, ...] = ()
    """What the API calls it."""


Images = dict[tuple[str, str, str], Candidate]
"""Candidates by what they are: place, key and target."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Something that is known not to become a pyramid, and why."""

    name: str
    group: str
    reason: str
    kind: str = ""
    markers: tuple[MarkerRef, ...] = ()
    where: str = ""
    """The place of what is at fault, as a person would type it."""


@dataclass
class Found:
    """All of it. `gone` are the names and ids of the API's files that do not exist."""

    candidates: list[Candidate] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    gone: dict[str, tuple[str, ...]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    left: int = 0
    """Candidates beyond the limit."""


def find(request: Request, collected: Collected, store: Store) -> Found:
    """Look for a run's images. A source that cannot be read is a problem; the others go on."""
    found = Found(problems=list(collected.problems))
    images: Images = {}
    for source, place in request.scans.items():
        if not request.backfill:
            _marked(request, store, source, place, found, images)
        if request.backfill or request.mode is Mode.ALL:
            _listed(request, store, source, place, found, images)
    if request.api and not request.backfill:
        _of_the_api(request, collected, store, found, images)
    if not request.backfill and {*settings().scan_sources} <= {*request.sources} and not request.prefixes:
        found.refused += _of_no_source(store)
    found.problems += _found_nothing(request, images)
    ordered = sorted(images.values(), key=lambda one: (one.group, one.key, one.target))
    kept = ordered[: request.limit] if request.limit else ordered
    found.left = len(ordered) - len(kept)
    found.candidates = _named(kept)
    return found


def _of_no_source(store: Store) -> Iterator[Refusal]:
    """The markers that no source of this deployment will ever take: somebody waits for them in vain.

    They are not named as the refusal's own, so that settling neither counts their days nor sets them aside.
    """
    known = tuple(keys.markers(source) for source in settings().scan_sources)
    for entry in store.list(keys.MARKERS):
        if entry.key.endswith(".json") and not entry.key.startswith(known):
            folder, _, _ = entry.key.removeprefix(keys.MARKERS).rpartition("/")
            reason = (
                f"its marker waits for the source {folder!r}, which is not set; add it to DARKROOM_SCAN_SOURCES, or "
                f"remove the markers below {keys.MARKERS}{folder}/"
                if folder
                else f"its marker lies in no source's folder; move it below {keys.MARKERS}<source>/, or remove it"
            )
            yield Refusal(entry.key, folder or "no source", reason, where=readable(store.uri_of(entry.key)))


def _found_nothing(request: Request, images: Images) -> Iterator[str]:
    """Where somebody named images, and none are there: a backfill's interval may be empty."""
    if request.backfill or not request.sources:
        return
    what = "marked image" if request.mode is not Mode.ALL else "image"
    for prefix in request.prefixes:
        if not any(one.key.startswith(prefix) or one.target.startswith(prefix) for one in images.values()):
            yield f"prefixes: no {what} begins with {prefix!r}; correct the prefix, or mark the images first."
    if request.extensions and not request.prefixes and not images:
        asked = ", ".join(request.extensions)
        yield f"extensions: no {what} has one of {asked}; correct them, or mark the images first."


def stores_of(candidates: Iterable[Candidate], access: Access) -> dict[str, Store]:
    """The stores that candidates lie in, by their places."""
    return {place: open_store(place, access) for place in {one.place for one in candidates} if place}


def look_at(found: Found, extensions: tuple[str, ...], access: Access) -> Iterator[Candidate]:
    """What stands at each candidate's place now, many at once; one that cannot be looked at is refused."""
    candidates = found.candidates
    stores = stores_of(candidates, access)

    def look(one: Candidate) -> Candidate | Refusal:
        if not one.place:
            return replace(one, uri=without_secrets(one.key))
        uri = stores[one.place].uri_of(one.key)
        try:
            entry = stores[one.place].head(one.key)
            siblings = stores[one.place].list(beside(one.key)) if entry and not one.file_ids else ()
            rivals = [sibling.key for sibling in chosen(siblings, extensions or IMAGES) if sibling.key != one.key]
        except StoreError as error:
            return Refusal(one.name, one.group, f"it cannot be looked at: {error}".rstrip("."), "download", one.markers)
        rivals = [rival for rival in rivals if target_of(rival) == target_of(one.key)]
        return replace(one, uri=uri, entry=entry, rivals=tuple(rivals))

    most = max((store.concurrency for store in stores.values()), default=1)
    for looked in in_parallel("images looked at", candidates, look, most):
        if isinstance(looked, Refusal):
            found.refused.append(looked)
        else:
            yield looked


def _marked(request: Request, store: Store, source: str, place: str, found: Found, images: Images) -> None:
    for seen in read_markers(store, source):
        ref = MarkerRef(key=seen.entry.key, etag=seen.entry.etag)
        marker = seen.marker
        if marker is None:
            found.refused.append(Refusal(ref.key, source, seen.reason, markers=(ref,)))
            continue
        if not _wanted(request, marker.key):
            continue
        target = pyramid_in(marker.folder, marker.key)
        if reason := unsafe(marker.key) or unsafe(target):
            found.refused.append(Refusal(ref.key, source, f"its key or path is none: {reason}", markers=(ref,)))
            continue
        _add(
            images,
            Candidate(f"{source}/{marker.key}", source, place, marker.key, target, _said(marker), markers=(ref,)),
        )


def _said(marker: Marker) -> bool | None:
    """What a marker says of whose image it is."""
    said = marker.copyright.strip().lower()
    return said == "copyright" if said else None


def _listed(request: Request, store: Store, source: str, place: str, found: Found, images: Images) -> None:
    scans = open_store(place, store.access)
    try:
        for prefix in request.prefixes or ("",):
            for entry in chosen(scans.list(prefix), request.extensions or IMAGES, request.since, request.until):
                name = readable(f"{source}/{entry.key}")
                if reason := unsafe(entry.key):
                    where = readable(scans.uri_of(entry.key))
                    found.refused.append(Refusal(name, source, f"its key is none: {reason}", where=where))
                else:
                    _add(images, Candidate(name, source, place, entry.key, target_of(entry.key)))
    except StoreError as error:
        found.problems.append(f"{source}: it cannot be listed: {error}")


def _of_the_api(request: Request, collected: Collected, store: Store, found: Found, images: Images) -> None:
    found.refused += [Refusal(f"{APPSYNC}/{one.id}", APPSYNC, one.reason) for one in collected.unreadable]
    for file in collected.files:
        if not _wanted(request, file.file_path):
            continue
        name = f"{APPSYNC}/{file.id}"
        place, key = "", file.source_uri
        if file.source_type == "Museum":
            fetched = collected.museum[file.drive_id]
            if fetched.gone:
                found.gone[name] = (file.id,)
                continue
            if fetched.reason:
                found.refused.append(Refusal(name, APPSYNC, fetched.reason, "download"))
                continue
            if fetched.key:
                place, key = store.uri, fetched.key
        elif file.source_type == "S3":
            lies = place_of(request.api_places, file)
            if lies is None or unsafe(lies[1]):
                where = f"s3://{file.source_bucket_name}/{file.source_file_path}"
                found.refused.append(Refusal(name, APPSYNC, f"{where} is in no place of DARKROOM_SCAN_SOURCES"))
                continue
            place, key = lies
        target = target_of(file.file_path)
        _add(images, Candidate(name, APPSYNC, place, key, target, file.protected, file_ids=(file.id,)))


def place_of(places: Iterable[str], file: FileToProcess) -> tuple[str, str] | None:
    """The place that an S3 file of the API lies in, the closest one, and its key there."""
    return closest_place(f"s3://{file.source_bucket_name}/{file.source_file_path.lstrip('/')}", places)


def _wanted(request: Request, key: str) -> bool:
    begins = not request.prefixes or key.startswith(request.prefixes)
    return begins and has_extension(key, request.extensions)


def _add(images: Images, one: Candidate) -> None:
    """Add an image; what is said of one and the same by several comes together."""
    identity = (one.place, one.key, one.target)
    known = images.get(identity)
    if known:
        said = [protected for protected in (known.protected, one.protected) if protected is not None]
        one = replace(
            known,
            protected=any(said) if said else None,
            markers=(*known.markers, *one.markers),
            file_ids=(*known.file_ids, *one.file_ids),
        )
    images[identity] = one


def _named(candidates: list[Candidate]) -> list[Candidate]:
    """Candidates of which none has another's name: of one image in two places, the second says which."""
    taken: set[str] = set()
    named = []
    for one in candidates:
        name = one.name if one.name not in taken else f"{one.name} -> {one.target}"
        taken.add(name)
        named.append(replace(one, name=name))
    return named
