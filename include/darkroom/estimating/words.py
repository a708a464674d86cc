"""Figures and forecasts as people read them, line by line."""

from darkroom.amounts import human_bytes, human_seconds
from darkroom.estimates import Prices, about, core_time
from darkroom.estimating.forecast import Forecast
from darkroom.figures import Figures


def figure_rows(figures: Figures) -> list[tuple[str, str]]:
    """Each figure with its unit, for people."""
    per_megapixel = [
        ("a megapixel of a render decoded", figures.decode),
        ("a megapixel of a picture's frame drawn and reduced", figures.compose),
        *((f"a megapixel of a scan decoded, {kind}", seconds) for kind, seconds in figures.scan.items()),
        ("a megapixel of a pyramid written and proven", figures.pyramid),
    ]
    single = [
        ("a picture of 800x800 encoded", figures.encode),
        ("another cut of it", figures.crop),
        ("an object written", figures.write),
        ("an item planned, settled and reported", figures.keep),
        ("a worker's start", figures.start),
    ]
    rows = [(what, f"{seconds * 1e9:,.2f} ms") for what, seconds in per_megapixel]
    rows += [(what, f"{seconds * 1e3:,.2f} ms") for what, seconds in single]
    return [
        *rows,
        ("objects that a worker writes a second", f"{figures.writes_a_second:,.0f}"),
        ("a picture's file", human_bytes(figures.picture_bytes)),
        ("another cut's", human_bytes(figures.crop_bytes)),
        ("a megapixel of a pyramid's file", human_bytes(figures.pyramid_bytes * 1e6)),
    ]


def forecast_rows(found: Forecast) -> list[tuple[str, str]]:
    """What was found out, line by line, for people."""
    fleet, prices = found.fleet, Prices(currency=found.currency)
    different = f", {found.different:,} of them different" if found.different is not None else ""
    rows = [
        ("to make", f"{found.items:,}{different}"),
        ("files", f"{found.files:,}, {human_bytes(found.bytes)}"),
        ("runs, jobs, tasks", f"{found.runs:,}, {found.jobs:,}, {found.tasks:,}"),
        ("requests: writes", f"{found.puts:,}"),
        ("requests: lists", f"{found.lists:,}"),
        ("requests: reads", f"{found.gets:,}"),
        ("requests: deletes", f"{found.deletes:,}"),
        ("work", core_time(found.core_seconds)),
        ("the longest job", human_seconds(found.longest)),
        (f"machines of {fleet.cores} cores", f"{fleet.machines:,}"),
        ("until all is made", human_seconds(found.seconds)),
        ("of that, planned, settled and reported", human_seconds(found.keeping)),
        ("core hours that are paid", about(found.paid_hours)),
    ]
    costs = [
        ("cost of the cores", found.cores_cost),
        ("cost of the requests", found.requests_cost),
        ("cost in all, once", found.cost),
        ("cost of the storage, a month", found.storage_cost),
    ]
    return rows + [(what, prices.said(cost)) for what, cost in costs if cost is not None]
