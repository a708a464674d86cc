"""What the flow contract needs of each flow: a small world whose inputs it may change, and its request."""

import subprocess
import sys
from abc import ABC, abstractmethod
from pathlib import Path

import pytest

from darkroom import flows
from darkroom.flows import Flow, Request
from darkroom.jobs import Mode
from darkroom.settings import settings
from darkroom.store import Store, open_store
from darkroom.worker import run_job
from tests import renders, scans, toy_flow
from tests.tiny import LAYERS, STYLE

SIZE = 96


class World(ABC):
    """A flow's inputs, and the stores that a run of it uses."""

    flow: Flow
    outputs: Store
    prefix = ""
    """Of the outputs in their store."""
    makes_anew = True
    """Does mode `all` make again what is as it should be?"""
    aside: Store | None = None
    """Where a flow that mirrors a source puts what stands in its way; of others it is refused."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.store = open_store(str(folder / "studio"))

    @abstractmethod
    def request(self, mode: Mode = Mode.CHANGED) -> Request:
        """What a run is asked to do: all there is."""

    @abstractmethod
    def deliver(self) -> None:
        """The first inputs."""

    @abstractmethod
    def repaint(self) -> None:
        """An input changes, so that some outputs have to be made anew."""

    @abstractmethod
    def repaint_again(self) -> None:
        """The same input changes once more."""

    @abstractmethod
    def damage(self) -> None:
        """An input is damaged, so that some items cannot be made."""

    @abstractmethod
    def put_hostile_names(self) -> None:
        """Inputs with names that shall do no harm."""

    def standing(self) -> dict[str, str]:
        """What stands in the outputs' store, with its ETags."""
        own = ("state/", "work/", "process/")
        return {one.key: one.etag for one in self.outputs.list(self.prefix) if not one.key.startswith(own)}

    def ledgers(self) -> list[str]:
        """The keys of the ledgers of outputs."""
        return [one.key for one in self.store.list("state/") if b'"outputs"' in self.store.read(one.key)]

    def worker(self, job_uri: str) -> subprocess.Popen[bytes]:
        """A worker of one thread in a process of its own."""
        return subprocess.Popen([sys.executable, "-m", "tests.contract.flows", job_uri], stderr=subprocess.DEVNULL)


class Texts(World):
    """The toy flow's."""

    prefix = toy_flow.OUT

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        super().__init__(folder, patch)
        self.flow, self.outputs = toy_flow.FLOW, self.store
        self.texts = open_store(str(folder / "texts"))

    def request(self, mode: Mode = Mode.CHANGED) -> Request:
        return toy_flow.Request(store=self.store.uri, texts=self.texts.uri, mode=mode)

    def deliver(self) -> None:
        for number in range(200):
            self.texts.write(f"{number:03}.txt", f"text {number}".encode())

    def repaint(self) -> None:
        self.texts.write("000.txt", b"another text")

    def repaint_again(self) -> None:
        self.texts.write("000.txt", b"a third text")

    def damage(self) -> None:
        self.texts.write("001.txt", b"\xff")

    def put_hostile_names(self) -> None:
        for name in ("a\nb.txt", "$(touch x).txt", "-rf.txt", "%2e%2e.txt", "<script>.txt", "\u202egpj.txt"):
            self.texts.write(name, b"harmless")


