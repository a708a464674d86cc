"""The five flows as `make run` shows them: a dress from its delivery to its pictures, six scans, an archive, shops."""

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
from demo import shops
from demo.airflow import SOURCE
from demo.archive import CHANGED, PAIR, TWINS, deliver, versions_command
from demo.layout import near
from demo.rest import AirflowApi
from demo.studio import Studio
from demo.watch import console, watch

INGEST, COMPOSITING = "render_ingest", "combination_compositing"
PYRAMIDS, ARCHIVE, SYNC = "nightly_pyramids", "gcs_archive_sync", "local_s3_sync"
FLOWS = (INGEST, COMPOSITING, PYRAMIDS, ARCHIVE, SYNC)
"""In the order in which they are shown."""
STYLE = "sample-dress"
_ASSET, _SCHEDULED = "asset_triggered", "scheduled"
_READ = 5.0
"""Seconds between a question and the script's yes: in the first one or two Airflow may not know yet that it waits."""
_STARTS = 120.0
"""Seconds within which Airflow starts a run for what is new."""


class Result(NamedTuple):
    """What became of a flow: a line for the table, and what is to be known besides."""

    dag: str
    ok: bool
    """Did it do what it should? A run that is red for what was damaged on purpose did."""
    said: str
    place: str = ""
    """Where what it made lies: a folder, as one writes it here, or a URI."""
    run: str = ""
    """The address of the run's page; empty where there was none."""
    report: str = ""
    note: str = ""
    fresh: bool = False
    """Was anything new, for the flow after it?"""


class _Run(NamedTuple):
    """A run that has ended. There is no report where there was no plan."""

    state: str
    page: str
    note: str
    report: Report | None


def fitting_room(studio: Studio, style: str = STYLE) -> str:
    """Where a style's combinations are shown."""
    return f"{studio.address}/plugin/fitting-room/darkroom/fitting-room/?style={quote(style)}"


def take_renders(studio: Studio, style: str = STYLE) -> Result:
    """The renders of the sample dress, from where they are delivered: by the run of the hour, if that is at it."""
    store = studio.settings["DARKROOM_STUDIO_STORE"]
    raws = _folder(store, keys.raw_renders(style))
    console.print(f"Taking the delivered renders of {style} ...")
    with studio.api() as api:
        begun = api.unfinished(INGEST, _SCHEDULED)
        run_id = begun[0] if begun else api.trigger(INGEST, {"style": style})
        run = _watched(studio, api, INGEST, run_id, lambda: _count(raws, "**/*.png", "renders"))
    if run.state != "success" or run.report is None:
        return _failed(INGEST, run)
    report = run.report
    said = f"{report.done:,} renders taken, with a proxy of each, {report.skipped:,} there already"
    note = f"See how they fit, in the fitting room:\n  {fitting_room(studio, style)}"
    place = _place(store, keys.proxies(style))
    return Result(INGEST, True, said, place, run.page, _page(report), note, fresh=report.done > 0)


def make_pictures(studio: Studio, style: str = STYLE, *, fresh: bool = False) -> Result:
    """Every combination of the sample dress. Where its renders are `fresh`, the ingest has started that by itself."""
    store, prefix = studio.settings["DARKROOM_STUDIO_STORE"], keys.cut_prefix(style, keys.COMPOSITE)
    pictures = _folder(store, prefix)
    console.print(f"Making the pictures of {style} ...")
    with studio.api() as api:
        # the run of the hour may have taken the renders before anybody looked
        first = pictures is not None and not pictures.exists()
        begun = _started(studio, api, style, _STARTS if fresh or first else 0.0)
        run_id = begun or api.trigger(COMPOSITING, {"style": style})
        yes = _Yes(studio, api, run_id)
        run = _watched(studio, api, COMPOSITING, run_id, lambda: _count(pictures, "*.png", "pictures"), yes.look)
    if run.state != "success" or run.report is None:
        return _failed(COMPOSITING, run)
    report = run.report
    said = f"{report.done:,} pictures made, {report.skipped:,} there already, in {report.seconds:.0f} s"
    note = "Nobody had to be asked: no picture was new."
    if yes.said:
        began = "The delivered renders started it. " if begun else ""
        note = f"{began}It asked whether they may be made, and this script said yes in your place:\n  {yes.said}"
    return Result(COMPOSITING, True, said, _place(store, prefix), run.page, _page(report), note)


def make_pyramids(studio: Studio) -> Result:
    """A night of the sample scans, one of which is damaged: that one is refused, and the run is red for it."""
    store = studio.settings["DARKROOM_IMAGE_STORE"]
    pyramids = _folder(store, "")
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
    said = f"{made}, 1 refused: red, as it should be"
    return Result(PYRAMIDS, True, said, _place(store, ""), run.page, _page(report), note)


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
    said, place = f"{copied}, 2 refused: red, as it should be", near(studio.layout.mirror)
    return Result(ARCHIVE, True, said, place, run.page, _page(report), note)


