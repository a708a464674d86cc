"""The sync's decisions: their truth tables are the tests."""

import pytest

from darkroom.flows import NO_TIME
from darkroom.store import Entry
from darkroom.store.hashes import Hashes
from darkroom.sync.decision import WORDS, Action, There, decide, is_same
from tests.tables import rows

MINE, OTHER, PARTS = "0" * 32, "1" * 32, f"{'2' * 32}-3"
SAME: dict[str, bool | None] = {"yes": True, "no": False, "unknown": None}


def fits(cell: str, value: bool | None) -> bool:
    return not cell or SAME[cell] is value


@pytest.mark.parametrize("there", There)
@pytest.mark.parametrize("stands", [False, True])
@pytest.mark.parametrize("same", [True, False, None])
@pytest.mark.parametrize("remove", [False, True])
def test_every_case_is_in_the_table_once_and_is_decided_so(
    there: There, stands: bool, same: bool | None, remove: bool
) -> None:
    if there is There.NOTHING and not stands:
        return  # there is no such key at all
    found = [
        row
        for row in rows(decide)
        if row["in the folder"] == there
        and fits(row["stands"], stands)
        and fits(row["same"], same)
        and fits(row["remove"], remove)
    ]
    assert len(found) == 1, (there, stands, same, remove)
    assert decide(there, stands=stands, same=same, remove=remove) is Action(found[0][""])


def test_every_action_that_ends_in_a_report_has_a_word_of_its_own() -> None:
    assert set(WORDS) == set(Action) - {Action.REPORT}
    assert len(set(WORDS.values())) == len(WORDS)


@pytest.mark.parametrize("size", [10, 11])
@pytest.mark.parametrize("md5", ["", MINE])
@pytest.mark.parametrize("etag", [MINE, OTHER, PARTS])
@pytest.mark.parametrize("vouched", ["", MINE, OTHER])
@pytest.mark.parametrize("known", ["", MINE, OTHER])
def test_a_file_and_an_object_are_compared_as_the_table_says(
    size: int, md5: str, etag: str, vouched: str, known: str
) -> None:
    if md5 in (etag, vouched, known):
        hashes = "one of them is it"
    elif vouched or known:
        hashes = "the object's MD5 or the known one is another"
    else:
        hashes = "none is it, and only an ETag is there"
    (row,) = [
        row
        for row in rows(is_same)
        if row["size"] == ("equal" if size == 10 else "differs")
        and row["the file's MD5"] in ("", "known" if md5 else "not known")
        and row["the object's ETag, its MD5 or the known one"] in ("", hashes)
    ]
    stands = Entry("a", 10, etag, NO_TIME, Hashes(md5=vouched))
    assert is_same(size, md5, stands, known) is SAME[row[""]]


def test_an_etag_alone_never_says_that_two_differ() -> None:
    """With KMS it looks like an MD5, and is none."""
    assert is_same(10, MINE, Entry("a", 10, OTHER, NO_TIME)) is None
