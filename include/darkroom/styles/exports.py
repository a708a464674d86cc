"""Combinations from an export: a CSV a length, without a header: `combination, front stack, back stack`."""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from darkroom.styles.names import SIDES, is_code, parse_layer, plain
from darkroom.styles.stacks import Stack

_MOST = 20
"""Problems of one export that are told: whoever has more has one of them many times."""
_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}
_COLUMNS = ("combination", "front stack", "back stack")


@dataclass(frozen=True, slots=True)
class Row:
    """One combination (codes in the export's order) with its stack for each side, and the line it stands on."""

    line: int
    codes: tuple[str, ...]
    stacks: Mapping[str, Stack]


def parse_export(data: bytes, where: str) -> tuple[list[Row], list[str]]:
    """The rows of an export, and the problems in it as sentences that name `where` and the line; of many the first.

    Blank lines are skipped, and a row that repeats an earlier one. A problem row gives no Row.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return [], [f"{where}: byte {error.start} is no UTF-8; export the CSV as UTF-8."]
    rows: dict[frozenset[str], Row] = {}
    if other := _other_separator(text):
        return [], [f"{where}: its columns are separated by {other}; export it with commas."]
    problems: list[str] = []
    for line, cells in _lines(text, where, problems):
        row = _row(line, cells, where, problems)
        if row is None:
            continue
        earlier = rows.setdefault(frozenset(row.codes), row)
        if earlier.stacks != row.stacks:
            name = "-".join(row.codes) or "the default"
            problems.append(
                f"{where}, line {line}: {name} stands in line {earlier.line} already, with other stacks; "
                "keep one of the two."
            )
    if not rows and not problems:
        problems.append(f"{where}: no combination stands in it; export it again.")
    if len(problems) > _MOST:
        problems[_MOST:] = [f"{where}: there are {len(problems) - _MOST:,} more; correct these first."]
    return list(rows.values()), problems


def _other_separator(text: str) -> str:
    """What separates the columns of the first row that is not empty, where that is no comma.

    >>> _other_separator("t1-b2;t1_neckline_front;t1_neckline_back")
    'semicolons'
    """
    first = next((line for line in text.splitlines() if line.strip()), "")
    found = (name for sign, name in _SEPARATORS.items() if first.count(sign) == len(_COLUMNS) - 1)
    return "" if "," in first else next(found, "")


def _lines(text: str, where: str, problems: list[str]) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), skipinitialspace=True)
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield reader.line_num, cells
    except csv.Error as error:
        problems.append(f"{where}, line {reader.line_num}: {error}; export the CSV again.")


def _row(line: int, cells: list[str], where: str, problems: list[str]) -> Row | None:
    before = len(problems)
    if len(cells) != len(_COLUMNS):
        problems.append(
            f"{where}, line {line}: {len(cells)} columns where there should be 3 ({', '.join(_COLUMNS)}); "
            "correct the row."
        )
        return None
    codes = tuple(plain(code.strip()) for code in cells[0].split("-")) if cells[0].strip() else ()
    for code in codes:
        if not is_code(code):
            problems.append(
                f"{where}, line {line}: {code!r} is no customization code (letters, digits and _); correct the row."
            )
    if len(set(codes)) != len(codes):
        problems.append(f"{where}, line {line}: {cells[0].strip()} names a code twice; correct the row.")
    stacks = {
        side: _stack(cell, f"{where}, line {line}, {column}", problems)
        for side, column, cell in zip(SIDES, _COLUMNS[1:], cells[1:], strict=True)
    }
    return Row(line, codes, stacks) if len(problems) == before else None


def _stack(cell: str, where: str, problems: list[str]) -> Stack:
    stack = []
    for name in cell.split():
        layer = parse_layer(name)
        if layer is None:
            problems.append(
                f"{where}: no file can be called {name!r} (a layer is <code>[_...]_<slot>_<front or back>); "
                "correct the name."
            )
        else:
            stack.append(layer.name)
    if not cell.split():
        problems.append(f"{where}: the stack is empty; name its layers, separated by blanks.")
    return tuple(stack)


def length_in_name(file_name: str, slugs: Mapping[str, str]) -> str | None:
    """The length at the end of an export's file name, by `slugs` (spelling to slug), or None.

    >>> length_in_name("FP-DR1002-102-Micro-Mini.csv", {"mini": "mini", "micro_mini": "micro_mini"})
    'micro_mini'
    """
    stem = re.sub(r"[\s_-]+", "_", plain(file_name).removesuffix(".csv"))
    spelling = max((text for text in slugs if stem == text or stem.endswith(f"_{text}")), key=len, default=None)
    return slugs[spelling] if spelling is not None else None
