"""`darkroom sync` as people type it: the old tool's commands and files, what is said, and how it ends."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from darkroom.settings import settings
from darkroom.store import Store
from tests.sync_world import GOOD, contents, darkroom, files, new_bucket, photo, put, said_by, typed

LISTS = ["error.json", "error.txt", "report.json", "success.json", "success.txt"]
BAD = {
    "stores/corner/photos/20.jpg": b"\x89PNG\r\n\x1a\n" + bytes(100),
    "stores/corner/photos/21.jpg": b"<!DOCTYPE html>\n<html><body>404</body></html>",
    "stores/corner/photos/22.jpg": b"",
    "stores/corner/photos/23.JPG": photo(3),
    "stores/corner/menus/0001.jpg": photo(4),
    "stores/corner/menus/1.jpg": photo(5),
    "stores/corner/pictures/1.jpg": photo(6),
    "stores/Corner Shop/photos/1.jpg": photo(7),
    "corner/photos/1.jpg": photo(8),
    "stores/corner/photos/Thumbs.db": b"whatever",
}
REASONS = {
    "stores/corner/photos/20.jpg": "it is a PNG, and no JPEG; save it as JPEG",
    "stores/corner/photos/21.jpg": "it is a web page and no image",
    "stores/corner/photos/22.jpg": "it is empty",
    "stores/corner/photos/23.JPG": "its extension is .JPG; rename it to 23.jpg",
    "stores/corner/menus/0001.jpg": "1.jpg beside it means the same; keep one of them",
    "stores/corner/menus/1.jpg": "0001.jpg beside it means the same; keep one of them",
}


def errors(folder: Path) -> dict[str, str]:
    """What error.txt says, by file."""
    return dict(line.split(": ", 1) for line in (folder / "error.txt").read_text().splitlines())


def successes(folder: Path) -> list[str]:
    return (folder / "success.txt").read_text().splitlines()


# the old tool's page, from its first line to its last


@pytest.mark.slow
def test_the_old_tools_page_can_be_followed_with_all_names_unchanged(
    folder: Path, open_backend: Callable[[str], Store]
) -> None:
    bucket = new_bucket("radosgw", open_backend)
    put(folder / "shops", BAD)

    configured = darkroom(folder, "configure", answers=f"shops\n{folder}/shops\n{bucket.uri}\n\n")
    assert configured.returncode == 0, configured.stderr
    assert "Next: darkroom sync dryrun shops" in configured.stdout

    dry = darkroom(folder, "dryrun")
    assert dry.returncode == 1, dry.stderr
    assert contents(bucket) == {}, "a dry run writes nothing"
    found = errors(folder)
    assert found.keys() == BAD.keys()
    assert REASONS.items() <= found.items()
    assert successes(folder) == sorted(GOOD)

    for key in BAD:  # somebody looks at error.txt, and mends them
        (folder / "shops" / key).unlink()
    put(folder / "shops", {"stores/corner/photos/20.jpg": photo(20), "stores/corner/menus/1.jpg": photo(21)})
    dry = darkroom(folder, "dryrun")
    assert (dry.returncode, errors(folder)) == (0, {}), dry.stderr
    assert contents(bucket) == {}

    copied = darkroom(folder, "copy")
    assert copied.returncode == 0, copied.stderr
    assert contents(bucket) == files(folder / "shops")
    assert (errors(folder), successes(folder)) == ({}, sorted(files(folder / "shops")))

    (folder / "shops/stores/corner/photos/20.jpg").unlink()
    put(folder / "shops", {"stores/corner/photos/1.jpg": photo(99)})
    synced = darkroom(folder, "sync")
    assert synced.returncode == 0, synced.stdout + synced.stderr
    left = contents(bucket)
    assert {key: data for key, data in left.items() if not key.startswith("removed/")} == files(folder / "shops")
    assert sorted(data for key, data in left.items() if key.startswith("removed/")) == sorted([photo(20), photo(1)])
    assert sorted(successes(folder)) == sorted(files(folder / "shops"))

    assert sorted(path.name for path in folder.iterdir() if path.is_file()) == LISTS


# configure


def test_configure_takes_the_same_as_flags_and_asks_nothing(folder: Path) -> None:
    words = ("configure", "shops", "--from", "shops", "--to", "bucket", "--rules", "none", "--max-delete", "7")
    done = typed(*words, "--exclude", "*.tmp", "--exclude", "drafts/")
    assert done.returncode == 0, done.stderr
    written = (folder / "profiles/shops.yaml").read_text()
    assert f"from: {folder}/shops\n" in written
    assert "guards: {objects: 7, percent: 100}" in written
    assert all(pattern in written for pattern in ("*.tmp", "drafts/"))
    put(folder / "shops", {"a.tmp": b"1", "drafts/1.jpg": b"2", "b": b"3"})
    assert typed("copy").returncode == 0
    assert set(files(folder / "bucket")) == {*GOOD, "b"}


def test_configure_writes_the_shipped_rules_where_nobody_says_others(folder: Path) -> None:
    assert typed("configure", "shops", "--from", "shops", "--to", "bucket").returncode == 0
    assert "rules: stores\n" in (folder / "profiles/shops.yaml").read_text()


def test_configure_replaces_a_profile_and_nothing_else(folder: Path) -> None:
    for target in ("bucket", "other"):
        assert typed("configure", "shops", "--from", "shops", "--to", target).returncode == 0
    assert f"to: {folder}/other\n" in (folder / "profiles/shops.yaml").read_text()
    (folder / "profiles/shops.yaml").write_text("a: shopping list\n")
    refused = typed("configure", "shops", "--from", "shops", "--to", "bucket")
    assert refused.returncode == 2
    assert "it is no profile, and is not replaced" in refused.stderr
    assert (folder / "profiles/shops.yaml").read_text() == "a: shopping list\n"


@pytest.mark.parametrize(
    ("words", "answers", "said"),
    [
        ((), None, "configure: nobody answers; give NAME, --from and --to."),
        ((), "shops\n", "configure: nobody answers; give NAME, --from and --to."),
        (("a/b", "--from", "shops", "--to", "bucket"), None, "'a/b' cannot name a profile"),
        (("a", "--from", "shops", "--to", "shops/b"), None, "it lies in 'from', or the other way round"),
        (("a", "--from", "shops", "--to", "ftp://b"), None, "no store for ftp:// addresses"),
        (("a", "--from", "shops", "--to", "b", "--rules", "store"), None, "did you mean 'stores'?"),
        (("a", "--from", "shops", "--to", "b", "--rules", "./no.yaml"), None, "no.yaml: there is no such file"),
        (("a", "--from", "shops", "--to", "b", "--max-delete", "many"), None, "'many' is neither a number of objects"),
        (("a", "--from", "s3://shops", "--to", "b"), None, "'s3://shops' is no folder"),
    ],
)
def test_a_profile_that_cannot_be_is_not_written(
    folder: Path, words: tuple[str, ...], answers: str | None, said: str
) -> None:
    refused = typed("configure", *words, answers=answers)
    assert (refused.returncode, said in refused.stderr) == (2, True), refused.stderr
    assert not (folder / "profiles").exists()


def test_the_one_enabled_profile_is_meant_and_of_several_one_has_to_be_named(folder: Path) -> None:
    none = typed("copy")
    assert (none.returncode, none.stderr.count("\n")) == (2, 1)
    assert (
        "Give a folder and where it goes, or there is no profile: `darkroom sync configure` makes one." in none.stderr
    )
    for name in ("shops", "other"):
        assert typed("configure", name, "--from", "shops", "--to", f"bucket-{name}").returncode == 0
    several = typed("copy")
    assert several.returncode == 2
    assert "say which of the profiles: other, shops" in several.stderr
    wrong = typed("copy", "shop")
    assert wrong.returncode == 2
    assert "'shop' is no profile; there are other, shops in " in wrong.stderr
    profile = folder / "profiles/other.yaml"
    profile.write_text(profile.read_text().replace("enabled: true", "enabled: false"))
    assert typed("copy").returncode == 0
    assert files(folder / "bucket-shops") == GOOD
    assert typed("copy", "other").returncode == 0, "who names it means it"
    assert files(folder / "bucket-other") == GOOD


def test_a_profile_of_another_environment_is_left_alone_and_that_is_said(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(folder, {"profiles/shops.yaml": f"from: {folder}/shops\nto: {folder}/bucket\nenvironment: prod\n".encode()})
    left = typed("copy")
    assert left.returncode == 0
    assert "it is a profile of prod, and this deployment is stage (DARKROOM_ENVIRONMENT): it is left" in left.stdout
    assert not (folder / "bucket").exists()
    monkeypatch.setenv("DARKROOM_ENVIRONMENT", "prod")
    settings.cache_clear()
    assert typed("copy").returncode == 0
    assert files(folder / "bucket") == GOOD


# dryrun, copy, sync


def test_the_exit_code_is_0_when_all_is_fine_and_1_when_a_file_was_refused(folder: Path) -> None:
    fine = typed("copy", "shops", "bucket")
    assert (fine.returncode, "error.txt" in fine.stderr) == (0, False), fine.stderr
    put(folder / "shops", BAD)
    for verb in ("dryrun", "copy", "sync"):
        refused = typed(verb, "shops", "bucket")
        assert refused.returncode == 1, (verb, refused.stderr)
        assert "10 files are in error.txt, a reason each." in refused.stderr
        assert errors(folder).keys() == BAD.keys()
        assert sorted(successes(folder)) == sorted(GOOD)
    assert files(folder / "bucket") == GOOD


def test_the_json_says_the_same_as_the_texts(folder: Path) -> None:
    put(folder / "shops", BAD)
    typed("copy", "shops", "bucket", "--report", "out")
    said = json.loads((folder / "out/error.json").read_bytes())
    assert {one["file"]: one["reason"] for one in said} == errors(folder / "out")
    assert {one["state"] for one in said} == {"refused"}
    assert json.loads((folder / "out/success.json").read_bytes()) == successes(folder / "out")


def test_a_dry_run_and_a_run_have_the_same_report_but_for_what_became_of_it(folder: Path) -> None:
    typed("copy", "shops", "bucket", "--report", "first")
    put(folder / "shops", {**BAD, "stores/corner/photos/1.jpg": photo(99), "stores/corner/photos/50.jpg": photo(50)})
    (folder / "shops/stores/corner/photos/2.jpg").unlink()
    more = ("shops", "bucket", "--max-delete", "50%")
    assert typed("dryrun", *more, "--delete", "--report", "dry").returncode == 1
    assert typed("sync", *more, "--report", "run").returncode == 1
    dry, run = said_by(folder / "dry"), said_by(folder / "run")
    assert dry.keys() == run.keys()
    assert dry["report"].keys() == run["report"].keys()
    assert planned(dry) == planned(run)
    assert {one["action"] for one in planned(dry)} == {"replace", "upload", "remove", "refuse"}
    assert (folder / "dry/error.txt").read_bytes() == (folder / "run/error.txt").read_bytes()
    assert sorted(successes(folder / "dry")) == sorted(successes(folder / "run"))


def planned(said: dict[str, Any]) -> list[dict[str, object]]:
    """A report's files, without what became of them."""
    lines = [{key: one[key] for key in one if key != "state"} for one in said["files"]]
    return sorted(lines, key=lambda one: str(one["file"]))


