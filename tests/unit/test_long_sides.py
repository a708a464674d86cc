"""A side has its limit as well as the area, and what wide rows take in memory is counted: bombs inside the area."""

import base64
from pathlib import Path

import pytest
import pyvips

from darkroom.checks.check import look_at
from darkroom.checks.renders import LONGEST as RENDERS_LONGEST
from darkroom.checks.renders import read_sizes, too_large
from darkroom.compositing.memory import threads_within
from darkroom.failures import DecodeFailed
from darkroom.imaging.formats import Format
from darkroom.imaging.headers import size_of
from darkroom.imaging.opening import look
from darkroom.imaging.source import LONGEST, Source
from darkroom.jobs import State
from darkroom.pyramids.batch import Limits
from darkroom.pyramids.make import make_pyramid
from darkroom.pyramids.profiles import CAP, PROFILES
from darkroom.store import open_store
from tests import line, narrow, pdfs

AREA = 1_000_000_000  # of the setting's default, which none of these reaches


@pytest.mark.parametrize("bomb", narrow.BOMBS, ids=lambda bomb: bomb.__name__)
def test_a_scan_with_a_side_beyond_all_measure_is_refused_by_its_header(bomb, tmp_path):
    bomb(tmp_path / "scan")
    with pytest.raises(DecodeFailed, match=r"it is [\d,]+ x [\d,]+ pixels, and a side has 150,000 at most; cut it"):
        look(tmp_path / "scan", AREA)


def test_so_is_a_scan_that_a_drawing_or_a_document_shows(tmp_path):
    row = narrow.png(200_000, 1)
    link = f'<image width="9" height="9" href="data:image/png;base64,{base64.b64encode(row).decode()}"/>'
    drawing = f'<svg xmlns="http://www.w3.org/2000/svg" width="90" height="90">{link}</svg>'
    (tmp_path / "row.svg").write_text(drawing)
    with pytest.raises(DecodeFailed, match="an image that is embedded in it is 200,000 x 1 pixels"):
        look(tmp_path / "row.svg", AREA)
    held = pdfs.image(b"/ColorSpace/DeviceGray/BitsPerComponent 8", bytes(200_000), (200_000, 1))
    (tmp_path / "row.pdf").write_bytes(pdfs.page(pdfs.FILL, pdfs.IMAGE, [held]))
    with pytest.raises(DecodeFailed, match="an image on its first page is 200,000 x 1 pixels"):
        look(tmp_path / "row.pdf", AREA)


@pytest.mark.parametrize(("width", "height"), [(141_000, 40), (40, 141_000), (LONGEST, 1), (1, LONGEST)])
def test_the_longest_scroll_that_was_ever_painted_is_made_at_300_dpi(width, height, tmp_path):
    (tmp_path / "scroll.png").write_bytes(narrow.png(width, height))
    made = make_pyramid(look(tmp_path / "scroll.png", AREA), tmp_path / "scroll.tif", PROFILES["deflate"])
    assert (made.width, made.height) == CAP.fitted(width, height)
    assert max(made.width, made.height) == 4000


def test_a_drawing_may_say_any_size_for_it_is_drawn_as_large_as_it_is_wanted(tmp_path):
    (tmp_path / "long.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg" width="100000" height="100"/>')
    assert look(tmp_path / "long.svg", AREA).width > LONGEST


def test_wide_rows_are_planned_for_and_usual_ones_are_not():
    sizes = (4000, 3000), (16_000, 16_000), (100_000, 1500)
    wide = {size: Source(Path("x"), Format.PNG, *size).wide for size in sizes}
    assert wide[4000, 3000] == wide[16_000, 16_000] == 0
    assert wide[100_000, 1500] > 450 << 20
    assert Source(Path("x"), Format.PNG, 1500, 100_000).wide == wide[100_000, 1500]  # it may lie on its side
    assert Source(Path("x"), Format.JPEG, 65_500, 1500).wide == 0


def test_a_plan_counts_them_too(tmp_path):
    (tmp_path / "scroll.png").write_bytes(narrow.png(LONGEST, 200))
    pyvips.Image.black(LONGEST, 200, bands=3).copy(interpretation="srgb").tiffsave(str(tmp_path / "scroll.tif"))
    store = open_store(str(tmp_path))
    for entry in store.list():
        found = look(tmp_path / entry.key, AREA)
        assert size_of(store, entry).held == found.held + found.wide > 0


def test_rows_that_are_wider_than_the_memory_are_refused_and_the_image_beside_them_is_made(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "scroll.png").write_bytes(narrow.png(120_000, 400))
    (tmp_path / "in" / "small.png").write_bytes(narrow.png(40, 30))
    store, out = open_store(str(tmp_path / "in")), open_store(str(tmp_path / "out"))
    made = line.made(store, out, Limits(2, 300 << 20, AREA))
    assert "takes 323 MiB to be made smaller: more than DARKROOM_MEMORY; raise that" in made["scroll.png"].reason
    assert made["small.png"].state is State.DONE


@pytest.mark.parametrize("size", [(RENDERS_LONGEST + 1, 1), (1, RENDERS_LONGEST + 1)])
def test_a_render_with_a_side_beyond_all_measure_is_refused_by_its_header(size, tmp_path):
    name = "t1_neckline_front_0000.png"
    (tmp_path / name).write_bytes(narrow.png(*size))
    store = open_store(str(tmp_path))
    sizes, problems = read_sizes(store, store.list(), 150_000_000)
    said = f"{size[0]} x {size[1]} has a side of more than 30,000 pixels"
    assert not sizes
    assert [problem.partition(": ")[2].partition("; ")[0] for problem in problems] == [said]
    looked = look_at(store, name, 150_000_000)
    assert [finding.what for finding in looked.findings] == [said]


def test_a_render_may_have_the_longest_side_and_the_largest_area():
    assert too_large((30_000, 5000), 150_000_000) is None
    assert too_large((30_000, 5001), 150_000_000) is not None


def test_so_many_threads_draw_as_fit_into_the_memory_and_one_always_does(monkeypatch):
    # of a worker, not of this process, in which thousands of tests have been
    monkeypatch.setattr("darkroom.compositing.memory._taken", lambda: 200 << 20)
    memory = 1536 << 20
    assert threads_within(memory, 8, 3000) == 8
    assert 1 <= threads_within(memory, 8, 30_000) < 4
    assert threads_within(1, 8, 30_000) == 1
