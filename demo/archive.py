"""What the archive has to show: a pair of folders that stand for two clouds, and what is new in the first each time.

Everything is told from what stands in the mirror, and nothing is removed: so each `make run` tells the same story, also
after one that was interrupted.
"""

import json
import shlex
import sys
from pathlib import Path

import pyvips

from darkroom.archive.names import target_key
from darkroom.archive.pairs import SUFFIX, Names
from darkroom.store import Store, open_store
from demo.layout import Layout, near
from demo.studio import Studio

PAIR = "scans"
CHANGED = "maps/islands.jpg"
"""The object that has changed since the last run: each time it lies the other way round."""
TWINS = ("prints/harbour.jpg", "prints_harbour.jpg")
"""Two objects that would have one copy, as in its name every / is a _."""

_NEW = "deliveries/sheet-{}.jpg"
_PAIR = """\
# `make run` writes this file. It is not enabled, so that the run of the hour does not take what `make run` is about to
# show: a run that names it takes it (Trigger, Pairs).
from: {cloud}
to: {mirror}
archive: {versions}
names: {names}
enabled: false
"""


def deliver(studio: Studio) -> str:
    """Bring about what a run shall show: a new object, whose key is returned, one that has changed, and the twins."""
    layout = studio.layout
    pair = _write_pair(layout)
    scans, cloud, mirror = (open_store(str(place)) for place in (layout.scans, layout.cloud, layout.mirror))
    standing = {entry.key for entry in cloud.list()}
    if standing.isdisjoint(TWINS):  # which come after it: there is no mirror yet
        for entry in scans.list():
            if entry.key not in standing:
                cloud.write(entry.key, scans.read(entry.key))
        studio.darkroom("archive", "archive", str(pair))
    before = scans.read(CHANGED)
    cloud.write(CHANGED, _turned(before) if _copy(mirror, CHANGED) == before else before)
    copies = [entry.key for entry in mirror.list(_copied(_NEW).partition("{")[0])]
    new = _NEW.format(len(copies) + 1)
    cloud.write(new, _sheet(before, len(copies)))
    for twin in TWINS:
        cloud.write(twin, scans.read("maps/harbour.jpg"))
    return new


def versions_command(layout: Layout) -> str:
    """The command that lists every version of what has changed, for a shell in this folder."""
    program = Path(sys.executable).with_name("darkroom")
    words = [near(program), "archive", "versions", _copied(CHANGED), "--pair", near(_pair_file(layout))]
    return shlex.join(words)


def _pair_file(layout: Layout) -> Path:
    return layout.pairs / f"{PAIR}{SUFFIX}"


def _write_pair(layout: Layout) -> Path:
    places = {name: getattr(layout, name).resolve().as_uri() for name in ("cloud", "mirror", "versions")}
    layout.pairs.mkdir(exist_ok=True)
    file = _pair_file(layout)
    file.write_text(_PAIR.format(**{name: json.dumps(uri) for name, uri in places.items()}, names=Names.FLATTENED))
    return file


def _copied(key: str) -> str:
    return target_key(key, Names.FLATTENED)


def _copy(mirror: Store, key: str) -> bytes:
    """What stands in the mirror; nothing where it has none."""
    return mirror.read(_copied(key)) if mirror.head(_copied(key)) else b""


def _turned(picture: bytes) -> bytes:
    return bytes(pyvips.Image.new_from_buffer(picture, "").rot180().jpegsave_buffer(Q=90))


def _sheet(picture: bytes, number: int) -> bytes:
    """A quarter of a picture, of each number another one."""
    whole = pyvips.Image.new_from_buffer(picture, "")
    width, height = whole.width // 2, whole.height // 2
    return bytes(whole.crop(97 * number % width, 61 * number % height, width, height).jpegsave_buffer(Q=90))
