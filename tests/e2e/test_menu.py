"""Darkroom's pages as a person reaches them in a running Airflow: logged in, by the menu, and not without rights."""

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, expect

from demo.credentials import USER
from tests.browser import chromium
from tests.e2e.conftest import NOBODY
from tests.e2e.nights import Nights

# the minute of the night that is late passes meanwhile
pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.usefixtures("late")]

SLOW = 60_000
"""Milliseconds: Airflow's own pages are megabytes, and machines are busy."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


def log_in(nights: Nights, browser: Browser, person: str) -> Page:
    """Airflow's first page, as who has typed name and password there sees it."""
    page = browser.new_context(viewport={"width": 1400, "height": 900}, locale="en-GB").new_page()
    page.set_default_timeout(SLOW)
    page.goto(nights.studio.address)
    page.get_by_label("Username").fill(person)
    page.get_by_label("Password").fill(json.loads(nights.studio.layout.passwords.read_text())[person])
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "login" not in url)
    return page


@pytest.fixture(scope="module")
def admin(nights: Nights, browser: Browser) -> Page:
    return log_in(nights, browser, USER)


def chosen(page: Page, name: str) -> FrameLocator:
    """What the menu's entry of this name opens."""
    page.get_by_role("link", name=name).click()
    return page.frame_locator("iframe")


def test_the_menu_leads_to_the_fitting_room_which_draws_what_was_delivered(nights: Nights, admin: Page) -> None:
    room = chosen(admin, "Fitting room")
    expect(admin).to_have_url(f"{nights.studio.address}/plugin/fitting-room", timeout=SLOW)
    expect(room.locator("canvas")).to_have_attribute("data-picture", "default-mini-front-0000", timeout=SLOW)
    icon = admin.get_by_role("link", name="Fitting room").locator("img")
    assert icon.evaluate("one => one.decode().then(() => one.naturalWidth)") > 0


def test_the_menu_leads_to_the_lightbox_which_shows_every_style(nights: Nights, admin: Page) -> None:
    box = chosen(admin, "Lightbox")
    expect(admin).to_have_url(f"{nights.studio.address}/plugin/lightbox", timeout=SLOW)
    expect(box.locator("#main[data-ready]")).to_be_attached(timeout=SLOW)
    expect(box.get_by_label("Style")).to_contain_text("tiny")


def test_who_has_no_rights_finds_no_entry_and_is_refused_what_lies_behind_it(nights: Nights, browser: Browser) -> None:
    page = log_in(nights, browser, NOBODY)
    for path in ("fitting-room", "lightbox"):
        page.goto(f"{nights.studio.address}/plugin/{path}")
        expect(page.get_by_text("Page Not Found")).to_be_visible(timeout=SLOW)
        for name in ("Fitting room", "Lightbox"):
            expect(page.get_by_role("link", name=name)).to_have_count(0)
        answer = page.goto(f"{nights.studio.address}/darkroom/{path}/")
        assert answer is not None
        assert answer.status == 403
        expect(page.locator("canvas")).to_have_count(0)
