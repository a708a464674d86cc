"""Thumbnails and posts on a real WordPress, over broken lines too."""

import base64
import hashlib
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from darkroom.errors import Denied, Unavailable
from darkroom.failures import Taken, ValidateFailed
from darkroom.outside import web
from darkroom.publishing.wordpress import Media, WordPress
from darkroom.settings import settings
from darkroom.store import retries
from darkroom.store.access import Access
from tests import scans
from tests.servers.fault_proxy import FaultProxy
from tests.servers.faults import CorruptUpload, Duplicate, Reset, Status
from tests.servers.wordpress import WordPressServer

MEDIA = "/wp-json/wp/v2/media"
pytestmark = pytest.mark.usefixtures("quick_posting")

SECRET = "abcd EFGH 1234 ijkl MNOP 5678"


@cache
def jpeg(number: int = 0, width: int = 200) -> bytes:
    """A thumbnail, another one for each number."""
    written: bytes = (scans.picture(width, 160) + number).cast("uchar").jpegsave_buffer(Q=80)
    return written


@pytest.fixture
def digest(request: pytest.FixtureRequest) -> str:
    """A source's hash, each test's own."""
    return hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:32]


@pytest.fixture
def proxy(site: WordPressServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultProxy]:
    """A bad line to the site; its files come past it, from an address of their own."""
    monkeypatch.setenv("DARKROOM_PRIVATE_HOSTS", site.url.removeprefix("http://"))
    settings.cache_clear()
    with FaultProxy(site.url) as started:
        yield started


def client(site: WordPressServer, url: str = "", user: str = "admin") -> WordPress:
    return WordPress(url or site.url, Access(site.variables(user)))


def post(posting: WordPress, digest: str, thumbnail: bytes = b"", **other: str) -> Media:
    texts = {"file_name": "sheet.tif", "title": "Sheet", "alt": "A sheet"} | other
    return posting.post(thumbnail or jpeg(), digest=digest, **texts)


def media_of(site: WordPressServer, digest: str) -> list[dict[str, Any]]:
    return [media for media in site.media() if digest in media["slug"]]


def the_media(site: WordPressServer, digest: str) -> dict[str, Any]:
    (media,) = media_of(site, digest)
    return media


def the_post(site: WordPressServer, post_id: int) -> dict[str, Any]:
    (found,) = [found for found in site.posts() if found["id"] == post_id]
    return found


@pytest.mark.parametrize("user", ["admin", "author"])
def test_a_thumbnail_is_posted_once(site: WordPressServer, digest: str, user: str) -> None:
    posting = client(site, user=user)
    assert posting.find(digest) is None
    posted = post(posting, digest, file_name="Größe 7.php.tif", title="A & <b>B</b>", alt='"C" & d')
    media = the_media(site, digest)
    assert posted == Media(media["id"], media["source_url"], posted=True)
    assert (media["title"]["rendered"], media["alt_text"]) == ("A &amp; &lt;b&gt;B&lt;/b&gt;", '"C" &amp; d') or (
        media["alt_text"] == '"C" & d'
    )
    assert site.file_of(media).read_bytes() == jpeg()
    assert site.file_of(media).name.startswith("Groe-7-php")
    assert site.file_of(media).suffix == ".jpg"
    assert post(posting, digest) == posting.find(digest) == Media(posted.id, posted.url, posted=False)
    assert the_media(site, digest) == media


def test_a_large_one_is_compared_with_what_was_sent(site: WordPressServer, digest: str) -> None:
    large = jpeg(0, 2700)
    assert post(client(site), digest, large).url.endswith("-scaled.jpg")
    assert not post(client(site), digest, large).posted


def test_thumbnails_of_another_size_are_the_same_ones(site: WordPressServer, digest: str) -> None:
    first = post(client(site), digest, jpeg(1))
    assert post(client(site), digest, jpeg(2)) == Media(first.id, first.url, posted=False)
    assert site.file_of(the_media(site, digest)).read_bytes() == jpeg(1)


