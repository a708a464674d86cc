"""Pairs: what is mirrored where, as data; one YAML file a pair, in a folder of the deployment (docs/archive.md)."""

import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path as FilePath
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from darkroom.archive.thumbnail_settings import ThumbnailSettings, wrong_thumbnails
from darkroom.errors import BadInput
from darkroom.guards import Guards
from darkroom.parts import yaml_files
from darkroom.proof import Verify
from darkroom.settings import Environment, settings
from darkroom.store import open_store, readable
from darkroom.store.globs import chooser
from darkroom.yaml_lines import Path, line_of, read_model

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
SUFFIX = ".yaml"


class Names(StrEnum):
    """How an object is called in the target."""

    AS_THEY_ARE = "as they are"
    FLATTENED = "flattened"
    LAST_PART = "last part"


class Removed(StrEnum):
    """What becomes of a copy whose object is gone from the source."""

    REPORT = "report"
    REMOVE = "archive and remove"


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


class Pair(BaseModel):
    """A source, its mirror and the archive of every version that ever stood in the mirror.

    Without an archive nothing in the mirror is ever replaced or removed. `files` are patterns (`store.globs`) of which
    a key matches one. A pair with an `environment` runs only in a deployment of that one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    name: str = Field(default="", exclude=False)
    source: Annotated[str, Field(alias="from")]
    target: Annotated[str, Field(alias="to")]
    archive: str = ""
    prefix: Annotated[tuple[str, ...], BeforeValidator(_listed)] = ()
    files: Annotated[tuple[str, ...], BeforeValidator(_listed)] = ()
    names: Names = Names.AS_THEY_ARE
    removed: Removed = Removed.REPORT
    guards: Guards = Guards()
    verify: Verify = Verify.READ_BACK
    wordpress: ThumbnailSettings | None = None
    environment: Environment | None = None
    enabled: bool = True

    @property
    def said(self) -> str:
        """It in a line, for people."""
        below = f" ({', '.join(self.prefix)})" if self.prefix else ""
        versions = f"versions in {readable(self.archive)}" if self.archive else "nothing is replaced"
        return f"{readable(self.source)}{below} -> {readable(self.target)}, {versions}"

    @property
    def stores(self) -> tuple[str, ...]:
        """The locations of source, target and, where there is one, archive."""
        return (self.source, self.target, self.archive) if self.archive else (self.source, self.target)


def wrong_prefix(prefix: str) -> str:
    """Why a prefix is none; empty where it is one.

    >>> wrong_prefix("/maps/")
    "'/maps/' begins with a slash, and no object's name does: a prefix is a GCS prefix, not a folder; write 'maps/'"
    >>> wrong_prefix("maps/18")
    ''
    """
    if not prefix.startswith("/"):
        return ""
    return f"{prefix!r} begins with a slash, and no object's name does: a prefix is a GCS prefix, not a folder; " + (
        f"write {prefix.lstrip('/')!r}" if prefix.strip("/") else "leave it out for all objects"
    )


def contradictions(pair: Pair) -> Iterator[tuple[Path, str]]:
    """What a pair says that cannot be, each with its place; nothing is asked of a store."""
    places: dict[str, str] = {}
    if not pair.archive and pair.removed is Removed.REMOVE:
        yield ("removed",), "removed: without an 'archive' nothing is removed; name one, or leave 'removed' out."
    for key, location in zip(("from", "to", "archive"), pair.stores, strict=False):
        try:
            places[key] = open_store(location).uri
        except BadInput as error:
            yield (key,), f"{key}: {error}"
    for key, other in (("to", "from"), ("archive", "to"), ("archive", "from")):
        if key in places and other in places and _overlap(places[key], places[other]):
            yield (key,), f"{key}: it lies in {other!r}, or the other way round; each needs a place of its own."
    for at, prefix in enumerate(pair.prefix):
        if wrong := wrong_prefix(prefix):
            yield ("prefix", at), f"prefix: {wrong}."
    try:
        chooser(pair.files)
    except BadInput as error:
        yield ("files",), f"files: {error}"
    if pair.wordpress:
        for path, said in wrong_thumbnails(pair.wordpress):
            yield ("wordpress", *path), f"wordpress.{'.'.join(map(str, path))}: {said}"


def _overlap(one: str, other: str) -> bool:
    return f"{one}/".startswith(f"{other}/") or f"{other}/".startswith(f"{one}/")


def load_pair(data: bytes, where: str, name: str) -> Pair:
    """A pair from its file's content. Raises `BadInput` with every problem: `where`, the line, what to do."""
    pair, lines = read_model(Pair, data, where, "pair", _known)
    found = [f"{where}, line {line_of(lines, path)}: {said}" for path, said in contradictions(pair)]
    if "name" in pair.model_fields_set:
        found.append(f"{where}, line {line_of(lines, ('name',))}: a pair's name is its file's; leave 'name' out.")
    if not _NAME.fullmatch(name):
        found.append(f"{where}: {name!r} cannot name a pair; use letters, digits, '-', '_' and '.' for the file.")
    if found:
        raise BadInput(found)
    return pair.model_copy(update={"name": name})


def _known(path: Path) -> list[str]:
    model: type[BaseModel] = Pair
    if len(path) > 1:
        model = Guards if path[0] == "guards" else ThumbnailSettings
    return [field.alias or name for name, field in model.model_fields.items() if name != "name"]


def read_pair(file: FilePath) -> Pair:
    """The pair in a file. Raises `BadInput`."""
    try:
        data = file.read_bytes()
    except OSError as error:
        raise BadInput(f"{file}: {(error.strerror or str(error)).rstrip('.')}; name a pair's YAML file.") from None
    return load_pair(data, str(file), file.name.removesuffix(SUFFIX))


def pair_files() -> dict[str, FilePath]:
    """The deployment's pairs by name."""
    return yaml_files(settings().pairs_dir)
