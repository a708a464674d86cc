"""What the fitting room's server gives: only what lies beside a style's proxies, and a sentence where it cannot."""

import asyncio
import json
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from fastapi import HTTPException
from starlette.testclient import TestClient

from darkroom import flags, keys
from darkroom.settings import settings
from darkroom.store import open_store
from tests.dags.pages.world import HOSTILE, SAMPLE, Pages
from tests.dags.tiny_studio import BUCKET
from tests.renders import pixels, png

SECRET = "nobody's business"


@pytest.fixture
def get(pages: Pages) -> Iterator[Callable[..., Any]]:
    """Asks the fitting room as somebody who may do all: `get("styles")`."""
    with TestClient(pages.app, follow_redirects=False) as client:
        client.cookies.set("_token", pages.token("ana"))
        yield lambda path, **how: client.request(how.pop("method", "GET"), f"/darkroom/fitting-room/{path}", **how)


@pytest.fixture
def style(pages: Pages) -> Iterator[str]:
    """A style of this test's own, a copy of the sample's with one proxy."""
    name = "spoilt"
    folder = pages.store / keys.proxies(name)
    (folder / "t1").mkdir(parents=True)
    shutil.copy(pages.path(SAMPLE, "t1_neckline_front"), folder / "t1")
    pages.publish(SAMPLE.model_copy(update={"style": name}))
    yield name
    shutil.rmtree(folder)
    (pages.store / keys.flags(name)).unlink(missing_ok=True)


def detail(answer: Any) -> str:
    said = answer.json()["detail"]
    assert isinstance(said, str)
    return said


