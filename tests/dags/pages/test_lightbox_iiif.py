"""The IIIF Image API over HTTP: the cases of the IIIF's own validator (https://github.com/IIIF/image-validator, by the
names of its tests), and what the API is held to beyond them."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
import pyvips
from starlette.testclient import TestClient

from darkroom.settings import settings
from darkroom.store import open_store
from darkroom.store.access import Access
from tests import scans
from tests.dags.pages.lightbox_world import HEIGHT, IDENTIFIER, NAMED, PYRAMID, WIDTH, Lightbox, lightbox_of
from tests.dags.pages.world import Pages
from tests.dags.tiny_studio import BUCKET

FEATURES = ("canonicalLinkHeader", "mirroring", "profileLinkHeader", "sizeUpscaling")


@pytest.fixture(scope="module")
def lightbox(pages: Pages, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lightbox]:
    with lightbox_of(pages, tmp_path_factory.mktemp("lightbox")) as made:
        yield made


@pytest.fixture
def get(lightbox: Lightbox) -> Iterator[Callable[..., Any]]:
    """Asks for part of the sheet: `get("full/max/0/default.jpg")`, or of another image."""
    with TestClient(lightbox.pages.app, follow_redirects=False) as client:
        client.cookies.set("_token", lightbox.pages.token("vera"))

        def ask(path: str, identifier: str = IDENTIFIER, **headers: str) -> Any:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return client.get(f"/darkroom/lightbox/iiif/{identifier}{path and '/'}{path}", headers=named)

        yield ask


def shown(answer: Any) -> pyvips.Image:
    assert answer.status_code == 200, answer.text
    return pyvips.Image.new_from_buffer(answer.content, "")


def off(found: pyvips.Image, due: pyvips.Image) -> float:
    """How far apart two images are: the largest difference of means of 8 x 8 pixels, of 255."""
    assert (found.width, found.height) == (due.width, due.height)
    one, other = (image.colourspace("srgb").shrink(8, 8).numpy().astype(float) for image in (found, due))
    return float(np.abs(one - other).max())


@pytest.fixture(scope="module")
def sheet() -> pyvips.Image:
    return scans.picture(WIDTH, HEIGHT).copy_memory()


def test_info_json(get: Any) -> None:
    answer = get("info.json")
    info = answer.json()
    assert info["@context"] == "http://iiif.io/api/image/3/context.json"
    assert info["id"] == f"http://testserver/darkroom/lightbox/iiif/{IDENTIFIER}"
    assert (info["type"], info["protocol"]) == ("ImageService3", "http://iiif.io/api/image")
    assert (info["profile"], info["width"], info["height"]) == ("level2", WIDTH, HEIGHT)
    assert info["tiles"] == [{"type": "Tile", "width": 512, "height": 512, "scaleFactors": [1, 2, 4, 8]}]
    assert [(size["width"], size["height"]) for size in info["sizes"]] == [(300, 225), (600, 450), (1200, 900)]
    assert (info["maxWidth"], info["maxHeight"]) == (2048, 2048)
    assert tuple(info["extraFeatures"]) == FEATURES
    for size in info["sizes"]:
        assert shown(get(f"full/{size['width']},{size['height']}/0/default.jpg")).width == size["width"]
    for quality in info["extraQualities"]:
        shown(get(f"full/!50,50/0/{quality}.png"))
    for kind in info["extraFormats"]:
        shown(get(f"full/!50,50/0/default.{kind}"))


def test_jsonld(get: Any) -> None:
    context = "http://iiif.io/api/image/3/context.json"
    for accepted in ("*/*", "application/ld+json", "application/ld+json, application/json"):
        assert get("info.json", accept=accepted).headers["content-type"] == f'application/ld+json;profile="{context}"'
    plain = get("info.json", accept="application/json")
    assert plain.headers["content-type"] == "application/json"
    assert f'<{context}>;rel="http://www.w3.org/ns/json-ld#context"' in plain.headers["link"]


def test_baseurl_redirect(get: Any) -> None:
    answer = get("")
    assert answer.status_code == 303
    assert answer.headers["location"] == f"http://testserver/darkroom/lightbox/iiif/{IDENTIFIER}/info.json"
    assert get("", "no-such.tif").status_code == 404


def test_cors_is_left_out_on_purpose(get: Any) -> None:
    """The validator asks for it of a public server; here a login comes in a cookie, and no other site may look."""
    for path in ("info.json", "full/!50,50/0/default.jpg"):
        answer = get(path, origin="https://elsewhere.example")
        assert not [name for name in answer.headers if name.startswith("access-control-")]
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"


def test_linkheader_profile_and_linkheader_canonical(get: Any) -> None:
    base = f"http://testserver/darkroom/lightbox/iiif/{IDENTIFIER}"
    for asked, canonical in {
        "full/max/0/color.jpg": "full/max/0/default.jpg",
        "square/pct:25/360/default.png": "300,0,1800,1800/450,450/0/default.png",
        "pct:0,0,100,100/!100,100/!90/gray.webp": "full/100,75/!90/gray.webp",
        "2000,0,1024,512/200,/0/default.jpg": "2000,0,400,512/200,256/0/default.jpg",
    }.items():
        link = get(asked).headers["link"]
        assert f'<{base}/{canonical}>;rel="canonical"' in link
        assert '<http://iiif.io/api/image/3/level2.json>;rel="profile"' in link
    assert 'rel="profile"' in get("info.json").headers["link"]


def test_id_basic_id_escaped_and_id_squares(get: Any) -> None:
    named = NAMED.replace("~", "~0")
    for identifier in (IDENTIFIER, quote(named), quote(named, safe=""), IDENTIFIER.replace("s", "%73")):
        assert get("info.json", identifier).json()["width"] == WIDTH
    identifier = get("info.json", quote(named)).json()["id"].rpartition("/")[2]
    assert get("full/!50,50/0/default.jpg", identifier).status_code == 200


@pytest.mark.parametrize(
    "identifier",
    [
        *("0f7d2f4e.tif", "[frob].tif", "a/b.tif", "a%2Fb.tif", PYRAMID, quote(PYRAMID, safe=""), "maps~11890"),
        *("maps~11890~1sheet.png", "..~1scans~1a.tif", "~1etc~1passwd", "~1etc~1a.tif", "%2e%2e~1a.tif", "a~1~1b.tif"),
        *("maps~11890~1.~1sheet.tif", "maps~2a.tif", "maps\\1890.tif", "a%00.tif", "a%0a.tif", f"{'a' * 1100}.tif"),
        *("..%2F..%2Fa.tif", "%ff.tif", "a%20%25.tif"),
    ],
)
def test_id_error_random_id_error_escapedslash_and_id_error_unescaped(identifier: str, get: Any) -> None:
    for path in ("info.json", "full/max/0/default.jpg"):
        answer = get(path, identifier)
        assert answer.status_code == 404
        assert "root" not in answer.text


@pytest.mark.parametrize(
    ("region", "box"),
    [
        ("100,200,800,600", (100, 200, 800, 600)),
        ("pct:25,25,50,50", (600, 450, 1200, 900)),
        ("square", (300, 0, 1800, 1800)),
        ("full", (0, 0, 2400, 1800)),
    ],
    ids=["region_pixels", "region_percent", "region_square", "full"],
)
def test_region(region: str, box: tuple[int, int, int, int], get: Any, sheet: pyvips.Image) -> None:
    part = sheet.crop(*box)
    due = part.thumbnail_image(400, height=300, size="force")
    assert off(shown(get(f"{region}/400,300/0/default.png")), due) <= 2


@pytest.mark.parametrize(
    ("size", "due"),
    [
        ("!300,300", (300, 225)),
        (",300", (400, 300)),
        ("pct:50", (1200, 900)),
        ("200,", (200, 150)),
        ("300,300", (300, 300)),
        ("max", (2048, 1536)),
        ("^max", (2048, 1536)),
    ],
    ids=["size_bwh", "size_ch", "size_percent", "size_wc", "size_wh", "max", "upmax"],
)
def test_size(size: str, due: tuple[int, int], get: Any, sheet: pyvips.Image) -> None:
    whole = sheet.thumbnail_image(due[0], height=due[1], size="force")
    assert off(shown(get(f"full/{size}/0/default.png")), whole) <= 2


def test_size_region_and_size_up(get: Any, sheet: pyvips.Image) -> None:
    part = sheet.crop(300, 400, 100, 50)
    assert off(shown(get("300,400,100,50/50,25/0/default.png")), part.thumbnail_image(50, height=25, size="force")) <= 2
    enlarged = part.thumbnail_image(400, height=200, size="force")
    assert off(shown(get("300,400,100,50/^400,/0/default.png")), enlarged) <= 2


def test_size_noup_and_size_nofull(get: Any) -> None:
    for size in ("2401,", ",1801", "2401,1801", "pct:101", "full"):
        assert get(f"full/{size}/0/default.jpg").status_code == 400
    assert get("0,0,100,100/200,200/0/default.jpg").status_code == 400


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
@pytest.mark.parametrize("region", ["full", "600,450,800,600"], ids=["full", "region"])
def test_rot_full_basic_rot_region_basic_rot_mirror_and_rot_mirror_180(
    turn: int, region: str, get: Any, sheet: pyvips.Image
) -> None:
    part = sheet if region == "full" else sheet.crop(600, 450, 800, 600)
    small = part.thumbnail_image(400, height=300, size="force").copy_memory()
    assert off(shown(get(f"{region}/400,/{turn}/default.png")), small.rot(f"d{turn}")) <= 2
    assert off(shown(get(f"{region}/400,/!{turn}/default.png")), small.fliphor().rot(f"d{turn}")) <= 2


def test_rot_full_non90_and_rot_region_non90_are_refused(get: Any) -> None:
    """Level 2 does not ask for them."""
    for rotation in ("45", "22.5", "!30"):
        assert get(f"full/!50,50/{rotation}/default.jpg").status_code == 400


def test_quality_color_quality_grey_and_quality_bitonal(get: Any) -> None:
    color, gray, bitonal = (shown(get(f"full/400,/0/{quality}.png")) for quality in ("color", "gray", "bitonal"))
    assert (color.bands, gray.bands, bitonal.bands) == (3, 1, 1)
    assert set(np.unique(bitonal.numpy())) == {0, 255}
    assert get("full/400,/0/default.png").content == get("full/400,/0/color.png").content


@pytest.mark.parametrize("kind", ["jpg", "png", "webp"])
def test_format_jpg_format_png_and_format_webp(kind: str, get: Any) -> None:
    answer = get(f"full/!300,300/0/default.{kind}")
    beginnings = {"jpg": b"\xff\xd8", "png": b"\x89PNG", "webp": b"RIFF"}
    assert answer.content.startswith(beginnings[kind])
    assert answer.headers["content-type"] == {"jpg": "image/jpeg"}.get(kind, f"image/{kind}")


@pytest.mark.parametrize("kind", ["gif", "jp2", "pdf", "tif", "xyz", ""])
def test_format_error_random_and_the_formats_that_level_2_does_not_ask_for(kind: str, get: Any) -> None:
    assert get(f"full/!50,50/0/default.{kind}").status_code == 400


@pytest.mark.parametrize(
    "path",
    [
        *(
            "frob/max/0/default.jpg",
            "1,2,3/max/0/default.jpg",
            "9000,0,5,5/max/0/default.jpg",
            "0,0,0,0/max/0/default.jpg",
        ),
        *("full/frob/0/default.jpg", "full/0,0/0/default.jpg", "full/,/0/default.jpg", "full/pct:0/0/default.jpg"),
        *("full/max/frob/default.jpg", "full/max/361/default.jpg", "full/max/-1/default.jpg"),
        *("full/max/0/frob.jpg", "full/max/0/native.jpg", "full/max/0/jpg"),
    ],
)
def test_region_error_random_size_error_random_rot_error_random_and_quality_error_random(path: str, get: Any) -> None:
    answer = get(path)
    assert answer.status_code == 400
    assert answer.json()["detail"].split()[0].strip(":") in ("region", "size", "rotation", "quality", "format")


def test_what_is_the_same_is_not_sent_again(get: Any) -> None:
    for path in ("info.json", "0,0,512,512/512,512/0/default.jpg"):
        first = get(path)
        again = get(path, if_none_match=first.headers["etag"])
        assert (again.status_code, again.content) == (304, b"")
        assert first.headers["cache-control"] == "private, no-cache"
    one, other = (get(f"full/{size}/0/default.jpg").headers["etag"] for size in ("100,75", "!100,100"))
    assert one == other
    assert get("full/101,/0/default.jpg").headers["etag"] != one


def test_a_pyramid_that_is_made_anew_is_what_is_shown(get: Any, lightbox: Lightbox) -> None:
    def put(red: int) -> None:
        image = pyvips.Image.black(600, 600).new_from_image([red, 0, 0]).copy(interpretation="srgb")
        lightbox.library.images.write("new.tif", image.tiffsave_buffer(tile=True, pyramid=True))

    put(10)
    first = get("0,0,100,100/max/0/default.png", "new.tif")
    put(200)
    second = get("0,0,100,100/max/0/default.png", "new.tif", if_none_match=first.headers["etag"])
    # without a look at the store the same answer may be given for some seconds, and never a mixed one
    assert second.status_code in (200, 304)
    third = get("100,100,100,100/max/0/default.png", "new.tif")
    assert shown(third)(5, 5) == [200, 0, 0]


@pytest.mark.parametrize(
    ("name", "data", "status"),
    [
        ("text.tif", b"no image at all", 500),
        ("cut.tif", b"II*\0\x08\0\0\0\xff\xff", 500),
        ("strips.tif", scans.picture(300, 200).tiffsave_buffer(), 501),
    ],
)
def test_a_file_that_is_no_pyramid_is_said_to_be_none(
    name: str, data: bytes, status: int, get: Any, lightbox: Lightbox
) -> None:
    lightbox.library.images.write(name, data)
    for path in ("info.json", "full/max/0/default.jpg"):
        answer = get(path, name)
        assert answer.status_code == status
        assert answer.json()["detail"].startswith("This image ")


def test_pyramids_in_s3_are_cut_where_they_lie(
    get: Any,
    lightbox: Lightbox,
    aws: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    connect: Callable[..., None],
    nothing_but_connections: None,
    sheet: pyvips.Image,
) -> None:
    identity = {"login": aws["AWS_ACCESS_KEY_ID"], "password": aws["AWS_SECRET_ACCESS_KEY"]}
    extra = {"endpoint_url": aws["AWS_ENDPOINT_URL"], "region_name": aws.get("AWS_DEFAULT_REGION", "eu-central-1")}
    connect("aws_default", **identity, extra=extra)
    bucket = open_store(f"s3://{BUCKET}/images", Access(aws))
    bucket.write("a/b.tif", (lightbox.images / PYRAMID).read_bytes())
    monkeypatch.setenv("DARKROOM_IMAGE_STORE", f"s3://{BUCKET}/images")
    settings.cache_clear()
    try:
        found = shown(get("512,512,512,512/max/0/default.png", "a~1b.tif"))
        assert np.abs(found.numpy().astype(int) - sheet.crop(512, 512, 512, 512).numpy()).max() <= 2
        assert get("info.json").status_code == 404
    finally:
        monkeypatch.undo()
        settings.cache_clear()


def test_openseadragon_is_what_npm_has_with_its_licence() -> None:
    import hashlib

    from darkroom_airflow.pages import lightbox as package

    folder = Path(package.__file__).parent / "static"
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("openseadragon*")}
    assert found == {
        "openseadragon-6.1.1.min.js": "14d587cd3ee7c4861f1a41077ce642029364a21029956ba635bd8fb1202cf9ad",
        "openseadragon-6.1.1.license.txt": "17da96b26ac706d2cbd06d4555dedb43026782f4943faf0156fe7acf89454228",
    }
    assert json.dumps("openseadragon-6.1.1.min.js") in (folder / "index.html").read_text().replace("static/", "")
