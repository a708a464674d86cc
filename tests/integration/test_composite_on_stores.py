"""The compositing flow with its renders and pictures in buckets."""

import subprocess
import sys
from pathlib import Path

import pytest

from darkroom.compositing.request import Request
from darkroom.compositing.verify import verify
from darkroom.store import Store, open_store
from darkroom.store.transfer import transfer, under_same_keys
from tests.servers.fault_proxy import FaultProxy
from tests.servers.faults import Reset, Truncate, slow_down
from tests.tiny import CUTS, PICTURES, Tiny


def composite(studio: Tiny, renders: str, out: str, *more: str) -> subprocess.CompletedProcess[str]:
    words = ["composite", "--style", str(studio.style), "--renders", renders, "--out", out, *more]
    return subprocess.run([sys.executable, "-m", "darkroom", *words], capture_output=True, text=True, timeout=120)


def upload(folder: Path, store: Store) -> None:
    source = open_store(str(folder))
    assert not [moved.reason for moved in transfer(source, store, under_same_keys(source.list())) if moved.reason]


def pictures(store: Store) -> dict[str, bytes]:
    return {
        entry.key: store.read(entry.key) for entry in store.list("renders/composites/") if entry.key.endswith(".png")
    }


@pytest.mark.parametrize("of_renders", ["radosgw", "gcs"])
def test_renders_from_a_bucket_become_the_same_pictures_in_s3_as_in_a_folder(tmp_path, open_backend, of_renders):
    studio = Tiny(tmp_path)
    local = composite(studio, str(studio.renders), str(studio.out))
    assert local.returncode == 0, local.stderr
    renders, out = open_backend(of_renders), open_backend("radosgw")
    upload(studio.renders, renders)

    run = composite(studio, renders.uri, out.uri)
    assert run.returncode == 0, run.stderr
    made = pictures(out)
    assert len(made) == PICTURES * len(CUTS)
    assert made == pictures(open_store(str(studio.out)))
    assert out.head(next(iter(made))).content_type == "image/png"
    verification = verify(Request(style_file=str(studio.style), store=out.uri), workers=2)
    assert verification.ok, verification

    again = composite(studio, renders.uri, out.uri)
    assert again.returncode == 0
    assert " 0 files and 0 B written" in again.stdout
    studio.repaint("b1_bottom_front", 1)
    upload(studio.renders, renders)
    changed = composite(studio, renders.uri, out.uri)
    assert changed.returncode == 0
    assert " files and " in changed.stdout
    assert " 0 files" not in changed.stdout


def test_a_failing_s3_makes_no_picture_wrong_and_the_report_counts_its_faults(
    tmp_path, open_backend, servers, monkeypatch
):
    studio = Tiny(tmp_path)
    out = open_backend("radosgw")
    upload(studio.renders, open_store(f"{out.uri}/renders"))
    with FaultProxy(servers.environment("radosgw")["AWS_ENDPOINT_URL"]) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
        proxy.inject(slow_down(), times=5, method="PUT", path="800x800")
        proxy.inject(Reset("response"), times=3, method="PUT", path="142x142")
        proxy.inject(Truncate(100), times=2, method="GET", path="Render%20PNG")
        run = composite(studio, f"{out.uri}/renders", out.uri)
    assert run.returncode == 0, run.stderr
    assert "repeated: 5 requests after SlowDown" in run.stdout
    assert "SlowDown" in run.stderr
    monkeypatch.setenv("AWS_ENDPOINT_URL", servers.environment("radosgw")["AWS_ENDPOINT_URL"])
    assert composite(studio, str(studio.renders), str(studio.out)).returncode == 0
    assert pictures(out) == pictures(open_store(str(studio.out)))
