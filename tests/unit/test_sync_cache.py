"""The cache of hashes: what it keeps, what it must not keep, and that it may be lost, damaged or locked at any time."""

import logging
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from darkroom.settings import settings
from darkroom.sync import cache as caching
from darkroom.sync.cache import Cache, Known

SECOND = 10**9


def version(changed: int, written: int | None = None, size: int = 7) -> str:
    """A version of a file: when its state changed last, and when its bytes (ns)."""
    return f"{size:x}.{changed if written is None else written:x}.abc.{changed:x}"


def known(key: str, changed: int = SECOND, md5: str = "0" * 32, reason: str = "") -> Known:
    return Known(key, version(changed), md5, "rules", reason)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "folder.sqlite"


def kept(file: Path) -> list[Known]:
    cache = Cache(file)
    try:
        return list(cache.rows())
    finally:
        cache.close()


def keep(file: Path, *rows: Known) -> None:
    cache = Cache(file)
    for row in rows:
        cache.note(row)
    cache.close()


def test_what_is_noted_is_there_the_next_time_in_the_order_of_keys(file: Path) -> None:
    rows = [known(key, reason="it is a PNG" if key == "a.b" else "") for key in ("a/b", "a.b", "é", "\U00010000", "Z")]
    keep(file, *rows)
    assert kept(file) == sorted(rows, key=lambda one: one.key.encode())


def test_a_newer_version_replaces_the_one_before_and_what_is_gone_is_dropped(file: Path) -> None:
    keep(file, known("a"), known("b"), known("c"))
    keep(file, known("a", 2 * SECOND, "1" * 32))
    cache = Cache(file)
    cache.forget(["b", "not there"])
    cache.close()
    assert kept(file) == [known("a", 2 * SECOND, "1" * 32), known("c")]


def test_many_rows_are_written_together_and_read_in_pages(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caching, "_PAGE", 7)
    rows = [known(f"{number:05}") for number in range(2500)]
    keep(file, *rows)
    assert kept(file) == rows
    for count in (7, 14):
        keep(file.with_name(f"{count}.sqlite"), *rows[:count])
        assert len(kept(file.with_name(f"{count}.sqlite"))) == count


@pytest.mark.parametrize("damage", ["nonsense", "cut", "other table"])
def test_a_damaged_file_is_made_anew(file: Path, damage: str, caplog: pytest.LogCaptureFixture) -> None:
    keep(file, *(known(f"{number}") for number in range(500)))
    for beside in file.parent.glob("*-*"):
        beside.unlink()
    if damage == "nonsense":
        file.write_bytes(b"this is no SQLite file" * 1000)
    elif damage == "cut":
        file.write_bytes(file.read_bytes()[:5000])
    else:
        file.unlink()
        with sqlite3.connect(file) as other:
            other.execute("CREATE TABLE files (name TEXT)")
        other.close()
    with caplog.at_level(logging.WARNING):
        keep(file, known("a"))
    assert caplog.records, "it is said"
    if damage != "other table":  # that one is left alone, and every file is read
        assert kept(file) == [known("a")]


def test_damage_in_the_middle_costs_reading_and_is_no_failure(file: Path) -> None:
    keep(file, *(known(f"{number:05}") for number in range(5000)))
    whole = bytearray(file.read_bytes())
    whole[8192:] = b"\xff" * (len(whole) - 8192)
    file.write_bytes(whole)
    cache = Cache(file)
    assert len(list(cache.rows())) < 5000
    cache.note(known("new"))
    cache.forget(["00001"])
    cache.close()


def test_a_folder_that_cannot_be_written_to_means_no_cache_and_no_failure(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "taken").write_bytes(b"a file where the folder should be")  # root may write anywhere else
    with caplog.at_level(logging.WARNING):
        file = tmp_path / "taken" / "folder.sqlite"
        keep(file, known("a"))
        assert kept(file) == []
    assert "Every file is read, for the cache of hashes cannot be used (" in caplog.text


