"""The checks before anything is spent: is everything there that a style's pictures need, and fit to be used?"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from pydantic import BaseModel, ConfigDict

from darkroom.amounts import counted
from darkroom.checks import findings as decide
from darkroom.checks.findings import KINDS, SEVERITIES, Finding, finding
from darkroom.checks.renders import LayerInColour, RenderIndex, too_large
from darkroom.checks.stray import Stray, fills_frame, stray_regions
from darkroom.errors import ItemError, StoreError
from darkroom.imaging.geometry import Box
from darkroom.imaging.layers import Layers
from darkroom.imaging.png_header import HEADER_BYTES, png_size
from darkroom.imaging.png_profile import other_profile
from darkroom.jobs import Document
from darkroom.settings import settings
from darkroom.store import Entry, Store
from darkroom.styles.stacks import Stack
from darkroom.styles.style import Codes, Style

Pictures = Mapping[tuple[str, str], Sequence[tuple[Codes, Stack]]]
"""By length and side, every combination's codes with its stack."""


class Check(Document):
    """What the checks found: how many of each kind, and every finding, worst first.

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

    @property
    def sentence(self) -> str:
        """How much was found, by how bad it is."""
        counts = Counter(one.severity for one in self.findings)
        said = ", ".join(counted(counts[name], name) for name in SEVERITIES if counts[name])
        return f"{self.style}: the checks of its renders found {said or 'nothing'}."


class Looked(BaseModel):
    """What reading one render told: its size where it is a PNG, and what is wrong with it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str
    size: tuple[int, int] | None
    whole: bool
    findings: tuple[Finding, ...]
    opaque: bool = False
    """Does it fill its frame?"""


@dataclass(frozen=True)
class Delivery:
    """What was delivered for a style to a place, and the pictures that are to be made of it.

    Without pictures (nobody knows the combinations) every render is looked at for itself.
    """

    style: Style
    place: str
    entries: Sequence[Entry]
    index: RenderIndex
    lengths: tuple[str, ...]
    colours: tuple[int, ...]
    sides: tuple[str, ...]
    pictures: Pictures


def check_delivery(of: Delivery, look: Callable[[Sequence[Entry]], Iterable[Looked]]) -> Check:
    """Check what was delivered; `look` looks at the renders that are needed."""
    needed = Counter(layer for pairs in of.pictures.values() for _, stack in pairs for layer in stack)
    if not of.pictures:
        needed.update(dict.fromkeys(of.index.layers(), 0))
    for length, side in product(of.lengths, of.sides):
        needed.update(dict.fromkeys(of.style.default_layers(length, side).values(), 0))
    wanted = [(layer, colour) for layer in sorted(needed) for colour in of.colours]
    files = {at: of.index.files[at] for at in wanted if at in of.index.files}
    looked = list(look(list(files.values())))
    found = [
        *decide.by_names(of.style, of.colours, of.lengths, of.pictures, needed, of.index),
        *decide.unread_names(entry.key for entry in of.entries),
        *decide.other_sizes(
            {stack for pairs in of.pictures.values() for _, stack in pairs},
            {at: entry.key for at, entry in files.items()},
            {one.key: one.size for one in looked if one.size},
        ),
        *(said for one in looked for said in one.findings),
        *decide.hiding(_opaque(files, looked), needed, _with_something_below(of.pictures)),
    ]
    kinds = Counter(one.kind for one in found)
    return Check(
        style=of.style.style,
        renders=of.place,
        lengths=of.lengths,
        needed=len(wanted),
        decoded=sum(one.whole for one in looked),
        counts={kind: kinds[kind] for kind in KINDS},
        findings=decide.worst_first(found),
    )


def _opaque(files: Mapping[LayerInColour, Entry], looked: Sequence[Looked]) -> Iterator[tuple[str, int, str]]:
    """The layers that fill their frame, in the order of their names."""
    opaque = {one.key for one in looked if one.opaque}
    return ((layer, colour, entry.key) for (layer, colour), entry in files.items() if entry.key in opaque)


def _with_something_below(pictures: Pictures) -> Counter[str]:
    """Each layer with the pictures of a colour in which it is not the lowest."""
    return Counter(layer for pairs in pictures.values() for _, stack in pairs for layer in stack[1:])


def look_at(renders: Store, key: str, max_pixels: int) -> Looked:
    """Read a render, decode it whole and look at what it says and shows. What is no render is not read to its end."""
    again = "export it again as PNG"
    try:
        with renders.open(key) as reading:
            data = reading.stream.read(HEADER_BYTES)
            size = png_size(data)
            if size is None:
                return broken(key, "it is no PNG, whatever its name says", again)
            if much := too_large(size, max_pixels):
                return broken(key, *much)
            data += reading.stream.read()
        strays, opaque, corner = shown(data, size)
    except ItemError as error:
        what, _, to_do = str(error).rpartition("; ")
        return broken(key, f"it {what}", to_do, size)
    except (StoreError, OSError) as error:
        return broken(key, f"it cannot be read ({str(error).rstrip('.')})", "see to the store, then check again")
    found = (*odd_profile(key, other_profile(data)), *odd_pixels(key, strays, corner))
    return Looked(key=key, size=size, whole=True, findings=found, opaque=opaque)


def shown(data: bytes, frame: tuple[int, int], scale: float = 1.0) -> tuple[list[Stray], bool, Box]:
    """The stray regions of a PNG, whether it fills its frame, and the painted box that the regions are counted from.

    Of a proxy `scale` says how many pixels of the frame one of its own is wide. Raises `ItemError`.
    """
    with Layers(settings().memory) as layers:
        layer = layers.decode(data)
        pixels = layers.unpacked(layer)
        own = layer.width, layer.height
        return stray_regions(pixels, frame, scale), fills_frame(pixels, own), layer.box


def broken(key: str, what: str, to_do: str, size: tuple[int, int] | None = None) -> Looked:
    """What is told of a render that cannot be drawn."""
    return Looked(key=key, size=size, whole=False, findings=(finding("broken file", key, what, to_do, files=(key,)),))


def odd_profile(key: str, profile: str) -> Iterator[Finding]:
    """What is told of a render in another colour profile than sRGB."""
    if profile:
        yield finding(
            "colour profile",
            key,
            f"its colour profile is {profile}, but its values are drawn as if they were sRGB's",
            "convert it to sRGB and deliver it again",
            files=(key,),
        )


def odd_pixels(key: str, strays: Sequence[Stray], corner: Box, scale: float = 1.0) -> Iterator[Finding]:
    """What is told of stray regions; of a proxy's in the pixels of the render, as near as that can be told."""
    if not strays:
        return
    far, about = strays[0], "" if scale == 1 else "about "
    x, y, gap = (round(value * scale) for value in (corner.x0 + far.box.x0, corner.y0 + far.box.y0, far.gap))
    pixels, specks = sum(stray.pixels for stray in strays), f"{len(strays):,} speck{'s' if len(strays) > 1 else ''}"
    # how many pixels of the render a speck of its proxy was, nobody knows
    much = f"{specks} of stray pixels" if about else f"{pixels:,} stray pixel{'s' if pixels > 1 else ''} in {specks}"
    at = f"{about}x {x}, y {y}, {about}{gap:,} pixels away from the rest"
    yield finding(
        "stray pixels",
        key,
        f"{much}, the farthest at {at}, so that every cut that shows it moves",
        "clear them and deliver it again",
        files=(key,),
    )
