"""A studio that renders are delivered to, for the tests of the ingest: a style, a store, and a place of deliveries."""

import json
from pathlib import Path

from darkroom import keys, ledger
from darkroom.ingest.flow import FLOW
from darkroom.ingest.job import Cursor, IngestEntry, IngestLedger
from darkroom.ingest.request import Request, request_of
from darkroom.jobs import Mode, Report
from darkroom.runs import run_here
from darkroom.store import open_store
from tests import renders
from tests.tiny import STYLE

_NAMED = 'source_folders: ["Render PNG\'s"]'
RAW, CADDY = "renders/raw/tiny/", "renders/caddy/tiny/"


def render(layer: str, colour: int = 0, size: int = 48) -> bytes:
    """A render's PNG; another colour is another content."""
    return renders.png(renders.pixels(layer, colour, size))


class Studio:
    """`style.yaml` and the store `studio/` below a folder; `source` is where renders are delivered."""

    def __init__(self, folder: Path, source: str) -> None:
        self.folder, self.source = folder, source
        self.folders: tuple[str, ...] = ("",)
        self.style = folder / "style.yaml"
        self.style.write_text(STYLE, encoding="utf-8")
        self.store = open_store(str(folder / "studio"))

    def name_folders(self, *folders: str) -> None:
        """Have the style name these as its own, below the source."""
        style = STYLE.replace(_NAMED, f"source_folders: {json.dumps(folders)}")
        assert style != STYLE
        self.style.write_text(style, encoding="utf-8")
        self.folders = folders

    def request(self, mode: Mode = Mode.CHANGED, max_delete: str = "") -> Request:
        asked = request_of(str(self.style), self.source, self.store.uri, mode=mode, max_delete=max_delete)
        styles = tuple(one.model_copy(update={"folders": self.folders}) for one in asked.styles)
        return asked.model_copy(update={"styles": styles})

    def ingest(self, mode: Mode = Mode.CHANGED, max_delete: str = "") -> Report:
        """A whole run."""
        return run_here(FLOW, self.request(mode, max_delete), command="ingest", subject="tiny", workers=2)

    def again(self, since: str, until: str) -> Report:
        """A backfill of what was delivered in an interval."""
        request = self.request().model_dump() | {"since": since, "until": until}
        return run_here(FLOW, Request.model_validate(request), command="ingest", subject="tiny", workers=2)

    def words(self, *more: str) -> list[str]:
        """The command of a run."""
        places = ("--style", str(self.style), "--from", self.source, "--to", str(self.folder / "studio"))
        return ["ingest", *places, *more]

    def raw(self) -> dict[str, bytes]:
        """The raw renders, by delivered path."""
        return self._below(RAW)

    def proxies(self) -> dict[str, bytes]:
        """The proxies, by their keys below the style's, without the catalogue."""
        return {key: data for key, data in self._below(CADDY).items() if key != "catalogue.json"}

    def aside(self) -> dict[str, bytes]:
        """What was set aside, by key without the day."""
        return {key.partition("/")[2]: data for key, data in self._below(keys.REMOVED).items()}

    def _below(self, prefix: str) -> dict[str, bytes]:
        listed = list(self.store.list(prefix))
        return {entry.key.removeprefix(prefix): self.store.read(entry.key) for entry in listed}

    def catalogued(self) -> set[str]:
        """The proxies that the catalogue names."""
        layers = json.loads(self.store.read(f"{CADDY}catalogue.json"))["layers"]
        return {key for layer in layers.values() for key in layer["proxies"].values()}

    def known(self) -> dict[str, IngestEntry]:
        """What the ledgers know, by key."""
        shards = [entry.key for entry in self.store.list(keys.ingest_ledgers("tiny"))]
        return {
            key: one for shard in shards for key, one in ledger.read(self.store, shard, IngestLedger).outputs.items()
        }

    def cursor(self, folder: str = "") -> str:
        """The cursor of a folder; empty: there is none."""
        return ledger.read(self.store, keys.ingest_cursor("tiny"), Cursor).folders.get(folder, "")
