"""What the checks of a studio's renders look for, and how they decide: functions of names and sizes, without I/O."""

import difflib
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict

from darkroom.amounts import counted
from darkroom.checks.renders import LayerInColour, RenderIndex
from darkroom.styles.names import (
    SIDES,
    SLOTS,
    LayerName,
    colour_range,
    is_text,
    lengths_of,
    parse_layer,
    parse_render,
    plain,
)
from darkroom.styles.stacks import Stack, slots_without_default
from darkroom.styles.style import Style

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
"""error: pictures cannot be made. warning: they can, but some will look wrong. note: nothing looks wrong."""

KINDS: dict[str, tuple[Severity, str]] = {
    "missing default": ("error", "a default layer that is not there"),
    "missing layer": ("error", "a layer that a stack needs and nobody delivered"),
    "missing colour": ("error", "a colour that is missing for a layer"),
    "double claim": ("error", "two files in one source folder that claim one layer"),
    "broken file": ("error", "a file that is no PNG, or cannot be decoded whole"),
    "other size": ("error", "a size that differs from its stack's"),
    "opaque layer": ("warning", "a layer without transparency, which hides all below it"),
    "stray pixels": ("warning", "pixels away from the body, which move every cut"),
    "colour profile": ("warning", "a colour profile other than sRGB"),
    "unread name": ("warning", "a name that no rule reads"),
    "undrawn code": ("warning", "a code of the style that no render draws"),
    "slot without default": ("warning", "a slot that other lengths' defaults draw"),
    "unlisted code": ("warning", "a code that the style does not list"),
    "unlisted colour": ("note", "a colour that the style does not have"),
    "shadowed": ("note", "a file that an earlier source folder's stands before"),
}
"""Each kind of finding, the worst first: how bad it is at worst, and what was looked for."""

OF_CONTENT = frozenset({"broken file", "other size", "opaque layer", "stray pixels", "colour profile"})
"""Those that no name tells: somebody has to look into the renders."""

_LITTER = {"thumbs.db", "desktop.ini"}


class Finding(BaseModel):
    """One thing that is not as it should be. `where` is a file's key, a layer, a code, or a length and side.

    `files` are the keys of those that show it, the one at fault first.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: str
    severity: Severity
    where: str
    what: str
    to_do: str
    files: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """What, where and what to do."""
        return f"{self.where}: {self.what}; {self.to_do}."


def finding(
    kind: str, where: str, what: str, to_do: str, severity: Severity | None = None, files: Iterable[str] = ()
) -> Finding:
    """A finding, as bad as its kind is unless it is said to be less."""
    return Finding(
        kind=kind,
        severity=severity or KINDS[kind][0],
        where=_text(where),
        what=_text(what),
        to_do=_text(to_do),
        files=tuple(file for file in files if is_text(file)),
    )


def _text(said: str) -> str:
    """Text that any terminal and JSON can hold: a file's name may have control characters, or be no Unicode."""
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape", "surrogatepass").decode() for sign in said
    )


def worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings by severity, then by kind, then by where they are."""
    kinds = list(KINDS)
    return tuple(sorted(findings, key=lambda one: (SEVERITIES.index(one.severity), kinds.index(one.kind), one.where)))


def by_names(
    style: Style,
    colours: Sequence[int],
    lengths: Collection[str],
    pictures: Mapping[tuple[str, str], Sequence[tuple[Sequence[str], Stack]]],
    needed: Mapping[str, int],
    index: RenderIndex,
) -> Iterator[Finding]:
    """What the names alone tell.

    `pictures`: codes and stack of every combination by length and side; `needed`: each layer with the pictures of a
    colour that show it.
    """
    picked: dict[str, Counter[str]] = {}
    for (length, side), pairs in pictures.items():
        # both sides have the same combinations
        if side == SIDES[0] or length not in picked:
            picked[length] = Counter(code for picks, _ in pairs for code in picks)
    yield from missing(needed, index, style, colours, lengths)
    yield from claims(index, needed.keys(), colours)
    yield from codes(style, index.layers(), picked, (colour for _, colour in index.files))
    yield from slots(style, lengths)
    yield from shadowed(index)


def missing(
    needed: Mapping[str, int], index: RenderIndex, style: Style, colours: Sequence[int], lengths: Collection[str]
) -> Iterator[Finding]:
    """Layers and colours that are not there. `needed`: each layer with the pictures of a colour that show it.

    A layer that nobody needs, but somebody began to deliver, is told of too; an ignored code's is not.
    """
    sides = [(length, side) for length in lengths for side in SIDES]
    defaults = {name for length, side in sides for name in style.default_layers(length, side).values()}
    delivered: dict[str, set[int]] = defaultdict(set)
    for name, colour in index.files:
        delivered[name].add(colour)
    for name in sorted({*needed, *defaults, *delivered}):
        layer = parse_layer(name)
        lacking = [colour for colour in colours if colour not in delivered[name]]
        if layer is None or not lacking or layer.code in style.ignored_customizations:
            continue
        pictures = needed.get(name, 0) * len(lacking)
        if not delivered[name]:
            kind = "missing default" if name in defaults else "missing layer"
            yield finding(kind, name, f"no render of it is there{_need(pictures)}", "deliver it")
        elif name in needed or (_in_lengths(layer, style, lengths) and layer.code in _known(style)):
            are, them = ("is", "it") if len(lacking) == 1 else ("are", "them")
            which = f"the colour{'s' if len(lacking) > 1 else ''} {colour_range(lacking)}"
            what = f"{which} of {len(colours)} {are} not there{_need(pictures)}"
            there = [index.files[name, colour].key for colour in sorted(delivered[name])]
            severity: Severity = "error" if name in needed else "note"
            yield finding("missing colour", name, what, f"deliver {them}", severity, there)


def _need(pictures: int) -> str:
    return f", and {counted(pictures, 'picture')} {'needs' if pictures == 1 else 'need'} it" if pictures else ""


def claims(index: RenderIndex, needed: Collection[str], colours: Collection[int]) -> Iterator[Finding]:
    """Two files in one source folder that claim one layer."""
    for (layer, colour), keys in index.claims.items():
        yield finding(
            "double claim",
            keys[0],
            f"it and {' and '.join(keys[1:])} both claim {layer} in colour {colour:04d}",
            "remove all but one",
            None if layer in needed and colour in colours else "note",
            keys,
        )


def shadowed(index: RenderIndex) -> Iterator[Finding]:
    """Files that an earlier source folder's file stands before."""
    for key in index.shadowed:
        read = parse_render(key.rpartition("/")[2])
        first = index.files[read[0].name, read[1]].key if read else "another file"
        yield finding(
            "shadowed",
            key,
            f"{first} of an earlier source folder is drawn in its place",
            "remove it if that is right",
            files=(key, first),
        )


def is_litter(key: str) -> bool:
    """Is this what a computer leaves in a folder by itself, such as `.DS_Store` or `._t1_neckline_front_0000.png`?"""
    name = key.rpartition("/")[2]
    return name.startswith(".") or name.lower() in _LITTER


def unread_names(keys: Iterable[str]) -> Iterator[Finding]:
    """Files whose names say no layer and colour, each with the part of the name that is wrong."""
    for key in keys:
        name = key.rpartition("/")[2]
        if parse_render(name):
            continue
        yield finding(
            "unread name",
            key,
            f"no picture can show it, for {_why_unread(plain(name))}",
            "rename it (<code>[_...]_<slot>_<side>_<colour>.png), or remove it",
            files=(key,),
        )


def _why_unread(name: str) -> str:
    stem, dot, suffix = name.rpartition(".")
    if not dot or suffix != "png":
        return "its name does not end in .png"
    layer, _, colour = stem.rpartition("_")
    if not re.fullmatch(r"\d{4}", colour):
        return f"{colour!r} is no colour of four digits"
    rest, _, side = layer.rpartition("_")
    if side not in SIDES:
        return f"{side!r} is no side{_close(side, SIDES)}"
    slot = rest.rpartition("_")[2]
    if slot not in SLOTS:
        return f"{slot!r} is no slot{_close(slot, SLOTS)}"
    return "it says no code before the slot"


