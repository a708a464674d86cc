"""What a machine does in how long: the figures by which plans are cut into jobs and costed.

Those of a reference machine stand here; `darkroom estimate --measure` puts a deployment's own into its studio's store.
"""

import logging
from datetime import date
from typing import Annotated

from pydantic import Field

from darkroom import keys
from darkroom.errors import BadInput, NotFound
from darkroom.jobs import Document, dump, parse
from darkroom.store import Store, readable

log = logging.getLogger(__name__)

Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
"""Of one core, for one of what the field counts."""
_Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]

OTHER = "other"
"""Of images of any other kind than those that have figures of their own."""


class Figures(Document):
    """Seconds of one core, on one kind of machine, and sizes of what is made; where nothing else is said, of one."""

    machine: str
    """Which one, for people."""
    measured: date

    decode: Seconds
    """A pixel of a render."""
    compose: Seconds
    """A pixel of a different picture's frame: drawn and reduced."""
    encode: Seconds
    """A different picture, 800x800."""
    crop: Seconds
    """Each other cut of it."""
    picture_bytes: _Positive
    """Of a picture's file."""
    crop_bytes: _Positive
    """Of another cut's."""

    scan: dict[str, Seconds]
    """A pixel of an image that is decoded for a pyramid, by its kind: `jpg`, `png`, `tif`, and all `other`."""
    pyramid: Seconds
    """A pixel of a pyramid's largest level: all levels written, read back and proven."""
    pyramid_bytes: _Positive
    """Of a pyramid's file, for each such pixel."""

    write: Seconds
    """An object written to the store."""
    move: Seconds
    """A byte read or written."""
    writes_a_second: _Positive
    """How many objects a worker writes a second, whatever its cores: the store's answers take their time."""

    archive: Seconds
    """An object mirrored, beside its bytes."""
    deliver: Seconds
    """A render delivered, beside its bytes."""
    post: Seconds
    """A thumbnail posted."""

    keep: Seconds
    """An item in planning, settling and reporting, which one process does after the other."""
    start: Seconds
    """A worker's start."""

    def scan_of(self, kind: str) -> float:
        """Seconds of a pixel of an image of that kind."""
        return self.scan.get(kind, self.scan[OTHER])


REFERENCE = Figures(
    machine="x86_64, 2 cores, Python 3.11.7",
    measured=date(2026, 11, 28),
    decode=1.07e-9,
    compose=0.52e-9,
    encode=0.0043,
    crop=0.0009,
    picture_bytes=160_000,
    crop_bytes=24_000,
    scan={"jpg": 8.1e-9, "png": 14.2e-9, "tif": 11.8e-9, OTHER: 14.2e-9},
    pyramid=30e-9,
    pyramid_bytes=1.67,
    write=0.00023,
    move=20e-9,
    # an S3 on the same cores (docs/benchmarks.md, Stores)
    writes_a_second=683.0,
    archive=0.1,
    deliver=0.1,
    post=3.0,
    keep=0.0002,
    start=0.62,
)


def figures_of(store: Store) -> Figures:
    """A studio's own figures, else the reference machine's; also where its own cannot be read, which is said."""
    try:
        return parse(Figures, store.read(keys.FIGURES), readable(store.uri_of(keys.FIGURES)))
    except NotFound:
        return REFERENCE
    except BadInput as error:
        log.warning(
            "%s The figures of another machine are taken; measure anew with darkroom estimate --measure.", error
        )
        return REFERENCE


def keep_figures(store: Store, figures: Figures) -> None:
    """From now on a studio's plans go by these."""
    store.write(keys.FIGURES, dump(figures), content_type="application/json", durable=True)
