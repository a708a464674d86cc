"""The catalogue that stands in a store: made anew from what lies beside it, read, and replaced where it changed."""

import json
from collections.abc import Sequence
from typing import NamedTuple

from darkroom import keys
from darkroom.catalogue.build import build
from darkroom.catalogue.model import Catalogue
from darkroom.checks.renders import read_sizes
from darkroom.errors import BadInput, Conflict, NotFound, StoreError
from darkroom.jobs import dump, parse
from darkroom.ownership import refusal
from darkroom.settings import settings
from darkroom.store import Entry, Store, readable
from darkroom.styles.names import parse_render
from darkroom.styles.style import Style

_TRIES = 20
_MOST_SIZES = 48
"""So many renders are asked how large they are: nearly all have one size, and what has another is a finding."""


class Published(NamedTuple):
    """The catalogue as it stands now, and whether it had to be written."""

    catalogue: Catalogue
    written: bool


def publish(store: Store, style: Style) -> Published:
    """Have the catalogue of a style stand in the studio's store as its proxies and its style file have it now.

    Nothing is written where it says the same already. Raises `BadInput` where something stands in its place that is no
    catalogue of this style, and `StoreError`, also where it never stops changing.
    """
    key = keys.catalogue(style.style)
    for _ in range(_TRIES):
        stands = _standing(store, style.style)
        catalogue = assemble(store, style)
        data = dump(catalogue)
        if stands and stands[1] == data:
            return Published(catalogue, written=False)
        replaced = stands[0].etag if stands else None
        try:
            store.write(
                key, data, content_type="application/json", if_absent=not replaced, if_match=replaced, durable=True
            )
        except Conflict:
            continue
        again = read(store, style.style)
        if again == catalogue:
            return Published(catalogue, written=True)
    where = readable(store.uri_of(key))
    raise StoreError(f"It changed {_TRIES} times while it was written; see who else writes it, and try again: {where}")


def assemble(store: Store, style: Style) -> Catalogue:
    """The catalogue as the proxies and renders in the studio's store have it now. Reads listings and some headers."""
    prefix = keys.proxies(style.style)
    proxies = [entry.key.removeprefix(prefix) for entry in store.list(prefix)]
    renders = [entry for entry in store.list(keys.raw_renders(style.style)) if _is_render(entry.key)]
    sizes, _ = read_sizes(store, _some(renders), settings().max_pixels)
    return build(style, proxies, sizes.values(), (entry.key for entry in renders))


def read(store: Store, style: str) -> Catalogue | None:
    """The catalogue of a style that stands in the studio's store; None where there is none. Raises `BadInput`."""
    key = keys.catalogue(style)
    try:
        return parse(Catalogue, store.read(key), readable(store.uri_of(key)))
    except NotFound:
        return None


def _standing(store: Store, style: str) -> tuple[Entry, bytes] | None:
    """What stands at the catalogue's key. Raises `BadInput` where that is somebody else's."""
    key = keys.catalogue(style)
    try:
        with store.open(key) as reading:
            entry, data = reading.entry, reading.stream.read()
    except NotFound:
        return None
    if not _is_of(style, data):
        raise BadInput(f"{refusal(key)}, then run it again: {readable(store.uri_of(key))}")
    return entry, data


def _is_of(style: str, data: bytes) -> bool:
    """Is this a catalogue of the style, of whatever schema version?"""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and found.get("style") == style and {"schema_version", "layers"} <= found.keys()


def _is_render(key: str) -> bool:
    return parse_render(key.rpartition("/")[2]) is not None


def _some(renders: Sequence[Entry]) -> Sequence[Entry]:
    """At most `_MOST_SIZES` of them, from all over, the same ones every time."""
    ordered = sorted(renders, key=lambda entry: entry.key)
    return ordered[:: max(1, -(-len(ordered) // _MOST_SIZES))]
