"""The whole house for real: Airflow with its scheduler on a real PostgreSQL, runs triggered by REST, pixels looked at.

The tests tell one story, in order: delivered renders are taken and start a good run, which asks whether it may; a run
with a torn render, a cleared `run`, a cleared `plan`, and what `make run` shows besides.
"""

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import pyvips
from PIL import Image

from darkroom import keys
from darkroom.approvals import approval
from darkroom.jobs import Outcome, OutcomeBatch, State, dump, parse
from darkroom.keys import Picture
from darkroom.plan_folder import PlanFolder
from darkroom.sample.scans import draw_scans
from demo.airflow import COMPONENTS
from demo.flows import (
    INGEST,
    Result,
    archive_scans,
    make_pictures,
    make_pyramids,
    sync_shops,
    take_renders,
    wait_for_nights,
)
from demo.layout import Layout
from demo.run import show
from demo.studio import Studio
from tests import renders, slow
from tests.e2e.house import DAG, House
from tests.tiny import CUTS, LAYERS, PICTURES, STYLE

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

SIZE = 300
TORN = "t1_neckline_front_0000.png"
FIRST_PORT = 18080
SETTINGS = {
    "DARKROOM_MAX_SCAN_PIXELS": "900000000",  # of whoever deploys it
    "DARKROOM_INGEST_AT": "0 0 1 1 *",  # so that it starts by itself once, when Airflow is new
}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    root = tmp_path_factory.mktemp("studio")
    styles = root / "styles"
    styles.mkdir()
    (styles / "tiny.yaml").write_text(STYLE, encoding="utf-8")
    studio = Studio(Layout(root / "var", styles=styles), FIRST_PORT, SETTINGS)
    renders.draw(studio.layout.deliveries / "Render PNG's", LAYERS, [0, 1], SIZE)
    try:
        studio.start(lambda text: None)
        studio.make_pools()
        for dag in (INGEST, DAG):
            studio.wait_for_dag(dag)
        with studio.api() as api:
            yield House(studio, api)
    finally:
        studio.stop()
    # by the processes' environments, not by what the studio believes of itself
    assert studio.processes() == []
    assert [process.pid for process in psutil.process_iter() if _belongs_to(process, studio)] == []


@pytest.fixture(scope="module")
def delivered(house: House) -> tuple[Result, Result]:
    """What `make run` says of the renders that were taken, and of the run of everything that they have started."""
    taken = take_renders(house.studio, "tiny")
    assert taken.ok, taken.note
    made = make_pictures(house.studio, "tiny", fresh=True)
    assert made.ok, made.note
    return taken, made


@pytest.fixture(scope="module")
def good_run(house: House, delivered: tuple[Result, Result]) -> str:
    """A run of everything, that went well: the delivered renders have started it."""
    (run,) = house.api.runs(DAG, "asset_triggered")
    return str(run["dag_run_id"])


def test_delivered_renders_start_a_run_of_their_style_that_makes_what_is_approved(house, delivered, good_run):
    taken, made = delivered
    assert "renders taken, with a proxy of each" in taken.said
    assert taken.place.endswith("/renders/caddy/tiny")
    assert taken.note.endswith("/darkroom/fitting-room/?style=tiny")
    (run,) = house.api.runs(DAG, "asset_triggered")
    assert (run["partition_key"], run["state"]) == ("tiny", "success")
    assert "The delivered renders started it" in made.note
    assert f"Make {PICTURES} pictures of tiny?" in made.note
    given = approval(PlanFolder.at(house.plan(good_run).as_uri()))
    assert given is not None
    assert given.approved
    assert given.by
    assert len(list((house.bucket / "renders/caddy/tiny").rglob("*.png"))) == len(LAYERS) * 2
    with Image.open(house.plan(good_run) / keys.CONTACT_SHEET) as sheet:
        assert sheet.format == "JPEG"


