"""The pages' server and a browser, once for all of their tests."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.browser import chromium
from tests.dags.pages.world import HIT, Pages, pages_of


@pytest.fixture(scope="package")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    """A real Airflow API server with the pages, and a studio."""
    folder = tmp_path_factory.mktemp("pages")
    with pages_of(folder / "bucket", folder / "home") as made:
        yield made


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """The system's Chromium."""
    with chromium() as started:
        yield started


Open = Callable[..., Page]


@pytest.fixture
def open_page(pages: Pages, browser: Browser) -> Iterator[Open]:
    """Opens the fitting room as somebody: `open_page("?style=…", person="vera", width=360)`.

    However the test goes, no page may have run what it should only show, asked anybody but its server for anything, or
    thrown an error.
    """
    contexts, wrong = [], []

    def open_one(
        address: str = "",
        *,
        person: str = "ana",
        width: int = 1400,
        height: int = 900,
        scheme: str = "light",
        at: str = "",
    ) -> Page:
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)  # type: ignore[arg-type]
        context.set_default_timeout(10_000)
        context.set_default_navigation_timeout(60_000)  # Airflow's own pages are megabytes, and machines are busy
        contexts.append(context)
        if person:
            context.add_cookies([{"name": "_token", "value": pages.token(person), "url": pages.url}])
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(f"{error}: {error.stack}"))
        page.on("console", lambda said: wrong.append(said.text) if "Content Security Policy" in said.text else None)
        ours = (pages.url, f"blob:{pages.url}")  # Airflow's own page starts its editor's worker from a blob
        page.on("request", lambda sent: None if sent.url.startswith(ours) else wrong.append(sent.url))
        page.goto((at or pages.room) + address)
        return page

    yield open_one
    ran = [page.url for context in contexts for page in context.pages if page.evaluate(f"window.{HIT} === 1")]
    for context in contexts:
        context.close()
    assert wrong == []
    assert ran == []
