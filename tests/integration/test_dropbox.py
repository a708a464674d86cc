"""The Dropbox client against a Dropbox over TLS that pages, forgets, hurries, breaks off and lies."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from darkroom.errors import BadInput, Denied, NotFound, SourceChanged, StoreError, Unavailable
from darkroom.outside import dropbox_session
from darkroom.outside.content_hash import ContentHash
from darkroom.outside.dropbox import CursorReset, Dropbox, DropboxFile
from darkroom.store import retries
from darkroom.store.access import Access
from tests.servers.dropbox import FakeDropbox
from tests.servers.dropbox_faults import Answer, Busy, Cut, Hang, Meanwhile, Twisted

FOLDER = "/Renders/FP DR1003"
LIST, CONTINUE, DOWNLOAD = "files/list_folder", "files/list_folder/continue", "files/download"


@pytest.fixture(autouse=True)
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "_FIRST_WAIT", 0.0)


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeDropbox]:
    with FakeDropbox(tmp_path) as server:
        for number in range(7):
            server.put(f"{FOLDER}/t{number}_belt_front_0003.png", bytes([number]) * 1000)
        yield server


@pytest.fixture
def dropbox(fake: FakeDropbox) -> Dropbox:
    return Dropbox(fake.access())


def listed(dropbox: Dropbox, folder: str = FOLDER, cursor: str = "") -> tuple[dict[str, DropboxFile], list[str], str]:
    """Files by their paths, what was removed, and the last cursor."""
    pages = list(dropbox.changes(folder, cursor))
    files = {one.path: one for page in pages for one in page.files}
    return files, [path for page in pages for path in page.removed], pages[-1].cursor


def test_every_page_is_listed_and_a_cursor_tells_only_what_changed_since(fake: FakeDropbox, dropbox: Dropbox) -> None:
    files, removed, cursor = listed(dropbox)
    assert (len(files), removed) == (7, [])
    assert len(fake.asked(CONTINUE)) == 2
    assert listed(dropbox, cursor=cursor)[:2] == ({}, [])
    fake.put(f"{FOLDER}/t1_belt_front_0003.png", b"new")
    fake.remove(f"{FOLDER}/t2_belt_front_0003.png")
    fake.rename(f"{FOLDER}/t3_belt_front_0003.png", f"{FOLDER}/deeper/T3_belt_front_0003.png")
    fake.put("/Elsewhere/a.png", b"another's")
    changed, removed, _ = listed(dropbox, cursor=cursor)
    assert set(changed) == {"t1_belt_front_0003.png", "deeper/T3_belt_front_0003.png"}
    assert removed == ["t2_belt_front_0003.png", "t3_belt_front_0003.png"]


def test_an_interrupted_listing_goes_on_from_any_pages_cursor(dropbox: Dropbox) -> None:
    first = next(dropbox.changes(FOLDER))
    rest, _, _ = listed(dropbox, cursor=first.cursor)
    assert len({one.path for one in first.files} | set(rest)) == 7


def test_a_cursor_that_was_reset_or_is_none_says_to_start_over(fake: FakeDropbox, dropbox: Dropbox) -> None:
    _, _, cursor = listed(dropbox)
    fake.reset_cursors()
    for one in (cursor, "no cursor of this account"):
        with pytest.raises(CursorReset):
            listed(dropbox, cursor=one)
    assert len(listed(dropbox)[0]) == 7


def test_a_folder_that_is_missing_removed_or_a_file_is_told(fake: FakeDropbox, dropbox: Dropbox) -> None:
    _, _, cursor = listed(dropbox)
    with pytest.raises(NotFound, match=r"dropbox:/Nowhere: there is no such folder in Dropbox"):
        listed(dropbox, "/Nowhere")
    with pytest.raises(BadInput, match="it is a file; name the folder that it lies in"):
        listed(dropbox, f"{FOLDER}/t1_belt_front_0003.png")
    fake.remove("/Renders")
    with pytest.raises(NotFound):
        listed(dropbox, cursor=cursor)


def test_documents_are_listed_apart_and_mounted_shared_folders_are_read(fake: FakeDropbox, dropbox: Dropbox) -> None:
    fake.share(f"{FOLDER}/shared")
    fake.put(f"{FOLDER}/shared/E\N{COMBINING ACUTE ACCENT}te\u0301.png.tmp", b"being written")
    fake.put_document(f"{FOLDER}/notes.paper")
    pages = list(dropbox.changes(FOLDER))
    assert [path for page in pages for path, _ in page.refused] == ["notes.paper"]
    names = {one.path for page in pages for one in page.files}
    assert "shared/E\N{COMBINING ACUTE ACCENT}te\u0301.png.tmp" in names


def test_in_a_teams_space_paths_begin_at_the_teams_root(tmp_path: Path) -> None:
    with FakeDropbox(tmp_path, team=True) as fake:
        fake.put("/Studio/a.png", b"a")
        fake.put("/Ann/b.png", b"b")
        dropbox = Dropbox(fake.access())
        files, _, _ = listed(dropbox, "/Studio")
        assert dropbox.open(files["a.png"]).read() == b"a"
        assert set(listed(dropbox, "")[0]) == {"Studio/a.png", "Ann/b.png"}


@pytest.mark.parametrize("fault", [Busy(), Answer(500), Answer(503, b"<html>", "text/html"), Cut(), Cut(20)])
@pytest.mark.parametrize("route", ["users/get_current_account", "files/get_metadata", LIST, CONTINUE])
def test_a_fault_that_passes_is_met_again(fake: FakeDropbox, dropbox: Dropbox, fault: Any, route: str) -> None:
    fake.fault(route, fault, fault)
    assert len(listed(dropbox)[0]) == 7


def test_a_service_that_does_not_answer_is_asked_again(fake: FakeDropbox, monkeypatch: pytest.MonkeyPatch) -> None:
    from darkroom.outside import dropbox_calls

    monkeypatch.setattr(dropbox_calls, "TIMEOUT", (1, 0.3))
    fake.fault(LIST, Hang(0.8))
    assert len(listed(Dropbox(fake.access()))[0]) == 7


def test_a_connection_that_breaks_is_taken_up_by_range(fake: FakeDropbox, dropbox: Dropbox) -> None:
    fake.put(f"{FOLDER}/large.png", content := bytes(range(256)) * 4000)
    files, _, _ = listed(dropbox)
    fake.fault(DOWNLOAD, Cut(300_000), Busy(), Cut(0), Answer(503))
    assert dropbox.open(files["large.png"]).read() == content
    assert [one.range for one in fake.asked(DOWNLOAD)] == ["", *["bytes=300000-"] * 4]


def test_what_lies_here_already_is_not_fetched_again(fake: FakeDropbox, dropbox: Dropbox) -> None:
    files, _, _ = listed(dropbox)
    before = ContentHash()
    before.update(b"\1" * 600)
    assert dropbox.open(files["t1_belt_front_0003.png"], 600, before).read() == b"\1" * 400
    assert [one.range for one in fake.asked(DOWNLOAD)] == ["bytes=600-"]


def test_a_file_that_is_replaced_while_it_comes_is_the_old_one_whole(fake: FakeDropbox, dropbox: Dropbox) -> None:
    files, _, _ = listed(dropbox)
    name = "t1_belt_front_0003.png"
    fake.fault(DOWNLOAD, Meanwhile(lambda: fake.put(f"{FOLDER}/{name}", b"new")))
    assert dropbox.open(files[name]).read() == b"\1" * 1000
    fake.forget(files[name].rev)
    with pytest.raises(SourceChanged, match="it changed since plan, and its revision is gone"):
        dropbox.open(files[name])


def test_another_file_than_the_one_that_was_asked_for_has_changed(fake: FakeDropbox, dropbox: Dropbox) -> None:
    files, _, _ = listed(dropbox)
    rev = files["t1_belt_front_0003.png"].rev
    fake.files.revisions[rev] = fake.files.revisions[files["t2_belt_front_0003.png"].rev]
    with pytest.raises(SourceChanged, match="it changed since plan"):
        dropbox.open(files["t1_belt_front_0003.png"])


def test_an_expired_token_is_told_and_renewed_where_it_can_be(fake: FakeDropbox) -> None:
    short, renewable = Dropbox(fake.access()), Dropbox(fake.renewable())
    files, _, _ = listed(short)
    listed(renewable)
    fake.expire_tokens()
    with pytest.raises(Unavailable, match=r"the token has expired; give DARKROOM_DROPBOX_TOKEN a fresh one"):
        short.open(files["t1_belt_front_0003.png"])
    assert renewable.open(files["t1_belt_front_0003.png"]).read() == b"\1" * 1000
    assert len(fake.asked("oauth2/token")) == 2


def test_a_token_that_is_none_and_a_right_that_is_missing_are_told(fake: FakeDropbox) -> None:
    host = fake.hosts()
    with pytest.raises(Denied, match="Dropbox refuses the token"):
        listed(Dropbox(Access(host | {"DARKROOM_DROPBOX_TOKEN": "sl.secret"})))
    with pytest.raises(BadInput, match="DARKROOM_DROPBOX_TOKEN: it has characters that no token has") as refusal:
        listed(Dropbox(Access(host | {"DARKROOM_DROPBOX_TOKEN": "sl.sec\nret"})))
    assert "sec" not in str(refusal.value).removeprefix("DARKROOM")
    with pytest.raises(BadInput, match="there is no token"):
        listed(Dropbox(Access(host | {"DARKROOM_DROPBOX_TOKEN": ""})))
    fake.scopes.discard("files.metadata.read")
    with pytest.raises(Denied, match=r"the app has no permission files\.metadata\.read"):
        listed(Dropbox(fake.access()))


def test_a_stranger_with_dropboxs_name_is_not_shown_the_token(fake: FakeDropbox, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with FakeDropbox(tmp_path / "other") as other:
        access = Access({**fake.environment(), "REQUESTS_CA_BUNDLE": str(other.pem)})
        with pytest.raises(StoreError, match="its certificate does not hold"):
            listed(Dropbox(access))
    assert fake.got == []


def test_a_redirect_is_not_followed(fake: FakeDropbox, dropbox: Dropbox) -> None:
    fake.fault(LIST, Answer(307, headers={"Location": "https://elsewhere.example/2/files/list_folder"}))
    with pytest.raises(StoreError, match="it leads elsewhere"):
        listed(dropbox)


def entries(how: Any) -> Twisted:
    """A page whose first file is changed."""
    return Twisted(lambda said: {**said, "entries": [{**one, **how} for one in said["entries"]]})


@pytest.mark.parametrize(
    "fault",
    [
        Answer(200, b"no JSON"),
        Answer(200, b"[" * 100_000),
        Answer(200, b"null"),
        Answer(200, b"{}", "text/html"),
        Answer(404, b"<html>"),
        Answer(409, b'{"error": 7}'),
        Answer(418),
        Twisted(lambda said: {**said, "entries": 7}),
        Twisted(lambda said: {**said, "cursor": None}),
        entries({"size": -1}),
        entries({"size": "large"}),
        entries({"rev": "../../etc"}),
        entries({"content_hash": "short"}),
        entries({"server_modified": "yesterday"}),
        entries({"path_lower": "/etc/passwd", "path_display": "/etc/passwd"}),
        entries({"path_display": "/a/b/../../../c"}),
    ],
)
def test_an_answer_of_another_form_is_said_to_be_none(fake: FakeDropbox, dropbox: Dropbox, fault: Any) -> None:
    fake.fault(LIST, fault)
    with pytest.raises(StoreError, match="not understood"):
        listed(dropbox)


def test_a_huge_answer_is_not_read(fake: FakeDropbox, dropbox: Dropbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dropbox_session, "_LARGEST", 100_000)
    fake.fault(LIST, Answer(200, b" " * 200_000))
    with pytest.raises(StoreError, match="it has more than"):
        listed(dropbox)


@pytest.mark.parametrize("cursors", [["A"], ["A", "B"]])
def test_a_listing_that_goes_in_a_circle_ends(fake: FakeDropbox, dropbox: Dropbox, cursors: list[str]) -> None:
    pages = [Twisted(lambda said, at=at: {**said, "cursor": at, "has_more": True}) for at in cursors * 3]
    for one in cursors:
        fake.files._cursors[one] = fake.files.start(FOLDER.lower(), 3, recursive=True, mounted=True)
    fake.fault(LIST, pages[0])
    fake.fault(CONTINUE, *pages[1:])
    with pytest.raises(StoreError, match="Dropbox lists it without an end"):
        listed(dropbox)


def test_many_threads_read_by_one_client(dropbox: Dropbox, fake: FakeDropbox) -> None:
    files, _, _ = listed(dropbox)
    fake.expire_tokens()
    client, read = Dropbox(fake.renewable()), []
    threads = [
        threading.Thread(target=lambda one=one: read.append(client.open(one).read()[:1])) for one in files.values()
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(read) == [bytes([number]) for number in range(7)]
    assert len(fake.asked("oauth2/token")) == 1
