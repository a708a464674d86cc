"""What every flow owes to whoever runs it, however it is interrupted, run twice, or met by somebody else's files."""

import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from darkroom import keys, leases, worker
from darkroom.errors import Busy
from darkroom.flows import Run
from darkroom.jobs import Manifest, Mode, OutcomeBatch, Report, parse
from darkroom.plan_folder import PlanFolder
from darkroom.planning import plan
from darkroom.reports import failure_text, make_report
from darkroom.runs import finish, run_here
from darkroom.settings import settings
from darkroom.settling import settle
from tests.contract.flows import WORLDS, World, register


@pytest.fixture(params=WORLDS)
def world(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    register(monkeypatch)
    made = WORLDS[request.param](tmp_path, monkeypatch)
    made.deliver()
    yield made
    settings.cache_clear()


def planned(world: World, mode: Mode = Mode.CHANGED, run: str = "a-run") -> Manifest:
    return plan(world.flow, world.request(mode), Run("contract", run))


def run(world: World, mode: Mode = Mode.CHANGED) -> Report:
    return finish(planned(world, mode), workers=2)


def here(world: World, mode: Mode = Mode.CHANGED) -> Report:
    return run_here(world.flow, world.request(mode), command="contract", subject="all", workers=2)


def work(manifest: Manifest) -> None:
    for job in manifest.jobs:
        worker.run_job(job.uri, workers=2)


def recorded(world: World) -> Counter[str]:
    """How many outcomes were ever written down of each item."""
    batches = [one.key for one in world.store.list("work/") if "/outcomes/" in one.key]
    documents = [parse(OutcomeBatch, world.store.read(key), key) for key in batches]
    return Counter(outcome.item for batch in documents for outcome in batch.outcomes)


def require_mode_all(world: World) -> None:
    if not world.makes_anew:
        pytest.skip("the flow has no mode all")


def assert_all_is_right(world: World) -> None:
    """Nothing is left to do, and what the ledgers know is what stands."""
    manifest = planned(world, Mode.PLAN)
    assert (manifest.todo, manifest.refused) == (0, ())
    # and what the ledgers call current is what is made from these inputs: made again, it is the same
    before = {key: world.outputs.read(key) for key in world.standing()}
    report = run(world, Mode.ALL)
    assert report.ok, failure_text(report)
    assert {key: world.outputs.read(key) for key in world.standing()} == before


def test_mode_plan_writes_no_job_and_no_output(world: World) -> None:
    manifest = planned(world, Mode.PLAN)
    assert manifest.jobs == ()
    assert manifest.todo == manifest.planned > 0
    assert world.standing() == {}
    assert finish(manifest, workers=1).ok


def test_counts_add_up_and_nothing_to_do_does_nothing(world: World) -> None:
    first = run(world)
    assert first.ok, failure_text(first)
    assert first.planned == first.done > 0
    before = world.standing()
    manifest = planned(world)
    assert (manifest.todo, manifest.jobs) == (0, ())
    again = finish(manifest, workers=2)
    assert (again.planned, again.skipped, again.done) == (first.planned, first.planned, 0)
    assert world.standing() == before


def test_mode_all_makes_everything_again(world: World) -> None:
    require_mode_all(world)
    first = run(world)
    again = run(world, Mode.ALL)
    assert (again.planned, again.done) == (first.planned, first.planned)


def test_only_what_depends_on_a_changed_input_is_made_again(world: World) -> None:
    first = run(world)
    before = world.standing()
    world.repaint()
    second = run(world)
    assert second.ok, failure_text(second)
    assert 0 < second.done < first.planned
    assert second.done + second.skipped == first.planned
    assert world.standing() != before
    assert_all_is_right(world)


def test_a_bad_item_stops_no_other_and_is_tried_again(world: World) -> None:
    whole = planned(world, Mode.PLAN).planned
    world.damage()
    report = run(world)
    bad = report.refused + report.failed
    assert 0 < bad < whole
    assert (report.done + bad, report.ok) == (whole, False)
    assert planned(world, Mode.PLAN, run="another").todo >= bad


def test_a_killed_worker_redoes_at_most_a_batch(world: World) -> None:
    manifest = planned(world)
    folder, job = PlanFolder.at(manifest.uri), manifest.jobs[0]
    process = world.worker(job.uri)
    while not folder.batches() and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = folder.outcomes(1).latest
    before = world.standing()
    assert kept
    report = finish(manifest, workers=2)
    assert report.ok, failure_text(report)
    elsewhere = world.aside.uri if world.aside else "nowhere"
    outputs = [one for outcome in kept.values() for one in outcome.outputs if one.store != elsewhere]
    after = world.standing()
    assert all(after[output.at] == before[output.at] == output.etag for output in outputs)
    times = recorded(world)
    assert {times[item] for item in kept} == {1}, "what was written down is not done again"
    assert_all_is_right(world)


def test_what_an_interrupted_run_had_made_is_not_made_again(world: World) -> None:
    require_mode_all(world)
    run(world)
    request = world.request(Mode.ALL)
    manifest = plan(world.flow, request, Run("contract", "all"))
    process = world.worker(manifest.jobs[0].uri)
    folder = PlanFolder.at(manifest.uri)
    while not folder.batches() and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    leases.free(world.store, world.flow.name, manifest.subjects, Run("contract", "all").holder)  # expired
    kept = set(folder.outcomes(1).latest)
    report = run_here(world.flow, request, command="contract", subject="all", workers=2)
    assert report.ok, failure_text(report)
    assert report.done == report.planned - len(kept)


def test_settling_twice_is_settling_once(world: World) -> None:
    manifest = planned(world)
    work(manifest)
    folder = PlanFolder.at(manifest.uri)
    first = settle(folder)
    ledgers = {key: world.store.read(key) for key in world.ledgers()}
    assert first.proven == manifest.planned
    assert settle(folder) == first
    assert {key: world.store.read(key) for key in world.ledgers()} == ledgers


def test_a_lost_output_is_not_proven_and_is_made_again(world: World) -> None:
    manifest = planned(world)
    work(manifest)
    lost = min(world.standing())
    world.outputs.delete(lost)
    folder = PlanFolder.at(manifest.uri)
    settlement = settle(folder)
    assert [one.item for one in settlement.unproven]
    assert settlement.proven + len(settlement.unproven) == manifest.planned
    report = make_report(folder)
    assert not report.ok
    assert "it is not there" in failure_text(report)
    assert run(world).ok
    assert_all_is_right(world)


def test_what_another_wrote_over_an_output_is_neither_proven_nor_touched(world: World) -> None:
    manifest = planned(world)
    work(manifest)
    taken = min(world.standing())
    world.outputs.write(taken, b"theirs")
    folder = PlanFolder.at(manifest.uri)
    assert len(settle(folder).unproven) == 1
    assert not make_report(folder).ok
    if world.aside:
        assert_put_aside(world, taken)
        return
    for mode in (Mode.CHANGED, Mode.ALL):
        report = run(world, mode)
        assert (report.refused + report.failed, report.ok) == (1, False)
        assert world.outputs.read(taken) == b"theirs"


def assert_put_aside(world: World, taken: str) -> None:
    """What stood in the way of a flow that mirrors a source is kept, and then replaced by what belongs there."""
    assert world.aside
    report = run(world)
    assert report.ok, failure_text(report)
    assert world.outputs.read(taken) != b"theirs"
    assert b"theirs" in [world.aside.read(one.key) for one in world.aside.list()]
    assert_all_is_right(world)


def test_a_file_that_stands_there_and_is_not_ours_is_refused(world: World) -> None:
    run(world)
    taken = min(world.standing())
    world.outputs.delete(taken)
    for key in world.ledgers():
        world.store.delete(key)
    for key in [one.key for one in world.store.list("work/")]:
        world.store.delete(key)
    for key in world.standing():
        world.outputs.delete(key)
    world.outputs.write(taken, b"theirs")
    if world.aside:
        assert_put_aside(world, taken)
        return
    report = run(world)
    assert report.refused == 1
    assert report.done == report.planned - 1
    assert world.outputs.read(taken) == b"theirs"


def test_an_older_plan_that_works_after_a_newer_one_leaves_its_outputs_alone(world: World) -> None:
    run(world)
    world.repaint()
    old = planned(world, run="old")
    leases.free(world.store, world.flow.name, old.subjects, Run("contract", "old").holder)
    world.repaint_again()
    new = finish(planned(world, run="new"), workers=2)
    assert new.ok, failure_text(new)
    made = {key: world.outputs.read(key) for key in world.standing()}
    finish(old, workers=2)
    assert {key: world.outputs.read(key) for key in world.standing()} == made
    assert_all_is_right(world)


def test_a_late_settle_takes_nothing_of_a_newer_run_away(world: World) -> None:
    old = planned(world, run="old")
    work(old)
    leases.free(world.store, world.flow.name, old.subjects, Run("contract", "old").holder)
    world.repaint()
    new = finish(planned(world, run="new"), workers=2)
    assert new.ok, failure_text(new)
    standing = world.standing()
    ledgers = {key: world.store.read(key) for key in world.ledgers()}
    settle(PlanFolder.at(old.uri))
    assert world.standing() == standing
    assert {key: world.store.read(key) for key in world.ledgers()} == ledgers
    assert_all_is_right(world)


def test_two_workers_on_one_job_do_no_harm(world: World) -> None:
    manifest = planned(world)
    both = [world.worker(manifest.jobs[0].uri) for _ in range(2)]
    assert [process.wait(timeout=120) for process in both] == [0, 0]
    report = finish(manifest, workers=2)
    assert report.ok, failure_text(report)
    assert report.done == report.planned
    assert_all_is_right(world)


def test_two_runs_of_one_subject_wait_for_each_other(world: World) -> None:
    first = planned(world, run="first")
    with pytest.raises(Busy, match="contract, run first is at work on it"):
        planned(world, run="second")
    assert planned(world, run="first").todo == first.todo, "the same run may plan anew"
    assert finish(first, workers=2).ok
    assert planned(world, run="second").todo == 0


def test_a_command_waits_for_a_run_and_says_so(world: World) -> None:
    planned(world, run="first")
    with pytest.raises(Busy):
        here(world)
    assert world.standing() == {}


def test_state_that_a_power_cut_damaged_is_set_aside_and_proven_anew(world: World) -> None:
    run(world)
    before = world.standing()
    for number, key in enumerate(world.ledgers()):
        world.store.write(key, b"" if number % 2 else world.store.read(key)[:40])
    report = run(world)
    assert report.ok, failure_text(report)
    assert world.standing() == before, "made again, found to be the same, and adopted"
    assert [key for key in (one.key for one in world.store.list("state/")) if ".damaged-" in key]
    assert_all_is_right(world)


def test_a_damaged_batch_of_outcomes_is_made_again(world: World) -> None:
    manifest = planned(world)
    work(manifest)
    batches = [one.key for one in world.store.list("work/") if "/outcomes/" in one.key]
    world.store.write(batches[0], b"")
    report = finish(manifest, workers=2)
    assert report.ok, failure_text(report)
    assert report.done == report.planned
    assert_all_is_right(world)


def test_outcomes_that_come_after_a_settlement_are_settled_by_the_next_run(world: World) -> None:
    manifest = plan(world.flow, world.request(), Run("contract", "all"))
    folder = PlanFolder.at(manifest.uri)
    settle(folder)
    make_report(folder)
    work(manifest)  # a live worker, which somebody took for dead
    leases.free(world.store, world.flow.name, manifest.subjects, Run("contract", "all").holder)
    report = here(world)
    assert (report.ok, report.done) == (True, 0), failure_text(report)
    assert_all_is_right(world)


def test_hostile_names_do_no_harm(world: World) -> None:
    world.put_hostile_names()
    whole = planned(world, Mode.PLAN).planned
    report = run(world)
    assert report.done + report.refused + report.failed + report.skipped == whole
    assert {path.name for path in world.folder.iterdir()} <= {
        "studio",
        "texts",
        "renders",
        "tiny.yaml",
        "images",
        "scans",
        "pairs",
        "mirror",
        "versions",
        "shops",
        "bucket",
        "cache",
    }
    assert "<script>" not in (PlanFolder.at(report.plan).read(keys.REPORT_HTML)).decode()


def test_a_plan_and_its_jobs_say_their_stores(world: World) -> None:
    manifest = planned(world)
    assert manifest.store == world.store.uri
    assert manifest.output_store == world.outputs.uri
    job = parse(world.flow.job_file, world.store.read("/".join(manifest.jobs[0].uri.split("/")[-6:])), "the job")
    assert (job.store, job.output_store, job.stores) == (manifest.store, manifest.output_store, manifest.stores)


@pytest.mark.parametrize("plan_json", [b"", b'{"schema_version": 1, "flow": "compositing", "subject": "tiny"}'])
def test_a_plan_that_cannot_be_read_stops_no_later_run(world: World, plan_json: bytes) -> None:
    """What a power cut, or the version before, left behind."""
    for key, data in (("plan.json", plan_json), ("outcomes/0001/000001.json", b"{}"), ("report.json", b"{}")):
        world.store.write(f"work/contract/all/20260101T000000-000000/{key}", data)
    world.store.write("work/contract/all/20260101T000000-000000/settled.json", b"")
    report = here(world)
    assert report.ok, failure_text(report)
    assert report.done == report.planned > 0