def test_the_question_shows_its_contact_sheet_to_who_is_logged_in_and_to_nobody_else(house, good_run):
    body = house.api._get(house.api._question(DAG, good_run))["body"]
    path = re.search(r"!\[Contact sheet\]\(" + re.escape(house.studio.address) + r"(/darkroom/plans/[^)]+)\)", body)[1]
    answer = house.api._call("GET", path)
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.content == (house.plan(good_run) / keys.CONTACT_SHEET).read_bytes()
    assert httpx.get(house.studio.address + path, trust_env=False).status_code == 401


def test_renders_that_have_not_changed_start_nothing(house, good_run):
    taken = take_renders(house.studio, "tiny")
    assert taken.said == f"0 renders taken, with a proxy of each, {len(LAYERS) * 2} there already", taken.note
    assert len(house.api.runs(DAG, "asset_triggered")) == 1


@pytest.fixture(scope="module")
def torn_run(house: House, good_run: str) -> str:
    """A run that makes everything again, after one render was delivered only in part."""
    whole = _render_folder(house.studio) / TORN
    whole.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    run_id, state = house.run(mode="all")
    assert state == "failed"
    return run_id


def test_a_run_makes_every_picture_in_every_cut(house, good_run):
    report = house.report(good_run)
    assert _counts(report) == {"planned": PICTURES, "done": PICTURES, "skipped": 0, "refused": 0, "failed": 0}
    for cut in CUTS:
        assert len(house.files(cut)) == PICTURES
    assert (house.plan(good_run) / "report.html").read_text().startswith("<!")


def test_every_picture_has_the_right_size_and_something_in_it(house, good_run):
    sizes = dict.fromkeys(CUTS, (142, 142)) | {"800x800": (800, 800)}
    for cut, size in sizes.items():
        for name in house.files(cut):
            image = pyvips.Image.new_from_file(str(house.picture(name, cut)), fail_on="warning")
            assert (image.width, image.height, image.bands, image.format) == (*size, 4, "uchar"), (cut, name)
            assert image[3].max() > 128, f"{cut} of {name} is empty"


@pytest.mark.parametrize("name", ["default-mini-front-0000", "a1-b1-t1-knee-back-0001", "t1-knee-front-0001"])
def test_pictures_equal_the_slow_way(house, good_run, name):
    codes, length, side, colour = Picture.parse(name)
    stack = [
        *(["a1_behind"] if "a1" in codes else []),
        "b1_bottom" if "b1" in codes else f"base_{length}_bottom",
        "t1_neckline" if "t1" in codes else "base_neckline",
        *(["a1_infront"] if "a1" in codes else []),
    ]
    definition = slow.composite([renders.pixels(f"{layer}_{side}", colour, SIZE) for layer in stack])
    picture = pyvips.Image.new_from_file(str(house.picture(name))).numpy()
    assert slow.largest_difference(picture, definition) <= 1.02


def test_tasks_say_what_they_make(house, good_run):
    labels = [task["rendered_map_index"] for task in house.api.tasks(DAG, good_run) if task["task_id"] == "run"]
    assert labels
    assert all("tiny" in label for label in labels)


def test_a_second_run_finds_everything_done(house, good_run):
    before = house.files()
    run_id, state = house.run()
    assert state == "success"
    assert _counts(house.report(run_id))["skipped"] == PICTURES
    assert house.files() == before


def test_a_refused_request_fails_the_plan_and_says_why(house, good_run):
    before = house.files()
    run_id, state = house.run(colours="7")
    assert state == "failed"
    assert house.states(run_id)["plan"] == {"failed"}
    assert "beyond the last colour" in " ".join(house.api.xcom(DAG, run_id, "plan", "problems"))
    assert "beyond the last colour" in house.log(run_id, "report")
    assert "beyond the last colour" in house.api.run_note(DAG, run_id)
    assert house.files() == before


def test_what_was_refused_and_then_made_is_noted_as_made(house, good_run):
    """A layer that nobody delivered comes after all, and the person clears the run."""
    layer = _render_folder(house.studio) / TORN
    away = layer.rename(house.studio.layout.root / TORN)
    run_id, state = house.run()
    assert state == "failed"
    assert TORN.removesuffix("_0000.png") in house.api.run_note(DAG, run_id)
    away.rename(layer)
    house.api.clear_run(DAG, run_id)
    assert house.wait(run_id) == "success"
    assert house.api.run_note(DAG, run_id).startswith("Result: ")
    assert TORN.removesuffix("_0000.png") not in house.api.run_note(DAG, run_id)


