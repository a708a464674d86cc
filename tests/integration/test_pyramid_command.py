"""`darkroom pyramid`: what people give it, what they get, and what they are told."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from darkroom.pyramids import fetching
from darkroom.pyramids.batch import Limits
from darkroom.pyramids.validate import inspect
from darkroom.sample.scans import DAMAGED, draw_scans
from darkroom.store import open_store
from tests import line, scans
from tests.integration.test_memory import BETWEEN, MIB

COMMAND = [sys.executable, "-m", "darkroom", "pyramid"]


def pyramid(*words: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *map(str, words)], capture_output=True, text=True, timeout=120, env=os.environ | environment
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of scans, some of them in folders of their own."""
    place = tmp_path / "scans"
    (place / "maps" / "1890").mkdir(parents=True)
    scans.picture().jpegsave(str(place / "a.jpg"))
    scans.picture().pngsave(str(place / "maps" / "Straße & Platz.png"))
    scans.picture().tiffsave(str(place / "maps" / "1890" / "sheet.2.tif"))
    return place


def test_a_folder_of_images_becomes_pyramids_of_the_same_names(folder: Path, tmp_path: Path) -> None:
    run = pyramid(folder, tmp_path / "out")
    assert run.returncode == 0, run.stderr
    made = {str(file.relative_to(tmp_path / "out")): file for file in (tmp_path / "out").rglob("*") if file.is_file()}
    assert sorted(made) == ["a.tif", "maps/1890/sheet.2.tif", "maps/Straße & Platz.tif"]
    for file in made.values():
        assert inspect(file).problems == []
    assert "a.jpg -> a.tif: 900 x 700, 2 levels, " in run.stdout
    assert "3 pyramids made, 0 failed or refused" in run.stderr


def test_of_the_sample_scans_all_but_the_damaged_one_become_pyramids(tmp_path: Path) -> None:
    keys = draw_scans(tmp_path / "scans", width=400)
    run = pyramid(tmp_path / "scans", tmp_path / "out")
    assert run.returncode == 1, run.stderr
    assert DAMAGED in run.stderr
    made = {path.relative_to(tmp_path / "out").with_suffix("") for path in (tmp_path / "out").rglob("*.tif")}
    assert made == {Path(key).with_suffix("") for key in keys if key != DAMAGED}
    harbour = inspect(tmp_path / "out" / "maps" / "harbour.tif")
    assert harbour.levels[0] == (400, 300), "as it is looked at, not as it was stored"


def test_single_files_go_by_their_names_alone(folder: Path, tmp_path: Path) -> None:
    run = pyramid(folder / "a.jpg", folder / "maps" / "1890" / "sheet.2.tif", tmp_path / "out", "--profile", "jpeg")
    assert run.returncode == 0, run.stderr
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["a.tif", "sheet.2.tif"]
    assert inspect(tmp_path / "out" / "a.tif").compression == "jpeg"


def test_from_a_bucket_to_a_bucket_with_its_size_as_metadata(folder, tmp_path, open_backend):
    bucket = open_backend("radosgw")
    bucket.write("in/a.jpg", (folder / "a.jpg").read_bytes())
    bucket.write("in/b/torn.png", scans.png_cut_short(tmp_path).read_bytes())
    run = pyramid(f"{bucket.uri}/in", f"{bucket.uri}/out", TMPDIR=str(tmp_path))
    assert run.returncode == 1
    assert pyramid(f"{bucket.uri}/in/a.jpg", tmp_path / "one").returncode == 0
    assert [file.name for file in (tmp_path / "one").iterdir()] == ["a.tif"]
    assert "failed: b/torn.png: it cannot be decoded: " in run.stderr
    entry = bucket.head("out/a.tif")
    assert (entry.content_type, entry.metadata) == ("image/tiff", {"width": "900", "height": "700", "pages": "2"})
    (tmp_path / "a.tif").write_bytes(bucket.read("out/a.tif"))
    assert inspect(tmp_path / "a.tif").problems == []
    assert [entry.key for entry in bucket.list("out/")] == ["out/a.tif"]
    assert not list(tmp_path.glob("darkroom-work-*"))


def test_somebody_elses_image_is_shown_small(folder: Path, tmp_path: Path) -> None:
    assert pyramid(folder / "a.jpg", tmp_path / "out", "--copyright").returncode == 0
    assert inspect(tmp_path / "out" / "a.tif").levels[0] == (720, 560)


