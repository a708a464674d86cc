"""What a request to a store is to who charges for it: the truth table is the test."""

import pytest

from darkroom.store import asked
from darkroom.store.asked import kind_of
from tests.tables import rows


@pytest.mark.parametrize("row", list(rows(kind_of)), ids=str)
def test_a_request_is_of_the_kind_that_the_table_says(row: dict[str, str]) -> None:
    assert kind_of(row["method"], row["url"]) == row["kind"]


def test_what_is_taken_is_not_taken_again() -> None:
    asked.taken()
    asked.count("puts")
    asked.count_http("GET", "https://s3.test/b/k")
    asked.count("puts")
    assert asked.taken() == {"puts": 2, "gets": 1}
    assert asked.taken() == {}