def test_dryrun_without_delete_is_what_copy_does(folder: Path) -> None:
    typed("copy", "shops", "bucket")
    (folder / "shops/stores/corner/photos/2.jpg").unlink()
    dry = typed("dryrun", "shops", "bucket")
    assert dry.returncode == 0
    assert (
        "1 object gone from the folder stay in the bucket; sync removes them: stores/corner/photos/2.jpg" in dry.stdout
    )
    assert [one["action"] for one in said_by(folder)["files"]] == ["report"]


def test_guards_that_are_exceeded_end_with_1_and_remove_nothing(folder: Path) -> None:
    typed("copy", "shops", "bucket")
    (folder / "shops/stores/corner/photos/2.jpg").unlink()
    refused = typed("sync", "shops", "bucket")
    assert refused.returncode == 1
    assert "its guards let no more than 0 of 8 be removed: none is (stores/corner/photos/2.jpg)" in refused.stderr
    assert files(folder / "bucket") == GOOD
    assert typed("sync", "shops", "bucket", "--max-delete", "1").returncode == 0
    assert len([key for key in files(folder / "bucket") if not key.startswith("removed/")]) == 7


def test_an_excluded_file_is_left_alone_on_both_sides(folder: Path) -> None:
    typed("copy", "shops", "bucket")
    (folder / "shops/stores/corner/photos/2.jpg").unlink()
    put(folder / "shops", {"stores/corner/photos/notes.txt": b"1"})
    more = ("--exclude", "2.jpg", "--exclude", "*.txt", "--max-delete", "5")
    done = typed("sync", "shops", "bucket", *more)
    assert (done.returncode, files(folder / "bucket")) == (0, GOOD), done.stderr


