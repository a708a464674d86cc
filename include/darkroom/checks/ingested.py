"""The checks of what an ingest brought, told from the renders' headers and from their proxies: cheap, after each one.

What was looked at once is remembered by the version of render and proxy, so that only what is new is read.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product

from pydantic import BaseModel, ConfigDict, Field

from darkroom import keys, ledger
from darkroom.checks.check import (
    Check,
    Delivery,
    Looked,
    Pictures,
    broken,
    check_delivery,
    odd_pixels,
    odd_profile,
    shown,
)
from darkroom.checks.findings import is_litter
from darkroom.checks.page import page, renders_of
from darkroom.checks.pictures import Given
from darkroom.checks.renders import index_renders, too_large
from darkroom.errors import BadInput, ItemError, StoreError
from darkroom.imaging.png_header import png_size
from darkroom.imaging.png_profile import other_profile
from darkroom.jobs import Document
from darkroom.settings import settings
from darkroom.store import Entry, Store, open_store
from darkroom.styles.names import SIDES, parse_render
from darkroom.styles.options import check_count, enumerate_combinations
from darkroom.styles.stacks import Resolver
from darkroom.styles.style import Style

_BEGINNING = 16 << 10  # bytes of a render, in which its size and its colour profile's name stand


class Known(BaseModel):
    """What looking at a render told, in that version of it and of its proxy (empty: there was none)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    render: str
    proxy: str
    looked: Looked


class Checked(Document):
    """What the checks of a style found last, and what was known of each render then, by its key.

    Keys are relative to the style's raw renders, those in the findings too.
    """

    check: Check | None = None
    known: dict[str, Known] = Field(default_factory=dict)
    damaged: bool = False


def review(store: Store, style: Style, write: Callable[[bytes], object] | None = None) -> Check:
    """Check what stands in the studio's store of a style, and remember it at `keys.checks`.

    `write` is given the page of what was found, with pictures: an ingest puts it beside its plan, at
    `keys.checks_html`. Raises `StoreError`.
    """
    renders = open_store(store.uri_of(keys.raw_renders(style.style).rstrip("/")), store.access)
    of = _delivery(style, renders)
    before = ledger.read(store, keys.checks(style.style), Checked)
    looking = _Looking(store, renders, style, _proxies(store, style), before.known)
    check = check_delivery(of, looking.look)
    after = Checked(check=check, known=looking.seen)
    if after != before:
        ledger.update(store, keys.checks(style.style), Checked, lambda _: after)
    if write:
        write(page(check, looking.give, settings().workers))
    return check


def last_check(store: Store, style: str) -> Check | None:
    """What the checks of a style found last; None where nobody has checked it. Raises `StoreError`."""
    return ledger.read(store, keys.checks(style), Checked).check


def _delivery(style: Style, renders: Store) -> Delivery:
    entries = [entry for entry in renders.list() if not is_litter(entry.key)]
    index = index_renders(entries, style.source_folders)
    lengths = tuple(style.length_names)
    pictures = offered(style, index.layers())
    return Delivery(style, renders.uri, entries, index, lengths, tuple(range(style.colours)), SIDES, pictures)


def offered(style: Style, layers: Iterable[str]) -> Pictures:
    """Every combination that the options allow with its stack; none where they are missing, or allow too many."""
    if not style.options:
        return {}
    try:
        for length in style.length_names:
            check_count(style, length, settings().max_combinations, style.style)
    except BadInput:
        return {}
    pictures = {}
    for length, side in product(style.length_names, SIDES):
        if style.default_layers(length, side):  # else that is a finding of its own
            resolver = Resolver(style, length, side, layers)
            pictures[length, side] = [(codes, resolver.stack(codes)) for codes in enumerate_combinations(style, length)]
    return pictures


def _proxies(store: Store, style: Style) -> Mapping[str, str]:
    """The ETag of each of a style's proxies, by its key."""
    return {entry.key: entry.etag for entry in store.list(keys.proxies(style.style))}


@dataclass
class _Looking:
    """Looks at renders by their headers and proxies; `seen` is what it knows of each."""

    store: Store
    renders: Store
    style: Style
    proxies: Mapping[str, str]
    known: Mapping[str, Known]

    def __post_init__(self) -> None:
        self.seen: dict[str, Known] = {}

    def look(self, files: Sequence[Entry]) -> list[Looked]:
        """What each of the files tells."""
        with ThreadPoolExecutor(settings().workers, "checking") as pool:
            self.seen = dict(zip((entry.key for entry in files), pool.map(self._look, files), strict=True))
        return [one.looked for one in self.seen.values()]

    def give(self, key: str) -> Given | None:
        """A render for a page: its proxy, which is said to have the render's own size; without one, the render."""
        seen, proxy = self.seen.get(key), self._proxy_of(key)
        if proxy not in self.proxies:
            return renders_of(self.renders, settings().max_pixels)(key)
        data = self.store.read(proxy)
        size = (seen and seen.looked.size) or png_size(data)
        return Given(data, size) if size else None

    def _look(self, entry: Entry) -> Known:
        etag = self.proxies.get(self._proxy_of(entry.key), "")
        known = self.known.get(entry.key)
        if known and (known.render, known.proxy) == (entry.version, etag):
            return known
        return Known(render=entry.version, proxy=etag, looked=self._looked(entry.key, has_proxy=bool(etag)))

    def _looked(self, key: str, *, has_proxy: bool) -> Looked:
        try:
            with self.renders.open(key, length=_BEGINNING) as reading:
                beginning = reading.stream.read()
            size = png_size(beginning)
            if size is None:
                return broken(key, "it is no PNG, whatever its name says", "export it again as PNG")
            if much := too_large(size, settings().max_pixels):
                return broken(key, *much)
            if not has_proxy:
                return self._without_proxy(key, size)
            data = self.store.read(self._proxy_of(key))
            proxy_size = png_size(data) or size
            scale = size[0] / proxy_size[0]
            strays, opaque, corner = shown(data, size, scale)
        except (ItemError, StoreError, OSError) as error:
            return broken(key, f"it or its proxy cannot be read ({str(error).rstrip('.')})", "ingest it again")
        found = (*odd_profile(key, other_profile(beginning)), *odd_pixels(key, strays, corner, scale))
        return Looked(key=key, size=size, whole=True, findings=found, opaque=opaque)

    def _without_proxy(self, key: str, size: tuple[int, int]) -> Looked:
        read = parse_render(key.rpartition("/")[2])
        if read and read[0].code in self.style.ignored_customizations:
            return Looked(key=key, size=size, whole=False, findings=())
        return broken(key, "no proxy could be made of it, so it cannot be decoded whole", "export it again", size)

    def _proxy_of(self, key: str) -> str:
        name = key.rpartition("/")[2]
        read = parse_render(name)
        return keys.proxy(self.style.style, read[0].code, name) if read else ""