def test_what_it_lacks_is_added_and_what_a_person_wrote_is_kept(site: WordPressServer, digest: str) -> None:
    posted = post(client(site), digest, alt="")
    site.ask("POST", f"media/{posted.id}", {"title": "By hand", "slug": "by-hand"})
    assert not post(client(site), digest, title="By template", alt="Alt").posted
    assert media_of(site, digest) == []
    media = site.ask("GET", f"media/{posted.id}?context=edit")
    assert (media["title"]["raw"], media["alt_text"], media["slug"]) == ("By hand", "Alt", "by-hand")


@pytest.mark.parametrize("fault", [Reset("response"), Status(502, "Bad Gateway"), Reset("request"), Reset("before")])
def test_an_upload_whose_answer_is_lost_is_not_posted_twice(
    site: WordPressServer, proxy: FaultProxy, digest: str, fault: Any
) -> None:
    proxy.inject(fault, method="POST", path=MEDIA)
    assert post(client(site, proxy.endpoint), digest).posted
    the_media(site, digest)
    uploads = [seen for seen in proxy.seen if (seen.method, seen.result) == ("POST", 201)]
    assert len(uploads) == (0 if fault == Reset("response") else 1)


def test_a_site_that_is_busy_is_asked_again(site: WordPressServer, proxy: FaultProxy, digest: str) -> None:
    proxy.inject(Status(503, "Busy", b"<html>", "text/html"), times=3)
    proxy.inject(Status(429, "Too Many"), times=2, method="POST")
    posting = client(site, proxy.endpoint)
    assert post(posting, digest).posted
    the_media(site, digest)
    assert posting.repeats == {"HTTP 503": 3, "HTTP 429": 2}


def test_a_site_that_is_down_fails_each_item_and_soon(site: WordPressServer, digest: str) -> None:
    with FaultProxy("http://127.0.0.1:9") as nothing:
        posting = client(site, nothing.endpoint)
        with pytest.raises(Unavailable, match=rf"failed {retries.ATTEMPTS} times"):
            post(posting, digest)
        with pytest.raises(Unavailable, match="did not answer just now"):
            post(posting, "0" * 32)
        assert sum(posting.repeats.values()) == retries.ATTEMPTS - 1
    assert post(client(site), digest).posted


def test_a_bytes_change_on_the_way_is_seen_by_wordpress(site: WordPressServer, proxy: FaultProxy, digest: str) -> None:
    proxy.inject(CorruptUpload(1500), method="POST", path=MEDIA)
    posting = client(site, proxy.endpoint)
    assert post(posting, digest).posted
    assert posting.repeats == {"upload damaged": 1}
    assert site.file_of(the_media(site, digest)).read_bytes() == jpeg()


@pytest.mark.parametrize("again", [0, 2])
def test_a_half_done_upload_is_resumed(site: WordPressServer, proxy: FaultProxy, digest: str, again: int) -> None:
    site.fail(1)
    proxy.inject(Status(500, "Out of memory"), times=again, path="post-process")
    posting = client(site, proxy.endpoint)
    assert post(posting, digest, jpeg(0, 400)).posted
    media = the_media(site, digest)
    assert media["missing_image_sizes"] == []
    assert {"medium", "thumbnail", "full"} <= media["media_details"]["sizes"].keys()
    assert posting.repeats == ({"HTTP 500": again} if again else {})
    told = [(seen.method, seen.result) for seen in proxy.seen if seen.method == "POST"]
    assert told == [("POST", 500), *[("POST", "Status")] * again, ("POST", 200)]


