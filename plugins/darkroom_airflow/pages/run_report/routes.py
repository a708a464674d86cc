"""The routes of a run's report. Every one of them needs the right to read its DAG's runs."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import RedirectResponse

from darkroom.reports.not_done import PAGE, Found
from darkroom.reports.page import Shown, values
from darkroom.reports.templating import STYLE, environment, style
from darkroom.store import Store
from darkroom_airflow.pages.rights import may_see_run
from darkroom_airflow.pages.run_report import documents
from darkroom_airflow.pages.run_report.runs import RunNow, run_now
from darkroom_airflow.pages.static_files import PAGE_POLICY, StaticFiles
from darkroom_airflow.pages.studio import ask
from darkroom_airflow.xcoms import NOT_DONE

_POLICY = PAGE_POLICY.replace("img-src 'self'", "img-src 'self' data:").replace(
    "form-action 'none'", "form-action 'self'"
)
_LONGEST = 200  # characters of a search

_templates = environment(__package__)

router = APIRouter(prefix="/runs/{dag_id}/{run_id}", dependencies=[Depends(may_see_run)])
StaticFiles(__package__, _POLICY, {STYLE: style}).add_routes(router, page=False)
Now = Annotated[RunNow, Depends(run_now)]
_Query = Annotated[str, Query(max_length=_LONGEST)]
_Number = Annotated[int, Query(ge=0, le=10_000_000)]


@router.get("/")
async def page(now: Now, q: _Query = "", first: _Number = 0) -> Response:
    """The page: how far the run is, its report, and of what was not made the items that `q` finds, from `first` on."""
    text = await ask(lambda store: _drawn(store, now, q.strip(), first))
    return Response(text, media_type="text/html; charset=utf-8", headers={"Content-Security-Policy": _POLICY})


@router.get("/report.html")
async def report_html(now: Now) -> Response:
    """The report as one page for elsewhere, to be kept."""
    data = await ask(lambda store: documents.html_of(store, now))
    headers = {"Content-Disposition": 'attachment; filename="report.html"'}
    return Response(data, media_type="text/html; charset=utf-8", headers=headers)


@router.get("/scan")
async def scan(now: Now, job: _Number, item: Annotated[str, Query(max_length=4096)]) -> Response:
    """Leads to the lightbox, which shows the scan of an item of this run."""
    return RedirectResponse(await ask(lambda store: documents.scan_address(store, now, job, item)), 307)


def _drawn(store: Store, now: RunNow, query: str, first: int) -> bytes:
    shown = documents.report_of(store, now) if now.is_ours else None
    first = first // PAGE * PAGE
    found = documents.not_made(store, now, shown, query, first) if shown else Found((), 0)
    of_report = _values(now, shown, found) if shown else {"report": None}
    so_far = documents.so_far(store, now) if now.is_ours and now.goes_on else ""
    of_page = {"query": query, "first": first, "found": found, "page": PAGE}
    template = _templates.get_template("run.html.jinja")
    text = template.render(now=now, so_far=so_far, no_plan=NOT_DONE, **of_page, **of_report)
    # a file's name may be no UTF-8
    return text.encode(errors="backslashreplace")


def _values(now: RunNow, shown: Shown, found: Found) -> dict[str, Any]:
    rows = [(row, documents.links(now, shown.report, row)) for row in found.rows]
    return {**values(shown), "rows": rows}
