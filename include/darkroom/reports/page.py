"""A report as one HTML page, whole in itself: counts, what was not done, a sheet of the pictures."""

import base64
from collections.abc import Mapping

from darkroom.amounts import human_bytes, human_seconds
from darkroom.estimates import Prices, core_time, prices_of
from darkroom.jobs import Mode, Report
from darkroom.reports.templating import render
from darkroom.store import readable

_MOST_ROWS = 500


def page(report: Report, pictures: Mapping[str, bytes]) -> str:
    """The page; `pictures` are PNGs by their keys."""
    return render(
        "report.html.jinja",
        report=report,
        causes=report.causes[:_MOST_ROWS],
        more=max(0, len(report.causes) - _MOST_ROWS),
        plan=readable(report.plan),
        pictures={name: base64.b64encode(data).decode() for name, data in pictures.items()},
        bytes=human_bytes(report.bytes),
        seconds=human_seconds(report.seconds),
        costs=costs(report),
    )


def costs(report: Report) -> list[tuple[str, str, str]]:
    """What the plan said that the jobs would cost, and what they did, line by line; nothing where there was no plan."""
    estimate = report.estimate
    if estimate is None:
        return []
    prices = Prices(currency=estimate.currency)
    cores = prices_of().of_cores(estimate.core_seconds)
    did = report.mode is not Mode.PLAN
    rows = [("work", core_time(estimate.core_seconds), core_time(report.core_seconds) if did else "")]
    if estimate.requests.all:
        writes = f"{estimate.puts + estimate.lists:,} writes and lists, {estimate.gets:,} reads"
        rows.append(("requests", writes, "not counted" if did else ""))
    if estimate.bytes:
        rows.append(("written", human_bytes(estimate.bytes), human_bytes(report.bytes) if did else ""))
    if cores is not None:
        rows.append(("cost of the cores", prices.said(cores), prices.said(report.cost or 0.0) if did else ""))
    if estimate.cost is not None and estimate.cost != cores:
        rows.append(("cost with the requests", prices.said(estimate.cost), ""))
    return rows