def test_two_images_that_claim_one_pyramid_are_both_refused_and_named(folder: Path, tmp_path: Path) -> None:
    shutil.copy(folder / "a.jpg", folder / "a.png")
    run = pyramid(folder, tmp_path / "out")
    assert run.returncode == 1
    assert "refused: a.jpg: a.png would have the same pyramid, a.tif." in run.stderr
    assert "refused: a.png: a.jpg would have the same pyramid, a.tif." in run.stderr
    assert not (tmp_path / "out" / "a.tif").exists()
    assert len(list((tmp_path / "out" / "maps").rglob("*.tif"))) == 2


def test_broken_images_are_listed_with_their_reasons_and_stop_nobody(folder: Path, tmp_path: Path) -> None:
    for defect in ("jpeg_cut_short", "png_cut_short", "png_bomb", "pdf_with_password"):
        getattr(scans, defect)(folder)
    (folder / "empty.jpg").touch()
    run = pyramid(folder, tmp_path / "out")
    assert run.returncode == 1
    failed = dict(re.findall(r"^failed: (\S+): (.*)\.$", run.stderr, re.MULTILINE))
    assert sorted(failed) == ["bomb.png", "empty.jpg", "jpeg-cut-short.jpg", "locked.pdf", "png-cut-short.png"]
    assert failed["empty.jpg"] == "it is empty"
    assert len(list((tmp_path / "out").rglob("*.tif"))) == 3
    assert "3 pyramids made, 5 failed or refused" in run.stderr


def test_a_pyramid_never_takes_the_place_of_its_source(folder: Path) -> None:
    before = (folder / "maps" / "1890" / "sheet.2.tif").read_bytes()
    run = pyramid(folder / "maps" / "1890", folder / "maps" / "1890")
    assert run.returncode == 1
    assert "its pyramid would take its place; name another DEST" in run.stderr
    assert (folder / "maps" / "1890" / "sheet.2.tif").read_bytes() == before