def test_a_file_that_cannot_be_opened_means_no_cache_and_no_failure(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        keep(tmp_path, known("a"))  # a folder is no file
        assert kept(tmp_path) == []
    assert tmp_path.is_dir()
    assert "the cache of hashes cannot be used (unable to open database file)" in caplog.text


def test_a_disk_that_takes_no_more_is_no_failure(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    keep(file, known("a"))
    cache = Cache(file)
    assert cache._connection
    cache._connection.execute("PRAGMA max_page_count = 2")
    with caplog.at_level(logging.WARNING):
        for number in range(2000):
            cache.note(known(f"{number}" * 50))
        cache.close()
    assert "The cache of hashes was not written to: database or disk is full" in caplog.text
    assert kept(file) == [known("a")]


def test_another_process_that_locks_it_for_long_is_no_failure(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caching, "_WAIT", 0.05)
    keep(file, known("a"))
    other = sqlite3.connect(file)
    other.execute("BEGIN IMMEDIATE")
    keep(file, known("b"))
    assert kept(file) == [known("a")], "it can be read"
    other.close()
    keep(file, known("b"))
    assert len(kept(file)) == 2


def at(monkeypatch: pytest.MonkeyPatch, now: int) -> None:
    """The clock says `now` (ns)."""
    monkeypatch.setattr(time, "time_ns", lambda: now)


@pytest.mark.parametrize(("age", "stays"), [(-1, False), (0, False), (1, False), (2, False), (2.1, True), (9, True)])
def test_a_file_that_has_only_just_changed_is_not_kept_as_it_may_change_again_unseen(
    file: Path, monkeypatch: pytest.MonkeyPatch, age: float, stays: bool
) -> None:
    now = 1000 * SECOND
    at(monkeypatch, now)
    then = now - int(age * SECOND)
    keep(
        file,
        Known("both", version(then), "0", ""),
        Known("written", version(SECOND, written=then), "0", ""),
        Known("moved", version(then, written=SECOND), "0", ""),
    )
    assert [one.key for one in kept(file)] == (["both", "moved", "written"] if stays else [])


def test_a_clock_that_jumps_back_only_costs_reading(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at(monkeypatch, 1000 * SECOND)
    keep(file, known("before", 900 * SECOND))
    at(monkeypatch, 500 * SECOND)
    keep(file, known("of the future", 900 * SECOND))
    assert [one.key for one in kept(file)] == ["before"], "what was kept is told by its version, and by no clock"


def test_a_clock_that_jumps_forward_loses_nothing(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at(monkeypatch, 1000 * SECOND)
    keep(file, known("before", 900 * SECOND))
    at(monkeypatch, 10**6 * SECOND)
    keep(file, known("after", 1000 * SECOND))
    assert [one.key for one in kept(file)] == ["after", "before"]


def test_a_file_whose_date_is_before_1970_is_no_failure(file: Path) -> None:
    keep(file, Known("a", version(-(10**18)), "0", ""), Known("b", version(SECOND, written=-5), "0", ""), known("c"))
    assert "c" in [one.key for one in kept(file)]


def test_a_name_that_is_no_utf8_is_not_kept_and_no_failure(file: Path) -> None:
    keep(file, known(os.fsdecode(b"\xff.jpg")), known("a"))
    assert kept(file) == [known("a")]


def test_threads_note_side_by_side_while_one_reads(file: Path) -> None:
    keep(file, *(known(f"old {number:05}") for number in range(3000)))
    cache = Cache(file)

    def note(mine: int) -> None:
        for number in range(1500):
            cache.note(known(f"{mine} {number}"))

    threads = [threading.Thread(target=note, args=(mine,)) for mine in range(4)]
    for thread in threads:
        thread.start()
    seen = [one.key for one in cache.rows() if one.key.startswith("old")]
    for thread in threads:
        thread.join()
    cache.close()
    assert len(seen) == len(set(seen)) == 3000
    assert len(kept(file)) == 3000 + 4 * 1500


def test_processes_that_write_at_once_lose_nothing(file: Path) -> None:
    said = """
import sys
from pathlib import Path
from darkroom.sync.cache import Cache, Known
cache = Cache(Path(sys.argv[1]))
for number in range(3000):
    cache.note(Known(f"{sys.argv[2]} {number}", "7.1.abc.1", "0" * 32, ""))
cache.close()
"""
    both = [subprocess.Popen([sys.executable, "-c", said, str(file), name]) for name in ("one", "other")]
    assert [process.wait(60) for process in both] == [0, 0]
    assert len(kept(file)) == 6000


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("DARKROOM_SYNC_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    settings.cache_clear()
    yield tmp_path
    settings.cache_clear()


def test_each_folder_has_a_cache_of_its_own_however_it_is_written(folders: Path) -> None:
    for name in ("shops", "./shops", f"{folders}/other/../shops"):
        cache = Cache.of(name)
        cache.note(known(name))
        cache.close()
    cache = Cache.of("other")
    assert list(cache.rows()) == []
    cache.close()
    assert len(list((folders / "cache").glob("*.sqlite"))) == 2
    assert (folders / "cache").stat().st_mode & 0o777 == 0o700, "names and hashes are nobody else's business"
