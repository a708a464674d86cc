"""The nights under a real Airflow and PostgreSQL: a night, a late one, a backfill by its command, clears, alerts.

The tests tell one story, in order: each finds what the ones before it have left.
"""

import json
from datetime import datetime
from typing import Any, NamedTuple

import pytest

from darkroom.pyramids.validate import inspect
from tests import scans as drawings
from tests.e2e.nights import PYRAMIDS as DAG
from tests.e2e.nights import Nights, changed

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

DEADLINE = 60  # seconds


def test_a_night_without_work_is_fine(nights: Nights, scheduled: str) -> None:
    report = nights.report(scheduled)
    assert (report["planned"], report["problems"], report["title"]) == (0, [], "Pyramids · maps")
    assert nights.told(scheduled) == []


def test_a_night_that_is_not_done_in_time_is_alerted(nights: Nights, late: str) -> None:
    log = nights.studio.layout.logs / "triggerer.log"
    said = nights.until(lambda: f"{DAG}: the run {late} is not done in time" in log.read_text(), DEADLINE + 60)
    assert said
    assert "and is running" in log.read_text()
    told = nights.told_once(late, "not done in time")
    assert told.startswith(f"{DAG}: the run {late} is not done in time\n"), "sent by the triggerer"
    assert nights.api.run_state(DAG, late) == "running"
    assert nights.marked() == ["first.jpg"]


def test_a_night_goes_on_when_it_can_and_the_marker_goes_with_it(nights: Nights, over: str) -> None:
    assert list(nights.pyramids()) == ["first.tif"]
    assert inspect(nights.studio.layout.images / "first.tif").problems == []
    assert nights.marked() == []


def test_a_late_night_can_be_cleared_and_is_alerted_no_second_time(nights: Nights, over: str) -> None:
    log = nights.studio.layout.logs / "triggerer.log"
    before = log.read_text().count("is not done in time")
    nights.api.clear_run(DAG, over)
    assert nights.end(over) == "success"
    assert nights.pyramids().keys() == {"first.tif"}
    assert log.read_text().count("is not done in time") == before


class Backfilled(NamedTuple):
    """What there was before a backfill of three nights, and its reports, by their interval's day."""

    before: dict[str, int]
    reports: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def backfilled(nights: Nights, over: str) -> Backfilled:
    nights.mark("second.jpg")
    before = nights.pyramids()
    return Backfilled(before, backfill(nights, "2026-11-18", "2026-11-20"))


def test_a_backfill_takes_what_changed_in_each_of_its_intervals(nights: Nights, backfilled: Backfilled) -> None:
    # an interval begins at 05:30 in New York, so noon (UTC) of a day is in the one that is named after it
    found = {day: (one["planned"], one["done"], one["skipped"]) for day, one in backfilled.reports.items()}
    assert found == {
        "2026-11-18": (1, 0, 1),  # as it was made in the night
        "2026-11-19": (1, 1, 0),
        "2026-11-20": (1, 1, 0),
    }
    assert list(nights.pyramids()) == ["first.tif", "second.tif", "third.tif"]
    assert nights.pyramids()["first.tif"] == backfilled.before["first.tif"]
    assert nights.marked() == ["second.jpg"], "a backfill touches no marker"


@pytest.mark.long
def test_a_backfill_that_reprocesses_with_mode_all_makes_it_again(nights: Nights, backfilled: Backfilled) -> None:
    before = nights.pyramids()
    conf = json.dumps({"mode": "all"})
    again = backfill(nights, "2026-11-19", "2026-11-20", "--reprocess-behavior", "completed", "--dag-run-conf", conf)
    assert [report["done"] for report in again.values()] == [1, 1]
    assert changed(before, nights.pyramids()) == {"second.tif", "third.tif"}


@pytest.fixture(scope="module")
def refused(nights: Nights, over: str) -> str:
    """A run of a source that there is not."""
    run_id, state = nights.run(DAG, sources=["photos"])
    assert state == "failed"
    return run_id


