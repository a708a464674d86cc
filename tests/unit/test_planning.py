"""How a draft is cut into jobs: by what its items cost, and never into more than a run may have."""

import pytest

from darkroom.flows import Costed
from darkroom.jobs import MOST_JOBS
from darkroom.planning import LONGEST, cut, machine_for

GIB = 1 << 30


def costed(seconds: float, apart: str = "", memory: int = 0) -> Costed[str]:
    return Costed("item", seconds, memory=memory, apart=apart)


def test_items_are_joined_until_a_job_is_long_enough() -> None:
    jobs = cut([costed(25)] * 7, enough=60)
    assert [len(job) for job in jobs] == [3, 3, 1]


def test_a_job_ends_before_an_item_that_would_make_it_too_long() -> None:
    jobs = cut([costed(10), costed(LONGEST - 5), costed(10)], enough=60)
    assert [[one.seconds for one in job] for job in jobs] == [[10], [LONGEST - 5], [10]]


@pytest.mark.parametrize("count", [257, 260, 5000])
def test_many_items_of_which_each_is_longer_than_a_job_should_be_come_to_an_end(count: int) -> None:
    jobs = cut([costed(LONGEST * 3)] * count, enough=60)
    assert len(jobs) <= MOST_JOBS
    assert sum(map(len, jobs)) == count
    assert max(map(len, jobs)) - min(map(len, jobs[:-1])) <= 1, "the long ones are shared out evenly"


def test_what_must_stay_apart_and_what_needs_other_machines_never_shares_a_job() -> None:
    todo = [costed(1, apart="front"), costed(1, apart="back"), costed(1, apart="front", memory=10 * GIB)] * 300
    jobs = cut(todo, enough=60)
    assert len(jobs) <= MOST_JOBS
    assert all(len({(one.apart, machine_for(one.memory)) for one in job}) == 1 for job in jobs)


def test_nothing_to_do_is_no_job() -> None:
    assert cut([], enough=60) == []
