"""What of Dropbox can be told without asking it."""

import io
import logging
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from dropbox.content_hash import DropboxContentHasher
from dropbox.files import DeletedMetadata, FileMetadata, FolderMetadata, ListFolderResult, SymlinkInfo

from darkroom.errors import BadInput, Damaged, StoreError, Unavailable
from darkroom.outside import dropbox_stream
from darkroom.outside.content_hash import ContentHash
from darkroom.outside.dropbox import DropboxFile, Page, _page, folded, folder_of
from darkroom.outside.dropbox_errors import busy
from darkroom.outside.dropbox_stream import Revision
from darkroom.store import open_store, retries
from darkroom.store.access import Access
from darkroom.store.retries import Retries, Transient

HASH = "0" * 64
BLOCK = 4 << 20


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 2 * BLOCK + 77])
def test_the_hash_is_dropboxs_own_however_the_bytes_come(size: int) -> None:
    content = random.Random(size).randbytes(size)  # noqa: S311
    whole, theirs = ContentHash(), DropboxContentHasher()
    theirs.update(content)
    for start in range(0, size, 1_000_003):
        whole.update(content[start : start + 1_000_003])
    assert whole.hexdigest() == theirs.hexdigest()
    assert whole.hexdigest() == whole.copy().hexdigest(), "it can be asked twice"


def test_a_copy_of_a_hash_goes_its_own_way() -> None:
    first = ContentHash()
    first.update(b"a")
    second = first.copy()
    second.update(b"b")
    third = ContentHash()
    third.update(b"a")
    assert first.hexdigest() == third.hexdigest() != second.hexdigest()


@pytest.mark.parametrize(
    "location",
    ["dropbox:", "dropbox:Renders", "dropbox://Renders", "dropbox:/a//b", "dropbox:/a/../b", "s3://a", "dropbox:/a\0b"],
)
def test_a_location_that_names_no_folder_is_refused_with_how_to_write_one(location: str) -> None:
    with pytest.raises(BadInput, match=r"write dropbox:/path/of/folder"):
        folder_of(location)


def test_a_location_is_no_store() -> None:
    with pytest.raises(BadInput, match=r"dropbox:/Renders: Dropbox is no store, files are only fetched from there"):
        open_store("dropbox:/Renders")


def test_names_are_compared_without_case_in_one_form() -> None:
    assert folded("E\N{COMBINING ACUTE ACCENT}TÉ.png") == folded("été.PNG")


def test_an_identity_of_dropbox_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DARKROOM_DROPBOX_REFRESH_TOKEN", "another-account")
    environment = Access({"DARKROOM_DROPBOX_TOKEN": "a-token"}).environment()
    assert "DARKROOM_DROPBOX_REFRESH_TOKEN" not in environment
    assert "DARKROOM_DROPBOX_REFRESH_TOKEN" in Access({"AWS_PROFILE": "a"}).environment()


def file(path: str, **more: Any) -> FileMetadata:
    known = {"name": path.rpartition("/")[2], "path_lower": path.lower(), "path_display": path}
    known |= {"id": "id:1", "rev": "0123456789", "size": 1, "content_hash": HASH}
    time = datetime(2026, 11, 1, 12)
    return FileMetadata(**{**known, "client_modified": time, "server_modified": time, **more})


def deleted(path: str) -> DeletedMetadata:
    return DeletedMetadata(name=path.rpartition("/")[2], path_lower=path.lower(), path_display=path)


def page(*entries: Any, folder: str = "/Renders") -> Page:
    return _page(ListFolderResult(list(entries), "cursor", False), folder.lower(), folder)


def test_paths_are_below_the_folder_as_they_are_displayed_whatever_its_own_case() -> None:
    found = page(
        FolderMetadata(name="FP", path_lower="/renders/fp"), file("/RENDERS/FP/T1_Belt.PNG"), folder="/renders"
    )
    assert [one.path for one in found.files] == ["FP/T1_Belt.PNG"]
    assert found.files[0].modified == datetime(2026, 11, 1, 12, tzinfo=UTC)


def test_a_pages_removals_count_before_its_files() -> None:
    found = page(file("/Renders/a/x.png"), deleted("/Renders/a"), file("/Renders/A/y.png"), deleted("/Renders/z.png"))
    assert [one.path for one in found.files] == ["A/y.png"]
    assert found.removed == ("a", "z.png")


def test_a_folder_beside_one_that_was_removed_stays() -> None:
    assert [one.path for one in page(file("/Renders/ab/x.png"), deleted("/Renders/a")).files] == ["ab/x.png"]


def test_the_folder_itself_can_be_removed() -> None:
    assert page(deleted("/Renders")).removed == ("",)


def test_of_a_file_that_is_told_twice_the_last_counts() -> None:
    found = page(file("/Renders/a.png"), file("/Renders/A.png", rev="fffffffff"))
    assert [(one.path, one.rev) for one in found.files] == [("A.png", "fffffffff")]


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        (file("/Renders/a.paper", is_downloadable=False), "it is a document of Dropbox's own and no file"),
        (file("/Renders/a.png", symlink_info=SymlinkInfo(target="/etc/passwd")), "it is a link and no file"),
        (file("/Renders/../a.png"), "its path has an empty part, or . or .. as one"),
        (file("/Renders//a.png"), "its path has an empty part"),
        (file("/Renders/a\0.png"), "its path has a zero byte"),
        (file("/Renders/a\ud800.png"), "its path is no text"),
        (file("/Renders/a.png", content_hash=None), "Dropbox knows no hash of it"),
        (file("/Renders/a.png", path_lower=None, path_display=None), "it lies in a shared folder that is not mounted"),
    ],
)
def test_what_cannot_be_had_is_listed_apart_with_the_reason_and_costs_nothing_else(entry: Any, why: str) -> None:
    found = page(file("/Renders/b.png"), entry)
    assert [one.path for one in found.files] == ["b.png"]
    ((path, reason),) = found.refused
    assert why in reason
    assert path.isprintable()


