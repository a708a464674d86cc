"""The checks before anything is spent: is everything there that a style's pictures need, and fit to be used?"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from darkroom.compositing import findings as decide
from darkroom.compositing.findings import KINDS, Finding, finding
from darkroom.compositing.layers import HEADER_BYTES, Layers, png_size
from darkroom.compositing.prepare import Codes, LengthSide, pictures_of
from darkroom.compositing.renders import LayerInColour, RenderIndex, delivered, too_large
from darkroom.compositing.request import Request, Scope, check_scope, read_style, renders_location
from darkroom.compositing.stray import Stray, fills_frame, stray_regions
from darkroom.errors import ItemError, StoreError
from darkroom.imaging.geometry import Box
from darkroom.imaging.png_profile import other_profile
from darkroom.jobs import Document
from darkroom.progress import in_parallel
from darkroom.settings import settings
from darkroom.store import Entry, Store, open_store
from darkroom.styles.names import SIDES
from darkroom.styles.stacks import Stack
from darkroom.styles.style import Style


class Check(Document):
    """What `darkroom check` found: how many of each kind, and every finding, worst first.

    `needed` is how many renders the pictures need, `decoded` how many of these are there and were decoded whole.
    """

    style: str
    renders: str
    lengths: tuple[str, ...]
    needed: int
    decoded: int
    counts: dict[str, int]
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Was nothing found?"""
        return not self.findings


@dataclass(frozen=True, slots=True)
class Looked:
    """What reading one render told: its size where it is a PNG, and what is wrong with it."""

    key: str
    size: tuple[int, int] | None
    whole: bool
    findings: tuple[Finding, ...]
    opaque: bool = False
    """Does it fill its frame?"""


def check(request: Request, workers: int) -> Check:
    """Look at a style and everything delivered for it. Raises `BadInput` for what cannot be looked at at all."""
    style = read_style(request.style_file)
    scope = check_scope(request, style)
    renders = open_store(renders_location(request, style))
    entries = [entry for entry in renders.list() if not decide.is_litter(entry.key)]
    index = delivered(renders.uri, entries, style.source_folders)
    pictures = _pictures(request, style, scope, index.layers())
    needed = Counter(layer for pairs in pictures.values() for _, stack in pairs for layer in stack)
    if not pictures:
        needed.update(dict.fromkeys(index.layers(), 0))
    for length, side in product(scope.lengths, scope.sides):
        needed.update(dict.fromkeys(style.default_layers(length, side).values(), 0))
    wanted = [(layer, colour) for layer in sorted(needed) for colour in scope.colours]
    files = {at: index.files[at] for at in wanted if at in index.files}
    looked = _look_at_all(renders, list(files.values()), workers)
    found = [
        *_by_names(style, scope, pictures, needed, index),
        *decide.unread_names(entry.key for entry in entries),
        *decide.other_sizes(
            {stack for pairs in pictures.values() for _, stack in pairs},
            {at: entry.key for at, entry in files.items()},
            {one.key: one.size for one in looked if one.size},
        ),
        *(said for one in looked for said in one.findings),
        *decide.hiding(_opaque(files, looked), needed, _with_something_below(pictures)),
    ]
    kinds = Counter(one.kind for one in found)
    return Check(
        style=style.style,
        renders=renders.uri,
        lengths=scope.lengths,
        needed=len(wanted),
        decoded=sum(one.whole for one in looked),
        counts={kind: kinds[kind] for kind in KINDS},
        findings=decide.worst_first(found),
    )


def _pictures(
    request: Request, style: Style, scope: Scope, layers: set[str]
) -> dict[LengthSide, list[tuple[Codes, Stack]]]:
    """`pictures_of`, where a length and side without any default is a finding of its own and not the end of it all.

    None for a style that has no options yet and came without exports: then every render is looked at for itself.
    """
    if not style.options and not request.combinations:
        return {}
    whole: dict[tuple[str, ...], list[str]] = {}
    for length in scope.lengths:
        sides = tuple(side for side in scope.sides if style.default_layers(length, side))
        whole.setdefault(sides, []).append(length)
    pictures: dict[LengthSide, list[tuple[Codes, Stack]]] = {}
    for sides, lengths in whole.items():
        part = Scope(tuple(lengths), scope.colours, sides, scope.cuts, scope.with_codes)
        pictures |= pictures_of(request, style, part, layers)[0]
    return pictures


