"""Who may see the pages: on every route there is, so that a new one cannot be forgotten."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from darkroom import flags
from darkroom.store import open_store
from tests.dags.pages.world import Pages

PICTURE = "t1-knee-front-0001"
_VALUES = {
    "style": "sample-dress",
    "code": "t1",
    "file": "t1_neckline_front_0001.png",
    "name": "page.js",
    "flag_id": "0" * 16,
    "dag_id": "combination_compositing",
    "run": "manual__1",
    "run_id": "manual__1",
    "plan": "1",
    "picture": "default-knee-front-0000",
    "cut": "800x800",
    "job": "1",
    "number": "0",
    "identifier": "a.tif",
    "region": "full",
    "size": "max",
    "rotation": "0",
    "last": "default.jpg",
}
FROM_PAGE = {"X-Darkroom-Page": "fitting-room"}


def routes() -> list[tuple[str, str]]:
    """Method and path of everything that the pages' app answers."""
    from darkroom_airflow.pages.app import app

    found = []
    for route in app.routes:
        assert isinstance(route, APIRoute), f"{route} checks no login"
        found += [(method, route.path.format(**_VALUES)) for method in sorted(route.methods)]
    assert len(found) > 8
    return found


@pytest.fixture
def ask(pages: Pages) -> Iterator[Any]:
    """Asks the server: `ask("GET", "/fitting-room/", "vera")`."""
    with TestClient(pages.app, follow_redirects=False) as client:

        def one(method: str, path: str, person: str = "", **how: Any) -> Any:
            client.cookies.clear()
            if person:
                client.cookies.set("_token", pages.token(person))
            return client.request(method, f"/darkroom{path}", **how)

        yield one


def sent(note: str = "wrong", picture: str = PICTURE) -> dict[str, Any]:
    return {"json": {"picture": picture, "note": note}, "headers": FROM_PAGE}


def test_without_a_login_every_route_is_refused(ask: Any) -> None:
    answers = {(method, path): ask(method, path, **sent()).status_code for method, path in routes()}
    assert set(answers.values()) == {401}, answers


def test_with_a_login_that_may_not_see_the_dag_every_route_is_refused(ask: Any) -> None:
    answers = {(method, path): ask(method, path, "otto", **sent()).status_code for method, path in routes()}
    assert set(answers.values()) == {403}, answers


def test_a_login_of_nobodys_making_is_refused(ask: Any, pages: Pages) -> None:
    forged = pages.token("ana")[:-6] + "AAAAAA"
    answers = {
        ask(method, path, headers={**FROM_PAGE, "Authorization": f"Bearer {forged}"}).status_code
        for method, path in routes()
    }
    assert answers <= {401, 403}


def test_who_may_only_look_may_look_at_everything_and_change_nothing(ask: Any, pages: Pages) -> None:
    for method, path in routes():
        status = ask(method, path, "vera", **(sent() if method == "POST" else {})).status_code
        assert status == 403 if method == "POST" else status in (200, 404), path
    assert flags.every(open_store(str(pages.store)), "sample-dress") == ()


def test_a_page_that_is_opened_without_a_login_leads_to_airflows(ask: Any) -> None:
    answer = ask("GET", "/fitting-room/?style=a&show=b", headers={"Accept": "text/html"})
    assert answer.status_code == 307
    asked_for = "%2Fdarkroom%2Ffitting-room%2F%3Fstyle%3Da%26show%3Db"
    assert answer.headers["location"] == f"/api/v2/auth/login?next={asked_for}"


@pytest.mark.parametrize(
    "how",
    [
        {"content": json.dumps(sent()["json"]), "headers": {**FROM_PAGE, "Content-Type": "text/plain"}},
        {"data": sent()["json"], "headers": FROM_PAGE},
        {"json": sent()["json"]},
        {"json": sent()["json"], "headers": {**FROM_PAGE, "Sec-Fetch-Site": "cross-site"}},
        {"json": sent()["json"], "headers": {**FROM_PAGE, "Sec-Fetch-Site": "same-site"}},
    ],
)
@pytest.mark.parametrize("path", ["flags", "flags/0000000000000000/clear"])
def test_what_another_site_could_send_changes_nothing(ask: Any, pages: Pages, how: dict[str, Any], path: str) -> None:
    assert ask("POST", f"/fitting-room/styles/sample-dress/{path}", "ana", **how).status_code == 403
    assert flags.every(open_store(str(pages.store)), "sample-dress") == ()


def test_every_answer_forbids_a_browser_what_the_page_does_not_need(ask: Any) -> None:
    for person in ("", "otto", "ana"):
        for method, path in routes():
            headers = ask(method, path, person).headers
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["x-frame-options"] == "SAMEORIGIN"
            assert "default-src 'none'" in headers["content-security-policy"]
            assert "frame-ancestors" in headers["content-security-policy"]
            assert headers["cache-control"].startswith("private, ")
            assert "unsafe" not in headers["content-security-policy"]