@pytest.mark.parametrize("entry", [file("/Elsewhere/a.png"), file("/Renders2/a.png"), deleted("/Elsewhere")])
def test_a_listing_of_what_lies_elsewhere_is_no_answer(entry: Any) -> None:
    with pytest.raises(StoreError, match="it lists what lies elsewhere"):
        page(file("/Renders/b.png"), entry)


def test_a_displayed_path_that_is_another_is_no_answer() -> None:
    with pytest.raises(StoreError, match="it lists what lies elsewhere"):
        page(file("/Renders/a.png", path_display="/Renders/../../a.png"))


@pytest.mark.parametrize(("asked", "waits"), [(None, 5.0), (0, 0.0), (120, 120.0)])
def test_as_long_as_dropbox_asks_for_is_waited(asked: float | None, waits: float) -> None:
    fault = busy(asked)
    assert isinstance(fault, Transient)
    assert fault.after == waits


@pytest.mark.parametrize("asked", [121, 1e9, -1, float("nan"), float("inf")])
def test_a_wait_without_an_end_is_the_next_runs(asked: float) -> None:
    assert isinstance(busy(asked), Unavailable)


def test_retries_wait_as_long_as_a_service_asks_at_the_first_fault_and_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "_FIRST_WAIT", 0.0)
    slept: list[float] = []
    monkeypatch.setattr("tenacity.nap.time.sleep", slept.append)
    faults = [Transient("busy", "wait", 7.0), Transient("broken", "no wish"), Transient("busy", "wait", 3.0)]

    def attempt() -> str:
        if faults:
            raise faults.pop(0)
        return "done"

    assert Retries().call("a call", attempt) == "done"
    assert slept == [7.0, 0.0, 3.0]


class Server:
    """Answers with a content's bytes from where it is asked, a piece a read; each of `breaks` ends one there."""

    def __init__(self, content: bytes, breaks: list[int]) -> None:
        self.content, self.breaks, self.asked = content, breaks, []  # type: ignore[var-annotated]

    def __call__(self, start: int) -> Any:
        self.asked.append(start)
        end = self.breaks.pop(0) if self.breaks else len(self.content)
        body = io.BytesIO(self.content[start:end])
        raw = SimpleNamespace(read1=lambda size, decode_content: body.read(min(size, 7)))
        headers = {"Content-Range": f"bytes {start}-{len(self.content) - 1}/{len(self.content)}"} if start else {}
        return SimpleNamespace(raw=raw, headers=headers, status_code=206 if start else 200, close=lambda: None)


@pytest.fixture(autouse=True)
def no_waits(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(retries, "_FIRST_WAIT", 0.0)
    with_level = logging.getLogger("darkroom.store.retries")
    before, with_level.level = with_level.level, logging.ERROR
    yield
    with_level.setLevel(before)


def described(content: bytes) -> DropboxFile:
    whole = ContentHash()
    whole.update(content)
    return DropboxFile("a.png", "0123456789", len(content), whole.hexdigest(), datetime.now(UTC))


def stream(server: Server, offset: int = 0, proof: ContentHash | None = None, **said: Any) -> Revision:
    known = described(server.content)
    return Revision(server, said.get("file", known), offset, proof, Retries())


def test_a_stream_goes_on_where_each_connection_broke() -> None:
    content = bytes(range(100))
    server = Server(content, [30, 30, 31, 99])
    assert io.BufferedReader(stream(server, proof=ContentHash())).read() == content
    assert server.asked == [0, 30, 30, 31, 99]


def test_a_server_that_breaks_after_every_byte_holds_no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dropbox_stream, "_BREAKS", 20)
    server = Server(bytes(100), list(range(1, 100)))
    with pytest.raises(Unavailable, match="the connection broke 20 times"):
        io.BufferedReader(stream(server)).read()


def test_a_server_that_drips_holds_no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 10_000, 20))
    monkeypatch.setattr(dropbox_stream.time, "monotonic", lambda: next(clock))
    with pytest.raises(Unavailable, match="it comes too slowly"):
        io.BufferedReader(stream(Server(bytes(100), []))).read()


@pytest.mark.parametrize("size", [1, 100])
def test_other_bytes_are_damaged_before_the_last_of_them_is_given(size: int) -> None:
    server = Server(b"x" * size, [])
    reader = io.BufferedReader(stream(server, proof=ContentHash(), file=described(b"y" * size)), 16)
    with pytest.raises(Damaged, match=r"a\.png: the bytes that came from Dropbox have another hash"):
        reader.read(size)


def test_the_rest_of_a_file_is_proven_with_what_came_before() -> None:
    content = bytes(range(100))
    before = ContentHash()
    before.update(content[:60])
    server = Server(content, [])
    assert io.BufferedReader(stream(server, 60, before)).read() == content[60:]
    wrong = ContentHash()
    wrong.update(b"z" * 60)
    with pytest.raises(Damaged):
        io.BufferedReader(stream(Server(content, []), 60, wrong)).read()


def test_of_a_file_that_is_there_whole_nothing_is_asked() -> None:
    server = Server(b"abc", [])
    assert io.BufferedReader(stream(server, 3)).read() == b""
    assert server.asked == []
    assert io.BufferedReader(stream(Server(b"", []), proof=ContentHash())).read() == b""
