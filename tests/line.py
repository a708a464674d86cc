"""The line that makes pyramids, by itself: without a plan, and with limits of one's own."""

from concurrent.futures import ThreadPoolExecutor

from darkroom.jobs import Outcome
from darkroom.pyramids.batch import Limits, pyramid_line
from darkroom.pyramids.fetching import Stored
from darkroom.pyramids.job import PyramidItem
from darkroom.pyramids.profiles import PROFILES
from darkroom.store import Entry, Store


def made(store: Store, out: Store, limits: Limits) -> dict[str, Outcome]:
    """What becomes of all that lies in a store, many at once, by key; the pyramids are called as it, with `.tif`."""

    def item(entry: Entry) -> PyramidItem:
        target = f"{entry.key}.tif"
        return PyramidItem(name=entry.key, group="", key=entry.key, target=target, recipe="r")

    with pyramid_line(out, PROFILES["deflate"], limits) as line, ThreadPoolExecutor(line.at_once) as pool:
        outcomes = pool.map(lambda entry: line.make(item(entry), Stored(store, entry)), list(store.list()))
        return {outcome.item: outcome for outcome in outcomes}
