"""Flags: kept with who and when, standing until cleared, lost neither by two people at once nor by odd text."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from darkroom import flags, keys
from darkroom.errors import BadInput, NotFound
from darkroom.keys import Picture
from darkroom.store import Store, open_store

PICTURE = Picture(("t1", "b4"), "knee", "front", 3)
MORNING = datetime(2026, 11, 28, 8, 0, tzinfo=UTC)
NOON = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path))


def test_a_flag_stands_with_who_and_when_until_it_is_cleared_with_who_and_when(store: Store) -> None:
    made = flags.flag(store, "tiny", PICTURE, "  The belt floats.\n", "ana", MORNING)
    (found,) = flags.standing(store, "tiny")
    assert (found.picture, found.note, found.by, found.when) == (
        "b4-t1-knee-front-0003",
        "The belt floats.",
        "ana",
        MORNING,
    )
    assert found.sentence == "b4-t1-knee-front-0003: The belt floats. (ana, 2026-11-28 08:00 UTC)"
    flags.clear(store, "tiny", made.id, "ben", NOON)
    assert flags.standing(store, "tiny") == ()
    (found,) = flags.every(store, "tiny")
    assert (found.cleared_by, found.cleared, found.by) == ("ben", NOON, "ana")


def test_a_style_without_flags_has_none_and_another_styles_are_not_its_own(store: Store) -> None:
    flags.flag(store, "other", PICTURE, "wrong", "ana")
    assert flags.standing(store, "tiny") == ()


def test_clearing_twice_keeps_the_first_and_clearing_nothing_says_so(store: Store) -> None:
    made = flags.flag(store, "tiny", PICTURE, "wrong", "ana")
    flags.clear(store, "tiny", made.id, "ben", MORNING)
    assert flags.clear(store, "tiny", made.id, "eve", NOON).cleared_by == "ben"
    with pytest.raises(NotFound, match="no such flag"):
        flags.clear(store, "tiny", "0" * 16, "eve")


@pytest.mark.parametrize(("note", "says"), [(" \n ", "says nothing"), ("x" * 2001, "2,001 characters")])
def test_a_note_that_is_empty_or_too_long_is_refused(store: Store, note: str, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        flags.flag(store, "tiny", PICTURE, note, "ana")
    assert flags.every(store, "tiny") == ()


@pytest.mark.parametrize("note", ["<script>alert(1)</script>", "‮ rtl \x07 bell", "ż 🙂", "{{ 7 * 7 }}", "x" * 2000])
def test_a_note_may_be_any_text(store: Store, note: str) -> None:
    flags.flag(store, "tiny", PICTURE, note, "ana")
    assert flags.standing(store, "tiny")[0].note == note.strip()


def test_many_people_at_once_lose_no_flag(store: Store) -> None:
    started = threading.Barrier(6)

    def one(number: int) -> None:
        started.wait()
        flags.flag(store, "tiny", PICTURE, f"note {number}", "ana")

    threads = [threading.Thread(target=one, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one.note for one in flags.standing(store, "tiny")) == [f"note {number}" for number in range(6)]


@pytest.mark.parametrize("damage", [b"", b"{", b'{"flags": [{"id": "1"}]}', b'{"flags": [], "schema_version": 2}'])
def test_a_damaged_document_is_nobodys_yes(store: Store, damage: bytes) -> None:
    store.write(keys.flags("tiny"), damage)
    with pytest.raises(BadInput, match="flags/tiny"):
        flags.standing(store, "tiny")
    with pytest.raises(BadInput):
        flags.flag(store, "tiny", PICTURE, "wrong", "ana")
    assert store.read(keys.flags("tiny")) == damage


@pytest.mark.parametrize("name", ["../../etc", "b4-a2-knee-front-0003", "a2-knee-front-3"])
def test_a_document_that_names_no_picture_is_damaged(store: Store, name: str) -> None:
    made = flags.flag(store, "tiny", PICTURE, "wrong", "ana")
    written = store.read(keys.flags("tiny")).replace(made.picture.encode(), name.encode())
    store.write(keys.flags("tiny"), written)
    with pytest.raises(BadInput, match="no picture's name"):
        flags.standing(store, "tiny")


def test_cleared_flags_are_kept_up_to_a_bound_and_standing_ones_are_bounded(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flags, "_MOST_CLEARED", 2)
    monkeypatch.setattr(flags, "_MOST_STANDING", 4)
    made: list[flags.Flag] = [flags.flag(store, "tiny", PICTURE, f"note {number}", "ana") for number in range(4)]
    with pytest.raises(BadInput, match="stand already"):
        flags.flag(store, "tiny", PICTURE, "one more", "ana")
    for one in made[:3]:
        flags.clear(store, "tiny", one.id, "ben")
    assert [one.note for one in flags.every(store, "tiny")] == ["note 1", "note 2", "note 3"]
    flags.flag(store, "tiny", PICTURE, "what was cleared counts no more", "ana")
    flags.flag(store, "tiny", PICTURE, "nor does it here", "ana")


def test_a_name_without_an_end_is_kept_as_far_as_it_goes(store: Store) -> None:
    made = flags.flag(store, "tiny", PICTURE, "wrong", "a" * 300)
    cleared = flags.clear(store, "tiny", made.id, "b" * 300)
    assert (cleared.by, cleared.cleared_by) == ("a" * 250, "b" * 250)


@pytest.mark.parametrize("opened", [str, lambda path: f"file://{path}"])
def test_a_hostile_style_name_leaves_no_folder(tmp_path: Path, opened: Callable[[Path], str]) -> None:
    store = open_store(opened(tmp_path / "bucket"))
    flags.flag(store, "../../outside", PICTURE, "wrong", "ana")
    assert not (tmp_path / "outside.json").exists()
    assert flags.standing(store, "../../outside")
