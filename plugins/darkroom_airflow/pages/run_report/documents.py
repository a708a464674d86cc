"""What Darkroom knows of a run: its report's page, the items that were not made, where a person sees one of them."""

from urllib.parse import urlencode, urlsplit

from darkroom import keys
from darkroom.amounts import counted
from darkroom.errors import NotFound
from darkroom.jobs import Manifest, Report
from darkroom.keys import Picture
from darkroom.plan_folder import PlanFolder
from darkroom.reports.not_done import Found, Row, find
from darkroom.reports.page import Shown
from darkroom.store import Store
from darkroom_airflow.pages.lightbox import nights
from darkroom_airflow.pages.rights import DAG, SCANS_DAG
from darkroom_airflow.pages.run_report.runs import RunNow

_LIGHTBOX, _FITTING_ROOM = "../../../lightbox/", "../../../fitting-room/"
"""From the page of a run."""


def plan_id(now: RunNow) -> str:
    """The last folder of the plan's address; empty where there is no plan."""
    return urlsplit(now.plan).path.rstrip("/").rpartition("/")[2]


def folder_of(store: Store, now: RunNow) -> PlanFolder:
    """The folder of a run's plan, in the studio's store: whatever address was passed on, nothing else is read."""
    return PlanFolder(store, keys.plan_folder(now.dag_id, now.run_id, plan_id(now)))


def report_of(store: Store, now: RunNow) -> Shown | None:
    """What the page of the run's report shows; None where there is none yet, or none any more."""
    return folder_of(store, now).document(keys.REPORT_PAGE, Shown) if now.plan else None


def not_made(store: Store, now: RunNow, shown: Shown, query: str, first: int) -> Found:
    """A page of the items that were not made."""
    if not shown.not_done:
        return Found((), 0)
    return find(folder_of(store, now), query, first, all_of_them=shown.not_done)


def so_far(store: Store, now: RunNow) -> str:
    """How much of a run's work lies in jobs that are over, as a sentence; empty where nobody can say."""
    manifest = folder_of(store, now).document(keys.MANIFEST, Manifest) if now.plan else None
    if manifest is None or not manifest.jobs:
        return ""
    over = sum(job.items for at, job in enumerate(manifest.jobs) if at in now.ended)
    of_all = counted(sum(job.items for job in manifest.jobs), manifest.noun)
    return f"{over:,} of {of_all} are in jobs that are over; those of a job that is at work are not counted yet."


def html_of(store: Store, now: RunNow) -> bytes:
    """The run's report.html. Raises `NotFound`."""
    if not now.plan:
        raise NotFound("There is no report of this run.")
    return folder_of(store, now).read(keys.REPORT_HTML)


def links(now: RunNow, report: Report, row: Row) -> list[tuple[str, str]]:
    """Where a person sees an item: what is there, and its address from the run's page."""
    picture = Picture.parse(row.item) if now.dag_id == DAG and report.subjects else None
    if picture:
        style = report.subjects[0]
        said = {"view": "composites", "style": style, "length": picture.length, "side": picture.side}
        said |= {"colour": str(picture.colour), "open": picture.name}
        return [
            ("as its proxies draw it", f"{_FITTING_ROOM}?{urlencode({'style': style, 'show': picture.name})}"),
            ("as it stands", f"{_LIGHTBOX}?{urlencode(said)}"),
        ]
    if now.dag_id == SCANS_DAG and row.job:
        return [("the scan", f"scan?{urlencode({'job': row.job, 'item': row.item}, errors='surrogateescape')}")]
    return []


def scan_address(store: Store, now: RunNow, job: int, item: str) -> str:
    """Where the lightbox shows the scan of an item of a night, from the run's page. Raises `NotFound`."""
    run, plan = keys.segment(now.run_id), keys.segment(plan_id(now))
    number = nights.number_of(store, run, plan, job, item)
    said = {"view": "nights", "run": run, "plan": plan, "job": job, "open": number + 1}
    return f"{_LIGHTBOX}?{urlencode(said | {'first': number // nights.PAGE * nights.PAGE})}"
