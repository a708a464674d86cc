"""The nights under a real Airflow and PostgreSQL: a night, a backfill by its command, the alert of a late one, a clear.

The tests tell one story, in order: each finds what the ones before it have left.
"""

import json
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from darkroom.pyramids.sources import markers
from darkroom.pyramids.validate import inspect
from darkroom.store import open_store
from demo.layout import Layout
from demo.rest import AirflowApi
from demo.studio import Studio
from demo.watch import FINISHED
from tests import scans as drawings
from tests.servers.webhook import Webhook, webhook

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

DAG = "nightly_pyramids"
FIRST_PORT = 18780
DAYS = {"first.jpg": 18, "second.jpg": 19, "third.png": 20}  # of November 2026, on which an image changed
DEADLINE = 60  # seconds


class Nights:
    """A running studio with a place of scans, and what the tests ask of it."""

    def __init__(self, studio: Studio, api: AirflowApi, scans: Path, chat: Webhook) -> None:
        self.studio, self.api, self.scans, self.chat = studio, api, scans, chat
        self.store = open_store(str(studio.layout.bucket))

    def mark(self, key: str) -> None:
        markers.write(self.store, "maps", open_store(str(self.scans)), markers.Marker(key=key))

    def marked(self) -> list[str]:
        return sorted(found.marker.key for found in markers.read_markers(self.store, "maps") if found.marker)

    def pyramids(self) -> dict[str, int]:
        """What was published, with the time of its last change."""
        images = self.studio.layout.images
        return {str(path.relative_to(images)): path.stat().st_mtime_ns for path in sorted(images.rglob("*.tif"))}

    def until(self, what: Any, seconds: float = 300) -> Any:
        end = time.monotonic() + seconds
        while not (found := what()):
            self.studio.check_alive()
            assert time.monotonic() < end, "not in time"
            time.sleep(0.3)
        return found

    def told(self, run_id: str, what: str) -> list[str]:
        """The messages that the chat got of a run, of those whose subject says this."""
        return [text for text in self.chat.texts if run_id in text and what in text.partition("\n")[0]]

    def end(self, run_id: str) -> str:
        self.until(lambda: self.api.run_state(DAG, run_id) in FINISHED)
        return self.api.run_state(DAG, run_id)

    def report(self, run_id: str) -> dict[str, Any]:
        plan = Path(self.api.xcom(DAG, run_id, "plan", "plan_uri").removeprefix("file://"))
        report: dict[str, Any] = json.loads((plan / "report.json").read_bytes())
        return report


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nights]:
    root = tmp_path_factory.mktemp("nights")
    scans = root / "scans"
    scans.mkdir()
    for name, day in DAYS.items():
        save = drawings.picture(300, 200)
        (save.pngsave if name.endswith("png") else save.jpegsave)(str(scans / name))
        when = datetime(2026, 11, day, 12, tzinfo=UTC).timestamp()
        os.utime(scans / name, (when, when))
    deployment = {
        "DARKROOM_SCAN_SOURCES": json.dumps({"maps": str(scans)}),
        "DARKROOM_PYRAMIDS_AT": "05:30",
        "DARKROOM_PYRAMIDS_BY": "05:31",
    }
    with webhook() as chat:
        studio = Studio(Layout(root / "var"), FIRST_PORT, {**deployment, "DARKROOM_ALERTS": "slack"})
        try:
            studio.start(lambda text: None)
            studio.make_pools()
            studio.wait_for_dag(DAG)
            with studio.api() as api:
                # in the database, which neither the DAG processor nor the triggerer may ask by themselves
                slack = {"connection_id": "slack_default", "conn_type": "slackwebhook", "host": chat.address}
                api._call("POST", "/api/v2/connections", json={**slack, "password": "token"})
                yield Nights(studio, api, scans, chat)
        finally:
            studio.stop()


@pytest.fixture(scope="module")
def scheduled(nights: Nights) -> str:
    """The run of the night before the studio was started, which Airflow starts by itself, and no earlier one."""
    (run,) = nights.until(lambda: nights.api.runs(DAG, "scheduled"))
    assert nights.end(run["dag_run_id"]) == "success"
    return str(run["dag_run_id"])


@pytest.fixture(scope="module")
def late(nights: Nights, scheduled: str) -> Iterator[str]:
    """A run by hand that cannot go on, as nobody has a machine for its workers."""
    nights.mark("first.jpg")
    nights.api.set_pool("imaging", 0, "none")
    yield nights.api.trigger(DAG, {})
    nights.studio.make_pools()


def test_a_night_without_work_is_fine(nights: Nights, scheduled: str) -> None:
    report = nights.report(scheduled)
    assert (report["planned"], report["problems"], report["title"]) == (0, [], "Pyramids · maps")


def test_a_night_that_is_not_done_in_time_is_alerted(nights: Nights, late: str) -> None:
    log = nights.studio.layout.logs / "triggerer.log"
    said = nights.until(lambda: f"{DAG}: the run {late} is not done in time" in log.read_text(), DEADLINE + 60)
    assert said
    assert "and is running" in log.read_text()
    (told,) = nights.until(lambda: nights.told(late, "not done in time"))
    assert told.startswith(f"{DAG}: the run {late} is not done in time\n"), "sent by the triggerer"
    assert nights.api.run_state(DAG, late) == "running"
    assert nights.marked() == ["first.jpg"]


def test_a_night_goes_on_when_it_can_and_the_marker_goes_with_it(nights: Nights, late: str) -> None:
    nights.studio.make_pools()
    assert nights.end(late) == "success"
    assert list(nights.pyramids()) == ["first.tif"]
    assert inspect(nights.studio.layout.images / "first.tif").problems == []
    assert nights.marked() == []


