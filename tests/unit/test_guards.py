"""How much may be taken away."""

import pytest

from darkroom.guards import Guards


@pytest.mark.parametrize(
    ("gone", "standing", "objects", "percent", "too_many"),
    [
        (0, 0, 0, 0, False),
        (1, 100, 0, 100, True),
        (1, 100, 100, 0, True),
        (100, 1000, 100, 10, False),
        (101, 1000, 100, 100, True),
        (101, 1000, 1000, 10, True),
        (1, 9, 100, 10, True),  # a tenth of nine is none
        (9, 9, 100, 100, False),
    ],
)
def test_a_run_removes_no_more_than_the_smaller_of_both_guards(
    gone: int, standing: int, objects: int, percent: int, too_many: bool
) -> None:
    assert (gone > Guards(objects=objects, percent=percent).most(standing)) is too_many
