"""Markdown of a written page: its first line, tables, text that is shown to the letter."""

import re
from collections.abc import Iterable, Sequence

_FIRST = "<!-- Written by `make docs` from {origin}. Correct it there. -->"


def page(title: str, origin: str, *parts: str) -> str:
    """A whole page of these parts; `origin` says where its facts stand."""
    return "\n\n".join((_FIRST.format(origin=origin), f"# {title}", *parts)) + "\n"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    r"""A table; a cell may hold Markdown, but no line of its own.

    >>> print(table(("a", "b"), [("1", "x|y")]))
    | a | b |
    | --- | --- |
    | 1 | x\|y |
    """
    lines = [heads, ["---"] * len(heads), *([_cell(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def code(text: str) -> str:
    """Text as it is typed; nothing of nothing."""
    return f"`{text}`" if text else ""


def plain(text: str) -> str:
    r"""A sentence of a help text, in which nothing is markup: `renders/caddy/<style>/`, `*.jpg`, `removed/<date>/`.

    >>> plain("*.jpg below <style>/ in `changed`")
    '\\*.jpg below \\<style>/ in `changed`'
    """
    return "".join(
        part if index % 2 else re.sub(r"([*<])", r"\\\1", part)
        for index, part in enumerate(re.split(r"(`[^`]*`)", text))
    )


def _cell(text: str) -> str:
    return re.sub(r"\s*\n\s*", " ", text).replace("|", "\\|")
