"""Reading a style file: YAML to a `Style`, or every problem with its line, its key and what to do."""

from collections.abc import Iterator
from itertools import islice

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from darkroom.errors import BadInput
from darkroom.sentences import did_you_mean, wrong
from darkroom.styles.contradictions import contradictions
from darkroom.styles.names import SLOTS
from darkroom.styles.rules import TooTangled
from darkroom.styles.style import Option, RuleException, Style
from darkroom.styles.yaml_lines import Path, line_of, load

_MOST = 50
"""Problems of one file that are told: whoever has more has given another file, or one mistake many times."""


def load_style(data: bytes, where: str) -> Style:
    """A style from its file's content. Raises `BadInput` with every problem: `where`, the line, the key, what to do."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"{where}: byte {error.start} is no UTF-8; save the style file as UTF-8.") from None
    document, lines = load(text, where)
    if not isinstance(document, dict):
        raise BadInput(f"{where}: a style file is a mapping of keys (style, lengths, defaults, ...); this is not.")
    try:
        style = Style.model_validate(document)
    except ValidationError as error:
        raise BadInput(_sentences(error, lines, where)) from None
    found = (f"{where}, line {line_of(lines, path)}: {said}" for path, said in contradictions(style))
    try:
        problems = list(islice(found, _MOST))
    except TooTangled as error:
        raise BadInput(f"{where}: {error}") from None
    if any(True for _ in islice(found, 1)):
        problems.append(f"{where}: there are more; correct these first.")
    if problems:
        raise BadInput(problems)
    return style


def _sentences(error: ValidationError, lines: dict[Path, int], where: str) -> Iterator[str]:
    for problem in error.errors(include_url=False)[:_MOST]:
        yield _sentence(problem, lines, where)
    if error.error_count() > _MOST:
        yield f"{where}: there are {error.error_count() - _MOST:,} more; correct these first."


def _sentence(problem: ErrorDetails, lines: dict[Path, int], where: str) -> str:
    path: Path = problem["loc"]
    at = f"{where}, line {line_of(lines, path)}"
    key = ".".join(str(part) for part in path if part != "[key]")
    match problem["type"]:
        case "extra_forbidden":
            return f"{at}: {path[-1]!r} is no key of {_owner(path)}{_did_you_mean(path)}"
        case "missing":
            return f"{at}: {key!r} is missing; add it."
        case "string_type" if isinstance(problem["input"], bool | int):
            said = str(problem["input"]).lower()
            return f"{at}: {key}: it must be text, and {said} is none without quotes; write '{said}'."
        case _:
            return f"{at}: {key}: {wrong(problem)}; correct it."


def _owner(path: Path) -> str:
    return "a style file" if len(path) == 1 else f"{'.'.join(map(str, path[:-1]))}"


def _did_you_mean(path: Path) -> str:
    model: type[BaseModel] = Style if len(path) == 1 else RuleException if path[0] == "exceptions" else Option
    known = [field.alias or name for name, field in model.model_fields.items() if name != "slots"]
    known += SLOTS if model is RuleException else ()
    return did_you_mean(str(path[-1]), known)
