"""A sync that would remove more than its guards allow, and a person who is asked."""

from datetime import UTC, datetime

import pytest

from darkroom.approvals import Approval, answer, asked
from darkroom.guards import Guards
from darkroom.jobs import Manifest, Mode
from darkroom.plan_folder import PlanFolder
from tests.sync_world import World, counts

NEW = b"the new photo" * 50


@pytest.fixture
def held(shops: World) -> Manifest:
    """A plan that would remove more than its guards allow, and asks."""
    shops.fill(10)
    shops.run()
    shops.set(guards=Guards(objects=1, percent=90))
    for number in (1, 2, 3):
        (shops.folder / f"files/{number:03}").unlink()
    shops.put("new", NEW)
    return shops.planned("sync", ask=True)


def test_a_plan_that_would_remove_too_much_asks_with_the_list(shops: World, held: Manifest) -> None:
    question = asked(PlanFolder.at(held.uri))
    assert question
    assert question.count == 3
    assert question.lines == ("files/001", "files/002", "files/003")
    assert question.subject == f"Remove 3 of 10 objects from {shops.profile.target}?"


@pytest.mark.parametrize("answered", ["yes", "no", "nothing"])
def test_what_was_asked_about_is_removed_only_once_somebody_said_yes(
    shops: World, held: Manifest, answered: str
) -> None:
    if answered != "nothing":
        approval = Approval(approved=answered == "yes", by="jane", when=datetime.now(UTC))
        answer(PlanFolder.at(held.uri), approval)
    report = shops.finished(held)
    assert report.ok, "a rejection fails nothing"
    assert shops.uploaded()["new"] == NEW
    if answered == "yes":
        assert (counts(report), len(shops.uploaded()), len(shops.aside())) == ({"done": 4, "skipped": 7}, 8, 3)
    else:
        assert (counts(report), len(shops.uploaded()), shops.aside()) == ({"done": 1, "skipped": 10}, 11, {})
        who = "rejected by jane" if answered == "no" else "nobody approved it"
        assert f"3 objects were not removed: {who}." in report.findings


def test_a_run_that_asks_removes_what_is_within_its_guards_without_asking(shops: World) -> None:
    shops.fill(10)
    shops.run()
    (shops.folder / "files/001").unlink()
    manifest = shops.planned("sync", ask=True)
    assert asked(PlanFolder.at(manifest.uri)) is None
    assert shops.finished(manifest).removed == 1


def test_a_dry_run_says_what_a_sync_would_remove_and_asks_nobody(shops: World) -> None:
    shops.fill(10)
    shops.run()
    shops.set(guards=Guards(objects=1, percent=90))
    (shops.folder / "files/001").unlink()
    assert counts(shops.run("plan", remove=True)) == {"todo": 1, "skipped": 9}
    (shops.folder / "files/002").unlink()
    report = shops.run("plan", remove=True)
    assert (report.mode, report.ok, counts(report)) == (Mode.PLAN, False, {"skipped": 8})
    assert "its guards let no more than 1 of 10 be removed" in report.problems[0]
    assert len(shops.uploaded()) == 10
