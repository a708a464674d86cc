"""`--plan report.json`: what a dry run promised is done, or nothing is."""

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
    assert typed("dryrun", *MORE, "--delete", "--report", "dry").returncode == 0
    return folder


def test_a_plan_does_exactly_what_the_dry_run_said(promised: Path) -> None:
    said = {(one["file"], one["action"]) for one in said_by(promised / "dry")["files"]}
    assert typed(*PLANNED, "--report", "dry").returncode == 0
    ran = {(one["file"], one["action"], one["state"]) for one in said_by(promised / "dry")["files"]}
    assert ran == {(*one, "done") for one in said}
    assert {action for _, action in said} == {"upload", "replace", "remove"}
    standing = {key: data for key, data in files(promised / "bucket").items() if not key.startswith("removed/")}
    assert standing == files(promised / "shops")
    assert typed(*PLANNED).returncode == 2, "it is done, and nothing is left of it"


def test_a_plan_of_a_run_that_has_nothing_to_do_is_done_at_once(promised: Path) -> None:
    assert typed("sync", *MORE).returncode == 0
    assert typed("dryrun", *MORE, "--delete", "--report", "dry").returncode == 0
    before = files(promised / "bucket")
    assert typed(*PLANNED).returncode == 0
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
        ((*PLANNED, "--rules", "none", "--max-delete", "0"), "2"),
    ):
        refused = typed(*words)
        said = f"({SHOP}/{other}.jpg): nothing is done."
        assert (refused.returncode, said in refused.stderr) == (2, True), refused.stderr
    assert files(promised / "bucket") == before
