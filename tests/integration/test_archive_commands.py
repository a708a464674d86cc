"""`darkroom archive` as people type it, between folders: what it says, how it ends, and how a version comes back."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PLACES = ("--from", "scans", "--to", "mirror", "--archive", "versions")
OF = ("--to", "mirror", "--archive", "versions")


def darkroom(folder: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "DARKROOM_STUDIO_STORE": str(folder / "studio"), "COLUMNS": "200", **more}
    command = [sys.executable, "-m", "darkroom", "archive", *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60)


def put(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def texts(folder: Path) -> dict[str, str]:
    return {str(file.relative_to(folder)): file.read_text() for file in sorted(folder.rglob("*")) if file.is_file()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    put(tmp_path / "scans" / "maps" / "a.tif", "one")
    put(tmp_path / "scans" / "prints" / "b.tif", "two")
    return tmp_path


def test_a_folder_is_mirrored_and_the_second_run_says_that_nothing_was_to_do(folder: Path) -> None:
    first = darkroom(folder, *PLACES, "--report", "report.json")
    assert first.returncode == 0, first.stderr
    assert texts(folder / "mirror") == {"maps/a.tif": "one", "prints/b.tif": "two"}
    assert json.loads((folder / "report.json").read_text())["done"] == 2
    second = darkroom(folder, *PLACES)
    assert second.returncode == 0
    assert "0 files and 0 B written" in second.stdout


def test_a_pair_s_file_says_all_of_it(folder: Path) -> None:
    put(folder / "maps.yaml", "from: scans\nto: mirror\narchive: versions\nprefix: maps/\nnames: flattened\n")
    planned = darkroom(folder, "maps.yaml", "--mode", "plan")
    assert (planned.returncode, (folder / "mirror").exists()) == (0, False)
    assert "1 left" in planned.stdout
    assert darkroom(folder, "maps.yaml").returncode == 0
    assert texts(folder / "mirror") == {"maps_a.tif": "one"}
    both = darkroom(folder, "maps.yaml", "--to", "elsewhere")
    assert (both.returncode, both.stderr.count("\n")) == (2, 1)
    assert "maps.yaml says all of it" in both.stderr


def test_a_pair_of_another_environment_is_left_alone_and_that_is_said(folder: Path) -> None:
    put(folder / "maps.yaml", "from: scans\nto: mirror\narchive: versions\nenvironment: prod\n")
    left = darkroom(folder, "maps.yaml")
    assert left.returncode == 0
    assert "it is a pair of prod, and this deployment is stage (DARKROOM_ENVIRONMENT): it is left alone" in left.stdout
    assert not (folder / "mirror").exists()
    assert darkroom(folder, "maps.yaml", DARKROOM_ENVIRONMENT="prod").returncode == 0
    assert (folder / "mirror").exists()


def test_check_says_by_line_what_is_wrong_and_what_is_fine(folder: Path) -> None:
    put(folder / "fine.yaml", "from: gs://scans-a\nto: s3://scans-b\narchive: s3://scans-c\nprefix: maps/\n")
    put(folder / "wrong.yaml", "from: gs://scans-a\narchive: s3://scans-b\nprefix: /maps\nverfy: never\n")
    put(folder / "list.yaml", "- from: gs://scans-a\n")
    checked = darkroom(folder, "check", "fine.yaml", "wrong.yaml", "list.yaml")
    assert checked.returncode == 2
    assert "fine: fine: gs://scans-a (maps/) -> s3://scans-b, versions in s3://scans-c" in checked.stdout
    assert "wrong.yaml, line 4: 'verfy' is no key of a pair; did you mean 'verify'?" in checked.stderr
    assert "wrong.yaml, line 1: 'to' is missing; add it." in checked.stderr
    assert checked.stderr.index("line 1:") < checked.stderr.index("line 4:"), "in the order of the lines"
    assert "list.yaml: a pair is a mapping of keys (from, to, archive, ...); this is not." in checked.stderr
    assert darkroom(folder, "check", "fine.yaml").returncode == 0


def test_a_source_that_has_nothing_is_said_also_when_nothing_is_known_of_it(folder: Path) -> None:
    """Else the run of a wrong name is as green as one that has nothing to do."""
    ran = darkroom(folder, "--from", "scams", *OF)
    assert ran.returncode == 0, "a new bucket may be empty"
    assert "scams lists nothing, so there is nothing to mirror; if there should be" in ran.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--from", "scans", "--archive", "versions"), "Name a pair's file, or --to too."),
        ((*PLACES, "--prefix", "/maps/"), "a prefix is a GCS prefix, not a folder; write 'maps/'"),
        (
            ("--from", "scans", "--to", "scans/mirror", "--archive", "v"),
            "--to: it lies in 'from', or the other way round",
        ),
        (("--from", "scans", "--to", "m", "--archive", "ftp://v"), "--archive: ftp://v: no store for ftp:// addresses"),
        (("run",), "Name a pair's file, or give --from and --to."),
        (("--from", "scans", "--to", "s3:/m"), "--to: s3:/m: write s3:// with two slashes, or ./s3: for a folder."),
        (
            ("versions", "/maps/a.tif", *OF),
            "/maps/a.tif: it is no object's name: '/maps/a.tif': a folder holds no name",
        ),
        (("versions", "", *OF), "it is no object's name"),
        (("restore", "../a.tif", "--version", "1999", *OF), "../a.tif: it is no object's name: "),
        (("maps.yaml",), "maps.yaml: No such file or directory; name a pair's YAML file."),
        (("restor",), "Did you mean 'restore'?"),
        (("versions", "maps/a.tif", *OF), "maps/a.tif: the archive has no version of it"),
        (("versions", "maps/a.tif", "--to", "mirror"), "Give both --to and --archive, or --pair."),
        (("restore", "maps/a.tif", "--version", "1999", *OF), "maps/a.tif: there is no version '1999'"),
    ],
)
def test_bad_input_is_one_sentence_and_nothing_is_written(folder: Path, words: tuple[str, ...], said: str) -> None:
    refused = darkroom(folder, *words)
    assert refused.returncode == 2
    assert said in refused.stderr
    assert not (folder / "mirror").exists()


def versions(folder: Path, key: str) -> list[str]:
    listed = darkroom(folder, "versions", key, *OF)
    assert listed.returncode == 0, listed.stderr
    return [line.split()[0] for line in listed.stdout.splitlines()]


@pytest.fixture
def spoiled(folder: Path) -> Path:
    """A scan that was overwritten by mistake, and mirrored so."""
    os.utime(folder / "scans/maps/a.tif", (1_700_000_000, 1_700_000_000))
    darkroom(folder, *PLACES)
    put(folder / "scans/maps/a.tif", "spoiled")
    darkroom(folder, *PLACES)
    assert texts(folder / "mirror")["maps/a.tif"] == "spoiled"
    return folder


def test_a_version_comes_back_into_the_source_and_stays(spoiled: Path) -> None:
    first, second = versions(spoiled, "maps/a.tif")
    assert first < second
    back = darkroom(spoiled, "restore", "maps/a.tif", "--version", first, *OF, "--into", "scans")
    assert back.returncode == 0, back.stderr
    assert "is that version again, proven" in back.stdout
    assert darkroom(spoiled, *PLACES).returncode == 0
    assert texts(spoiled / "mirror")["maps/a.tif"] == "one"
    assert "spoiled" in texts(spoiled / "versions").values()
    again = darkroom(spoiled, "restore", "maps/a.tif", "--version", first, *OF, "--into", "scans")
    assert "has that content already: nothing was written" in again.stdout


def test_restoring_into_the_mirror_archives_what_stood_there_and_warns_of_the_source(spoiled: Path) -> None:
    put(spoiled / "mirror/maps/a.tif", "somebody's own")
    first = versions(spoiled, "maps/a.tif")[0]
    back = darkroom(spoiled, "restore", "maps/a.tif", "--version", first, *OF)
    assert back.returncode == 0, back.stderr
    assert "the next run puts that back" in back.stderr
    assert texts(spoiled / "mirror")["maps/a.tif"] == "one"
    assert "somebody's own" in texts(spoiled / "versions").values()


@pytest.mark.parametrize("names", ["flattened", "last part"])
def test_a_version_comes_back_into_the_source_under_the_objects_own_name(folder: Path, names: str) -> None:
    """Under the copy's name it would be a second object, that has the same copy as the first: both are refused then."""
    put(folder / "maps.yaml", f"from: scans\nto: mirror\narchive: versions\nnames: {names}\n")
    own, copy = "maps/a.tif", "maps_a.tif" if names == "flattened" else "a.tif"
    os.utime(folder / "scans" / own, (1_700_000_000, 1_700_000_000))
    darkroom(folder, "maps.yaml")
    put(folder / "scans" / own, "spoiled, and not mirrored yet")
    listed = [darkroom(folder, "versions", key, "--pair", "maps.yaml").stdout for key in (own, copy)]
    assert listed[0] == listed[1]
    (first,) = (line.split()[0] for line in listed[0].splitlines())
    bring = ("restore", copy, "--version", first, "--pair", "maps.yaml", "--into")
    back = darkroom(folder, *bring, "scans")
    assert back.returncode == 0, back.stderr
    assert texts(folder / "scans") == {own: "one", "prints/b.tif": "two"}
    assert sorted(texts(folder / "versions").values()) == ["one", "spoiled, and not mirrored yet", "two"]
    assert len(darkroom(folder, "versions", own, "--pair", "maps.yaml").stdout.splitlines()) == 2, "it is one of its"
    assert darkroom(folder, "maps.yaml").returncode == 0
    assert darkroom(folder, *bring, "look").returncode == 0
    assert texts(folder / "look") == {copy: "one"}, "elsewhere it has the name that was given"

    (folder / "studio/state").rename(folder / "lost")
    unknown = darkroom(folder, *bring, "scans")
    assert (unknown.returncode, unknown.stderr.count("\n")) == (2, 1)
    assert "is not known any more; give that object's own name, with its folders" in unknown.stderr
    assert set(texts(folder / "scans")) == {own, "prints/b.tif"}
    put(folder / "scans" / own, "spoiled again")
    assert darkroom(folder, "restore", own, *bring[2:], "scans").returncode == 0
    assert texts(folder / "scans")[own] == "one"


