"""The lightbox in a real browser, with what the flows made: composites, two over one another, pyramids, a night."""

import shutil
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import numpy as np
import numpy.typing as npt
import pytest
import pyvips
from playwright.sync_api import Locator, Page, expect
from starlette.testclient import TestClient

from darkroom import keys
from darkroom.settings import settings
from darkroom.store import open_store
from darkroom.store.access import Access
from tests.dags.pages.canvas import canvas_of
from tests.dags.pages.conftest import Open
from tests.dags.pages.lightbox_world import IDENTIFIER, NAMED, SCAN, WIDTH, Lightbox, lightbox_of
from tests.dags.pages.world import MARKUP, Pages
from tests.dags.tiny_studio import BUCKET

TINY = "?view=composites&style=tiny&length=mini"
ONE, OTHER = "default-mini-front-0000", "t1-mini-front-0000"


@pytest.fixture(scope="module")
def lightbox(pages: Pages, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lightbox]:
    with lightbox_of(pages, tmp_path_factory.mktemp("lightbox")) as made:
        yield made


@pytest.fixture
def look(lightbox: Lightbox, open_page: Open) -> Callable[..., Page]:
    """Opens the lightbox as somebody, and waits until it has what it asked for."""

    def one(address: str = "", **how: Any) -> Page:
        page = open_page(address, at=lightbox.address, **how)
        ready(page)
        return page

    return one


@pytest.fixture
def get(lightbox: Lightbox) -> Iterator[Callable[..., Any]]:
    with TestClient(lightbox.pages.app, follow_redirects=False) as client:
        client.cookies.set("_token", lightbox.pages.token("vera"))
        yield lambda path, **how: client.get(f"/darkroom/lightbox/{path}", **how)


def ready(page: Page) -> None:
    expect(page.locator("#main[data-ready]")).to_be_attached(timeout=30_000)


def tiles(page: Page) -> Locator:
    return page.locator("#grid a")


def on_white(canvas: Locator) -> npt.NDArray[np.float64]:
    """A canvas's pixels as they lie on white."""
    pixels = canvas_of(canvas)
    alpha = pixels[..., 3:] / 255
    return pixels[..., :3] * alpha + 255 * (1 - alpha)


def composite(lightbox: Lightbox, name: str) -> npt.NDArray[np.float64]:
    image = pyvips.Image.pngload(str(lightbox.pages.store / keys.picture("tiny", keys.COMPOSITE, name)))
    pixels = image.colourspace("srgb").numpy().astype(np.float64)
    alpha = pixels[..., 3:] / 255
    return pixels[..., :3] * alpha + 255 * (1 - alpha)


def test_composites_are_browsed_by_length_side_colour_and_codes(look: Callable[..., Page]) -> None:
    page = look("?style=tiny")
    expect(page.locator("#counts")).to_have_text("1 to 8 of 8 pictures; 8 are made.")
    assert tiles(page).count() == 8
    assert page.locator("#grid img").first.evaluate("one => one.decode().then(() => one.naturalWidth)") == 142
    page.get_by_label("Length").select_option("knee")
    page.get_by_label("Colour").select_option("1")
    page.get_by_label("Side").select_option("back")
    page.get_by_role("checkbox", name="t1").check()
    expect(page.locator("#counts")).to_have_text("1 to 4 of 4 pictures; 4 are made.")
    titles = {tile.get_attribute("title") for tile in tiles(page).all()}
    assert titles == {f"{codes}-knee-back-0001" for codes in ("t1", "b1-t1", "a1-t1", "a1-b1-t1")}
    assert "length=knee" in page.url
    assert "code=t1" in page.url
    page.reload()
    ready(page)
    expect(page.get_by_label("Colour")).to_have_value("1")
    expect(page.get_by_role("checkbox", name="t1")).to_be_checked()
    page.go_back()
    expect(page.get_by_role("checkbox", name="t1")).not_to_be_checked()


