"""Who may look at the pages, who may flag, and that a flag comes from the page itself."""

from typing import Annotated

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_dag
from fastapi import Depends, HTTPException, Request

DAG = "combination_compositing"
"""Who may read this DAG may look; who may edit it may flag: a flag holds its runs' approval up."""
SCANS_DAG = "nightly_pyramids"
"""Who may read this DAG may look at its pyramids, and at the scans that they are of."""
FROM_PAGE = "X-Darkroom-Page"
"""A header that only a script of the same origin can send: a form of another site cannot."""

may_look = requires_access_dag("GET", param_dag_id=DAG)
may_flag = requires_access_dag("PUT", param_dag_id=DAG)
may_look_at_scans = requires_access_dag("GET", param_dag_id=SCANS_DAG)
may_see_run = requires_access_dag("GET", DagAccessEntity.RUN)
"""Who may see the runs of the DAG in the address may see what became of one."""


def what_may_be_seen(request: Request, user: GetUserDep) -> dict[str, bool]:
    """What this user may look at. Raises `HTTPException` where that is nothing."""
    seen = {}
    for name, check in (("composites", may_look), ("scans", may_look_at_scans)):
        try:
            check(request, user)
        except HTTPException as error:
            refused = error
            seen[name] = False
        else:
            seen[name] = True
    if not any(seen.values()):
        raise refused
    return seen


Seen = Annotated[dict[str, bool], Depends(what_may_be_seen)]


def is_flagging(request: Request, user: GetUserDep) -> bool:
    """May this user flag? For a page that only shows what can be used."""
    try:
        may_flag(request, user)
    except HTTPException:
        return False
    return True


IsFlagging = Annotated[bool, Depends(is_flagging)]


def from_page(request: Request) -> None:
    """Refuse what changes something and was not sent by a page of this origin: the login comes in a cookie."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    site = request.headers.get("sec-fetch-site", "same-origin")
    if kind != "application/json" or not request.headers.get(FROM_PAGE) or site != "same-origin":
        raise HTTPException(403, "This can only be done from the page itself; open it from Airflow's menu.")
