"""The grammar of names: renders, layers, lengths (DESIGN 5).

A render is `<layer>_<colour>.png`; a layer is `<code>[_for_<condition>...][_<length>][_...]_<slot>_<side>`.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

SLOTS = ("behind", "bottom", "behindbelt", "belt", "neckline", "infront")
"""The slots in the order in which they are drawn."""

COLLECTING_SLOTS = frozenset({"behind", "infront"})
"""Here the layers of several codes lie over one another; in every other slot the last code's layer replaces them."""

SIDES = ("front", "back")

CODE = r"\w{1,40}"
"""A customization code as a regular expression: letters, digits and `_`, of any script."""

_LAYER = re.compile(r"(?P<stem>.+?)_(?P<slot>behind_?belt|behind|bottom|belt|neckline|infront)_(?P<side>front|back)")
_RENDER = re.compile(r"(?P<layer>.+)_(?P<colour>\d{4})\.png")
_CODE = re.compile(CODE)
# the last range: bytes of a name that are no UTF-8
_NO_FILE = re.compile(r"[/\\\x00-\x1f\x7f\ud800-\udfff]|\.\.")
_CONDITION = re.compile(r"[a-z]{1,2}\d+|base|default")


@dataclass(frozen=True, slots=True)
class LayerName:
    """A layer's name, read.

    `conditions` are the words after `for`; `words` is what stands between them and the slot: a length, or anything
    else.
    """

    name: str
    code: str
    conditions: tuple[str, ...]
    words: tuple[str, ...]
    slot: str
    side: str


def is_text(name: str) -> bool:
    r"""Is it Unicode? A file's name may be any bytes, and Python keeps those that are no UTF-8 as halves of characters.

    >>> is_text("Zoë"), is_text(b"Zo\xeb".decode(errors="surrogateescape"))
    (True, False)
    """
    return name.isascii() or not any("\ud800" <= sign <= "\udfff" for sign in name)


def plain(name: str) -> str:
    """A name as Darkroom compares it: lower case, composed Unicode (Dropbox and macOS deliver it decomposed)."""
    return unicodedata.normalize("NFC", name).lower()


def parse_layer(name: str) -> LayerName | None:
    """Read a layer's name; None where no rule reads it or no file can be called so.

    >>> parse_layer("b16_for_b4_ankle_bottom_front")  # doctest: +NORMALIZE_WHITESPACE
    LayerName(name='b16_for_b4_ankle_bottom_front', code='b16', conditions=('b4',), words=('ankle',),
              slot='bottom', side='front')
    >>> parse_layer("a5_behind_belt_back").name
    'a5_behindbelt_back'
    """
    found = None if _NO_FILE.search(name) else _LAYER.fullmatch(plain(name))
    if found is None:
        return None
    slot = found["slot"].replace("behind_belt", "behindbelt")
    code, *rest = found["stem"].split("_")
    if not is_code(code):  # such as `._t1`, the other half of a file that macOS wrote
        return None
    conditions: list[str] = []
    if rest[:1] == ["for"]:
        rest = rest[1:]
        while rest and _CONDITION.fullmatch(rest[0]):
            conditions.append(rest.pop(0))
    canonical = f"{found['stem']}_{slot}_{found['side']}"
    return LayerName(canonical, code, tuple(conditions), tuple(rest), slot, found["side"])


def parse_render(file_name: str) -> tuple[LayerName, int] | None:
    """Read a render's file name as its layer and colour; None where no rule reads it.

    >>> parse_render("T1_Neckline_Front_0003.PNG")[1]
    3
    """
    found = _RENDER.fullmatch(plain(file_name))
    layer = parse_layer(found["layer"]) if found else None
    return (layer, int(found["colour"])) if found and layer else None


def is_code(text: str) -> bool:
    """Can this be a customization code: letters, digits and `_`, of any script?"""
    return _CODE.fullmatch(text) is not None


def length_slug(name: str) -> str:
    """A length as file names write it.

    >>> length_slug("Micro-Mini")
    'micro_mini'
    """
    return re.sub(r"[\s_-]+", "_", plain(name)).strip("_")


def fill_in(name: str, length: str, side: str) -> str:
    """A layer's name that an exception writes for several lengths and sides, in one of them, as `parse_layer` has it.

    >>> fill_in("b4_<length>_belt_<side>", "micro_mini", "front")
    'b4_micro_mini_belt_front'
    """
    whole = name.replace("<length>", length).replace("<side>", side)
    layer = parse_layer(whole)
    return layer.name if layer else whole


def lengths_of(words: tuple[str, ...], slugs: Mapping[str, str]) -> frozenset[str]:
    """The lengths that a layer's words name, by `slugs`: how a length may be written (with `_`) to its slug.

    Longer spellings are tried first, so that `micro_mini` is not read as `mini`.

    >>> sorted(lengths_of(("mini", "micro"), {"micro": "micro_mini", "mini": "mini", "micro_mini": "micro_mini"}))
    ['micro_mini', 'mini']
    """
    spellings = sorted(((tuple(text.split("_")), slug) for text, slug in slugs.items()), key=lambda pair: -len(pair[0]))
    found, at = set(), 0
    while at < len(words):
        for spelling, slug in spellings:
            if words[at : at + len(spelling)] == spelling:
                found.add(slug)
                at += len(spelling)
                break
        else:
            at += 1
    return frozenset(found)


def wrong_layer(name: str, slot: str, file: str = "") -> str:
    """Why a name can be none of a slot's layers, empty where it can; `file` is the name with its places filled in."""
    layer = parse_layer(file or name)
    if layer is None or "<" in layer.name:
        return f"no file can be called {name!r}; a layer is <code>[_...]_<slot>_<side>."
    if layer.slot != slot:
        return f"{name!r} is a layer of the slot {layer.slot!r}, not {slot!r}; correct one of the two."
    return ""


def colour_range(colours: Iterable[int]) -> str:
    """Colours as people read them: runs with a dash.

    >>> colour_range([0, 1, 2, 5])
    '0000-0002, 0005'
    """
    runs: list[list[int]] = []
    for colour in sorted(colours):
        if runs and colour == runs[-1][-1] + 1:
            runs[-1].append(colour)
        else:
            runs.append([colour])
    return ", ".join(f"{run[0]:04d}" if len(run) == 1 else f"{run[0]:04d}-{run[-1]:04d}" for run in runs)