def test_a_refused_night_says_why_in_its_note_and_is_told(nights: Nights, refused: str) -> None:
    assert "'photos' is no source; there are maps" in nights.api.run_note(DAG, refused)
    told = nights.told_once(refused)
    assert told.startswith(f"{DAG}: the run failed (run {refused})\n"), told
    assert "- sources: 'photos' is no source; there are maps" in told


@pytest.fixture(scope="module")
def torn(nights: Nights, over: str) -> str:
    """A run that has failed before its deadline, as one of its two scans was cut short."""
    whole = (nights.scans / "third.png").read_bytes()
    (nights.scans / "torn.png").write_bytes(whole[: len(whole) // 2])
    (nights.scans / "fourth.png").write_bytes(whole)
    for name in ("torn.png", "fourth.png"):
        nights.mark(name)
    run_id = nights.api.trigger(DAG, {})
    assert nights.end(run_id) == "failed"
    return run_id


def test_a_night_with_a_torn_scan_is_told_once_however_many_tasks_failed(nights: Nights, torn: str) -> None:
    states = {task["task_id"]: task["state"] for task in nights.api.tasks(DAG, torn)}
    assert (states["run"], states["report"]) == ("failed", "failed")
    told = nights.told_once(torn)
    assert told.startswith(f"{DAG}: 1 of 3 images not made (Pyramids · maps)\n"), told
    assert "torn.png" in told


def test_a_failed_night_can_be_cleared_and_makes_only_the_rest(nights: Nights, torn: str) -> None:
    """`run` with *Downstream*, as the DAG's page says; its deadline has not been missed, and is counted anew."""
    before = nights.pyramids()
    assert "fourth.tif" in before
    assert nights.api.clear(DAG, torn, "run") == 3
    assert nights.end(torn) == "failed"
    assert nights.pyramids() == before
    assert [item["item"] for item in nights.report(torn)["not_done"]] == ["maps/torn.png"]
    nights.until(lambda: len(nights.told(torn)) == 2, 60)  # it has failed twice


def test_a_cleared_night_succeeds_when_its_cause_is_gone_and_all_is_fine_again(nights: Nights, torn: str) -> None:
    """All of it, with the button on the run's page."""
    drawings.picture(300, 200).pngsave(str(nights.scans / "torn.png"))
    nights.api.clear_run(DAG, torn)
    assert nights.end(torn) == "success"
    assert "torn.tif" in nights.pyramids()
    assert "torn.png" not in nights.marked()
    told = nights.told_once(torn, "all fine again")
    assert f"The run {torn} is fine, after the run {torn}, which failed at" in told
    assert len(nights.told(torn)) == 3


def test_typed_values_start_a_run_of_just_those_images(nights: Nights, torn: str) -> None:
    """Lists as the form sends them: an entry a line, blank lines and all."""
    (nights.scans / "1890").mkdir()
    for name in ("1890/a.jpg", "1890/b.webp"):
        drawings.picture(200, 100).write_to_file(str(nights.scans / name))
        nights.mark(name)
    typed = {"prefixes": ["1890/", ""], "extensions": [" webp "], "sources": ["maps"], "mode": "changed", "limit": 0}
    assert nights.run(DAG, **typed)[1] == "success"
    assert [name for name in nights.pyramids() if name.startswith("1890/")] == ["1890/b.tif"]


def test_by_now_every_end_was_told_once_and_a_good_one_only_where_something_was_wrong(
    nights: Nights, over: str, refused: str, torn: str
) -> None:
    told = {run_id: (len(nights.told(run_id)), len(nights.mailed(run_id))) for run_id in (over, refused, torn)}
    # late, and well in the end; refused; failed twice, and fine again
    assert told == {over: (1, 1), refused: (1, 1), torn: (3, 3)}
    assert len(nights.told("", "all fine again")) == 1, "a form that was filled in wrongly has not to become fine"


def backfill(nights: Nights, first: str, last: str, *more: str) -> dict[str, dict[str, Any]]:
    """The reports of the nights that begin on these days, by day."""
    begin, end = (datetime.fromisoformat(f"{when}+00:00") for when in (f"{first}T00:00:00", f"{last}T23:59:59"))
    runs = nights.backfill(DAG, begin, end, *more)
    return {run["data_interval_start"][:10]: nights.report(run["dag_run_id"]) for run in runs}
