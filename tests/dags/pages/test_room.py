"""The fitting room in a real browser: what is picked is what is drawn, and what may not be picked says why."""

import json
import re
import shutil
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, quote

import numpy as np
import numpy.typing as npt
import pytest
from playwright.sync_api import Locator, Page, Route, expect

from darkroom import keys
from darkroom.sample import layer_names
from darkroom.styles.stacks import Resolver, Stack
from darkroom.styles.style import Style
from tests.dags.pages.canvas import canvas_of
from tests.dags.pages.conftest import Open
from tests.dags.pages.world import DEEP, HOSTILE, MARKUP, SAMPLE, Pages
from tests.renders import pixels, png


def show(page: Page, name: str, number: int = 0) -> Locator:
    """Wait until a picture stands."""
    canvas = page.locator("canvas").nth(number)
    expect(canvas).to_have_attribute("data-picture", name)
    return canvas


def chip(page: Page, name: str) -> Locator:
    """The radio button or check box of an option, a length, a side or a colour."""
    return page.get_by_role("radio", name=name, exact=True).or_(page.get_by_role("checkbox", name=name, exact=True))


def pick(page: Page, *names: str) -> None:
    """Click, as fast as no person could."""
    for name in names:
        chip(page, name).click()


def drawn(canvas: Locator) -> npt.NDArray[np.float64]:
    """The canvas's pixels, premultiplied."""
    pixels = canvas_of(canvas)
    return np.concatenate([pixels[..., :3] * pixels[..., 3:] / 255, pixels[..., 3:]], axis=2)


def stack(style: Style, length: str, side: str, codes: tuple[str, ...], layers: list[str]) -> Stack:
    return Resolver(style, length, side, layers).stack(codes)


def test_what_is_picked_is_drawn_as_its_proxies_lie_over_one_another(pages: Pages, open_page: Open) -> None:
    page = open_page("?style=sample-dress")
    show(page, "default-micro_mini-front-0000")
    pick(page, "Maxi", "t1", "a2", "b4", "t6", "0001")
    canvas = show(page, "a2-b4-t1-t6-maxi-front-0001")
    layers = stack(SAMPLE, "maxi", "front", ("a2", "t1", "t6", "b4"), layer_names())
    assert len(layers) > 4
    assert np.abs(drawn(canvas) - pages.composite(SAMPLE, layers, 1)).max() <= 2
    pick(page, "back")
    canvas = show(page, "a2-b4-t1-t6-maxi-back-0001")
    layers = stack(SAMPLE, "maxi", "back", ("a2", "t1", "t6", "b4"), layer_names())
    assert np.abs(drawn(canvas) - pages.composite(SAMPLE, layers, 1)).max() <= 2
    assert page.locator("#stack code").all_inner_texts() == list(reversed(layers))


def test_many_translucent_layers_over_one_another_are_drawn_as_exactly(pages: Pages, open_page: Open) -> None:
    codes = tuple(DEEP.customizations)
    page = open_page(f"?style=deep&show={'-'.join(sorted(codes))}-knee-front-0000")
    canvas = show(page, f"{'-'.join(sorted(codes))}-knee-front-0000")
    layers = ["base_bottom_front", *(f"{code}_infront_front" for code in reversed(codes))]
    assert stack(DEEP, "knee", "front", codes, layers) == tuple(layers)
    assert np.abs(drawn(canvas) - pages.composite(DEEP, layers)).max() <= 2


def test_a_pictures_proxies_come_in_one_answer_and_each_only_once(pages: Pages, open_page: Open) -> None:
    page = open_page("?style=unknown")
    asked: list[list[str]] = []

    def listen(sent: Any) -> None:
        path, _, query = sent.url.partition("?")
        if "/proxies" in path:
            asked.append([want.rpartition("/")[2] for want in parse_qs(query).get("want", [path])])

    page.on("request", listen)
    page.goto(f"{pages.room}?style=sample-dress&show=a2-b4-t1-maxi-front-0000")
    show(page, "a2-b4-t1-maxi-front-0000")
    layers = stack(SAMPLE, "maxi", "front", ("a2", "t1", "b4"), layer_names())
    assert asked[0] == [f"{layer}_0000.png" for layer in layers]
    with page.expect_response(lambda answer: "_0001.png" in answer.url):  # what one more click may need, by itself
        pick(page, "t3")
        show(page, "a2-b4-t3-maxi-front-0000")
    pick(page, "back", "0001", "front", "t1", "0000")
    show(page, "a2-b4-t1-maxi-front-0000")
    files = [file for files in asked for file in files]
    assert len(files) == len(set(files))


