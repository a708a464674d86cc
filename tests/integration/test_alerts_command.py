"""`darkroom alerts`: what it silences, lists and lifts, and what it refuses."""

import getpass
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from darkroom import keys
from darkroom.alerting.silences import every
from darkroom.store import open_store

COMMAND = [sys.executable, "-m", "darkroom", "alerts"]
DAG = "gcs_archive_sync"


def alerts(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *words], capture_output=True, text=True, timeout=60)


def silence(*words: str, until: str, reason: str = "the bucket moves") -> subprocess.CompletedProcess[str]:
    return alerts("silence", "--dag", DAG, "--until", until, "--reason", reason, *words)


@pytest.fixture
def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A studio in which that DAG has run."""
    monkeypatch.setenv("DARKROOM_STUDIO_STORE", str(tmp_path))
    open_store(str(tmp_path)).write(f"{keys.runs(DAG)}scheduled__1/1/plan.json", b"{}")
    return tmp_path


def test_alerts_are_silenced_listed_and_lifted_each_with_who_and_when(studio: Path) -> None:
    day = datetime.now(UTC).date() + timedelta(days=3)
    made = silence(until=f"{day}")
    assert (made.returncode, made.stderr) == (0, "")
    (stands,) = every(open_store(str(studio)))
    assert stands.until.date() == day + timedelta(days=1), "the whole day"
    by = getpass.getuser()
    today = f"{stands.when:%Y-%m-%d}"
    until = f"{day + timedelta(days=1)} 00:00 UTC"
    assert made.stdout == f"{stands.id}  {DAG}: silenced until {until} by {by} ({today}): the bucket moves\n"
    assert alerts("list").stdout == made.stdout
    (line,) = alerts("list", "--json").stdout.splitlines()
    assert json.loads(line)["reason"] == "the bucket moves"

    lifted = alerts("lift", stands.id, "--by", "Ben")
    assert f"; lifted by Ben, {today} " in lifted.stdout
    assert alerts("list").stdout == "Nothing is silenced.\n"
    assert alerts("list", "--all").stdout == lifted.stdout
    again = alerts("lift", stands.id)
    assert (again.returncode, again.stdout) == (2, "")
    assert f"'{stands.id}' is no silence that stands; see `darkroom alerts list`." in again.stderr


def test_a_kind_and_an_hour_can_be_named(studio: Path) -> None:
    soon = datetime.now(UTC) + timedelta(hours=2)
    made = silence("--kind", "mismatch", "--by", "Ann", until=f"{soon:%Y-%m-%dT%H:%M}")
    assert made.returncode == 0, made.stderr
    (stands,) = every(open_store(str(studio)))
    assert (stands.kind, stands.by, stands.until) == ("mismatch", "Ann", soon.replace(second=0, microsecond=0))
    assert f"{DAG} (mismatch): silenced until" in made.stdout


@pytest.mark.parametrize(
    ("words", "until", "reason", "said"),
    [
        ((), "2020-01-01", "x", "until: 2020-01-02 00:00 UTC is over; give a time to come.\n"),
        ((), "2999-01-01", "x", "until: 2999-01-02 is more than a year away; give a nearer date, and renew it then.\n"),
        ((), "2999-01-01", " ", "reason: it says nothing; write why nobody needs to hear of it.\n"),
        (("--by", " "), "2999-01-01", "x", "--by: it names nobody.\n"),
    ],
)
def test_what_has_no_reason_no_end_or_no_name_is_refused(
    studio: Path, words: tuple[str, ...], until: str, reason: str, said: str
) -> None:
    refused = silence(*words, until=until, reason=reason)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert said in refused.stderr
    assert every(open_store(str(studio))) == ()


@pytest.mark.parametrize("left_out", ["--until", "--reason", "--dag"])
def test_nothing_of_it_can_be_left_out(studio: Path, left_out: str) -> None:
    words = {"--dag": DAG, "--until": "2999-01-01", "--reason": "x"}
    del words[left_out]
    refused = alerts("silence", *(word for pair in words.items() for word in pair))
    assert refused.returncode == 2
    assert left_out in refused.stderr


def test_a_name_that_no_run_has_is_silenced_with_a_doubt(studio: Path) -> None:
    day = datetime.now(UTC).date() + timedelta(days=3)
    made = alerts("silence", "--dag", "gcs_archive_snyc", "--until", f"{day}", "--reason", "x")
    assert made.returncode == 0
    assert "No run of gcs_archive_snyc is known in " in made.stderr


def test_a_folder_that_is_no_studio_is_left_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DARKROOM_STUDIO_STORE", str(tmp_path))
    refused = alerts("list")
    assert refused.returncode == 2
    assert refused.stderr.startswith("No studio lies in ")
    assert list(tmp_path.iterdir()) == []
