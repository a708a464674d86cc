"""YAML read with the line of every key and item, so that a message can say where.

A plain word is what it looks like: text, a whole number in decimal digits, true, false or null. YAML 1.1 makes false of
`no`, 8 of `010`, 90 of `1:30` and a date of `2026-11-01`, and each of them may be a code or a garment's name.
"""

import re
from typing import Any

import yaml

from darkroom.errors import BadInput

Path = tuple[str | int, ...]

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml, where it is built in, takes a tenth of the time
_LARGEST = 1 << 20  # characters; a real style has some thousand
_DEEPEST = 20  # mappings and lists in one another; a style needs six
_NUMBER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_WORDS = {"": None, "~": None, "null": None, "true": True, "false": False}


def load(text: str, where: str) -> tuple[Any, dict[Path, int]]:
    """The document and the line of each of its parts, by path (`("defaults", "Knee", 0)`).

    Raises `BadInput` for what is no YAML, a key that stands twice, tags, and what can expand or nest without end.
    """
    if len(text) > _LARGEST:
        raise BadInput(f"{where}: it has more than {_LARGEST:,} characters, which no style needs; is it another file?")
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