def test_typed_lengths_and_codes_start_a_run_of_just_those(house, good_run):
    """Lists as the form sends them: an entry a line, blank lines and all."""
    typed = {
        "lengths": ["Knee", ""],
        "with_codes": [" t1 ", "b1"],
        "colours": "0-1",
        "sides": ["front"],
        "mode": "plan",
    }
    run_id, state = house.run(**typed)
    assert state == "success"
    report = house.report(run_id)
    # with and without a1, in two colours
    assert (report["title"], report["planned"]) == ("tiny · Knee · front · 0000-0001", 4)


def test_with_a_torn_render_the_rest_is_made_and_the_run_says_why(house, torn_run):
    report = house.report(torn_run)
    torn = _torn_pictures(house)
    assert {item["item"] for item in report["not_done"]} == torn
    assert all(TORN in item["reason"] for item in report["not_done"])
    assert _counts(report)["done"] == PICTURES - len(torn)
    states = house.states(torn_run)
    assert states["plan"] == states["settle"] == {"success"}
    assert states["report"] == {"failed"}
    assert TORN in house.log(torn_run, "report")
    for task in ("plan", "run", "settle", "report"):
        said = house.log(torn_run, task)
        assert said, task
        # no library's noise, and no traceback of a refusal: its sentence is what stands there
        for noise in ("VIPS: ", "GitWildMatch", "Task failed with exception"):
            assert noise not in said, (task, noise)


def test_a_cleared_run_makes_only_the_rest(house, torn_run):
    """One finished picture's outcome is lost, as a kill loses it: that one is made again, and stands as it is."""
    lost = "default-mini-back-0001"
    _forget_outcome(house.plan(torn_run), lost)
    before, plan = house.files(), house.plan(torn_run)
    assert house.clear(torn_run, "run") == "failed"
    assert house.files() == before
    assert house.plan(torn_run) == plan
    assert _finished(plan) >= {lost}
    assert {item["item"] for item in house.report(torn_run)["not_done"]} == _torn_pictures(house)


def test_a_cleared_plan_with_mode_all_makes_everything_again(house, torn_run):
    layer = TORN.removesuffix("_0000.png")
    (_render_folder(house.studio) / TORN).write_bytes(renders.png(renders.pixels(layer, 0, SIZE)))
    before, plan = house.files(), house.plan(torn_run)
    assert house.clear(torn_run, "plan") == "success", house.log(torn_run, "report")
    after = house.files()
    assert before.keys() == after.keys()
    assert not set(before.values()) & set(after.values())
    assert house.plan(torn_run) != plan
    assert _counts(house.report(torn_run))["done"] == PICTURES


def test_settings_of_the_deployment_reach_every_component(house):
    for component in COMPONENTS:
        record = json.loads((house.studio.layout.run / f"{component}.json").read_text())
        assert SETTINGS.items() <= psutil.Process(record["pid"]).environ().items()


def test_a_command_of_airflows_own_finds_the_studio(house, good_run, capfd):
    assert house.studio.airflow_here(["dags", "list", "--output", "plain"]) == 0
    assert "nightly_pyramids" in capfd.readouterr().out
    assert house.studio.airflow_here(["dags", "no-such-command"]) != 0
    house.studio.check_alive()


def test_make_run_shows_a_night_that_makes_all_scans_but_the_damaged_one(house, good_run, capsys):
    draw_scans(house.studio.layout.scans, width=400)
    wait_for_nights(house.studio)
    result = make_pyramids(house.studio)
    assert result.said == "5 of 6 pyramids made, 0 there already, 1 refused: red, as it should be", result.note
    assert show(house.studio, [result]) == 0
    said = capsys.readouterr().out
    assert "was cut short on purpose" in said
    (line,) = (line for line in said.splitlines() if line.startswith("  nightly_pyramids"))
    assert line.split()[-2:] == [str(house.studio.layout.images), result.run]
    again = make_pyramids(house.studio)
    assert (again.ok, again.said.split(",")[1]) == (True, " 5 there already")