def _close(word: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return f" (did you mean {close[0]!r}?)" if close else f" (there are {', '.join(known)})"


def codes(
    style: Style, layers: Collection[str], picked: Mapping[str, Counter[str]], colours: Iterable[int]
) -> Iterator[Finding]:
    """Codes that the style lists and nothing draws, and what was delivered that it does not list.

    `picked`: for each length every code that a combination has, with the number of these; `colours`: all delivered.
    """
    read = [layer for name in sorted(layers) if (layer := parse_layer(name))]
    yield from _undrawn(style, read, picked)
    known = _known(style)
    named: Counter[str] = sum(picked.values(), Counter())
    drawn = Counter(layer.code for layer in read)
    for code in sorted((drawn.keys() | named.keys()) - known):
        parts = [f"{counted(drawn[code], 'layer')} delivered"] if drawn[code] else ["nothing draws it"]
        parts += [f"it stands in {counted(named[code], 'combination')}"] if named[code] else []
        yield finding(
            "unlisted code",
            code,
            f"the style does not list it ({', '.join(parts)})",
            "list it in customizations, or in ignored_customizations",
        )
    for colour, times in sorted(Counter(colours).items()):
        if colour >= style.colours:
            yield finding(
                "unlisted colour",
                f"{colour:04d}",
                f"{counted(times, 'render')} in this colour, and the style's last is {style.colours - 1:04d}",
                "correct the style's colours, or remove them",
            )


def _undrawn(style: Style, layers: Sequence[LayerName], picked: Mapping[str, Counter[str]]) -> Iterator[Finding]:
    spellings = style.length_spellings()
    drawing: dict[str, set[str]] = {length: set() for length in style.length_names}
    for layer in layers:
        for length in lengths_of(layer.words, spellings) or drawing:
            # a code that only is a condition changes pictures too
            drawing[length] |= {layer.code, *layer.conditions}
    for exception in style.exceptions:  # and one that only is in the condition of an exception
        for length in style.length_names:
            if style.applies(exception.lengths, length):
                drawing[length] |= {*exception.picked, *exception.any_of}
    excused = {*style.ignored_customizations, *style.defaults_stand_for}
    everywhere = set().union(*drawing.values())
    for code in sorted(style.known_codes() - excused - everywhere):
        yield finding(
            "undrawn code", code, "the style lists it, but no render draws it", "deliver it, or strike it off the style"
        )
    for code in sorted(everywhere - excused):
        lacking = [style.length_names[length] for length in picked if code in picked[length].keys() - drawing[length]]
        if lacking:
            yield finding(
                "undrawn code",
                code,
                f"it can be picked in {', '.join(lacking)}, but no render draws it there",
                "deliver it, or do not offer it there",
            )


def slots(style: Style, lengths: Iterable[str]) -> Iterator[Finding]:
    """Slots that have a default in other lengths only."""
    for length in lengths:
        for side in SIDES:
            where = f"{style.length_names[length]}, {side}"
            if not style.default_layers(length, side):
                yield finding("missing default", where, "the style names no default layer at all", "add its defaults")
                continue
            for slot in slots_without_default(style, length, side):
                yield finding(
                    "slot without default",
                    where,
                    f"nothing is drawn in the slot {slot} unless a code draws it, so that there may be a hole",
                    "add a default layer, if the garment has one there",
                )


def hiding(
    layers: Iterable[tuple[str, int, str]], needed: Mapping[str, int], hidden: Mapping[str, int]
) -> Iterator[Finding]:
    """Layers that fill their frame: `layers` are each one's name, colour and key.

    `needed`: each layer with the pictures of a colour that show it; `hidden`: with those where something lies below it.
    """
    for name, colour, key in layers:
        pictures, covered = needed.get(name, 0), hidden.get(name, 0)
        shows = f"in {counted(pictures, 'picture')}" if pictures else "wherever it is drawn"
        below = f", and hides all that lies below it in {covered:,} of them" if covered else ""
        yield finding(
            "opaque layer",
            key,
            f"{name} has no transparency in colour {colour:04d}: {shows} it fills the whole frame{below}",
            "render it without a background, with an alpha channel, and deliver it again",
            files=(key,),
        )


def other_sizes(
    stacks: Iterable[Stack], files: Mapping[LayerInColour, str], sizes: Mapping[str, tuple[int, int]]
) -> Iterator[Finding]:
    """Renders whose size differs from that of the layers beside them. `files`: keys; `sizes`: by key."""
    everywhere = Counter(sizes.values())
    if len(everywhere) < 2:
        return
    said: dict[str, Finding] = {}
    ordered = sorted(stacks)
    for colour in sorted({colour for _, colour in files}):
        for stack in ordered:
            keys = [files[layer, colour] for layer in stack if (layer, colour) in files]
            here = {key: sizes[key] for key in keys if key in sizes}
            usual = max(here.values(), key=lambda size: everywhere[size], default=None)
            for key, size in here.items():
                if usual and size != usual and key not in said:
                    said[key] = finding(
                        "other size",
                        key,
                        f"it is {size[0]} x {size[1]}, but the layers beside it in a stack are {usual[0]} x {usual[1]}",
                        "render it in that size",
                        files=(key, next(other for other, size in here.items() if size == usual)),
                    )
    yield from said.values()


def _known(style: Style) -> frozenset[str]:
    """The codes that need no further word: what the style lists, and what its defaults draw."""
    names = {name for sides in style.defaults.values() for slots in sides.values() for name in slots.values()}
    return style.known_codes() | {layer.code for name in names if (layer := parse_layer(name))}


def _in_lengths(layer: LayerName, style: Style, lengths: Collection[str]) -> bool:
    named = lengths_of(layer.words, style.length_spellings())
    return not named or not named.isdisjoint(lengths)
