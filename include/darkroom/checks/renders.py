"""The renders that were delivered: which file draws which layer in which colour, and how large it is."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from darkroom.errors import BadInput, StoreError
from darkroom.imaging.png_header import HEADER_BYTES, png_size
from darkroom.store import Entry, Store, readable
from darkroom.styles.names import is_text, parse_render, plain

_READERS = 16  # headers are small: what counts is how many requests are under way

LONGEST = 30_000
"""Pixels of a side of a render, whatever the other has: five times the other at the most pixels there may be.

No camera or renderer has such a frame, but a PNG of some kilobytes may say so, and a thread holds 14 KiB a column.
"""

LayerInColour = tuple[str, int]


@dataclass
class RenderIndex:
    """The file of each layer and colour, what stands beside it, and what no rule reads."""

    files: dict[LayerInColour, Entry] = field(default_factory=dict)
    claims: dict[LayerInColour, list[str]] = field(default_factory=dict)
    """Where two files in one source folder claim one layer: their keys."""
    unreadable: list[str] = field(default_factory=list)
    """Files whose path is no UTF-8: no job file, no report and no bucket could name them."""
    shadowed: list[str] = field(default_factory=list)
    """Files that an earlier source folder's file of the same name stands before."""

    def layers(self) -> set[str]:
        """Every layer that there is in any colour."""
        return {layer for layer, _ in self.files}


def index_renders(entries: Iterable[Entry], source_folders: Sequence[str]) -> RenderIndex:
    """Sort out the listing of a renders' store. Of each file the first source folder that has it wins."""
    folders = [tuple(part for part in plain(folder).split("/") if part) for folder in source_folders]
    found: dict[LayerInColour, dict[int, list[Entry]]] = {}
    index = RenderIndex()
    for entry in entries:
        if not is_text(entry.key):
            index.unreadable.append(entry.key)
            continue
        folder, _, name = entry.key.rpartition("/")
        read = parse_render(name)
        if read:
            rank = folder_rank(plain(folder), folders)
            found.setdefault((read[0].name, read[1]), {}).setdefault(rank, []).append(entry)
    for claimed, by_rank in found.items():
        (_, first), *later = sorted(by_rank.items())
        index.files[claimed] = min(first, key=lambda entry: entry.key)
        if len(first) > 1:
            index.claims[claimed] = sorted(entry.key for entry in first)
        index.shadowed.extend(sorted(entry.key for _, entries in later for entry in entries))
    return index


def delivered(place: str, entries: Iterable[Entry], source_folders: Sequence[str]) -> RenderIndex:
    """The same of a place that somebody named. Raises `BadInput` where no renders lie there."""
    index = index_renders(entries, source_folders)
    if not index.files:
        named = "No file is named as a render (<layer>_<colour>.png)"
        raise BadInput(f"{named} in {readable(place)}; correct the location.")
    return index


def folder_rank(folder: str, source_folders: Sequence[tuple[str, ...]]) -> int:
    """Which of the source folders a file's folder is or lies in; their number where it is none of them.

    The store may begin anywhere above a source folder or inside its path: the folder holds all of it, or begins
    with an end of it. The longest match decides.

    >>> folder_rank("render pngs/front", [("studio", "old"), ("studio", "two piece", "render pngs")])
    1
    """
    parts = tuple(folder.split("/")) if folder else ()
    matches = [_match(parts, source) for source in source_folders]
    longest = max(matches, default=0)
    return matches.index(longest) if longest else len(source_folders)


def _match(parts: tuple[str, ...], source: tuple[str, ...]) -> int:
    """How many of a source folder's segments a folder's path shows."""
    if any(parts[at : at + len(source)] == source for at in range(len(parts) - len(source) + 1)):
        return len(source)
    return next((length for length in range(len(source) - 1, 0, -1) if parts[:length] == source[-length:]), 0)


def read_sizes(store: Store, files: Iterable[Entry], max_pixels: int) -> tuple[dict[str, tuple[int, int]], list[str]]:
    """Each file's width and height by key, from its header alone, and a sentence for each that is no usable PNG."""
    sizes: dict[str, tuple[int, int]] = {}
    problems: list[str] = []

    def read(entry: Entry) -> tuple[Entry, tuple[int, int] | None, str]:
        try:
            with store.open(entry.key, length=HEADER_BYTES) as reading:
                return entry, png_size(reading.stream.read()), ""
        except StoreError as error:
            return entry, None, str(error)

    with ThreadPoolExecutor(_READERS) as pool:
        for entry, size, error in pool.map(read, files):
            name, where = entry.key.rpartition("/")[2], readable(store.uri_of(entry.key))
            if error:
                problems.append(error)
            elif size is None:
                problems.append(f"{name}: it is no PNG, whatever its name says; export it again as PNG: {where}")
            elif much := too_large(size, max_pixels):
                problems.append(f"{name}: {much[0]}; {much[1]}: {where}")
            else:
                sizes[entry.key] = size
    return sizes, problems


def too_large(size: tuple[int, int], max_pixels: int) -> tuple[str, str] | None:
    """Why a render of that width and height is not decoded, and what to do; None where it is."""
    if size[0] * size[1] > max_pixels:
        remedy = "deliver a smaller render, or raise DARKROOM_MAX_PIXELS"
        return f"{size[0]} x {size[1]} is more than {max_pixels:,} pixels", remedy
    if max(size) > LONGEST:
        return f"{size[0]} x {size[1]} has a side of more than {LONGEST:,} pixels", "deliver a smaller render"
    return None