def test_make_run_says_what_was_wrong_when_more_than_the_damaged_scan_fails(house, good_run):
    plate = house.studio.layout.scans / "plates" / "fern.png"
    plate.write_bytes(plate.read_bytes()[:5000])
    result = make_pyramids(house.studio)
    assert not result.ok
    assert "fern.png" in result.note


def test_make_run_shows_an_archive_that_copies_what_is_new_and_what_has_changed_and_names_two_that_clash(
    house, good_run, capsys
):
    draw_scans(house.studio.layout.scans, width=400)
    result = archive_scans(house.studio)
    assert result.said == "2 of 9 objects copied, 5 there already, 2 refused: red, as it should be", result.note
    assert show(house.studio, [result]) == 0
    said = capsys.readouterr().out
    assert "deliveries/sheet-1.jpg was new" in said
    assert "prints/harbour.jpg and prints_harbour.jpg would have the same copy" in said
    again = archive_scans(house.studio)
    assert again.said == "2 of 10 objects copied, 6 there already, 2 refused: red, as it should be", again.note
    (command,) = (line for line in again.note.splitlines() if line.startswith("  "))
    listed = subprocess.run(command, shell=True, capture_output=True, text=True, check=True).stdout.splitlines()  # noqa: S602
    assert len(listed) == 3, "as it was first, and as it was after each of the two"


def test_make_run_shows_a_sync_that_uploads_what_the_rules_allow_and_says_of_the_rest_why_not(house, good_run):
    draw_scans(house.studio.layout.scans, width=400)
    result = sync_shops(house.studio)
    assert result.said == "6 of 13 files uploaded, 0 there already, 7 refused: red, as it should be", result.note
    assert "  stores/chart-room/photos/3.jpeg: its extension is .jpeg; rename it to 3.jpg" in result.note.splitlines()
    assert len(list(Path(result.place).rglob("*.jpg"))) == 6
    (house.studio.layout.shops / "stores/chart-room/photos/3.jpeg").rename(
        house.studio.layout.shops / "stores/chart-room/photos/3.jpg"
    )
    again = sync_shops(house.studio)
    assert again.said == "1 of 13 files uploaded, 6 there already, 6 refused: red, as it should be", again.note
    (house.studio.layout.shops / "stores/mill-lane/photos/new.jpg").write_bytes(b"")
    assert not sync_shops(house.studio).ok, "what nobody has put there on purpose is no part of the show"


def _render_folder(studio: Studio) -> Path:
    return studio.layout.bucket / "renders" / "raw" / "tiny" / "Render PNG's"


def _torn_pictures(house: House) -> set[str]:
    pictures = map(Picture.parse, house.files())
    return {each.name for each in pictures if "t1" in each.codes and (each.side, each.colour) == ("front", 0)}


def _counts(report: Mapping[str, Any]) -> dict[str, int]:
    return {name: report[name] for name in ("planned", "done", "skipped", "refused", "failed")}


def _finished(plan: Path) -> set[str]:
    batches = [parse(OutcomeBatch, path.read_bytes(), str(path)) for path in plan.glob("outcomes/*/*.json")]
    return {outcome.item for batch in batches for outcome in batch.outcomes if outcome.state is State.DONE}


def _forget_outcome(plan: Path, item: str) -> None:
    for path in plan.glob("outcomes/*/*.json"):
        batch = parse(OutcomeBatch, path.read_bytes(), str(path))
        kept: tuple[Outcome, ...] = tuple(outcome for outcome in batch.outcomes if outcome.item != item)
        path.write_bytes(dump(batch.model_copy(update={"outcomes": kept})))


def _belongs_to(process: psutil.Process, studio: Studio) -> bool:
    try:
        words = [*process.cmdline(), *process.environ().values()]
        return process.status() != psutil.STATUS_ZOMBIE and any(str(studio.layout.root) in word for word in words)
    except psutil.Error:
        return False