def test_what_may_not_be_picked_says_why_and_stays_as_it_is(open_page: Open) -> None:
    page = open_page("?style=sample-dress&show=t2-maxi-front-0000")
    show(page, "t2-maxi-front-0000")
    lace = chip(page, "t6")
    expect(lace).to_have_attribute("aria-disabled", "true")
    expect(lace).to_have_accessible_description("It does not go with t2.")
    lace.focus()
    expect(lace).to_be_focused()
    expect(page.get_by_text("t6: It does not go with t2.")).to_be_visible()
    page.keyboard.press("Space")
    lace.click(force=True)
    expect(page.get_by_role("status")).to_have_text("t6 cannot be picked. It does not go with t2.")
    expect(lace).not_to_be_checked()
    show(page, "t2-maxi-front-0000")
    pick(page, "t1")  # another neckline instead, and lace goes with it
    expect(lace).to_have_attribute("aria-disabled", "false")
    pick(page, "t6")
    show(page, "t1-t6-maxi-front-0000")


def test_what_another_length_does_not_offer_is_taken_away_and_said(open_page: Open) -> None:
    page = open_page("?style=sample-dress&show=a2-b4-t1-maxi-front-0001")
    show(page, "a2-b4-t1-maxi-front-0001")
    pick(page, "Knee")
    show(page, "a2-t1-knee-front-0001")
    expect(page.get_by_role("status")).to_contain_text("b4 taken away too.")
    page.get_by_role("button", name="Take everything away").click()
    show(page, "default-knee-front-0001")


def test_everything_can_be_done_with_the_keyboard(open_page: Open) -> None:
    page = open_page("?style=sample-dress&show=t4-knee-front-0000")
    show(page, "t4-knee-front-0000")
    chip(page, "Knee").focus()
    page.keyboard.press("ArrowRight")
    show(page, "default-maxi-front-0000")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    show(page, "default-maxi-back-0000")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    show(page, "default-maxi-back-0001")
    page.keyboard.press("Tab")
    expect(page.get_by_role("radio", name="none").first).to_be_focused()
    page.keyboard.press("ArrowDown")
    show(page, "t1-maxi-back-0001")
    page.keyboard.press("Tab")
    expect(chip(page, "t5")).to_be_focused()
    page.keyboard.press("Space")
    show(page, "t1-t5-maxi-back-0001")
    focused = page.evaluate("getComputedStyle(document.activeElement.closest('.chip')).outlineStyle")
    assert focused == "solid"


def test_arrow_keys_pass_over_an_option_that_may_not_be_picked(open_page: Open) -> None:
    page = open_page("?style=sample-dress&show=t1-t4-knee-front-0000")
    show(page, "t1-t4-knee-front-0000")
    chip(page, "t1").focus()
    page.keyboard.press("ArrowRight")
    expect(chip(page, "t2")).to_be_focused()
    expect(chip(page, "t1")).to_be_checked()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    show(page, "t4-knee-front-0000")


def test_two_combinations_stand_side_by_side_and_a_link_restores_both(pages: Pages, open_page: Open) -> None:
    page = open_page("?style=sample-dress&show=t1-maxi-front-0000")
    show(page, "t1-maxi-front-0000")
    page.get_by_role("button", name="Side by side").click()
    pick(page, "b4", "0001")
    show(page, "b4-t1-maxi-front-0001", 1)
    show(page, "t1-maxi-front-0000", 0)
    expect(page.get_by_text("only here")).to_have_count(1)
    expect(page).to_have_url(
        f"{pages.room}?style=sample-dress&show=t1-maxi-front-0000&beside=b4-t1-maxi-front-0001&edit=2"
    )
    other = open_page(page.url.partition("/fitting-room/")[2], person="vera")
    show(other, "t1-maxi-front-0000", 0)
    show(other, "b4-t1-maxi-front-0001", 1)
    expect(chip(other, "b4")).to_be_checked()
    other.get_by_role("button", name="Change this one").click()
    expect(chip(other, "b4")).not_to_be_checked()
    other.get_by_role("button", name="Close").nth(1).click()
    expect(other.locator("canvas")).to_have_count(1)
    expect(other).to_have_url(f"{pages.room}?style=sample-dress&show=t1-maxi-front-0000")