def sync_shops(studio: Studio) -> Result:
    """A folder of shops' pictures in a bucket: those that the rules do not allow are refused, and the run is red."""
    console.print("Syncing a folder of shops, some of whose files the rules refuse ...")
    layout = studio.layout
    shops.fill(studio)
    with studio.api() as api:
        run = _run(studio, api, SYNC, {"profile": shops.PROFILE}, lambda: _count(layout.shop, "**/*.jpg", "files"))
    report = run.report
    if report is None or not report.planned or not {one.item for one in report.not_done} <= shops.REFUSED:
        return _failed(SYNC, run)
    refused = [f"  {one.item.removeprefix(f'{shops.PROFILE}/')}: {one.reason}" for one in report.not_done]
    note = (
        f"{near(layout.shops)} stands for a folder that only one machine has, {near(layout.shop)} for S3.\n"
        "The files that its rules refuse are not uploaded, all others are, and the run is red and says of each why:\n"
        + "\n".join(refused)
    )
    said = f"{report.done} of {report.planned} files uploaded, {report.skipped} there already"
    if refused:
        said += f", {len(refused)} refused: red, as it should be"
    else:
        note = "Nothing is refused any more."
    return Result(SYNC, True, said, near(layout.shop), run.page, _page(report), note)


def wait_for_nights(studio: Studio, seconds: float = 300) -> None:
    """Airflow starts the night before by itself when it is new; what is marked meanwhile would be that one's."""
    until = time.monotonic() + seconds
    with studio.api() as api:
        while api.active(PYRAMIDS) and time.monotonic() < until:
            studio.check_alive()
            time.sleep(0.5)


def _started(studio: Studio, api: AirflowApi, style: str, seconds: float) -> str:
    """The run of compositing that the style's renders have started; empty where none comes in time."""
    until = time.monotonic() + seconds
    while not (found := api.unfinished(COMPOSITING, _ASSET, style)) and time.monotonic() < until:
        studio.check_alive()
        time.sleep(0.5)
    return found[0] if found else ""


class _Yes:
    """Says yes in a person's place, once a run asks; `said` is what to, empty where nothing was asked."""

    def __init__(self, studio: Studio, api: AirflowApi, run_id: str) -> None:
        self._studio, self._api, self._run_id = studio, api, run_id
        self._since, self.said = 0.0, ""

    def look(self) -> None:
        """Answer, if it waits and a moment has passed; asked again, it answers again."""
        self._studio.check_alive()
        question = self._api.question(COMPOSITING, self._run_id)
        if question is None:
            self._since = 0.0
        elif not self._since:
            self._since, self.said = time.monotonic(), str(question["subject"])
            console.print(f"{self.said} This script says yes in your place.", markup=False, soft_wrap=True)
        elif time.monotonic() - self._since > _READ:
            self._api.answer(COMPOSITING, self._run_id, "Approve")
            self._since = 0.0


def _run(studio: Studio, api: AirflowApi, dag: str, conf: dict[str, object], made: Callable[[], str]) -> _Run:
    return _watched(studio, api, dag, api.trigger(dag, conf), made)


def _watched(
    studio: Studio,
    api: AirflowApi,
    dag: str,
    run_id: str,
    made: Callable[[], str],
    check: Callable[[], None] | None = None,
) -> _Run:
    state = watch(api, dag, run_id, made, check or studio.check_alive)
    plan = api.xcom(dag, run_id, "plan", "plan_uri")
    page = f"{studio.address}/dags/{dag}/runs/{quote(run_id)}"
    return _Run(state, page, api.run_note(dag, run_id), _report(plan) if plan else None)


def _failed(dag: str, run: _Run) -> Result:
    note = failure_text(run.report) if run.report else run.note or "There is no report; its tasks' logs say more."
    return Result(dag, False, "failed", "", run.page, _page(run.report) if run.report else "", note)


def _report(plan: str) -> Report | None:
    return PlanFolder.at(plan).report()


def _page(report: Report) -> str:
    return PlanFolder.at(report.plan).uri_of(keys.REPORT_HTML)


def _place(store: str, key: str) -> str:
    """Where people look for what a flow made."""
    folder = _folder(store, key)
    return near(folder) if folder else f"{store.rstrip('/')}/{key}".rstrip("/")


def _folder(store: str, key: str) -> Path | None:
    """A place of a store that is a folder here; nothing of one in a bucket."""
    url = urlsplit(store)
    return Path(unquote(url.path)) / key if url.scheme in ("", "file") else None


def _count(folder: Path | None, pattern: str, what: str) -> str:
    return f"{sum(1 for _ in folder.glob(pattern)):,} {what}" if folder else what
