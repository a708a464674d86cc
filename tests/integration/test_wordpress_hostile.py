"""What a hostile WordPress, or none, answers: it is refused, and neither leads elsewhere nor gets the password told."""

import base64
import json
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from darkroom.errors import BadInput, DarkroomError, Denied, StoreError, Unavailable
from darkroom.failures import DownloadFailed, WriteFailed
from darkroom.publishing import rest
from darkroom.publishing.wordpress import Media, WordPress
from darkroom.settings import settings
from darkroom.store import retries
from darkroom.store.access import Access

pytestmark = pytest.mark.usefixtures("quick_posting")

SECRET = "abcd EFGH 1234 ijkl MNOP 5678"


def post(posting: WordPress) -> Media:
    return posting.post(b"a picture", digest="0" * 32, file_name="a.tif", title="A", alt="A")


class Hostile(ThreadingHTTPServer):
    """Answers as `answer(method, path)` says: a status, headers and a body."""

    daemon_threads = True

    def __init__(self, answer: Callable[[str, str], tuple[int, dict[str, str], bytes]]) -> None:
        self.answer, self.asked = answer, []  # type: ignore[var-annotated]
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: Hostile

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append((self.command, self.path, dict(self.headers), body))
        status, headers, answer = self.server.answer(self.command, self.path)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer)

    do_POST = do_DELETE = do_GET

    def log_message(self, *_: Any) -> None:
        """Tests have enough to read."""


@contextmanager
def hostile(answer: Callable[[str, str], tuple[int, dict[str, str], bytes]]) -> Iterator[tuple[WordPress, Hostile]]:
    with Hostile(answer) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        access = Access({"WORDPRESS_USER": "me", "WORDPRESS_APPLICATION_PASSWORD": SECRET})
        yield WordPress(f"http://127.0.0.1:{server.server_address[1]}", access), server
        server.shutdown()


def listed(**fields: Any) -> bytes:
    media = {"id": 7, "slug": "darkroom-" + "0" * 32, "status": "inherit", "source_url": "https://site.example/a.jpg"}
    return json.dumps([media | {"alt_text": "x", "title": {"raw": "x"}} | fields]).encode()


ODD: dict[str, tuple[int, bytes, str]] = {
    "no JSON": (200, b"<html>Welcome</html>", "it is no JSON"),
    "100 MB": (200, b'["' + b"x" * 100_000_000, "more than 8 MiB"),
    "deep": (200, b"[" * 100_000, "it is no JSON"),
    "no list": (200, b'{"id": 1}', "it is no list"),
    "a text": (200, b'"abc"', "it is no list"),
    "a list of lists": (200, b"[[]]", "keys with values"),
    "a negative id": (200, listed(id=-7), "id: it must be more than 0"),
    "no id": (200, listed(id="7; DROP TABLE"), "id: it must be a whole number"),
    "another's slug": (200, listed(slug="holiday"), "it lists others"),
    "a script as a URL": (200, listed(source_url="javascript:alert(1)"), "does not begin with http"),
    "a file": (200, listed(source_url="file:///etc/passwd"), "does not begin with http"),
    "blanks in a URL": (200, listed(source_url="https://a/ b"), "spaces"),
    "a path as a file's name": (200, listed(media_details={"original_image": "../../x"}), "it is no file's name"),
    "gone": (404, b"<html>", "there is no WordPress REST API"),
    "no API": (404, b'{"code": "rest_no_route"}', "there is no WordPress REST API"),
}


@pytest.mark.parametrize("name", ODD)
def test_an_answer_that_no_wordpress_gives_is_refused(name: str) -> None:
    status, body, said = ODD[name]
    with hostile(lambda method, path: (status, {}, body)) as (posting, server):
        with pytest.raises(StoreError, match=rf"^127\.0\.0\.1:{server.server_address[1]}: .*{said}.*\.$") as refused:
            post(posting)
        assert len(server.asked) == 1
        assert len(str(refused.value)) < 400


