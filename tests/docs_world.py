"""What the commands of the documents are about, small, below one folder in which folders stand for buckets."""

import json
import re
import shutil
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
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
    *((r"s3://", S3), (r"gs://", GS), (r"file:///", ""), (r"(?<![\w/.])var/buckets/", S3)),
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


def to_come(words: Sequence[str]) -> list[str]:
    """A command's words, a day that it takes to be in the future as one that is."""
    day = f"{datetime.now(UTC) + timedelta(days=3):%Y-%m-%d}"
    return [day if before == "--until" else word for before, word in zip(["", *words], words, strict=False)]


def build(folder: Path) -> None:
    """Everything that any page speaks of."""
    _dress(folder)
    _scans(folder)
    _archive(folder)
    _shops(folder)
    _write(folder, f"{S3}studio/renders/raw/fp-dr1003-102/t1_neckline_front_0003.png", render("t1_neckline_front"))
    (folder / "tmp/shops").mkdir(parents=True)


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


def _night(folder: Path) -> None:
    """After three nights: a scan that is cut short, one that still waits, one that was set aside."""
    scans.jpeg_cut_short(folder / "tmp").rename(folder / S3 / "library-scans/maps/1890/sheet-8.jpg")
    _write(folder, f"{S3}studio/process/maps/8.json", b'{"key": "1890/sheet-8.jpg"}')
    _write(folder, f"{S3}studio/process-failed/maps/9.json", b'{"key": "1890/sheet-9.jpg"}')


def _mended_night(folder: Path) -> None:
    _do("pyramid", here("s3://library-scans/maps/1890"), here("s3://images/maps/1890"))


def _delivered(folder: Path) -> None:
    """The renders are in the studio's store, and a cursor is, as of a Dropbox."""
    shutil.rmtree(folder / S3 / "studio/renders/raw/tiny")
    _do("ingest", "--style", "dress.yaml", "--from", "renders/", "--to", here("s3://studio"))
    _write(folder, f"{S3}studio/state/ingest/tiny/cursor.json", b'{"broken')


def _full(folder: Path) -> None:
    _write(folder, f"{S3}studio/removed/2026-08-27/stores/corner/photos/1.jpg", photo(1))


def _drawn(folder: Path) -> None:
    _do("composite", "--style", "dress.yaml", "--renders", "renders/", "--out", here("s3://studio"))


def _two_styles(folder: Path) -> None:
    """A style file of before, without one of today's options."""
    _delivered(folder)
    _drawn(folder)
    before = (folder / "dress.yaml").read_text(encoding="utf-8").replace("  - one of: [a1]\n", "")
    (folder / "before.yaml").write_text(before, encoding="utf-8")
    _write(folder, f"{S3}studio/removed/2026-11-27/renders/raw/tiny/t1_neckline_front_0001.png", b"a render")


def _files_gone(folder: Path) -> None:
    """Half of a folder that was synced is gone."""
    _synced(folder)
    for number in range(6):
        (folder / f"mnt/shops/stores/corner/photos/{number}.jpg").unlink()


def _synced(folder: Path) -> None:
    _do("sync", "configure", "shops", "--from", here("/mnt/shops"), "--to", here("s3://shop-pictures"))
    _do("sync", "copy", "shops", "--report", "tmp/shops")


def _archived(folder: Path) -> None:
    _do("archive", "include/pairs/maps.yaml")


def _do(*words: str) -> None:
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, (words, result.output, result.exception)


_NIGHT, _DISK, _CURSOR = (f"docs/runbooks/{name}.md" for name in ("night-failed", "disk-full", "cursor-reset"))
_STYLE, _GUARD, _VERSION = (
    f"docs/runbooks/{name}.md" for name in ("roll-back-a-style", "guard-stopped-a-sync", "restore-a-version")
)
_BEFORE: dict[tuple[str, str], Callable[[Path], None]] = {
    ("docs/style-files.md", "From exports to a style file"): _exports,
    (_NIGHT, "Look at it"): _night,
    (_NIGHT, "It is over when"): _mended_night,
    (_DISK, "Look at it"): _full,
    (_DISK, "Make room"): _full,
    (_DISK, "It is over when"): _drawn,
    **{(_CURSOR, section): _delivered for section in ("Look at it", "Reset it", "It is over when")},
    **{(_STYLE, section): _two_styles for section in ("Look at it", "Roll back the file", "Roll back renders")},
    (_STYLE, "It is over when"): _two_styles,
    ("docs/runbooks/rotate-a-credential.md", "It is over when"): _delivered,
    ("docs/runbooks/sqs-dead-letters.md", "It is over when"): _night,
    (_GUARD, "Look at it"): _files_gone,
    (_GUARD, "Mend it"): _files_gone,
    (_GUARD, "It is over when"): _synced,
    **{(_VERSION, section): _archived for section in ("Look at it", "Restore it", "It is over when")},
}