def test_an_upload_that_a_kill_left_half_done_is_resumed_by_the_next_run(
    site: WordPressServer, proxy: FaultProxy, digest: str
) -> None:
    site.fail(1)
    proxy.inject(Status(500, "Out of memory"), times=retries.ATTEMPTS, path="post-process")
    with pytest.raises(Unavailable, match="the upload's end"):
        post(client(site, proxy.endpoint), digest, jpeg(0, 400))
    assert the_media(site, digest)["missing_image_sizes"]
    assert not post(client(site), digest, jpeg(0, 400)).posted
    assert the_media(site, digest)["missing_image_sizes"] == []


def test_two_runs_at_once_leave_one(site: WordPressServer, proxy: FaultProxy, digest: str) -> None:
    proxy.inject(Duplicate(), method="POST", path=MEDIA)
    first = post(client(site, proxy.endpoint), digest)
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: post(client(site), digest), range(4)))
    assert {media.id for media in done} == {first.id} == {the_media(site, digest)["id"]}


def test_a_slug_that_another_thing_has_is_no_matter(site: WordPressServer, digest: str) -> None:
    page = site.ask("POST", "pages", {"slug": f"darkroom-{digest}", "title": "A page", "status": "publish"})
    posted = post(client(site), digest)
    assert the_media(site, digest)["slug"] == f"darkroom-{digest}-2"
    assert not post(client(site), digest).posted
    assert client(site).find(digest) == Media(posted.id, posted.url, posted=False)
    assert site.ask("GET", f"pages/{page['id']}")["title"]["rendered"] == "A page"


def test_what_somebody_replaced_or_threw_away_is_left_to_them(site: WordPressServer, digest: str) -> None:
    posted = post(client(site), digest)
    file = site.file_of(the_media(site, digest))
    file.write_bytes(jpeg(9))
    with pytest.raises(Taken, match=f"its media {posted.id} at .* has not the file that was posted"):
        post(client(site), digest)
    assert file.read_bytes() == jpeg(9)
    file.unlink()
    with pytest.raises(Taken, match=f"its media {posted.id} at .* has not the file that was posted"):
        post(client(site), digest)
    site.ask("DELETE", f"media/{posted.id}")
    with pytest.raises(Taken, match=f"its media {posted.id} lies in the trash"):
        post(client(site), digest)
    assert client(site).find(digest) is None
    site.ask("DELETE", f"media/{posted.id}?force=true")
    assert post(client(site), digest).posted


def test_an_upload_that_is_changed_there_is_a_failure(site: WordPressServer, proxy: FaultProxy, digest: str) -> None:
    original = web.download

    def download(url: str, file: Path, **options: Any) -> int:
        original(url, file, **options)
        return file.write_bytes(file.read_bytes() + b"\0")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(web, "download", download)
        with pytest.raises(ValidateFailed, match=r"other bytes come back from .* delete its media"):
            post(client(site), digest)


@pytest.mark.parametrize("user", ["admin", "author"])
def test_a_changed_picture_gets_a_new_media_and_its_post_shows_it(
    site: WordPressServer, digest: str, user: str
) -> None:
    posting = client(site, user=user)
    shown = "<p onclick='x()'>AT&T</p>\n<img src='{}' alt='A'/>"  # of which WordPress lets an author write a part
    first, second = post(posting, digest, jpeg(1)), post(posting, digest[::-1], jpeg(2))
    about = {"source": f"gs://b/{digest}", "title": "A & <b>"}
    drafted = posting.draft_or_update(**about, content=shown.format(first.url), media_id=first.id)
    assert (drafted.notes, the_post(site, drafted.id)["status"]) == ((), "draft")
    site.ask("POST", f"posts/{drafted.id}", {"status": "pending", "slug": f"a-better-name-of-{user}"})
    again = posting.draft_or_update(**about, content=shown.format(second.url), media_id=second.id, status="publish")
    assert (again.id, again.notes) == (drafted.id, ())
    found = the_post(site, drafted.id)
    assert (found["status"], found["slug"], found["featured_media"]) == (
        "pending",
        f"a-better-name-of-{user}",
        second.id,
    )
    assert found["title"]["raw"] == "A &amp; &lt;b&gt;"
    assert second.url in found["content"]["raw"]
    assert first.url not in found["content"]["raw"]