def test_a_catalogue_comes_with_the_versions_of_the_proxies_that_are_there(get: Any, pages: Pages) -> None:
    answer = get("styles/sample-dress")
    got = answer.json()
    assert got["catalogue"] == json.loads((pages.store / keys.catalogue("sample-dress")).read_bytes())
    named = {key for layer in got["catalogue"]["layers"].values() for key in layer["proxies"].values()}
    assert got["versions"].keys() == named
    again = get("styles/sample-dress", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_proxy_is_kept_by_browsers_only_under_the_version_that_it_has(get: Any, pages: Pages, style: str) -> None:
    address = f"styles/{style}/proxies/t1/t1_neckline_front_0000.png"
    version = get(f"styles/{style}").json()["versions"]["t1/t1_neckline_front_0000.png"]
    answer = get(f"{address}?v={version}")
    path = pages.store / keys.proxy(style, "t1", "t1_neckline_front_0000.png")
    assert (answer.headers["content-type"], answer.content) == ("image/png", path.read_bytes())
    assert "immutable" in answer.headers["cache-control"]
    assert get(f"{address}?v={version}", headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
    path.unlink()
    path.write_bytes(png(pixels("t1_neckline_front", 5, 800)))
    assert "no-cache" in get(f"{address}?v={version}").headers["cache-control"]
    assert get(f"styles/{style}").json()["versions"]["t1/t1_neckline_front_0000.png"] != version


def unpacked(answer: Any) -> list[bytes | str]:
    """The proxies of a bundle; a sentence for one that is not there."""
    line, _, data = answer.content.partition(b"\n")
    found: list[bytes | str] = []
    for part in json.loads(line):
        size = part.get("bytes", 0)
        found.append(part.get("trouble") or data[:size])
        data = data[size:]
    assert not data
    return found


def test_several_proxies_come_in_one_answer_each_whole_or_with_the_reason_why_not(
    get: Any, pages: Pages, style: str
) -> None:
    shutil.copy(pages.path(SAMPLE, "t1_neckline_front", 1), pages.store / keys.proxies(style) / "t1")
    versions = get(f"styles/{style}").json()["versions"]
    first, second = sorted(versions)
    (pages.store / keys.proxies(style) / "t1/t1_neckline_back_0000.png").write_bytes(b"<script>")
    want = [
        f"{versions[first]}/{first}",
        "0/t1/t1_neckline_back_0000.png",
        f"{versions[second]}/{second}",
        "0/t2/x.png",
    ]
    answer = get(f"styles/{style}/proxies", params={"want": want})
    one, broken, other, none = unpacked(answer)
    assert [one, other] == [(pages.store / keys.proxies(style) / key).read_bytes() for key in (first, second)]
    assert str(broken).startswith("It is no PNG")
    assert str(none).startswith("No proxy can be called so")
    assert "immutable" not in answer.headers["cache-control"]


def test_several_proxies_are_kept_by_browsers_only_under_the_versions_that_they_have(
    get: Any, pages: Pages, style: str
) -> None:
    ((key, version),) = get(f"styles/{style}").json()["versions"].items()
    for wanted, is_kept in (([f"{version}/{key}"] * 2, True), ([f"{version}/{key}", f"0/{key}"], False)):
        answer = get(f"styles/{style}/proxies", params={"want": wanted})
        assert len(unpacked(answer)) == 2
        assert ("immutable" in answer.headers["cache-control"]) == is_kept
        assert answer.headers["content-encoding"] == "identity"  # or a PNG would be compressed once more


@pytest.mark.parametrize(
    "want", [["t1_neckline_front_0000.png"], ["0/t1"], [""], ["0/t1/t1_neckline_front_0000.png"] * 33]
)
def test_more_proxies_than_a_picture_has_or_without_a_name_are_no_question(
    get: Any, style: str, want: list[str]
) -> None:
    answer = get(f"styles/{style}/proxies", params={"want": want})
    assert (answer.status_code, "load the page" in detail(answer) or "from Airflow" in detail(answer)) == (422, True)


@pytest.mark.parametrize(
    "want",
    [
        "../../catalogue.json",
        "0/../catalogue.json",
        "0/t1/../catalogue.json",
        "0/t1/..\\secret.txt",
        "0//secret.txt",
        "0/t1/\0",
    ],
)
def test_nothing_else_comes_among_several_proxies(get: Any, pages: Pages, style: str, want: str) -> None:
    (pages.store / keys.proxies(style) / "secret.txt").write_text(SECRET)
    answer = get(f"styles/{style}/proxies", params={"want": [want]})
    (said,) = unpacked(answer)
    assert isinstance(said, str)
    assert SECRET not in answer.text


@pytest.mark.parametrize(
    "path",
    [
        "t1/..%2Fcatalogue.json",
        "..%2F..%2F..%2Fstate%2Fflags/spoilt.json",
        "%2E%2E/%2E%2E/catalogue.json",
        "t1/t1_neckline_front_0000.png%00.json",
        "t1/..%5Ct1_neckline_front_0000.png",
        "t2/t1_neckline_front_0000.png",
        "t1/T1_neckline_front_0000.png",
        "t1/secret.txt",
        "t1/catalogue.json",
        "./t1/../../secret.txt",
    ],
)
def test_nothing_but_a_styles_own_proxies_is_ever_read(get: Any, pages: Pages, style: str, path: str) -> None:
    for place in (pages.store, pages.store / keys.proxies(style), pages.store / keys.proxies(style) / "t1"):
        (place / "secret.txt").write_text(SECRET)
    answer = get(f"styles/{style}/proxies/{path}")
    assert answer.status_code in (404, 307)
    assert SECRET not in answer.text
    assert "catalogue" not in answer.text


def test_a_style_of_any_name_has_a_folder_of_its_own(get: Any) -> None:
    assert get(f"styles/{quote(HOSTILE.style, safe='')}").json()["catalogue"]["style"] == HOSTILE.style
    for name in ("..", "%2E%2E", "..%2F..%2Fetc", "%00", "x" * 3000):
        assert get(f"styles/{name}").status_code in (404, 307), name


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"<script>alert(1)</script>", "It is no PNG"),
        (b"", "It is no PNG"),
        (png(pixels("t1_neckline_front", 0, 1000)), "at most 800 x 800"),
        (b"\x89PNG\r\n\x1a\n" + b"0" * (8 << 20), "too large"),
    ],
)
def test_what_a_browser_should_not_decode_is_not_sent(
    get: Any, pages: Pages, style: str, data: bytes, says: str
) -> None:
    path = pages.store / keys.proxy(style, "t1", "t1_neckline_front_0000.png")
    path.unlink()
    path.write_bytes(data)
    answer = get(f"styles/{style}/proxies/t1/t1_neckline_front_0000.png")
    assert answer.status_code == 422
    assert says in detail(answer)
    assert "mode all" in detail(answer)