def test_a_version_that_was_damaged_in_the_archive_is_not_brought_back(spoiled: Path) -> None:
    first = versions(spoiled, "maps/a.tif")[0]
    (damaged,) = [file for file in (spoiled / "versions/maps").iterdir() if first in file.name]
    damaged.write_text("rotten")
    back = darkroom(spoiled, "restore", "maps/a.tif", "--version", first, *OF)
    assert (back.returncode, back.stderr.count("\n")) == (2, 1)
    assert "it was damaged in the archive, and is not brought back" in back.stderr
    assert texts(spoiled / "mirror")["maps/a.tif"] == "spoiled"


def test_versions_as_json_are_a_line_each(spoiled: Path) -> None:
    listed = darkroom(spoiled, "versions", "maps/a.tif", *OF, "--json")
    documents = [json.loads(line) for line in listed.stdout.splitlines()]
    assert [document["bytes"] for document in documents] == [3, 7]
    assert all(document["uri"].endswith(".tif") for document in documents)


def test_interrupted_it_says_what_is_kept_and_goes_on(folder: Path) -> None:
    for number in range(3000):
        put(folder / "scans" / "many" / f"{number}.tif", f"{number}" * 50)
    environment = {**os.environ, "DARKROOM_STUDIO_STORE": str(folder / "studio")}
    process = subprocess.Popen(
        [sys.executable, "-m", "darkroom", "archive", *PLACES],
        cwd=folder, env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    while not (folder / "mirror" / "many").exists() and process.poll() is None:
        pass
    process.send_signal(2)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "are finished and kept; the same command goes on with the rest." in said
    assert darkroom(folder, *PLACES).returncode == 0
    assert len(texts(folder / "mirror")) == len(texts(folder / "scans")) == len(texts(folder / "versions"))