def test_a_picture_is_shown_as_it_stands_and_the_keyboard_leads_on(
    look: Callable[..., Page], lightbox: Lightbox
) -> None:
    page = look(TINY)
    page.locator(f"#grid a[title='{ONE}']").press("Enter")
    canvas = page.locator("#stage canvas")
    expect(canvas).to_have_attribute("aria-label", ONE)
    assert np.abs(on_white(canvas) - composite(lightbox, ONE)).max() <= 2
    expect(page.locator("#facts")).to_contain_text("keeps no earlier versions")
    page.locator("body").press("ArrowRight")
    expect(canvas).not_to_have_attribute("aria-label", ONE)
    page.locator("body").press("Escape")
    expect(page.locator("#shown")).to_be_hidden()


def test_two_pictures_are_swiped_and_their_difference_is_counted(look: Callable[..., Page], lightbox: Lightbox) -> None:
    page = look(f"{TINY}&open={ONE}&beside={OTHER}")
    under, over = page.locator(".pair canvas").nth(0), page.locator(".pair canvas").nth(1)
    assert np.abs(on_white(over) - composite(lightbox, ONE)).max() <= 2
    assert np.abs(on_white(under) - composite(lightbox, OTHER)).max() <= 2
    page.locator(".swipe").fill("25")
    assert "75%" in over.evaluate("one => one.style.clipPath")
    page.get_by_role("button", name="Difference").click()
    expect(page.locator("#facts")).to_contain_text("pixels differ")
    page.locator("#gain").fill("2")
    expect(page.locator("#facts")).to_contain_text("2 times")
    one, other = composite(lightbox, ONE), composite(lightbox, OTHER)
    due = np.minimum(255, 2 * np.abs(one - other))
    assert np.abs(on_white(page.locator(".paper.dark canvas")) - due).max() <= 6
    said = int(page.locator("#facts").inner_text().split()[0])
    assert abs(said - (np.abs(one - other).max(axis=2) >= 1).sum()) <= 0.02 * said + 50
    assert "how=difference" in page.url
    page = look(f"{TINY}&open={ONE}&beside={ONE}&how=difference")
    expect(page.locator("#facts")).to_have_text("They are the same in every pixel.")


def test_two_runs_of_one_picture_are_compared_where_the_bucket_keeps_versions(
    look: Callable[..., Page],
    lightbox: Lightbox,
    aws: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    connect: Callable[..., None],
    nothing_but_connections: None,
) -> None:
    import boto3

    identity = {"login": aws["AWS_ACCESS_KEY_ID"], "password": aws["AWS_SECRET_ACCESS_KEY"]}
    extra = {"endpoint_url": aws["AWS_ENDPOINT_URL"], "region_name": aws.get("AWS_DEFAULT_REGION", "eu-central-1")}
    client = boto3.client(
        "s3",
        endpoint_url=extra["endpoint_url"],
        region_name=extra["region_name"],
        aws_access_key_id=identity["login"],
        aws_secret_access_key=identity["password"],
    )
    client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    connect("aws_default", **identity, extra=extra)
    bucket = open_store(f"s3://{BUCKET}/studio", Access(aws))
    key = keys.picture("tiny", keys.COMPOSITE, ONE)
    for name in (OTHER, ONE):  # what stood there in the first run, and what the second run made of it
        bucket.write(key, (lightbox.pages.store / keys.picture("tiny", keys.COMPOSITE, name)).read_bytes())
    monkeypatch.setenv("DARKROOM_STUDIO_STORE", f"s3://{BUCKET}/studio")
    settings.cache_clear()
    try:
        page = look(f"{TINY}&open={ONE}&how=difference")
        choice = page.get_by_label("Compare with")
        earlier = choice.locator("option", has_text="as written")
        assert earlier.count() == 1
        choice.select_option(earlier.get_attribute("value") or "")
        expect(page.locator("#facts")).to_contain_text("pixels differ")
        page.get_by_role("button", name="Swipe").click()
        under = page.locator(".pair canvas").nth(0)
        assert np.abs(on_white(under) - composite(lightbox, OTHER)).max() <= 2
        assert "version=" in page.url
    finally:
        monkeypatch.undo()
        settings.cache_clear()


