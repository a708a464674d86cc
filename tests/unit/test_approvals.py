"""A plan's question to a person, and the answer: documents in its folder, of which the first answer stays."""

import logging
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from darkroom import keys
from darkroom.approvals import MOST_LINES, Approval, Asked, answer, approval, asked, is_held
from darkroom.errors import BadInput
from darkroom.jobs import dump
from darkroom.plan_folder import PlanFolder
from darkroom.store import open_store

WHEN = datetime(2026, 11, 28, 3, 0, tzinfo=UTC)
YES, NO = (Approval(approved=approved, by="Ann", when=WHEN) for approved in (True, False))


@pytest.fixture
def folder(tmp_path: Path) -> PlanFolder:
    return PlanFolder(open_store(str(tmp_path)), "work/dag/run/plan/")


def test_a_plan_without_a_question_has_none_and_no_answer(folder: PlanFolder) -> None:
    assert asked(folder) is None
    assert approval(folder) is None


def test_question_and_answer_lie_beside_the_manifest(folder: PlanFolder) -> None:
    question = Asked(subject="Remove 212 objects?", lines=("a.jpg", "b\udcff.jpg"), count=212)
    folder.write(keys.ASKED, dump(question))
    answer(folder, YES)
    assert asked(folder) == question
    assert approval(folder) == YES
    assert sorted(entry.key for entry in folder.store.list(folder.prefix)) == [
        "work/dag/run/plan/approval.json",
        "work/dag/run/plan/asked.json",
    ]


@pytest.mark.parametrize("asks", [True, False])
@pytest.mark.parametrize("given", [None, NO, YES])
def test_only_a_yes_frees_what_is_asked_about(folder: PlanFolder, asks: bool, given: Approval | None) -> None:
    if asks:
        folder.write(keys.ASKED, dump(Asked(subject="Remove 212 objects?", count=212)))
    if given:
        answer(folder, given)
    assert is_held(folder) == (asks and given is not YES)


def test_the_first_answer_stays_and_another_one_is_said(folder: PlanFolder, caplog: pytest.LogCaptureFixture) -> None:
    answer(folder, NO)
    with caplog.at_level(logging.WARNING):
        answer(folder, NO)
        assert caplog.messages == []
        answer(folder, YES)
    assert approval(folder) == NO
    (said,) = caplog.messages
    assert said.endswith("approval.json: it was rejected before; that answer stays.")


@pytest.mark.parametrize("key", [keys.ASKED, keys.APPROVAL])
def test_what_is_broken_is_no_answer_and_no_lack_of_a_question(folder: PlanFolder, key: str) -> None:
    folder.write(key, b"{")
    with pytest.raises(BadInput, match=key):
        asked(folder) if key == keys.ASKED else approval(folder)


def test_a_question_is_bounded() -> None:
    with pytest.raises(ValidationError):
        Asked(subject="", lines=("x",) * (MOST_LINES + 1), count=MOST_LINES + 1)
