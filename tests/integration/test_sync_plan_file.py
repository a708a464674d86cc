"""`--plan report.json`: what a dry run promised is done, or nothing is."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.sync_world import files, photo, put, said_by, typed

MORE = ("shops", "bucket", "--max-delete", "3")
PLANNED = ("sync", *MORE, "--plan", "dry/report.json")
SHOP = "stores/corner/photos"


@pytest.fixture
def promised(folder: Path) -> Path:
    """What a dry run of a sync said: one to upload, to replace and to remove each."""
    assert typed("copy", "shops", "bucket").returncode == 0
    put(folder / "shops", {f"{SHOP}/1.jpg": photo(99), f"{SHOP}/50.jpg": photo(50)})
    (folder / f"shops/{SHOP}/2.jpg").unlink()
    put(folder / "shops", {f"{SHOP}/98.jpg": b"no photo", f"{SHOP}/0097.jpg": photo(9), f"{SHOP}/97.jpg": photo(9)})
    assert typed("dryrun", *MORE, "--delete", "--report", "dry").returncode == 1, "three files are refused"
    return folder


def test_a_plan_does_exactly_what_the_dry_run_said(promised: Path) -> None:
    said = {(one["file"], one["action"]) for one in said_by(promised / "dry")["files"]}
    assert typed(*PLANNED, "--report", "dry").returncode == 1
    ran = {(one["file"], one["action"], one["state"]) for one in said_by(promised / "dry")["files"]}
    assert ran == {(*one, "refused" if one[1] == "refuse" else "done") for one in said}
    assert {action for _, action in said} == {"upload", "replace", "remove", "refuse"}
    standing = {key: data for key, data in files(promised / "bucket").items() if not key.startswith("removed/")}
    refused = {file for file, action in said if action == "refuse"}
    assert standing == {file: data for file, data in files(promised / "shops").items() if file not in refused}
    assert typed(*PLANNED).returncode == 2, "it is done, and nothing is left of it"


def test_a_plan_of_a_run_that_has_nothing_to_do_is_done_at_once(promised: Path) -> None:
    assert typed("sync", *MORE).returncode == 1
    assert typed("dryrun", *MORE, "--delete", "--report", "dry").returncode == 1
    before = files(promised / "bucket")
    assert typed(*PLANNED).returncode == 1
    assert files(promised / "bucket") == before


@pytest.mark.parametrize(
    ("place", "number", "data"),
    [
        ("shops", "1", photo(98)),
        ("shops", "3", photo(97)),
        ("shops", "51", photo(51)),
        ("shops", "2", photo(2)),
        ("shops", "50", b"no photo any more"),
        ("shops", "50", None),
        ("shops", "4", None),
        ("shops", "4", b"no photo any more"),
        ("shops", "52", b"no photo"),
        ("shops", "99", b"no photo"),
        ("shops", "98", None),
        ("bucket", "1", b"somebody else's"),
        ("bucket", "2", b"somebody else's"),
        ("bucket", "2", None),
        ("bucket", "50", b"somebody else's"),
        ("bucket", "5", None),
        ("bucket", "60", b"somebody else's"),
    ],
)
def test_a_plan_is_refused_where_a_file_or_an_object_changed_came_or_went(
    promised: Path, place: str, number: str, data: bytes | None
) -> None:
    file = f"{SHOP}/{number}.jpg"
    if data is None:
        (promised / place / file).unlink()
    else:
        put(promised / place, {file: data})
    before = files(promised / "bucket")
    refused = typed(*PLANNED)
    assert refused.returncode == 2
    assert refused.stderr.endswith(
        "--plan: dry/report.json: the folder or the bucket changed since that dry run, in 1 file "
        f"({file}): nothing is done. Run dryrun again, and look at what it says.\n"
    )
    assert files(promised / "bucket") == before


def test_a_plan_of_another_command_is_refused(promised: Path) -> None:
    before = files(promised / "bucket")
    for words, other in (
        (("copy", "shops", "bucket", "--plan", "dry/report.json"), "2"),  # the dry run said what goes, too
        ((*PLANNED, "--exclude", "50.jpg"), "50"),
        ((*PLANNED, "--max-delete", "0"), "2"),
        ((*PLANNED, "--exclude", "98.jpg"), "98"),
    ):
        refused = typed(*words)
        said = f"({SHOP}/{other}.jpg): nothing is done."
        assert (refused.returncode, said in refused.stderr) == (2, True), refused.stderr
    assert files(promised / "bucket") == before


def turned_into_a_file(folder: Path) -> str:
    (folder / SHOP).rename(folder.parent / "away")
    put(folder, {SHOP: b"no folder any more"})
    return SHOP


def turned_into_a_link(folder: Path) -> str:
    file = folder / SHOP / "4.jpg"
    file.unlink()
    file.symlink_to("/etc/hostname")
    return f"{SHOP}/4.jpg"


def named_in_capitals(folder: Path) -> str:
    (folder / SHOP / "4.jpg").rename(folder / SHOP / "4.JPG")
    return f"{SHOP}/4.JPG"


@pytest.mark.parametrize("change", [turned_into_a_file, turned_into_a_link, named_in_capitals])
def test_a_plan_is_refused_where_something_that_is_no_photo_came_into_the_folder(
    promised: Path, change: Callable[[Path], str]
) -> None:
    put(promised / "shops", {"stores/other/photos/1.jpg": photo(1)})
    assert typed("dryrun", *MORE, "--delete", "--report", "dry").returncode == 1
    changed = change(promised / "shops")
    before = files(promised / "bucket")
    refused = typed(*PLANNED)
    assert (refused.returncode, changed in refused.stderr) == (2, True), refused.stderr
    assert "the folder or the bucket changed since that dry run" in refused.stderr
    assert files(promised / "bucket") == before


def test_a_plan_of_a_copy_is_refused_where_a_file_went_that_it_would_only_tell_of(promised: Path) -> None:
    assert typed("dryrun", *MORE, "--report", "dry").returncode == 1
    (promised / f"shops/{SHOP}/4.jpg").unlink()
    refused = typed("copy", *MORE, "--plan", "dry/report.json")
    assert (refused.returncode, f"in 1 file ({SHOP}/4.jpg)" in refused.stderr) == (2, True), refused.stderr


@pytest.mark.parametrize("wrong", ["cut", "pretty", "empty", "damaged"])
def test_what_is_not_a_whole_report_as_it_was_written_is_no_plan(promised: Path, wrong: str) -> None:
    report = promised / "dry/report.json"
    lines = report.read_bytes().splitlines(keepends=True)
    texts = {
        "cut": b"".join(lines[:3]),
        "pretty": json.dumps(json.loads(b"".join(lines)), indent=1).encode(),
        "empty": b"",
        "damaged": b"".join([lines[0], b"{\n", *lines[1:]]),
    }
    report.write_bytes(texts[wrong])
    before = files(promised / "bucket")
    refused = typed(*PLANNED)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1), refused.stderr
    assert refused.stderr.startswith("--plan: dry/report.json: ")
    assert files(promised / "bucket") == before


def test_a_very_long_first_line_is_no_hindrance(promised: Path) -> None:
    """The counts of a report name each file that is refused."""
    put(promised / "shops", {f"{'d' * 200}/{number}.txt": b"" for number in range(500)})
    assert typed("dryrun", *MORE, "--delete", "--report", "dry").returncode == 1
    with (promised / "dry/report.json").open("rb") as said:
        assert len(said.readline()) > 1 << 17
    assert typed(*PLANNED).returncode == 1
    assert not (promised / f"bucket/{SHOP}/2.jpg").exists()
