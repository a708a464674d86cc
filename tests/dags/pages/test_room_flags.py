"""Flags in the fitting room, in a real browser: who, when and what, as text, each with its own style."""

import re

from playwright.sync_api import Route, expect

from darkroom import flags, keys
from darkroom.store import open_store
from tests.dags.pages.conftest import Open
from tests.dags.pages.test_room import show
from tests.dags.pages.world import MARKUP, Pages

NOTE = f"<b>belt</b> {MARKUP}\n‮floats {{{{7*7}}}}"


def test_a_combination_is_flagged_listed_and_cleared_with_who_and_when(pages: Pages, open_page: Open) -> None:
    page = open_page("?style=sample-dress&show=t1-knee-front-0000")
    show(page, "t1-knee-front-0000")
    page.get_by_label("What is wrong with").fill(NOTE)
    page.get_by_role("button", name="Flag this combination").click()
    expect(page.locator("#flag-count")).to_have_text("1")
    assert page.locator("#flags .note").text_content() == NOTE
    expect(page.locator("#flags .who")).to_contain_text("ana, ")
    (made,) = flags.standing(open_store(str(pages.store)), "sample-dress")
    assert (made.note, made.by, made.picture) == (NOTE, "ana", "t1-knee-front-0000")
    other = open_page("?style=sample-dress&show=b1-knee-front-0000", person="vera")
    show(other, "b1-knee-front-0000")
    assert other.locator("#flags .note").text_content() == NOTE
    expect(other.get_by_role("button", name="Flag this combination")).to_be_hidden()
    expect(other.get_by_role("button", name="Clear the flag")).to_have_count(0)
    other.get_by_role("button", name="t1-knee-front-0000").click()
    show(other, "t1-knee-front-0000")
    page.get_by_role("button", name="Clear the flag of t1-knee-front-0000").click()
    expect(page.locator("#flag-count")).to_have_text("0")
    expect(page.locator("#cleared .who")).to_contain_text("cleared by ana, ")
    assert flags.standing(open_store(str(pages.store)), "sample-dress") == ()
    page.get_by_label("What is wrong with").fill("x" * 2000)
    (pages.store / keys.flags("sample-dress")).write_text("{")
    page.get_by_role("button", name="Flag this combination").click()
    expect(page.locator("#flag-trouble")).to_contain_text("sample-dress.json")
    (pages.store / keys.flags("sample-dress")).unlink()


def test_a_flag_that_is_taken_late_stands_among_those_of_its_own_style(pages: Pages, open_page: Open) -> None:
    page = open_page("?style=sample-dress&show=t1-knee-front-0000")
    show(page, "t1-knee-front-0000")
    page.get_by_label("What is wrong with").fill("wrong")

    def late(route: Route) -> None:
        if route.request.method == "POST":
            expect(page.locator("#style")).to_have_value("deep")
            show(page, "default-knee-front-0000")
        route.continue_()

    page.route(re.compile("/flags$"), late)
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        page.evaluate(
            """() => {
                document.querySelector("#flag").click();
                const style = document.querySelector("#style");
                style.value = "deep";
                style.dispatchEvent(new Event("change"));
            }"""
        )
    expect(page.locator("#flag")).to_be_enabled()
    expect(page.locator("#flag-count")).to_have_text("0")
    (pages.store / keys.flags("sample-dress")).unlink()
