"""The checks after an ingest, from headers and proxies, find what `darkroom check` finds in the renders themselves."""

import shutil
from pathlib import Path

import pytest

from darkroom import keys
from darkroom.checks.ingested import Checked, last_check, review
from darkroom.compositing.check import check
from darkroom.compositing.request import Request
from darkroom.errors import DarkroomError
from darkroom.imaging.layers import digest
from darkroom.ingest.proxy import Proxies
from darkroom.store import open_store
from darkroom.styles.names import parse_render
from darkroom.styles.style_file import load_style
from tests.integration.test_check_command import DEFECTS, missing_colour, stray_pixels, truncated_file
from tests.tiny import Tiny

PROXIES = Proxies(2, 64 << 20, 1_000_000)


class Ingested:
    """A tiny studio of which an ingest brought the renders into `store`."""

    def __init__(self, tiny: Tiny) -> None:
        self.tiny, self.folder = tiny, tiny.folder / "studio"
        self.store = open_store(str(self.folder))
        self.style = load_style(tiny.style.read_bytes(), "dress.yaml")
        self.ingest()

    def ingest(self) -> None:
        """Bring what was delivered: raw, and a proxy of each that can have one."""
        raw = self.folder / keys.raw_renders("tiny")
        shutil.rmtree(raw, ignore_errors=True)
        shutil.copytree(self.tiny.renders, raw)
        for path in raw.rglob("*"):
            if path.is_file() and (read := parse_render(path.name)):
                self.proxy(path, read[0].code)

    def proxy(self, path: Path, code: str) -> None:
        target = self.folder / keys.proxy("tiny", code, path.name)
        try:
            made = PROXIES.make(data := path.read_bytes(), digest(data))
        except DarkroomError:
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists() or target.read_bytes() != made:
            target.write_bytes(made)

    def found(self) -> list[tuple[str, str, str]]:
        found = review(self.store, self.style).findings
        return [(one.severity, one.kind, one.where) for one in found]


def by_command(tiny: Tiny) -> list[tuple[str, str, str]]:
    request = Request(style_file=str(tiny.style), renders=str(tiny.renders), store=str(tiny.folder))
    return [(one.severity, one.kind, one.where) for one in check(request, 2).findings]


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.__name__)
def test_each_defect_is_found_as_the_command_finds_it(tmp_path, defect):
    tiny = Tiny(tmp_path)
    defect(tiny)
    found = Ingested(tiny).found()
    assert found == by_command(tiny)
    assert [kind for _, kind, _ in found] == [DEFECTS[defect]]


def test_where_nothing_is_wrong_nothing_is_found_and_the_page_says_so(tmp_path):
    studio, pages = Ingested(Tiny(tmp_path)), []
    found = review(studio.store, studio.style, pages.append)
    assert found.ok
    assert (found.needed, found.decoded) == (28, 28)
    assert b"All fine." in pages[0]
    assert found.sentence == "tiny: the checks of its renders found nothing."


def test_what_was_looked_at_is_not_read_again_and_what_is_new_is(tmp_path, monkeypatch):
    tiny = Tiny(tmp_path)
    studio, read = Ingested(tiny), []
    monkeypatch.setattr(studio.store, "read", lambda key, _read=studio.store.read: read.append(key) or _read(key))
    proxies = keys.proxies("tiny")
    review(studio.store, studio.style)
    assert sum(key.startswith(proxies) for key in read) == 28
    read.clear()
    review(studio.store, studio.style)
    assert not [key for key in read if key.startswith(proxies)]
    raw = studio.folder / keys.raw_renders("tiny") / "Render PNG's"
    stray_pixels(tiny)
    shutil.copy(tiny.render("a1_behind_front", 0), raw)
    studio.proxy(raw / "a1_behind_front_0000.png", "a1")
    assert [kind for _, kind, _ in studio.found()] == ["stray pixels"]
    assert [key for key in read if key.startswith(proxies)] == [f"{proxies}a1/a1_behind_front_0000.png"]


def test_what_was_found_last_is_remembered_with_its_files(tmp_path):
    tiny = Tiny(tmp_path)
    studio = Ingested(tiny)
    assert last_check(studio.store, "tiny") is None
    missing_colour(tiny)
    truncated_file(tiny)
    shutil.rmtree(studio.folder)
    studio.ingest()
    found = review(studio.store, studio.style)
    assert last_check(studio.store, "tiny") == found
    assert [one.files for one in found.findings] == [
        ("Render PNG's/t1_neckline_front_0000.png",),
        ("Render PNG's/b1_bottom_back_0000.png",),
    ]
    assert found.sentence == "tiny: the checks of its renders found 2 errors."
    studio.store.write(keys.checks("tiny"), b"{", durable=True)  # cut short by a power cut
    assert last_check(studio.store, "tiny") is None
    assert review(studio.store, studio.style) == found
    Checked.model_validate_json(studio.store.read(keys.checks("tiny")))


def test_an_empty_delivery_is_checked_too(tmp_path):
    tiny = Tiny(tmp_path)
    studio = Ingested(tiny)
    shutil.rmtree(studio.folder / keys.raw_renders("tiny"))
    assert {kind for _, kind, _ in studio.found()} == {"missing default", "undrawn code"}


def test_a_style_that_has_no_options_or_too_many_is_checked_render_by_render(tmp_path, monkeypatch):
    tiny = Tiny(tmp_path)
    truncated_file(tiny)
    studio = Ingested(tiny)
    monkeypatch.setenv("DARKROOM_MAX_COMBINATIONS", "3")
    assert [kind for _, kind, _ in studio.found()] == ["broken file"]
    text = tiny.style.read_text(encoding="utf-8")
    studio.style = load_style(text[: text.index("options:")].encode(), "dress.yaml")
    assert [kind for _, kind, _ in studio.found()] == ["broken file"]
