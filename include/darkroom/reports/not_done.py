"""The items of a run that were not made, as a file of lines: read a page at a time, searched without holding it."""

import io
import json
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass

from darkroom import keys
from darkroom.errors import NotFound
from darkroom.jobs import Cause, NotDone, State, dump
from darkroom.plan_folder import PlanFolder

PAGE = 100
"""Items of one page."""
_CHUNK = 1 << 18
_SEARCHED = ("item", "reason", "group", "kind", "where")


class Row(NotDone):
    """An item that was not made; `job` is the number of the job that it was in, 0 where it was in none."""

    job: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    """A page of items, and how many there are in all."""

    rows: tuple[Row, ...]
    total: int


Reason = tuple[str, str, State]
"""What makes two items have one cause."""


def reason_of(one: NotDone | Cause) -> Reason:
    """Why an item was not made, and what kind of thing that is."""
    return one.reason, one.kind, one.state


def in_order(not_done: Iterable[NotDone], causes: Sequence[Cause]) -> list[NotDone]:
    """Items by their causes, as these stand in a report: the cause that cost most first."""
    rank = {reason_of(cause): at for at, cause in enumerate(causes)}
    return sorted(not_done, key=lambda one: rank[reason_of(one)])


def write(folder: PlanFolder, not_done: Iterable[NotDone], jobs: Mapping[str, int]) -> None:
    """Write the file, in this order; `jobs` says which job an item was in."""
    lines = io.BytesIO()
    for one in not_done:
        lines.write(dump(Row(**one.model_dump(), job=jobs.get(one.item, 0))) + b"\n")
    if lines.tell():
        folder.write(keys.NOT_DONE, lines.getvalue(), "application/jsonl")


def find(folder: PlanFolder, query: str, first: int, *, all_of_them: int) -> Found:
    """A page of the items that have every word of `query` in them, from the one at `first` on.

    Without words there are `all_of_them`, and no more is read than a page needs. Memory holds a page, whatever there
    is. A line that is damaged is passed over.
    """
    words = query.casefold().split()
    rows: list[Row] = []
    total = 0
    with closing(_lines(folder)) as lines:
        for line in lines:
            if not words and total >= first + PAGE:
                break
            is_shown = first <= total < first + PAGE
            if words or is_shown:
                document = _document(line)
                if document is None or not _has(document, words):
                    continue
                if is_shown:
                    rows.append(Row.model_validate(document))
            total += 1
    return Found(tuple(rows), total if words else all_of_them)


def _has(document: Mapping[str, object], words: Sequence[str]) -> bool:
    text = "\n".join(str(document.get(name, "")) for name in _SEARCHED).casefold()
    return all(word in text for word in words)


def _document(line: bytes) -> dict[str, object] | None:
    try:
        document = json.loads(line)
    except ValueError:
        return None
    return document if isinstance(document, dict) and document.keys() == Row.model_fields.keys() else None


def _lines(folder: PlanFolder) -> Generator[bytes, None, None]:
    try:
        with folder.store.open(folder.prefix + keys.NOT_DONE) as reading:
            rest = b""
            while chunk := reading.stream.read(_CHUNK):
                *whole, rest = (rest + chunk).split(b"\n")
                yield from whole
            if rest:
                yield rest
    except NotFound:
        return
