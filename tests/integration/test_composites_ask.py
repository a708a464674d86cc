"""A plan of composites that asks: what nobody approved is not made, and fails nothing."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from darkroom import flags, keys
from darkroom.approvals import Approval, answer, asked
from darkroom.checks.check import Check
from darkroom.checks.findings import finding
from darkroom.checks.ingested import Checked
from darkroom.compositing.contact_sheet import ContactSheet
from darkroom.compositing.flow import FLOW
from darkroom.compositing.request import Approving, Request
from darkroom.flows import Run
from darkroom.jobs import Manifest, Mode, Report, Settlement, dump
from darkroom.plan_folder import PlanFolder
from darkroom.planning import plan
from darkroom.reports import make_report
from darkroom.settling import is_settled, settle
from darkroom.store import open_store
from darkroom.worker import run_job
from tests.tiny import LAYERS, PICTURES, Tiny

WHEN = datetime(2026, 11, 28, 3, 0, tzinfo=UTC)


@pytest.fixture
def studio(tmp_path: Path) -> Tiny:
    return Tiny(tmp_path)


def planned(studio: Tiny, run: str = "run", **more: object) -> PlanFolder:
    """What `plan` leaves."""
    return PlanFolder.at(plan(FLOW, request(studio, **more), Run("combination_compositing", run)).uri)


def request(studio: Tiny, **more: object) -> Request:
    asking = {"approval": Approving.ASK, "renders": str(studio.renders), **more}
    return Request(style_file=str(studio.style), store=str(studio.out), **asking)


def rest(folder: PlanFolder) -> tuple[Settlement, Report]:
    """What `run`, `settle` and `report` do of it."""
    for job in folder.manifest().jobs:
        run_job(job.uri, workers=2)
    return settle(folder), make_report(folder)


def test_without_a_yes_nothing_is_made_nothing_fails_and_the_report_says_who_said_no(studio: Tiny) -> None:
    folder = planned(studio)
    answer(folder, Approval(approved=False, by="Ann", when=WHEN))
    settlement, report = rest(folder)
    assert studio.pictures() == {}
    assert (report.planned, report.todo, report.held, report.skipped) == (PICTURES, PICTURES, PICTURES, 0)
    assert report.ok
    assert f"Rejected by Ann: {PICTURES} pictures left." in report.findings
    assert is_settled(folder), "no later plan has to look for what this one may have left"
    assert settlement.proven == 0


def test_an_answer_that_never_came_is_no_yes(studio: Tiny) -> None:
    folder = planned(studio)
    _, report = rest(folder)
    assert studio.pictures() == {}
    assert f"Nobody approved it: {PICTURES} pictures left." in report.findings


def test_what_was_rejected_is_asked_about_by_the_next_plan_and_made_with_a_yes(studio: Tiny) -> None:
    folder = planned(studio)
    answer(folder, Approval(approved=False, by="Ann", when=WHEN))
    rest(folder)
    later = planned(studio, "later")
    answer(later, Approval(approved=True, by="Bea", when=WHEN))
    settlement, report = rest(later)
    assert len(studio.pictures()) == PICTURES == settlement.proven
    assert (report.ok, report.held) == (True, 0)
    assert asked(planned(studio, "last")) is None, "nothing is new"


@pytest.mark.parametrize(("approving", "mode"), [(Approving.NONE, Mode.CHANGED), (Approving.ASK, Mode.PLAN)])
def test_who_does_not_want_to_be_asked_is_not_and_a_look_asks_nothing(
    studio: Tiny, approving: Approving, mode: Mode
) -> None:
    folder = planned(studio, approval=approving, mode=mode)
    assert asked(folder) is None
    assert not folder.has(keys.TILES)
    rest(folder)
    assert len(studio.pictures()) == (0 if mode is Mode.PLAN else PICTURES)


def test_a_command_asks_nobody(studio: Tiny) -> None:
    assert studio.composite("--length", "Knee", "--colours", "0").returncode == 0
    assert list(studio.out.rglob(keys.ASKED)) == []
    assert len(studio.pictures()) == PICTURES // 4


def test_the_contact_sheet_shows_every_layer_that_is_to_be_made_and_where_its_proxies_lie(studio: Tiny) -> None:
    sheet = planned(studio).document(keys.TILES, ContactSheet)
    assert sheet is not None
    shown = {key for tile in sheet.tiles for key in tile.proxies}
    assert {key.rpartition("/")[2].rpartition("_")[0] for key in shown} == set(LAYERS)
    assert all(key.startswith("renders/caddy/tiny/") for key in shown)
    assert {key.rpartition("_")[2] for key in shown} == {"0000.png", "0001.png"}
    assert sheet.beyond == 0


def test_the_sheet_and_the_counts_are_of_what_is_left_to_make_only(studio: Tiny) -> None:
    assert studio.composite("--length", "Knee").returncode == 0
    folder = planned(studio)
    question = asked(folder)
    assert question is not None
    assert question.subject == f"Make {PICTURES // 2} pictures of tiny?"
    assert f"{PICTURES // 2} stand already" in question.facts[0]
    assert "knee" not in question.facts[1]
    sheet = folder.document(keys.TILES, ContactSheet)
    assert sheet is not None
    assert not [tile for tile in sheet.tiles if "knee" in tile.name]


def test_a_layer_with_a_finding_is_in_the_first_tile(studio: Tiny) -> None:
    studio.render("a1_behind_front", 1).unlink()
    folder = planned(studio, on_missing="skip", colours="0")
    sheet = folder.document(keys.TILES, ContactSheet)
    assert sheet is not None
    assert not any(tile.odd for tile in sheet.tiles), "in the colours that are asked for all is there"
    rest(folder)
    wider = planned(studio, "wider", on_missing="skip")
    sheet, question = wider.document(keys.TILES, ContactSheet), asked(wider)
    assert sheet is not None
    assert question is not None
    assert sheet.tiles[0].odd == ("a1_behind_front",)
    assert question.lines[0].startswith("error: a1_behind_front: the colour 0001 of 2 is not there")


def test_what_a_look_into_the_delivered_renders_found_is_in_the_question_too(studio: Tiny) -> None:
    stray = finding("stray pixels", "x/t1_neckline_front_0001.png", "9 stray pixels", "clear them")
    known = finding("missing layer", "nobody", "it is as old as the check", "nothing")
    check = Check(style="tiny", renders="", lengths=(), needed=0, decoded=0, counts={}, findings=(known, stray))
    open_store(str(studio.out)).write(keys.checks("tiny"), dump(Checked(check=check)))
    raw = studio.out / keys.raw_renders("tiny")
    shutil.copytree(studio.renders, raw)
    folder = planned(studio, renders="")
    sheet, question = folder.document(keys.TILES, ContactSheet), asked(folder)
    assert sheet is not None
    assert question is not None
    assert question.lines[:1] == (f"warning: {stray.sentence}",)
    assert not [line for line in question.lines if "nobody" in line], "names are asked anew"
    assert "t1_neckline_front" in sheet.tiles[0].odd
    rest(folder)
    elsewhere = asked(planned(studio, "elsewhere"))
    assert elsewhere is not None
    assert elsewhere.lines == (), "renders from elsewhere are others"


def test_the_sheet_is_drawn_beside_the_plan_and_without_any_proxy_it_says_so(studio: Tiny) -> None:
    folder = planned(studio)
    manifest = folder.manifest()
    assert FLOW.asking is not None
    digest = FLOW.asking.illustrate(folder, manifest)
    assert len(digest) == 64
    assert folder.read(keys.CONTACT_SHEET).startswith(b"\xff\xd8\xff")
    assert FLOW.asking.illustrate(folder, manifest) == digest, "the same pictures, the same name"
    put_proxies(studio, manifest)
    assert FLOW.asking.illustrate(folder, manifest) != digest


def put_proxies(studio: Tiny, manifest: Manifest) -> None:
    store = open_store(manifest.store)
    for layer in LAYERS:
        render = studio.render(layer, 0)
        store.write(keys.proxy("tiny", layer.partition("_")[0], render.name), render.read_bytes())


def test_flags_that_stand_speak_against_a_yes_until_they_are_cleared(studio: Tiny) -> None:
    folder = planned(studio)
    manifest, store = folder.manifest(), open_store(str(studio.out))
    assert FLOW.asking is not None
    assert FLOW.asking.against(folder, manifest) == []
    picture = keys.Picture.parse("a1-knee-front-0000")
    assert picture
    flag = flags.flag(store, "tiny", picture, "the pocket <b>floats</b>", "Ann", WHEN)
    assert FLOW.asking.against(folder, manifest) == [
        "a1-knee-front-0000: the pocket <b>floats</b> (Ann, 2026-11-28 03:00 UTC)"
    ]
    flags.clear(store, "tiny", flag.id, "Bea")
    assert FLOW.asking.against(folder, manifest) == []
