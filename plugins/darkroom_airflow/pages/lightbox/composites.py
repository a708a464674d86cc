"""What stands of a style's composites: by ledgers, never by listing all of them."""

import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from darkroom import keys, ledger
from darkroom.compositing.profiles import COMPOSITE, CROPS, CUTS
from darkroom.errors import BadInput, NotFound
from darkroom.imaging.png_header import HEADER_BYTES, png_size
from darkroom.keys import Picture
from darkroom.ledger import Ledger, LedgerEntry
from darkroom.store import Entry, Store, readable
from darkroom.store.s3_versions import read_version, versions
from darkroom.styles.names import SIDES
from darkroom.styles.options import count_combinations, enumerate_combinations
from darkroom.styles.style import Style
from darkroom.styles.style_file import read_style, style_files

PAGE = 60
"""Pictures of one answer."""
_MOST_COMBINATIONS = 200_000  # of a length; of a style that allows more, only what stands is shown
_MOST_BYTES, _MOST_PIXELS = 16 << 20, 2048 * 2048  # of a picture
_MOST_VERSIONS = 50
_LEDGERS = 16  # that are kept, of some megabytes each

_Composites = Ledger[LedgerEntry]


@dataclass(frozen=True, slots=True)
class File:
    """A picture's bytes, and the short name of its version."""

    version: str
    data: bytes


def style_of(name: str) -> Style:
    """A style of the studio. Raises `NotFound`, `BadInput`."""
    path = style_files().get(name)
    if path is None:
        raise NotFound(f"The studio has no style file of the name {name!r}; choose another style.")
    return _style(str(path), path.stat().st_mtime_ns)


@lru_cache(maxsize=32)
def _style(path: str, changed: int) -> Style:
    return read_style(path)


def described(name: str) -> dict[str, Any]:
    """What may be chosen of a style, as JSON. The codes are those that may be picked in any length."""
    style = style_of(name)
    return {
        "style": style.style,
        "name": style.name or "",
        "lengths": [{"slug": slug, "name": said} for slug, said in style.length_names.items()],
        "sides": list(SIDES),
        "colours": style.colours,
        "codes": [code for code in style.customizations if code not in style.ignored_customizations],
        "cuts": list(CUTS),
    }


def page_of(
    store: Store, name: str, *, length: str, side: str, colour: int, codes: Collection[str], first: int
) -> dict[str, Any]:
    """A page of the pictures of one length, side and colour that have all of these codes, as JSON.

    In the order of the style's combinations, made or not; after them those that stand although the style does not offer
    them any more. Where no length is said, of the first one. Raises `BadInput`, `NotFound`, `StoreError`.
    """
    style = style_of(name)
    length = length or next(iter(style.length_names))
    if length not in style.length_names or side not in SIDES or not 0 <= colour < style.colours:
        raise BadInput(f"{name} has no such length, side or colour; choose one that it has.")
    standing = _standing(store, name, length, side, colour)
    offered = [
        Picture(combination, length, side, colour)
        for combination in _combinations(name, length)
        if set(codes) <= set(combination)
    ]
    known = {picture.name for picture in offered}
    more = [
        read
        for one in sorted(standing)
        if one not in known and (read := Picture.parse(one)) and set(codes) <= set(read.codes)
    ]
    all_of = [*((picture, True) for picture in offered), *((picture, False) for picture in more)]
    return {
        "total": len(all_of),
        "made": sum(picture.name in standing for picture, _ in all_of),
        "first": first,
        "page": PAGE,
        "pictures": [
            {
                "name": picture.name,
                "codes": list(picture.codes),
                "offered": is_offered,
                "cuts": {cut: short(entry.etag) for cut, entry in standing.get(picture.name, {}).items()},
                "stale": next((entry.stale for entry in standing.get(picture.name, {}).values() if entry.stale), ""),
            }
            for picture, is_offered in all_of[first : first + PAGE]
        ],
    }


def _combinations(name: str, length: str) -> tuple[tuple[str, ...], ...]:
    path = style_files()[name]
    return _enumerated(str(path), path.stat().st_mtime_ns, length)


@lru_cache(maxsize=32)
def _enumerated(path: str, changed: int, length: str) -> tuple[tuple[str, ...], ...]:
    style = _style(path, changed)
    if count_combinations(style, length, _MOST_COMBINATIONS) is None:
        return ()
    return tuple(tuple(codes) for codes in enumerate_combinations(style, length))


def _standing(store: Store, style: str, length: str, side: str, colour: int) -> dict[str, dict[str, LedgerEntry]]:
    """By picture's name and cut, what the ledger knows to stand."""
    key = keys.composites_ledger(style, length, side, colour)
    entry = store.head(key)
    return _read(store, entry) if entry else {}


_known: dict[tuple[str, str], tuple[str, dict[str, dict[str, LedgerEntry]]]] = {}


def _read(store: Store, entry: Entry) -> dict[str, dict[str, LedgerEntry]]:
    """A ledger, of which the last ones that were read are kept as long as they do not change."""
    name = store.uri, entry.key
    version, found = _known.get(name, ("", {}))
    if version != entry.version:
        found = {}
        for key, one in ledger.read(store, entry.key, _Composites).outputs.items():
            cut, file = key.split("/")[-2:]
            found.setdefault(file.removesuffix(".png"), {})[cut] = one
        _known.pop(name, None)
        _known[name] = entry.version, found
        for oldest in list(_known)[:-_LEDGERS]:
            _known.pop(oldest, None)
    return found


def short(etag: str) -> str:
    """A short name of a version, for an ETag or an address."""
    return hashlib.sha256(etag.encode(errors="surrogateescape")).hexdigest()[:12]


def picture(store: Store, style: str, cut: str, name: str, version: str) -> File:
    """A cut of a picture as it stands, or an earlier version of it by the store's own id.

    Raises `NotFound`, `BadInput` for what a browser should not be made to decode, and `StoreError`.
    """
    key = _key(store, style, cut, name)
    where = readable(store.uri_of(key))
    if version:
        return File(short(version), _checked(read_version(store, key, version, most=_MOST_BYTES), where))
    with store.open(key) as reading:
        if reading.entry.bytes > _MOST_BYTES:
            raise BadInput(f"It is too large for a picture: {where}")
        return File(short(reading.entry.etag), _checked(reading.stream.read(), where))


def _checked(data: bytes, where: str) -> bytes:
    size = png_size(data[:HEADER_BYTES])
    if size is None or size[0] * size[1] > _MOST_PIXELS:
        raise BadInput(f"It is no PNG of a composite's size: {where}")
    return data


def _key(store: Store, style: str, cut: str, name: str) -> str:
    """Where a picture lies: nothing beside the style's composites is ever read."""
    found = Picture.parse(name)
    if cut not in (COMPOSITE, *CROPS) or found is None or found.name != name:
        raise NotFound("No picture can be called so; load the page again.")
    key = keys.picture(style, cut, name)
    known = _standing(store, style, found.length, found.side, found.colour).get(name, {}).get(cut)
    return known.stored if known and known.stored else key


def versions_of(store: Store, style: str, name: str) -> dict[str, Any]:
    """Which versions of a composite the store keeps, the newest first, as JSON; `kept`: does it keep any?"""
    found = versions(store, _key(store, style, COMPOSITE, name), most=_MOST_VERSIONS)
    return {"kept": found is not None, "versions": list(_as_json(found or ()))}


def _as_json(found: Collection[Any]) -> Iterator[dict[str, Any]]:
    for one in found:
        yield {"id": one.id, "bytes": one.bytes, "modified": one.modified.isoformat(), "current": one.current}
