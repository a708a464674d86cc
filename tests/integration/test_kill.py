"""A killed run: what is finished is kept, the same command does only the rest."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from darkroom import keys, worker
from darkroom.compositing.flow import FLOW
from darkroom.compositing.request import Request
from darkroom.flows import Run
from darkroom.jobs import Outcome, State
from darkroom.plan_folder import PlanFolder, Recorder
from darkroom.planning import plan
from tests.tiny import PICTURES, Tiny

BATCH = 64


@pytest.fixture
def tiny(tmp_path: Path) -> Tiny:
    # large enough that a run takes a second or two, so that it can be killed in the middle
    return Tiny(tmp_path, size=1600)


def command(tiny: Tiny, *more: str) -> list[str]:
    words = ["composite", "--style", tiny.style, "--renders", tiny.renders, "--out", tiny.out, *more]
    return [sys.executable, "-m", "darkroom", *map(str, words)]


def start_and_stop(tiny: Tiny, how: signal.Signals, *more: str, pictures: int = 20) -> int:
    """Start a run, stop it once it has made some pictures, and return its exit code."""
    process = subprocess.Popen(command(tiny, *more), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while len(tiny.pictures()) < pictures and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(how)
    return process.wait(timeout=60)


@pytest.mark.parametrize("mode", ["changed", "all"])
def test_kill_in_the_middle_redoes_only_the_rest(tiny, mode):
    assert start_and_stop(tiny, signal.SIGKILL, "--mode", mode) == -signal.SIGKILL
    before = tiny.pictures()
    assert 0 < len(before) < PICTURES
    recorded = {
        outcome["item"]
        for batch in tiny.out.glob("work/composite/tiny/*/outcomes/*/*.json")
        for outcome in json.loads(batch.read_bytes())["outcomes"]
    }
    assert len(before) - len(recorded) <= BATCH
    report = tiny.folder / "report.json"
    run = tiny.composite("--mode", mode, "--report", str(report))
    assert run.returncode == 0, run.stderr
    after = tiny.pictures()
    assert len(after) == PICTURES
    assert all(after[name] == before[name] for name in recorded)
    counted = json.loads(report.read_bytes())
    assert (counted["done"], counted["skipped"]) == (PICTURES - len(recorded), len(recorded))
    assert tiny.verify().returncode == 0


def test_a_terminated_run_writes_down_what_it_has_finished(tiny):
    assert start_and_stop(tiny, signal.SIGTERM, "--cuts", "800x800") == 128 + signal.SIGTERM
    recorded = [
        outcome["item"]
        for batch in tiny.out.glob("work/composite/tiny/*/outcomes/*/*.json")
        for outcome in json.loads(batch.read_bytes())["outcomes"]
    ]
    assert sorted(recorded) == sorted(tiny.pictures())


def planned(tiny: Tiny) -> str:
    """A plan with one job; returns the job's URI."""
    request = Request(style_file=str(tiny.style), renders=str(tiny.renders), store=str(tiny.out), cuts=("142x142",))
    (job, *others) = plan(FLOW, request, Run("dag", "run")).jobs
    assert len(others) == 1
    return job.uri


def test_two_workers_on_one_job_do_no_harm(tmp_path):
    tiny = Tiny(tmp_path, size=400)
    uri = planned(tiny)
    both = [subprocess.Popen([sys.executable, "-m", "darkroom", "job", "run", uri]) for _ in range(2)]
    assert [process.wait(timeout=120) for process in both] == [0, 0]
    assert len(tiny.pictures("142x142")) == PICTURES // 2
    assert all(outcome.state is State.DONE for outcome in worker.run_job(uri, workers=1).values())


def test_a_render_that_changed_since_the_plan_fails_its_pictures_only(tmp_path):
    tiny = Tiny(tmp_path)
    uri = planned(tiny)
    tiny.repaint("t1_neckline_front", 0)
    tiny.render("t1_neckline_front", 1).unlink()
    outcomes = worker.run_job(uri, workers=2)
    failed = worker.failures(outcomes)
    assert len(failed) == 16
    assert all(outcome.reason.startswith("changed since plan") and "t1-" in outcome.item for outcome in failed)


def test_outcomes_of_two_recorders_never_overwrite_each_other(tmp_path):
    folder = PlanFolder.at(str(tmp_path / "plan"))
    one, other = Recorder(folder, 1, batch=1), Recorder(folder, 1, batch=1)
    for number in range(3):
        one.add([Outcome(item=f"a{number}", state=State.DONE)])
        other.add([Outcome(item=f"b{number}", state=State.DONE)])
    assert set(folder.outcomes(1).latest) == {"a0", "a1", "a2", "b0", "b1", "b2"}
    assert len(list((tmp_path / "plan" / keys.outcomes(1)).iterdir())) == 6