def test_a_pyramid_is_zoomed_into_over_its_tiles(look: Callable[..., Page]) -> None:
    page = look("?view=pyramids")
    asked: list[str] = []
    page.on("request", lambda sent: asked.append(sent.url) if "/iiif/" in sent.url else None)
    page.locator("#grid a", has_text="maps/1890/sheet.tif").click()
    zoom = page.locator(".zoom[data-loaded=true]")
    expect(zoom).to_be_visible(timeout=30_000)
    assert f"open={IDENTIFIER.replace('~', '%7E')}" in page.url
    expect(page.locator("#stage h3")).to_have_text("Pyramid, 2400 x 1800")
    before = len(asked)
    page.get_by_role("button", name="Each pixel of the image").click()
    page.wait_for_timeout(1500)
    expect(page.locator(".zoom[data-loaded=true]")).to_be_visible(timeout=30_000)
    closer = [url for url in asked[before:] if "512,512" in url]
    assert closer, "no tile of the largest level was asked for"
    # red grows to the right and green downwards: the middle of the image is in the middle of the viewer
    canvas = page.locator(".zoom canvas").first
    red, green = canvas.evaluate(
        "one => Array.from(one.getContext('2d').getImageData(one.width / 2, one.height / 2, 1, 1).data).slice(0, 2)"
    )
    assert abs(red - 127) < 12
    assert abs(green - 127) < 12
    expect(page.locator("#shown-trouble")).to_be_hidden()


def test_names_are_only_text(look: Callable[..., Page]) -> None:
    page = look("?view=pyramids")
    page.locator("#grid a", has_text=NAMED).click()
    expect(page.locator(".zoom[data-loaded=true]")).to_be_visible(timeout=30_000)
    expect(page.locator("#shown-name")).to_have_text(NAMED)
    hostile = quote(MARKUP)
    for address in (
        f"?view=pyramids&prefix={hostile}&open={hostile}",
        f"?view=composites&style=tiny&open={hostile}&beside={hostile}",
        f"?view=nights&run={hostile}&plan={hostile}",
        f"?view=composites&style={hostile}&code={hostile}",
    ):
        page = look(address)
        assert page.locator("img[src=x]").count() == 0
        expect(page.locator(".trouble:not([hidden])").first).to_be_visible()


def test_a_nights_pyramids_stand_beside_their_scans_and_move_with_them(look: Callable[..., Page]) -> None:
    page = look("?view=nights")
    assert tiles(page).count() == 3
    expect(page.locator("#grid")).to_contain_text("torn.jpg")
    tiles(page).filter(has_text="sheet").click()
    expect(page.locator(".stage.two .zoom[data-loaded=true]")).to_have_count(2, timeout=30_000)
    expect(page.locator("#facts")).to_contain_text(SCAN)
    page.get_by_role("button", name="Closer").click()
    page.wait_for_timeout(1500)
    middles = page.locator(".zoom canvas").evaluate_all(
        """all => all.map((one) => {
            const at = one.getContext("2d").getImageData(one.width / 4, one.height / 4, 1, 1).data;
            return [at[0], at[1]];
        })"""
    )
    assert np.abs(np.subtract(middles[0], middles[-1])).max() <= 8, middles
    tiles(page).filter(has_text="torn").click()
    expect(page.locator("#shown-trouble")).to_contain_text("The scan cannot be shown")
    expect(page.locator("#shown-trouble")).to_contain_text("There is no pyramid")


