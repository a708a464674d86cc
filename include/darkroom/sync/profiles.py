"""Profiles: which folder goes where, and under which rules; one YAML file a profile, in a folder of the deployment."""

import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path as FilePath
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from darkroom.errors import BadInput
from darkroom.guards import Guards
from darkroom.parts import yaml_files
from darkroom.settings import Environment, settings
from darkroom.store import open_store, readable
from darkroom.store.globs import chooser
from darkroom.store.uris import path_of
from darkroom.sync.rules import DEFAULT, is_file_name, rules_named
from darkroom.yaml_lines import Path, line_of, read_model

SUFFIX = ".yaml"
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
_PLAIN = re.compile(r"[A-Za-z/][\w./:-]*\w", re.ASCII)  # a YAML value that needs no quotes, but for YAML's own words
_WORDS = ("true", "false", "null", "yes", "no", "on", "off")
_LARGEST_FILE = 1 << 20


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _or_default(value: Any) -> Any:
    return DEFAULT if value in ("", None) else value


def _path(value: Any) -> Any:
    """A folder's path, also where it is written as a URI."""
    return str(path_of(value)) if isinstance(value, str) and value.startswith("file:///") else value


class Profile(BaseModel):
    """A folder, where it goes, and what of it may.

    `rules` is a shipped rule set's name, a YAML file's path, or `none`; `exclude` are patterns (`store.globs`) of what
    is left alone on both sides. A profile with an `environment` runs only in a deployment of that one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    name: str = ""
    source: Annotated[str, BeforeValidator(_path), Field(alias="from")]
    target: Annotated[str, Field(alias="to")]
    rules: Annotated[str, BeforeValidator(_or_default)] = DEFAULT
    exclude: Annotated[tuple[str, ...], BeforeValidator(_listed)] = ()
    guards: Guards = Guards()
    set_aside: bool = True
    enabled: bool = True
    environment: Environment | None = None

    @property
    def said(self) -> str:
        """It in a line, for people."""
        return f"{readable(self.source)} -> {readable(self.target)}, rules: {self.rules}"


def contradictions(profile: Profile) -> Iterator[tuple[Path, str]]:
    """What a profile says that cannot be, each with its place; nothing is asked of a store."""
    folder, target = None, ""
    if wrong := _wrong_folder(profile.source):
        yield ("from",), f"from: {wrong}."
    else:
        folder = FilePath(_expanded(profile.source))
    if wrong := _wrong_text(profile.target):
        yield ("to",), f"to: {wrong}."
    else:
        try:
            target = open_store(_expanded(profile.target)).uri
        except BadInput as error:
            yield ("to",), f"to: {error}"
    if folder and target.startswith("file://") and _overlap(folder, path_of(target)):
        yield ("to",), "to: it lies in 'from', or the other way round; each needs a place of its own."
    try:
        rules_named(profile.rules)
    except BadInput as error:
        for problem in error.problems:
            yield ("rules",), problem if problem.startswith("rules: ") else f"rules: {problem}"
    try:
        chooser((), profile.exclude)
    except BadInput as error:
        yield ("exclude",), f"exclude: {error}"


def _wrong_folder(source: str) -> str:
    """Why that is no folder's path, without a full stop."""
    if not source.strip():
        return "it is empty; write the folder's path"
    if "://" in source:
        return f"{source!r} is no folder; write the path of one that this machine has, such as /mnt/shops"
    return _wrong_text(source)


def _wrong_text(location: str) -> str:
    """Why no file can have that in it, without a full stop."""
    if "\0" in location:
        return f"{location!r} has a NUL, and no path has; correct it"
    try:
        location.encode()
    except UnicodeEncodeError:
        return f"{location!r} is no UTF-8, and a profile is; rename the folder"
    return ""


def _expanded(location: str) -> str:
    """With `~` as the user's own folder: only the shell would do it, and only where it is not in quotes."""
    try:
        return str(FilePath(location).expanduser()) if location.startswith("~") else location
    except RuntimeError:  # there is no such user
        return location


def _overlap(one: FilePath, other: FilePath) -> bool:
    """Does one of two folders lie in the other, links followed?"""
    first, second = (FilePath(os.path.realpath(path)) for path in (one, other))
    return first.is_relative_to(second) or second.is_relative_to(first)


def load_profile(data: bytes, where: str, name: str, folder: FilePath | None = None) -> Profile:
    """A profile from its file's content. Raises `BadInput` with every problem: `where`, the line, what to do.

    The path of its rules is one from `folder` on.
    """
    profile, lines = _parsed(data, where)
    if folder and is_file_name(profile.rules):
        profile = profile.model_copy(update={"rules": str(folder / _expanded(profile.rules))})
    found = [f"{where}, line {line_of(lines, path)}: {said}" for path, said in contradictions(profile)]
    if "name" in profile.model_fields_set:
        found.append(f"{where}, line {line_of(lines, ('name',))}: a profile's name is its file's; leave 'name' out.")
    if said := _wrong_name(name):
        found.append(f"{where}: {said}")
    if found:
        raise BadInput(found)
    return profile.model_copy(update={"name": name})


