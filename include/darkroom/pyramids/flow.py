"""The flow `pyramids` as the protocol wants it (`darkroom.flows`)."""

from collections.abc import Iterable, Mapping
from typing import Any

import pyvips

from darkroom.errors import StoreError
from darkroom.imaging.headers import RangeReader
from darkroom.jobs import Manifest, Outcome, State
from darkroom.pyramids.plan import write_plan
from darkroom.pyramids.request import request_from_params
from darkroom.pyramids.settle import settle
from darkroom.pyramids.work import work
from darkroom.settings import settings
from darkroom.store import Store

__all__ = ["picture", "plan", "previews", "settle", "stores", "work"]

_SHOWN = 142  # pixels of a side


def stores() -> tuple[str, ...]:
    """The studio's store, that of the images, and every place of scans."""
    return (settings().studio_store, settings().image_store, *settings().scan_sources.values())


def plan(params: Mapping[str, Any], *, dag_id: str, run_id: str) -> Manifest:
    """Find the work that a form asks for and write the plan's folder. Raises `BadInput`, with nothing written."""
    return write_plan(request_from_params(params), dag_id, run_id)


def previews(outcomes: Iterable[Outcome], most: int) -> list[str]:
    """Keys of pyramids that were made, evenly over all of them."""
    made = [outcome.outputs[0].key for outcome in outcomes if outcome.state is State.DONE]
    return made[:: max(1, -(-len(made) // most))]


def picture(store: Store, key: str) -> bytes | None:
    """A pyramid's smallest level that is large enough, as a PNG; only that is fetched.

    Nothing where somebody has put something else there, or taken it away.
    """
    entry = store.head(key)
    try:
        return _smallest_level(RangeReader(store, entry)) if entry else None
    except (pyvips.Error, StoreError):
        return None


def _smallest_level(reader: RangeReader) -> bytes:
    image = pyvips.Image.tiffload_source(reader.source())
    for page in reversed(range(image.get("n-pages"))):
        level = pyvips.Image.tiffload_source(reader.source(), page=page)
        if max(level.width, level.height) >= _SHOWN:
            image = level
            break
    small: bytes = image.thumbnail_image(_SHOWN, size="down").pngsave_buffer(compression=9, keep="none")
    return small
