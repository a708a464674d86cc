"""The report folder: its five files, their forms, and what is not replaced."""

import json
import os
import resource
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from darkroom.errors import BadInput, StoreError
from darkroom.jobs import Mode, NotDone, Outcome, Report, State, parse
from darkroom.sync.decision import Action
from darkroom.sync.dry_run import FileLine, SyncReport, lines
from darkroom.sync.job import Standing, SyncItem
from darkroom.sync.lists import require_report_folder, write_lists

NAMES = ["error.json", "error.txt", "report.json", "success.json", "success.txt"]
ODD = os.fsdecode(b"caf\xe9.jpg")
WRONG = (
    NotDone(item="shops/1.JPG", state=State.REFUSED, reason="its extension is .JPG; rename it to 1.jpg"),
    NotDone(item=f"shops/{ODD}", state=State.REFUSED, reason="its name is no UTF-8; rename it"),
    NotDone(item="shops/a\nb.jpg", state=State.FAILED, reason="it vanished"),
)
REPORT = Report(
    title="Sync · shops", flow="sync", noun="file", mode=Mode.CHANGED, plan="", created=datetime.now(UTC), planned=4,
    done=1, skipped=0, refused=2, failed=1, todo=0, distinct=None, outputs=1, bytes=10, seconds=0.5, groups={},
    not_done=WRONG, problems=(), findings=(), stale=(), pruned=(), versions={},
)  # fmt: skip
HEAD = SyncReport(source="/mnt/shops", target="s3://shop-pictures", report=REPORT)


def item(key: str, action: Action, standing: str = "") -> SyncItem:
    stands = Standing(etag=standing, bytes=3) if standing else None
    return SyncItem(
        name=f"shops/{key}", profile="shops", action=action, key=key, bytes=9, version="9-1-1-1", standing=stands
    )


def done(key: str) -> Outcome:
    return Outcome(item=f"shops/{key}", state=State.DONE)


def write(folder: Path) -> None:
    items = [item("1.jpg", Action.UPLOAD), item("1.JPG", Action.UPLOAD), item("a\nb.jpg", Action.REPLACE, "abc")]
    outcomes = {
        "shops/1.jpg": done("1.jpg"),
        "shops/1.JPG": Outcome(item="shops/1.JPG", state=State.REFUSED, reason=WRONG[0].reason),
        "shops/a\nb.jpg": Outcome(item="shops/a\nb.jpg", state=State.FAILED, reason="it vanished"),
    }
    accepted = ["shops/1.jpg", "shops/2.jpg", "shops/a\nb.jpg"]
    told = lines(((one, outcomes.get(one.name)) for one in items), [WRONG[1]], {"gone.jpg": "def"}, "shops/")
    write_lists(folder, HEAD, lambda: accepted, WRONG, told, "shops/")


