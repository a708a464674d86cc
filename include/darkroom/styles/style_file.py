"""Reading a style file: YAML to a `Style`, or every problem with its line, its key and what to do."""

from itertools import islice
from pathlib import Path as FilePath

from pydantic import BaseModel

from darkroom.errors import BadInput
from darkroom.parts import yaml_files
from darkroom.settings import settings
from darkroom.styles.contradictions import contradictions
from darkroom.styles.names import SLOTS
from darkroom.styles.rules import TooTangled
from darkroom.styles.style import Option, RuleException, Style
from darkroom.yaml_lines import MOST, Path, line_of, read_model


def style_files() -> dict[str, FilePath]:
    """The deployment's style files by name."""
    return yaml_files(settings().styles_dir)


def read_style(path: str) -> Style:
    """A style file's style. Raises `BadInput`."""
    return load_style(read_file(path, "style file"), path)


def read_file(path: str, what: str) -> bytes:
    """A local file's content. Raises `BadInput`."""
    try:
        return FilePath(path).read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise BadInput(f"{path}: the {what} cannot be read ({reason}); give the path of one that can.") from None


def load_style(data: bytes, where: str) -> Style:
    """A style from its file's content. Raises `BadInput` with every problem: `where`, the line, the key, what to do."""
    style, lines = read_model(Style, data, where, "style file", _known)
    found = (f"{where}, line {line_of(lines, path)}: {said}" for path, said in contradictions(style))
    try:
        problems = list(islice(found, MOST))
    except TooTangled as error:
        raise BadInput(f"{where}: {error}") from None
    if any(True for _ in islice(found, 1)):
        problems.append(f"{where}: there are more; correct these first.")
    if problems:
        raise BadInput(problems)
    return style


def _known(path: Path) -> list[str]:
    model: type[BaseModel] = Style if len(path) == 1 else RuleException if path[0] == "exceptions" else Option
    known = [field.alias or name for name, field in model.model_fields.items() if name != "slots"]
    return known + (list(SLOTS) if model is RuleException else [])
