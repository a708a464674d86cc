"""What the commands of the documents are about, small, below one folder in which folders stand for buckets."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from typer.testing import CliRunner

from darkroom.cli import app
from darkroom.sample import layer_names, style_text
from darkroom.styles.style_file import load_style
from tests import scans
from tests.ingest_world import render
from tests.sync_world import photo
from tests.tiny import Tiny

S3, GS = "buckets/s3/", "buckets/gs/"
_ELSEWHERE = (
    *((r"s3://", S3), (r"gs://", GS), (r"file:///", "")),
    *((r"(?<![\w/.])/mnt/", "mnt/"), (r"(?<![\w/.])/tmp/", "tmp/")),
)


def here(word: str) -> str:
    """A word of a command, its buckets and the machine's folders as folders of the world.

    >>> here("s3://studio/renders"), here("/mnt/shops"), here("studio/mnt/x")
    ('buckets/s3/studio/renders', 'mnt/shops', 'studio/mnt/x')
    """
    for pattern, folder in _ELSEWHERE:
        word = re.sub(pattern, folder, word)
    return word


def build(folder: Path) -> None:
    """Everything that any page speaks of."""
    _dress(folder)
    _scans(folder)
    _archive(folder)
    _shops(folder)
    _write(folder, f"{S3}studio/renders/raw/fp-dr1003-102/t1_neckline_front_0003.png", render("t1_neckline_front"))
    (folder / "tmp").mkdir()


def _dress(folder: Path) -> None:
    """A style with its renders, which are delivered to a folder, and its exports."""
    dress = Tiny(folder, size=48)
    (folder / "exports").mkdir()
    (folder / "sample.yaml").write_text(style_text(), encoding="utf-8")
    raw = folder / S3 / "studio/renders/raw/tiny"
    shutil.copytree(dress.renders, raw)
    _write(folder, "mnt/renders/fp-dr1003-102/t1_neckline_front_0003.png", render("t1_neckline_front"))


def _scans(folder: Path) -> None:
    picture = scans.picture(160, 120)
    for place in ("scans", f"{S3}library/scans", f"{S3}library-scans/maps/1890"):
        (folder / place).mkdir(parents=True, exist_ok=True)
        picture.write_to_file(str(folder / place / "sheet-7.jpg"))


def _archive(folder: Path) -> None:
    _write(folder, f"{GS}scans/maps/1890/sheet-2.tif", b"as it is now")
    _write(folder, f"{S3}scans-versions/maps/1890/sheet-2_2026-11-27-05-06-07-UTC_0cc175b9c0f1.tif", b"a")
    pair = f"from: {here('gs://scans')}\nto: {here('s3://scans-mirror')}\narchive: {here('s3://scans-versions')}\n"
    _write(folder, "include/pairs/maps.yaml", pair.encode())


def _shops(folder: Path) -> None:
    for number in range(12):
        _write(folder, f"mnt/shops/stores/corner/photos/{number}.jpg", photo(number))
    _write(folder, f"{S3}shop-pictures/removed/2026-11-27/stores/corner/photos/99.jpg", photo(99))
    (folder / "include/profiles").mkdir(parents=True, exist_ok=True)


def _write(folder: Path, name: str, data: bytes) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


VARIABLES = {
    "DARKROOM_STUDIO_STORE": here("s3://studio"),
    "DARKROOM_PROFILES_DIR": "include/profiles",
    "DARKROOM_PAIRS_DIR": "include/pairs",
    "DARKROOM_SYNC_CACHE": "cache",
    "DARKROOM_INGEST_QUIET": "0",
}
"""The deployment that a reader is taken to have."""


def prepare(where: tuple[str, str], folder: Path) -> None:
    """What a section takes for granted: what has happened before its first line."""
    if where in _BEFORE:
        _BEFORE[where](folder)


def _exports(folder: Path) -> None:
    """What a studio's old tool exported of the sample dress: a file a length, and what it knew of the garment."""
    style = load_style(style_text().encode(), "sample.yaml")
    known = style.model_dump(include={"style", "name", "colours", "lengths", "defaults"})
    (folder / "dress.json").write_text(json.dumps(known | {"customizations": ["t1"]}), encoding="utf-8")
    (folder / "layers.txt").write_text("\n".join(layer_names()), encoding="utf-8")
    for length in style.length_names.values():
        words = ("resolve", "--style", "sample.yaml", "--layer-names", "layers.txt", "--length", length)
        (folder / f"exports/Dress-{length}.csv").write_text(CliRunner().invoke(app, words).stdout, encoding="utf-8")


_BEFORE: dict[tuple[str, str], Callable[[Path], None]] = {
    ("docs/style-files.md", "From exports to a style file"): _exports,
}
