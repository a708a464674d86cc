"""The ingest as scenarios: from a folder to raw renders, proxies and a catalogue."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips

from darkroom import keys
from darkroom.errors import BadInput, SourceChanged
from darkroom.ingest.flow import FLOW
from darkroom.ingest.request import request_from_params
from darkroom.ingest.sources import StoreSource
from darkroom.jobs import Manifest, Mode, Settlement
from darkroom.plan_folder import PlanFolder
from darkroom.planning import plan
from darkroom.reports import failure_text
from darkroom.runs import run_here
from darkroom.settings import settings
from darkroom.settling import settle
from darkroom.store import Store, open_store
from tests.ingest_world import Studio, render

T1, B1 = "t1_neckline_front", "b1_bottom_front"

pytestmark = pytest.mark.usefixtures("quick_ingest")


@pytest.fixture
def delivered(tmp_path: Path) -> Path:
    folder = tmp_path / "delivered"
    folder.mkdir()
    for colour in range(2):
        (folder / f"{T1}_{colour:04d}.png").write_bytes(render(T1, colour))
    (folder / f"{B1.upper()}_0000.PNG").write_bytes(render(B1))
    return folder


@pytest.fixture
def studio(tmp_path: Path, delivered: Path) -> Studio:
    return Studio(tmp_path, str(delivered))


def test_what_is_delivered_stands_raw_with_proxies_and_a_catalogue(studio: Studio, delivered: Path) -> None:
    (delivered / "notes.txt").write_text("no render")
    report = studio.ingest()
    assert report.ok, failure_text(report)
    assert studio.raw() == {path.name: path.read_bytes() for path in delivered.iterdir()}
    proxies = {f"t1/{T1}_0000.png", f"t1/{T1}_0001.png", f"b1/{B1}_0000.png"}
    assert set(studio.proxies()) == proxies == studio.catalogued()
    assert any("no renders by their names (notes.txt)" in said for said in report.findings)
    image = pyvips.Image.pngload_buffer(studio.proxies()[f"t1/{T1}_0000.png"])
    assert (image.width, image.height, image.bands, round(image.xres * 25.4)) == (800, 800, 4, 172)
    assert np.asarray(image)[..., 3].max() > 0


def test_what_the_checks_find_stands_beside_the_plan_with_its_pictures(studio: Studio, delivered: Path) -> None:
    report = studio.ingest()
    assert report.ok, failure_text(report)
    page = PlanFolder.at(report.plan).read(keys.checks_html("tiny")).decode()
    assert "the colour 0001 of 2 is not there" in page, "of b1, which nobody delivered"
    assert "data:image/" in page
    (note,) = [said for said in report.findings if "the checks of its renders found" in said]
    assert note.endswith("checks/tiny.html.")


def test_a_broken_render_is_delivered_raw_refused_once_and_then_a_finding(studio: Studio, delivered: Path) -> None:
    broken = delivered / f"{T1}_0001.png"
    broken.write_bytes(broken.read_bytes()[:-200])
    (delivered / f"{T1}_0002.png").write_bytes(b"GIF89a no PNG at all")
    report = studio.ingest()
    assert (report.ok, report.done, report.refused) == (False, 2, 2)
    assert set(studio.raw()) == {path.name for path in delivered.iterdir()}
    assert len(studio.proxies()) == 2
    again = studio.ingest()
    assert again.ok
    assert sum("no proxy" in said for said in again.findings) == 2
    assert studio.ingest(Mode.ALL).refused == 2, "mode all tries it again"
    broken.write_bytes(render(T1, 1))
    assert studio.ingest().done == 1
    assert len(studio.proxies()) == 3


def test_what_is_gone_goes_aside_once_the_new_is_proven(studio: Studio, delivered: Path) -> None:
    studio.ingest()
    old = delivered / f"{T1}_0000.png"
    data = old.read_bytes()
    old.rename(delivered / f"{T1}_0005.png")
    report = studio.ingest()
    assert (report.ok, report.done) == (True, 1)
    assert f"{T1}_0000.png" not in studio.raw()
    assert studio.aside() == {f"renders/raw/tiny/{T1}_0000.png": data}
    assert set(studio.proxies()) == {f"t1/{T1}_0005.png", f"t1/{T1}_0001.png", f"b1/{B1}_0000.png"}
    assert studio.catalogued() == set(studio.proxies())
    assert not any(f"{T1}_0000" in key for key in studio.known())


def test_what_somebody_puts_in_the_place_of_what_is_gone_stays(
    studio: Studio, delivered: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio.ingest()
    (delivered / f"{T1}_0000.png").unlink()
    places = (f"renders/raw/tiny/{T1}_0000.png", f"renders/caddy/tiny/t1/{T1}_0000.png")

    def settle_late(folder: PlanFolder) -> Settlement:
        for key in places:
            studio.store.write(key, b"theirs")
        return settle(folder)

    monkeypatch.setattr("darkroom.runs.settle", settle_late)
    studio.ingest()
    assert [studio.store.read(key) for key in places] == [b"theirs"] * 2
    assert studio.aside() == {}
    assert studio.known().keys().isdisjoint(places)


def test_a_file_that_is_written_to_while_it_is_read_has_changed(studio: Studio, delivered: Path) -> None:
    source = StoreSource(open_store(str(delivered)))
    found = next(one for one in source.look("").files if one.path == f"{T1}_0000.png")

    def read() -> None:
        with source.open(found) as stream:
            stream.read()
            with (delivered / found.path).open("r+b") as file:
                file.write(b"x")

    with pytest.raises(SourceChanged, match="it was written to while it was read"):
        read()


def test_a_file_that_changed_since_the_plan_fails_and_is_taken_by_the_next_run(
    studio: Studio, delivered: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (delivered / "notes.txt").write_bytes(b"before")

    def late(*asked: Any, **more: Any) -> Manifest:
        manifest = plan(*asked, **more)
        (delivered / "notes.txt").write_bytes(b"behind")
        return manifest

    with monkeypatch.context() as patch:
        patch.setattr("darkroom.runs.plan", late)
        report = studio.ingest()
    assert (report.done, report.failed) == (3, 1)
    assert "changed since plan: another version is there now, or none" in failure_text(report)
    assert "notes.txt" not in studio.raw()
    assert studio.ingest().ok
    assert studio.raw()["notes.txt"] == b"behind"


def test_what_is_gone_stays_as_long_as_what_may_be_its_new_name_waits(
    studio: Studio, delivered: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio.ingest()
    (delivered / f"{T1}_0000.png").rename(delivered / f"{T1}_0005.png")
    (delivered / f"{T1}_0001.png").unlink()
    monkeypatch.setenv("DARKROOM_INGEST_QUIET", "60")
    settings.cache_clear()
    report = studio.ingest()
    assert (report.ok, len(studio.raw()), len(studio.proxies()), studio.aside()) == (True, 3, 3, {})
    assert any("2 files gone from the source" in said and "when no new file waits" in said for said in report.findings)
    monkeypatch.setenv("DARKROOM_INGEST_QUIET", "0")
    settings.cache_clear()
    (delivered / "half.png.part").write_bytes(b"its name alone says that it is no file yet")
    assert studio.ingest().ok
    assert set(studio.raw()) == {f"{T1}_0005.png", f"{B1.upper()}_0000.PNG"}
    assert len(studio.aside()) == 2


def test_an_empty_source_removes_nothing_unless_that_is_allowed(studio: Studio, delivered: Path) -> None:
    studio.ingest()
    before = studio.raw()
    for file in delivered.iterdir():
        file.unlink()
    with pytest.raises(BadInput, match="it lists nothing, though 3 files are known"):
        studio.ingest()
    assert studio.raw() == before
    assert studio.ingest(max_delete="100%").ok
    assert (studio.raw(), studio.proxies(), len(studio.aside())) == ({}, {}, 3)


def test_a_style_whose_renders_nobody_has_delivered_yet_fails_no_run_of_the_hour(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A deployment of one style, as compose starts it without the sample."""
    (tmp_path / "styles").mkdir()
    studio.style.rename(tmp_path / "styles" / "tiny.yaml")
    monkeypatch.setenv("DARKROOM_STYLES_DIR", str(tmp_path / "styles"))
    monkeypatch.setenv("DARKROOM_STUDIO_STORE", studio.store.uri)
    monkeypatch.setenv("DARKROOM_RENDERS_FROM", str(tmp_path / "nothing-yet"))
    settings.cache_clear()
    report = run_here(FLOW, request_from_params({}), command="ingest", subject="tiny", workers=1)
    assert (report.ok, report.planned) == (True, 0), failure_text(report)
    assert "tiny: nothing is delivered yet: " in report.findings[0]
    with pytest.raises(BadInput, match="nothing lies there; correct the place, or deliver the renders"):
        run_here(FLOW, request_from_params({"style": "tiny"}), command="ingest", subject="tiny", workers=1)


