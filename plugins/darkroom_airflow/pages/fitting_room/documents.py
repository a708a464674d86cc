"""What the fitting room reads of the studio's store, with each read checked before a browser sees it."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from darkroom import flags, keys
from darkroom.catalogue.model import Catalogue
from darkroom.checks.findings import Finding
from darkroom.errors import BadInput, NotFound
from darkroom.imaging.png_header import HEADER_BYTES, png_size
from darkroom.jobs import parse
from darkroom.keys import Picture
from darkroom.store import Entry, Store, readable
from darkroom.styles.names import parse_render, plain

_LARGEST_PROXY = 8 << 20  # bytes; one of 800x800 whose every pixel differs has 2.6 million
_MOST_PIXELS = 800 * 800


class _Check(BaseModel):
    findings: tuple[Finding, ...]


class _Checked(BaseModel):
    """As much as a page needs of what the checks wrote down."""

    check: _Check


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy's file, and the version that its address may carry; or why there is none, a sentence."""

    version: str
    data: bytes
    trouble: str = ""


def version_of(entry: Entry) -> str:
    """A short name of exactly this content: an address with it in may be kept for long."""
    return hashlib.sha256(entry.version.encode(errors="surrogateescape")).hexdigest()[:12]


def catalogue(store: Store, style: str) -> bytes:
    """JSON: a style's `catalogue`, and by key the version of each proxy that lies beside it. Raises `NotFound`.

    The catalogue says what belongs where; the listing says what is really there, and whether it is still the same
    picture: a render that is delivered again changes no catalogue.
    """
    key = keys.catalogue(style)
    try:
        data = store.read(key)
    except NotFound:
        raise NotFound(
            f"There is no catalogue of the style {style!r} yet; start render_ingest for it, and load this page again."
        ) from None
    parse(Catalogue, data, readable(store.uri_of(key)))
    prefix = keys.proxies(style)
    versions = {
        entry.key.removeprefix(prefix): version_of(entry) for entry in store.list(prefix) if entry.key.endswith(".png")
    }
    return b'{"catalogue":%s,"versions":%s}' % (data, json.dumps(versions).encode())


def proxy_key(style: str, code: str, file: str) -> str | None:
    """The key of a proxy; None where no proxy can be called so: nothing beside the style's proxies is ever read.

    >>> proxy_key("sample-dress", "t1", "t1_neckline_front_0003.png")
    'renders/caddy/sample-dress/t1/t1_neckline_front_0003.png'
    >>> proxy_key("sample-dress", "..", "t1_neckline_front_0003.png") is None
    True
    """
    render = parse_render(file)
    if render is None or render[0].code != code or plain(file) != file:
        return None
    return keys.proxy(style, code, file)


def proxy(store: Store, style: str, code: str, file: str) -> Proxy:
    """A proxy's file. Raises `NotFound`, and `BadInput` for what a browser should not be made to decode."""
    key = proxy_key(style, code, file)
    if key is None:
        raise NotFound("No proxy can be called so; load the page again.")
    where = readable(store.uri_of(key))
    with store.open(key) as reading:
        if reading.entry.bytes > _LARGEST_PROXY:
            raise BadInput(f"It is too large for a proxy; start render_ingest with mode all for the style: {where}")
        data = reading.stream.read()
        version = version_of(reading.entry)
    size = png_size(data[:HEADER_BYTES])
    if size is None or size[0] * size[1] > _MOST_PIXELS:
        raise BadInput(f"It is no PNG of at most 800 x 800; start render_ingest with mode all for the style: {where}")
    return Proxy(version, data)


def bundle(proxies: Sequence[Proxy]) -> bytes:
    """Proxies in one piece: a line of JSON that says of each its `bytes` or its `trouble`, and then their files."""
    said = [{"trouble": one.trouble} if one.trouble else {"bytes": len(one.data)} for one in proxies]
    return b"".join((json.dumps(said).encode(), b"\n", *(one.data for one in proxies)))


def checks(store: Store, style: str) -> dict[str, Any]:
    """The findings of the checks of a style's renders, as JSON."""
    key = keys.checks(style)
    try:
        data = store.read(key)
    except NotFound:
        return {"findings": []}
    found = parse(_Checked, data, readable(store.uri_of(key)))
    return {"findings": [one.model_dump(mode="json") for one in found.check.findings]}


def flags_of(store: Store, style: str) -> list[dict[str, Any]]:
    """A style's flags as JSON, the last first."""
    return [one.model_dump(mode="json") for one in reversed(flags.every(store, style))]


def flag(store: Store, style: str, name: str, note: str, by: str) -> dict[str, Any]:
    """Flag a combination of a style that has a catalogue. Raises `BadInput` for what is none of its pictures."""
    key = keys.catalogue(style)
    known = parse(Catalogue, store.read(key), readable(store.uri_of(key)))
    picture = Picture.parse(name)
    lengths = {length.slug for length in known.lengths}
    if picture is None or picture.length not in lengths or picture.colour >= known.colours:
        raise BadInput(f"{known.style} has no such picture; load the page again, and flag one that it shows.")
    return flags.flag(store, style, picture, note, by).model_dump(mode="json")
