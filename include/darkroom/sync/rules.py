"""Rules: which files may be uploaded, as data; a YAML file each, of which Darkroom ships some (`rule_sets`)."""

import hashlib
from collections.abc import Iterator, Sequence
from functools import cached_property
from importlib import resources
from pathlib import Path as FilePath
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ByteSize, ConfigDict, Field

from darkroom.amounts import human_bytes
from darkroom.errors import BadInput
from darkroom.sentences import did_you_mean
from darkroom.store import readable
from darkroom.sync.contents import CONTENTS, VERSION, Read, wrong_content
from darkroom.sync.patterns import CONTROL, LONGEST, Pattern, groups_in, names_in, pattern_of, wrong_path
from darkroom.sync.regexes import NAME, takes_long, wrong_regex
from darkroom.sync.wrong_names import Names
from darkroom.yaml_lines import Path, line_of, read_model

DEFAULT, NONE = "stores", "none"
SUFFIX = ".yaml"
_MOST = 100  # paths, and groups
_LARGEST_FILE = 1 << 20


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


class Rules(BaseModel):
    """What may be uploaded: by name (`paths`, any name without), by size, and by what the bytes are (`content`).

    `groups` gives the regular expression of a path's group, `meanings` says in words what it allows. `largest` 0 is no
    limit.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = ""
    paths: Annotated[tuple[str, ...], BeforeValidator(_listed), Field(max_length=_MOST)] = ()
    groups: Annotated[dict[str, str], Field(max_length=_MOST)] = {}
    meanings: Annotated[dict[str, str], Field(max_length=_MOST)] = {}
    content: Literal["jpeg", "png", "webp", "gif", "tiff", "avif"] | None = None
    smallest: Annotated[ByteSize, Field(ge=0)] = ByteSize(0)
    largest: Annotated[ByteSize, Field(ge=0)] = ByteSize(0)


def contradictions(rules: Rules) -> Iterator[tuple[Path, str]]:
    """What rules say that cannot be, each with its place."""
    if "paths" in rules.model_fields_set and not rules.paths:
        yield ("paths",), "paths: the list is empty; write a path, or leave 'paths' out for any name."
    if rules.largest and rules.smallest > rules.largest:
        yield (
            ("smallest",),
            f"smallest: it is {human_bytes(rules.smallest)}, more than the largest ({human_bytes(rules.largest)}); "
            "exchange them.",
        )
    used = {name for path in rules.paths for name in groups_in(path)}
    wrong: list[tuple[Path, str]] = [
        (("groups", name), f"groups.{name}: {said}.") for name, said in _wrong_groups(rules)
    ]
    for key, names in (("groups", rules.groups), ("meanings", rules.meanings)):
        for name in names:
            if name not in used:
                wrong.append(((key, name), f"{key}.{name}: no path has a {{{name}}}{did_you_mean(name, sorted(used))}"))
    wrong += [(("paths", at), f"paths: {said}.") for at, path in enumerate(rules.paths) for said in wrong_path(path)]
    yield from wrong
    if not wrong:
        yield from _slow(rules)


def _wrong_groups(rules: Rules) -> Iterator[tuple[str, str]]:
    for name, regex in rules.groups.items():
        if said := wrong_regex(regex):
            yield name, said


def _slow(rules: Rules) -> Iterator[tuple[Path, str]]:
    for at, path in enumerate(rules.paths):
        for segment in pattern_of(path, rules.groups).segments:
            if segment.regex and takes_long(segment.regex):
                yield (
                    ("paths", at),
                    f"paths: {segment.text!r} can be read in too many ways, which takes long for some names; "
                    "let no more than three of its parts have any length.",
                )


def load_rules(data: bytes, where: str, name: str) -> Rules:
    """Rules from their file's content. Raises `BadInput` with every problem: `where`, the line, what to do."""
    rules, lines = read_model(Rules, data, where, "rule set", _known)
    found = [f"{where}, line {line_of(lines, path)}: {said}" for path, said in contradictions(rules)]
    if "name" in rules.model_fields_set:
        found.append(f"{where}, line {line_of(lines, ('name',))}: a rule set's name is its file's; leave 'name' out.")
    if found:
        raise BadInput(found)
    return rules.model_copy(update={"name": name})


def _known(path: Path) -> list[str]:
    return [name for name in Rules.model_fields if name != "name"] if len(path) == 1 else []


def shipped() -> list[str]:
    """The names of the rule sets that come with Darkroom."""
    return sorted(file.name.removesuffix(SUFFIX) for file in _shipped().iterdir() if file.name.endswith(SUFFIX))


def is_file_name(name: str) -> bool:
    """Does it name a file of rules, and no shipped set?"""
    return "/" in name or name.endswith((SUFFIX, ".yml"))


