"""How the demo finds and ends its own processes, and leaves everybody else's alone."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from demo import database
from demo.airflow import callers_settings
from demo.layout import Layout
from demo.processes import MARK, Processes
from demo.studio import Studio, StudioError

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
# starts a child in a session of its own, says that it has, and stays; the child does not mind SIGTERM
PARENT = """
import subprocess, sys, time
child = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
subprocess.Popen([sys.executable, "-c", child], start_new_session=True)
time.sleep(60)
"""
# ends when it is asked twice, and does not mind that its child has ended
STUBBORN = """
import signal, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", ""])
asked = []
def ask(*_):
    asked.append(1)
    print("asked", flush=True)
    if len(asked) == 2:
        print("ended", flush=True)
        sys.exit()
signal.signal(signal.SIGTERM, ask)
print("ready", flush=True)
while True:
    time.sleep(1)
"""


class Folder:
    """The records and logs of one studio, which a second command reads again."""

    def __init__(self, root: Path) -> None:
        self.run, self.logs = root / "run", root / "log"
        self.run.mkdir()
        self.logs.mkdir()

    def processes(self) -> Processes:
        return Processes(self.run, self.logs, "a-mark-of-this-test")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    made = Folder(tmp_path)
    yield made
    made.processes().stop(grace=1)


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    """Somebody else's process."""
    process = subprocess.Popen(SLEEP)
    yield process
    process.kill()
    process.wait()


def until(what: str, true: object) -> None:
    for _ in range(100):
        if true():  # type: ignore[operator]
            return
        time.sleep(0.1)
    pytest.fail(f"waited in vain for {what}")


def test_a_later_command_finds_and_ends_what_an_earlier_one_started(folder):
    earlier = folder.processes()
    earlier.start("one", SLEEP, os.environ, folder.run)
    later = folder.processes()
    assert later.running("one")
    assert not later.running("two")
    later.stop()
    assert not later.running("one")
    assert not list(folder.run.iterdir())
    assert not later.all()


def test_children_in_other_sessions_end_too_even_when_they_ignore_sigterm(folder):
    processes = folder.processes()
    processes.start("parent", [sys.executable, "-c", PARENT], os.environ, folder.run)
    until("the child", lambda: processes.last_lines("parent") == ["1"])
    assert len(processes.all()) == 2
    processes.stop(grace=1)
    assert not processes.all()


def test_who_is_left_without_children_is_asked_a_second_time(folder):
    processes = folder.processes()
    processes.start("stubborn", [sys.executable, "-c", STUBBORN], os.environ, folder.run)
    until("its handler", lambda: processes.last_lines("stubborn") == ["ready"])
    began = time.monotonic()
    processes.stop(grace=30)
    assert time.monotonic() - began < 20
    assert processes.last_lines("stubborn") == ["ready", "asked", "asked", "ended"]


def test_orphans_of_a_killed_parent_are_found(folder):
    processes = folder.processes()
    processes.start("parent", [sys.executable, "-c", PARENT], os.environ, folder.run)
    until("the child", lambda: processes.last_lines("parent") == ["1"])
    psutil.Process(json.loads((folder.run / "parent.json").read_text())["pid"]).kill()
    until("the end of the parent", lambda: not processes.running("parent"))
    assert len(folder.processes().all()) == 1
    folder.processes().stop(grace=1)
    assert not folder.processes().all()


def test_a_stale_record_whose_pid_is_somebody_elses_by_now_ends_nobody(folder, stranger):
    (folder.run / "one.json").write_text(json.dumps({"pid": stranger.pid, "started": 1.0}))
    assert not folder.processes().running("one")
    folder.processes().stop(["one"])
    assert stranger.poll() is None
    assert not list(folder.run.iterdir())


@pytest.mark.parametrize("record", ["", "{", "[]", '{"pid": "x"}', '{"pid": -1, "started": 0}'])
def test_a_broken_record_is_no_process(folder, record):
    (folder.run / "one.json").write_text(record)
    assert not folder.processes().running("one")
    folder.processes().stop()


def test_the_end_of_a_log_is_kept_for_the_message(folder):
    processes = folder.processes()
    processes.start("one", [sys.executable, "-c", "for n in range(50): print(n)"], os.environ, folder.run)
    assert processes.wait("one") == 0
    assert processes.last_lines("one", 2) == ["48", "49"]
    assert processes.last_lines("never") == []


def test_a_database_that_was_ended_is_started_again_by_the_same_process(tmp_path):
    """As when the studio runs with other settings than it is to have."""
    home = tmp_path / "of its user alone"
    home.mkdir(mode=0o700)
    try:
        for _ in range(2):
            assert database.start(home / "postgres").startswith("postgresql+psycopg2://")
            assert database.running(home / "postgres")
            database.stop(home / "postgres")
            assert not database.running(home / "postgres")
    finally:
        database.stop(home / "postgres")
    assert not home.stat().st_mode & 0o066, "others may list a home because a studio is in it"


def test_a_database_that_cannot_be_made_says_why_in_its_own_words(tmp_path, monkeypatch):
    monkeypatch.setenv("LC_ALL", "xx_YY.UTF-8")
    with pytest.raises(database.NotStarted, match="invalid locale settings; check LANG and LC_"):
        database.start(tmp_path / "postgres")


def test_a_database_of_another_user_is_left_alone(tmp_path, monkeypatch):
    (tmp_path / "PG_VERSION").write_text("18")
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    with pytest.raises(database.NotStarted, match=r"belongs to .*, not to who runs make; run it as that user"):
        database.start(tmp_path)


def test_two_commands_neither_start_nor_show_one_studio_at_the_same_time(tmp_path):
    first, second = (Studio(Layout(tmp_path)) for _ in range(2))
    with first.locked(), pytest.raises(StudioError, match="is at work on this studio"), second.locked():
        pass
    with first.showing(), second.locked(), pytest.raises(StudioError, match="shows its flows"), second.showing():
        pass


def test_a_studio_that_somebody_stopped_meanwhile_is_no_crash(tmp_path):
    with pytest.raises(StudioError, match="was stopped meanwhile"):
        Studio(Layout(tmp_path)).check_alive()


def test_a_taken_port_is_passed_over_and_where_all_are_taken_that_is_said(tmp_path, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        studio = Studio(Layout(tmp_path), first_port=port)
        monkeypatch.setattr("demo.studio._PORTS", 1)
        with pytest.raises(StudioError, match=f"No port from {port} to {port} is free"):
            studio._choose_port()
        monkeypatch.setattr("demo.studio._PORTS", 50)
        studio._choose_port()
        assert port < studio.port < port + 50


def test_settings_of_darkroom_are_passed_on_and_nothing_else(monkeypatch):
    monkeypatch.setattr(os, "environ", {"DARKROOM_MEMORY": "1GiB", MARK: "other", "AIRFLOW__CORE__X": "1", "HOME": "/"})
    assert callers_settings() == {"DARKROOM_MEMORY": "1GiB"}


def test_a_setting_of_the_caller_stands_above_the_studios_own(tmp_path):
    studio = Studio(Layout(tmp_path), deployment={"DARKROOM_STUDIO_STORE": "s3://studio"})
    assert studio.settings["DARKROOM_STUDIO_STORE"] == "s3://studio"
    assert studio.settings["DARKROOM_IMAGE_STORE"] == (tmp_path / "buckets" / "images").as_uri()


def test_a_command_of_airflows_own_says_that_there_is_no_studio_yet(tmp_path):
    with pytest.raises(StudioError, match="make run"):
        Studio(Layout(tmp_path)).airflow_here(["dags", "list"])
    assert not (tmp_path / "postgres").exists()