def test_what_stands_there_is_left_alone_unless_it_may_be_replaced(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert pyramid(folder, out).returncode == 0
    same = open_store(str(out)).head("a.tif")
    (out / "maps/1890/sheet.2.tif").write_bytes(b"a master")
    run = pyramid(folder, out)
    assert run.returncode == 1
    assert "skipped: a.jpg: the same pyramid stands at a.tif" in run.stdout
    assert "sheet.2.tif stands there and is not what Darkroom made; move it away" in run.stderr
    assert "or give --replace" in run.stderr
    assert "0 pyramids made, 2 skipped, 1 failed or refused" in run.stderr
    assert open_store(str(out)).head("a.tif") == same
    assert (out / "maps/1890/sheet.2.tif").read_bytes() == b"a master"
    run = pyramid(folder, out, "--replace")
    assert run.returncode == 0, run.stderr
    assert inspect(out / "maps/1890/sheet.2.tif").problems == []


def test_a_dest_that_is_a_file_is_said_in_words_and_stays(folder: Path, tmp_path: Path) -> None:
    before = (folder / "a.jpg").read_bytes()
    run = pyramid(folder / "maps", folder / "a.jpg")
    assert run.returncode == 1
    said = f"failed: its pyramid cannot be published: {folder / 'a.jpg'}: it is no folder; name one: 2 images: "
    assert f"{said}1890/sheet.2.tif, Straße & Platz.png." in run.stderr
    assert "Traceback" not in run.stderr
    assert (folder / "a.jpg").read_bytes() == before


def test_a_pdfs_copy_takes_nobodys_place_unless_it_may(tmp_path: Path) -> None:
    pdf = tmp_path / "a.pdf"
    pdf.write_bytes(scans.pdf())
    (tmp_path / "out").mkdir()
    (tmp_path / "out/a.pdf").write_bytes(b"another document")
    assert pyramid(pdf, tmp_path / "out").returncode == 1
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.pdf"]
    assert (tmp_path / "out/a.pdf").read_bytes() == b"another document"
    assert pyramid(pdf, tmp_path / "out", "--replace").returncode == 0
    assert (tmp_path / "out/a.pdf").read_bytes() == pdf.read_bytes()


def test_no_image_is_replaced_by_whatever_name_it_is_reached(folder: Path, tmp_path: Path) -> None:
    master = folder / "maps" / "1890" / "sheet.2.tif"
    before = master.read_bytes()
    (tmp_path / "link").symlink_to(master.parent)
    (tmp_path / "out").mkdir()
    os.link(master, tmp_path / "out" / "sheet.2.tif")
    (tmp_path / "in").mkdir()
    shutil.copy(folder / "a.jpg", tmp_path / "in" / "sheet.2.jpg")
    for words in (
        (master, tmp_path / "link"),
        (master, tmp_path / "out"),
        (folder / "maps", tmp_path / "in" / "sheet.2.jpg", folder / "maps" / "1890"),
    ):
        assert pyramid(*words, "--replace").returncode == 1
        assert master.read_bytes() == before


def test_what_a_killed_command_left_goes_with_the_next(tmp_path, open_backend):
    bucket = open_backend("radosgw")
    for number in range(8):
        bucket.write(f"in/{number}.png", scans.picture(2500, 2500).pngsave_buffer(compression=1))
    process = subprocess.Popen(
        [*COMMAND, f"{bucket.uri}/in", f"{bucket.uri}/out"],
        env=os.environ | {"TMPDIR": str(tmp_path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    end = time.monotonic() + 60
    while not [file for file in tmp_path.glob("darkroom-work-*/*") if file.name != "lock"]:
        assert time.monotonic() < end
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert list(tmp_path.glob("darkroom-work-*/*"))
    assert pyramid(f"{bucket.uri}/in", f"{bucket.uri}/out", TMPDIR=str(tmp_path)).returncode == 0
    assert not list(tmp_path.glob("darkroom-work-*"))
    assert len(list(bucket.list("out/"))) == 8


def test_a_disk_without_room_is_said_before_anything_is_fetched(tmp_path, open_backend, monkeypatch):
    bucket = open_backend("radosgw")
    bucket.write("in/a.jpg", scans.picture().jpegsave_buffer())
    monkeypatch.setattr(fetching.shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**9, 10**9, 10**8))
    (outcome,) = line.made(bucket, bucket, Limits(1, 1 << 30, 10**9)).values()
    assert outcome.kind == "download"
    assert re.search(r"no room for it: it needs .* in .* \(TMPDIR\), which has 100\.0 MB", outcome.reason)


def test_the_check_says_what_is_wrong_of_each_file(folder: Path, tmp_path: Path) -> None:
    assert pyramid(folder / "a.jpg", tmp_path / "out").returncode == 0
    grey = scans.half_grey_pyramid(tmp_path)
    run = pyramid("check", tmp_path / "out" / "a.tif", grey, folder / "a.jpg")
    assert run.returncode == 1
    lines = run.stdout.splitlines()
    assert lines[0].startswith("fine ")
    assert "900 x 700, 2 levels, tiles of 512 x 512, deflate, 300 dpi" in lines[0]
    assert lines[1].startswith("wrong ")
    assert "are one flat grey, as of a file that was cut short" in run.stdout
    assert "it is no pyramid that can be read" in run.stdout
    assert pyramid("check", tmp_path / "out" / "a.tif").returncode == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("only-one",), "There is no DEST"),
        (("nothing-there", "out"), "nothing is there"),
        (("check", "nothing-there.tif"), "there is no such file"),
        (("a", "b", "--profile", "best"), "there is no 'best'; the profiles are: deflate, jpeg, webp, zstd"),
        (("a", "b", "--profile", "zstd"), "this libvips cannot write zstd"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(words: tuple[str, ...], said: str, tmp_path: Path) -> None:
    run = subprocess.run([*COMMAND, *words], capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert run.returncode == 2
    assert said in run.stderr
    assert len(run.stderr.strip().splitlines()) == 1


def test_the_help_shows_both_ways_to_write_it() -> None:
    assert "check" in pyramid("--help").stdout
    assert "--copyright" in pyramid("make", "--help").stdout


@pytest.mark.slow
@pytest.mark.alone
def test_a_map_of_780_million_pixels_stays_below_500_mib(tmp_path: Path) -> None:
    source = tmp_path / "map.jpg"
    scans.picture(1000, 1300).replicate(30, 20).jpegsave(str(source), Q=75)
    words = [sys.executable, "-c", BETWEEN, "pyramid", str(source), str(tmp_path / "out")]
    run = subprocess.run(words, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr
    assert int(run.stdout) < 500 * MIB
    assert inspect(tmp_path / "out" / "map.tif").levels[0] == (4000, 3467)
