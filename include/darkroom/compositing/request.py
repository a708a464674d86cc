"""What a compositing run is asked to do: the request as it comes in, and its scope once checked against the style."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from darkroom import keys
from darkroom.compositing.job import Layout
from darkroom.compositing.profiles import CUTS
from darkroom.errors import BadInput
from darkroom.flows import asked
from darkroom.jobs import Mode
from darkroom.settings import settings
from darkroom.store import open_store
from darkroom.styles.names import SIDES, length_slug, plain
from darkroom.styles.style import Style
from darkroom.styles.style_file import read_style, style_files


class OnMissing(StrEnum):
    """What becomes of a run in which a render is missing: it is refused, or the pictures that need it are."""

    REFUSE = "refuse"
    SKIP = "skip"


class Approving(StrEnum):
    """Is a person asked before pictures are made?"""

    ASK = "ask"
    NONE = "none"


class Request(BaseModel):
    """A compositing run as somebody asks for it. Empty lists mean all."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    style_file: str
    renders: str = ""
    """The store of the renders; empty: where the ingest puts this style's, in `store`."""
    store: str
    lengths: tuple[str, ...] = ()
    colours: str = ""
    sides: tuple[str, ...] = ()
    cuts: tuple[str, ...] = ()
    with_codes: tuple[str, ...] = ()
    combinations: tuple[str, ...] = ()
    """Exports, each `CSV` or `LENGTH=CSV`; empty: from the style's options."""
    mode: Mode = Mode.CHANGED
    on_missing: OnMissing = OnMissing.REFUSE
    layout: Layout = Layout.NAMES
    prune: bool = False
    """Delete the pictures that need a render which is gone, instead of calling them stale."""
    approval: Approving = Approving.NONE
    """Is a person asked before pictures are made? Only where there is somebody to ask: in Airflow."""


@dataclass(frozen=True)
class Scope:
    """A request's lengths (slugs), colours, sides and cuts, each known to the style, in its order."""

    lengths: tuple[str, ...]
    colours: tuple[int, ...]
    sides: tuple[str, ...]
    cuts: tuple[str, ...]
    with_codes: frozenset[str]


def request_from_params(params: Mapping[str, Any]) -> Request:
    """The request of a run whose form names a style of the studio. Raises `BadInput`."""
    values = dict(params)
    deployment = {"style_file": str(_style_file(values.pop("style", None))), "store": settings().studio_store}
    return asked(Request, {**deployment, "approval": Approving.ASK, **values})


def _style_file(name: str | None) -> Path:
    """The style file of that name, or else the one whose style has it, as keys and partitions do."""
    files = style_files()
    there = f"(there are: {', '.join(files) or 'none'})"
    if not name:
        raise BadInput(f"style: none is named, neither by the form nor by the run's partition; choose one {there}.")
    if name in files:
        return files[name]
    for path in files.values():
        with suppress(BadInput):
            if read_style(str(path)).style == name:
                return path
    raise BadInput(f"style: {name!r} is no style file in {settings().styles_dir} {there}.")


def renders_location(request: Request, style: Style) -> str:
    """Where the style's renders lie."""
    return request.renders or open_store(request.store).uri_of(keys.raw_renders(style.style).rstrip("/"))


def check_scope(request: Request, style: Style) -> Scope:
    """The request's scope. Raises `BadInput` with a sentence for everything in it that the style does not know."""
    where, problems = request.style_file, list[str]()
    spellings = style.length_spellings()
    lengths = [spellings.get(length_slug(name)) for name in request.lengths]
    for name, slug in zip(request.lengths, lengths, strict=True):
        if slug is None:
            known = ", ".join(style.length_names.values())
            problems.append(f"length: {name!r} is no length of {where} (it has {known}).")
    colours = parse_colours(request.colours, style.colours, where, problems)
    sides = _known("side", request.sides, SIDES, problems)
    cuts = _known("cut", request.cuts, CUTS, problems)
    with_codes = frozenset(plain(code) for code in request.with_codes)
    listed = style.known_codes()
    for code in sorted(with_codes - listed) if not request.combinations else ():
        problems.append(f"with codes: {code!r} is no customization of {where}; it has {', '.join(sorted(listed))}.")
    chosen = tuple(slug for slug in style.length_names if not request.lengths or slug in lengths)
    if problems:
        raise BadInput(problems)
    return Scope(chosen, colours, sides, cuts, with_codes)


def parse_colours(text: str, count: int, where: str, problems: list[str]) -> tuple[int, ...]:
    """Colours as people write them (`0-5, 7`); empty means all of the style's `count`.

    What cannot be goes to `problems`.
    """
    if not text.strip():
        return tuple(range(count))
    chosen: set[int] = set()
    for part in text.split(","):
        found = re.fullmatch(r"\s*(\d{1,4})\s*(?:-\s*(\d{1,4})\s*)?", part)
        if found is None:
            problems.append(f"colours: {part.strip()!r} is no colour; write numbers and ranges such as 0-5,7.")
            continue
        first, last = int(found[1]), int(found[2] or found[1])
        if last < first:
            problems.append(f"colours: {part.strip()!r} runs backwards; write the smaller number first.")
        elif last >= count:
            problems.append(f"colours: {part.strip()!r} goes beyond the last colour of {where}, {count - 1}.")
        else:
            chosen.update(range(first, last + 1))
    return tuple(sorted(chosen))


def _known(what: str, asked: Sequence[str], known: Sequence[str], problems: list[str]) -> tuple[str, ...]:
    for name in asked:
        if name not in known:
            problems.append(f"{what}: {name!r} is not known; there are {', '.join(known)}.")
    return tuple(name for name in known if not asked or name in asked)
