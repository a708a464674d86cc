"""The pictures of a report, made small: they lie in the page itself."""

import io
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from PIL import Image

from darkroom.estimates import PREVIEWS
from darkroom.flows import Flow
from darkroom.store import Store

SIDE = 142
"""Pixels of a thumbnail's longer side, as the smallest cut has."""
MOST_BYTES = 16_000
"""Of one of them; what is larger all the same is not shown."""
_LARGEST = 1600  # pixels of a side of what is made small; a proxy has 800
_READERS = 16
_QUALITY = 80


def thumbnails(flow: Flow, store: Store, shown: Sequence[str]) -> dict[str, bytes]:
    """Thumbnails (WebP) of at most `PREVIEWS` of these outputs, evenly over all of them, by key.

    What is gone, or cannot be shown, is left out.
    """
    step = max(1, -(-len(shown) // PREVIEWS))
    chosen = list(dict.fromkeys(shown[::step]))

    def one(key: str) -> bytes | None:
        found = flow.picture(store, key)
        return thumbnail(found) if found else None

    with ThreadPoolExecutor(min(store.concurrency, _READERS), "thumbnails") as pool:
        made: Mapping[str, bytes | None] = dict(zip(chosen, pool.map(one, chosen), strict=True))
    return {key: data for key, data in made.items() if data}


def thumbnail(png: bytes) -> bytes | None:
    """A PNG made small, as WebP; None for what is none, is too large to be decoded for this, or stays too large."""
    try:
        picture = Image.open(io.BytesIO(png), formats=["PNG"])
        if max(picture.size) > _LARGEST:
            return None
        small = picture.convert("RGBA")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    small.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    data = io.BytesIO()
    small.save(data, "WEBP", quality=_QUALITY)
    return data.getvalue() if data.tell() <= MOST_BYTES else None