def test_a_style_without_a_catalogue_or_with_a_damaged_one_says_what_to_do(get: Any, pages: Pages, style: str) -> None:
    assert get("styles/unknown").status_code == 404
    assert "start render_ingest" in detail(get("styles/unknown"))
    (pages.store / keys.catalogue(style)).write_text('{"style": 1}')
    answer = get(f"styles/{style}")
    assert answer.status_code == 422
    assert "catalogue.json" in detail(answer)


def test_what_the_checks_found_comes_as_they_wrote_it_and_nothing_before_they_did(
    get: Any, pages: Pages, style: str
) -> None:
    assert get(f"styles/{style}/checks").json() == {"findings": []}
    found = {"kind": "stray pixels", "severity": "warning", "where": "t1", "what": "a speck", "to_do": "clear it"}
    path = pages.store / keys.checks(style)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"schema_version": 1, "check": {"style": style, "findings": [found]}, "known": {}}))
    (got,) = get(f"styles/{style}/checks").json()["findings"]
    assert found.items() <= got.items()


def test_a_flag_is_only_of_a_picture_that_the_style_has(get: Any, pages: Pages, style: str) -> None:
    headers = {"X-Darkroom-Page": "1"}
    for picture in ("t1-knee-front-0006", "t1-ankle-front-0000", "../../etc/passwd", "b1-a1-knee-front-0000", ""):
        sent = {"picture": picture, "note": "wrong"}
        answer = get(f"styles/{style}/flags", method="POST", json=sent, headers=headers)
        assert (answer.status_code, "no such picture" in detail(answer)) == (422, True)
    for body in (b"{", b'{"picture": 1}', b'{"picture": "t1-knee-front-0000", "note": "\\ud800"}', b"[" * 9000):
        json_headers = {**headers, "Content-Type": "application/json"}
        answer = get(f"styles/{style}/flags", method="POST", content=body, headers=json_headers)
        assert (answer.status_code, "as JSON" in detail(answer)) == (422, True)
    much = {"picture": "t1-knee-front-0000", "note": "x" * 20_000}
    assert get(f"styles/{style}/flags", method="POST", json=much, headers=headers).status_code == 413
    assert flags.every(open_store(str(pages.store)), style) == ()


def test_a_store_that_does_not_answer_is_said_in_time_and_holds_up_no_one_else(
    monkeypatch: pytest.MonkeyPatch, pages: Pages
) -> None:
    from darkroom_airflow.pages import studio

    monkeypatch.setattr(studio, "_WAITS", 0.2)
    ended = threading.Event()
    with pytest.raises(HTTPException) as refused:
        asyncio.run(studio.ask(lambda _: ended.wait(10)))
    assert (refused.value.status_code, "did not answer" in refused.value.detail) == (504, True)
    assert asyncio.run(studio.ask(lambda store: store.uri)) == pages.store.as_uri()
    ended.set()


def test_a_studio_in_s3_is_read_by_the_connection(
    get: Any,
    pages: Pages,
    aws: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    connect: Callable[..., None],
    nothing_but_connections: None,
    tmp_path: Path,
) -> None:
    from darkroom.store.access import Access

    identity = {"login": aws["AWS_ACCESS_KEY_ID"], "password": aws["AWS_SECRET_ACCESS_KEY"]}
    extra = {"endpoint_url": aws["AWS_ENDPOINT_URL"], "region_name": aws.get("AWS_DEFAULT_REGION", "eu-central-1")}
    connect("aws_default", **identity, extra=extra)
    bucket = open_store(f"s3://{BUCKET}", Access(aws))
    for key in (keys.catalogue("sample-dress"), keys.proxy("sample-dress", "t1", "t1_neckline_front_0000.png")):
        bucket.write(key, (pages.store / key).read_bytes())
    monkeypatch.setenv("DARKROOM_STUDIO_STORE", f"s3://{BUCKET}")
    settings.cache_clear()
    try:
        assert list(get("styles/sample-dress").json()["versions"]) == ["t1/t1_neckline_front_0000.png"]
        assert get("styles/sample-dress/proxies/t1/t1_neckline_front_0000.png").status_code == 200
    finally:
        monkeypatch.setenv("DARKROOM_STUDIO_STORE", str(pages.store))
        settings.cache_clear()