def test_too_much_that_is_gone_is_no_removal_but_what_is_new_is_delivered(studio: Studio, delivered: Path) -> None:
    for colour in range(2, 8):
        (delivered / f"{T1}_{colour:04d}.png").write_bytes(render(T1, colour))
    studio.ingest()
    for colour in range(6):
        (delivered / f"{T1}_{colour:04d}.png").unlink()
    (delivered / f"{T1}_0009.png").write_bytes(render(T1, 9))
    report = studio.ingest()
    assert (report.ok, report.done) == (False, 1)
    assert "more than may be removed" in failure_text(report)
    assert len(studio.raw()) == 10


def test_a_file_that_is_being_written_waits(studio: Studio, delivered: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DARKROOM_INGEST_QUIET", "60")
    settings.cache_clear()
    (delivered / f"{T1}_0002.png.part").write_bytes(b"half")
    report = studio.ingest()
    assert (report.ok, report.planned) == (True, 0)
    assert any("4 files may still be being written" in said for said in report.findings)
    monkeypatch.setenv("DARKROOM_INGEST_QUIET", "0")
    settings.cache_clear()
    assert studio.ingest().done == 3
    assert len(studio.raw()) == 3


def test_what_lies_in_a_bucket_is_whole_and_taken_at_once(
    tmp_path: Path, open_backend: Callable[[str], Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = open_backend("moto")
    bucket.write(f"{T1}_0000.png", render(T1))
    bucket.write(f"{T1}_0001.png.part", b"half")
    monkeypatch.setenv("DARKROOM_INGEST_QUIET", "60")
    settings.cache_clear()
    studio = Studio(tmp_path, bucket.uri)
    report = studio.ingest()
    assert (report.ok, report.done) == (True, 1)
    assert any("1 file may still be being written" in said for said in report.findings)
    assert set(studio.raw()) == {f"{T1}_0000.png"}


def test_names_that_differ_by_case_or_unicode_form_are_both_refused(studio: Studio, delivered: Path) -> None:
    (delivered / f"{T1.upper()}_0000.png").write_bytes(render(T1, 3))
    for name in ("é.txt", "e\u0301.txt"):
        (delivered / name).write_text(name)
    report = studio.ingest()
    assert (report.done, report.refused) == (2, 4)
    assert set(studio.raw()) == {f"{T1}_0001.png", f"{B1.upper()}_0000.PNG"}
    assert r"\xe9.txt" in failure_text(report)


def test_two_files_that_claim_a_layer_are_delivered_without_a_proxy(studio: Studio, delivered: Path) -> None:
    (delivered / "again").mkdir()
    (delivered / "again" / f"{T1}_0000.png").write_bytes(render(T1, 7))
    report = studio.ingest()
    assert report.ok
    assert any("both claim t1_neckline_front in colour 0000" in said for said in report.findings)
    assert len(studio.raw()) == 4
    assert f"t1/{T1}_0000.png" not in studio.proxies()
    (delivered / "again" / f"{T1}_0000.png").unlink()
    assert studio.ingest().done == 1, "made from the raw render, which is not fetched again"
    assert f"t1/{T1}_0000.png" in studio.proxies()


def test_what_others_put_there_is_refused_and_the_same_bytes_are_adopted(studio: Studio, delivered: Path) -> None:
    studio.store.write(f"renders/raw/tiny/{T1}_0000.png", b"theirs")
    studio.store.write(f"renders/raw/tiny/{T1}_0001.png", (delivered / f"{T1}_0001.png").read_bytes())
    studio.store.write(f"renders/caddy/tiny/b1/{B1}_0000.png", b"theirs too")
    report = studio.ingest()
    assert (report.done, report.refused) == (1, 2)
    assert studio.raw()[f"{T1}_0000.png"] == b"theirs"
    assert studio.proxies()[f"b1/{B1}_0000.png"] == b"theirs too"
    assert f"renders/raw/tiny/{T1}_0001.png" in studio.known()
    assert studio.ingest().refused == 2, "as long as it stands there"
    for key in (f"renders/raw/tiny/{T1}_0000.png", f"renders/caddy/tiny/b1/{B1}_0000.png"):
        studio.store.delete(key)
    assert studio.ingest().done == 2
    assert studio.proxies()[f"b1/{B1}_0000.png"] != b"theirs too"


def test_what_a_killed_worker_wrote_and_told_nobody_is_news_when_it_is_adopted(
    studio: Studio, delivered: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (delivered / f"{T1}_0002.png").write_bytes(b"no PNG")
    with monkeypatch.context() as killed:
        killed.setattr("darkroom.plan_folder.Recorder._flush", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            studio.ingest()
    assert len(studio.raw()) == 4
    for entry in list(studio.store.list("state/leases/")):
        studio.store.delete(entry.key)
    report = studio.ingest()
    assert (report.done, report.refused) == (3, 1), failure_text(report)
    assert studio.catalogued() == set(studio.proxies())
    settled = PlanFolder.at(report.plan).settlement()
    assert settled is not None
    assert settled.news == ("tiny",)


def test_a_file_whose_time_changed_is_read_and_left(studio: Studio, delivered: Path) -> None:
    studio.ingest()
    os.utime(delivered / f"{T1}_0000.png")
    report = studio.ingest()
    assert (report.ok, report.done, report.skipped) == (True, 0, 3)
    assert studio.ingest().groups.keys() == {"tiny: unchanged"}


def test_what_a_system_keeps_for_itself_is_not_delivered(studio: Studio, delivered: Path) -> None:
    (delivered / ".cache").mkdir()
    for name in (".DS_Store", "Thumbs.db", f".cache/{T1}_0004.png"):
        (delivered / name).write_bytes(b"nobody's")
    assert studio.ingest().ok
    assert len(studio.raw()) == 3
