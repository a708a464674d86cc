"""What is gone from a folder, and what a person is asked of it."""

import pytest

from darkroom.approvals import MOST_LINES, Asked
from darkroom.figures import REFERENCE
from darkroom.flows import NO_TIME
from darkroom.guards import Guards
from darkroom.jobs import Mode
from darkroom.store import Entry
from darkroom.sync.decision import Action
from darkroom.sync.guards import guard, joined
from darkroom.sync.profiles import Profile
from darkroom.sync.request import Request
from darkroom.sync.share import Share, items_of

REQUEST = Request(store="file:///studio", mode=Mode.CHANGED, remove=True)


def share_of(gone: int, standing: int, *, most: int = 0) -> Share:
    guards = Guards(objects=most, percent=100)
    share = Share(Profile(name="shops", source="/mnt/shops", target="s3://shop-pictures", guards=guards), REFERENCE)
    share.standing = standing
    share.gone = [Entry(f"{number:06}.jpg", 10, f"etag {number}", NO_TIME) for number in range(gone)]
    return share


def asked(count: int, name: str = "") -> Asked:
    lines = tuple(f"{name}{number}.jpg" for number in range(min(count, MOST_LINES)))
    return Asked(subject=f"Remove {count} objects?", lines=lines, count=count, facts=(f"{name}: no more than 0.",))


def test_what_is_within_the_guards_is_removed_exactly_as_it_stands() -> None:
    share = share_of(3, 10, most=3)
    guard(share, REQUEST)
    items = list(items_of(share.todo))
    assert [(one.action, one.key, one.standing.etag if one.standing else "", one.held) for one in items] == [
        (Action.REMOVE, f"{number:06}.jpg", f"etag {number}", False) for number in range(3)
    ]
    assert (share.problems, share.findings, share.stale, share.asked) == ([], [], {}, None)


@pytest.mark.parametrize("mode", [Mode.CHANGED, Mode.PLAN])
def test_where_a_person_may_be_asked_more_is_held_until_then_and_a_dry_run_asks_nobody(mode: Mode) -> None:
    share = share_of(3, 10, most=2)
    guard(share, REQUEST.model_copy(update={"ask": True, "mode": mode}))
    assert [one.held for one in items_of(share.todo)] == [True] * 3
    assert bool(share.asked) is (mode is Mode.CHANGED)
    assert (share.problems, share.stale) == ([], {})


def test_a_question_about_a_million_objects_names_no_more_than_people_read() -> None:
    share = share_of(MOST_LINES + 1, 10**6)
    guard(share, REQUEST.model_copy(update={"ask": True}))
    assert share.asked
    assert (len(share.asked.lines), share.asked.count) == (MOST_LINES, MOST_LINES + 1)


def test_a_file_that_only_the_case_of_its_name_keeps_from_being_taken_is_not_gone() -> None:
    share = share_of(3, 10, most=3)
    share.gone[1] = Entry("Caf\u00e9.jpg", 10, "etag", NO_TIME)
    share.misnamed = {"cafe\u0301.jpg", "caf\u00e9.jpg"}
    guard(share, REQUEST)
    assert [one.key for one in items_of(share.todo)] == ["000000.jpg", "000002.jpg"]
    assert share.left == 1
    (said,) = share.findings
    assert said.endswith("stay in the bucket: Caf\u00e9.jpg.")


def test_the_question_of_one_profile_is_its_own() -> None:
    assert joined({"shops": asked(3)}) == asked(3)


def test_the_questions_of_several_profiles_are_one_with_their_names() -> None:
    one = joined({"shops": asked(2, "a"), "menus": asked(1, "b")})
    assert (one.subject, one.count) == ("Remove 3 objects of 2 profiles?", 3)
    assert one.lines == ("shops: a0.jpg", "shops: a1.jpg", "menus: b0.jpg")
    assert one.facts == ("a: no more than 0.", "b: no more than 0.")
    many = joined({"shops": asked(MOST_LINES), "menus": asked(MOST_LINES)})
    assert (len(many.lines), many.count) == (MOST_LINES, 2 * MOST_LINES)
