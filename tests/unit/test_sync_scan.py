"""Walking a folder: every file once, in S3's order, and a word for each thing that is no file."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from darkroom.errors import BadInput
from darkroom.sync.folder import judge_of
from darkroom.sync.rules import Checker, rules_named
from darkroom.sync.scan import File, Passed, changed_at, root_of, scan, version_of


def put(folder: Path, *keys: str) -> None:
    for key in keys:
        file = folder / key
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(key.encode(errors="surrogateescape"))


def fine(_: Sequence[str]) -> Mapping[str, str]:
    return {}


def found(folder: Path) -> list[File | Passed]:
    return list(scan(root_of(str(folder)), fine))


def keys(folder: Path) -> list[str]:
    return [one.key for one in found(folder)]


def passed(folder: Path) -> dict[str, str]:
    """What is passed over, by key; all else has to be a file."""
    return {one.key: one.reason for one in found(folder) if isinstance(one, Passed)}


def test_the_order_is_that_of_the_keys_bytes_as_s3_lists_them(tmp_path: Path) -> None:
    names = ("a.b", "a/b", "a-b", "a/b-c", "a0", "aa/b/c", "aa/b.c", "aa/b-c", "Z", "z", "é", "\uffee", "\U00010000/a")
    put(tmp_path, *names)
    assert keys(tmp_path) == sorted(names, key=str.encode)
    assert keys(tmp_path)[:4] == ["Z", "a-b", "a.b", "a/b"], "as the slash is behind both"


def test_a_folder_between_two_files_and_one_in_one_are_walked_where_they_stand(tmp_path: Path) -> None:
    put(tmp_path, "1", "2/1/1/1", "2/1/2", "2/3", "3")
    (tmp_path / "2" / "2").mkdir()  # an empty one
    assert keys(tmp_path) == ["1", "2/1/1/1", "2/1/2", "2/3", "3"]


def test_a_file_has_its_size_and_a_version_that_changes_with_its_bytes(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"1234")
    os.utime(file, ns=(10**18, 10**18))
    (one,) = found(tmp_path)
    stat = file.stat()
    assert one == File("a", 4, version_of(stat))
    file.write_bytes(b"5678")
    os.utime(file, ns=(10**18, 10**18))
    (other,) = found(tmp_path)
    assert isinstance(one, File)
    assert isinstance(other, File)
    assert (other.bytes, other.version != one.version) == (4, True), "its ctime cannot be set back"
    assert changed_at(other.version) == file.stat().st_ctime_ns


def test_a_file_of_before_1970_has_a_version_as_well(tmp_path: Path) -> None:
    """As drives whose clock was lost have them."""
    put(tmp_path, "a")
    os.utime(tmp_path / "a", ns=(-(10**18), -(10**18)))
    (one,) = found(tmp_path)
    assert isinstance(one, File)
    assert changed_at(one.version)


def test_a_link_to_a_file_inside_is_that_file(tmp_path: Path) -> None:
    put(tmp_path, "a", "b/c")
    (tmp_path / "b" / "d").symlink_to("../a")
    (tmp_path / "e").symlink_to(tmp_path / "b" / "c")
    assert found(tmp_path)[2] == File("b/d", 1, version_of((tmp_path / "a").stat()))
    assert (keys(tmp_path), passed(tmp_path)) == (["a", "b/c", "b/d", "e"], {})


def test_links_out_in_a_circle_to_nothing_and_to_folders_are_passed_over_with_a_reason(tmp_path: Path) -> None:
    folder, outside = tmp_path / "folder", tmp_path / "folder-2"
    put(folder, "inside/a")
    put(outside, "secret")
    (folder / "out").symlink_to("../folder-2/secret")
    (folder / "out-folder").symlink_to(outside)
    (folder / "nowhere").symlink_to("is-not-there")
    (folder / "circle").symlink_to("circle")
    (folder / "inside" / "up").symlink_to("..")
    (folder / "other").symlink_to("inside")
    (folder / "twice").symlink_to("out")
    reasons = passed(folder)
    assert keys(folder) == sorted([*reasons, "inside/a"])
    for key in ("out", "out-folder", "twice"):
        assert reasons[key] == "it is a link that leads out of the folder; put the file itself there"
    for key in ("nowhere", "circle"):
        assert reasons[key] == "it is a link that leads nowhere; remove it, or put the file itself there"
    for key in ("inside/up", "other"):
        assert reasons[key] == "it is a link to a folder; put the folder itself there"


def test_a_folder_that_is_itself_a_link_is_walked(tmp_path: Path) -> None:
    put(tmp_path / "really", "a")
    (tmp_path / "really" / "b").symlink_to("a")
    (tmp_path / "link").symlink_to("really")
    assert (keys(tmp_path / "link"), passed(tmp_path / "link")) == (["a", "b"], {})


def test_what_is_neither_file_nor_folder_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert passed(tmp_path) == {"pipe": "it is neither a file nor a folder"}
    (tmp_path / "link").symlink_to("pipe")
    assert set(passed(tmp_path)) == {"link", "pipe"}


def closed(monkeypatch: pytest.MonkeyPatch, folder: Path, error: OSError) -> None:
    """Let a folder be one that cannot be read: for root there is none."""
    really = os.scandir

    def scandir(path: Any) -> Any:
        if str(path) == str(folder):
            raise error
        return really(path)

    monkeypatch.setattr(os, "scandir", scandir)


def test_a_folder_that_cannot_be_read_is_told_once_and_the_others_are_walked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, "a/1", "b-", "b/1", "b/c/1", "b0", "d/1")
    closed(monkeypatch, tmp_path / "b", PermissionError(13, "Permission denied"))
    assert keys(tmp_path) == ["a/1", "b-", "b/", "b0", "d/1"]
    assert found(tmp_path)[2] == Passed("b/", "the folder cannot be read (permission denied)", folder=True)


def test_a_folder_that_vanishes_meanwhile_is_one_that_nobody_knows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As its drive may have gone, and not its files."""
    put(tmp_path, "a/1", "b/1")
    closed(monkeypatch, tmp_path / "b", FileNotFoundError(2, "No such file or directory"))
    assert found(tmp_path)[1] == Passed("b/", "the folder cannot be read (no such file or directory)", folder=True)


