"""Runs that are done again: a dress's plan, jobs and settle cleared, its deliveries backfilled, and mode all.

The tests tell one story, in order: each finds what the ones before it have left.
"""

import os
import re
from datetime import UTC, datetime
from typing import NamedTuple

import pytest

from darkroom import keys, ledger
from darkroom.approvals import approval
from darkroom.ingest.job import Cursor
from darkroom.plan_folder import PlanFolder
from demo.watch import FINISHED
from tests import renders
from tests.e2e.conftest import MINUTES, UNLISTED
from tests.e2e.nights import COMPOSITING, INGEST, Nights, changed, changes
from tests.tiny import LAYERS, PICTURES

# after the night that is late, which takes the dress's machines away for a minute
pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.usefixtures("over")]

NEW = "z8_neckline_front"
ANOTHER_DAY = datetime(2026, 11, 20, tzinfo=UTC)
CURSOR = Cursor(source="dropbox:/Renders", folders={"Render PNG's": "as-far-as-this"})


def pictures(nights: Nights) -> dict[str, int]:
    return changes(nights.bucket / keys.cut_prefix("tiny", keys.COMPOSITE), "*.png")


def proxies(nights: Nights) -> dict[str, int]:
    return changes(nights.bucket / keys.proxies("tiny"), "*.png")


def answered(nights: Nights, run_id: str) -> str:
    """Who has answered the latest plan of a run with yes."""
    given = approval(PlanFolder.at(nights.plan(run_id, COMPOSITING).as_uri()))
    assert given is not None
    assert given.approved
    return given.by


def counts(nights: Nights, run_id: str, dag: str = COMPOSITING) -> tuple[int, int, int]:
    report = nights.report(run_id, dag)
    return report["planned"], report["done"], report["skipped"]


def test_an_approval_that_waits_is_told_once(nights: Nights, delivered: str) -> None:
    question = nights.question(delivered)
    assert question["subject"] == f"Make {PICTURES} pictures of tiny?"
    told = nights.told_once(delivered)
    assert told.startswith(f"{COMPOSITING}: an approval waits: Make {PICTURES} pictures of tiny?\n"), told


def test_a_task_that_failed_without_any_item_is_told_once(nights: Nights, delivered: str) -> None:
    nights.mark_failed(COMPOSITING, delivered, "approve")
    assert nights.end(delivered, COMPOSITING) == "failed"
    told = nights.told_once(delivered, "the run failed")
    assert "- approve: failed; its log says why." in told
    assert pictures(nights) == {}


@pytest.fixture(scope="module")
def made(nights: Nights, delivered: str) -> str:
    """That run, once it was planned and asked anew, and its pictures were approved and made."""
    first = nights.plan(delivered, COMPOSITING)
    nights.api.clear(COMPOSITING, delivered, "plan")
    question = nights.question(delivered)
    assert nights.plan(delivered, COMPOSITING) != first
    (sheet,) = set(re.findall(r"\((?:http://[^/]+)(/darkroom/plans/[^)]+/contact-sheet\.jpg[^)]*)\)", question["body"]))
    assert nights.api._call("GET", sheet).headers["content-type"] == "image/jpeg"
    nights.answer(COMPOSITING, delivered, "Approve")
    assert nights.end(delivered, COMPOSITING) == "success"
    return delivered


def test_a_cleared_plan_asks_anew_with_a_contact_sheet_and_makes_what_is_approved(nights: Nights, made: str) -> None:
    assert answered(nights, made)
    assert counts(nights, made) == (PICTURES, PICTURES, 0)
    assert len(pictures(nights)) == PICTURES


def test_once_it_has_made_what_it_failed_at_all_is_fine_again(nights: Nights, made: str) -> None:
    told = nights.told_once(made, "all fine again")
    assert f"{PICTURES} planned: {PICTURES} done" in told


def test_a_cleared_settle_notes_the_same_and_makes_nothing_again(nights: Nights, made: str) -> None:
    before, plan = pictures(nights), nights.plan(made, COMPOSITING)
    assert nights.api.clear(COMPOSITING, made, "settle") == 2
    assert nights.end(made, COMPOSITING) == "success"
    assert (nights.plan(made, COMPOSITING), counts(nights, made)) == (plan, (PICTURES, PICTURES, 0))
    assert pictures(nights) == before


def test_a_cleared_run_that_was_finished_makes_nothing_again(nights: Nights, made: str) -> None:
    before, plan = pictures(nights), nights.plan(made, COMPOSITING)
    nights.api.clear(COMPOSITING, made, "run")
    assert nights.end(made, COMPOSITING) == "success"
    assert (nights.plan(made, COMPOSITING), counts(nights, made)) == (plan, (PICTURES, PICTURES, 0))
    assert pictures(nights) == before


