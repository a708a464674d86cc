"""`darkroom mark`: what it marks, and what it says."""

import json
import subprocess
import sys

import pytest

from darkroom.pyramids.sources.markers import read_markers

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
    run = mark("--source", "maps", "--prefix", "1890/", "--ext", "jpg,tiff", "--since", "2020-01-01")
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith("2 images marked, 0 were already: ")
    assert mark("--source", "maps", "--ext", "jpg").stdout.startswith("1 images marked, 1 were already: ")
    from darkroom.store import open_store

    found = [one.marker.key for one in read_markers(open_store(f"{store.uri}/studio"), "maps")]
    assert sorted(found) == ["1890/a.jpg", "1890/b.TIFF", "1891/a.jpg"]


def test_a_source_that_is_none_is_bad_input(monkeypatch):
    monkeypatch.setenv("DARKROOM_SCAN_SOURCES", '{"maps": "/scans"}')
    run = mark("--source", "books")
    assert run.returncode == 2
    assert run.stderr.strip() == "--source: 'books' is no source of DARKROOM_SCAN_SOURCES (maps)."
