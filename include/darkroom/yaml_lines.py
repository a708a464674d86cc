"""YAML read with the line of every key and item, so that a message can say where.

A plain word is what it looks like: text, a whole number in decimal digits, true, false or null. YAML 1.1 makes false of
`no`, 8 of `010`, 90 of `1:30` and a date of `2026-11-01`, and each of them may be a code or a garment's name.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from darkroom.errors import BadInput
from darkroom.sentences import did_you_mean, wrong

Path = tuple[str | int, ...]
ModelT = TypeVar("ModelT", bound=BaseModel)

MOST = 50
"""Problems of one file that are told: whoever has more has given another file, or one mistake many times."""

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml, where it is built in, takes a tenth of the time
_LARGEST = 1 << 20  # characters; a real style has some thousand
_DEEPEST = 20  # mappings and lists in one another; a style needs six
_NUMBER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_WORDS = {"": None, "~": None, "null": None, "true": True, "false": False}


def read_model(
    model: type[ModelT], data: bytes, where: str, noun: str, known: Callable[[Path], list[str]]
) -> tuple[ModelT, dict[Path, int]]:
    """A model from a file's content, and the line of each of its parts. `noun` is what the file is: `style file`.

    `known` gives the keys that there are beside the one of a path. Raises `BadInput` with every problem: `where`, the
    line, the key, what to do.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"{where}: byte {error.start} is no UTF-8; save the {noun} as UTF-8.") from None
    document, lines = load(text, where, noun)
    if not isinstance(document, dict):
        keys = ", ".join(known(("",))[:3])
        raise BadInput(f"{where}: a {noun} is a mapping of keys ({keys}, ...); this is not.")
    try:
        return model.model_validate(document), lines
    except ValidationError as error:
        raise BadInput(_sentences(error, lines, where, noun, known)) from None


def load(text: str, where: str, noun: str = "style file") -> tuple[Any, dict[Path, int]]:
    """The document and the line of each of its parts, by path (`("defaults", "Knee", 0)`).

    Raises `BadInput` for what is no YAML, a key that stands twice, tags, and what can expand or nest without end.
    """
    if len(text) > _LARGEST:
        raise BadInput(f"{where}: it has more than {_LARGEST:,} characters, which no {noun} needs; is it another file?")
    if text.lstrip().startswith("{"):
        text = text.replace("\t", " ")  # JSON may be indented by tabs, YAML may not; a JSON string never holds one
    try:
        _require_plain(text, where)
        root = yaml.compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise BadInput(f"{where}, line {line}: {error.problem}; correct the YAML.") from None
    except (yaml.YAMLError, ValueError) as error:  # the latter of a character that is none
        raise BadInput(f"{where}: {error}; correct the YAML.".replace("\n", " ")) from None
    lines: dict[Path, int] = {}
    if root is None:
        raise BadInput(f"{where}: the file is empty.")
    return _value(root, (), lines, where), lines


def line_of(lines: dict[Path, int], path: Path) -> int:
    """The line of a part, or of the nearest part around it."""
    while path not in lines and path:
        path = path[:-1]
    return lines.get(path, 1)


def _sentences(
    error: ValidationError, lines: dict[Path, int], where: str, noun: str, known: Callable[[Path], list[str]]
) -> Iterator[str]:
    for problem in sorted(error.errors(include_url=False), key=lambda one: line_of(lines, one["loc"]))[:MOST]:
        yield _sentence(problem, f"{where}, line {line_of(lines, problem['loc'])}", noun, known)
    if error.error_count() > MOST:
        yield f"{where}: there are {error.error_count() - MOST:,} more; correct these first."


def _sentence(problem: ErrorDetails, at: str, noun: str, known: Callable[[Path], list[str]]) -> str:
    path: Path = problem["loc"]
    key = ".".join(str(part) for part in path if part != "[key]")
    match problem["type"]:
        case "extra_forbidden":
            owner = f"a {noun}" if len(path) == 1 else ".".join(map(str, path[:-1]))
            return f"{at}: {path[-1]!r} is no key of {owner}{did_you_mean(str(path[-1]), known(path))}"
        case "missing":
            return f"{at}: {key!r} is missing; add it."
        case "string_type" if isinstance(problem["input"], bool | int):
            said = str(problem["input"]).lower()
            return f"{at}: {key}: it must be text, and {said} is none without quotes; write '{said}'."
        case _:
            return f"{at}: {key}: {wrong(problem)}; correct it."


def _require_plain(text: str, where: str) -> None:
    """Look at it as a stream, before anything of it is built: neither aliases nor tags, and no depths."""
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        at = f"{where}, line {event.start_mark.line + 1 if event.start_mark else 1}"
        if isinstance(event, yaml.AliasEvent):
            raise BadInput(f"{at}: aliases (*) are not read; write it out.")
        if isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _DEEPEST:
                raise BadInput(f"{at}: it has more than {_DEEPEST} levels in one another; is a bracket not closed?")
        if getattr(event, "tag", None) is not None:
            raise BadInput(f"{at}: tags (!) are not read; write the value alone, in quotes where it is text.")


def _value(node: yaml.Node, path: Path, lines: dict[Path, int], where: str) -> Any:
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*path, at), lines, where) for at, item in enumerate(node.value)]
    if isinstance(node, yaml.ScalarNode):
        return _scalar(node, where)
    mapping: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            raise BadInput(f"{where}, line {line}: a key is a word here; correct it.")
        key = key_node.value
        if key in mapping:
            raise BadInput(f"{where}, line {line}: {key!r} stands twice; keep one of the two.")
        lines[(*path, key)] = line
        mapping[key] = _value(value_node, (*path, key), lines, where)
    return mapping


def _scalar(node: yaml.ScalarNode, where: str) -> Any:
    said: str = node.value
    if any("\ud800" <= sign <= "\udfff" for sign in said):
        line = node.start_mark.line + 1
        raise BadInput(f"{where}, line {line}: {said!a} has half of a character; correct the value.")
    if node.style:  # quoted
        return said
    if _NUMBER.fullmatch(said):
        return int(said)
    return _WORDS.get(said.lower(), said)
