"""What a run of the ingest is asked to do: which styles, and where their renders are delivered."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from darkroom.errors import BadInput
from darkroom.flows import asked
from darkroom.guards import Guards, parse_max_delete
from darkroom.jobs import Mode
from darkroom.outside.dropbox import SCHEME, folder_of, is_dropbox
from darkroom.settings import settings
from darkroom.store import open_store
from darkroom.styles.style_file import read_style, style_files


class Params(BaseModel):
    """A run as somebody asks for it in a form. No style means every one, no source `DARKROOM_RENDERS_FROM`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    style: str = ""
    source: str = ""
    mode: Mode = Mode.CHANGED
    max_delete: str = ""
    since: datetime | None = None
    until: datetime | None = None
    """In a backfill: proxies of the raw renders that were delivered in `[since, until)`, made again."""


class Delivery(BaseModel):
    """A style, and the folders below the source that its renders are delivered in; the source itself: an empty one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    style: str
    style_file: str
    folders: tuple[str, ...] = ("",)

    @property
    def name(self) -> str:
        """The style's."""
        return self.style


class Request(BaseModel):
    """The same, with the styles themselves. `said` is what was left alone, with the reason.

    `problems` are styles that cannot run, a sentence each: the others do, and the run fails all the same. `named`:
    somebody named a style or the source, and so something has to lie there.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    store: str
    source: str = ""
    mode: Mode = Mode.CHANGED
    styles: tuple[Delivery, ...] = ()
    named: bool = True
    guards: Guards = Guards(objects=10**9, percent=50)
    since: datetime | None = None
    until: datetime | None = None
    said: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def backfill(self) -> bool:
        """Is it about what was delivered in an interval?"""
        return self.since is not None


def location(said: str) -> str:
    """A source's location in full. Raises `BadInput` for one that is none.

    >>> location("dropbox:/Studio/Renders/")
    'dropbox:/Studio/Renders'
    """
    return f"{SCHEME}{folder_of(said) or '/'}" if is_dropbox(said) else open_store(said).uri


def request_from_params(params: Mapping[str, Any]) -> Request:
    """The request of a run of the deployment's styles. Raises `BadInput` with every problem."""
    wanted = asked(Params, params)
    files = style_files()
    problems: list[str] = []
    if wanted.style and wanted.style not in files:
        there = ", ".join(files) or "none"
        problems.append(f"style: {wanted.style!r} is no style file in {settings().styles_dir} (there are: {there}).")
    if (wanted.since is None) != (wanted.until is None):
        problems.append("since, until: give both ends of the interval, or neither.")
    source = wanted.source.strip() or settings().renders_from
    if not source and wanted.since is None and (wanted.style or wanted.mode is not Mode.CHANGED):
        problems.append("source: nobody says where renders are delivered; give a place, or set DARKROOM_RENDERS_FROM.")
    if problems:
        raise BadInput(problems)
    wrong: list[str] = []
    chosen = [wanted.style] if wanted.style else list(files) if source or wanted.since else []
    said = [] if chosen or not files else ["Nobody says where renders are delivered: set DARKROOM_RENDERS_FROM."]
    return Request(
        store=open_store(settings().studio_store).uri,
        source=location(source) if source else "",
        mode=wanted.mode,
        styles=tuple(_deliveries({name: files[name] for name in chosen}, wrong)),
        named=bool(wanted.style or wanted.source.strip()),
        since=wanted.since,
        until=wanted.until,
        said=tuple(said),
        problems=tuple(wrong),
        **_guards(wanted.max_delete),
    )


def request_of(style_file: str, source: str, store: str, *, mode: Mode = Mode.CHANGED, max_delete: str = "") -> Request:
    """The request of a command: one style, whose own place the source is. Raises `BadInput`."""
    style = read_style(style_file)
    return Request(
        store=open_store(store).uri,
        source=location(source),
        mode=mode,
        styles=(Delivery(style=style.style, style_file=style_file),),
        **_guards(max_delete),
    )


def _guards(max_delete: str) -> dict[str, Any]:
    return {"guards": parse_max_delete(max_delete)} if max_delete else {}


def _deliveries(files: Mapping[str, Path], problems: list[str]) -> Iterator[Delivery]:
    """Each style with the folders that it names; one that cannot be read goes to the problems."""
    names: dict[str, Path] = {}
    for path in files.values():
        try:
            style = read_style(str(path))
        except BadInput as error:
            problems += error.problems
            continue
        if other := names.get(style.style):
            problems.append(f"{path}: {other} is the style {style.style!r} already; give one of them another name.")
            continue
        names[style.style] = path
        folders = _folders(style.source_folders) or (style.style,)
        yield Delivery(style=style.style, style_file=str(path), folders=folders)


def _folders(named: Sequence[str]) -> tuple[str, ...]:
    """Source folders as paths: no slash at either end, each once."""
    return tuple(dict.fromkeys(folder.strip("/") for folder in named if folder.strip("/")))