def test_a_cleared_plan_of_which_all_is_made_asks_nobody(nights: Nights, made: str) -> None:
    before = pictures(nights)
    nights.api.clear(COMPOSITING, made, "plan")
    assert nights.end(made, COMPOSITING) == "success"
    assert counts(nights, made) == (PICTURES, 0, PICTURES)
    assert pictures(nights) == before
    assert len(nights.told(made, "an approval waits")) == 2, "as often as a person was asked"
    assert len(nights.told(made, "all fine again")) == 1


def test_mode_all_makes_again_what_it_is_narrowed_to(nights: Nights, made: str) -> None:
    before = pictures(nights)
    typed = {"style": "tiny", "mode": "all", "lengths": ["Knee"], "sides": ["back"], "colours": "1"}
    run_id, state = nights.run(COMPOSITING, **typed, approval="none")
    assert state == "success"
    assert counts(nights, run_id) == (8, 8, 0)
    again = changed(before, pictures(nights))
    assert len(again) == 8
    assert all(name.endswith("-knee-back-0001.png") for name in again)


class Backfilled(NamedTuple):
    """A backfill of the minutes in which the renders were fetched."""

    were: set[str]
    """The scheduled runs of those minutes, which have looked for deliveries at their ends."""
    runs: list[str]
    again: set[str]
    """The proxies that it has made again."""
    count: int
    """How many proxies there are."""


@pytest.fixture(scope="module")
def backfilled(nights: Nights, made: str) -> Backfilled:
    """All but one of the renders came in these minutes; and something new waits at the source."""
    raws = nights.bucket / keys.raw_renders("tiny")
    times = [file.stat().st_mtime for file in raws.rglob("*.png")]
    first, last = (datetime.fromtimestamp(time - time % (MINUTES * 60), UTC) for time in (min(times), max(times)))
    nights.until(lambda: looked(nights, last, datetime.now(UTC)))
    for file in raws.rglob(f"{UNLISTED}_*.png"):
        os.utime(file, (ANOTHER_DAY.timestamp(), ANOTHER_DAY.timestamp()))
    renders.draw(nights.studio.layout.deliveries / "Render PNG's", [NEW], [0], 120)
    ledger.update(nights.store, keys.ingest_cursor("tiny"), Cursor, lambda _: CURSOR)
    before, were = proxies(nights), looked(nights, first, last)
    runs = nights.backfill_in_ui(INGEST, first, last, reprocess_behavior="completed")
    after = proxies(nights)
    again = {name for name in before if before[name] != after[name]}
    return Backfilled(were, [run["dag_run_id"] for run in runs], again, len(before))


def looked(nights: Nights, first: datetime, last: datetime) -> set[str]:
    """The scheduled runs that have ended, of intervals that began between these times."""
    return {
        run["dag_run_id"]
        for run in nights.api.runs(INGEST, "scheduled")
        if run["state"] in FINISHED and first <= datetime.fromisoformat(run["data_interval_start"]) <= last
    }


def test_a_backfill_makes_again_the_proxies_of_what_was_delivered_in_its_intervals(
    nights: Nights, backfilled: Backfilled
) -> None:
    """A scheduled run of such an interval becomes the backfill's. What is new at the source is not asked for."""
    assert backfilled.were <= set(backfilled.runs)
    found = [counts(nights, run, INGEST) for run in backfilled.runs]
    assert sum(done for _, done, _ in found) == sum(planned for planned, _, _ in found) == len(LAYERS) * 2
    assert len(backfilled.again) == len(LAYERS) * 2
    assert backfilled.count == len(LAYERS) * 2 + 2
    assert not any(UNLISTED in name for name in backfilled.again)


def test_a_backfill_moves_no_cursor(nights: Nights, backfilled: Backfilled) -> None:
    assert ledger.read(nights.store, keys.ingest_cursor("tiny"), Cursor) == CURSOR


def test_its_proxies_start_a_run_of_compositing_which_finds_all_made_and_asks_nobody(
    nights: Nights, delivered: str, backfilled: Backfilled
) -> None:
    def others() -> list[str]:
        runs = (str(run["dag_run_id"]) for run in nights.api.runs(COMPOSITING, "asset_triggered"))
        return [run for run in runs if run != delivered]

    for run_id in nights.until(others):
        assert nights.end(run_id, COMPOSITING) == "success"
        assert counts(nights, run_id) == (PICTURES, 0, PICTURES)
        assert nights.told(run_id) == []


def test_mode_all_brings_every_render_anew(nights: Nights, backfilled: Backfilled) -> None:
    before = proxies(nights)
    run_id, state = nights.run(INGEST, style="tiny", mode="all")
    assert state == "success"
    assert counts(nights, run_id, INGEST) == (backfilled.count + 1, backfilled.count + 1, 0)
    after = proxies(nights)
    assert {name for name in before if after[name] != before[name]} == before.keys()
