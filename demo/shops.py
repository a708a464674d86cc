"""What the sync has to show: a folder of shops' pictures, some of which may not go where the others go."""

import json
from collections.abc import Callable

import pyvips

from darkroom.store import open_store
from darkroom.sync.profiles import SUFFIX
from demo.layout import Layout
from demo.studio import Studio

PROFILE = "shops"

_PROFILE = """\
# `make run` writes this file. It is not enabled, so that the run of the night does not take what `make run` is about to
# show: a run that names it takes it (Trigger, Profile).
from: {folder}
to: {bucket}
rules: stores
enabled: false
"""

_Draw = Callable[[pyvips.Image], bytes]


def _jpeg(part: int) -> _Draw:
    """A part of the picture, of each number another one."""

    def draw(picture: pyvips.Image) -> bytes:
        width, height = picture.width // 2, picture.height // 2
        cut = picture.crop(131 * part % width, 83 * part % height, width, height)
        return bytes(cut.jpegsave_buffer(Q=90))

    return draw


def _torn(picture: pyvips.Image) -> bytes:
    whole = _jpeg(6)(picture)
    return whole[: len(whole) // 2]


def _png(picture: pyvips.Image) -> bytes:
    return bytes(picture.pngsave_buffer())


_FINE: dict[str, _Draw] = {
    "stores/chart-room/photos/1.jpg": _jpeg(0),
    "stores/chart-room/photos/2.jpg": _jpeg(1),
    "stores/chart-room/menus/1.jpg": _jpeg(2),
    "stores/mill-lane/photos/1.jpg": _jpeg(3),
    "stores/mill-lane/photos/2.jpg": _jpeg(4),
    "stores/mill-lane/menus/1.jpg": _jpeg(5),
}
_WRONG: dict[str, _Draw] = {
    "stores/Mill Lane/photos/1.jpg": _jpeg(3),
    "stores/chart-room/menus/2.jpg": _png,
    "stores/chart-room/photos/3.jpeg": _jpeg(7),
    "stores/chart-room/photos/window.jpg": _jpeg(8),
    "stores/mill-lane/photos/3.jpg": _torn,
    "stores/mill-lane/photos/4.jpg": _jpeg(9),
    "stores/mill-lane/photos/04.jpg": _jpeg(9),
}

REFUSED = frozenset(f"{PROFILE}/{key}" for key in _WRONG)
"""The items that a run of the profile refuses, by their names."""


def fill(studio: Studio) -> None:
    """Write the profile, and the folder where there is none: what somebody has mended there stays mended."""
    layout = studio.layout
    _write_profile(layout)
    if layout.shops.exists():
        return
    scan = open_store(str(layout.scans)).read("maps/islands.jpg")
    picture = pyvips.Image.new_from_buffer(scan, "")
    new = layout.shops.with_name(".shops.part")
    store = open_store(str(new))
    for key, draw in {**_FINE, **_WRONG}.items():
        store.write(key, draw(picture))
    new.rename(layout.shops)


def _write_profile(layout: Layout) -> None:
    layout.profiles.mkdir(exist_ok=True)
    folder, bucket = (json.dumps(place.resolve().as_uri()) for place in (layout.shops, layout.shop))
    text = _PROFILE.format(folder=folder, bucket=bucket)
    (layout.profiles / f"{PROFILE}{SUFFIX}").write_text(text, encoding="utf-8")
