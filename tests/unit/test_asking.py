"""What a plan of composites asks a person, and when: the truth tables are the tests."""

from collections import Counter

import pytest

from darkroom.approvals import Verdict, verdict
from darkroom.checks.findings import finding, worst_first
from darkroom.compositing.approving import asks, question
from darkroom.compositing.request import Approving
from darkroom.flows import Costed, Draft
from darkroom.jobs import Mode
from darkroom.settings import settings
from tests.tables import rows


@pytest.mark.parametrize("approving", Approving)
@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("new", [False, True])
def test_every_plan_is_in_the_table_once_and_asks_as_it_says(approving: Approving, mode: Mode, new: bool) -> None:
    found = [
        row
        for row in rows(asks)
        if row["approving"] == approving
        and mode in (row["mode"].split(", ") if row["mode"] else [mode])
        and row["new"] in ("", "yes" if new else "no")
    ]
    assert len(found) == 1
    assert asks(approving, mode, new=new) is (found[0]["asks"] == "yes")


@pytest.mark.parametrize("approves", [False, True])
@pytest.mark.parametrize("against", [False, True])
def test_every_answer_is_in_the_table_once_and_comes_to_what_it_says(approves: bool, against: bool) -> None:
    word = {False: "no", True: "yes"}
    found = [row for row in rows(verdict) if row["answer"] == word[approves] and row["against"] in ("", word[against])]
    assert len(found) == 1
    assert found[0]["verdict"].split(":")[0].split(",")[0] == verdict(approves=approves, against=against)
    assert {row["verdict"].split(":")[0].split(",")[0] for row in rows(verdict)} == set(Verdict)


def draft() -> Draft[str]:
    drafted: Draft[str] = Draft(title="", output_store="")
    drafted.planned = Counter({"knee front": 38, "knee back": 40, "maxi": 1})
    drafted.skipped = Counter({"knee back": 40})
    for name in ("a", "b"):
        drafted.refuse(name, "knee front", "torn")
    drafted.todo = [Costed("one", 5400.0, count=38), Costed("two", 1800.0, memory=5 << 30, count=1)]
    return drafted


FOUND = worst_first(
    [
        finding("shadowed", "old/t2_neckline_front_0000.png", "another is drawn", "remove it"),
        finding("missing layer", "t1_neckline_front", "no render of it is there", "deliver it"),
    ]
)


def test_the_question_says_how_many_of_what_and_how_long_it_takes() -> None:
    asked = question(draft(), "dress", 12, FOUND)
    assert asked.subject == "Make 39 pictures of dress?"
    assert asked.facts == (
        "39 pictures to make, 12 of them different; 40 stand already, 2 are refused.",
        "By length and side: knee front 38, maxi 1.",
        "About 2.00 core hours in 2 jobs, the longest of 1 h 30 min. One large machine (8 cores) works on it for "
        "15 min 0 s.",
    )


def test_the_worst_finding_stands_first() -> None:
    asked = question(draft(), "dress", 12, FOUND)
    assert [line.partition(":")[0] for line in asked.lines] == ["error", "note"]
    assert asked.count == 2


@pytest.mark.parametrize(
    ("price", "said"),
    [("0.05 USD", "1 h 30 min; about 0.10 USD. One"), ("1", "1 h 30 min; about 2.00. One"), ("", "1 h 30 min. One")],
)
def test_a_price_is_said_where_the_deployment_has_one(price: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DARKROOM_CORE_HOUR_PRICE", price)
    settings.cache_clear()
    try:
        assert said in question(draft(), "dress", 12, ()).facts[-1]
    finally:
        monkeypatch.undo()
        settings.cache_clear()


def test_a_styles_name_is_only_a_name_in_the_link_to_the_fitting_room() -> None:
    assert question(draft(), "a&b=c d/../#", 1, ()).page == "/darkroom/fitting-room/?style=a%26b%3Dc+d%2F..%2F%23"