def test_a_file_is_fetched_from_no_private_address() -> None:
    with (
        hostile(lambda *_: (200, {}, b"a picture")) as (_, private),
        hostile(lambda *_: (200, {}, body)) as (posting, _),
    ):
        body = listed(source_url=f"http://127.0.0.1:{private.server_address[1]}/wp-admin/?delete=1")
        with pytest.raises(DownloadFailed, match="an address that is not public"):
            post(posting)
        body = listed(source_url="http://169.254.169.254/latest/meta-data")
        with pytest.raises(DownloadFailed, match="an address that is not public"):
            post(posting)
        assert private.asked == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_password_is_not_sent_along_a_redirect(status: int) -> None:
    with hostile(lambda *_: (200, {}, b"[]")) as (_, other):
        elsewhere = {"Location": f"http://127.0.0.1:{other.server_address[1]}/"}
        redirected = pytest.raises(StoreError, match=rf"it redirects \(HTTP {status}\)")
        with hostile(lambda *_: (status, elsewhere, b"[]")) as (posting, _), redirected:
            post(posting)
        assert other.asked == []


@pytest.mark.parametrize(
    ("status", "said"), [(401, "does not take WORDPRESS_USER"), (403, "does not let WORDPRESS_USER")]
)
def test_who_is_refused_is_denied_at_once(status: int, said: str) -> None:
    with hostile(lambda *_: (status, {}, b"<html>No</html>")) as (posting, server):
        with pytest.raises(Denied, match=said):
            post(posting)
        assert len(server.asked) == 1


def test_a_password_goes_to_the_api_only() -> None:
    def answer(method: str, path: str) -> tuple[int, dict[str, str], bytes]:
        return (200, {}, body) if "/wp-json/" in path else (302, {"Location": elsewhere}, b"")

    with hostile(lambda *_: (200, {}, b"a picture")) as (_, other), hostile(answer) as (posting, server):
        elsewhere = f"http://127.0.0.1:{other.server_address[1]}/a.jpg"
        body = listed(source_url=f"http://127.0.0.1:{server.server_address[1]}/a.jpg")
        with pytest.raises(DownloadFailed, match="an address that is not public"):
            post(posting)
        assert ["Authorization" in headers for _, _, headers, _ in server.asked] == [True, False]
        assert other.asked == []


@pytest.mark.parametrize("header", ["-1", "0", "7 OR 1", "9" * 40, "12345678901234567890"])
def test_a_half_done_upload_of_no_id_is_not_resumed(header: str) -> None:
    failed = (500, {rest.HALF_DONE: header}, b"")
    with hostile(lambda method, _: failed if method == "POST" else (200, {}, b"[]")) as (posting, server):
        with pytest.raises(Unavailable, match=rf"a new media at .* failed {retries.ATTEMPTS} times"):
            post(posting)
        assert not any("post-process" in path for _, path, _, _ in server.asked)


def test_a_half_done_upload_is_resumed_by_the_id_that_the_server_names() -> None:
    def answer(method: str, path: str) -> tuple[int, dict[str, str], bytes]:
        if "/wp-json/" not in path:
            return 200, {}, b"a picture"
        if method == "GET":
            return 200, {}, listed(source_url=url) if stored else b"[]"
        if "/media/7/post-process" in path:
            return 200, {}, json.dumps(json.loads(listed(source_url=url))[0]).encode()
        stored.append(path)
        return 500, {rest.HALF_DONE: "7"}, b""

    stored: list[str] = []
    with hostile(answer) as (posting, server):
        url = f"http://127.0.0.1:{server.server_address[1]}/a.jpg"
        assert post(posting) == Media(7, url, posted=True)
        orders = [(path.partition("?")[0], body) for method, path, _, body in server.asked if method == "POST"]
        assert orders[1:] == [("/wp-json/wp/v2/media/7/post-process", b'{"action": "create-image-subsizes"}')]


def test_a_half_done_upload_of_something_else_is_not_touched() -> None:
    failed = (500, {rest.HALF_DONE: "8"}, b"")
    with hostile(lambda method, _: failed if method == "POST" else (200, {}, b"[]")) as (posting, server):
        with pytest.raises(StoreError, match="it stored the upload as its media 8, which is not found by darkroom-000"):
            post(posting)
        assert [method for method, *_ in server.asked].count("POST") == 1