def test_a_late_night_can_be_cleared_and_is_alerted_no_second_time(nights: Nights, late: str) -> None:
    log = nights.studio.layout.logs / "triggerer.log"
    before = log.read_text().count("is not done in time")
    nights.api.clear_run(DAG, late)
    assert nights.end(late) == "success"
    assert nights.pyramids().keys() == {"first.tif"}
    assert log.read_text().count("is not done in time") == before


def test_a_backfill_takes_what_changed_in_each_of_its_intervals(nights: Nights, late: str) -> None:
    nights.mark("second.jpg")
    before = nights.pyramids()
    runs = backfill(nights, "2026-11-18", "2026-11-20")
    # an interval begins at 05:30 in New York, so noon (UTC) of a day is in the one that is named after it
    assert {start[:10]: (report["planned"], report["done"], report["skipped"]) for start, report in runs.items()} == {
        "2026-11-18": (1, 0, 1),  # as it was made in the night
        "2026-11-19": (1, 1, 0),
        "2026-11-20": (1, 1, 0),
    }
    assert list(nights.pyramids()) == ["first.tif", "second.tif", "third.tif"]
    assert nights.pyramids()["first.tif"] == before["first.tif"]
    assert nights.marked() == ["second.jpg"], "a backfill touches no marker"


@pytest.mark.long
def test_a_backfill_that_reprocesses_with_mode_all_makes_it_again(nights: Nights, late: str) -> None:
    before = nights.pyramids()
    conf = json.dumps({"mode": "all"})
    runs = backfill(nights, "2026-11-19", "2026-11-20", "--reprocess-behavior", "completed", "--dag-run-conf", conf)
    assert [report["done"] for report in runs.values()] == [1, 1]
    after = nights.pyramids()
    assert {name for name in after if after[name] != before[name]} == {"second.tif", "third.tif"}


@pytest.fixture(scope="module")
def torn(nights: Nights, late: str) -> str:
    """A run that has failed before its deadline, as one of its two scans was cut short."""
    whole = (nights.scans / "third.png").read_bytes()
    (nights.scans / "torn.png").write_bytes(whole[: len(whole) // 2])
    (nights.scans / "fourth.png").write_bytes(whole)
    for name in ("torn.png", "fourth.png"):
        nights.mark(name)
    run_id = nights.api.trigger(DAG, {})
    assert nights.end(run_id) == "failed"
    return run_id


def test_a_failed_night_can_be_cleared_and_makes_only_the_rest(nights: Nights, torn: str) -> None:
    """`run` with *Downstream*, as the DAG's page says; its deadline has not been missed, and is counted anew."""
    before = nights.pyramids()
    assert "fourth.tif" in before
    assert nights.api.clear(DAG, torn, "run") == 3
    assert nights.end(torn) == "failed"
    assert nights.pyramids() == before
    assert [item["item"] for item in nights.report(torn)["not_done"]] == ["maps/torn.png"]


def test_a_cleared_night_succeeds_when_its_cause_is_gone(nights: Nights, torn: str) -> None:
    """All of it, with the button on the run's page."""
    drawings.picture(300, 200).pngsave(str(nights.scans / "torn.png"))
    nights.api.clear_run(DAG, torn)
    assert nights.end(torn) == "success"
    assert "torn.tif" in nights.pyramids()
    assert "torn.png" not in nights.marked()


def test_typed_values_start_a_run_of_just_those_images(nights: Nights, torn: str) -> None:
    """Lists as the form sends them: an entry a line, blank lines and all."""
    (nights.scans / "1890").mkdir()
    for name in ("1890/a.jpg", "1890/b.webp"):
        drawings.picture(200, 100).write_to_file(str(nights.scans / name))
        nights.mark(name)
    typed = {"prefixes": ["1890/", ""], "extensions": [" webp "], "sources": ["maps"], "mode": "changed", "limit": 0}
    assert nights.end(nights.api.trigger(DAG, typed)) == "success"
    assert [name for name in nights.pyramids() if name.startswith("1890/")] == ["1890/b.tif"]


def test_a_refused_night_says_why_in_its_note(nights: Nights, torn: str) -> None:
    run_id = nights.api.trigger(DAG, {"sources": ["photos"]})
    assert nights.end(run_id) == "failed"
    assert "'photos' is no source; there are maps" in nights.api.run_note(DAG, run_id)


def backfill(nights: Nights, first: str, last: str, *more: str) -> dict[str, dict[str, Any]]:
    """Run Airflow's command for the nights that begin on these days, and wait for them; reports by interval's start."""
    began = datetime.now(UTC) - timedelta(seconds=1)
    dates = ("--from-date", f"{first}T00:00:00", "--to-date", f"{last}T23:59:59")
    nights.studio.airflow("backfill", "backfill", "create", "--dag-id", DAG, *dates, *more)

    def done() -> list[dict[str, Any]]:
        runs = [run for run in nights.api.runs(DAG, "backfill") if _started(run) > began]
        days = (datetime.fromisoformat(last) - datetime.fromisoformat(first)).days + 1
        return runs if len(runs) == days and all(run["state"] in FINISHED for run in runs) else []

    # Airflow starts no other one before it has seen that this one is over, which it looks for twice a minute
    nights.until(lambda: all(one["completed_at"] for one in nights.api.backfills(DAG)))
    found = sorted(nights.until(done), key=lambda run: run["data_interval_start"])
    assert {run["state"] for run in found} == {"success"}
    return {run["data_interval_start"]: nights.report(run["dag_run_id"]) for run in found}


def _started(run: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(run["start_date"]) if run["start_date"] else datetime.min.replace(tzinfo=UTC)
