"""Pictures whose render is gone: marked, pruned, made again; never what somebody else, or a newer run, put there."""

from pathlib import Path

import pytest

from darkroom import keys, ledger, worker
from darkroom.compositing import plan as composites
from darkroom.compositing import work as composing
from darkroom.compositing.flow import FLOW
from darkroom.compositing.request import Request
from darkroom.flows import Run
from darkroom.jobs import Manifest, Report
from darkroom.keys import Picture
from darkroom.ledger import Ledger, LedgerEntry
from darkroom.plan_folder import PlanFolder
from darkroom.planning import plan
from darkroom.runs import finish
from darkroom.settling import settle
from darkroom.store import open_store
from tests import renders
from tests.tiny import PICTURES, Tiny

GONE = "t1_neckline_front"
OUTPUTS = Ledger[LedgerEntry]


class Studio(Tiny):
    def request(self, **more: object) -> Request:
        places = {"style_file": str(self.style), "renders": str(self.renders), "store": str(self.out)}
        return Request.model_validate({**places, "cuts": ("142x142",), "on_missing": "skip", **more})

    def plan(self, run: str = "run", **more: object) -> Manifest:
        return plan(FLOW, self.request(**more), Run("dag", run))

    def run(self, **more: object) -> Report:
        return finish(self.plan(**more), workers=2)

    def take_away(self) -> bytes:
        file = self.render(GONE, 0)
        data = file.read_bytes()
        file.unlink()
        return data

    def entries(self) -> dict[str, LedgerEntry]:
        store = open_store(str(self.out))
        ledgers = [one.key for one in store.list(keys.composites_ledgers("tiny"))]
        return {key: entry for one in ledgers for key, entry in ledger.read(store, one, OUTPUTS).outputs.items()}


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return Studio(tmp_path)


def test_what_is_stale_is_not_trusted_when_its_render_comes_back(studio: Studio) -> None:
    studio.run()
    data = studio.take_away()
    stale = set(studio.run().stale)
    assert 0 < len(stale) < PICTURES
    assert {key for key, entry in studio.entries().items() if entry.stale} == stale
    studio.render(GONE, 0).write_bytes(data)  # the same content, so the same recipe
    report = studio.run()
    assert report.ok
    assert not any(entry.stale for entry in studio.entries().values())


def test_pruning_deletes_what_is_stale_and_nothing_that_somebody_else_put_in_its_place(studio: Studio) -> None:
    studio.run()
    studio.take_away()
    manifest = studio.plan(prune=True)
    theirs = studio.out / min(manifest.stale)
    theirs.unlink()
    theirs.write_bytes(b"theirs")
    report = finish(manifest, workers=2)
    assert set(report.pruned) == set(manifest.stale) - {min(manifest.stale)}
    assert theirs.read_bytes() == b"theirs"
    assert not any((studio.out / key).exists() for key in report.pruned)


def test_a_late_settle_neither_deletes_nor_marks_what_a_newer_run_made(studio: Studio) -> None:
    studio.run()
    studio.take_away()
    old = studio.plan(run="old", prune=True)
    assert len(old.stale) > 0
    settle(PlanFolder.at(studio.plan(run="old").uri))  # gives the lease back
    studio.repaint(GONE, 0)
    assert studio.run().ok
    made = studio.pictures("142x142")
    settlement = settle(PlanFolder.at(old.uri))
    assert settlement.pruned == ()
    assert studio.pictures("142x142") == made
    assert not any(entry.stale for entry in studio.entries().values())


def test_pruning_keeps_content_that_other_names_use(studio: Studio) -> None:
    export = studio.folder / "x-Mini.csv"
    bottom = "base_mini_bottom_front base_neckline_front,base_mini_bottom_back base_neckline_back"
    torn = "base_mini_bottom_front base_neckline_front t1_neckline_front,base_mini_bottom_back base_neckline_back"
    studio.repaint(GONE, 0)
    # an invisible layer: a picture with it is the same picture as one without
    studio.render(GONE, 0).write_bytes(renders.png(renders.pixels(GONE, 0, studio.size) * 0))
    export.write_text(f"a1,{bottom}\nt1,{torn}\n")
    asked = {
        "combinations": (str(export),),
        "lengths": ("Mini",),
        "colours": "0",
        "sides": ("front",),
        "layout": "content",
    }
    assert studio.run(**asked).ok
    stored = {key: entry.stored for key, entry in studio.entries().items()}
    assert len(set(stored.values())) < len(stored), "several names are one picture"
    studio.take_away()
    report = studio.run(**asked, prune=True)
    assert [Picture.parse(key.rpartition("/")[2]).codes for key in report.pruned] == [("t1",)]  # type: ignore[union-attr]
    assert (studio.out / stored[report.pruned[0]]).exists(), "the others still need it"


def test_a_sheet_that_takes_too_long_is_split_by_length(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = composites.draft(studio.request(), Run("dag", "run"))
    monkeypatch.setattr(composites, "LONGEST", 0.0)
    split = composites.draft(studio.request(), Run("dag", "run"))
    assert len(split.todo) == 2 * len(whole.todo)
    assert sum(one.count for one in split.todo) == sum(one.count for one in whole.todo) == PICTURES

    def stacks(draft: object) -> set[tuple[str, tuple[str, ...]]]:
        sheets = [one.item for one in draft.todo]  # type: ignore[attr-defined]
        return {
            (name, tuple(sheet.layers[number].key for number in group.stack))
            for sheet in sheets
            for group in sheet.groups
            for name in group.names
        }

    assert stacks(split) == stacks(whole)


def test_a_ledger_that_another_settle_changes_meanwhile_loses_nothing(tmp_path: Path) -> None:
    store = open_store(str(tmp_path))
    entries = {name: LedgerEntry(recipe="r", etag=name, bytes=1) for name in "abc"}
    ledger.update(store, "l.json", OUTPUTS, lambda known: known.merged({"a": entries["a"]}))
    calls = []

    def late(known: OUTPUTS) -> OUTPUTS:
        if not calls:
            calls.append(1)
            ledger.update(store, "l.json", OUTPUTS, lambda other: other.merged({"b": entries["b"]}))
        return known.merged({"c": entries["c"]})

    ledger.update(store, "l.json", OUTPUTS, late)
    assert ledger.read(store, "l.json", OUTPUTS).outputs == entries


def test_a_copy_is_of_what_this_worker_wrote_and_not_of_what_came_after(studio: Studio) -> None:
    """Somebody overwrites the first name of every picture before it is copied to its other names."""
    manifest = studio.plan()
    publish = composing.publish
    seen: set[bytes] = set()
    overwritten: list[str] = []

    def meddled(store, key, made, put, *, replaces):  # type: ignore[no-untyped-def]
        published = publish(store, key, made, put, replaces=replaces)
        if made not in seen:
            seen.add(made)
            overwritten.append(key)
            path = studio.out / key
            path.unlink()
            path.write_bytes(b"theirs")
        return published

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(composing, "publish", meddled)
        for job in manifest.jobs:
            worker.run_job(job.uri, workers=1)
    theirs = [path for path in (studio.out / "renders").rglob("*.png") if path.read_bytes() == b"theirs"]
    assert {str(path.relative_to(studio.out)) for path in theirs} == set(overwritten)
    assert len(overwritten) < PICTURES, "pictures of several names"
