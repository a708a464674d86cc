"""What `make run` says: its table, and the sentences by which it gives up."""

import shutil
from errno import EACCES, ENOSPC
from pathlib import Path
from types import SimpleNamespace

import pytest

from demo import room
from demo.flows import Result
from demo.layout import Layout, near
from demo.run import _table
from demo.studio import StudioError, last_error, sentence
from demo.watch import console

SHORT, LONG = Result("one", True, "done", "var/a", "http://here/1"), Result("another", False, "failed", run="http://b")


def test_the_table_has_a_line_for_each_flow_with_its_result_its_place_and_its_run():
    head, *lines = _table([SHORT, LONG])
    assert head.split("  ")[1] == "flow"
    assert [line.split() for line in lines] == [
        ["one", "done", "var/a", "http://here/1"],
        ["another", "failed", "http://b"],
    ]
    assert lines[0].index("http") == lines[1].index("http") == head.index("its run")


def test_in_a_narrow_terminal_the_run_stands_below_its_line(monkeypatch):
    monkeypatch.setattr(console, "_force_terminal", True)
    monkeypatch.setattr(console, "_width", 40)
    _, line, _ = _table([SHORT, LONG])
    assert [part.split() for part in line.splitlines()] == [["one", "done", "var/a"], ["http://here/1"]]


def disk(monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=free))


def test_a_disk_without_room_is_said_before_anything_is_started(tmp_path, monkeypatch):
    layout = Layout(tmp_path / "var")
    disk(monkeypatch, room.NEW - 1)
    with pytest.raises(StudioError, match=r"var has 1,999 MB free, and this takes 2,000 MB: make room"):
        room.require_room(layout)
    layout.deliveries.mkdir(parents=True)
    room.require_room(layout)
    disk(monkeypatch, room.MORE - 1)
    with pytest.raises(StudioError, match="make room"):
        room.require_room(layout)


@pytest.mark.parametrize("sign", ["$", "%", '"', "`", "\\"])
def test_a_path_that_postgresql_or_airflow_cannot_bear_is_said_before_anything_is_started(sign):
    with pytest.raises(StudioError, match=r"cannot bear the '.* in /home/me/a.b/var: move the project"):
        room.require_path(Layout(Path(f"/home/me/a{sign}b/var")))
    room.require_path(Layout(Path("/home/mé/my studio's #1 (new)/var")))


def test_a_disk_is_full_when_nothing_can_be_written(tmp_path, monkeypatch):
    disk(monkeypatch, 0)
    assert room.is_full(Layout(tmp_path))
    disk(monkeypatch, room.MORE)
    assert not room.is_full(Layout(tmp_path))


def test_what_the_system_says_becomes_a_sentence():
    assert sentence(StudioError("So.")) == "So."
    assert sentence(OSError(ENOSPC, "No space left on device", "var/port")) == "var/port: No space left on device."
    assert sentence(PermissionError(EACCES, "Permission denied", "var/lock")).endswith(
        "as the user whose folder this is."
    )


@pytest.mark.parametrize(
    ("line", "tells"),
    [
        ("sqlalchemy.exc.OperationalError: (psycopg2.OperationalError) connection failed", True),
        ("2026-11-28T12:07:47Z [error    ] cannot bind  [airflow.api]", True),
        ("var/a.png: the disk is full, or this user's share of it", True),
        ("initdb: error: invalid locale settings", True),
        ("2026-11-28T12:07:47Z [info     ] no errors are known  [airflow.api]", False),
        ("a line of a traceback", False),
    ],
)
def test_of_a_log_the_last_error_is_told(line, tells):
    assert last_error(["KeyError: before", line, "and more"]) == (line if tells else "KeyError: before")
    assert len(last_error([f"OSError: {'x' * 5000}"])) < 500
    assert last_error(["nothing"]) == ""


def test_a_path_is_written_as_one_writes_it_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert near(tmp_path / "var" / "shops") == "var/shops"
    assert near(Path("/elsewhere")) == "/elsewhere"
