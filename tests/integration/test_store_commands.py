"""`darkroom store`: what people see of stores on the command line, and how much memory a large object takes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from darkroom.store import open_store
from tests.integration.test_memory import BETWEEN, MIB

LARGE = int(os.environ.get("DARKROOM_TEST_LARGE_MIB", "300")) * MIB  # `make test-large` asks for 5 GiB


def store(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "darkroom", "store", *words], capture_output=True, text=True, timeout=120
    )


def test_a_folder_goes_to_s3_and_to_gcs_and_back(tmp_path, open_backend):
    source = tmp_path / "source"
    for name in ("a.png", "b/c d+e.json", "b/Zo\u00eb.txt", "empty"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(name.encode() * 1000 if name != "empty" else b"")
    s3, gcs = open_backend("radosgw"), open_backend("gcs")
    for origin, target in ((str(source), s3.uri), (s3.uri, gcs.uri), (gcs.uri, str(tmp_path / "back"))):
        run = store("copy", origin, target)
        assert run.returncode == 0, run.stderr
        assert "4 objects and" in run.stdout
    assert s3.head("a.png").content_type == gcs.head("a.png").content_type == "image/png"
    for file in source.rglob("*"):
        if file.is_file():
            assert (tmp_path / "back" / file.relative_to(source)).read_bytes() == file.read_bytes()
    listing = store("list", gcs.uri, "--long")
    names = [line.split("  ")[-1] for line in listing.stdout.splitlines()]
    assert names == ["a.png", "b/Zo\u00eb.txt", "b/c d+e.json", "empty"]
    assert "4 objects" in listing.stderr


def test_what_a_folder_cannot_hold_is_listed_and_the_others_are_copied(tmp_path, open_backend):
    s3 = open_backend("radosgw")
    for key in ("a", "a/b", "c//d", "ok"):
        s3.write(key, b"1")
    run = store("copy", s3.uri, str(tmp_path / "folder"))
    assert run.returncode == 1
    assert "2 objects and" in run.stdout
    assert run.stderr.count("not copied: ") == 2
    assert "cannot hold both" in run.stderr
    assert "'c//d': a folder holds no name with an empty" in run.stderr


@pytest.mark.parametrize("words", [("copy", "nowhere://a", "b"), ("copy", "a", "a/b"), ("list", "s3://Not A Bucket")])
def test_bad_input_is_one_sentence_and_exit_code_2(words):
    run = store(*words)
    assert run.returncode == 2
    assert len(run.stderr.strip().splitlines()) == 1


def test_no_bucket_and_no_access_are_one_sentence_and_exit_code_2(open_backend, monkeypatch):
    there = open_backend("radosgw").uri
    absent = store("list", "s3://no-such-bucket-of-anybody")
    assert (absent.returncode, absent.stderr) == (
        2,
        "s3://no-such-bucket-of-anybody: there is no such bucket; create it, or mend the name.\n",
    )
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    denied = store("list", there)
    assert denied.returncode == 2
    assert denied.stderr.endswith("check the credentials and the bucket's policy.\n")
    assert len(denied.stderr.splitlines()) == 1


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.skipif(sys.platform != "linux", reason="counts memory as Linux does")
def test_listing_takes_no_more_memory_for_more_objects(tmp_path: Path):
    """At 1,000,000 in one folder it was 936 MiB when their names were sorted, and is 41 MiB as they are not."""
    peaks = []
    for count in (1_000, 100_000):
        folder = tmp_path / str(count)
        folder.mkdir()
        for number in range(count):
            os.close(os.open(folder / f"picture-{number:07}-front-0003.png", os.O_CREAT | os.O_WRONLY))
        run = subprocess.run(
            [sys.executable, "-c", BETWEEN, "store", "list", str(folder)], capture_output=True, text=True, timeout=600
        )
        assert f"{count:,} objects" in run.stderr
        peaks.append(int(run.stdout))
    print(f"{peaks[0] / MIB:.0f} MiB for 1,000 objects, {peaks[1] / MIB:.0f} for 100,000")
    assert peaks[1] - peaks[0] < 12 * MIB


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="counts memory as Linux does")
def test_a_large_object_streams_to_s3_and_back_in_little_memory(tmp_path: Path, open_backend):
    source = tmp_path / "source"
    source.mkdir()
    block = os.urandom(37 * MIB + 13)
    with (source / "large.bin").open("wb") as file:
        while file.tell() < LARGE:
            file.write(block[: LARGE - file.tell()])
    s3 = open_backend("radosgw")
    for origin, target in ((str(source), s3.uri), (s3.uri, str(tmp_path / "back"))):
        run = subprocess.run(
            [sys.executable, "-c", BETWEEN, "store", "copy", origin, target],
            capture_output=True,
            text=True,
            timeout=1800,
        )
        assert run.returncode == 0, run.stderr
        print(f"{origin} to {target}: {int(run.stdout) / MIB:.0f} MiB at most; {run.stderr.splitlines()[-1]}")
        assert int(run.stdout) < 150 * MIB
    with (source / "large.bin").open("rb") as one, (tmp_path / "back" / "large.bin").open("rb") as other:
        while block := one.read(8 * MIB):
            assert other.read(8 * MIB) == block
        assert not other.read(1)
    assert open_store(s3.uri).delete_all(["large.bin"]) == {}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="counts memory as Linux does")
def test_many_objects_of_some_size_take_little_memory_together(tmp_path: Path, open_backend):
    """Of 12 MiB each it was 300 MiB when every thread kept the memory that it had given back."""
    s3, back = open_backend("radosgw"), tmp_path / "back"
    for number in range(24):
        s3.write(f"from/{number}", os.urandom(12 * MIB), confirm=False)
    for target in (f"{s3.uri}/to", str(back)):
        run = subprocess.run(
            [sys.executable, "-c", BETWEEN, "store", "copy", f"{s3.uri}/from", target],
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert run.returncode == 0, run.stderr
        print(f"to {target}: {int(run.stdout) / MIB:.0f} MiB at most; {run.stderr.splitlines()[-1]}")
        assert int(run.stdout) < 200 * MIB
    assert s3.delete_all([entry.key for entry in s3.list()]) == {}