def test_no_cache_reads_what_the_cache_knows_wrong(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    copy = ("copy", "shops", "bucket")
    assert typed(*copy).returncode == 0
    (cache,) = (folder / "cache").glob("*.sqlite")
    with sqlite3.connect(cache) as known:
        assert known.execute("SELECT count(*) FROM files").fetchone() == (8,)
        known.execute("UPDATE files SET reason = 'made up' WHERE key LIKE '%/3.jpg'")
    known.close()
    assert (typed(*copy).returncode, errors(folder)) == (1, {"stores/corner/photos/3.jpg": "made up"})
    assert (typed(*copy, "--no-cache").returncode, errors(folder)) == (0, {})
    assert (typed(*copy).returncode, errors(folder)) == (0, {}), "it is put right by that"
    cache.write_bytes(b"damaged" * 1000)
    assert (typed(*copy).returncode, errors(folder)) == (0, {})
    assert "The cache of hashes is damaged, and made anew" in caplog.text


# typos and contradictions


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("dryrn",), "Did you mean 'dryrun'?"),
        (("copy", "shops", "bucket", "more"), "no more than these two"),
        (("copy", "shops"), "'shops' is no profile; there is none in "),
        (("copy", "not-there", "bucket"), "it cannot be read (no such file or directory); is the drive mounted"),
        (("copy", "file", "bucket"), "it cannot be read (not a directory)"),
        (("copy", "shops", "ftp://bucket"), "no store for ftp:// addresses"),
        (("copy", "shops", "shops/stores"), "it lies in 'from', or the other way round"),
        (("copy", "s3://shops", "bucket"), "'s3://shops' is no folder"),
        (("copy", "shops", "bucket", "--rules", "store"), "'store' is no rule set; did you mean 'stores'?"),
        (("copy", "shops", "bucket", "--rules", "./no.yaml"), "no.yaml: there is no such file"),
        (("copy", "shops", "bucket", "--exclude", ""), "--exclude"),
        (("copy", "shops", "bucket", "--report", "file"), "--report: file: "),
        (("copy", "shops", "bucket", "--report", "taken"), "--report: taken has error.txt, which is of no sync before"),
        (("copy", "shops", "bucket", "--plan", "no.json"), "--plan: no.json: no such file or directory; name the"),
        (("copy", "shops", "bucket", "--plan", "file"), "--plan: file"),
        (("copy", "shops", "bucket", "--plan", "dump.json"), "--plan: dump.json"),
        (("copy", "shops", "bucket", "--max-delete", "five"), "'five' is neither a number of objects"),
        (("copy", "shops", "bucket", "--delete"), "--delete"),
        (("sync", "shops", "bucket", "--max-delete", "ten"), "'ten' is neither a number of objects"),
        (("sync", "shops", "bucket", "--max-delete", "101%"), "'101%' is neither a number of objects"),
        (("sync", "shops", "bucket", "--max-delete=-1"), "'-1' is neither a number of objects"),
        (("sync", "shops", "bucket", "--maxdelete", "5"), "--max-delete"),
    ],
)
def test_bad_input_is_one_sentence_and_nothing_is_written(folder: Path, words: tuple[str, ...], said: str) -> None:
    put(folder, {"file": b"a file", "dump.json": b'{"schema_version": 1}', "taken/error.txt": b"mine"})
    before = files(folder)
    refused = typed(*words)
    assert (refused.returncode, said in refused.stderr) == (2, True), refused.stderr
    left = files(folder)
    assert {key: left[key] for key in before} == before
    assert not [key for key in left if key.startswith(("bucket/", "studio/"))]


