"""What the lightbox shows, made by the flows themselves: a tiny style's composites, and a night's pyramids."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyvips

from darkroom.jobs import Report
from darkroom.settings import settings
from darkroom.store import Store, open_store
from tests import scans
from tests.dags.pages.world import Pages
from tests.night import Library, library
from tests.tiny import STYLE, Tiny

SCAN = "maps/1890/sheet.png"
PYRAMID = "maps/1890/sheet.tif"
IDENTIFIER = "maps~11890~1sheet.tif"
WIDTH, HEIGHT = 2400, 1800
NAMED = "it's <b>a~b & 100%.tif"
"""A pyramid that is called as a page may not take it for markup, nor a URL for its own signs."""


@dataclass
class Lightbox:
    """A server with what the lightbox shows."""

    pages: Pages
    library: Library
    studio: Tiny
    night: Report

    @property
    def address(self) -> str:
        """The page's."""
        return f"{self.pages.url}/darkroom/lightbox/"

    @property
    def images(self) -> Path:
        """The folder of the image store."""
        return Path(self.library.images.uri.removeprefix("file://"))


def _as_before(store: Store) -> Callable[[], None]:
    """Removes what has come into a store since: the next one's night would go on where this one's ended."""
    there = {entry.key for entry in store.list()}

    def remove() -> None:
        store.delete_all([entry.key for entry in store.list() if entry.key not in there])

    return remove


@contextmanager
def lightbox_of(pages: Pages, folder: Path) -> Iterator[Lightbox]:
    """Adds to the pages' studio: a style that is called `tiny`, made in its front and back, and a night."""
    with ExitStack() as stack:
        stack.callback(_as_before(open_store(str(pages.store))))
        style = settings().styles_dir / "tiny.yaml"
        style.write_text(STYLE, encoding="utf-8")
        stack.callback(style.unlink)
        (folder / "tiny").mkdir(parents=True)
        studio = Tiny(folder / "tiny", size=400)
        studio.style, studio.out = style, pages.store
        report = studio.run()
        assert (report.failed, report.refused) == (0, 0)
        made = stack.enter_context(library(str(folder / "scans"), str(pages.store), str(folder / "images")))
        made.scans.write(SCAN, scans.picture(WIDTH, HEIGHT).pngsave_buffer(compression=1))
        made.scan("maps/1890/small.jpg")
        made.scans.write("maps/1890/torn.jpg", scans.picture().jpegsave_buffer()[:5000])
        made.mark(SCAN, "maps/1890/small.jpg", "maps/1890/torn.jpg")
        night = made.night()
        assert (night.done, night.failed + night.refused) == (2, 1)
        named = pyvips.Image.new_from_buffer((folder / "images" / PYRAMID).read_bytes(), "")
        made.images.write(NAMED, named.tiffsave_buffer(tile=True, pyramid=True, compression="jpeg"))
        yield Lightbox(pages, made, studio, night)