class Composites(World):
    """The tiny style's."""

    prefix = "renders/composites/"

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        super().__init__(folder, patch)
        self.flow, self.outputs = flows.get("compositing"), self.store
        self.style, self.renders = folder / "tiny.yaml", folder / "renders"

    def request(self, mode: Mode = Mode.CHANGED) -> Request:
        from darkroom.compositing.request import Request as Asked

        return Asked(style_file=str(self.style), renders=str(self.renders), store=self.store.uri, mode=mode)

    def deliver(self) -> None:
        self.style.write_text(STYLE)
        renders.draw(self.renders / "Render PNG's", LAYERS, [0, 1], SIZE)

    def _deliver(self, layer: str, data: bytes) -> None:
        new = self.renders / "new"
        new.write_bytes(data)
        new.replace(self.renders / "Render PNG's" / f"{layer}_0000.png")

    def repaint(self) -> None:
        self._deliver("t1_neckline_front", renders.png(renders.pixels("t1_neckline_front", 7, SIZE)))

    def repaint_again(self) -> None:
        self._deliver("t1_neckline_front", renders.png(renders.pixels("t1_neckline_front", 9, SIZE)))

    def damage(self) -> None:
        whole = renders.png(renders.pixels("b1_bottom_front", 8, SIZE))
        self._deliver("b1_bottom_front", whole[: len(whole) * 2 // 3])

    def put_hostile_names(self) -> None:
        for name in ("a\nb_0000.png", "$(touch x)_neckline_front_0000.png", "<script>_bottom_back_0001.png"):
            (self.renders / "Render PNG's" / name).write_bytes(b"harmless")


class Pyramids(World):
    """A place of scans, all of which are made."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        super().__init__(folder, patch)
        self.flow, self.outputs = flows.get("pyramids"), open_store(str(folder / "images"))
        self.scans = open_store(str(folder / "scans"))
        patch.setenv("DARKROOM_STUDIO_STORE", self.store.uri)
        patch.setenv("DARKROOM_IMAGE_STORE", self.outputs.uri)
        patch.setenv("DARKROOM_SCAN_SOURCES", f'{{"maps": "{self.scans.uri}"}}')
        settings.cache_clear()

    def request(self, mode: Mode = Mode.CHANGED) -> Request:
        from darkroom.pyramids.sources import markers

        if mode is not Mode.ALL:  # everything is marked, as by an upload
            for one in list(self.scans.list()):
                markers.write(self.store, "maps", self.scans, markers.Marker(key=one.key))
        request: Request = self.flow.request({"mode": mode})
        return request

    def deliver(self) -> None:
        for number in range(70):
            self._scan(f"{number:02}.png", number)

    def _scan(self, key: str, shade: int) -> None:
        image = scans.picture(40 + shade % 7, 30)
        self.scans.write(key, (image + shade).cast("uchar").pngsave_buffer())

    def repaint(self) -> None:
        self._scan("00.png", 99)

    def repaint_again(self) -> None:
        self._scan("00.png", 60)

    def damage(self) -> None:
        self.scans.write("01.png", self.scans.read("02.png")[:-60])

    def put_hostile_names(self) -> None:
        for name in ("a\nb.png", "$(touch x).png", "-rf.png", "%2e%2e.png", "<script>.png", "\u202egpj.png"):
            self._scan(name, 3)


class Mirrors(World):
    """A folder that is mirrored in another, with an archive beside it."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        super().__init__(folder, patch)
        self.flow, self.outputs = flows.get("archive"), open_store(str(folder / "mirror"))
        self.source, self.aside = open_store(str(folder / "scans")), open_store(str(folder / "versions"))
        (folder / "pairs").mkdir()
        places = f"from: {self.source.uri}\nto: {self.outputs.uri}\narchive: {self.aside.uri}\n"
        (folder / "pairs" / "maps.yaml").write_text(places)
        patch.setenv("DARKROOM_STUDIO_STORE", self.store.uri)
        patch.setenv("DARKROOM_PAIRS_DIR", str(folder / "pairs"))
        settings.cache_clear()

    def request(self, mode: Mode = Mode.CHANGED) -> Request:
        request: Request = self.flow.request({"mode": mode})
        return request

    def deliver(self) -> None:
        for number in range(70):
            self.source.write(f"{number:03}.tif", f"scan {number}".encode())

    def repaint(self) -> None:
        self.source.write("000.tif", b"another scan")

    def repaint_again(self) -> None:
        self.source.write("000.tif", b"a third scan")

    def damage(self) -> None:
        # any bytes can be mirrored, so it is its place that is wrong
        (self.folder / "mirror" / "001.tif").mkdir(parents=True)

    def put_hostile_names(self) -> None:
        for name in ("a\nb.tif", "$(touch x).tif", "-rf.tif", "%2e%2e.tif", "<script>.tif", "\u202egpj.tif"):
            self.source.write(name, b"harmless")


class Deliveries(World):
    """The tiny style's renders, and what else lies beside them, in a folder that is ingested."""

    prefix = "renders/"

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        super().__init__(folder, patch)
        self.flow, self.outputs = flows.get("ingest"), self.store
        self.style, self.renders = folder / "tiny.yaml", folder / "renders"
        patch.setenv("DARKROOM_INGEST_QUIET", "0")
        settings.cache_clear()

    def request(self, mode: Mode = Mode.CHANGED) -> Request:
        from darkroom.ingest.request import request_of

        return request_of(str(self.style), str(self.renders), self.store.uri, mode=mode)

    def deliver(self) -> None:
        self.style.write_text(STYLE)
        renders.draw(self.renders / "Render PNG's", LAYERS, range(6), SIZE)

    def _deliver(self, data: bytes) -> None:
        new = self.folder / "renders.new"
        new.write_bytes(data)
        new.replace(self.renders / "Render PNG's" / "t1_neckline_front_0000.png")

    def repaint(self) -> None:
        self._deliver(renders.png(renders.pixels("t1_neckline_front", 7, SIZE)))

    def repaint_again(self) -> None:
        self._deliver(renders.png(renders.pixels("t1_neckline_front", 9, SIZE)))

    def damage(self) -> None:
        # a broken render is delivered as it is, so it is its place that is wrong
        (self.folder / "studio" / "renders" / "raw" / "tiny" / "Render PNG's" / "b1_bottom_front_0000.png").mkdir(
            parents=True
        )

    def put_hostile_names(self) -> None:
        for name in ("a\nb_0000.png", "$(touch x)_neckline_front_0000.png", "<script>_bottom_back_0001.png", "-rf.png"):
            (self.renders / "Render PNG's" / name).write_bytes(b"harmless")

    def standing(self) -> dict[str, str]:
        """Without the catalogue, which is no item's."""
        return {key: etag for key, etag in super().standing().items() if not key.endswith("/catalogue.json")}


class Folders(World):
    """A folder that is synced into another one, in which what is in the way goes below `removed/`.

    It has no mode `all`: instead every file is read, whatever is known of it.
    """

    makes_anew = False

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        super().__init__(folder, patch)
        self.flow, self.outputs = flows.get("sync"), open_store(str(folder / "bucket"))
        self.aside = open_store(str(folder / "bucket" / "removed"))
        self.shops = open_store(str(folder / "shops"))
        patch.setenv("DARKROOM_STUDIO_STORE", self.store.uri)
        patch.setenv("DARKROOM_SYNC_CACHE", str(folder / "cache"))
        settings.cache_clear()

    def request(self, mode: Mode = Mode.CHANGED) -> Request:
        from darkroom.sync.profiles import Profile
        from darkroom.sync.request import SyncMode, request_of

        places = {"source": str(self.folder / "shops"), "target": self.outputs.uri}
        profile = Profile(name="shops", rules="none", **places)
        asked = SyncMode.PLAN if mode is Mode.PLAN else SyncMode.COPY
        return request_of([profile], mode=asked, cached=mode is not Mode.ALL)

    def deliver(self) -> None:
        for number in range(200):
            self.shops.write(f"{number:03}.jpg", f"photo {number}".encode())

    def repaint(self) -> None:
        self.shops.write("000.jpg", b"another photo")

    def repaint_again(self) -> None:
        self.shops.write("000.jpg", b"a third photo")

    def damage(self) -> None:
        # any bytes can be uploaded, so it is its place that is wrong
        (self.folder / "bucket" / "001.jpg").mkdir(parents=True)

    def put_hostile_names(self) -> None:
        for name in ("a\nb.jpg", "$(touch x).jpg", "-rf.jpg", "%2e%2e.jpg", "<script>.jpg", "\u202egpj.jpg"):
            self.shops.write(name, b"harmless")

    def standing(self) -> dict[str, str]:
        """Without what was put aside."""
        return {key: etag for key, etag in super().standing().items() if not key.startswith("removed/")}


WORLDS: dict[str, type[World]] = {
    "upper": Texts,
    "compositing": Composites,
    "pyramids": Pyramids,
    "archive": Mirrors,
    "ingest": Deliveries,
    "sync": Folders,
}


def register(patch: pytest.MonkeyPatch) -> None:
    """Make the toy flow known by its name."""
    patch.setitem(flows._FLOWS, toy_flow.NAME, "tests.toy_flow")


if __name__ == "__main__":
    register(pytest.MonkeyPatch())
    run_job(sys.argv[1], workers=1)