def _parsed(data: bytes, where: str) -> tuple[Profile, dict[Path, int]]:
    return read_model(Profile, data, where, "profile", _known)


def _wrong_name(name: str) -> str:
    if _NAME.fullmatch(name):
        return ""
    return f"{name!r} cannot name a profile; use letters, digits, '-', '_' and '.' for the file."


def _known(path: Path) -> list[str]:
    model: type[BaseModel] = Guards if len(path) > 1 else Profile
    return [field.alias or name for name, field in model.model_fields.items() if name != "name"]


def read_profile(file: FilePath) -> Profile:
    """The profile in a file. Raises `BadInput`."""
    return load_profile(_content(file), str(file), file.name.removesuffix(SUFFIX), file.absolute().parent)


def _content(file: FilePath) -> bytes:
    try:
        if file.exists() and not file.is_file():  # a pipe or a device would be read without end
            raise BadInput(f"{file}: it is no file; name a profile's YAML file.")
        with file.open("rb") as handle:
            return handle.read(_LARGEST_FILE + 1)
    except (OSError, ValueError) as error:
        said = (getattr(error, "strerror", None) or str(error)).rstrip(".")
        raise BadInput(f"{file}: {said}; name a profile's YAML file.") from None


def profile_files() -> dict[str, FilePath]:
    """The deployment's profiles by name."""
    return yaml_files(settings().profiles_dir)


def write_profile(profile: Profile, folder: FilePath) -> FilePath:
    """Write a profile as a file that people read and change; paths become whole ones. Returns where it is.

    A profile of that name is replaced, another file never. Raises `BadInput`, also for a profile that cannot be.
    """
    if said := _wrong_name(profile.name):
        raise BadInput(said)
    whole: dict[str, Any] = {"source": _whole(profile.source), "target": _whole(profile.target)}
    if is_file_name(profile.rules):
        whole["rules"] = _whole(profile.rules)
    profile = profile.model_copy(update=whole)
    if found := [said for _, said in contradictions(profile)]:
        raise BadInput(found)
    file = folder / f"{profile.name}{SUFFIX}"
    _require_replaceable(file)
    data = _text(profile).encode()
    load_profile(data, str(file), profile.name, folder)  # what is written can be read
    try:
        _replace(file, data)
    except OSError as error:
        said = (error.strerror or str(error)).rstrip(".")
        raise BadInput(f"{file}: it cannot be written ({said}); name another folder (DARKROOM_PROFILES_DIR).") from None
    return file


def _whole(location: str) -> str:
    if "://" in location or not location.strip():
        return location
    return os.path.abspath(_expanded(location))  # noqa: PTH100 - links stay as they are


def _require_replaceable(file: FilePath) -> None:
    """Raises `BadInput` where something stands that is no profile; one with mistakes in it is a profile."""
    if not os.path.lexists(file):
        return
    try:
        _parsed(_content(file), str(file))
    except BadInput as error:
        raise BadInput(
            [f"{file}: it is no profile, and is not replaced; move it away, or take another name.", *error.problems]
        ) from None


def _replace(file: FilePath, data: bytes) -> None:
    """Write a file as a whole: whoever reads it meanwhile sees the one before."""
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".darkroom-{secrets.token_hex(8)}")
    try:
        with temporary.open("xb") as handle:
            handle.write(data)
            handle.flush()
            os.fsync(handle.fileno())
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)


def _text(profile: Profile) -> str:
    excluded = ", ".join(map(_value, profile.exclude))
    guards = profile.guards
    lines = [
        f"from: {_value(profile.source)}",
        f"to: {_value(profile.target)}",
        f"rules: {_value(profile.rules)}",
        f"exclude: [{excluded}]",
        "# a sync removes no more than the smaller of both",
        f"guards: {{objects: {guards.objects}, percent: {guards.percent}}}",
        "# what is removed or replaced goes to removed/<date>/ first",
        f"set_aside: {str(profile.set_aside).lower()}",
        f"enabled: {str(profile.enabled).lower()}",
    ]
    if profile.environment:
        lines.append(f"environment: {profile.environment}")
    return "\n".join(lines) + "\n"


def _value(text: str) -> str:
    """A text as YAML has it, in quotes where it would be read as something else."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return yaml.safe_dump(text, default_style='"', allow_unicode=True, width=1 << 20).removesuffix("\n")
