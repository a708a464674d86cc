"""How a sync's items become jobs: by the figures of the machine, and so that a worker can hold them."""

from collections.abc import Iterable, Sequence
from itertools import zip_longest

import pytest

from darkroom.figures import REFERENCE, Figures
from darkroom.flows import Costed
from darkroom.planning import cut
from darkroom.sync.decision import Action
from darkroom.sync.job import SyncItem
from darkroom.sync.profiles import Profile
from darkroom.sync.share import PART, Part, Share, items_of

SLOW = REFERENCE.model_copy(update={"write": REFERENCE.write * 10, "move": REFERENCE.move * 10})
GIGABYTE = 10**9


def share_of(sizes: Iterable[int], figures: Figures = REFERENCE, name: str = "shops") -> Share:
    share = Share(Profile(name=name, source="/mnt/shops", target="s3://shop-pictures"), figures)
    for number, size in enumerate(sizes):
        key = f"{number:06}"
        share.make(SyncItem(name=f"{name}/{key}", profile=name, action=Action.UPLOAD, key=key, bytes=size))
    return share


def jobs(todo: Sequence[Costed[Part]], figures: Figures = REFERENCE, most: int = 256) -> list[int]:
    """How many items each job has, as the plan cuts them."""
    return [sum(one.count for one in job) for job in cut(todo, PART * figures.write / 2, most)]


@pytest.mark.parametrize("figures", [REFERENCE, SLOW])
def test_no_worker_holds_more_items_than_a_part_has_whatever_a_machine_is(figures: Figures) -> None:
    share = share_of([0] * (2 * PART + 1), figures)
    assert jobs(share.todo, figures) == [PART, PART, 1]


def test_large_files_make_a_job_by_what_they_cost() -> None:
    of_one = REFERENCE.write + GIGABYTE * REFERENCE.move
    assert 2 < 100 / of_one < 10
    many = jobs(share_of([GIGABYTE] * 20).todo)
    assert max(many) == int(100 / of_one)
    assert sum(many) == 20
    assert jobs(share_of([100 * GIGABYTE] * 3).todo) == [1, 1, 1], "one that takes longer than a job is one"


def test_where_that_gives_too_many_jobs_they_are_longer() -> None:
    assert jobs(share_of([0] * 4 * PART).todo, most=2) == [2 * PART, 2 * PART]


def test_a_plan_costs_what_the_figures_say() -> None:
    sizes = [0, 20_000, 5_000_000]
    costs = [sum(one.seconds for one in share_of(sizes, figures).todo) for figures in (REFERENCE, SLOW)]
    assert costs[0] == pytest.approx(3 * REFERENCE.write + sum(sizes) * REFERENCE.move)
    assert costs[1] == pytest.approx(10 * costs[0])


def test_items_come_back_in_order_also_where_a_list_is_read_from_two_places() -> None:
    todo = share_of([0] * 350).todo
    keys = [f"{number:06}" for number in range(350)]
    assert [(one.key, other.key) for one, other in zip_longest(items_of(todo), items_of(todo))] == [
        (key, key) for key in keys
    ]
