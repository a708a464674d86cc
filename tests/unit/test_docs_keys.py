"""docs/storage-keys.md has every key that the library makes and no other; the journeys name files and keys that are."""

import inspect
import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from darkroom import keys
from tests.shown import ROOT

PAGE = (ROOT / "docs/storage-keys.md").read_text(encoding="utf-8")
ARCHITECTURE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
PLAN = keys.plan_folder("render_ingest", "manual__1", "20261121T032800-0a1b2c")

SAMPLE: dict[str, object] = {
    **{"style": "sample-dress", "code": "t1", "file": "T1_Neckline_Front_0003.PNG", "cut": "142x142", "source": "maps"},
    **{"name": "t1-knee-front-0003", "digest": "0" * 64, "length": "knee", "side": "front", "colour": 3},
    **{"location": "s3://scans/maps", "target": "maps/1890/a.tif", "md5": "0cc175b9c0f1b6a8", "profile": "shops"},
    **{"key": "renders/raw/sample-dress/t1_neckline_front_0003.png", "marker": "process/maps/1.json", "batch": 1},
    **{"day": "2026-11-27", "dag_id": "render_ingest", "run_id": "manual__1", "plan_id": "20261121T032800-0a1b2c"},
    **{"flow": "ingest", "subject": "sample-dress", "measurement": "20261121", "number": 1, "file_id": "abc"},
    **{"ledger": "state/pyramids/made/b1.json", "when": datetime(2026, 11, 27, tzinfo=UTC)},
}
"""A value for each parameter of a function that makes a key."""
NO_KEYS = {"segment", "Picture", "COMPOSITE", "STUDIO", "SIDES", "CODE"}
"""Names in that module that are none."""
BELOW_PLAN = {"job", "outcome_batch", "checks_html"}
"""Functions whose keys are relative to a plan's folder; so is every file that a constant names without a folder."""
ELSEWHERE = {
    "<source path>/<name>.tif": "a pyramid's, in the images' bucket",
    "<its key before the extension>_<YYYY-MM-DD-HH-MM-SS>-UTC_<12 hex digits of its MD5><extension>": "an archive's",
    "<DARKROOM_SYNC_CACHE>/<16 hex digits>.sqlite": "a folder of one machine",
}
"""Keys on the page that other modules make."""


def made() -> Iterator[tuple[str, str]]:
    """Every key that is made, of one sample each, by what makes it: of objects, and prefixes of some."""
    yield "picture as it is", keys.picture("sample-dress", keys.COMPOSITE, "t1-knee-front-0003")
    for name, what in vars(keys).items():
        if name.startswith("_") or name in NO_KEYS:
            continue
        if isinstance(what, str):
            key = what
            below = "/" not in what
        elif inspect.isfunction(what) and what.__module__ == keys.__name__:
            key = what(*(SAMPLE[parameter] for parameter in inspect.signature(what).parameters))
            below = name in BELOW_PLAN
        else:
            continue
        folder = keys.run_folder("render_ingest", "manual__1") if name == "COLLECTED" else PLAN
        yield name, f"{folder}{key}" if below else key


def rows() -> Iterator[str]:
    """Every key that the page's table shows."""
    for line in PAGE.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)]
        if len(cells) == 5 and cells[2] not in ("key", "---"):
            yield from (key for key in re.findall(r"`([^`]+)`", cells[2]) if "/" in key or key.startswith("<its key"))


def pattern(row: str) -> re.Pattern[str]:
    """What a row's key looks like: `<...>` is anything, `{a,b}` one of them, `…/` a plan's folder."""
    text = re.sub(r"^…/", lambda _: PLAN, row)
    parts = re.split(r"(<[^>]+>|\{[^}]+\}|…)", text)
    said = [
        re.escape(part) if index % 2 == 0 else f"({'|'.join(part[1:-1].split(','))})" if part[0] == "{" else ".+"
        for index, part in enumerate(parts)
    ]
    return re.compile("".join(said))


@pytest.mark.parametrize(("name", "key"), [(name, key) for name, key in made() if not key.endswith("/")])
def test_every_key_that_the_library_makes_is_on_the_page(name: str, key: str) -> None:
    assert any(pattern(row).fullmatch(key) for row in rows() if row not in ELSEWHERE), key


@pytest.mark.parametrize("row", [row for row in rows() if row not in ELSEWHERE])
def test_every_key_on_the_page_is_one_that_the_library_makes(row: str) -> None:
    assert any(pattern(row).fullmatch(f"{key}x" if key.endswith("/") else key) for _, key in made()), row


def test_what_other_modules_make_is_on_the_page_still() -> None:
    assert set(ELSEWHERE) <= set(rows())


@pytest.mark.parametrize("named", sorted(set(re.findall(r"`((?:[a-z_]+/)*[a-z_]+\.py)`", ARCHITECTURE))))
def test_every_file_of_the_journeys_is_there(named: str) -> None:
    folders = ("", "include/darkroom", "plugins", "dags", "tests", *(f"include/darkroom/{room}" for room in ROOMS))
    assert any((ROOT / folder / named).is_file() for folder in folders), named


ROOMS = ("ingest", "compositing", "pyramids", "archive", "sync")
KEY = re.compile(r"`((?:state|renders|work|process|removed)/[^`]+|…/[^`]+)`")


@pytest.mark.parametrize("key", sorted(set(KEY.findall(ARCHITECTURE))))
def test_every_key_of_the_journeys_is_on_the_page(key: str) -> None:
    if key.endswith("/"):
        assert any(row.startswith(key.partition("<")[0]) for row in rows()), key
        return
    full = re.sub(r"^…/", lambda _: PLAN, key)
    sample = re.sub(r"<[^>]+>", "x", full)
    assert any(pattern(row).fullmatch(sample) for row in rows()), key
