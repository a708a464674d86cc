"""What an item took away, or put into another store than the plan's, is proven and committed as what was written is."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from darkroom import flows, keys, ledger
from darkroom.jobs import Outcome, Output, Report, State
from darkroom.ledger import Ledger, LedgerEntry
from darkroom.plan_folder import PlanFolder, Recorder
from darkroom.planning import plan
from darkroom.reports import make_report
from darkroom.settling import settle
from darkroom.store import Entry, Store, open_store
from tests import toy_flow


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setitem(flows._FLOWS, toy_flow.NAME, "tests.toy_flow")
    return open_store(str(tmp_path / "studio"))


def settled(store: Store, outputs: Sequence[Output]) -> tuple[Report, set[str]]:
    """The report of a job whose one item did that, and the keys that the ledger knows afterwards."""
    texts = open_store(store.uri + "-texts")
    texts.write("a", b"text")
    request = toy_flow.Request(store=store.uri, texts=texts.uri)
    folder = PlanFolder.at(plan(toy_flow.FLOW, request, flows.Run("dag", "run")).uri)
    recorder = Recorder(folder, 1)
    recorder.add([Outcome(item="a", group="texts", state=State.DONE, outputs=tuple(outputs))])
    recorder.flush()
    settle(folder)
    return make_report(folder), set(ledger.read(store, toy_flow.LEDGER, Ledger[LedgerEntry]).outputs)


def known(store: Store, key: str) -> Entry:
    """An output that stands and that the ledger knows."""
    entry = store.write(key, b"TEXT")
    change = {key: LedgerEntry(recipe="r", etag=entry.etag, bytes=entry.bytes)}
    ledger.update(store, toy_flow.LEDGER, Ledger[LedgerEntry], lambda known: known.merged(change))
    return entry


def removed(entry: Entry) -> Output:
    return Output(key=entry.key, recipe="r", etag=entry.etag, bytes=entry.bytes, removed=True)


def test_what_is_gone_goes_from_the_ledger_and_is_counted(store: Store) -> None:
    kept, gone = known(store, "upper/kept"), known(store, "upper/gone")
    store.delete(gone.key)
    report, left = settled(store, [removed(gone)])
    assert left == {kept.key}
    assert (report.ok, report.done, report.removed, report.outputs, report.bytes) == (True, 1, 1, 0, 0)


def test_what_still_stands_is_not_proven_and_stays_in_the_ledger(store: Store) -> None:
    entry = known(store, "upper/there")
    report, left = settled(store, [removed(entry)])
    assert left == {entry.key}
    assert [one.reason for one in report.not_done] == ["not proven: upper/there: it still stands"]


def test_what_somebody_else_put_there_since_is_not_what_was_removed(store: Store) -> None:
    entry = known(store, "upper/there")
    store.delete(entry.key)
    store.write(entry.key, b"somebody else's")
    report, left = settled(store, [removed(entry)])
    assert (report.ok, left) == (True, set())


def test_an_output_in_another_store_is_proven_there(store: Store, tmp_path: Path) -> None:
    archive = open_store(str(tmp_path / "archive"))
    entry = archive.write("versions/a", b"TEXT")
    output = Output(key=entry.key, store=archive.uri, recipe="r", etag=entry.etag, bytes=entry.bytes)
    assert settled(store, [output])[0].ok
    archive.delete(entry.key)
    folder = next(
        PlanFolder(store, one.key[: -len(keys.MANIFEST)]) for one in store.list("work/") if keys.MANIFEST in one.key
    )
    assert [one.item for one in settle(folder).unproven] == ["a"]