def test_a_sync_beside_another_profile_s_objects_is_refused_and_copy_is_not(folder: Path) -> None:
    put(folder, {"menus/stores/diner/menus/1.jpg": photo(1)})
    for name in ("shops", "menus"):
        assert typed("configure", name, "--from", name, "--to", "bucket").returncode == 0
        assert typed("copy", name).returncode in (0, 1)
    before = files(folder / "bucket")
    for words in (("sync", "menus"), ("dryrun", "menus", "--delete"), ("sync", "menus", "bucket")):
        refused = typed(*words, "--max-delete", "100%")
        assert (refused.returncode, "its objects lie among those of shops" in refused.stderr) == (2, True), refused
    assert files(folder / "bucket") == before
    assert typed("configure", "menus", "--from", "menus", "--to", "bucket/diners").returncode == 0
    assert typed("sync", "menus", "--max-delete", "100%").returncode == 0, "stores/ and diners/stores/ are apart"
    assert typed("configure", "others", "--from", "others", "--to", "bucket", "--rules", "none").returncode == 0
    assert typed("sync", "menus", "--max-delete", "100%").returncode == 2, "whose files may lie anywhere"


def test_copy_takes_an_empty_folder_once_it_is_said_to_be_meant(folder: Path) -> None:
    assert typed("copy", "shops", "bucket").returncode in (0, 1)
    (folder / "shops/stores").rename(folder / "elsewhere")
    refused = typed("copy", "shops", "bucket")
    assert (refused.returncode, "--max-delete 100%" in refused.stderr) == (2, True), refused.stderr
    meant = typed("copy", "shops", "bucket", "--max-delete", "100%")
    assert meant.returncode == 0, meant.stderr
    assert files(folder / "bucket"), "copy removes nothing all the same"


def test_a_name_that_is_no_utf8_is_in_error_txt_byte_for_byte(folder: Path) -> None:
    put(folder / "shops", {os.fsdecode(b"stores/corner/photos/caf\xe9.jpg"): photo()})
    done = darkroom(folder, "copy", "shops", "bucket")
    assert done.returncode == 1, done.stderr
    assert (folder / "error.txt").read_bytes() == (
        b"stores/corner/photos/caf\xe9.jpg: its name is no UTF-8; rename it\n"
    )
    assert files(folder / "bucket") == GOOD


def test_interrupted_it_says_what_is_kept_and_goes_on(folder: Path) -> None:
    put(folder / "many", {f"{number}.jpg": b"%d" % number * 50 for number in range(2000)})
    process = subprocess.Popen(
        [sys.executable, "-m", "darkroom", "sync", "copy", "many", "bucket", "--rules", "none"],
        cwd=folder, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    while not (folder / "bucket").exists() and process.poll() is None:
        pass
    process.send_signal(2)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "are finished and kept; the same command goes on with the rest." in said
    assert darkroom(folder, "copy", "many", "bucket", "--rules", "none").returncode == 0
    assert files(folder / "bucket") == files(folder / "many")
    assert len(successes(folder)) == 2000
