"""YAML read with the line of every key and item, so that a message can say where."""

from typing import Any

import yaml

from darkroom.errors import BadInput

Path = tuple[str | int, ...]


def load(text: str, where: str) -> tuple[Any, dict[Path, int]]:
    """The document and the line of each of its parts, by path (`("defaults", "Knee", 0)`).

    Raises `BadInput` for what is no YAML, a key that stands twice, and anchors (a small file of aliases can expand
    without end).
    """
    if text.lstrip().startswith("{"):
        text = text.replace("\t", " ")  # JSON may be indented by tabs, YAML may not; a JSON string never holds one
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent):
                line = event.start_mark.line + 1 if event.start_mark else 1
                raise BadInput(f"{where}, line {line}: aliases (*) are not read; write it out.")
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise BadInput(f"{where}, line {line}: {error.problem}; correct the YAML.") from None
    except yaml.YAMLError as error:
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


def _value(node: yaml.Node, path: Path, lines: dict[Path, int], where: str) -> Any:
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*path, at), lines, where) for at, item in enumerate(node.value)]
    if not isinstance(node, yaml.MappingNode):
        try:
            return _constructor.construct_object(node, deep=True)
        except (yaml.YAMLError, ValueError) as error:
            raise BadInput(f"{where}, line {node.start_mark.line + 1}: {error}; correct the value.") from None
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


_constructor = yaml.SafeLoader("")
