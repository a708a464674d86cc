"""What composites cost: seconds of one core by the machine's figures, requests to a store, bytes."""

from collections.abc import Sequence
from typing import NamedTuple

from darkroom.compositing.job import Layout
from darkroom.compositing.profiles import COMPOSITE
from darkroom.estimates import LEDGER, Requests, Spends
from darkroom.figures import Figures

ENOUGH = 60.0
"""Seconds of one core from which a sheet is a job of its own."""
HELD = 429
"""Bytes of memory for each pixel of the largest frame: 10 megapixels are what a small machine takes."""

_LAYER = Requests(gets=2)  # its header for the plan, all of it for the worker
_PUT = Requests(puts=1)  # not confirmed: settling proves them by a listing
_COPY = Requests(puts=1, gets=2)  # pinned to its source, and looked at
_LEDGER = LEDGER + Requests(gets=1)  # the plan reads it as well


class Pictures(NamedTuple):
    """So many different pictures of a sheet, each in these cuts and under so many `names` in all."""

    different: int
    names: int
    cuts: Sequence[str]

    @property
    def crops(self) -> int:
        """Of the cuts, those that are cut out of the picture."""
        return len([cut for cut in self.cuts if cut != COMPOSITE])

    def files(self, layout: Layout) -> int:
        """How many objects they are."""
        return (self.names if layout is Layout.NAMES else self.different) * len(self.cuts)

    def bytes(self, figures: Figures, layout: Layout) -> float:
        """Of all of them."""
        one = self.crops * figures.crop_bytes + (len(self.cuts) - self.crops) * figures.picture_bytes
        return one * (self.names if layout is Layout.NAMES else self.different)


def seconds_of(figures: Figures, layers: Sequence[int], pictures: Sequence[Pictures], layout: Layout) -> float:
    """Seconds of one core that a sheet takes, whose layers have so many pixels each."""
    frame = max(layers, default=0)
    seconds = sum(layers) * figures.decode
    for some in pictures:
        one = frame * figures.compose + some.crops * figures.crop + (len(some.cuts) - some.crops) * figures.encode
        seconds += some.different * one + some.files(layout) * figures.write
    return seconds


def spends_of(figures: Figures, layers: int, pictures: Sequence[Pictures], layout: Layout, *, ledgers: int) -> Spends:
    """What a sheet of so many layers costs a store, whose pictures so many ledgers know."""
    requests = _LAYER.times(layers) + _LEDGER.times(ledgers)
    for some in pictures:
        first = some.different * len(some.cuts)
        requests += _PUT.times(first) + _COPY.times(some.files(layout) - first)
    outputs = sum(some.files(layout) for some in pictures)
    return Spends(requests, outputs, sum(some.bytes(figures, layout) for some in pictures))