@pytest.mark.parametrize("edit", [{"title": "By hand"}, {"content": "By hand"}, "appended", "inserted"])
def test_an_edited_post_keeps_its_text_and_gets_the_image(site: WordPressServer, digest: str, edit: Any) -> None:
    posting, source = client(site), f"gs://b/{digest}"
    first, second = post(posting, digest, jpeg(1)), post(posting, digest[::-1], jpeg(2))
    drafted = posting.draft_or_update(source=source, title="T", content="<p>One</p>", media_id=first.id)
    raw = the_post(site, drafted.id)["content"]["raw"]
    texts = {"appended": {"content": f"{raw}\n<p>By hand</p>"}, "inserted": {"content": f"By hand {raw}"}}
    site.ask("POST", f"posts/{drafted.id}", texts[edit] if isinstance(edit, str) else edit)
    before = the_post(site, drafted.id)
    again = posting.draft_or_update(source=source, title="U", content="<p>Two</p>", media_id=second.id)
    assert again.id == drafted.id
    assert "was edited there" in again.notes[0]
    found = the_post(site, drafted.id)
    assert found["featured_media"] == second.id
    assert all(found[part] == before[part] for part in ("title", "content", "status", "slug"))
    assert "By hand" in found["content"]["raw"] + found["title"]["raw"]


def test_an_untouched_post_is_not_written_again(site: WordPressServer, proxy: FaultProxy, digest: str) -> None:
    posting = client(site, proxy.endpoint)
    proxy.inject(Reset("response"), method="POST", path="/posts")
    about: dict[str, Any] = {"source": digest, "title": "T", "content": "<p>One</p>", "media_id": 0}
    drafted = posting.draft_or_update(**about, status="publish")
    assert [found["id"] for found in site.posts() if found["slug"].startswith(the_post(site, drafted.id)["slug"])] == [
        drafted.id
    ]
    proxy.clear()
    assert posting.draft_or_update(**about) == drafted
    assert {seen.method for seen in proxy.seen} == {"GET"}
    assert the_post(site, drafted.id)["status"] == "publish"


def test_a_post_in_the_trash_stays_there(site: WordPressServer, digest: str) -> None:
    about: dict[str, Any] = {"source": digest, "title": "T", "content": "<p>One</p>", "media_id": 0}
    drafted = client(site).draft_or_update(**about)
    site.ask("DELETE", f"posts/{drafted.id}")
    again = client(site).draft_or_update(**about)
    assert again.id == drafted.id
    assert "lies in the trash" in again.notes[0]
    assert the_post(site, drafted.id)["status"] == "trash"


def test_who_may_not_is_denied_and_no_password_is_told(
    site: WordPressServer, digest: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    wrong = Access({"WORDPRESS_USER": "admin", "WORDPRESS_APPLICATION_PASSWORD": SECRET})
    token = base64.b64encode(f"admin:{SECRET}".encode()).decode()
    with pytest.raises(Denied, match=r"does not take WORDPRESS_USER with WORDPRESS_APPLICATION_PASSWORD \(HTTP 401"):
        post(WordPress(site.url, wrong), digest)
    with pytest.raises(Denied, match=r"does not let WORDPRESS_USER do that \(HTTP 403"):
        post(client(site, user="reader"), digest)
    with pytest.raises(Denied) as denied:
        WordPress(site.url, wrong).draft_or_update(source="a", title="b", content="c", media_id=1)
    said = f"{caplog.text}{denied.value!r}{wrong!r}{vars(wrong) if hasattr(wrong, '__dict__') else ''}"
    for secret in (SECRET, SECRET.replace(" ", ""), token, site.password):
        assert secret not in said
