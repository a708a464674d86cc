"""`darkroom mark`: what it marks, and what it says."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from darkroom.pyramids.sources.markers import read_markers
from darkroom.store import readable

COMMAND = [sys.executable, "-m", "darkroom", "mark"]


def mark(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *words], capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("backend", ["folder", "radosgw"])
def test_images_of_a_source_are_marked_by_prefix_and_extension(backend, open_backend, monkeypatch):
    store = open_backend(backend)
    monkeypatch.setenv("DARKROOM_STUDIO_STORE", f"{store.uri}/studio")
    monkeypatch.setenv("DARKROOM_SCAN_SOURCES", json.dumps({"maps": f"{store.uri}/scans"}))
    for key in ("1890/a.jpg", "1890/b.TIFF", "1890/c.txt", "1891/a.jpg"):
        store.write(f"scans/{key}", b"image")
    if backend == "folder":
        Path(readable(f"{store.uri}/studio")).mkdir()
    run = mark("--source", "maps", "--prefix", "1890/", "--ext", "jpg,tiff", "--since", "2020-01-01")
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith("2 images marked, 0 were already: ")
    assert mark("--source", "maps", "--ext", "jpg").stdout.startswith("1 image marked, 1 were already: ")
    from darkroom.store import open_store

    found = [one.marker.key for one in read_markers(open_store(f"{store.uri}/studio"), "maps")]
    assert sorted(found) == ["1890/a.jpg", "1890/b.TIFF", "1891/a.jpg"]


def test_a_source_that_is_none_is_bad_input(monkeypatch):
    monkeypatch.setenv("DARKROOM_SCAN_SOURCES", '{"maps": "/scans"}')
    run = mark("--source", "books")
    assert run.returncode == 2
    assert run.stderr.strip() == "--source: 'books' is no source of DARKROOM_SCAN_SOURCES (maps)."


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A source of scans, and the folder that everything happens in."""
    (tmp_path / "scans/1890").mkdir(parents=True)
    for name in ("a.jpg", "b.tif"):
        (tmp_path / "scans/1890" / name).write_bytes(b"image")
    monkeypatch.setenv("DARKROOM_SCAN_SOURCES", json.dumps({"maps": str(tmp_path / "scans")}))
    monkeypatch.delenv("DARKROOM_STUDIO_STORE", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_folder_that_is_no_studio_does_not_become_one(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = sorted(place.rglob("*"))
    named = [None, place / "not there", place / "scans"]
    for studio in named:
        if studio:
            monkeypatch.setenv("DARKROOM_STUDIO_STORE", str(studio))
        run = mark("--source", "maps")
        assert run.returncode == 2
        assert run.stderr.startswith(
            f"No studio lies in {studio or place / 'var/buckets/studio'}, so nothing was marked;"
        )
        assert len(run.stderr.splitlines()) == 1
    assert sorted(place.rglob("*")) == before


@pytest.mark.parametrize("what", ["renders/raw/x.png", "process/maps/1.json", "state/x.json", "work/x.json"])
def test_a_studio_is_where_any_of_its_folders_holds_something(place: Path, what: str) -> None:
    held = place / "var/buckets/studio" / what
    held.parent.mkdir(parents=True)
    held.write_bytes(b"{}")
    assert mark("--source", "maps").returncode == 0


def test_a_new_studio_begins_in_an_empty_folder_or_a_bucket_that_somebody_named(
    place: Path, open_backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "new").mkdir()
    bucket = open_backend("radosgw").uri
    for studio in (str(place / "new"), bucket, f"{bucket}/studios/1"):
        monkeypatch.setenv("DARKROOM_STUDIO_STORE", studio)
        run = mark("--source", "maps")
        assert (run.returncode, run.stdout) == (0, f"2 images marked, 0 were already: {studio}\n"), run.stderr
    monkeypatch.setenv("DARKROOM_STUDIO_STORE", "s3://no-such-bucket-of-anybody")
    run = mark("--source", "maps")
    assert run.returncode == 2
    assert len(run.stderr.splitlines()) == 1


def test_what_nothing_fits_is_exit_2_and_marks_nothing(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "studio").mkdir()
    monkeypatch.setenv("DARKROOM_STUDIO_STORE", str(place / "studio"))
    for more in (["--prefix", "1891/"], ["--ext", "gif"], ["--since", "2100-01-01"]):
        run = mark("--source", "maps", *more)
        assert run.returncode == 2
        assert run.stderr.startswith(f"No image fits {' '.join(more)}"), run.stderr
    assert (
        mark("--source", "maps", "--ext", "").stderr
        == "--ext: it is empty; name something, or leave --ext out for all.\n"
    )
    monkeypatch.setenv("DARKROOM_SCAN_SOURCES", json.dumps({"maps": str(place / "gone")}))
    assert mark("--source", "maps").returncode == 2
    assert not list((place / "studio").iterdir())


def test_a_dry_run_says_which_and_writes_nothing_and_json_says_it_for_programs(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "studio").mkdir()
    monkeypatch.setenv("DARKROOM_STUDIO_STORE", str(place / "studio"))
    run = mark("--source", "maps", "--dry-run")
    assert run.stdout.splitlines()[:2] == ["mark     1890/a.jpg", "mark     1890/b.tif"]
    assert run.stdout.splitlines()[2].startswith("2 images would be marked, 0 were already: ")
    assert not list((place / "studio").iterdir())
    run = mark("--source", "maps", "--ext", "jpg", "--json")
    assert json.loads(run.stdout) == {"source": "maps", "key": "1890/a.jpg", "already": False}
    run = mark("--source", "maps", "--dry-run")
    assert run.stdout.splitlines()[:2] == ["already  1890/a.jpg", "mark     1890/b.tif"]
