"""Markers: small JSON objects that say "this image changed" (DESIGN 4 and 7)."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import PurePosixPath

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from darkroom import keys
from darkroom.errors import Conflict, NotFound
from darkroom.sentences import sentences
from darkroom.store import Entry, Store

_LARGEST = 64 << 10  # bytes; a marker has some hundred
_AT_ONCE = 1000  # images whose markers are on their way together
_LONGEST_KEY = 1024  # bytes, as S3 and GCS have it


class Marker(BaseModel):
    """What a marker says. Other systems write markers too: fields that are not known here are passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True, populate_by_name=True)

    key: str = Field(min_length=1, max_length=_LONGEST_KEY)
    """The image, in its source's store."""
    path: str | None = Field(default=None, max_length=_LONGEST_KEY)
    """The folder of its pyramid; without it, the image's own."""
    etag: str = Field(default="", alias="eTag")
    """The version that changed; without it, the one that is there."""
    copyright: str = Field(default="", alias="copyrightStatus")

    @property
    def folder(self) -> str:
        """Where the pyramid goes, without slashes around it."""
        folder = str(PurePosixPath(self.key).parent) if self.path is None else self.path
        return folder.strip("/").removeprefix(".")


@dataclass(frozen=True, slots=True)
class Found:
    """One object below the markers' prefix: its entry, and its marker or the reason why it is none."""

    entry: Entry
    marker: Marker | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Marked:
    """What `mark` did about one image: its key, and whether it had been marked already."""

    key: str
    already: bool


def read_markers(store: Store, source: str) -> Iterator[Found]:
    """Every marker of a source, also those that cannot be read; in the order of their keys in the store's listing."""
    rest = (entry for entry in store.list(keys.markers(source)) if entry.key.endswith(".json"))
    with ThreadPoolExecutor(store.concurrency, "markers") as pool:
        while entries := list(islice(rest, _AT_ONCE)):
            yield from (found for found in pool.map(lambda entry: _read(store, entry), entries) if found)


def _read(store: Store, entry: Entry) -> Found | None:
    if entry.bytes > _LARGEST:
        return Found(entry, None, f"it has {entry.bytes:,} bytes, which no marker has")
    try:
        return parsed(entry, store.read(entry.key))
    except NotFound:
        return None  # somebody was quicker


def parsed(entry: Entry, data: bytes) -> Found:
    """What the object of an entry says."""
    try:
        marker = Marker.model_validate_json(data)
    except ValidationError as error:
        return Found(entry, None, f"it is no marker: {sentences(error, Marker)[0]}")
    return Found(entry, marker)


def mark(scans: Store, found: Iterable[Entry], store: Store, source: str, *, dry_run: bool = False) -> Iterator[Marked]:
    """Write a marker for each of a source's images, many at once; one that says the same already is left as it is.

    With `dry_run` it is only said which are there already.
    """

    def mark_one(entry: Entry) -> Marked:
        marker = Marker(key=entry.key, etag=entry.etag)
        if dry_run:
            return Marked(entry.key, _stands(store, key_of(source, scans, marker), marker))
        return write(store, source, scans, marker)

    rest = iter(found)
    with ThreadPoolExecutor(store.concurrency, "mark") as pool:
        while entries := list(islice(rest, _AT_ONCE)):
            yield from pool.map(mark_one, entries)


def write(store: Store, source: str, scans: Store, marker: Marker) -> Marked:
    """Write the marker of an image of `scans`, over an older one; one that says the same already is left as it is."""
    key = key_of(source, scans, marker)
    data = marker.model_dump_json(by_alias=True, exclude_defaults=True).encode()
    try:
        store.write(key, data, content_type="application/json", if_absent=True, durable=True)
        return Marked(marker.key, already=False)
    except Conflict:
        already = _stands(store, key, marker)
        if not already:
            store.write(key, data, content_type="application/json", durable=True)
        return Marked(marker.key, already)


def key_of(source: str, scans: Store, marker: Marker) -> str:
    """Where the marker of an image of `scans` lies."""
    return keys.marker(source, location_of(scans.uri_of(marker.key)))


def _stands(store: Store, key: str, marker: Marker) -> bool:
    """Does such a marker lie there, which says the same?"""
    standing = store.head(key)
    return standing is not None and parsed(standing, store.read(key)).marker == marker


def chosen(
    entries: Iterable[Entry],
    extensions: Iterable[str] = (),
    since: datetime | None = None,
    until: datetime | None = None,
) -> Iterator[Entry]:
    """Of a listing, the images that have one of these extensions (in any case) and changed in `[since, until)`.

    What is not given sets no bound. Markers are for images: what ends in a slash or in `.json` is none.
    """
    wanted = tuple(extensions)
    for entry in entries:
        if not is_image_key(entry.key) or not has_extension(entry.key, wanted):
            continue
        if (since and entry.modified < since) or (until and entry.modified >= until):
            continue
        yield entry


def is_image_key(key: str) -> bool:
    """May an image have such a key? Folders and markers are none."""
    return not key.lower().endswith(("/", ".json"))


def has_extension(key: str, extensions: Iterable[str]) -> bool:
    """Has a key one of these extensions, in any case and with or without their dot? Without any, every key has.

    >>> has_extension("maps/A.TIFF", ["jpg", ".tiff"])
    True
    """
    wanted = {extension.lower().lstrip(".") for extension in extensions}
    return not wanted or PurePosixPath(key).suffix.lower().lstrip(".") in wanted


def location_of(uri: str) -> str:
    """An image's bucket and key (of a folder: its path), which name it wherever it is marked.

    >>> location_of("s3://scans/1890/a #1.jpg")
    'scans/1890/a #1.jpg'
    """
    return uri.partition("://")[2]
