"""A library with one place of scans, and its nights: plan, run, settle and report without an Airflow."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from darkroom import planning
from darkroom.flows import Run
from darkroom.jobs import Manifest, Report
from darkroom.pyramids.flow import FLOW
from darkroom.pyramids.sources import markers
from darkroom.runs import finish
from darkroom.settings import settings
from darkroom.store import Store, open_store
from tests import scans as drawings

RUN = Run("nightly_pyramids", "a-night")


@dataclass
class Library:
    """Stores of a library: `scans` is the place of its source `maps`."""

    scans: Store
    studio: Store
    images: Store

    def scan(self, key: str, width: int = 90, height: int = 70) -> None:
        """Put a small picture there, as its extension says."""
        image = drawings.picture(width, height)
        suffix = Path(key).suffix.lower()
        data = {".png": image.pngsave_buffer, ".tif": image.tiffsave_buffer}.get(suffix, image.jpegsave_buffer)()
        self.scans.write(key, data)

    def mark(self, *keys: str, **said: Any) -> None:
        """Write a marker for each image, as `darkroom mark` does, with what else it shall say."""
        for key in keys:
            markers.write(self.studio, "maps", self.scans, markers.Marker(key=key, **said))

    def put_marker(self, name: str, content: Any) -> str:
        """Write an object below the markers' prefix, as another system might."""
        key = f"process/maps/{name}"
        self.studio.write(key, content if isinstance(content, bytes) else json.dumps(content).encode())
        return key

    def marked(self) -> list[str]:
        """The keys of the images that are marked."""
        return sorted(found.marker.key for found in markers.read_markers(self.studio, "maps") if found.marker)

    def pyramids(self) -> list[str]:
        """The keys of what was published."""
        return sorted(entry.key for entry in self.images.list())

    def plan(self, **params: Any) -> Manifest:
        """Only the plan."""
        return planning.plan(FLOW, FLOW.request(params), RUN)

    def finish(self, manifest: Manifest) -> Report:
        """Run, settle and report what was planned."""
        return finish(manifest, workers=2)

    def night(self, **params: Any) -> Report:
        """All of it."""
        return self.finish(self.plan(**params))


@contextmanager
def library(scans: str, studio: str, images: str, **variables: str) -> Iterator[Library]:
    """The deployment that works with these stores."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DARKROOM_STUDIO_STORE", studio)
        patch.setenv("DARKROOM_IMAGE_STORE", images)
        patch.setenv("DARKROOM_SCAN_SOURCES", json.dumps({"maps": scans}))
        for name, value in variables.items():
            patch.setenv(name, value)
        settings.cache_clear()
        yield Library(open_store(scans), open_store(studio), open_store(images))
    settings.cache_clear()


@contextmanager
def day(date: str) -> Iterator[None]:
    """Plans of another day."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime.fromisoformat(date).replace(tzinfo=UTC)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(planning, "datetime", Clock)
        yield