def _opaque(files: Mapping[LayerInColour, Entry], looked: Sequence[Looked]) -> Iterator[tuple[str, int, str]]:
    """The layers that fill their frame, in the order of their names."""
    opaque = {one.key for one in looked if one.opaque}
    return ((layer, colour, entry.key) for (layer, colour), entry in files.items() if entry.key in opaque)


def _with_something_below(pictures: Mapping[LengthSide, list[tuple[Codes, Stack]]]) -> Counter[str]:
    """Each layer with the pictures of a colour in which it is not the lowest."""
    return Counter(layer for pairs in pictures.values() for _, stack in pairs for layer in stack[1:])


def _by_names(
    style: Style,
    scope: Scope,
    pictures: Mapping[LengthSide, list[tuple[Codes, Stack]]],
    needed: Mapping[str, int],
    index: RenderIndex,
) -> Iterator[Finding]:
    """What the names alone tell."""
    picked: dict[str, Counter[str]] = {}
    for (length, side), pairs in pictures.items():
        # both sides have the same combinations
        if side == SIDES[0] or length not in picked:
            picked[length] = Counter(code for codes, _ in pairs for code in codes)
    yield from decide.missing(needed, index, style, scope.colours, scope.lengths)
    yield from decide.claims(index, needed.keys(), scope.colours)
    yield from decide.codes(style, index.layers(), picked, (colour for _, colour in index.files))
    yield from decide.slots(style, scope.lengths)
    yield from decide.shadowed(index)


def _look_at_all(renders: Store, files: Sequence[Entry], workers: int) -> list[Looked]:
    """Read and decode each file once. Each thread holds one at a time, and keeps only what it told."""
    most = settings().max_pixels
    return list(in_parallel("checking renders", files, lambda entry: look_at(renders, entry.key, most), workers))


def look_at(renders: Store, key: str, max_pixels: int) -> Looked:
    """Read a render, decode it whole and look at what it says and shows. What is no render is not read to its end."""
    again = "export it again as PNG"
    try:
        with renders.open(key) as reading:
            data = reading.stream.read(HEADER_BYTES)
            size = png_size(data)
            if size is None:
                return _broken(key, "it is no PNG, whatever its name says", again)
            if much := too_large(size, max_pixels):
                return _broken(key, *much)
            data += reading.stream.read()
        with Layers(settings().memory) as layers:
            layer = layers.decode(data)
            pixels = layers.unpacked(layer)
            strays, opaque = stray_regions(pixels, size), fills_frame(pixels, size)
    except ItemError as error:
        what, _, to_do = str(error).rpartition("; ")
        return _broken(key, f"it {what}", to_do, size)
    except (StoreError, OSError) as error:
        return _broken(key, f"it cannot be read ({str(error).rstrip('.')})", "see to the store, then check again")
    return Looked(key, size, True, tuple(_odd(key, other_profile(data), strays, layer.box)), opaque)


def _broken(key: str, what: str, to_do: str, size: tuple[int, int] | None = None) -> Looked:
    return Looked(key, size, False, (finding("broken file", key, what, to_do),))


def _odd(key: str, profile: str, strays: list[Stray], corner: Box) -> Iterator[Finding]:
    """What is odd about a render that can be drawn."""
    if profile:
        yield finding(
            "colour profile",
            key,
            f"its colour profile is {profile}, but its values are drawn as if they were sRGB's",
            "convert it to sRGB and deliver it again",
        )
    if strays:
        far = strays[0]
        pixels, specks = sum(stray.pixels for stray in strays), len(strays)
        at = f"at x {corner.x0 + far.box.x0}, y {corner.y0 + far.box.y0}, {far.gap:,} pixels away from the rest"
        yield finding(
            "stray pixels",
            key,
            f"{pixels:,} stray pixel{'s' if pixels > 1 else ''} in {specks:,} speck{'s' if specks > 1 else ''}, "
            f"the farthest {at}, so that every cut that shows it moves",
            "clear them and deliver it again",
        )