def rules_named(name: str) -> Rules:
    """The shipped rules of a name (`stores` for none), `none`, or those of a YAML file by its path.

    Raises `BadInput`.
    """
    name = name or DEFAULT
    if name == NONE:
        return Rules(name=NONE)
    if is_file_name(name):
        return _read(FilePath(name).expanduser())
    if name not in shipped():
        known = [*shipped(), NONE]
        raise BadInput(
            f"rules: {name!r} is no rule set{did_you_mean(name, known)}; or give the path of a YAML file, such as "
            f"./{name}{SUFFIX}."
        )
    file = _shipped().joinpath(f"{name}{SUFFIX}")
    return load_rules(file.read_bytes(), f"{name}{SUFFIX}", name)


def _shipped() -> Any:
    return resources.files("darkroom.sync").joinpath("rule_sets")


def _read(file: FilePath) -> Rules:
    try:
        if not file.is_file():  # a pipe or a device would be read without end
            what = "it is no file" if file.exists() else "there is no such file"
            raise BadInput(f"{readable(str(file))}: {what}; name a rule set's YAML file.")
        with file.open("rb") as handle:
            data = handle.read(_LARGEST_FILE + 1)
    except (OSError, ValueError) as error:
        said = (getattr(error, "strerror", None) or str(error)).rstrip(".")
        raise BadInput(f"{readable(str(file))}: {said}; name a rule set's YAML file.") from None
    return load_rules(data, str(file), file.stem)


class Checker:
    """Rules, ready to be asked about many files, from many threads at once."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self._patterns = tuple(pattern_of(path, rules.groups) for path in rules.paths)
        self._names = Names(self._patterns, rules.groups, rules.meanings)
        self._content = CONTENTS[rules.content] if rules.content else None
        self.needs_content = self._content is not None
        """Is there anything to check in the bytes?"""
        self.prefix = _prefix(self._patterns)
        """What all keys begin with that the rules allow: folders with their slash, or nothing."""

    @cached_property
    def digest(self) -> str:
        """Another one whenever the verdict of `wrong_content` may be another."""
        said = f"{VERSION} {self.rules.model_dump_json(exclude={'name', 'meanings'})}"
        return hashlib.sha256(said.encode()).hexdigest()[:16]

    def in_scope(self, key: str) -> bool:
        """Could this key be uploaded by these rules, by its name alone?"""
        return not _wrong_text(key, self._patterns) and (not self._patterns or self._allowing(key) is not None)

    def wrong_name(self, key: str) -> str:
        """Why a file of this name is refused, without a full stop; empty where it is not."""
        if wrong := _wrong_text(key, self._patterns):
            return wrong
        if not self._patterns or self._allowing(key):
            return ""
        names = names_in(key)
        return self._names.wrong(names) if names else "it has an empty part, '.' or '..' among its folders; rename it"

    def wrong_size(self, size: int) -> str:
        """Why a file of so many bytes is refused, without a full stop; empty where it is not."""
        if size < self.rules.smallest:
            least = f"it has {human_bytes(size)}, and {human_bytes(self.rules.smallest)} is the least"
            return least if size else "it is empty"
        if self.rules.largest and size > self.rules.largest:
            return f"it has {human_bytes(size)}, and {human_bytes(self.rules.largest)} is the most; save it smaller"
        return ""

    def wrong_content(self, beginning: bytes, size: int, read: Read | None = None) -> str:
        """Why a file of these bytes is refused, without a full stop; empty where it is not (see `contents`).

        `beginning` is the whole file or its first 4 KiB at least. `read(start, length)` gives other bytes of it, and
        is asked only where they are needed: when a header is longer than the beginning, and for a large JPEG's end.
        """
        return wrong_content(self._content, beginning, size, read) if self._content else ""

    def identity(self, key: str) -> str:
        """The same text for names that mean the same to these rules: `0001.jpg` and `1.jpg`, letters in either case.

        Of a name that they do not allow, and without paths, it is the name itself.
        """
        pattern = self._allowing(key)
        return pattern.meaning(key) if pattern else key

    def _allowing(self, key: str) -> Pattern | None:
        for pattern in self._patterns:
            if pattern.allows(key):
                return pattern
        return None


def _wrong_text(key: str, patterns: Sequence[Pattern]) -> str:
    """What no store holds in a name, and no rules with patterns allow."""
    size = len(key)
    if not key.isascii():
        try:
            size = len(key.encode())
        except UnicodeEncodeError:
            return "its name is no UTF-8; rename it"
    if size > LONGEST:
        return f"its name and folders have {size:,} bytes, and {LONGEST:,} is the most; shorten them"
    if size > NAME and max(map(len, key.split("/"))) > NAME:
        return f"it has a name of more than {NAME} characters, which no folder holds; shorten it"
    if patterns and not key.isprintable() and CONTROL.search(key):
        return "its name has a line break or another control character; rename it"
    return ""


def _prefix(patterns: tuple[Pattern, ...]) -> str:
    if not patterns:
        return ""
    first, *others = (pattern.beginning for pattern in patterns)
    common = list(first)
    for other in others:
        while common != list(other[: len(common)]):
            common.pop()
    return "".join(f"{folder}/" for folder in common)