def test_a_style_that_is_chosen_right_after_a_click_leaves_nothing_of_the_one_before_to_come(open_page: Open) -> None:
    page = open_page("?style=sample-dress&show=t1-knee-front-0000")
    show(page, "t1-knee-front-0000")

    def late(route: Route) -> None:  # than the moment without a click after which the page looks ahead
        page.wait_for_timeout(400)
        route.continue_()

    page.route(re.compile(r"/styles/[^/]+$"), late)
    page.evaluate(
        """() => {
            document.querySelector("#none").click();
            const style = document.querySelector("#style");
            style.value = [...style.options].find((one) => !one.selected).value;
            style.dispatchEvent(new Event("change"));
        }"""
    )
    expect(page.locator("#room")).to_be_hidden()
    expect(page.locator("#room")).to_be_visible()
    expect(page).not_to_have_url(re.compile("style=sample-dress"))


def test_in_airflows_frame_its_address_is_the_state_and_its_theme_counts(pages: Pages, open_page: Open) -> None:
    page = open_page(at=f"{pages.url}/plugin/fitting-room", scheme="light")
    room = page.frame_locator("iframe")
    canvas = room.locator("canvas")
    expect(canvas).to_have_attribute("data-picture", "default-knee-front-0000", timeout=30_000)
    room.get_by_label("Style").select_option("sample-dress")
    expect(canvas).to_have_attribute("data-picture", "default-micro_mini-front-0000")
    room.get_by_role("radio", name="t1", exact=True).click()
    expect(canvas).to_have_attribute("data-picture", "t1-micro_mini-front-0000")
    address = f"{pages.url}/plugin/fitting-room/darkroom/fitting-room/?style=sample-dress&show=t1-micro_mini-front-0000"
    expect(page).to_have_url(address)
    expect(room.locator("html")).to_have_attribute("data-theme", "light")
    page.evaluate("localStorage.setItem('theme', 'dark')")
    page.reload()
    expect(canvas).to_have_attribute("data-picture", "t1-micro_mini-front-0000", timeout=30_000)
    expect(room.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.evaluate("document.documentElement.className").split()[-1] == "dark"  # Airflow itself reads it so


def test_names_of_styles_lengths_and_layers_are_only_text(open_page: Open) -> None:
    page = open_page(f"?style={quote(HOSTILE.style)}&show={quote(MARKUP)}")
    canvas = page.locator("canvas")
    expect(canvas).to_have_attribute("aria-busy", "false")
    expect(page.locator("#lengths label")).to_have_text(MARKUP)
    pick(page, "t1")
    expect(page.locator("#stack code").first).to_have_text(f"t1_{MARKUP}_neckline_front")
    expect(page.locator("#trouble")).to_contain_text(MARKUP)
    expect(canvas).to_have_attribute(
        "aria-label",
        f"t1; {MARKUP}, front, colour 0000. Layers, the lowest first: "
        f"base_{MARKUP}_bottom_front, t1_{MARKUP}_neckline_front.",
    )
    assert page.locator("img").count() == 0


@pytest.fixture
def spoilt(pages: Pages) -> Iterator[str]:
    """A style that lacks proxies and has a broken one, and of whose renders the checks found something."""
    style = SAMPLE.model_copy(update={"style": "spoilt-room"})
    shutil.copytree(pages.store / keys.proxies("sample-dress"), pages.store / keys.proxies(style.style))
    pages.path(style, "t1_neckline_front", 1).unlink()
    pages.path(style, "a3_belt_front", 0).write_bytes(b"broken")
    pages.publish(style)
    pages.path(style, "t3_neckline_front", 0).unlink()  # behind the catalogue's back
    where = "sample/T2_Neckline_Front_0000.PNG"
    found = {"kind": "stray pixels", "severity": "warning", "where": where, "what": MARKUP, "to_do": "clear it"}
    path = pages.store / keys.checks(style.style)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"check": {"findings": [found]}}))
    yield style.style
    shutil.rmtree(pages.store / keys.proxies(style.style))
    path.unlink()