def test_the_files_have_a_line_for_each_file_and_the_names_byte_for_byte(tmp_path: Path) -> None:
    write(tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == NAMES, "nothing unfinished is left"
    assert (tmp_path / "error.txt").read_bytes().splitlines() == [
        b"1.JPG: its extension is .JPG; rename it to 1.jpg",
        rb"a\nb.jpg: it vanished",
        b"caf\xe9.jpg: its name is no UTF-8; rename it",
    ], "in the order of their names, as a dry run and a run would not have the same one otherwise"
    assert (tmp_path / "success.txt").read_bytes() == b"1.jpg\n2.jpg\n", "and none that is in the other one"


def test_the_json_says_the_same(tmp_path: Path) -> None:
    write(tmp_path)
    assert json.loads((tmp_path / "error.json").read_bytes()) == [
        {"file": "1.JPG", "reason": "its extension is .JPG; rename it to 1.jpg", "state": "refused"},
        {"file": "a\nb.jpg", "reason": "it vanished", "state": "failed"},
        {"file": ODD, "reason": "its name is no UTF-8; rename it", "state": "refused"},
    ]
    assert json.loads((tmp_path / "success.json").read_bytes()) == ["1.jpg", "2.jpg"]


def test_the_report_has_the_counts_and_what_was_done_with_each_file(tmp_path: Path) -> None:
    write(tmp_path)
    said = parse(SyncReport, (tmp_path / "report.json").read_bytes(), "report.json")
    assert (said.source, said.target, said.report) == (HEAD.source, HEAD.target, REPORT)
    assert said.files == (
        FileLine(file="1.jpg", action=Action.UPLOAD, bytes=9, version="9-1-1-1", state="done"),
        FileLine(file="1.JPG", action=Action.REFUSE, state="refused", reason=WRONG[0].reason),
        FileLine(
            file="a\nb.jpg", action=Action.REPLACE, bytes=9, version="9-1-1-1", standing="abc", state="failed",
            reason="it vanished",
        ),
        FileLine(file=ODD, action=Action.REFUSE, state="refused", reason=WRONG[1].reason),
        FileLine(file="gone.jpg", action=Action.REPORT, standing="def", reason="gone from the folder"),
    )  # fmt: skip


def promised(*items: SyncItem) -> list[tuple[str, ...]]:
    return [line.promise for line in lines(((one, None) for one in items), [], {}, "shops/")]


def test_a_line_promises_all_that_a_plan_is_known_by() -> None:
    one = item("a", Action.REPLACE, "1")
    others = [
        one.model_copy(update=changed)
        for changed in ({"key": "b"}, {"action": Action.COMPARE}, {"version": "9-2-1-1"}, {"standing": None})
    ]
    assert len({*promised(one, *others, item("a", Action.REPLACE, "2"))}) == 6
    assert promised(one) == promised(one)


def test_lists_of_nothing_are_lists(tmp_path: Path) -> None:
    write_lists(tmp_path, HEAD, lambda: [], [], [], "shops/")
    assert (tmp_path / "error.txt").read_bytes() == (tmp_path / "success.txt").read_bytes() == b""
    assert json.loads((tmp_path / "error.json").read_bytes()) == []
    assert parse(SyncReport, (tmp_path / "report.json").read_bytes(), "it").files == ()


def test_the_lists_of_a_sync_before_are_replaced_and_all_else_in_the_folder_stays(tmp_path: Path) -> None:
    folder = tmp_path / "reports" / "shops"
    require_report_folder(folder)
    (folder / "notes.txt").write_text("mine")
    write(folder)
    before = (folder / "report.json").read_bytes()
    require_report_folder(folder)
    write(folder)
    assert (folder / "report.json").read_bytes() == before
    assert (folder / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("name", NAMES)
def test_files_of_those_names_that_are_somebody_elses_are_not_replaced(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text('{"report": "of something else"}')
    with pytest.raises(BadInput, match=rf"--report: .* has {name}, which is of no sync before, and is not replaced"):
        require_report_folder(tmp_path)


def test_a_link_or_a_folder_in_their_way_is_not_followed_or_replaced(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "error.txt").symlink_to("/nowhere/at/all")
    (tmp_path / "b" / "report.json").mkdir(parents=True)
    for folder in (tmp_path / "a", tmp_path / "b"):
        with pytest.raises(BadInput, match="is not replaced; name another folder"):
            require_report_folder(folder)


def test_a_report_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(BadInput, match=r"--report: .*; name another folder\.$"):
            require_report_folder(folder)


def test_a_report_folder_that_cannot_be_written_to_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write anywhere
    with pytest.raises(BadInput, match="--report: nothing can be written into"):
        require_report_folder(tmp_path)


FULL = """
import resource, signal, sys
from pathlib import Path
from tests.unit.test_sync_lists import write
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
write(Path(sys.argv[1]))
"""


@pytest.mark.parametrize("room", [0, 100, 200])
def test_on_a_full_disk_the_lists_before_stand_and_it_is_said(tmp_path: Path, room: int) -> None:
    assert room < resource.RLIM_INFINITY or resource.RLIM_INFINITY == -1
    write_lists(tmp_path, HEAD, lambda: ["shops/before.jpg"], [], [], "shops/")
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    failed = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path), str(room)], capture_output=True, text=True, timeout=60
    )
    assert failed.returncode == 1
    assert "StoreError: --report: the lists could not be written into" in failed.stderr
    assert "(file too large); what was done is done." in failed.stderr
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_a_disk_that_fills_while_the_last_list_is_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = Path.open

    def full(path: Path, *how: str) -> object:
        return really(Path("/dev/full"), *how) if ".report.json." in path.name else really(path, *how)

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(StoreError, match="no space left on device"):
        write(tmp_path)
    assert list(tmp_path.iterdir()) == []
