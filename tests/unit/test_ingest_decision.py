"""The ingest's decisions: their truth tables are the tests."""

import pytest

from darkroom import keys, ledger
from darkroom.flows import NO_TIME
from darkroom.ingest.decision import Action, asks_for_changes, decide, is_being_written, is_passed_over
from darkroom.ingest.job import UNFIT, WORDS, Cursor
from darkroom.ingest.release import is_news, is_settled, move_cursor
from darkroom.ingest.sources import Found, Listing
from darkroom.ingest.view import View, clashes, wrong_path
from darkroom.jobs import Mode, Outcome, Output, State
from darkroom.store import open_store
from tests.tables import rows

BOTH = [False, True]


def fits(cell: str, value: bool) -> bool:
    return not cell or cell == ("yes" if value else "no")


def of_mode(cell: str, mode: Mode) -> bool:
    return cell == "any" or mode in cell.split(", ")


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("writing", BOTH)
@pytest.mark.parametrize("clash", BOTH)
@pytest.mark.parametrize("raw", BOTH)
@pytest.mark.parametrize("proxy", BOTH)
def test_every_case_is_in_the_table_once_and_is_decided_so(
    mode: Mode, writing: bool, clash: bool, raw: bool, proxy: bool
) -> None:
    found = [
        row
        for row in rows(decide)
        if of_mode(row["mode"], mode)
        and fits(row["writing"], writing)
        and fits(row["clashes"], clash)
        and fits(row["raw"], raw)
        and fits(row["proxy"], proxy)
    ]
    assert len(found) == 1
    assert decide(mode, writing=writing, clashes=clash, raw=raw, proxy=proxy) is Action(found[0][""])


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("known", BOTH)
@pytest.mark.parametrize("same", BOTH)
@pytest.mark.parametrize("whole", BOTH)
def test_only_a_cursor_that_can_be_trusted_is_asked_from(mode: Mode, known: bool, same: bool, whole: bool) -> None:
    found = [
        row
        for row in rows(asks_for_changes)
        if of_mode(row["mode"], mode)
        and fits(row["known"], known)
        and fits(row["same"], same)
        and fits(row["whole"], whole)
    ]
    assert len(found) == 1
    assert asks_for_changes(mode, known=known, same=same, whole=whole) == (found[0][""] == "yes")


@pytest.mark.parametrize(
    ("path", "age", "writing"),
    [
        ("a/t1.png", 59.9, True),
        ("a/t1.png", 60.0, False),
        ("a/t1.png", 61.0, False),
        ("a/t1.png", -5.0, True),  # by a clock that is ahead of ours
        ("a/t1.png.tmp", 1e6, True),
        ("a/t1.png.PART", 1e6, True),
        ("a/t1.png.partial", 1e6, True),
        ("a/t1.crdownload", 1e6, True),
        ("a/~$t1.png", 1e6, True),
        ("a~$/t1.png", 1e6, False),
        ("a.tmp/t1.png", 1e6, False),
    ],
)
def test_a_file_waits_until_nobody_wrote_to_it_for_so_long(path: str, age: float, writing: bool) -> None:
    assert is_being_written(path, age, quiet=60.0) is writing


@pytest.mark.parametrize(("path", "writing"), [("a/t1.png", False), ("a/t1.png.part", True)])
@pytest.mark.parametrize("age", [-5.0, 0.0, 5.0])
def test_where_files_appear_whole_the_name_alone_tells(path: str, writing: bool, age: float) -> None:
    assert is_being_written(path, age, quiet=0.0) is writing


@pytest.mark.parametrize(
    ("path", "passed"),
    [
        ("a/t1.png", False),
        ("a/desktop.ini", True),
        ("THUMBS.DB", True),
        ("thumbs.db/t1.png", False),
        ("a./t.png", False),
    ],
)
def test_only_what_a_system_keeps_for_itself_is_passed_over(path: str, passed: bool) -> None:
    assert is_passed_over(path) is passed