def test_findings_of_a_picture_stand_beside_it(open_page: Open, spoilt: str) -> None:
    page = open_page(f"?style={spoilt}&show=t1-knee-front-0001")
    show(page, "t1-knee-front-0001")
    expect(page.locator("#findings")).to_have_text(
        "Error t1_neckline_front: it has no proxy in colour 0001, and is not drawn here."
    )
    expect(page.locator("figure .over")).to_contain_text("1 of")
    expect(page.locator("#stack .mark")).to_have_text("no proxy")
    pick(page, "0000", "t3")
    show(page, "t3-knee-front-0000")
    expect(page.locator("#findings li")).to_contain_text(["t3_neckline_front: it has no proxy in colour 0000"])
    pick(page, "t2")
    show(page, "t2-knee-front-0000")
    expect(page.locator("#findings li")).to_have_text(
        [f"Warning sample/T2_Neckline_Front_0000.PNG: {MARKUP}; clear it."]
    )
    pick(page, "a3")
    expect(page.locator("figure .over")).to_contain_text("It is no PNG")


def test_renders_that_come_while_the_page_is_open_are_said_and_shown(
    pages: Pages, open_page: Open, spoilt: str
) -> None:
    style = SAMPLE.model_copy(update={"style": spoilt})
    page = open_page(f"?style={spoilt}&show=t2-knee-front-0000")
    canvas = show(page, "t2-knee-front-0000")
    comes_into_sight = "document.dispatchEvent(new Event('visibilitychange'))"
    with page.expect_response(lambda answer: answer.url.endswith(f"/styles/{spoilt}")):
        page.evaluate(comes_into_sight)
    news = page.get_by_text("Renders came since this page was loaded.")
    expect(news).to_be_hidden()
    before = drawn(canvas)
    path = pages.path(style, "t2_neckline_front", 0)
    path.unlink()
    path.write_bytes(png(pixels("t3_neckline_front", 0, 800)))
    page.evaluate(comes_into_sight)
    expect(news).to_be_visible()
    page.get_by_role("button", name="Show them").click()
    expect(news).to_be_hidden()
    expect(canvas).to_have_attribute("aria-busy", "false")
    canvas = show(page, "t2-knee-front-0000")
    layers = stack(SAMPLE, "knee", "front", ("t2",), layer_names())
    page.wait_for_function("document.querySelector('canvas').getAttribute('aria-busy') === 'false'")
    now = drawn(canvas)
    assert np.abs(now - before).max() > 2
    assert np.abs(now - pages.composite(style, layers, 0)).max() <= 2


def test_a_combination_that_is_not_offered_is_shown_and_said(open_page: Open) -> None:
    page = open_page("?style=sample-dress&show=t2-t6-zz-maxi-front-0000")
    show(page, "t2-t6-zz-maxi-front-0000")
    expect(page.locator("#findings")).to_contain_text("t6: it does not go with t2.")
    expect(page.locator("#findings")).to_contain_text("zz: nothing draws it in Maxi.")


@pytest.mark.parametrize("address", ["?style=unknown", "?style=sample-dress&show=t1-ankle-front-0000", "?style=a%2Fb"])
def test_an_address_of_nothing_says_so(open_page: Open, address: str) -> None:
    expect(open_page(address).locator("#trouble")).not_to_be_empty()


def test_without_a_login_the_page_leads_to_airflows_and_back(pages: Pages, open_page: Open) -> None:
    page = open_page("?style=sample-dress&show=t1-knee-front-0000", person="")
    page.get_by_label("Username").fill("vera")
    page.get_by_label("Password").fill("vera")
    page.get_by_role("button", name="Sign in").click()
    show(page, "t1-knee-front-0000")
    assert open_page(person="otto").locator("canvas").count() == 0


@pytest.mark.parametrize(("width", "height"), [(360, 740), (320, 568)])
def test_on_a_phone_nothing_is_cut_off(open_page: Open, width: int, height: int) -> None:
    page = open_page(
        "?style=sample-dress&show=t1-knee-front-0000&beside=b1-knee-front-0000", width=width, height=height
    )
    show(page, "b1-knee-front-0000", 1)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    pick(page, "t2")
    show(page, "t2-knee-front-0000")
    chip(page, "a4").scroll_into_view_if_needed()
    expect(page.locator("canvas").first).to_be_in_viewport()
    small: list[Any] = page.locator(".chip").evaluate_all("all => all.filter(one => one.offsetHeight < 36)")
    assert small == []
