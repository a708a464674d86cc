"""Three lists in one order, read side by side: each key once, with all that there is of it."""

from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkroom.errors import StoreError
from darkroom.flows import NO_TIME
from darkroom.store import Entry
from darkroom.sync.cache import Known
from darkroom.sync.merge import Row, in_order, merged
from darkroom.sync.scan import File, Passed

KEYS = st.sets(st.text("ab/-.\u00e9\uffee\U00010000", min_size=1, max_size=4))


def file(key: str) -> File:
    return File(key, 1, "1-1-1-1")


def known(key: str) -> Known:
    return Known(key, "1-1-1-1", "0" * 32, "")


def entry(key: str) -> Entry:
    return Entry(key, 1, "etag", NO_TIME)


def in_their_order(keys: Iterable[str]) -> list[str]:
    return sorted(keys, key=str.encode)


@given(KEYS, KEYS, KEYS)
def test_every_key_comes_once_in_order_and_with_all_that_there_is_of_it(
    found: set[str], cached: set[str], standing: set[str]
) -> None:
    files, rows, objects = (in_their_order(keys) for keys in (found, cached, standing))
    assert list(merged(map(file, files), map(known, rows), map(entry, objects))) == [
        Row(
            key,
            file(key) if key in found else None,
            known(key) if key in cached else None,
            entry(key) if key in standing else None,
        )
        for key in in_their_order(found | cached | standing)
    ]


def test_it_reads_no_further_than_it_needs() -> None:
    """So that memory holds a row, whatever the lists are long."""
    read: list[str] = []

    def listed(keys: Iterable[str]) -> Iterator[Entry]:
        for key in keys:
            read.append(key)
            yield entry(key)

    rows = merged([file("b")], [], listed("abcdef"))
    assert [next(rows).key, next(rows).key] == ["a", "b"]
    assert read == ["a", "b"]


def test_what_is_passed_over_is_in_the_way_of_its_key_only() -> None:
    passed = Passed("a/", "the folder cannot be read", folder=True)
    rows = list(merged([passed], [], [entry("a/1"), entry("b")]))
    assert [(row.key, row.found, bool(row.stands)) for row in rows] == [
        ("a/", passed, False),
        ("a/1", None, True),
        ("b", None, True),
    ]


class Listing:
    """A store that lists in the order that it is given."""

    def __init__(self, uri: str, keys: Iterable[str]) -> None:
        self.uri, self._keys = uri, list(keys)

    def list(self, prefix: str) -> Iterator[Entry]:
        return (entry(key) for key in self._keys if key.startswith(prefix))


def listed(uri: str, keys: Iterable[str], prefix: str = "") -> list[str]:
    store: Any = Listing(uri, keys)
    return [one.key for one in in_order(store, prefix)]


def test_a_folder_is_sorted_and_a_service_is_taken_at_its_word() -> None:
    assert listed("file:///a", ["a/b", "a.b", "a-b"]) == ["a-b", "a.b", "a/b"]
    assert listed("s3://a", ["a-b", "a.b", "a/b", "b"], "a") == ["a-b", "a.b", "a/b"]


def test_a_service_that_lists_in_another_order_is_refused_and_nothing_is_taken_for_gone() -> None:
    with pytest.raises(StoreError, match=r"s3://a: it lists 'a\.b' behind 'a/b', which is no order of S3's"):
        listed("s3://a", ["a/b", "a.b"])
