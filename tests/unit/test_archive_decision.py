"""The archive's decisions: their truth tables are the tests."""

import itertools

import pytest

from darkroom.archive.decision import Action, Step, decide, steps
from darkroom.jobs import Mode
from tests.tables import rows


def fits(cell: str, value: bool) -> bool:
    return not cell or cell == ("yes" if value else "no")


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("values", list(itertools.product([False, True], repeat=5)))
def test_every_case_is_in_the_plans_table_once_and_is_decided_so(mode: Mode, values: tuple[bool, ...]) -> None:
    case = dict(zip(("in the source", "stands", "known", "same", "remove"), values, strict=True))
    if case["known"] and not case["stands"]:
        return  # the ledger cannot know exactly what is not there
    found = [
        row
        for row in rows(decide)
        if (row["mode"] == "any" or mode in row["mode"].split(", "))
        and all(fits(row[name], case[name]) for name in case)
    ]
    assert len(found) == 1, (mode, case)
    decided = decide(
        mode,
        in_source=case["in the source"],
        stands=case["stands"],
        known=case["known"],
        same=case["same"],
        remove=case["remove"],
    )
    assert decided is Action(found[0][""])


@pytest.mark.parametrize("values", list(itertools.product([False, True], repeat=3)))
def test_what_stands_is_archived_before_it_is_replaced(values: tuple[bool, ...]) -> None:
    case = dict(zip(("stands", "same", "archived"), values, strict=True))
    (row,) = [row for row in rows(steps) if all(fits(row[name], case[name]) for name in case)]
    wanted = tuple(step for step in Step if row[step.value])
    done = steps(**case)
    assert done == wanted
    if Step.WRITE in done and case["stands"] and not case["archived"]:
        assert done.index(Step.ARCHIVE_STANDING) < done.index(Step.WRITE) < done.index(Step.ARCHIVE_NEW)
