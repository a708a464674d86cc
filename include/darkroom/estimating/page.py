"""The tables of docs/scale.md, from the model: `python -m darkroom.estimating.page docs/scale.md` writes them anew."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from darkroom.amounts import human_bytes, human_seconds
from darkroom.estimates import HOUR, Prices
from darkroom.estimating.forecast import Fleet, Forecast, forecast
from darkroom.estimating.scenario import MEGAPIXELS, Run, composites, pyramids
from darkroom.estimating.words import figure_rows
from darkroom.figures import REFERENCE

COMPOSITES, PYRAMIDS, IMAGE = 1_900_000, 1_000_000, 30.0
"""How many of each, and the megapixels of an image."""
FLEETS = tuple(Fleet(machines=machines, cores=8) for machines in (1, 4, 12))
PRICES = Prices(core_hour=0.05, writes=0.005, reads=0.0004, month=0.023, currency="USD")
"""Examples, which the page states."""

_BLOCK = "<!-- {name}: by darkroom.estimating.page -->"


def written(text: str) -> str:
    """The page's text with its tables anew: each stands between two marks of its name."""
    for name, table in tables().items():
        mark = _BLOCK.format(name=name)
        before, first, rest = text.partition(mark)
        _, second, after = rest.partition(mark)
        assert first, f"docs/scale.md: the table {name} has no place"
        assert second, f"docs/scale.md: the table {name} has no end"
        text = f"{before}{mark}\n\n{table}\n\n{mark}{after}"
    return text


def tables() -> dict[str, str]:
    """Each table by its name."""
    return {
        "composites": _table(composites(COMPOSITES, REFERENCE, megapixels=MEGAPIXELS)),
        "pyramids": _table(pyramids(PYRAMIDS, REFERENCE, megapixels=IMAGE)),
        "figures": _figures(),
    }


def _table(runs: Sequence[Run]) -> str:
    found = [forecast(runs, fleet, REFERENCE, PRICES) for fleet in FLEETS]
    heads = ["", *(_machines(one.fleet) for one in found)]
    rows = [[name, *(said(one) for one in found)] for name, said in _ROWS.items()]
    return _markdown([heads, ["---", *["---:" for _ in found]], *rows])


def _machines(fleet: Fleet) -> str:
    return f"{fleet.machines} machine{'s' if fleet.machines > 1 else ''} of {fleet.cores} cores"


_ROWS: dict[str, Callable[[Forecast], str]] = {
    "until all is made": lambda one: human_seconds(one.seconds),
    "of that, planned, settled and reported": lambda one: human_seconds(one.keeping),
    "work, in core hours": lambda one: f"{one.core_seconds / HOUR:,.1f}",
    "paid, in core hours": lambda one: f"{one.paid_hours:,.1f}",
    "runs, jobs": lambda one: f"{one.runs:,}, {one.jobs:,}",
    "Airflow tasks": lambda one: f"{one.tasks:,}",
    "requests: writes": lambda one: f"{one.puts:,}",
    "requests: lists": lambda one: f"{one.lists:,}",
    "requests: reads": lambda one: f"{one.gets:,}",
    "written": lambda one: f"{one.files:,} files, {human_bytes(one.bytes)}",
    "cost of the cores": lambda one: _money(one.cores_cost),
    "cost of the requests": lambda one: _money(one.requests_cost),
    "cost of the storage, a month": lambda one: _money(one.storage_cost),
}


def _money(amount: float | None) -> str:
    return f"{amount or 0.0:,.2f} {PRICES.currency}"


def _figures() -> str:
    return _markdown(
        [["figure", REFERENCE.machine], ["---", "---:"], *([what, said] for what, said in figure_rows(REFERENCE))]
    )


def _markdown(rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


if __name__ == "__main__":
    page = Path(sys.argv[1])
    page.write_text(written(page.read_text(encoding="utf-8")), encoding="utf-8")
