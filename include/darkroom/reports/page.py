"""A report as HTML: one page, whole in itself, and the same for a page that has a style of its own (the run's tab)."""

import base64
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import Field

from darkroom.amounts import human_bytes, human_seconds
from darkroom.estimates import Prices, Requests, core_time, prices_of
from darkroom.jobs import Count, Document, Mode, NotDone, Report
from darkroom.reports.actions import to_do
from darkroom.reports.not_done import Reason, reason_of
from darkroom.reports.plot import plot
from darkroom.reports.templating import render
from darkroom.store import readable

MOST_CAUSES, MOST_GROUPS, MOST_LINES = 100, 200, 100
"""Rows of a page, whatever the run's size; `MOST_LINES` of problems and of findings each."""
MOST_NAMED = 10
"""Items of a cause that a page names."""
_LONGEST = 1000  # characters of a sentence from outside


class Shown(Document):
    """What the page of a report shows: its `report` with the lists cut short, and how long each of them is.

    `pictures` are thumbnails by their keys, in base64.
    """

    report: Report
    causes: Count
    not_done: Count
    groups: Count
    problems: Count
    findings: Count
    stale: Count
    pruned: Count
    pictures: dict[str, str] = Field(default_factory=dict)


def shown(report: Report, pictures: Mapping[str, bytes]) -> Shown:
    """What the page shows; `pictures` are WebPs by their keys."""
    lists = ("causes", "not_done", "groups", "problems", "findings", "stale", "pruned")
    cut = {
        "causes": report.causes[:MOST_CAUSES],
        "not_done": tuple(_named(report)),
        "groups": dict(list(report.groups.items())[:MOST_GROUPS]),
        "problems": report.problems[:MOST_LINES],
        "findings": report.findings[:MOST_LINES],
        "stale": report.stale[:1],
        "pruned": report.pruned[:1],
    }
    return Shown(
        report=report.model_copy(update=cut),
        pictures={name: base64.b64encode(data).decode() for name, data in pictures.items()},
        **{name: len(getattr(report, name)) for name in lists},
    )


def _named(report: Report) -> Iterator[NotDone]:
    """Some items of each cause that is shown."""
    left = {reason_of(cause): MOST_NAMED for cause in report.causes[:MOST_CAUSES]}
    for one in report.not_done:
        if left.get(reason_of(one), 0):
            left[reason_of(one)] -= 1
            yield one


def page(found: Shown) -> str:
    """The page, with its style."""
    return render("report.html.jinja", **values(found))


def values(found: Shown) -> dict[str, Any]:
    """What the templates ask for."""
    report = found.report
    named: dict[Reason, list[str]] = defaultdict(list)
    for one in report.not_done:
        named[reason_of(one)].append(one.item)
    return {
        "report": report,
        "shown": found,
        "plan": readable(report.plan),
        "bytes": human_bytes(report.bytes),
        "seconds": human_seconds(report.seconds),
        "costs": costs(report),
        "plot": plot(report.throughput, report.noun) if report.throughput else None,
        "skipped_by_plan": report.skipped - sum(report.skips.values()),
        "to_do": to_do,
        "others": lambda cause: named[reason_of(cause)][len(cause.items) :],
        "human_seconds": human_seconds,
        "clipped": lambda text: text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}...",
    }


def costs(report: Report) -> list[tuple[str, str, str]]:
    """What the plan said that the jobs would cost, and what they did, line by line; nothing where there was no plan."""
    estimate = report.estimate
    if estimate is None:
        return []
    prices, currency = prices_of(), Prices(currency=estimate.currency)
    cores, taken = prices.of_cores(estimate.core_seconds), prices.of_cores(report.core_seconds)
    requests, did = Requests.counted(report.requests), report.mode is not Mode.PLAN
    rows = [("work", core_time(estimate.core_seconds), core_time(report.core_seconds))]
    if estimate.requests.all or requests.all:
        rows.append(("requests", _requests(estimate.requests, "not estimated"), _requests(requests, "not counted")))
    if estimate.bytes:
        rows.append(("written", human_bytes(estimate.bytes), human_bytes(report.bytes)))
    if cores is not None:
        rows.append(("cost of the cores", currency.said(cores), currency.said(taken or 0.0)))
    said, spent = (
        currency.said(cost) if some.all and cost not in (None, of_cores) else ""
        for some, cost, of_cores in ((estimate.requests, estimate.cost, cores), (requests, report.cost, taken))
    )
    if said or spent:
        rows.append(("cost with the requests", said, spent))
    return rows if did else [(what, said, "") for what, said, _ in rows]


def _requests(some: Requests, none: str) -> str:
    """Requests by their prices, or what is said where there are none."""
    return f"{some.puts + some.lists:,} writes and lists, {some.gets:,} reads" if some.all else none
