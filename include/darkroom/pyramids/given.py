"""The images that a command was given by where they lie, instead of by sources and markers."""

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from darkroom.errors import BadInput
from darkroom.pyramids.find import Candidate
from darkroom.pyramids.names import target_of
from darkroom.pyramids.request import Request
from darkroom.store import Entry, Store, open_store, path_of

Identity = str | tuple[int, int]
"""What tells objects apart: an URI, or of a file its device and inode."""


def given_images(request: Request) -> list[Candidate]:
    """What a request's `given` name, each once, as it stands there now. Raises `BadInput` where nothing is.

    Images are called by their keys where these say which is which, as in a folder or a bucket, else by their URIs.
    """
    found = {
        store.uri_of(entry.key): (source, store, entry) for source in request.given for store, entry in _images(source)
    }
    keys = Counter(entry.key for _, _, entry in found.values())
    return [
        Candidate(
            name=entry.key if keys[entry.key] == 1 else uri,
            group=source,
            place=store.uri,
            key=entry.key,
            target=target_of(entry.key),
            protected=request.protected,
            uri=uri,
            entry=entry,
        )
        for uri, (source, store, entry) in found.items()
    ]


def identity(uri: str) -> Identity:
    """What an object is, whichever of its names leads to it: a file may have several, by links."""
    if uri.startswith("file://"):
        with suppress(OSError):
            stat = path_of(uri).stat()
            return stat.st_dev, stat.st_ino
    return uri


def _images(source: str) -> Iterator[tuple[Store, Entry]]:
    """What a source is: one object, or all below a folder or prefix."""
    parent, _, name = source.rpartition("/")
    if "://" not in source:
        path = Path(source)
        parent, name = str(path.parent), path.name
    # a whole bucket has nothing before its name
    if name and ("://" in parent or "://" not in source):
        store = open_store(parent)
        if entry := store.head(name):
            yield store, entry
            return
    store, empty = open_store(source), True
    for entry in store.list():
        yield store, entry
        empty = False
    if empty:
        raise BadInput(f"{source}: nothing is there.")
