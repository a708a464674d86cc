"""What a plan says that a run will ask of a store, beside what it really asks."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from darkroom import planning, worker
from darkroom.cli import app
from darkroom.compositing.flow import FLOW
from darkroom.compositing.request import Request
from darkroom.errors import BadInput
from darkroom.estimates import Estimate
from darkroom.estimating.scenario import composites
from darkroom.figures import REFERENCE, Figures, figures_of, keep_figures
from darkroom.flows import Flow, Run
from darkroom.jobs import Manifest, Mode, Report
from darkroom.plan_folder import PlanFolder, Recorder
from darkroom.pyramids.flow import FLOW as PYRAMIDS
from darkroom.reports import make_report
from darkroom.settings import settings
from darkroom.settling import settle
from darkroom.store import Store, open_store
from darkroom.store import asked as store_asked
from darkroom.store.s3_access import S3Access
from darkroom.store.transfer import transfer, under_same_keys
from darkroom.worker import run_job
from tests.night import RUN, library
from tests.servers.fault_proxy import FaultProxy, Seen
from tests.tiny import CUTS, PICTURES, Tiny

OF_REPORT = 3
"""Objects of a report of a run in which all went well, each written and confirmed."""
OFF = 0.1
"""By which part of them the requests of a run of some dozen items may be other than its plan said."""


def asked(seen: list[Seen]) -> Counter[str]:
    """Requests by what providers charge for."""
    kinds: Counter[str] = Counter()
    for method, path, _ in seen:
        query = path.partition("?")[2]
        lists = method == "GET" and ("list-type=2" in query or query.startswith("uploads"))
        removes = method == "DELETE" or (method == "POST" and "delete" in query)
        kinds["lists" if lists else "deletes" if removes else "puts" if method in ("PUT", "POST") else "gets"] += 1
    return kinds


@pytest.fixture
def proxy(open_backend: Callable[[str], Store], servers, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultProxy]:
    """Before an S3 whose copies heed conditions, as AWS's do (moto_app.py)."""
    monkeypatch.setattr(S3Access, "copies_conditionally", True)
    # a busy machine would write more batches: after two seconds each
    monkeypatch.setattr(worker, "Recorder", partial(Recorder, seconds=3600.0))
    with FaultProxy(servers.environment("moto")["AWS_ENDPOINT_URL"]) as before:
        yield before


def through(proxy: FaultProxy, flow: Flow, request, run: Run) -> tuple[Manifest, Report]:
    """Plan, run, settle and report, each as its task does; only their requests are seen."""
    store_asked.taken()
    proxy.clear()
    manifest = planning.plan(flow, request, run)
    for job in manifest.jobs:
        run_job(job.uri, workers=2)
    settle(PlanFolder.at(manifest.uri))
    report = make_report(PlanFolder.at(manifest.uri))
    assert report.ok, report
    return manifest, report


def expect(manifest: Manifest, report: Report, seen: list[Seen]) -> None:
    estimate, real = manifest.estimate, asked(seen)
    assert estimate
    said = f"{estimate} {report.requests} {real}"
    # what a report says was asked is what the server saw, but for the objects that the report itself is written to
    assert Counter(report.requests) + Counter(puts=OF_REPORT, gets=OF_REPORT) == real, said
    assert real["puts"] == pytest.approx(estimate.puts, rel=OFF), said
    assert real["gets"] == pytest.approx(estimate.gets, rel=OFF), said
    assert real["lists"] == pytest.approx(estimate.lists, abs=3), said