def test_a_file_that_vanishes_meanwhile_is_none(tmp_path: Path) -> None:
    put(tmp_path, "a", "b", "c")

    def judge(_: Sequence[str]) -> Mapping[str, str]:
        (tmp_path / "b").unlink(missing_ok=True)  # between the names and their states
        return {}

    assert [one.key for one in scan(str(tmp_path), judge)] == ["a", "c"]


@pytest.mark.parametrize("what", ["missing", "file"])
def test_a_folder_that_is_none_stops_everything(tmp_path: Path, what: str) -> None:
    put(tmp_path, "file")
    with pytest.raises(BadInput, match=r"it cannot be read \(.*\); is the drive mounted, and the right one\?$"):
        found(tmp_path / what)


def test_a_name_that_is_no_utf8_and_one_of_255_bytes_are_walked(tmp_path: Path) -> None:
    odd, long = os.fsdecode(b"caf\xe9.jpg"), "é" * 125 + ".jpgx"
    assert len(long.encode()) == 255
    put(tmp_path, odd, long, "a\nb")
    assert sorted(keys(tmp_path)) == sorted([odd, long, "a\nb"])
    assert passed(tmp_path) == {}


def test_the_names_of_a_folder_are_judged_together_and_only_its_files(tmp_path: Path) -> None:
    put(tmp_path, "a/1.jpg", "a/0001.jpg", "a/b/1.jpg", "1.jpg")
    seen: list[Sequence[str]] = []

    def judge(names: Sequence[str]) -> Mapping[str, str]:
        seen.append(names)
        return {"a/1.jpg": "no"}

    assert [one.reason for one in scan(str(tmp_path), judge)] == ["", "", "no", ""]
    assert sorted(seen) == [["1.jpg"], ["a/0001.jpg", "a/1.jpg"], ["a/b/1.jpg"]]


def judged(*names: str, exclude: str = "") -> Mapping[str, str]:
    judge = judge_of(Checker(rules_named("stores")), (lambda key: key != exclude) if exclude else None)
    return judge([f"stores/a/photos/{name}" for name in names])


def test_0001_beside_1_are_both_refused_and_each_names_the_other() -> None:
    reasons = judged("0001.jpg", "1.jpg", "01.jpg", "10.jpg", "2.jpg")
    assert reasons == {
        "stores/a/photos/0001.jpg": "1.jpg, 01.jpg beside it means the same; keep one of them",
        "stores/a/photos/1.jpg": "0001.jpg, 01.jpg beside it means the same; keep one of them",
        "stores/a/photos/01.jpg": "0001.jpg, 1.jpg beside it means the same; keep one of them",
    }


def test_a_name_that_is_refused_or_excluded_is_nobodys_rival() -> None:
    assert set(judged("1.JPG", "1.jpg")) == {"stores/a/photos/1.JPG"}
    assert judged("0001.jpg", "1.jpg", exclude="stores/a/photos/0001.jpg") == {}
    assert set(judged("a.jpg", "b.jpg", exclude="stores/a/photos/b.jpg")) == {"stores/a/photos/a.jpg"}
