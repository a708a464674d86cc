"""docs/adr/README.md: the decisions by their number, from their files' headings."""

import re
from pathlib import Path

from tools.pages import ROOT
from tools.pages.markdown import page, table

ADR = ROOT / "docs" / "adr"

_INTRODUCTION = """\
Why Darkroom is built as it is. A decision that others will wonder about has a page: what was to be decided, what was
chosen, what it costs. A later one may change it, and says so; none is deleted."""


def written() -> str:
    """The page. Raises `ValueError` for a number that is missing or taken twice, and for a heading with another one."""
    files = sorted(ADR.glob("[0-9]*.md"))
    rows = [(str(number), f"[{_title(file, number)}]({file.name})") for number, file in enumerate(files, 1)]
    return page("Decisions", "the headings of these files", _INTRODUCTION, table(("", "decision"), rows))


def _title(file: Path, number: int) -> str:
    heading = re.match(rf"# {number}\. (.+)\n", file.read_text(encoding="utf-8"))
    if not heading or not file.name.startswith(f"{number:04d}-"):
        raise ValueError(
            f"{file.name}: the {number}th decision has to be called {number:04d}-..., and '# {number}. ...'"
        )
    return heading[1]