@pytest.mark.parametrize("view", ["composites&style=tiny", "pyramids", "nights"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone(view: str, scheme: str, look: Callable[..., Page]) -> None:
    page = look(f"?view={view}", width=360, height=700, scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    tiles(page).first.click()
    expect(page.locator("#shown")).to_be_visible()
    page.wait_for_timeout(500)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == scheme


def test_only_pictures_below_a_styles_composites_are_given(get: Callable[..., Any], lightbox: Lightbox) -> None:
    good = get(f"styles/tiny/pictures/{ONE}/142x142")
    assert (good.status_code, good.headers["content-type"]) == (200, "image/png")
    assert (
        get(f"styles/tiny/pictures/{ONE}/142x142", headers={"If-None-Match": good.headers["etag"]}).status_code == 304
    )
    for path in (
        f"{ONE}/..%2F..",
        f"{ONE}/index.json",
        "..%2F..%2Fa/800x800",
        f"{ONE}.png/800x800",
        f"b1-a1-mini-front-0000/{ONE}",
    ):
        assert get(f"styles/tiny/pictures/{path}").status_code == 404
    place = lightbox.pages.store / keys.picture("tiny", keys.COMPOSITE, "a1-mini-back-0001")
    kept = place.read_bytes()
    place.unlink()
    place.write_bytes(b"<script>")
    answer = get("styles/tiny/pictures/a1-mini-back-0001/800x800")
    assert (answer.status_code, "no PNG" in answer.json()["detail"]) == (422, True)
    place.write_bytes(kept)


def test_a_scan_is_only_read_where_a_setting_says_that_scans_are(
    get: Callable[..., Any], lightbox: Lightbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = get("nights").json()[0]
    address = f"nights/{plan['run']}/{plan['plan']}"
    night = get(address).json()
    number = next(one["number"] for one in night["images"] if one["name"].endswith("sheet.png"))
    scan = get(f"{address}/scans/1/{number}")
    image = pyvips.Image.new_from_buffer(scan.content, "")
    assert (image.width, scan.headers["content-type"]) == (1600, "image/jpeg")
    assert image.width < WIDTH
    for wrong in (
        f"{address}/scans/1/99",
        f"{address}/scans/9/0",
        f"{address}/scans/-1/0",
        f"nights/{plan['run']}/x/scans/1/0",
    ):
        assert get(wrong).status_code in (404, 422)
    monkeypatch.setenv("DARKROOM_SCAN_SOURCES", "{}")
    settings.cache_clear()
    assert get(f"{address}/scans/1/{number}").status_code == 404
    monkeypatch.undo()
    settings.cache_clear()


def test_who_may_see_one_dag_only_sees_its_half(lightbox: Lightbox, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.api_fastapi.app import get_auth_manager

    def only(dag: str) -> Callable[..., bool]:
        return lambda *, method, user, access_entity=None, details=None: bool(details and details.id == dag)

    paths = {"composites": f"styles/tiny/pictures/{ONE}/800x800", "scans": f"iiif/{IDENTIFIER}/info.json"}
    dags = {"composites": "combination_compositing", "scans": "nightly_pyramids"}
    with TestClient(lightbox.pages.app) as client:
        client.cookies.set("_token", lightbox.pages.token("vera"))
        for half, dag in dags.items():
            monkeypatch.setattr(get_auth_manager(), "is_authorized_dag", only(dag))
            assert client.get("/darkroom/lightbox/").status_code == 200
            may = client.get("/darkroom/lightbox/seen").json()
            for other, path in paths.items():
                assert may[other] is (other == half)
                assert client.get(f"/darkroom/lightbox/{path}").status_code == (200 if other == half else 403)


def test_a_run_whose_pyramids_are_gone_says_so(look: Callable[..., Page], lightbox: Lightbox) -> None:
    place = lightbox.images / "maps/1890/small.tif"
    kept = place.with_suffix(".kept")
    shutil.move(place, kept)
    try:
        page = look("?view=nights")
        tiles(page).filter(has_text="small").click()
        expect(page.locator("#shown-trouble")).to_contain_text("There is no pyramid")
    finally:
        shutil.move(kept, place)
