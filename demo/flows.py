"""The flows as `make run` shows them: the pictures of the sample dress, pyramids of six scans, and those archived."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, unquote, urlsplit

from darkroom import keys
from darkroom.jobs import Report
from darkroom.plan_folder import PlanFolder
from darkroom.reports import failure_text
from darkroom.sample.scans import DAMAGED
from demo.airflow import SOURCE
from demo.archive import CHANGED, PAIR, TWINS, deliver, versions_command
from demo.rest import AirflowApi
from demo.studio import Studio
from demo.watch import console, watch

COMPOSITING, PYRAMIDS, ARCHIVE = "combination_compositing", "nightly_pyramids", "gcs_archive_sync"
STYLE = "sample-dress"


class Result(NamedTuple):
    """What became of a flow: a line for the table, and what is to be known besides."""

    dag: str
    ok: bool
    said: str
    run: str = ""
    """The address of the run's page; empty where there was none."""
    report: str = ""
    note: str = ""


class _Run(NamedTuple):
    """A run that has ended. There is no report where there was no plan."""

    state: str
    page: str
    note: str
    report: Report | None


def make_pictures(studio: Studio) -> Result:
    """Every combination of the sample dress."""
    pictures = _folder(studio.settings["DARKROOM_STUDIO_STORE"], keys.cut_prefix(STYLE, keys.COMPOSITE))
    console.print(f"Making the pictures of {STYLE} ...")
    with studio.api() as api:
        run = _run(studio, api, COMPOSITING, {"style": STYLE}, lambda: _count(pictures, "*.png", "pictures"))
    if run.state != "success" or run.report is None:
        return _failed(COMPOSITING, run)
    report = run.report
    said = f"{report.done:,} pictures made, {report.skipped:,} were there already, in {report.seconds:.0f} s"
    return Result(COMPOSITING, True, said, run.page, _page(report))


def make_pyramids(studio: Studio) -> Result:
    """A night of the sample scans, one of which is damaged: that one is refused, and the run is red for it."""
    pyramids = _folder(studio.settings["DARKROOM_IMAGE_STORE"], "")
    console.print("Making the pyramids of six scans, one of them damaged ...")
    studio.darkroom("mark", "mark", "--source", SOURCE)
    with studio.api() as api:
        run = _run(studio, api, PYRAMIDS, {"sources": [SOURCE]}, lambda: _count(pyramids, "**/*.tif", "pyramids"))
    if run.report is None:
        return _failed(PYRAMIDS, run)
    report = run.report
    refused = {one.item: one.reason for one in report.not_done}
    if list(refused) != [f"{SOURCE}/{DAMAGED}"]:
        return _failed(PYRAMIDS, run)
    made = f"{report.done} of {report.planned} pyramids made, {report.skipped} there already"
    note = (
        f"{DAMAGED} was cut short on purpose, to show what becomes of such a file.\n"
        "It gets no half-grey pyramid, all others are made, and the run is red and says why:\n"
        f"{refused[f'{SOURCE}/{DAMAGED}']}"
    )
    return Result(PYRAMIDS, True, f"{made}, 1 refused as it should be", run.page, _page(report), note)


def archive_scans(studio: Studio) -> Result:
    """The scans in one folder copied to another: one is new, one has changed, two are refused, and the run is red."""
    console.print("Archiving the scans, two of which would have the same copy ...")
    new = deliver(studio)
    with studio.api() as api:
        run = _run(studio, api, ARCHIVE, {"pairs": [PAIR]}, lambda: _count(studio.layout.mirror, "*", "copies"))
    report = run.report
    if report is None or {one.item for one in report.not_done} != {f"{PAIR}/{twin}" for twin in TWINS}:
        return _failed(ARCHIVE, run)
    copied = f"{report.done} of {report.planned} objects copied, {report.skipped} there already"
    note = (
        "cloud, mirror and versions in var/buckets stand for GCS, for S3 and for the archive.\n"
        f"{new} was new and was copied. {CHANGED} had changed and was replaced; every version of it is kept:\n"
        f"  {versions_command(studio.layout)}\n"
        f"{' and '.join(TWINS)} would have the same copy: neither has one, and the run is red and names both."
    )
    return Result(ARCHIVE, True, f"{copied}, 2 refused as they should be", run.page, _page(report), note)


def wait_for_nights(studio: Studio, seconds: float = 300) -> None:
    """Airflow starts the night before by itself when it is new; what is marked meanwhile would be that one's."""
    until = time.monotonic() + seconds
    with studio.api() as api:
        while api.active(PYRAMIDS) and time.monotonic() < until:
            studio.check_alive()
            time.sleep(0.5)


def _run(studio: Studio, api: AirflowApi, dag: str, conf: dict[str, object], made: Callable[[], str]) -> _Run:
    run_id = api.trigger(dag, conf)
    state = watch(api, dag, run_id, made, studio.check_alive)
    plan = api.xcom(dag, run_id, "plan", "plan_uri")
    page = f"{studio.address}/dags/{dag}/runs/{quote(run_id)}"
    return _Run(state, page, api.run_note(dag, run_id), _report(plan) if plan else None)


def _failed(dag: str, run: _Run) -> Result:
    note = failure_text(run.report) if run.report else run.note or "There is no report; its tasks' logs say more."
    return Result(dag, False, "failed", run.page, _page(run.report) if run.report else "", note)


def _report(plan: str) -> Report | None:
    return PlanFolder.at(plan).report()


def _page(report: Report) -> str:
    return PlanFolder.at(report.plan).uri_of(keys.REPORT_HTML)


def _folder(store: str, key: str) -> Path | None:
    """A place of a store that is a folder here; nothing of one in a bucket."""
    url = urlsplit(store)
    return Path(unquote(url.path)) / key if url.scheme in ("", "file") else None


def _count(folder: Path | None, pattern: str, what: str) -> str:
    return f"{sum(1 for _ in folder.glob(pattern)):,} {what}" if folder else what
