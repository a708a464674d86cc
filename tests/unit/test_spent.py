"""What a report's page says of what was estimated, and beside it of what was spent."""

from collections.abc import Iterator
from typing import Any

import pytest

from darkroom.estimates import Estimate
from darkroom.jobs import Mode
from darkroom.reports import build_report
from darkroom.reports.page import costs
from darkroom.settings import settings
from tests.unit.test_report import manifest

ESTIMATE = Estimate(core_seconds=7200, longest=600, jobs=36, puts=7000, lists=10, gets=900, bytes=10**9)
SPENT = {
    "core_seconds": 3600.0,
    "requests": {"puts": 8000, "lists": 20, "gets": 1000, "deletes": 5},
    "bytes": 2 * 10**9,
}


@pytest.fixture(autouse=True)
def prices(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, price in {"CORE_HOUR": "0.5 EUR", "WRITE": "0.1", "READ": "1"}.items():
        monkeypatch.setenv(f"DARKROOM_{name}_PRICE", price)
    settings.cache_clear()
    yield
    settings.cache_clear()


def rows(estimate: Estimate, mode: Mode = Mode.CHANGED, **spent: Any) -> dict[str, tuple[str, str]]:
    """The table's lines by what they are of."""
    priced = estimate.model_copy(update={"currency": "EUR"})
    report = build_report(manifest(estimate=priced, mode=mode), []).model_copy(update=spent)
    return {what: (said, did) for what, said, did in costs(report)}


def test_what_was_spent_stands_beside_what_was_said_in_work_requests_bytes_and_money() -> None:
    assert rows(ESTIMATE.model_copy(update={"cost": 2.6}), **SPENT, cost=2.3) == {
        "work": ("about 2.00 core hours", "about 1.00 core hours"),
        "requests": ("7,010 writes and lists, 900 reads", "8,020 writes and lists, 1,000 reads"),
        "written": ("1.0 GB", "2.0 GB"),
        "cost of the cores": ("about 1.00 EUR", "about 0.50 EUR"),
        "cost with the requests": ("about 2.60 EUR", "about 2.30 EUR"),
    }


def test_a_plan_alone_has_spent_nothing() -> None:
    found = rows(ESTIMATE.model_copy(update={"cost": 2.6}), Mode.PLAN, **SPENT, cost=2.3)
    assert found["work"] == ("about 2.00 core hours", "")
    assert {spent for _, spent in found.values()} == {""}


def test_what_nobody_has_estimated_or_counted_is_said_and_has_no_price() -> None:
    unknown = ESTIMATE.model_copy(update={"puts": 0, "lists": 0, "gets": 0, "cost": 1.0})
    of_another_flow = rows(unknown, **SPENT, cost=2.3)
    assert of_another_flow["requests"] == ("not estimated", "8,020 writes and lists, 1,000 reads")
    assert of_another_flow["cost with the requests"] == ("", "about 2.30 EUR")
    before = rows(ESTIMATE.model_copy(update={"cost": 2.6}), core_seconds=3600.0, cost=0.5)
    assert before["requests"] == ("7,010 writes and lists, 900 reads", "not counted")
    assert before["cost with the requests"] == ("about 2.60 EUR", "")


def test_of_a_folder_nothing_is_said_of_requests() -> None:
    folder = ESTIMATE.model_copy(update={"puts": 0, "lists": 0, "gets": 0, "cost": 1.0})
    assert list(rows(folder, core_seconds=3600.0, cost=0.5)) == ["work", "written", "cost of the cores"]
