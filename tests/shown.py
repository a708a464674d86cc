"""The commands that the documents show, as a person would type them one after another."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGES = [
    *(ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "infra/README.md"),
    *sorted((ROOT / "docs").rglob("*.md")),
]

_FENCE = re.compile(r"^(?P<fence>```+)(?P<kind>\w*)$")
_SHELL = ("console", "sh", "")
_STAGES = ("|", "&&", ";", ">", ">>", "<")
_INLINE = re.compile(r"`((?:darkroom|airflow|make) [^`]+)`")


@dataclass(frozen=True)
class Step:
    """One line of a block that a shell would run: the words of its first command, and how many lines it is down."""

    page: str
    section: str
    line: int
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.page}:{self.line}: {shlex.join(self.words)}"


def steps(page: Path) -> list[Step]:
    """Every line of the page's blocks that is typed; in a block with `$`, the others are what is answered."""
    name, section, found = str(page.relative_to(ROOT)), "", []
    for heading, block in _blocks(page.read_text(encoding="utf-8")):
        section = heading
        prompted = any(text.startswith("$ ") for _, text in block)
        for line, text in block:
            if prompted and not text.startswith("$ "):
                continue
            words = _words(text.removeprefix("$ "))
            if words:
                found.append(Step(name, section, line, words))
    return found


def inline(page: Path) -> Iterator[str]:
    """What stands in a sentence as a command."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    yield from _INLINE.findall(text)


def _blocks(text: str) -> Iterator[tuple[str, list[tuple[int, str]]]]:
    """The lines of each fenced or indented block of a shell's, with the heading above it."""
    heading, kind, block = "", None, list[tuple[int, str]]()
    for number, line in enumerate([*text.splitlines(), ""], 1):
        fence = _FENCE.match(line)
        if fence and kind is None:
            kind = fence["kind"]
        elif fence or (kind is None and block and not line.startswith("    ")):
            if kind is None or kind in _SHELL:
                yield heading, block
            kind, block = None, []
        elif kind is not None or line.startswith("    "):
            block.append((number, line if kind is not None else line[4:]))
        if kind is None and line.startswith("#"):
            heading = line.lstrip("# ")


def _words(text: str) -> tuple[str, ...]:
    """The words of a line's first command, without its comment; none where it is no shell's line."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars="|&;><")
    lexer.whitespace_split = True
    words = []
    try:
        for word in lexer:
            if word in _STAGES:
                break
            words.append(word)
    except ValueError:  # a drawing, a quotation
        return ()
    return tuple(words)