def test_every_action_that_ends_in_a_report_has_a_word_of_its_own() -> None:
    assert set(WORDS) == set(Action) - {Action.WAIT}
    assert len(set(WORDS.values())) == len(WORDS)


RAW = Output(key="renders/raw/tiny/a.png", recipe="0", etag="1", bytes=1)


@pytest.mark.parametrize(
    ("state", "kind", "outputs", "settled"),
    [
        (State.DONE, "", (RAW,), True),
        (State.SKIPPED, "", (), True),
        (State.REFUSED, UNFIT, (RAW,), True),
        (State.REFUSED, UNFIT, (), False),
        (State.REFUSED, "write", (RAW,), False),
        (State.FAILED, "download", (), False),
    ],
)
def test_the_cursor_moves_only_past_what_no_later_look_changes(
    state: State, kind: str, outputs: tuple[Output, ...], settled: bool
) -> None:
    assert is_settled(Outcome(item="a", state=state, kind=kind, outputs=outputs)) is settled


WRITTEN, ADOPTED = RAW.model_copy(update={"written": True}), RAW.model_copy(update={"written": False})


@pytest.mark.parametrize(
    ("state", "kind", "outputs", "news"),
    [
        (State.DONE, "", (WRITTEN,), True),
        (State.DONE, "", (ADOPTED,), True),
        (State.SKIPPED, "", (ADOPTED,), False),
        (State.REFUSED, UNFIT, (ADOPTED,), True),
        (State.REFUSED, "write", (ADOPTED,), False),
        (State.FAILED, "write", (ADOPTED,), False),
        (State.FAILED, "write", (WRITTEN,), True),
    ],
)
def test_what_stands_newly_is_news_whoever_wrote_it(
    state: State, kind: str, outputs: tuple[Output, ...], news: bool
) -> None:
    assert is_news(Outcome(item="a", state=state, kind=kind, outputs=outputs)) is news


def test_a_late_settle_moves_no_cursor_back(tmp_path: object) -> None:
    store = open_store(str(tmp_path))
    first, second, third = (Cursor(source="dropbox:/a", folders={"": name}) for name in "123")
    move_cursor(store, "tiny", Cursor(), first)
    move_cursor(store, "tiny", first, third)
    move_cursor(store, "tiny", first, second)
    assert ledger.read(store, keys.ingest_cursor("tiny"), Cursor) == third


def found(path: str) -> Found:
    return Found(path, "1", 1, NO_TIME)


def test_what_a_source_tells_of_changes_is_put_to_what_is_known() -> None:
    known = ["a/T1.png", "a/t2.png", "b/t3.png", "b/sub/t4.png", "c/t5.png"]
    view = View()
    view.add("a", Listing(files=[found("a/t1.png")], whole=False), known, folds=True)
    view.add("b", Listing(removed=["b/SUB"], whole=False), known, folds=True)
    view.add("c", Listing(refused={"c/T5.png": "it is a link"}, whole=False), known, folds=True)
    assert view.unchanged == {"a/t2.png", "b/t3.png"}
    assert view.paths == {"a/t1.png", "a/t2.png", "b/t3.png", "c/T5.png"}


def test_a_whole_listing_says_all_there_is() -> None:
    view = View()
    view.add("", Listing(files=[found("t1.png")], refused={"x.paper": "no file"}), ["t2.png"], folds=True)
    assert view.paths == {"t1.png", "x.paper"}


@pytest.mark.parametrize("path", ["a//b.png", "../b.png", "a/./b.png", "", "/a.png"])
def test_a_path_that_leaves_its_place_is_wrong(path: str) -> None:
    assert wrong_path(path)


def test_a_name_in_two_unicode_forms_clashes() -> None:
    assert len(clashes(["\u00e9.png", "e\u0301.png", "f.png"])) == 2