def test_an_upload_that_is_not_found_again_is_not_repeated() -> None:
    made = json.dumps(json.loads(listed(id=9, slug="renamed"))[0]).encode()
    with hostile(lambda method, _: (201, {}, made) if method == "POST" else (200, {}, b"[]")) as (posting, server):
        with pytest.raises(StoreError, match="the new media 9 is not found by darkroom-000"):
            post(posting)
        assert [method for method, *_ in server.asked].count("POST") == 1
        assert all(method != "DELETE" for method, *_ in server.asked)


def test_what_a_site_asks_to_wait_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(rest.time, "sleep", slept.append)
    with hostile(lambda *_: (503, {"Retry-After": "86400"}, b"")) as (posting, _), pytest.raises(Unavailable):
        post(posting)
    assert max(slept) == rest._LONGEST_ASKED


@pytest.mark.parametrize("status", [400, 401, 403, 500, 413])
def test_a_site_that_repeats_the_password_is_not_quoted(status: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    token = base64.b64encode(f"me:{SECRET}".encode()).decode()
    said = f"<b>Bad</b> {SECRET} {SECRET.replace(' ', '')} Basic {token}\x1b[2J"
    body = json.dumps({"code": SECRET.replace(" ", "").lower(), "message": said, "data": said}).encode()
    with hostile(lambda *_: (status, {}, body)) as (posting, _):
        with pytest.raises(DarkroomError) as failed:
            post(posting)
        for secret in (SECRET, SECRET.replace(" ", ""), token, "\x1b"):
            assert secret not in f"{failed.value!r} {caplog.text} {posting!r}"


def test_a_refused_item_is_that_items_alone() -> None:
    said = b'{"code": "rest_upload_unknown_error", "message": "Not this <b>type</b>."}'
    with hostile(lambda method, _: (500, {}, said) if method == "POST" else (200, {}, b"[]")) as (posting, server):
        with pytest.raises(WriteFailed, match=r"does not take it: HTTP 500 \(rest_upload_unknown_error\): Not this"):
            post(posting)
        assert [method for method, *_ in server.asked].count("POST") == 1


@pytest.mark.parametrize(
    ("url", "more", "problem"),
    [
        ("http://site.example", {}, "by https only"),
        ("https://me:word@site.example", {}, "a user's name or password"),
        ("ftp://site.example", {}, "does not begin with"),
        ("https://site.example/?page=1", {}, "a query"),
        ("https://site.example", {"WORDPRESS_USER": ""}, "set WORDPRESS_USER and"),
        ("https://site.example", {"WORDPRESS_APPLICATION_PASSWORD": "a\r\nX: b"}, "no application password has"),
        ("https://site.example", {"WORDPRESS_SITE": "https://other.example"}, "are only for other.example"),
        ("https://site.example:444", {"WORDPRESS_SITE": "https://site.example"}, "are only for site.example"),
        ("https://site.example/b", {"WORDPRESS_SITE": "https://site.example/a"}, "are only for site.example"),
    ],
)
def test_an_address_or_a_password_that_cannot_be_used_is_bad_input(
    url: str, more: dict[str, str], problem: str
) -> None:
    access = Access({"WORDPRESS_USER": "me", "WORDPRESS_APPLICATION_PASSWORD": SECRET} | more)
    with pytest.raises(BadInput, match=problem) as bad:
        WordPress(url, access)
    assert SECRET not in str(bad.value)
    assert "word@" not in str(bad.value)


def test_credentials_may_be_meant_for_one_site(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DARKROOM_PRIVATE_HOSTS", "intern.example")
    settings.cache_clear()
    access = {"WORDPRESS_USER": "me", "WORDPRESS_APPLICATION_PASSWORD": SECRET}
    WordPress("http://intern.example/blog/", Access(access | {"WORDPRESS_SITE": "http://INTERN.example/blog"}))