def test_composites_ask_of_a_store_what_their_plan_said(
    tmp_path: Path, open_backend: Callable[[str], Store], proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio, out = Tiny(tmp_path), open_backend("moto")
    renders = open_store(f"{out.uri}/renders")
    source = open_store(str(studio.renders))
    assert not [one.reason for one in transfer(source, renders, under_same_keys(source.list())) if one.reason]
    monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
    for name, price in {"CORE_HOUR": "3.6 EUR", "WRITE": "5", "READ": "0.4"}.items():
        monkeypatch.setenv(f"DARKROOM_{name}_PRICE", price)
    settings.cache_clear()
    request = Request(style_file=str(studio.style), renders=renders.uri, store=f"{out.uri}/studio")
    manifest, report = through(proxy, FLOW, request, Run("composites", "first"))
    settings.cache_clear()
    expect(manifest, report, proxy.seen)
    assert report.done == PICTURES
    assert report.estimate == manifest.estimate
    assert report.core_seconds > 0
    # what was asked, and not what was said: it is the price of that
    requests = (report.requests["puts"] + report.requests["lists"]) * 0.005 + report.requests["gets"] * 0.0004
    assert report.cost == pytest.approx(report.core_seconds * 0.001 + requests)


def test_composites_by_content_are_written_once_and_never_copied(
    tmp_path: Path, open_backend: Callable[[str], Store], proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio, out = Tiny(tmp_path), open_backend("moto")
    monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
    request = Request(style_file=str(studio.style), renders=str(studio.renders), store=out.uri, layout="content")
    manifest, _ = through(proxy, FLOW, request, Run("composites", "content"))
    estimate, real = manifest.estimate, asked(proxy.seen)
    assert estimate
    # the indexes are not counted: a few objects a style
    assert estimate.puts <= real["puts"] <= estimate.puts + 2 * len(CUTS)


def test_pyramids_ask_of_a_store_what_their_plan_said(
    open_backend: Callable[[str], Store], proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = open_backend("moto").uri
    with library(f"{root}/scans", f"{root}/studio", f"{root}/images") as maps:
        names = [f"sheet/{number:03}.jpg" for number in range(40)]
        for name in names:
            maps.scan(name)
        maps.mark(*names)
    monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
    with library(f"{root}/scans", f"{root}/studio", f"{root}/images"):
        manifest, report = through(proxy, PYRAMIDS, PYRAMIDS.request({}), RUN)
    assert report.done == len(names)
    expect(manifest, report, proxy.seen)


def estimate(*words: str) -> tuple[int, str, str]:
    """The command in this process: its exit code, what it says, and what it refuses."""
    try:
        done = CliRunner().invoke(app, ["estimate", *words], catch_exceptions=False)
    except BadInput as refusal:  # `main` makes exit code 2 of it
        return 2, "", "\n".join(refusal.problems)
    return done.exit_code, done.stdout, done.stderr


@pytest.fixture
def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tiny]:
    """A tiny studio, in a deployment that has prices."""
    monkeypatch.setenv("DARKROOM_STUDIO_STORE", str(tmp_path / "out"))
    monkeypatch.setenv("DARKROOM_CORE_HOUR_PRICE", "3600 EUR")
    settings.cache_clear()
    yield Tiny(tmp_path)
    settings.cache_clear()


def of_style(studio: Tiny, *words: str) -> dict[str, Any]:
    code, said, wrong = estimate("--style", str(studio.style), "--renders", str(studio.renders), "--json", *words)
    assert code == 0, wrong
    return json.loads(said)


def test_a_style_is_estimated_as_its_plan_does_and_what_stands_costs_nothing(studio: Tiny) -> None:
    found = of_style(studio, "--machines", "3", "--cores", "2")
    assert (found["items"], found["files"], found["runs"]) == (PICTURES, PICTURES * len(CUTS), 1)
    manifest = planning.preview(FLOW, studio._request(renders=str(studio.renders), mode=Mode.PLAN), Run("a", "b"))
    assert manifest.estimate
    assert found["core_seconds"] == pytest.approx(manifest.estimate.core_seconds)
    assert found["jobs"] == manifest.estimate.jobs
    assert of_style(studio, "--length", "Knee")["items"] == PICTURES // 2
    assert studio.run().ok
    assert of_style(studio)["items"] == 0


def test_a_plan_goes_by_the_studios_own_figures(studio: Tiny) -> None:
    before = of_style(studio)
    slow = REFERENCE.model_copy(update={"machine": "a slow one", "encode": 100 * REFERENCE.encode})
    keep_figures(open_store(str(studio.out)), slow)
    assert of_style(studio)["core_seconds"] > 10 * before["core_seconds"]
    request = studio._request(renders=str(studio.renders))
    assert (planning.plan(FLOW, request, Run("a", "b")).estimate or Estimate()).core_seconds > before["core_seconds"]
    code, said, _ = estimate("--composites", "1000")
    assert code == 0
    assert "By the figures of a slow one" in said


def test_the_report_puts_beside_the_estimate_what_the_workers_took(studio: Tiny) -> None:
    report = studio.run()
    assert report.estimate
    assert report.core_seconds > 0
    assert report.cost == pytest.approx(report.core_seconds)  # at 3600 an hour
    assert report.estimate.cost == pytest.approx(report.estimate.core_seconds)
    assert report.estimate.puts == 0, "to a folder nothing is asked that costs"
    folder = open_store(str(studio.out))
    (html,) = [folder.read(entry.key).decode() for entry in folder.list("work/") if entry.key.endswith("report.html")]
    assert "Estimated, and spent" in html
    assert f"{report.core_seconds:,.2f} EUR" in html
    again = studio.run()
    assert (again.estimate, again.core_seconds) == (None, 0.0)


def test_mode_plan_says_on_the_terminal_what_it_would_take(studio: Tiny) -> None:
    run = studio.composite("--mode", "plan")
    assert run.returncode == 0, run.stderr
    assert re.search(r"it would take .* of one core in 2 jobs, the longest of .* EUR", run.stdout)
    assert not list(studio.out.glob("work/*"))
    assert re.search(r"work: .* of one core; the plan said .* of one core", studio.composite().stdout)


def test_a_million_pyramids_are_told_as_a_table(studio: Tiny) -> None:
    code, said, _ = estimate("--pyramids", "100000", "--machines", "12", "--cores", "8", "--write-price", "0.005")
    assert code == 0
    for line in ("to make", "runs, jobs, tasks", "requests: writes", "until all is made", "cost in all, once"):
        assert line in said
    assert "100,000" in said
    assert "Without a price: --read-price, --storage-price;" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "Nothing is asked"),
        (["--composites", "5", "--pyramids", "5"], "--composites and --pyramids: give one of them"),
        (["--composites", "5", "--renders", "x"], "give --style"),
        (["--composites", "5", "--core-hour-price", "cheap"], "--core-hour-price: 'cheap' is no price"),
        (["--composites", "5", "--read-price", "0.1 USD"], "prices: they are in EUR and USD"),
        (["--style", "no.yaml"], "no.yaml"),
    ],
)
def test_what_cannot_be_estimated_is_refused_in_a_sentence(studio: Tiny, words: list[str], said: str) -> None:
    code, _, wrong = estimate(*words)
    assert code == 2
    assert said in wrong


def test_a_number_that_is_none_is_refused(studio: Tiny) -> None:
    assert estimate("--composites", "0")[0] == 2
    assert estimate("--pyramids", "5", "--machines", "0")[0] == 2


@pytest.mark.slow
def test_measuring_keeps_figures_that_plans_go_by_and_nothing_else(studio: Tiny, capfd) -> None:
    code, said, wrong = estimate("--measure", "--composites", "1000", "--json")
    assert code == 0, wrong
    figures, forecast = (json.loads(line) for line in said.splitlines())
    kept = figures_of(open_store(str(studio.out)))
    assert kept == Figures.model_validate(figures)
    assert kept.measured == datetime.now(UTC).date()
    assert kept != REFERENCE
    assert [entry.key for entry in open_store(str(studio.out)).list()] == ["state/figures.json"]
    assert forecast["items"] == 1000
    assert f"{forecast['core_seconds']:.6f}" == f"{composites(1000, kept)[0].jobs[0].seconds:.6f}"
